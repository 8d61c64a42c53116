"""GA4GH Data Use Ontology: does a use fit what the data's terms permit? Anything unknown or unsaid is a no.

Answers combine: DENY beats NEEDS_HUMAN beats PERMIT, so one doubt never hides a refusal.
Source: EBISPOT/DUO, `duo.csv`: five permissions, eighteen modifiers; DUO:0000001 and DUO:0000017 are abstract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from enum import IntEnum

import msgspec

from bailee.agreements.days import add_months, first_ms, window
from bailee.agreements.diseases import Diseases
from bailee.agreements.terms import Modifier, Purposes, Term

NRES, GRU, HMB, DS, POA = "DUO:0000004", "DUO:0000042", "DUO:0000006", "DUO:0000007", "DUO:0000011"
RS, NMDS, GSO, NPUNCU, PUB, COL = (
    "DUO:0000012",
    "DUO:0000015",
    "DUO:0000016",
    "DUO:0000018",
    "DUO:0000019",
    "DUO:0000020",
)
IRB, GS, MOR, TS, US, PS = "DUO:0000021", "DUO:0000022", "DUO:0000024", "DUO:0000025", "DUO:0000026", "DUO:0000027"
IS, RTN, CC, NPOA, NPU, NCU = "DUO:0000028", "DUO:0000029", "DUO:0000043", "DUO:0000044", "DUO:0000045", "DUO:0000046"

COVERS: Mapping[str, frozenset[str]] = {
    NRES: frozenset({NRES, GRU, HMB, DS, POA}),
    GRU: frozenset({GRU, HMB, DS, POA}),
    HMB: frozenset({HMB, DS}),
    DS: frozenset({DS}),
    POA: frozenset({POA}),
}
"""Permission → the aims that lie below it."""

WITH_VALUES = frozenset({RS, GS, US, PS, IS})
WITH_MONTHS = frozenset({MOR, TS})
MODIFIERS = frozenset(
    {RS, NMDS, GSO, NPUNCU, PUB, COL, IRB, GS, MOR, TS, US, PS, IS, RTN, CC, NPOA, NPU, NCU},
)
OBLIGATIONS: Mapping[str, str] = {
    MOR: "publication-moratorium",
    PUB: "publish-results",
    RTN: "return-results",
    COL: "collaborate",
}


class Verdict(IntEnum):
    """An answer; the highest of several wins."""

    PERMIT = 0
    NEEDS_HUMAN = 1
    DENY = 2


class Use(Term, frozen=True, kw_only=True):
    """What somebody wants to do. None means that it was not said, and then whatever depends on it is a no."""

    aim: str | None = None  # the broadest purpose, as a DUO permission
    diseases: tuple[str, ...] = ()
    methods: bool | None = None  # develops methods, software or models; training a model is that
    genetic: bool | None = None
    ancestry: bool | None = None
    commercial: bool | None = None
    non_profit: bool | None = None
    clinical: bool | None = None  # used in care
    research_types: tuple[str, ...] | None = None
    users: tuple[str, ...] | None = None
    institutions: tuple[str, ...] | None = None
    projects: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    board_from: date | None = None
    board_until: date | None = None  # the first day without approval


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """The answer, why, and what the use would be bound to."""

    verdict: Verdict
    grounds: tuple[str, ...]  # one sentence per code that does not permit
    obligations: tuple[str, ...] = ()


class _Case(msgspec.Struct, frozen=True):
    """One question: the terms' modifier at hand, the use, and the time."""

    modifier: Modifier
    use: Use
    granted_on: date
    at_ms: int


def match(terms: Purposes | None, use: Use, *, granted_on: date, at_ms: int, diseases: Diseases) -> Match:
    """Tell whether a use fits the terms at a moment.

    Units: milliseconds since the epoch; `granted_on` starts the months of a time limit.
    """
    if terms is None:
        return Match(verdict=Verdict.DENY, grounds=("the data has no use terms",))
    found = [*_lattice(terms, use, diseases)]
    for modifier in terms.modifiers:
        check = _PREDICATES.get(modifier.code)
        verdict = check(_Case(modifier, use, granted_on, at_ms)) if check else Verdict.DENY
        if verdict:
            found.append((verdict, f"{modifier.code} {_WORDS.get(modifier.code, 'is not a modifier of DUO')}"))
    bound = tuple(OBLIGATIONS[item.code] for item in terms.modifiers if item.code in OBLIGATIONS)
    worst = max((verdict for verdict, _ in found), default=Verdict.PERMIT)
    return Match(verdict=worst, grounds=tuple(words for _, words in found), obligations=bound)


def malformed(terms: Purposes) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """Give what makes terms unreadable: where, the rule, the remedy."""
    if terms.permission not in COVERS:
        yield ("permission",), "not a permission of DUO", f"Use one of {', '.join(sorted(COVERS))}."
    if (terms.permission == DS) != bool(terms.diseases):
        yield ("diseases",), f"diseases belong to {DS}, and it needs them", "Add MONDO codes, or remove them."
    seen: set[str] = set()
    for number, item in enumerate(terms.modifiers):
        step = ("modifiers", number)
        if item.code not in MODIFIERS:
            yield (*step, "code"), "not a modifier of DUO", "Correct the code; two of DUO's codes are abstract."
        elif item.code in seen:
            yield step, "the same modifier twice", "Keep one."
        elif bool(item.values) != (item.code in WITH_VALUES):
            yield step, "`values` are missing, or not this modifier's", "Lists belong to RS, GS, US, PS, IS."
        elif (item.months is not None) != (item.code in WITH_MONTHS):
            yield step, "`months` is missing, or not this modifier's", "Months belong to MOR and TS."
        seen.add(item.code)


def _lattice(terms: Purposes, use: Use, diseases: Diseases) -> Iterator[tuple[Verdict, str]]:
    below = COVERS.get(terms.permission, frozenset())
    if use.aim is None or use.aim not in below:
        yield Verdict.DENY, f"the aim is not said, or not below {terms.permission}"
    if use.aim == DS and not (use.diseases and all(diseases.knows(code) for code in use.diseases)):
        yield Verdict.DENY, f"{DS} without a disease that is known"
    if terms.permission == DS and not _below(use.diseases, terms.diseases, diseases):
        yield Verdict.DENY, f"{DS} covers other diseases"
    if terms.permission in {HMB, DS} and use.ancestry is not False:
        yield Verdict.DENY, f"{terms.permission} is not for ancestry, and it is not said that it is none"
    clinical_fits = terms.permission == NRES or any(item.code == CC for item in terms.modifiers)
    if use.clinical is None or (use.clinical and not clinical_fits):
        yield Verdict.DENY, f"use in care needs {CC}, and it is not said that it is none"


def _below(wanted: tuple[str, ...], permitted: tuple[str, ...], diseases: Diseases) -> bool:
    return bool(wanted) and all(diseases.lies_below(code, permitted) for code in wanted)


def _within(wanted: tuple[str, ...] | None, permitted: tuple[str, ...]) -> Verdict:
    return Verdict.PERMIT if wanted and set(wanted) <= set(permitted) else Verdict.DENY


def _only_if(holds: object) -> Verdict:
    return Verdict.PERMIT if holds else Verdict.DENY


def _regions(case: _Case) -> Verdict:
    wanted, permitted = case.use.regions, set(case.modifier.values)
    return _only_if(bool(wanted) and all({one, one.partition("-")[0]} & permitted for one in wanted or ()))


def _board(case: _Case) -> Verdict:
    begins, ends = case.use.board_from, case.use.board_until
    if begins is None or ends is None:
        return Verdict.DENY
    return _only_if(window(begins, ends).holds(case.at_ms))


def _time_limit(case: _Case) -> Verdict:
    months = case.modifier.months
    return _only_if(months is not None and case.at_ms < first_ms(add_months(case.granted_on, months)))


def _research_type(case: _Case) -> Verdict:
    wanted = case.use.research_types
    if not wanted:
        return Verdict.DENY
    return Verdict.PERMIT if set(wanted) <= set(case.modifier.values) else Verdict.NEEDS_HUMAN


_PREDICATES: Mapping[str, Callable[[_Case], Verdict]] = {
    RS: _research_type,
    NMDS: lambda case: _only_if(case.use.methods is False),
    GSO: lambda case: _only_if(case.use.genetic is True),
    NPUNCU: lambda case: _only_if(case.use.non_profit is True and case.use.commercial is False),
    PUB: lambda _: Verdict.PERMIT,
    COL: lambda _: Verdict.NEEDS_HUMAN,
    IRB: _board,
    GS: _regions,
    MOR: lambda _: Verdict.PERMIT,
    TS: _time_limit,
    US: lambda case: _within(case.use.users, case.modifier.values),
    PS: lambda case: _within(case.use.projects, case.modifier.values),
    IS: lambda case: _within(case.use.institutions, case.modifier.values),
    RTN: lambda _: Verdict.PERMIT,
    CC: lambda _: Verdict.PERMIT,
    NPOA: lambda case: _only_if(case.use.ancestry is False),
    NPU: lambda case: _only_if(case.use.non_profit is True),
    NCU: lambda case: _only_if(case.use.commercial is False),
}

_WORDS: Mapping[str, str] = {
    RS: "names research types, and this is another or none was said",
    NMDS: "excludes methods development, which training a model is",
    GSO: "is for genetic studies only",
    NPUNCU: "is for organisations without profit and uses without commerce",
    COL: "asks for a collaboration with the source, which a person must confirm",
    IRB: "needs a review board's approval at this time",
    GS: "limits the regions of processing",
    TS: "limits the time, which is over",
    US: "limits the users",
    PS: "limits the projects",
    IS: "limits the institutions",
    NPOA: "excludes ancestry research",
    NPU: "is for organisations without profit only",
    NCU: "excludes commercial use",
}

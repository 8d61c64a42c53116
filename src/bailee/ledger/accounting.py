"""Accounting of disclosures: what left about one patient, and what the law lets a report leave out.

Everything is logged; an exemption only hides a row in the statutory view, and each row says which one would.
Source: 45 CFR 164.528.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec

from bailee.ledger.retention import accounting_from_ms, days_later_ms, years_later

COMPLIANCE_MS = 1_050_278_400_000  # 2003-04-14, 45 CFR 164.534
RESEARCH_PATIENTS = 50
ANSWER_DAYS, EXTENSION_DAYS = 60, 30
ORAL_SUSPENSION_DAYS = 30
RESEARCH_PURPOSES = frozenset({"HRESCH", "CLINTRCH"})
_RESEARCH_DUO = ("DUO:0000006", "DUO:0000007", "DUO:0000011", "DUO:0000042")


class Disclosure(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One patient's data in one release: what 164.528(b)(2) asks to say, and where the ledger has it."""

    seq: int  # the ledger's leaf
    index: int  # the row among its subjects
    number: int  # the patient's n-th leaf
    at_ms: int
    release: str
    state: str  # done · unknown (the system stopped; counted as disclosed) · disclosed (under way)
    partner: str
    address: str
    phone: str
    agreement: str
    route: str
    purpose: tuple[str, ...]
    identifiability: str
    data: tuple[str, ...]
    patients: int  # in the whole release


@dataclass(frozen=True)
class Exemption:
    """A reason for which the law does not ask to report a disclosure."""

    citation: str
    words: str
    applies: Callable[[Disclosure], bool]


def _by_route(*routes: str) -> Callable[[Disclosure], bool]:
    return lambda disclosure: disclosure.route in routes


EXEMPTIONS = (
    Exemption(
        "164.502(d)(2)",
        "de-identified data is not protected health information",
        lambda disclosure: disclosure.identifiability in {"safe-harbor", "expert-determination"},
    ),
    Exemption(
        "164.528(a)(1)(i)",
        "treatment, payment or health care operations",
        _by_route("operations", "treatment", "payment"),
    ),
    Exemption("164.528(a)(1)(ii)", "given to the patient", _by_route("individual")),
    Exemption("164.528(a)(1)(iii)", "incident to a permitted use", _by_route("incident")),
    Exemption("164.528(a)(1)(iv)", "authorized by the patient", _by_route("authorization")),
    Exemption("164.528(a)(1)(v)", "facility directory, or persons involved in care", _by_route("directory")),
    Exemption("164.528(a)(1)(vi)", "national security or intelligence", _by_route("national-security")),
    Exemption("164.528(a)(1)(vii)", "correctional institution or custody", _by_route("custody")),
    Exemption(
        "164.528(a)(1)(viii)",
        "part of a limited data set",
        lambda disclosure: disclosure.identifiability == "limited-data-set" or disclosure.route == "limited-data-set",
    ),
    Exemption(
        "164.528(a)(1)(ix)", "before the rule's compliance date", lambda disclosure: disclosure.at_ms < COMPLIANCE_MS
    ),
)


@dataclass(frozen=True)
class Suspension:
    """An agency's statement that an accounting would impede it: hides a release's rows for a time. 164.528(a)(2)."""

    release: str
    from_ms: int
    until_ms: int
    oral: bool = False

    def hides(self, disclosure: Disclosure, now_ms: int) -> bool:
        """Tell whether a row is hidden now; an oral statement holds for 30 days at most."""
        end = min(self.until_ms, days_later_ms(self.from_ms, ORAL_SUSPENSION_DAYS)) if self.oral else self.until_ms
        return disclosure.release == self.release and self.from_ms <= now_ms < end


@dataclass(frozen=True, kw_only=True)
class Study:
    """What 164.528(b)(4)(i) asks to say of research with 50 or more people; the rows say the rest."""

    agreement: str
    name: str
    description: str
    criteria: str
    sponsor: str
    contact: str


@dataclass(frozen=True)
class Accounting:
    """An answer: the rows that are shown, how many were left out and by which rule, and the deadline for giving it."""

    asked_ms: int
    from_ms: int
    rows: tuple[Disclosure, ...]
    left_out: dict[str, int]
    free: bool
    answer_by_ms: int
    extended_by_ms: int
    studies: tuple[Study, ...] = ()


def exemption_of(disclosure: Disclosure) -> Exemption | None:
    """Give the first exemption that applies, if any."""
    return next((exemption for exemption in EXEMPTIONS if exemption.applies(disclosure)), None)


def account(
    disclosures: Iterable[Disclosure],
    *,
    asked_ms: int,
    suspensions: Sequence[Suspension] = (),
    statutory: bool = False,
    delivered_ms: int | None = None,
    studies: Sequence[Study] = (),
) -> Accounting:
    """Answer a patient's request: six years back, newest first.

    `statutory` leaves out what the law exempts, and counts it; without it all is shown, which is our default.
    `delivered_ms` is when the last accounting was given: the first in twelve months is free (164.528(c)(2)).
    Rows under suspension are left out of both and counted nowhere. Of `studies`, those with 50 or more people that a
    row belongs to are kept. Cost: O(rows).
    """
    start = accounting_from_ms(asked_ms)
    rows, left_out = [], dict[str, int]()
    for disclosure in disclosures:
        if not start <= disclosure.at_ms <= asked_ms or any(held.hides(disclosure, asked_ms) for held in suspensions):
            continue
        exemption = exemption_of(disclosure) if statutory else None
        if exemption:
            left_out[exemption.citation] = left_out.get(exemption.citation, 0) + 1
        else:
            rows.append(disclosure)
    rows.sort(key=lambda row: (-row.at_ms, -row.seq))
    large = {row.agreement for row in rows if is_large_research(row)}
    answer_by = days_later_ms(asked_ms, ANSWER_DAYS)
    return Accounting(
        asked_ms,
        start,
        tuple(rows),
        left_out,
        is_free(asked_ms, delivered_ms),
        answer_by,
        days_later_ms(answer_by, EXTENSION_DAYS),
        tuple(study for study in studies if study.agreement in large),
    )


def is_free(asked_ms: int, delivered_ms: int | None) -> bool:
    """Tell whether no accounting was given in the twelve months before. Source: 164.528(c)(2)."""
    if delivered_ms is None:
        return True
    last = datetime.fromtimestamp(delivered_ms / 1000, tz=UTC)
    return datetime.fromtimestamp(asked_ms / 1000, tz=UTC) >= years_later(last, 1)


@dataclass(frozen=True)
class Series:
    """Repeated disclosures to one recipient for one purpose: the first in full, then how many and the last date."""

    first: Disclosure
    count: int
    last_ms: int


def grouped(rows: Iterable[Disclosure]) -> list[Series]:
    """Fold repeats, in order of the first. Source: 164.528(b)(3)."""
    series: dict[tuple[object, ...], Series] = {}
    for row in sorted(rows, key=lambda row: (row.at_ms, row.seq)):
        key = (row.partner, row.agreement, row.purpose, row.route)
        known = series.get(key)
        series[key] = replace(known, count=known.count + 1, last_ms=row.at_ms) if known else Series(row, 1, row.at_ms)
    return list(series.values())


def is_large_research(disclosure: Disclosure) -> bool:
    """Tell whether the shorter form for research with 50 or more people may be used. Source: 164.528(b)(4)(i)."""
    research = any(item in RESEARCH_PURPOSES or item in _RESEARCH_DUO for item in disclosure.purpose)
    return research and disclosure.patients >= RESEARCH_PATIENTS

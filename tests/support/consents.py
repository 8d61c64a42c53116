"""A small world for the evaluator: few words for each criterion, so that random rules meet random records often."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from bailee.consent.evaluate import Snapshot
from bailee.consent.rules import Item, Rule
from bailee.core.grants import ALWAYS, BEGINNING_MS, FOREVER_MS, Ask, Grant, Window

ASK = Ask(
    agreement="a1",
    agreement_sha256="a" * 64,
    recipient="acme",
    aliases=frozenset({"acme", "Organization/acme"}),
    purposes=frozenset({"HRESCH"}),
    regions=frozenset({"US-MN"}),
    identifiability="safe-harbor",
    types=frozenset({"Patient", "Condition", "Observation", "Organization"}),
    profile="safe-harbor",
    profile_sha256="b" * 64,
)
GRANT = Grant(
    agreement="a1",
    agreement_sha256="a" * 64,
    signed_sha256="a" * 64,
    in_force=Window(10, 1000),
    purposes=frozenset({"HRESCH"}),
    types=frozenset({"Patient", "Condition", "Observation", "Organization"}),
    recipients=frozenset({"acme"}),
    regions=frozenset({"US"}),
    identifiability="safe-harbor",
    profile="safe-harbor",
    route="de-identified",
    route_holds=ALWAYS,
    needs_permit=False,
    obligations=("publish-results",),
)
ITEM = Item(
    reference="Condition/c1",
    type="Condition",
    patients=("p1",),
    codes=frozenset({"s|1"}),
    mentions=frozenset({"s|1", "s|2"}),
    labels=frozenset({"confidentiality:N"}),
    happened=(100, 200),
    refers_to=frozenset({"Patient/p1", "Encounter/e1"}),
    referred_by=frozenset(),
)


def grant(**changes: Any) -> Grant:
    """Give the grant with changes."""
    return msgspec.structs.replace(GRANT, **changes)


def ask(**changes: Any) -> Ask:
    """Give the ask with changes."""
    return msgspec.structs.replace(ASK, **changes)


def item(**changes: Any) -> Item:
    """Give the record with changes."""
    return msgspec.structs.replace(ITEM, **changes)


def snapshot(*rules: Rule, house: tuple[Rule, ...] = (), **changes: Any) -> Snapshot:
    """Give a snapshot with these rules of patient p1."""
    return Snapshot(grants={"a1": grant(**changes)}, rules={"p1": rules}, house=house)


def rule(effect: str = "deny", name: str = "r1", **criteria: Any) -> Rule:
    """Give a patient's rule."""
    return Rule(id=name, effect=effect, layer=criteria.pop("layer", "patient"), **criteria)  # type: ignore[arg-type]


def _some(*words: str) -> st.SearchStrategy[frozenset[str]]:
    return st.one_of(st.just(frozenset()), st.sets(st.sampled_from(words), max_size=2).map(frozenset))


MOMENTS = st.sampled_from([0, 10, 49, 50, 51, 100, 999, 1000])
CRITERIA: dict[str, st.SearchStrategy[Any]] = {
    "not_before": st.sampled_from([0, 0, 0, 50, 100]),
    "not_after": st.sampled_from([FOREVER_MS, FOREVER_MS, 50, 51, 100]),
    "purposes": _some("HRESCH", "CLINTRCH", "HMARKT", "PurposeOfUse"),
    "recipients": _some("acme", "other"),
    "projects": _some("a1", "a2"),
    "regions": _some("US", "US-MN", "DE"),
    "identifiability": _some("safe-harbor", "identified"),
    "actions": _some("disclose", "access", "collect"),
    "classes": _some("Condition", "Patient", "s|2"),
    "codes": _some("s|1", "s|2", "s|3"),
    "labels": _some("confidentiality:N", "confidentiality:R", "category:hiv", "x|y"),
    "data": _some(
        "instance:Condition/c1", "related:Observation/o1", "dependents:Encounter/e1", "authoredby:Practitioner/x"
    ),
    "data_from": st.sampled_from([BEGINNING_MS, BEGINNING_MS, 100, 150]),
    "data_until": st.sampled_from([FOREVER_MS, FOREVER_MS, 100, 200]),
}


def _criteria(draw: Any) -> dict[str, Any]:
    names = draw(st.sets(st.sampled_from(sorted(CRITERIA)), max_size=4))
    return {name: draw(CRITERIA[name]) for name in sorted(names)}


@st.composite
def rules(draw: Any, *, depth: int = 2, effects: tuple[str, ...] = ("permit", "deny"), nested: bool = True) -> Rule:
    """Draw a rule, with exceptions inside exceptions."""
    effect = draw(st.sampled_from(effects))
    inner = draw(st.lists(rules(depth=depth - 1), max_size=2)) if nested and depth else []
    return Rule(
        id=draw(st.sampled_from(["r1", "r2", "r3", "r4"])),
        effect=effect,
        layer=draw(st.sampled_from(["patient", "patient", "admin"])),
        exceptions=tuple(inner),
        code=draw(st.sampled_from(["E-DENY", "E-DENY", "E-OPTOUT"])),
        **_criteria(draw),
    )


@st.composite
def items(draw: Any) -> Item:
    """Draw a record of patient p1, parts of which may be unknown."""
    unknown = draw(
        st.sets(st.sampled_from(["codes", "mentions", "labels", "happened", "refers_to", "referred_by"]), max_size=2)
    )
    codes = draw(_some("s|1", "s|2", "s|3"))
    parts: dict[str, Any] = {
        "type": draw(st.sampled_from(["Condition", "Observation", "Patient"])),
        "codes": codes,
        "mentions": codes | draw(_some("s|2", "s|3")),
        "labels": draw(_some("confidentiality:N", "confidentiality:R", "category:hiv", "x|y")),
        "happened": draw(st.sampled_from([(100, 200), (0, 101), (150, 151), (-500, -400)])),
        "refers_to": draw(_some("Encounter/e1", "Practitioner/x")),
        "referred_by": draw(_some("Observation/o1")),
    }
    return item(**{name: None if name in unknown else value for name, value in parts.items()})


@st.composite
def grants(draw: Any) -> dict[str, Any]:
    """Draw changes of the grant that matter to patients."""
    return {
        "needs_permit": draw(st.booleans()),
        "special": draw(_some("hiv", "substance-use")),
        "leaves_out": draw(_some("hiv", "psychotherapy")),
    }

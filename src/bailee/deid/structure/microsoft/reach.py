"""Rules that can match nothing whatever the data: a mistyped path keeps what it was to take away, in silence."""

from __future__ import annotations

from bailee.deid.structure.microsoft.fhirpath import Expression
from bailee.deid.structure.microsoft.fhirpath.parse import Item, Member, Name
from bailee.records import r4

GENERAL = frozenset({"Resource", "DomainResource"})


def unreachable(kind: str, expression: Expression | None, lookup: tuple[str, str, str] | None) -> str:
    """Say why a rule can match nothing in FHIR R4, "" if it may; only plain paths and look-ups by type are judged."""
    if kind and kind not in GENERAL and kind not in r4.resource_types():
        return f"{kind} is no resource type of FHIR R4"
    if lookup is not None:
        known = lookup[0] != "nodesByType" or lookup[1] in {*r4.owners(), "BackboneElement", "Element"}
        return "" if known else f"{lookup[1]} is no type of FHIR R4"
    names = _plain(expression, through_items=True)
    if names is None or not kind:
        return ""
    return _lost(kind, [name for number, name in enumerate(names) if number or name != kind])


def plain_names(expression: Expression | None) -> list[str] | None:
    """Give the names of a path of names alone; None for anything else."""
    return _plain(expression, through_items=False)


def _plain(expression: Expression | None, *, through_items: bool) -> list[str] | None:
    match expression:
        case Name(text):
            return [text]
        case Member(target, text):
            before = _plain(target, through_items=through_items)
            return None if before is None else [*before, text]
        case Item(target, _) if through_items:
            return _plain(target, through_items=True)
    return None


def _lost(kind: str, names: list[str]) -> str:
    owners = {kind}
    for name in names:
        if "Resource" in owners:
            return ""  # a resource of any type
        found = [each for owner in owners for each in r4.children(owner).values() if (each.choice or each.name) == name]
        if not found:
            concrete = any(
                each.choice and each.name == name for owner in owners for each in r4.children(owner).values()
            )
            help_ = "; FHIRPath calls a choice by its bare name" if concrete else ""
            return f"{kind} has no {name} there{help_}"
        owners = {each.type for each in found}
    return ""

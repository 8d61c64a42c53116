"""From a search parameter's expression to the members that hold its values."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from bailee.core.errors import UserError
from bailee.records.r4 import SearchParameter, children, is_primitive

# Per data type: the member that holds the value, and the one that says of which system, unit or end it is.
_MEMBERS = {
    "CodeableConcept": ("coding.code", "coding.system"),
    "Coding": ("code", "system"),
    "Identifier": ("value", "system"),
    "ContactPoint": ("value", "system"),
    "Quantity": ("value", "code"),
    "Age": ("value", "code"),
    "Reference": ("reference", ""),
    "Period": ("start", "end"),
}
_NAME_PARTS = {"HumanName": ("family", "given", "text"), "Address": ("line", "city", "state", "postalCode", "text")}
_TERM = re.compile(
    r"\(?(?P<path>[A-Z]\w*(?:\.\w+)*?)(?:\.as\((?P<cast>\w+)\)|\s+as\s+(?P<cast2>\w+))?\)?"
    r"(?:\.where\(resolve\(\) is \w+\))?"
)


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """One place of values: a path below the resource, its R4 type, and the path of its system, unit or end."""

    path: str
    type: str
    beside: str = ""


def leaves(resource: str, parameter: SearchParameter) -> tuple[Leaf, ...]:
    """Give every place that a parameter looks at. Raises: UserError for an expression beyond plain paths."""
    found: list[Leaf] = []
    for term in parameter.expression.split(" | "):
        match = _TERM.fullmatch(term.strip())
        if match is None or parameter.kind == "composite":
            raise _unsupported(resource, parameter)
        steps = match["path"].split(".")[1:]
        cast = match["cast"] or match["cast2"]
        found += [leaf for path, kind in _follow(resource, "", steps, cast) for leaf in _leaf(path, kind)]
    if not found:
        raise _unsupported(resource, parameter)
    return tuple(found)


def _follow(owner: str, prefix: str, steps: list[str], cast: str | None) -> Iterator[tuple[str, str]]:
    step, *rest = steps
    for name, element in children(owner).items():
        if step not in {name, element.choice}:
            continue
        if not rest and cast and element.type != cast:
            continue
        if rest:
            yield from _follow(element.type, f"{prefix}{name}.", rest, cast)
        else:
            yield prefix + name, element.type


def _leaf(path: str, kind: str) -> Iterator[Leaf]:
    if is_primitive(kind):
        yield Leaf(path=path, type=kind)
    elif kind in _MEMBERS:
        value, beside = _MEMBERS[kind]
        yield Leaf(path=f"{path}.{value}", type=kind, beside=f"{path}.{beside}" if beside else "")
    elif kind in _NAME_PARTS:
        yield from (Leaf(path=f"{path}.{part}", type="string") for part in _NAME_PARTS[kind])


def _unsupported(resource: str, parameter: SearchParameter) -> UserError:
    return UserError(
        f"a cohort cannot be searched by {parameter.name}",
        where=resource,
        remedy="Use another search parameter, or define the cohort by SQL.",
    )

"""The part of FHIRPath that a rule's path may use; anything else is refused, nothing is evaluated here.

    string                                           every element of a data type
    Patient.birthDate                                an element
    HumanName.family                                 an element of a data type, wherever the type occurs
    Observation.value                                all types of a choice; Observation.valueString is one of them
    Patient.telecom.where(system='phone').value      what a sibling's text selects; `in ('a', 'b')`, `in @list`
    Observation.where(code.coding.code='x').value    what a text further in selects: the first of several that any does
    Quantity.where(code|unit='a').value              what a sibling selects, or another one where the first does not

Extensions have no paths: a profile lists them by URL.
"""

from __future__ import annotations

import re

import msgspec

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_WHERE = re.compile(r"where\((\w+(?:[.|]\w+)*)\s*(?:=\s*'([^']*)'|in\s*\(([^)]*)\)|in\s*(@[\w-]+))\)")


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """The condition of a step: a member whose text is one of `values`, or stands in the list `named` ("@units").

    `member` may go further in, `code.coding.code`, and name an alternative, `code|unit`.
    """

    member: str
    values: tuple[str, ...] = ()
    named: str = ""


class PathStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a path."""

    name: str
    where: Where | None = None


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed path: the type it starts at, perhaps with a condition, and its steps."""

    text: str
    head: str
    where: Where | None
    steps: tuple[PathStep, ...]


def parse_path(text: str) -> Path:
    """Parse a rule's path. Raises: ValueError saying what is wrong; the path is the author's, not a record's.

    Example:
        >>> path = parse_path("Patient.telecom.where(system='phone').value")
        >>> path.head, [step.name for step in path.steps], path.steps[0].where.values
        ('Patient', ['telecom', 'value'], ('phone',))

    """
    tokens = _tokens(text)
    if not tokens or not _NAME.fullmatch(tokens[0]):
        raise ValueError("a path starts with a type")
    named: list[PathStep] = [PathStep(name=tokens[0])]
    for token in tokens[1:]:
        if _NAME.fullmatch(token):
            named.append(PathStep(name=token))
        elif found := _WHERE.fullmatch(token):
            if named[-1].where:
                raise ValueError("two conditions on one step")
            named[-1] = PathStep(name=named[-1].name, where=_where(found))
        else:
            raise ValueError(f"`{token}` is not a step that rules may use")
    return Path(text=text, head=named[0].name, where=named[0].where, steps=tuple(named[1:]))


def _tokens(text: str) -> list[str]:
    """Split at the dots outside brackets and quotes."""
    tokens = re.findall(r"(?:[^.('@]|@[\w-]+|\((?:[^')]|'[^']*')*\))+", text)
    if ".".join(tokens) != text:
        raise ValueError("a path is steps with dots between")
    return tokens


def _where(found: re.Match[str]) -> Where:
    member, one, some, named = found.groups()
    if named:
        return Where(member=member, named=named)
    values = (one,) if one is not None else tuple(re.findall(r"'([^']*)'", some))
    return Where(member=member, values=values)

"""A profile of HL7 v2 or C-CDA as it is written: groups of paths, a method and a reason each. Complaints name the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from bailee.core.canonical import sha256_hex
from bailee.core.errors import UserError
from bailee.deid.profiles.profile import FOLDER, lists, place_of, read_form

PROFILES: Final = FOLDER / "formats"


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paths that are treated alike, for one reason."""

    method: str
    paths: tuple[str, ...]
    why: str
    source: str = ""
    argument: str = ""  # of constant, hash
    only: tuple[str, ...] | str = ()  # the values that may stay, or a list by "@name"
    pattern: str = ""  # the shape that may stay, as a regular expression over the whole value
    unchecked: bool = False  # keep: any value at all


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile's file."""

    title: str
    summary: str
    identifiability: str
    extends: str = ""
    rules: tuple[Group, ...] = ()
    required: Mapping[str, str] = {}  # type → what stands where a value that must be there may not leave


class Rule:
    """One path of one group, ready."""

    __slots__ = ("argument", "group", "method", "path", "pattern", "unchecked", "values")

    def __init__(self, path: str, group: Group) -> None:
        self.path, self.group, self.method, self.argument = path, group, group.method, group.argument
        self.unchecked = group.unchecked
        only = lists()[group.only] if isinstance(group.only, str) else group.only
        self.values = frozenset(only)
        self.pattern = re.compile(group.pattern, re.ASCII) if group.pattern else None

    def __repr__(self) -> str:
        return f"Rule({self.path}: {self.method})"

    def allows(self, value: str) -> bool:
        """Tell whether the rule itself names a value or its shape."""
        return value in self.values or (self.pattern is not None and self.pattern.fullmatch(value) is not None)


class RuleSet(msgspec.Struct, frozen=True, kw_only=True):
    """A profile with what it extends folded in."""

    name: str
    document: Document
    rules: Mapping[str, Rule]
    required: Mapping[str, str]
    text: str

    @property
    def identifiability(self) -> str:
        """Give what kind of data the profile makes."""
        return self.document.identifiability

    @property
    def sha256(self) -> str:
        """Hash everything that was read."""
        return sha256_hex(self.text.encode())


Check = Callable[[str], str]  # a path → what is wrong with it, or ""


def shipped_names(kind: str) -> tuple[str, ...]:
    """List the profiles that come with Bailee for a format, "hl7v2" or "ccda"."""
    return tuple(sorted(file.stem for file in (PROFILES / kind).glob("*.toml")))


def shipped_rules(kind: str, name: str, methods: frozenset[str], check: Check) -> RuleSet:
    """Read one of Bailee's own. Raises: UserError if there is none of that name."""
    if name not in shipped_names(kind):
        listed = ", ".join(shipped_names(kind))
        raise UserError(f"no profile for {kind} is called {name}", remedy=f"There are {listed}.")
    file = PROFILES / kind / f"{name}.toml"
    return rules_from_text(file.read_text("utf-8"), kind, methods, check, name=name, file=f"{kind}/{file.name}")


def rules_from_text(text: str, kind: str, methods: frozenset[str], check: Check, *, name: str, file: str) -> RuleSet:
    """Make rules from TOML text; `extends` names one of Bailee's own for the same format.

    Raises: UserError naming file and line for anything that the format or the lists do not have.
    """
    document = read_form(text, Document, file)
    base = shipped_rules(kind, document.extends, methods, check) if document.extends else None
    rules: dict[str, Rule] = {}
    for group in document.rules:
        for path in group.paths:
            wrong = _wrong(path, group, rules, methods, check)
            if wrong:
                raise UserError(wrong, where=place_of(path, text.splitlines(), file))
            rules[path] = Rule(path, group)
    return RuleSet(
        name=name,
        document=document,
        rules={**(base.rules if base else {}), **rules},
        required={**(base.required if base else {}), **document.required},
        text=(base.text if base else "") + text,
    )


def _wrong(path: str, group: Group, rules: Mapping[str, Rule], methods: frozenset[str], check: Check) -> str:
    if path in rules:
        return f"two rules for {path}"
    if group.method not in methods:
        return f"no method {group.method}; there are {', '.join(sorted(methods))}"
    if isinstance(group.only, str) and group.only not in lists():
        return f"no list {group.only}"
    return check(path)

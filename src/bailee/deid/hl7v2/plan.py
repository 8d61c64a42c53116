"""A profile compiled against the tables of HL7 v2: what happens to each field, component and subcomponent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from bailee.deid.formats.rules import Rule, RuleSet, rules_from_text, shipped_rules
from bailee.records.hl7v2.tables import Element, Elements, data_types, primitives, segments

KIND: Final = "hl7v2"
METHODS: Final = frozenset(
    [
        "inside",
        "keep",
        "remove",
        "code",
        "coded",
        "year",
        "birth-year",
        "shift",
        "zip3",
        "hash",
        "pseudonym",
        "constant",
        "text",
        "note",
        "value",
    ]
)
_PATH: Final = re.compile(r"([A-Z][A-Z0-9]{1,5})(?:-(\d+))?((?:\.\d+){0,2})")


@dataclass(frozen=True, repr=False)
class Node:
    """What happens to one field or part of one. `parts` by number; `rule` None: it does not leave."""

    path: str
    rule: Rule | None
    type: str
    table: str
    required: str  # what stands in its place, if it must be there and may not leave; "" if it need not
    parts: Mapping[int, Node] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Node({self.path})"

    @property
    def method(self) -> str:
        """Give the rule's method; "" without one."""
        return self.rule.method if self.rule else ""


@dataclass(frozen=True, repr=False)
class Plan:
    """A profile, ready. A segment that is absent does not leave."""

    rules: RuleSet
    segments: Mapping[str, Mapping[int, Node]]
    types: Mapping[str, Node]  # by data type, for values whose type a message tells

    def __repr__(self) -> str:
        return f"Plan({self.rules.name})"


@cache
def shipped_plan(name: str) -> Plan:
    """Compile one of Bailee's own profiles. Raises: UserError if there is none of that name."""
    return _compiled(shipped_rules(KIND, name, METHODS, wrong_path))


def plan_from_text(text: str, *, name: str, file: str) -> Plan:
    """Compile a site's own profile. Raises: UserError naming file and line for what HL7 v2 does not have."""
    return _compiled(rules_from_text(text, KIND, METHODS, wrong_path, name=name, file=file))


def wrong_path(path: str) -> str:
    """Tell what is wrong with a rule's path; "" if HL7 v2 has such a thing."""
    if path == "*":
        return ""
    found = _PATH.fullmatch(path)
    if not found:
        return f"{path} is no path: write PID, PID-5, PID-5.1, XPN or XPN.1"
    owner, number, rest = found[1], found[2], [int(part) for part in found[3].split(".") if part]
    if owner not in segments() and owner not in data_types() and owner not in primitives():
        return f"HL7 v2 has no segment or data type {owner}"
    if owner in segments():
        if number is None:
            return "" if not rest else f"{path}: write {owner}-{rest[0]} for a field"
        elements, rest = segments()[owner], [int(number), *rest]
    else:
        elements = data_types().get(owner, {})
    for part in rest:
        if part not in elements:
            return f"{path}: there is no {part} in {owner}"
        owner = elements[part].type
        elements = data_types().get(owner, {})
    return ""


def _compiled(rules: RuleSet) -> Plan:
    making = _Making(rules)
    entered = {name: fields for name, fields in segments().items() if making.enters(name)}
    made = {
        name: {number: making.field(name, each) for number, each in fields.items()} for name, fields in entered.items()
    }
    return Plan(rules, made, {name: making.typed(name) for name in (*data_types(), *primitives())})


class _Making:
    def __init__(self, rules: RuleSet) -> None:
        self.rules, self.required = rules.rules, rules.required
        self.every = self.rules.get("*")
        self.own = {path.split(".")[0] for path in self.rules if "-" in path and "." in path}
        self._parts: dict[str, Mapping[int, Node]] = {}

    def enters(self, segment: str) -> bool:
        rule = self.rules.get(segment, self.every)
        return rule is not None and rule.method == "inside"

    def rule(self, *paths: str) -> Rule | None:
        return next((self.rules[path] for path in paths if path in self.rules), self.every)

    def field(self, segment: str, element: Element) -> Node:
        path = f"{segment}-{element.number}"
        own = path if path in self.own else ""
        parts = self.parts(element.type, own) if own else self.shared(element.type)
        required = self.required.get(element.type, "") if element.required else ""
        return Node(path, self.rule(path, element.type), element.type, element.table, required, parts)

    def typed(self, name: str) -> Node:
        return Node(name, self.rule(name), name, "", "", self.shared(name))

    def shared(self, kind: str) -> Mapping[int, Node]:
        if kind not in self._parts:
            self._parts[kind] = self.parts(kind, "")
        return self._parts[kind]

    def parts(self, kind: str, own: str) -> Mapping[int, Node]:
        elements: Elements = data_types().get(kind, {})
        return {number: self.part(kind, own, each) for number, each in elements.items()}

    def part(self, kind: str, own: str, element: Element) -> Node:
        path = f"{kind}.{element.number}"
        ways = [f"{own}.{element.number}"] if own else []
        subs = data_types().get(element.type, {})
        parts = {number: self.sub(ways[:1], path, element.type, each) for number, each in subs.items()}
        return Node(
            ways[0] if own else path, self.rule(*ways, path, element.type), element.type, element.table, "", parts
        )

    def sub(self, own: list[str], path: str, kind: str, element: Element) -> Node:
        ways = [f"{way}.{element.number}" for way in (*own, path)]
        rule = self.rule(*ways, f"{kind}.{element.number}", element.type)
        return Node(ways[0], rule, element.type, element.table, "")

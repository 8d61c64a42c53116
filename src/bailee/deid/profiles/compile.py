"""Profile → Plan: the rules of a profile laid over the R4 tables, once; nothing here runs per record.

Which rule decides an element, the first that there is:

1. the rule with the longest path that ends at it (`Patient.contact.name` before `Patient.contact`'s type's rules);
2. a rule of its owner (`HumanName.family`), then of the owner's bases (`Element.id`);
3. a rule of its data type (`string`), then of that type's bases.

A nested part without a rule is entered; anything else without a rule has no step, does not leave, and is listed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import msgspec

from bailee.core.errors import UserError
from bailee.deid.profiles.paths import Path, Where
from bailee.deid.profiles.profile import ExtensionGroup, Group, Profile, Rule, lists, shipped_profile
from bailee.deid.profiles.steps import code_check, treatment
from bailee.deid.structure.plan import Action, Check, Node, Plan, Step
from bailee.deid.structure.plan import Rule as PlanRule
from bailee.records import r4

MASKED = '{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]}'
LABELS = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
ALONE = {"Extension": "url", "Coding": "system"}  # what says nothing without the rest
WHOLE = Group(method="keep", paths=(), why="The record's type", only=("*",))


class Place(NamedTuple):
    """A rule on its way down: how many of its steps are behind, and the condition that this object must meet."""

    rule: int
    passed: int
    where: Where | None = None


Places = frozenset[Place]


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """A plan, the elements that no rule decides, and the rules that decide no element."""

    plan: Plan
    undecided: tuple[str, ...]
    idle: tuple[str, ...]


def compile_profile(profile: Profile) -> Compiled:
    """Compile a profile. Raises: UserError, naming the rule's line, if a method does not fit its element."""
    return _Compiler(profile).compiled()


@cache
def shipped_plan(name: str) -> Plan:
    """Compile one of Bailee's own profiles, once per process. Raises: UserError if there is none of that name."""
    return compile_profile(shipped_profile(name)).plan


@cache
def lineage(owner: str) -> tuple[str, ...]:
    """Give an owner and its bases, nearest first."""
    base = r4.owner(owner).base
    return (owner, *(lineage(base) if base != "-" else ()))


class _Compiler:
    def __init__(self, profile: Profile) -> None:
        self.profile, self.rules = profile, profile.rules
        self.heads: dict[str, list[int]] = {}
        for number, rule in enumerate(self.rules):
            self.heads.setdefault(rule.path.head, []).append(number)
        self.nodes: list[Node | None] = []
        self.built: dict[tuple[object, ...], int] = {}
        self.checks: dict[Check, int] = {}
        self.plan_rules: dict[PlanRule, int] = {}
        self.undecided: set[str] = set()
        self.used: set[str] = set()

    def compiled(self) -> Compiled:
        roots = {name: self.node(name, frozenset()) for name in r4.resource_types() if name not in self.profile.refused}
        document = self.profile.document
        text = self.profile.text + r4.source_hash() + json.dumps(sorted(lists().items()))
        label = {"security": [{"system": LABELS, "code": document.label}]}
        plan = Plan(
            profile=self.profile.name,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            identifiability=document.identifiability,
            nodes=tuple(node for node in self.nodes if node is not None),
            roots=roots,
            rules=tuple(self.plan_rules),
            checks=tuple(self.checks),
            meta=json.dumps(label, separators=(",", ":")) if document.label else "",
            keeps_other_patients=document.other_patients,
        )
        idle = tuple(f"{rule.where} {rule.path.text}" for rule in self.rules if rule.path.text not in self.used)
        return Compiled(plan=plan, undecided=tuple(sorted(self.undecided)), idle=idle)

    # ---- nodes ---------------------------------------------------------------------------------------------------

    def node(self, owner: str, places: Places, *, open_otherwise: bool = True) -> int:
        """Give the node of an object, which first selects if rules with a condition speak of it."""
        places |= {Place(number, 0, self.rules[number].path.where) for number in self.headed(owner, steps=True)}
        conditional = sorted((place for place in places if place.where), key=self.rank)
        if not conditional:
            return self.plain(owner, places)
        member = conditional[-1].where.member if conditional[-1].where else ""
        key = ("select", owner, places, open_otherwise)
        if key in self.built:
            return self.built[key]
        index = self.reserve(key)
        chosen = [place for place in conditional if place.where and place.where.member == member]
        bare = frozenset(place for place in places if not place.where)
        self.nodes[index] = Node(
            name=f"{owner} by {member}",
            steps={},
            select_on=member,
            select=self.chosen(owner, bare, chosen),
            otherwise=self.plain(owner, bare) if open_otherwise else -1,
        )
        return index

    def chosen(self, owner: str, bare: Places, chosen: list[Place]) -> dict[str, int]:
        """Give the node for each value of the selecting member; -1 where a rule removes such objects."""
        found: dict[str, int] = {}
        same: dict[tuple[Place, ...], int] = {}
        meeting: dict[str, list[Place]] = {value: [] for value in selecting_values(chosen)}
        for place in chosen:
            for value in where_values(place.where) if place.where else ():
                meeting[value].append(place)
        for value, places in meeting.items():
            met = tuple(places)
            if any(self.rules[place.rule].group.only == "@codes" for place in met):
                found[value] = self.selected(owner, bare, met, value)
            else:
                found[value] = same[met] = same[met] if met in same else self.selected(owner, bare, met, value)
        return found

    def selected(self, owner: str, bare: Places, met: tuple[Place, ...], value: str) -> int:
        """Give the node of objects that meet the conditions of some rules."""
        for place in met:
            if self.ends(place):
                self.used.add(self.rules[place.rule].path.text)
                if self.rules[place.rule].group.method == "remove":
                    return -1
        going = [place for place in met if not self.ends(place)]
        coded = any(self.rules[place.rule].group.only == "@codes" for place in going)
        return self.plain(owner, bare | {place._replace(where=None) for place in going}, system=value if coded else "")

    def plain(self, owner: str, places: Places, *, system: str = "") -> int:
        """Give the node that has a step for every member of an owner that a rule decides."""
        key = ("plain", owner, places, code_check(system) if system else None)
        if key in self.built:
            return self.built[key]
        index = self.reserve(key)
        steps: dict[str, Step] = {}
        if r4.owner(owner).kind is r4.Kind.RESOURCE:
            steps["resourceType"] = Step(action=Action.KEEP, rule=self.plan_rule(owner, WHOLE))
        for element in r4.children(owner).values():
            step = self.step(owner, element, places, system)
            if step is None:
                self.undecided.add(f"{owner}.{element.name}")
                continue
            steps[element.name] = step
            if r4.is_primitive(element.type) and (beside := self.beside()) is not None:
                steps["_" + element.name] = beside
        self.nodes[index] = Node(name=owner, steps=steps, alone=ALONE.get(owner, ""))
        return index

    def reserve(self, key: tuple[object, ...]) -> int:
        self.built[key] = len(self.nodes)
        self.nodes.append(None)
        return self.built[key]

    # ---- steps ---------------------------------------------------------------------------------------------------

    def step(self, owner: str, element: r4.Element, places: Places, system: str) -> Step | None:
        rule = self.decision(element, places)
        if element.name in {"extension", "modifierExtension"} and rule is not None and rule.group.method == "inside":
            return self.into(rule, self.extensions(modifier=element.name == "modifierExtension"))
        inner = self.going_on(element, places)
        selecting = any(place.where and self.ends(place) for place in inner)
        if rule is None and (r4.owner(element.type).kind is r4.Kind.BACKBONE or selecting):
            rule = Rule(
                path=Path(text=f"{owner}.{element.name}", head=owner, where=None, steps=()), group=ENTERED, where=""
            )
        if rule is None:
            return None
        if rule.group.method == "inside" or (selecting and rule.group.method == "remove"):
            treatment(rule, element)
            node = self.node(element.type, inner, open_otherwise=rule.group.method != "remove")
            return msgspec.structs.replace(self.into(rule, node), absent=absent(element))
        return self.leaf(rule, element, system)

    def leaf(self, rule: Rule, element: r4.Element, system: str) -> Step:
        done = treatment(rule, element, system=system)
        check = -1 if done.check is None else self.checks.setdefault(done.check, len(self.checks))
        return Step(
            action=done.action,
            rule=self.plan_rule(rule.path.text, rule.group),
            argument=done.argument,
            check=check,
            absent=absent(element),
        )

    def into(self, rule: Rule, node: int) -> Step:
        return Step(action=Action.DESCEND, rule=self.plan_rule(rule.path.text, rule.group), node=node)

    def decision(self, element: r4.Element, places: Places) -> Rule | None:
        """Find the rule without a condition that decides an element."""
        ending = [
            place
            for place in places
            if place.passed + 1 == len(self.rules[place.rule].path.steps)
            and not self.rules[place.rule].path.steps[-1].where
            and self.rules[place.rule].path.steps[-1].name in {element.name, element.choice}
        ]
        if ending:
            exact = [place for place in ending if self.rules[place.rule].path.steps[-1].name == element.name]
            return self.used_rule(max(exact or ending, key=self.rank).rule)
        for kind in lineage(element.type):
            for number in self.heads.get(kind, ()):
                if not self.rules[number].path.steps and not self.rules[number].path.where:
                    return self.used_rule(number)
        return None

    def used_rule(self, number: int) -> Rule:
        self.used.add(self.rules[number].path.text)
        return self.rules[number]

    def going_on(self, element: r4.Element, places: Places) -> Places:
        """Find the rules that speak of what is inside an element, or of the element under a condition."""
        found = set()
        for place in places:
            steps = self.rules[place.rule].path.steps
            here = steps[place.passed] if place.passed < len(steps) else None
            if here and here.name in {element.name, element.choice} and (here.where or place.passed + 1 < len(steps)):
                found.add(Place(place.rule, place.passed + 1, here.where))
        typed = (number for number in self.headed(element.type, steps=False) if self.rules[number].path.where)
        return frozenset(found | {Place(number, 0, self.rules[number].path.where) for number in typed})

    def headed(self, owner: str, *, steps: bool) -> list[int]:
        """List the rules that start at an owner or its bases, with steps or without."""
        return [
            number
            for name in lineage(owner)
            for number in self.heads.get(name, ())
            if bool(self.rules[number].path.steps) is steps
        ]

    def rank(self, place: Place) -> tuple[int, int, bool, int]:
        """Order places from the general to the particular: a base's rules, the owner's, rules from further up."""
        path = self.rules[place.rule].path
        conditional = bool(path.where) or any(step.where for step in path.steps)
        return (place.passed, len(lineage(path.head)), conditional, place.rule)

    def ends(self, place: Place) -> bool:
        return place.passed == len(self.rules[place.rule].path.steps)

    def plan_rule(self, path: str, group: Group) -> int:
        rule = PlanRule(path=path, method=group.method, reason=group.why, source=group.source)
        return self.plan_rules.setdefault(rule, len(self.plan_rules))

    # ---- extensions ----------------------------------------------------------------------------------------------

    def beside(self) -> Step | None:
        """Give the step of the `_key` beside a primitive: its extensions, by the same allow-list."""
        element = r4.children("Element")["extension"]
        rule = self.decision(element, frozenset())
        if rule is None or rule.group.method != "inside":
            return None
        key = ("beside",)
        if key not in self.built:
            index = self.reserve(key)
            self.nodes[index] = Node(name="Element", steps={"extension": self.into(rule, self.extensions())})
        return self.into(rule, self.built[key])

    def extensions(self, *, modifier: bool = False) -> int:
        key = ("extensions", modifier)
        if key in self.built:
            return self.built[key]
        index = self.reserve(key)
        groups = {group.url: group for group in self.profile.extensions if group.modifier is modifier}
        keep = self.profile.document.other_extensions == "keep" and not modifier
        self.nodes[index] = Node(
            name="modifierExtension" if modifier else "Extension",
            steps={},
            select_on="url",
            select={url: self.extension(group) for url, group in groups.items()},
            otherwise=self.node("Extension", frozenset()) if keep else -1,
            refuse=modifier,
        )
        return index

    def extension(self, group: ExtensionGroup) -> int:
        path = f"extension('{group.url}')"
        steps = {"url": self.url_step(path, group)} | self.value_steps(path, group, group.value)
        if group.parts:
            index = self.reserve((path,))
            parts = {
                name: self.part(f"{path}.extension('{name}')", group, value) for name, value in group.parts.items()
            }
            self.nodes[index] = Node(name="Extension", steps={}, select_on="url", select=parts)
            rule = self.plan_rule(path, Group(method="inside", paths=(), why=group.why))
            steps["extension"] = Step(action=Action.DESCEND, rule=rule, node=index)
        return self.add(Node(name="Extension", steps=steps, alone="url"))

    def part(self, path: str, group: ExtensionGroup, value: Mapping[str, str | tuple[str, ...]]) -> int:
        return self.add(
            Node(name="Extension", steps={"url": self.url_step(path, group)} | self.value_steps(path, group, value))
        )

    def add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def url_step(self, path: str, group: ExtensionGroup) -> Step:
        return Step(action=Action.KEEP, rule=self.plan_rule(path, Group(method="keep", paths=(), why=group.why)))

    def value_steps(
        self, path: str, group: ExtensionGroup, value: Mapping[str, str | tuple[str, ...]]
    ) -> dict[str, Step]:
        steps = {}
        for kind, said in value.items():
            element = r4.children("Extension").get("value" + kind[:1].upper() + kind[1:])
            if element is None:
                raise UserError(f"an extension holds no {kind}", where=f"{self.profile.name}: {group.url}")
            method, only = (said, ()) if isinstance(said, str) else ("keep", said)
            made = Group(method=method, paths=(), why=group.why, only=only)
            rule = Rule(path=Path(text=f"{path}.value", head="", where=None, steps=()), group=made, where=group.url)
            inside = method == "inside"
            steps[element.name] = (
                self.into(rule, self.node(kind, frozenset())) if inside else self.leaf(rule, element, "")
            )
        return steps


ENTERED = Group(method="inside", paths=(), why="A part of the record: its elements are decided one by one")


def absent(element: r4.Element) -> str:
    """Give what stands in for an object that FHIR requires: an empty one that says that its content is masked."""
    return MASKED if element.required and r4.owner(element.type).kind is r4.Kind.COMPLEX else ""


@cache
def where_values(where: Where) -> frozenset[str]:
    """Give the texts that a condition accepts."""
    return frozenset(lists()[where.named] if where.named else where.values)


def selecting_values(places: list[Place]) -> tuple[str, ...]:
    """Give every text that some condition accepts, sorted."""
    return tuple(sorted({value for place in places if place.where for value in where_values(place.where)}))

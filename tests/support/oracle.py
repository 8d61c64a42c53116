"""The slow, obvious model of a plan: one resource at a time, over dictionaries. The compiled engine must agree.

What the plan's docstrings leave open is settled here:

- A string of a date is `YYYY[-MM[-DD[Thh:mm[:ss[.f]][zone]]]]` and a day of the calendar, else it is removed.
- SHIFT moves the day in its own zone; a partial date moves as its first day and is cut to its precision again.
  Without a patient, SHIFT is YEAR and BIRTH_YEAR removes.
- ZIP3 takes `ddddd`, `ddddd-dddd`, `ddddddddd`; anything else is removed.
- AGE takes a number of 0 or more without exponent; `argument` (90 when empty) is what more than `argument - 1` becomes.
- Ids and references: a Patient's own id ↔ its pseudonym; other patients' are removed unless the plan keeps them;
  every other type by the keyed hash of `Type/id`; a contained id by the hash of `#id`, so that `#id` still finds it.
  The base and the version of a reference go; `urn:uuid:`, `urn:oid:` become the `urn:uuid:` of a keyed hash; what is
  neither of these goes (conditional, canonical, logical text).
- `select` looks at the member's string; an object that lacks the member selects by "". `a.b` goes further in, items
  in turn, and the first text that is known selects; `a|b` looks at b where nothing at a does.
- Items that leave an array leave no gap, except where a surviving `_key` array needs the positions.
- Objects and arrays that are empty at the end go, but not a resource: it has its `resourceType`.
- RESOURCE with argument "contained" marks ids of the other kind; an object without a known root is removed.
- A resource with an unknown modifier extension anywhere is refused whole, with what contains it.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Any
from uuid import UUID

from bailee.deid.structure.plan import Action, Check, CheckKind, Node, Plan, Step
from bailee.records import r4


class Number(str):
    """A JSON number as it was written."""

    __slots__ = ()


@dataclass(frozen=True)
class Person:
    pseudonym: str
    shift_days: int = 0
    ninety: bool = False


@dataclass
class Outcome:
    resource: Any = None  # None: refused
    refused: str = ""  # "type" or "modifier"
    removed: Counter[int] = field(default_factory=Counter)  # rule → values that did not leave
    unknown: Counter[str] = field(default_factory=Counter)  # node → members without a step, objects selected away


def ends(thing: Any, way: list[str]) -> list[Any]:
    """Give what stands at the end of a way of members, through the items of arrays but not at the end."""
    if not isinstance(thing, dict) or way[0] not in thing:
        return []
    value, rest = thing[way[0]], way[1:]
    if not rest:
        return [value]
    return [end for item in (value if isinstance(value, list) else [value]) for end in ends(item, rest)]


class Refused(Exception):
    pass


GONE = object()
DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(T(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:\.\d+)?)?"
    r"(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?)?)?",
    re.ASCII,
)
ID = r"[A-Za-z0-9\-.]{1,64}"
LITERAL = re.compile(rf"(?:https?://[^?#]*/)?([A-Za-z]+)/({ID})(?:/_history/{ID})?")
TYPES = frozenset(r4.resource_types())


def read_json(text: str | bytes) -> Any:
    return json.loads(text, parse_float=Number, parse_int=Number)


def write_json(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{write_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write_json, value)) + "]"
    return json.dumps(value)


@dataclass
class Oracle:
    plan: Plan
    ids_key: bytes = b"i" * 32
    hash_key: bytes = b"h" * 32
    zip3: frozenset[str] = frozenset()
    clean_text: Callable[[str, str | None], str | None] = lambda *_: None
    clean_attachment: Callable[[Any, str | None], Any] = lambda *_: None
    method: Callable[[str, Any, str | None], Any] = lambda *_: None

    def deidentify(self, resource: Any, patient: str | None, people: Mapping[str, Person]) -> Outcome:
        walk = Walk(self, patient, people)
        name = resource.get("resourceType")
        if name not in self.plan.roots:
            return Outcome(refused="type")
        try:
            done = walk.object(resource, self.plan.roots[name], resource_type=name)
        except Refused:
            return Outcome(refused="modifier")
        if self.plan.meta:
            done = {"resourceType": name, "meta": read_json(self.plan.meta)} | done
        return Outcome(done, "", walk.removed, walk.unknown)


class Walk:
    def __init__(self, oracle: Oracle, patient: str | None, people: Mapping[str, Person]) -> None:
        self.oracle, self.plan = oracle, oracle.plan
        self.patient, self.people = patient, people
        self.me = people.get(patient) if patient is not None else None
        self.removed: Counter[int] = Counter()
        self.unknown: Counter[str] = Counter()
        self.here = ("", False)  # the type of the resource that ids belong to, and whether it is contained

    # ---- structure

    def object(self, thing: Any, index: int, *, resource_type: str = "", contained: bool = False) -> Any:
        node = self.select(thing, self.plan.nodes[index])
        if node is None:
            self.unknown[self.plan.nodes[index].name] += 1
            return GONE
        outer, self.here = self.here, (resource_type, contained) if resource_type else self.here
        done: dict[str, Any] = {}
        for key, value in thing.items():
            if resource_type and key == "resourceType":
                done[key] = value
            elif resource_type and not contained and self.plan.meta and key == "meta" and not outer[0]:
                continue
            elif (step := node.steps.get(key)) is None:
                self.unknown[node.name] += 1
            else:
                done[key] = (
                    [self.item(item, step) for item in value] if isinstance(value, list) else self.item(value, step)
                )
        self.here = outer
        return self.pruned(done, node)

    def select(self, thing: Mapping[str, Any], node: Node) -> Node | None:
        if not node.select_on:
            return node
        found = [value for way in node.select_on.split("|") for value in ends(thing, way.split("."))]
        known = [value for value in found if is_text(value) and value in node.select]
        chosen = node.select.get(known[0] if known else "", node.otherwise) if known or not found else node.otherwise
        if chosen == -1 and node.refuse:
            raise Refused
        return None if chosen == -1 else self.plan.nodes[chosen]

    def pruned(self, done: dict[str, Any], node: Node) -> Any:
        kept: dict[str, Any] = {}
        for key, value in done.items():
            if isinstance(value, list):
                partner = done.get(key[1:] if key.startswith("_") else "_" + key)
                marks = value if key.startswith("_") else partner
                aligned = isinstance(partner, list) and isinstance(marks, list) and any(map(survives, marks))
                items = [item if survives(item) else None for item in value]
                items = items if aligned else [item for item in items if item is not None]
                if any(item is not None for item in items):
                    kept[key] = items
            elif survives(value):
                kept[key] = value
            step = node.steps.get(key)
            if key not in kept and step is not None and step.absent:
                absent = read_json(step.absent)
                kept[key] = [absent] if isinstance(value, list) else absent
        return GONE if not kept or set(kept) == {node.alone} else kept

    def item(self, value: Any, step: Step) -> Any:
        """Treat one value or one item of an array; None and GONE mean that it does not leave."""
        if value is None:
            return None
        done = self.acted(value, step)
        if done is GONE and step.action not in {Action.DESCEND, Action.RESOURCE}:
            self.removed[step.rule] += 1
        return done

    def acted(self, value: Any, step: Step) -> Any:
        if isinstance(value, list):
            return self.lost(step) if step.action in {Action.DESCEND, Action.RESOURCE} else GONE
        match step.action:
            case Action.REMOVE:
                return GONE
            case Action.KEEP if value == {}:
                return GONE
            case Action.KEEP:
                return value if step.check == -1 or passes(value, self.plan.checks[step.check]) else GONE
            case Action.CONSTANT:
                return read_json(step.argument)
            case Action.DESCEND:
                return self.object(value, step.node) if isinstance(value, dict) else self.lost(step)
            case Action.RESOURCE:
                return self.resource(value, step)
            case Action.ATTACHMENT:
                return or_gone(self.oracle.clean_attachment(value, self.patient)) if isinstance(value, dict) else GONE
            case Action.METHOD:
                return or_gone(self.oracle.method(step.argument, value, self.patient))
            case Action.AGE:
                return age(value, Decimal(step.argument or "90"))
        return self.text_acted(value, step) if is_text(value) else GONE

    def lost(self, step: Step) -> Any:
        self.removed[step.rule] += 1
        return GONE

    def resource(self, value: Any, step: Step) -> Any:
        name = value.get("resourceType") if isinstance(value, dict) else None
        if name not in self.plan.roots:
            return self.lost(step)
        if name == "Patient" and step.argument != "contained" and not self.knows(value.get("id")):
            return self.lost(step)
        return self.object(value, self.plan.roots[name], resource_type=name, contained=step.argument == "contained")

    # ---- strings

    def text_acted(self, text: str, step: Step) -> Any:
        match step.action:
            case Action.YEAR:
                return text[:4] + step.argument if is_date(text) else GONE
            case Action.BIRTH_YEAR:
                return text[:4] if is_date(text) and self.me and not self.me.ninety else GONE
            case Action.SHIFT:
                if not is_date(text):
                    return GONE
                return shifted(text, self.me.shift_days) if self.me else text[:4] + step.argument
            case Action.ZIP3:
                return self.zip3(text)
            case Action.OWN_ID:
                return self.own_id(text)
            case Action.REFERENCE:
                return self.reference(text)
            case Action.HASH:
                return blake2b(text.encode(), key=self.oracle.hash_key, digest_size=32).hexdigest()
            case Action.TEXT:
                if step.check != -1 and passes(text, self.plan.checks[step.check]):
                    return text
                return or_gone(self.oracle.clean_text(text, self.patient))
        raise AssertionError(step.action)

    def zip3(self, text: str) -> Any:
        if not re.fullmatch(r"\d{5}(-?\d{4})?", text, re.ASCII):
            return GONE
        return text[:3] if text[:3] in self.oracle.zip3 else "000"

    def own_id(self, text: str) -> Any:
        name, contained = self.here
        if contained:
            return self.hashed("#" + text)
        return self.patient_id(text) if name == "Patient" else self.hashed(f"{name}/{text}")

    def reference(self, text: str) -> Any:
        if text == "#":
            return text
        if text.startswith("#"):
            return "#" + self.hashed(text)
        if text.startswith(("urn:uuid:", "urn:oid:")) and len(text) > len("urn:uuid:"):
            return f"urn:uuid:{UUID(self.hashed(text)[:32])}"
        found = LITERAL.fullmatch(text)
        if found is None or found[1] not in TYPES:
            return GONE
        inner = self.patient_id(found[2]) if found[1] == "Patient" else self.hashed(f"{found[1]}/{found[2]}")
        return GONE if inner is GONE else f"{found[1]}/{inner}"

    def knows(self, patient_id: Any) -> bool:
        return (
            is_text(patient_id)
            and patient_id in self.people
            and (patient_id == self.patient or self.plan.keeps_other_patients)
        )

    def patient_id(self, text: str) -> Any:
        return self.people[text].pseudonym if self.knows(text) else GONE

    def hashed(self, text: str) -> str:
        return blake2b(text.encode(), key=self.oracle.ids_key, digest_size=32).hexdigest()


def survives(value: Any) -> bool:
    return value is not None and value is not GONE and value not in ({}, [])


def or_gone(value: Any) -> Any:
    return GONE if value is None or value == "" else value


def is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)


def passes(value: Any, check: Check) -> bool:
    match check.kind:
        case CheckKind.NUMBER:
            return isinstance(value, Number)
        case CheckKind.BOOLEAN:
            return isinstance(value, bool)
        case CheckKind.ONE_OF:
            return is_text(value) and value in check.values
        case CheckKind.CHARS:
            return is_text(value) and 1 <= len(value) <= check.longest and set(value) <= set(check.chars)
        case CheckKind.SHAPE:
            return is_text(value) and any(has_shape(value, shape) for shape in check.values)


CLASSES = {"#": "0123456789", "@": "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "~": "abcdefghijklmnopqrstuvwxyz"}
CLASSES["&"] = CLASSES["#"] + CLASSES["@"]


def has_shape(value: str, shape: str) -> bool:
    return len(value) == len(shape) and all(c in CLASSES.get(s, s) for c, s in zip(value, shape, strict=True))


def is_date(text: str) -> bool:
    return first_day(text) is not None


def first_day(text: str) -> date | None:
    found = DATE.fullmatch(text)
    if not found:
        return None
    try:
        return date(int(found[1]), int(found[2] or 1), int(found[3] or 1))
    except ValueError:
        return None


def shifted(text: str, days: int) -> Any:
    day = first_day(text)
    assert day is not None
    try:
        moved = (day + timedelta(days=days)).isoformat()
    except OverflowError:
        return GONE
    return moved[: len(text)] + text[10:]


def age(value: Any, fold: Decimal) -> Any:
    if not isinstance(value, Number) or not re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII):
        return GONE
    return Number(fold) if Decimal(value) > fold - 1 else value

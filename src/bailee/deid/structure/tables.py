"""A plan laid out for the compiled rewriter: flat arrays and tables of names, mirrored by `kernels/rewrite.h`."""

from __future__ import annotations

import ctypes
import json

import numpy as np

from bailee.core.errors import Invalid
from bailee.core.kernels import address
from bailee.deid.structure.plan import Action, Check, CheckKind, Node, Plan, Step
from bailee.records import r4
from bailee.records.names import NameSpace, NameSpaceView, NameTable, packed


class _Step(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int32)
        for name in ("action", "rule", "node", "argument", "check", "name", "contained", "absent")
    )


class _Node(ctypes.Structure):
    _fields_ = (
        ("steps", NameTable),
        ("select", NameTable),
        ("select_on", ctypes.c_int32),
        ("way", ctypes.c_int32),
        ("otherwise", ctypes.c_int32),
        ("refuse", ctypes.c_int32),
        ("alone", ctypes.c_int32),
    )


class _Way(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_int32),
        ("hash", ctypes.c_uint32),
        ("next", ctypes.c_int32),
        ("otherwise", ctypes.c_int32),
    )


class _Check(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int32),
        ("longest", ctypes.c_int32),
        ("values", NameTable),
        ("first", ctypes.c_int32),
        ("count", ctypes.c_int32),
        ("chars", ctypes.c_uint64 * 2),
    )


class PlanView(ctypes.Structure):
    """Addresses of a laid-out plan. Mirrors `rewrite_plan`."""

    _fields_ = (
        ("names", NameSpaceView),
        ("steps", ctypes.c_void_p),
        ("nodes", ctypes.c_void_p),
        ("checks", ctypes.c_void_p),
        ("ways", ctypes.c_void_p),
        ("texts", ctypes.c_void_p),
        ("text_offsets", ctypes.c_void_p),
        ("roots", NameTable),
        ("types", NameTable),
        ("known", NameTable),
        ("meta", ctypes.c_int32),
        ("keeps_other_patients", ctypes.c_int32),
    )


class PlanTables:
    """Keeps the memory that its `view` points into."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._space = NameSpace()
        self._texts: list[str] = [""]
        self._text_ids: dict[str, int] = {"": 0}
        known = _known_names(plan)
        self._known = self._space.table({name: at for at, name in enumerate(known)})
        self._roots = self._space.table(plan.roots)
        self._types = self._space.table({name: at for at, name in enumerate(r4.resource_types())})
        self._lay_out()

    def name(self, number: int) -> str:
        """Give a name by its number; "?" for -1, a name that may not be told."""
        return self._names[number] if number >= 0 else "?"

    def is_type(self, name: str) -> bool:
        """Tell whether FHIR has a resource type of this name."""
        return name in r4.resource_types()

    def text(self, number: int) -> str:
        """Give an argument by its number."""
        return self._texts[number]

    def _lay_out(self) -> None:
        plan, space = self.plan, self._space
        steps: list[tuple[str, Step]] = []
        members: list[tuple[NameTable, NameTable]] = []
        for node in plan.nodes:
            first = len(steps)
            steps += node.steps.items()
            members.append(
                (space.table({key: first + at for at, key in enumerate(node.steps)}), space.table(node.select))
            )
        checks = [self._check(check) for check in plan.checks]
        self._steps = (_Step * max(len(steps), 1))(*(self._step(key, step) for key, step in steps))
        self._checks = (_Check * max(len(checks), 1))(*checks)
        view = space.view()
        ways: list[_Way] = []
        self._nodes = (_Node * max(len(members), 1))(
            *(self._node(node, *tables, ways) for node, tables in zip(plan.nodes, members, strict=True))
        )
        self._ways = (_Way * max(len(ways), 1))(*ways)
        meta = self._text(compact_json(plan.meta)) if plan.meta else -1
        self._content, self._offsets = packed(self._texts)
        self._names = space.names()
        arrays = (ctypes.cast(array, ctypes.c_void_p) for array in (self._steps, self._nodes, self._checks, self._ways))
        texts = (address(self._content), address(self._offsets))
        tables = (self._roots, self._types, self._known)
        self.view = PlanView(view, *arrays, *texts, *tables, meta, int(plan.keeps_other_patients))

    def _step(self, key: str, step: Step) -> _Step:
        argument = step.argument
        if step.action is Action.CONSTANT:
            argument = compact_json(argument)
        elif step.action is Action.AGE:
            argument = _whole(argument or "90")
        contained = step.action is Action.RESOURCE and argument == "contained"
        number, name = self._text(argument), self._space.number(key)
        absent = self._text(compact_json(step.absent)) if step.absent else -1
        return _Step(int(step.action), step.rule, step.node, number, step.check, name, int(contained), absent)

    def _node(self, node: Node, steps: NameTable, select: NameTable, ways: list[_Way]) -> _Node:
        alone = self._space.number(node.alone) if node.alone else -1
        if not node.select_on:
            return _Node(steps, select, -1, -1, -1, 0, alone)
        first = len(ways)
        number = self._space.number(node.ways[0][0])
        for at, names in enumerate(node.ways):
            self._add_way(names, ways, last=at + 1 == len(node.ways))
        return _Node(steps, select, number, first, node.otherwise, int(node.refuse), alone)

    def _add_way(self, names: tuple[str, ...], ways: list[_Way], *, last: bool) -> None:
        """Add the steps of one way, behind each other; only the first tells where to go if nothing on it selects."""
        first = len(ways)
        for at, name in enumerate(names):
            following = first + at + 1 if at + 1 < len(names) else -1
            otherwise = first + len(names) if at == 0 and not last else -1
            ways.append(_Way(self._space.number(name), self._space.hash_of(name), following, otherwise))

    def _check(self, check: Check) -> _Check:
        values = check.values if check.kind is CheckKind.ONE_OF else ()
        table = self._space.table(dict.fromkeys(values, 0))
        first, count = 0, 0
        if check.kind is CheckKind.SHAPE:
            first, count = len(self._texts), len(check.values)
            self._texts += check.values
        bits = sum(1 << ord(character) for character in set(check.chars))
        chars = (ctypes.c_uint64 * 2)(bits & (2**64 - 1), bits >> 64)
        return _Check(int(check.kind), check.longest, table, first, count, chars)

    def _text(self, text: str) -> int:
        if text not in self._text_ids:
            self._text_ids[text] = len(self._texts)
            self._texts.append(text)
        return self._text_ids[text]


def compact_json(text: str) -> str:
    """Write a plan's JSON argument on one line without blanks. Raises: Invalid if it is not JSON."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        raise Invalid("a plan with an argument that is not JSON") from None


def _whole(text: str) -> str:
    if not text.isdecimal() or not 0 < int(text) < np.iinfo(np.int32).max:
        raise Invalid("a plan with an age that is not a whole number")
    return str(int(text))


def _known_names(plan: Plan) -> list[str]:
    names = {name for owner in r4.owners() for name in r4.children(owner)}
    names |= {"_" + name for name in names} | {"resourceType"}
    names |= {key for node in plan.nodes for key in (*node.steps, node.alone) if key}
    names |= {name for node in plan.nodes for way in node.ways for name in way}
    return sorted(names)

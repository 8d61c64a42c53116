"""A plan narrowed to the elements that an agreement names: the minimum necessary (45 CFR 164.502(b))."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from bailee.deid.structure.plan import Action, Node, Plan, Rule, Step
from bailee.records.r4 import children, patient_paths

_ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules", "modifierExtension"})
_OWNERS = frozenset({"patient", "subject", "beneficiary", "individual"})  # before performers and the like
_REASON, _SOURCE = "outside the agreement's scope", "45 CFR 164.502(b)"


def narrowed_plan(plan: Plan, elements: Mapping[str, Sequence[str]]) -> Plan:
    """Narrow a plan: of each type that is named, only the named top-level elements leave, by their own steps.

    What FHIR requires of the type, what changes its meaning (a modifier element) and what says whose it is stay beside
    them. A type that is not named keeps all of its elements.

    Shape: type → names of elements as in JSON. Raises: KeyError for a type that R4 does not have.
    """
    for kind in sorted(set(elements) & set(plan.roots)):
        plan = _narrowed(plan, kind, elements[kind])
    return plan


def _narrowed(plan: Plan, kind: str, names: Sequence[str]) -> Plan:
    stays = _staying(kind) | set(names)
    taken_away = Step(action=Action.REMOVE, rule=len(plan.rules))
    nodes, moved = list(plan.nodes), dict[int, int]()

    def narrow(index: int) -> int:
        if index < 0:
            return index
        if index not in moved:
            moved[index] = len(nodes)
            nodes.append(nodes[index])  # its place, before those that it leads to
            nodes[moved[index]] = _only(plan.nodes[index], stays, taken_away, narrow)
        return moved[index]

    root = narrow(plan.roots[kind])
    rule = Rule(path=f"{kind}.*", method="remove", reason=_REASON, source=_SOURCE)
    return msgspec.structs.replace(
        plan, nodes=tuple(nodes), roots={**plan.roots, kind: root}, rules=(*plan.rules, rule)
    )


def _only(node: Node, stays: set[str], taken_away: Step, narrow: Callable[[int], int]) -> Node:
    steps = {name: step if name.removeprefix("_") in stays else taken_away for name, step in node.steps.items()}
    select = {value: narrow(index) for value, index in node.select.items()}
    return msgspec.structs.replace(node, steps=steps, select=select, otherwise=narrow(node.otherwise))


def _staying(kind: str) -> set[str]:
    members = children(kind).values()
    ways = {path.partition(".")[0] for path in patient_paths(kind)}
    return {*_ALWAYS, *(ways & _OWNERS or ways), *(one.name for one in members if one.required or one.modifier)}

"""Which rule applies to a path, and why: read from the compiled plan, so it is what the engine does.

For the documentation, the console and `bailee deid --explain`; it sees no record.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bailee.core.errors import UserError
from bailee.deid.profiles.paths import Path, PathStep, Where, parse_path
from bailee.deid.structure.plan import Action, CheckKind, Node, Plan, Step
from bailee.records import r4

WORDS = {
    Action.REMOVE: "is removed",
    Action.KEEP: "stays",
    Action.DESCEND: "is decided part by part",
    Action.RESOURCE: "is treated by its own type's rules",
    Action.YEAR: "is cut to its year",
    Action.BIRTH_YEAR: "is cut to its year, or removed for patients of 90 or more",
    Action.SHIFT: "is moved by the patient's secret number of days",
    Action.ZIP3: "is cut to three digits that stand for more than 20,000 people, or 000",
    Action.AGE: "stays up to 89 years, else becomes 90",
    Action.OWN_ID: "becomes a pseudonym",
    Action.REFERENCE: "is rewritten as the ids are, or removed",
    Action.HASH: "becomes a keyed hash",
    Action.CONSTANT: "is replaced by a fixed value",
    Action.TEXT: "goes through the notes engine",
    Action.ATTACHMENT: "is opened, cleaned by the notes engine and put back as text",
    Action.METHOD: "is changed by a method of the profile",
}
CHECKS = {
    CheckKind.NUMBER: "if it is a number",
    CheckKind.BOOLEAN: "if it is true or false",
    CheckKind.ONE_OF: "if it is in the list",
    CheckKind.CHARS: "if it looks like such a value",
    CheckKind.SHAPE: "if it looks like such a value",
}


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a profile does with one element, by which rule."""

    path: str
    outcome: str  # "is cut to its year"
    rule: str  # "Patient.birthDate", "HumanName"; "" where there is none
    reason: str
    source: str = ""

    def __str__(self) -> str:
        cited = f" ({self.source})" if self.source else ""
        return f"{self.path} {self.outcome}: {self.reason}{cited}. Rule: {self.rule or 'none'}"


def explain(plan: Plan, text: str) -> Decision:
    """Say what a plan does with a path such as `Patient.contact.name` or `Quantity` inside a type's path.

    A condition, `Observation.value.where(code='a').value`, chooses among what a rule selects by; without one, the
    answer is for objects that no condition meets.
    Raises: UserError if the path is none of FHIR R4's, or does not start at a resource type.
    Example:
        >>> from bailee.deid.profiles.compile import shipped_plan
        >>> print(explain(shipped_plan("safe-harbor"), "Patient.birthDate").outcome)
        is cut to its year, or removed for patients of 90 or more

    """
    path = _checked(text)
    if path.head not in plan.roots:
        return Decision(path=text, outcome="is refused", rule="", reason=f"{path.head} does not leave")
    node = _selected(plan, plan.roots[path.head], path.where)
    decided = Decision(path=text, outcome="is decided part by part", rule="", reason="A record")
    for step in path.steps:
        found = node.steps.get(step.name) if node else None
        if found is None:
            return Decision(path=text, outcome="is removed", rule="", reason="No rule lets it leave")
        decided = _decision(plan, text, found)
        node = _entered(plan, found, step)
        if found.action is not Action.DESCEND:
            return decided
    return decided


def decisions(plan: Plan, resource_type: str) -> Iterator[Decision]:
    """Say what a plan does with every element of a type, nested parts included, in the order of FHIR's tables."""
    yield from _walk(plan, resource_type, resource_type, ())


def _walk(plan: Plan, prefix: str, owner: str, seen: tuple[str, ...]) -> Iterator[Decision]:
    for element in r4.children(owner).values():
        path = f"{prefix}.{element.name}"
        decided = explain(plan, path)
        yield decided
        nested = r4.owner(element.type).kind is r4.Kind.BACKBONE and element.type not in seen
        if nested and decided.outcome == WORDS[Action.DESCEND]:
            yield from _walk(plan, path, element.type, (*seen, element.type))


def _checked(text: str) -> Path:
    try:
        path = parse_path(text)
        r4.elements_at(".".join([path.head, *(step.name for step in path.steps)]))
    except (ValueError, KeyError) as error:
        raise UserError(f"{text} is no path of FHIR R4: {error}", remedy="Write Type.element.element.") from None
    return path


def _entered(plan: Plan, found: Step, step: PathStep) -> Node | None:
    """Follow a step into the node that the condition selects, or that objects of no condition have."""
    return _selected(plan, found.node, step.where) if found.action is Action.DESCEND else None


def _selected(plan: Plan, number: int, where: Where | None) -> Node | None:
    node = plan.nodes[number]
    if not node.select_on:
        return node
    met = where is not None and where.member in {node.select_on, *node.select_on.split("|")}
    value = where.values[0] if met and where and where.values else None
    index = node.select.get(value, node.otherwise) if value is not None else node.otherwise
    return plan.nodes[index] if index != -1 else None


def _decision(plan: Plan, text: str, step: Step) -> Decision:
    rule = plan.rules[step.rule]
    outcome = WORDS[step.action]
    if step.check != -1:
        test = CHECKS[plan.checks[step.check].kind]
        outcome = f"stays {test}, else {'is removed' if step.action is Action.KEEP else outcome}"
    return Decision(path=text, outcome=outcome, rule=rule.path, reason=rule.reason, source=rule.source)

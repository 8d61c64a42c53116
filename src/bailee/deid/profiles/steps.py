"""One rule applied to one element: which action, which check; it knows nothing of the graph around it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bailee.core.errors import UserError
from bailee.deid.profiles.profile import Rule, lists, terminologies
from bailee.deid.structure.methods import check_argument
from bailee.deid.structure.plan import Action, Check, CheckKind
from bailee.records import r4

ACTIONS = {
    "remove": Action.REMOVE,
    "keep": Action.KEEP,
    "inside": Action.DESCEND,
    "year": Action.YEAR,
    "birth-year": Action.BIRTH_YEAR,
    "shift": Action.SHIFT,
    "zip3": Action.ZIP3,
    "age": Action.AGE,
    "pseudonym": Action.OWN_ID,
    "reference": Action.REFERENCE,
    "resource": Action.RESOURCE,
    "contained": Action.RESOURCE,
    "hash": Action.HASH,
    "constant": Action.CONSTANT,
    "text": Action.TEXT,
    "attachment": Action.ATTACHMENT,
    "mask": Action.METHOD,
    "encrypt": Action.METHOD,
    "generalise": Action.METHOD,
    "perturb": Action.METHOD,
    "substitute": Action.METHOD,
}
NUMBERS = {"decimal", "integer", "positiveInt", "unsignedInt"}
DATES = {"date", "dateTime", "instant"}
STRINGS = {Action.YEAR, Action.BIRTH_YEAR, Action.SHIFT, Action.ZIP3, Action.OWN_ID, Action.REFERENCE, Action.TEXT}


class Treatment(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one element."""

    action: Action
    argument: str = ""
    check: Check | None = None


def treatment(rule: Rule, element: r4.Element, *, system: str = "") -> Treatment:
    """Give what a rule means for an element; `system` is the code system that selected the object.

    Raises: UserError if the method cannot be applied to an element of this type.
    """
    group, action = rule.group, ACTIONS[rule.group.method]
    primitive = r4.is_primitive(element.type)
    wrong = (
        (action is Action.DESCEND and primitive)
        or (action in {Action.KEEP, *STRINGS} and not primitive)
        or (action is Action.ATTACHMENT and element.type != "Attachment")
        or (action in {Action.YEAR, Action.BIRTH_YEAR, Action.SHIFT} and element.type not in DATES)
    )
    if wrong:
        raise UserError(f"{rule.path.text}: {group.method} is no method for {element.type}", where=rule.where)
    if action is Action.KEEP:
        return Treatment(action=action, check=_keep_check(rule, element, system))
    if action is Action.TEXT and group.known:
        return Treatment(action=action, check=Check(kind=CheckKind.ONE_OF, values=lists()[group.known]))
    if action is Action.METHOD:
        _check_argument(rule)
        return Treatment(action=action, argument=f"{group.method}:{group.argument}")
    return Treatment(action=action, argument="contained" if group.method == "contained" else group.argument)


def _check_argument(rule: Rule) -> None:
    try:
        check_argument(rule.group.method, rule.group.argument)
    except ValueError as error:
        raise UserError(f"{rule.path.text}: {error}", where=rule.where) from None


def listed(values: Sequence[str] | str) -> tuple[str, ...]:
    """Give the values of a list by "@name", or the values themselves."""
    return lists()[values] if isinstance(values, str) else tuple(values)


def _keep_check(rule: Rule, element: r4.Element, system: str) -> Check | None:
    group = rule.group
    if group.unchecked:
        return None
    if group.only == "@codes":
        return code_check(system)
    if group.only:
        return Check(kind=CheckKind.ONE_OF, values=listed(group.only))
    if group.shapes:
        return Check(kind=CheckKind.SHAPE, values=listed(group.shapes))
    if group.chars:
        return Check(kind=CheckKind.CHARS, chars=group.chars, longest=group.longest)
    return _type_check(rule, element)


def _type_check(rule: Rule, element: r4.Element) -> Check:
    if element.type == "boolean":
        return Check(kind=CheckKind.BOOLEAN)
    if element.type in NUMBERS:
        return Check(kind=CheckKind.NUMBER)
    if element.codes:
        return Check(kind=CheckKind.ONE_OF, values=tuple(sorted(r4.code_set(element.codes))))
    if element.type in {"time", "date", "dateTime", "instant"}:
        return Check(kind=CheckKind.SHAPE, values=lists()["@times" if element.type == "time" else "@dates"])
    raise UserError(
        f"{rule.path.text} keeps {element.type} {element.name} whatever it holds",
        where=rule.where,
        remedy="Say what may stay: only, shapes, or chars and longest; or unchecked = true.",
    )


def code_check(system: str) -> Check:
    """Give the check of a code system's codes: its list, or their shape. Raises: KeyError if it is not known."""
    row = terminologies().get(system)
    if row is None:
        return Check(kind=CheckKind.ONE_OF, values=tuple(sorted(r4.system_codes(system))))
    if row.shapes:
        return Check(kind=CheckKind.SHAPE, values=row.shapes)
    if row.only:
        return Check(kind=CheckKind.ONE_OF, values=lists()[row.only])
    return Check(kind=CheckKind.CHARS, chars=row.chars, longest=row.longest)

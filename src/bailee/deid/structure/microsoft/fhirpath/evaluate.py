"""Evaluation of a parsed expression over elements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, DivisionByZero, InvalidOperation

from bailee.deid.structure.microsoft.fhirpath import functions
from bailee.deid.structure.microsoft.fhirpath.parse import (
    Binary,
    Call,
    Expression,
    Literal,
    Member,
    Name,
    Special,
    TypeCall,
    Unary,
)
from bailee.deid.structure.microsoft.fhirpath.parse import Item as Indexed
from bailee.deid.structure.microsoft.fhirpath.values import (
    Items,
    Misfit,
    System,
    equal,
    equivalent,
    is_number,
    is_of_type,
    less,
    one,
    system_value,
    text_value,
    truth,
)
from bailee.deid.structure.microsoft.tree import Element


@dataclass(frozen=True)
class Here:
    """Where an expression stands: $this, $index, and the node that evaluation began at."""

    this: Items
    begin: Element
    index: int = 0
    now: str = ""  # an ISO dateTime, for now() and today()


def evaluate(expression: Expression, node: Element, *, now: str = "") -> Items:
    """Evaluate on a node. Raises: Misfit where values do not fit an operator or function."""
    return _eval(expression, Here([node], node, now=now))


def predicate(expression: Expression, node: Element, *, now: str = "") -> bool:
    """Evaluate as a condition; an empty result counts as true, as in the tool that these files are written for."""
    return truth(evaluate(expression, node, now=now)) is not False


def scalar(expression: Expression, node: Element, *, now: str = "") -> System | None:
    """Evaluate to one value, None for none. Raises: Misfit for several."""
    return one(evaluate(expression, node, now=now))


def _eval(expression: Expression, here: Here) -> Items:
    match expression:
        case Literal(value):
            return [] if value is None else [value]
        case Special(text):
            return _special(text, here)
        case Name(text):
            return _named(here.this, text)
        case Member(target, text):
            return functions.members(_eval(target, here), text)
        case Indexed(target, index):
            position = one(_eval(index, here))
            items = _eval(target, here)
            if not isinstance(position, int) or isinstance(position, bool):
                raise Misfit("an index that is no whole number")
            return items[position : position + 1] if position >= 0 else []
        case Unary(sign, operand):
            return _signed(sign, one(_eval(operand, here)))
        case Binary():
            return _binary(expression, here)
        case TypeCall(target, name, kind):
            return _typed(here.this if target is None else _eval(target, here), name, kind)
        case Call():
            return _call(expression, here)


def _special(text: str, here: Here) -> Items:
    if text == "$this":
        return here.this
    if text == "$index":
        return [here.index]
    if text == "%context":
        return [here.begin]
    node = here.begin
    while text == "%resource" and node.parent is not None and not node.is_resource:
        node = node.parent
    return [node if text == "%resource" else node.root]


def _named(items: Items, text: str) -> Items:
    """Read a name at an expression's start: a type that the item has, else a member."""
    if text[:1].isupper():
        typed = [item for item in items if isinstance(item, Element) and _is_named_type(item, text)]
        if typed:
            return list(typed)
    return functions.members(items, text)


def _is_named_type(item: Element, text: str) -> bool:
    return item.type == text or (item.is_resource and text in {"Resource", "DomainResource"})


def _signed(sign: str, value: System | None) -> Items:
    if value is None:
        return []
    if not is_number(value):
        raise Misfit("a sign before something that is no number")
    return [-value if sign == "-" else value]  # type: ignore[operator]


def _typed(items: Items, name: str, kind: str) -> Items:
    if name != "is":
        return [item for item in items if is_of_type(item, kind)]
    if len(items) > 1:
        raise Misfit("several items where one is expected")
    return [is_of_type(item, kind) for item in items]


def _binary(expression: Binary, here: Here) -> Items:
    operator = expression.operator
    left = _eval(expression.left, here)
    if operator in {"and", "or", "xor", "implies"}:
        return _logic(operator, truth(left), truth(_eval(expression.right, here)))
    right = _eval(expression.right, here)
    if operator == "|":
        return functions.distinct([*left, *right])
    if operator in {"in", "contains"}:
        return _membership(*(left, right) if operator == "in" else (right, left))
    if operator in {"=", "!=", "~", "!~"}:
        return _equality(operator, left, right)
    mine, other = one(left), one(right)
    if operator == "&":
        return ["".join(text_value(value) for value in (mine, other) if value is not None)]
    if mine is None or other is None:
        return []
    if operator in {"<", ">", "<=", ">="}:
        return _comparison(operator, mine, other)
    return _arithmetic(operator, mine, other)


def _logic(operator: str, left: bool | None, right: bool | None) -> Items:  # noqa: FBT001
    if operator == "implies":
        return _logic("or", None if left is None else not left, right)
    if operator == "xor":
        return [] if left is None or right is None else [left != right]
    decisive = operator == "or"
    if decisive in (left, right):
        return [decisive]
    return [] if None in (left, right) else [not decisive]


def _membership(item: Items, collection: Items) -> Items:
    if not item:
        return []
    if len(item) > 1:
        raise Misfit("several items where one is expected")
    return [any(equal(item[0], other) for other in collection)]


def _equality(operator: str, left: Items, right: Items) -> Items:
    if operator in {"~", "!~"}:
        same = functions.all_equivalent(left, right, equivalent)
        return [same if operator == "~" else not same]
    if not left or not right:
        return []
    if len(left) != len(right):
        return [operator == "!="]
    answers = [equal(mine, other) for mine, other in zip(left, right, strict=True)]
    if False in answers:
        return [operator == "!="]
    return [] if None in answers else [operator == "="]


def _comparison(operator: str, left: System, right: System) -> Items:
    answer = less(left, right)
    if answer is None:
        return []
    below, same = answer
    return [{"<": below, "<=": below or same, ">": not below and not same, ">=": not below}[operator]]


_ARITHMETIC: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "div": lambda a, b: Decimal(int(a / b)),
    "mod": lambda a, b: a % b,
}


def _arithmetic(operator: str, left: System, right: System) -> Items:
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return [left + right]
    if not (is_number(left) and is_number(right)):
        raise Misfit("arithmetic with something that is no number")
    whole = isinstance(left, int) and isinstance(right, int)
    try:
        result = _ARITHMETIC[operator](Decimal(left), Decimal(right))  # type: ignore[arg-type]
    except (DivisionByZero, InvalidOperation):
        return []
    return [int(result) if (whole and operator != "/") or operator == "div" else result]


def _call(expression: Call, here: Here) -> Items:
    items = here.this if expression.target is None else _eval(expression.target, here)
    name, arguments = expression.name, expression.arguments
    if name in functions.WITH_CRITERIA:
        return functions.WITH_CRITERIA[name](items, _each(arguments, here))
    if name == "iif":
        return _iif(items, arguments, here)
    if name in {"now", "today"}:
        return functions.clock(name, here.now)
    if name == "trace":
        return items
    given = [_eval(argument, here) for argument in arguments]
    return functions.PLAIN[name](items, *given)


def _each(arguments: tuple[Expression, ...], here: Here) -> functions.Criterion | None:
    if not arguments:
        return None
    return lambda item, index: _eval(arguments[0], replace(here, this=[item], index=index))


def _iif(items: Items, arguments: tuple[Expression, ...], here: Here) -> Items:
    inner = replace(here, this=items)
    if truth(_eval(arguments[0], inner)):
        return _eval(arguments[1], inner)
    return _eval(arguments[2], inner) if len(arguments) > 2 else []


__all__ = ["Misfit", "evaluate", "predicate", "scalar", "system_value"]

"""Items of a collection: elements, and values of the system types bool, int, Decimal, str, Moment."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from bailee.deid.structure.microsoft.fhirpath.moments import Moment, comparable, moment_from_text, order
from bailee.deid.structure.microsoft.tree import Element, text_of

System = bool | int | Decimal | str | Moment
Item = Element | System
Items = list[Item]

_WHOLE = frozenset({"integer", "unsignedInt", "positiveInt"})
_MOMENTS = {"date": "date", "dateTime": "dateTime", "instant": "dateTime", "time": "time"}
_SYSTEM_NAMES = {bool: "Boolean", int: "Integer", Decimal: "Decimal", str: "String"}


class Misfit(Exception):
    """Evaluation met values that an operator or function cannot take."""


def system_value(item: Item) -> System | None:
    """Give an item's value as a system type; None for an element without one."""
    if not isinstance(item, Element):
        return item
    if item.value is None or isinstance(item.value, bool):
        return item.value
    text = text_of(item.value)
    try:
        if item.type in _WHOLE:
            return int(text)
        if item.type == "decimal":
            return Decimal(text)
    except (ValueError, InvalidOperation):
        return text
    moment = moment_from_text(text, _MOMENTS[item.type]) if item.type in _MOMENTS else None
    return text if moment is None else moment


def one(items: Items) -> System | None:
    """Give the single item's value, None for none. Raises: Misfit for several."""
    if len(items) > 1:
        raise Misfit("several items where one is expected")
    return system_value(items[0]) if items else None


def truth(items: Items) -> bool | None:
    """Read a collection as a condition: None for empty, a single boolean itself, anything else true."""
    if not items:
        return None
    if len(items) == 1:
        value = system_value(items[0])
        if isinstance(value, bool):
            return value
    return True


def is_number(value: System | None) -> bool:
    """Tell whether a value is an Integer or a Decimal."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def equal(left: Item, right: Item) -> bool | None:
    """Compare two items by `=`: None where dates' precision does not decide."""
    if isinstance(left, Element) and isinstance(right, Element) and (left.children or right.children):
        return _same_tree(left, right)
    mine, other = system_value(left), system_value(right)
    if isinstance(mine, Moment) and isinstance(other, Moment):
        compared = order(mine, other) if comparable(mine, other) else 1
        return None if compared is None else compared == 0
    if is_number(mine) and is_number(other):
        return mine == other
    return type(mine) is type(other) and mine == other


def equivalent(left: Item, right: Item) -> bool:
    """Compare two items by `~`: text without case and spare blanks, decimals at the lesser precision."""
    mine, other = system_value(left), system_value(right)
    if isinstance(mine, str) and isinstance(other, str):
        return mine.lower().split() == other.lower().split()
    if isinstance(mine, Decimal) or isinstance(other, Decimal):
        return is_number(mine) and is_number(other) and _same_rounded(mine, other)  # type: ignore[arg-type]
    return bool(equal(left, right))


def less(left: System, right: System) -> tuple[bool, bool] | None:
    """Tell whether left < right, and whether they are equal; None where undecided. Raises: Misfit for other types."""
    if isinstance(left, Moment) and isinstance(right, Moment) and comparable(left, right):
        compared = order(left, right)
        return None if compared is None else (compared < 0, compared == 0)
    if (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str)):
        return left < right, left == right  # type: ignore[operator]
    raise Misfit("values of different types compared")


def is_of_type(item: Item, name: str) -> bool:
    """Tell whether an item is exactly of a type: an element's own, or a system type's name."""
    if isinstance(item, Element):
        return item.type == name
    if isinstance(item, Moment):
        return {"date": "Date", "dateTime": "DateTime", "time": "Time"}[item.kind] == name
    return _SYSTEM_NAMES[type(item)] == name


def text_value(value: System) -> str:
    """Write a value as toString() does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _same_rounded(left: int | Decimal, right: int | Decimal) -> bool:
    mine, other = Decimal(left), Decimal(right)
    places = min(-int(mine.as_tuple().exponent), -int(other.as_tuple().exponent))
    return round(mine, places) == round(other, places)


def _same_tree(left: Element, right: Element) -> bool:
    if left.type != right.type or left.value != right.value or len(left.children) != len(right.children):
        return False
    pairs = zip(left.children, right.children, strict=True)
    return all(mine.name == other.name and _same_tree(mine, other) for mine, other in pairs)

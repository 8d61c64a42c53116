"""The functions of FHIRPath that are supported, over whole collections."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from bailee.deid.structure.microsoft.fhirpath.moments import Moment, moment_from_text
from bailee.deid.structure.microsoft.fhirpath.values import (
    Item,
    Items,
    Misfit,
    equal,
    is_number,
    one,
    system_value,
    text_value,
    truth,
)
from bailee.deid.structure.microsoft.tree import Element

Criterion = Callable[[Item, int], Items]


def members(items: Items, name: str) -> Items:
    """Give the children of a name of all elements."""
    return [child for item in items if isinstance(item, Element) for child in item.named(name)]


def distinct(items: Items) -> Items:
    """Drop repeated items, keeping the first of each."""
    kept: Items = []
    for item in items:
        if not any(item is other or equal(item, other) for other in kept):
            kept.append(item)
    return kept


def all_equivalent(left: Items, right: Items, same: Callable[[Item, Item], bool]) -> bool:
    """Tell whether two collections hold equivalent items, in any order."""
    rest = list(right)
    for item in left:
        found = next((index for index, other in enumerate(rest) if same(item, other)), None)
        if found is None:
            return False
        rest.pop(found)
    return not rest


def clock(name: str, now: str) -> Items:
    """Answer now() and today() from the time that evaluation was given."""
    moment = moment_from_text(now, "dateTime") if name == "now" else moment_from_text(now[:10], "date")
    if moment is None:
        raise Misfit("an expression that asks for the time, which was not given")
    return [moment]


# ---- functions with an expression as argument


def _where(items: Items, criterion: Criterion | None) -> Items:
    assert criterion is not None
    return [item for index, item in enumerate(items) if truth(criterion(item, index))]


def _select(items: Items, criterion: Criterion | None) -> Items:
    assert criterion is not None
    return [found for index, item in enumerate(items) for found in criterion(item, index)]


def _all(items: Items, criterion: Criterion | None) -> Items:
    assert criterion is not None
    return [all(truth(criterion(item, index)) for index, item in enumerate(items))]


def _exists(items: Items, criterion: Criterion | None) -> Items:
    return [bool(items if criterion is None else _where(items, criterion))]


def _repeat(items: Items, criterion: Criterion | None) -> Items:
    assert criterion is not None
    found: Items = []
    fresh = items
    while fresh:
        reached = [item for index, one_ in enumerate(fresh) for item in criterion(one_, index)]
        fresh = [item for item in reached if not any(item is other for other in found)]
        found += fresh
    return found


WITH_CRITERIA: dict[str, Callable[[Items, Criterion | None], Items]] = {
    "where": _where,
    "select": _select,
    "all": _all,
    "exists": _exists,
    "repeat": _repeat,
}

# ---- functions with values as arguments


def _text(items: Items) -> str | None:
    value = one(items)
    if value is None or isinstance(value, str):
        return value
    raise Misfit("a text function on something that is no text")


def _whole(items: Items) -> int:
    value = one(items)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise Misfit("an argument that is no whole number")


def _on_text(function: Callable[..., Any]) -> Callable[..., Items]:
    """Lift a function of texts: an empty input or argument gives an empty result."""

    def lifted(items: Items, *arguments: Items) -> Items:
        texts = [_text(collection) for collection in (items, *arguments)]
        return [] if None in texts else [function(*texts)]

    return lifted


def _substring(items: Items, start: Items, length: Items | None = None) -> Items:
    text, first = _text(items), _whole(start)
    if text is None or not 0 <= first < len(text):
        return []
    return [text[first:] if length is None else text[first : first + max(_whole(length), 0)]]


def _split(text: str, separator: str | None) -> Items:
    return list(text.split(separator)) if separator else list(text)


def _joined(items: Items, separator: Items) -> Items:
    texts = [_text([item]) for item in items]
    return [(_text(separator) or "").join(text for text in texts if text is not None)] if items else []


def _pattern(text: str) -> re.Pattern[str]:
    """Compile a .NET expression: its named groups are written without P."""
    try:
        return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", text), re.DOTALL)
    except re.error:
        raise Misfit("a regular expression that is not valid") from None


def _replace_matches(text: str, pattern: str, replacement: str) -> str:
    template = re.sub(
        r"\$\{(\w+)\}|\$(\d+)", lambda found: f"\\g<{found[1] or found[2]}>", replacement.replace("\\", "\\\\")
    )
    try:
        return _pattern(pattern).sub(template, text)
    except (re.error, IndexError):
        raise Misfit("a replacement that names a group which is not there") from None


def _number(function: Callable[[Any], Any]) -> Callable[..., Items]:
    def lifted(items: Items, *arguments: Items) -> Items:
        value = one(items)
        if value is None:
            return []
        if not is_number(value):
            raise Misfit("a number function on something that is no number")
        return [function(value, *map(_whole, arguments))]

    return lifted


def _round(value: int | Decimal, places: int = 0) -> Decimal:
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def _to_integer(items: Items) -> Items:
    value = one(items)
    if isinstance(value, str):
        return [int(value)] if re.fullmatch(r"[+-]?\d+", value, re.ASCII) else []
    return [int(value)] if isinstance(value, int) else []


def _to_decimal(items: Items) -> Items:
    value = one(items)
    if isinstance(value, str):
        try:
            return [Decimal(value)] if re.fullmatch(r"[+-]?\d+(\.\d+)?", value, re.ASCII) else []
        except InvalidOperation:
            return []
    return [Decimal(value)] if isinstance(value, int | Decimal) else []


def _to_boolean(items: Items) -> Items:
    value = one(items)
    if value is None:
        return []
    text = text_value(value).lower()
    if text in {"true", "t", "yes", "y", "1", "1.0"}:
        return [True]
    return [False] if text in {"false", "f", "no", "n", "0", "0.0"} else []


def _to_string(items: Items) -> Items:
    value = one(items)
    return [] if value is None else [text_value(value)]


def _to_moment(kind: str) -> Callable[[Items], Items]:
    def convert(items: Items) -> Items:
        value = one(items)
        if value is None or not isinstance(value, str | Moment):
            return []
        text = str(value)[:10] if kind == "date" and isinstance(value, Moment) else str(value)
        moment = moment_from_text(text, kind)
        return [] if moment is None or (kind == "date" and moment.kind != "date") else [moment]

    return convert


def _converts(convert: Callable[[Items], Items]) -> Callable[[Items], Items]:
    return lambda items: [bool(convert(items))] if items else []


def _only_single(items: Items) -> Items:
    if len(items) > 1:
        raise Misfit("several items where one is expected")
    return items


def _nodes(items: Items) -> list[Element]:
    found: list[Element] = []
    for item in items:
        if isinstance(item, Element):
            found += [item, *item.descendants(into_resources=False)]
    return found


def _extension(items: Items, url: Items) -> Items:
    wanted = _text(url)
    return [item for item in members(items, "extension") if isinstance(item, Element) and _url_of(item) == wanted]


def _url_of(item: Element) -> object:
    url = item.first("url")
    return None if url is None else url.value


def _all_are(wanted: bool) -> Callable[[Items], Items]:  # noqa: FBT001
    return lambda items: [all(truth([item]) is wanted for item in items)]


def _any_is(wanted: bool) -> Callable[[Items], Items]:  # noqa: FBT001
    return lambda items: [any(truth([item]) is wanted for item in items)]


def _not(items: Items) -> Items:
    value = truth(items)
    return [] if value is None else [not value]


def _has(collection: Items, item: Item) -> bool:
    return any(item is other or equal(item, other) for other in collection)


_LISTS: dict[str, Callable[..., Items]] = {
    "empty": lambda items: [not items],
    "not": _not,
    "allTrue": _all_are(True),
    "allFalse": _all_are(False),
    "anyTrue": _any_is(True),
    "anyFalse": _any_is(False),
    "count": lambda items: [len(items)],
    "distinct": distinct,
    "isDistinct": lambda items: [len(distinct(items)) == len(items)],
    "single": _only_single,
    "first": lambda items: items[:1],
    "last": lambda items: items[-1:],
    "tail": lambda items: items[1:],
    "skip": lambda items, count: items[max(_whole(count), 0) :],
    "take": lambda items, count: items[: max(_whole(count), 0)],
    "union": lambda items, other: distinct([*items, *other]),
    "combine": lambda items, other: [*items, *other],
    "intersect": lambda items, other: distinct([item for item in items if _has(other, item)]),
    "exclude": lambda items, other: [item for item in items if not _has(other, item)],
    "subsetOf": lambda items, other: [all(_has(other, item) for item in items)],
    "supersetOf": lambda items, other: [all(_has(items, item) for item in other)],
}
_TREES: dict[str, Callable[..., Items]] = {
    "children": lambda items: [child for item in items if isinstance(item, Element) for child in item.children],
    "descendants": lambda items: [
        node for item in items if isinstance(item, Element) for node in item.descendants(into_resources=True)
    ],
    "nodesByType": lambda items, name: [node for node in _nodes(items) if node.type == _text(name)],
    "nodesByName": lambda items, name: [node for node in _nodes(items) if node.name == _text(name)],
    "extension": _extension,
    "hasValue": lambda items: [len(items) == 1 and system_value(items[0]) is not None],
    "getValue": lambda items: [value] if len(items) == 1 and (value := system_value(items[0])) is not None else [],
}
_TEXTS: dict[str, Callable[..., Items]] = {
    "startsWith": _on_text(str.startswith),
    "endsWith": _on_text(str.endswith),
    "contains": _on_text(lambda text, part: part in text),
    "indexOf": _on_text(str.find),
    "lastIndexOf": _on_text(str.rfind),
    "split": lambda items, separator: [] if (text := _text(items)) is None else _split(text, _text(separator)),
    "join": lambda items, separator=(): _joined(items, separator),
    "matchesFull": _on_text(lambda text, pattern: bool(_pattern(pattern).fullmatch(text))),
    "matches": _on_text(lambda text, pattern: bool(_pattern(pattern).search(text))),
    "replace": _on_text(str.replace),
    "replaceMatches": _on_text(_replace_matches),
    "substring": _substring,
    "upper": _on_text(str.upper),
    "lower": _on_text(str.lower),
    "trim": _on_text(str.strip),
    "length": _on_text(len),
    "toChars": lambda items: list(_text(items) or ""),
}
_NUMBERS: dict[str, Callable[..., Items]] = {
    "abs": _number(abs),
    "ceiling": _number(math.ceil),
    "floor": _number(math.floor),
    "truncate": _number(math.trunc),
    "round": _number(_round),
}
_CONVERSIONS: dict[str, Callable[[Items], Items]] = {
    "String": _to_string,
    "Integer": _to_integer,
    "Decimal": _to_decimal,
    "Boolean": _to_boolean,
    "Date": _to_moment("date"),
    "DateTime": _to_moment("dateTime"),
    "Time": _to_moment("time"),
}
PLAIN: dict[str, Callable[..., Items]] = {
    **_LISTS,
    **_TREES,
    **_TEXTS,
    **_NUMBERS,
    **{f"to{name}": convert for name, convert in _CONVERSIONS.items()},
    **{f"convertsTo{name}": _converts(convert) for name, convert in _CONVERSIONS.items()},
}

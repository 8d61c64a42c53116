"""A resource as a tree of typed elements, as Microsoft's tool sees it: choices by their bare name, `_x` below `x`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from json.encoder import encode_basestring
from typing import Any, NamedTuple

import msgspec

from bailee.core.errors import Invalid
from bailee.records import r4


class Number(str):
    """A JSON number as it is written, so that 0.10 stays 0.10."""

    __slots__ = ()


Value = str | Number | bool | None


class Slot(NamedTuple):
    """What R4 says of a node: its bare name, its JSON key, the owner of its members, its type."""

    name: str
    key: str
    owner: str
    type: str
    repeats: bool = False
    is_primitive: bool = False
    is_resource: bool = False


@cache
def slot_of(owner: str, key: str) -> Slot | None:
    """Look up a member by its JSON key; None if R4 does not have it. A resource's own type is not known here."""
    element = r4.element(owner, key)
    if element is None:
        return None
    name, kind = element.choice or element.name, element.type
    primitive = r4.is_primitive(kind)
    return Slot(name, key, kind, instance_type(kind), element.repeats, primitive, kind == "Resource")


class Element:
    """One node; `value` is None for complex types and where it was removed."""

    __slots__ = ("children", "is_primitive", "is_resource", "name", "parent", "slot", "touched", "type", "value")

    def __init__(self, slot: Slot, value: Value = None) -> None:
        self.slot = slot
        self.name, self.type = slot.name, slot.type
        self.is_primitive, self.is_resource = slot.is_primitive, slot.is_resource
        self.value = value
        self.children: list[Element] = []
        self.parent: Element | None = None
        self.touched = False

    def __repr__(self) -> str:
        return f"Element({self.type})"

    def add(self, child: Element) -> None:
        """Append a child."""
        child.parent = self
        self.children.append(child)

    def named(self, name: str) -> list[Element]:
        """Give the children of a name, in order."""
        return [child for child in self.children if child.name == name]

    def first(self, name: str) -> Element | None:
        """Give the first child of a name."""
        return next(iter(self.named(name)), None)

    def descendants(self, *, into_resources: bool) -> Iterator[Element]:
        """Walk all nodes below, parents first; child resources and what they hold only if asked."""
        for child in self.children:
            if child.is_resource and not into_resources:
                continue
            yield child
            yield from child.descendants(into_resources=into_resources)

    @property
    def root(self) -> Element:
        """Give the outermost node."""
        return self if self.parent is None else self.parent.root


def instance_type(owner: str) -> str:
    """Name an owner's type: a part such as Patient.contact is its base, BackboneElement or Element."""
    described = r4.owners().get(owner)
    return described.base if described is not None and described.kind is r4.Kind.BACKBONE else owner


def text_of(value: Value) -> str:
    """Write a value as .NET does: True, False, and decimals without exponent; "" for none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, Number) and "e" in value.lower():
        return format(Decimal(value), "f")
    return str(value)


MOST_LEVELS = 128  # of objects and lists in each other


def parse_json(content: str | bytes) -> Any:
    """Parse strictly: numbers keep their text, a repeated key is an error. Raises: Invalid, without quoting."""
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_none, parse_float=Number, parse_int=Number)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid("not valid JSON", where=place, remedy="Mend the file and try again.") from None
    hold_depth(found)
    return found


def hold_depth(document: Any) -> None:
    """Hold that a document is not nested too deeply for what follows, however much of the stack is left. Raises: Invalid."""
    level = [document] if isinstance(document, dict | list) else []
    for _ in range(MOST_LEVELS):
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise Invalid("a resource that is nested too deeply", remedy="Split it, or leave it out.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def _none(_constant: str) -> Any:
    raise ValueError


def read_resource(document: Any, place: Slot | None = None) -> Element:
    """Build the tree of a resource. Raises: Invalid for a type or an element that R4 does not have."""
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if kind not in r4.resource_types():
        raise Invalid("a resource whose type FHIR R4 does not have")
    slot = Slot(kind, "", kind, kind) if place is None else place._replace(owner=kind, type=kind)
    node = Element(slot._replace(is_resource=True))
    _read_members(node, document)
    return node


def read_type(document: Any, owner: str) -> Element:
    """Build the tree of a value of a complex type or part. Raises: Invalid if it does not fit."""
    if not isinstance(document, dict):
        raise Invalid(f"a value that is no {instance_type(owner)}")
    node = Element(Slot(owner, "", owner, instance_type(owner)))
    _read_members(node, document)
    return node


def _read_members(node: Element, document: Mapping[str, Any]) -> None:
    owner = node.slot.owner
    for key, value in document.items():
        if key[:1] == "_":
            if key[1:] not in document:
                _read_items(node, _slot(owner, key[1:]), None, value)
        elif key != "resourceType" or not node.is_resource:
            slot, shadow = _slot(owner, key), document.get("_" + key)
            if slot.is_primitive and shadow is None and isinstance(value, str | bool):
                node.add(Element(slot, value))
            else:
                _read_items(node, slot, value, shadow)


def _slot(owner: str, key: str) -> Slot:
    slot = slot_of(owner, key)
    if slot is None:
        raise Invalid(f"an element that FHIR R4 does not have in {owner}")
    return slot


def _read_items(node: Element, slot: Slot, value: Any, shadow: Any) -> None:
    if shadow is None and not isinstance(value, list):
        if value is not None:
            node.add(_read_one(slot, value, None))
        return
    if not slot.repeats and (isinstance(value, list) or isinstance(shadow, list)):
        raise Invalid(f"a list where FHIR R4 has one {slot.type}")
    values, shadows = _listed(value), _listed(shadow)
    for index in range(max(len(values), len(shadows))):
        one = values[index] if index < len(values) else None
        node.add(_read_one(slot, one, shadows[index] if index < len(shadows) else None))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _read_one(slot: Slot, value: Any, shadow: Any) -> Element:
    if not slot.is_primitive:
        if not isinstance(value, dict) or shadow is not None:
            raise Invalid(f"a value that is no {slot.type}")
        if slot.is_resource:
            return read_resource(value, slot)
        node = Element(slot)
        _read_members(node, value)
        return node
    if isinstance(value, dict | list) or not isinstance(shadow, dict | None):
        raise Invalid(f"a value that is no {slot.type}")
    node = Element(slot, value)
    if shadow is not None:
        _read_members(node, shadow)
    return node


def document_of(node: Element, number: Callable[[Number], Any] = lambda value: value) -> dict[str, Any]:
    """Turn a tree back into a JSON document; numbers become what `number` makes of them."""
    document: dict[str, Any] = {"resourceType": node.type} if node.is_resource else {}
    groups: dict[str, list[Element]] = {}
    for child in node.children:
        groups.setdefault(child.slot.key, []).append(child)
    for key, group in groups.items():
        if group[0].is_primitive:
            _write_values(document, key, group, number)
        else:
            written: list[Any] = [document_of(child, number) for child in group]
            document[key] = written if group[0].slot.repeats else written[0]
    return document


def _write_values(document: dict[str, Any], key: str, group: list[Element], number: Callable[[Number], Any]) -> None:
    repeats = group[0].slot.repeats
    values = [number(child.value) if isinstance(child.value, Number) else child.value for child in group]
    if any(value is not None for value in values):
        document[key] = values if repeats else values[0]
    if any(child.children for child in group):
        shadows = [document_of(child, number) or None for child in group]
        document["_" + key] = shadows if repeats else shadows[0]


def text_of_tree(node: Element) -> str:
    """Write a tree as JSON on one line; numbers as they were written."""
    return msgspec.json.encode(document_of(node, lambda value: msgspec.Raw(value.encode()))).decode()


def json_text(value: Any) -> str:
    """Write a document on one line."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(key)}:{json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    if isinstance(value, str):
        return encode_basestring(value)
    return json.dumps(value)

"""A resource as a tree of typed elements, as Microsoft's tool sees it: choices by their bare name, `_x` below `x`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from bailee.core.errors import Invalid
from bailee.records import r4


class Number(str):
    """A JSON number as it is written, so that 0.10 stays 0.10."""

    __slots__ = ()


Value = str | Number | bool | None


class Element:
    """One node. `owner` names the R4 owner of its members; `value` is None for complex types and where it was removed."""

    __slots__ = ("children", "is_resource", "key", "name", "owner", "parent", "repeats", "touched", "type", "value")

    def __init__(self, name: str, key: str, owner: str, *, repeats: bool = False, is_resource: bool = False) -> None:
        self.name, self.key, self.owner = name, key, owner
        self.type = instance_type(owner)
        self.repeats, self.is_resource = repeats, is_resource
        self.value: Value = None
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

    @property
    def is_primitive(self) -> bool:
        """Tell whether the type holds a value of its own."""
        return r4.is_primitive(self.owner)


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


def parse_json(content: str | bytes) -> Any:
    """Parse strictly: numbers keep their text, a repeated key is an error. Raises: Invalid, without quoting."""
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_none, parse_float=Number, parse_int=Number)
    except (ValueError, RecursionError) as error:
        place = f"line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid("not valid JSON", where=place, remedy="Mend the file and try again.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError
    return dict(pairs)


def _none(_constant: str) -> Any:
    raise ValueError


def read_resource(document: Any, *, name: str = "", key: str = "", repeats: bool = False) -> Element:
    """Build the tree of a resource. Raises: Invalid for a type or an element that R4 does not have."""
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if kind not in r4.resource_types():
        raise Invalid("a resource whose type FHIR R4 does not have")
    node = Element(name or kind, key, kind, repeats=repeats, is_resource=True)
    _read_members(node, document)
    return node


def read_type(document: Any, owner: str) -> Element:
    """Build the tree of a value of a complex type or part. Raises: Invalid if it does not fit."""
    if not isinstance(document, dict):
        raise Invalid(f"a value that is no {instance_type(owner)}")
    node = Element(owner, "", owner)
    _read_members(node, document)
    return node


def _read_members(node: Element, document: Mapping[str, Any]) -> None:
    for key in document:
        if (key == "resourceType" and node.is_resource) or (key.startswith("_") and key[1:] in document):
            continue
        base = key.removeprefix("_")
        element = r4.element(node.owner, base)
        if element is None or (key != base and not r4.is_primitive(element.type)):
            raise Invalid(f"an element that FHIR R4 does not have in {node.owner}")
        for child in _read_items(element, document.get(base), document.get("_" + base)):
            node.add(child)


def _read_items(element: r4.Element, value: Any, shadow: Any) -> Iterator[Element]:
    if not element.repeats and (isinstance(value, list) or isinstance(shadow, list)):
        raise Invalid(f"a list where FHIR R4 has one {element.type}")
    values, shadows = _listed(value), _listed(shadow)
    for index in range(max(len(values), len(shadows))):
        one = values[index] if index < len(values) else None
        beside = shadows[index] if index < len(shadows) else None
        yield _read_one(element, one, beside)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _read_one(element: r4.Element, value: Any, shadow: Any) -> Element:
    name = element.choice or element.name
    if element.type == "Resource":
        return read_resource(value, name=name, key=element.name, repeats=element.repeats)
    node = Element(name, element.name, element.type, repeats=element.repeats)
    if not node.is_primitive:
        if not isinstance(value, dict):
            raise Invalid(f"a value that is no {node.type}")
        _read_members(node, value)
        return node
    if isinstance(value, dict | list) or not isinstance(shadow, dict | None):
        raise Invalid(f"a value that is no {node.type}")
    node.value = value
    _read_members(Element("", "", "Element") if shadow is None else node, shadow or {})
    return node


def document_of(node: Element) -> dict[str, Any]:
    """Turn a tree back into a JSON document; numbers stay Number."""
    document: dict[str, Any] = {"resourceType": node.type} if node.is_resource else {}
    for name in dict.fromkeys(child.name for child in node.children):
        _write_group(document, node.named(name))
    return document


def _write_group(document: dict[str, Any], group: list[Element]) -> None:
    first = group[0]
    if not first.is_primitive:
        written: list[Any] = [document_of(child) for child in group]
        document[first.key] = written if first.repeats else written[0]
        return
    values = [child.value for child in group]
    shadows = [document_of(child) or None for child in group]
    if any(value is not None for value in values):
        document[first.key] = values if first.repeats else values[0]
    if any(shadows):
        document["_" + first.key] = shadows if first.repeats else shadows[0]


def json_text(value: Any) -> str:
    """Write a document on one line."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json_text(key)}:{json_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)

"""substitute: a value, or a tree merged child by child around what earlier rules have touched."""

from __future__ import annotations

import json
from typing import Any

from bailee.core.errors import Invalid
from bailee.deid.structure.microsoft.config import Rule
from bailee.deid.structure.microsoft.errors import ConfigurationInvalid
from bailee.deid.structure.microsoft.labels import Operation
from bailee.deid.structure.microsoft.methods import Context, Records
from bailee.deid.structure.microsoft.tree import Element, Number, Slot, parse_json, read_type

_BLANK = Element(Slot("", "", "string", "string", is_primitive=True))


def substitute(node: Element, rule: Rule, _context: Context) -> Records:
    """Put the rule's `replaceWith` in the node's place. Raises: ConfigurationInvalid if it does not fit the type."""
    replacement = _replacement(node, rule)
    _merge(node, replacement, _to_keep(node))
    for below in (node, *node.descendants(into_resources=True)):
        below.touched = True
    return frozenset({Operation.SUBSTITUTE})


def _replacement(node: Element, rule: Rule) -> Element:
    given = rule.settings.replace_with
    if node.is_primitive:
        return Element(node.slot, _as_text(given))
    try:
        document = parse_json(given) if isinstance(given, str) else {} if given is None else given
        return _without_empty(read_type(document, node.slot.owner))
    except Invalid as error:
        raise ConfigurationInvalid(f"replaceWith does not fit {node.type}: {error.what}", where=rule.where) from None


def _without_empty(element: Element) -> Element:
    """Take texts without a character for values that are not there: FHIR has no empty ones."""
    for below in element.descendants(into_resources=True):
        below.value = None if below.value == "" else below.value
    return element


def _as_text(given: Any) -> str | None:
    """Write what stands in the file as the tool would: as text, whatever it was."""
    if given is None or (isinstance(given, str) and not isinstance(given, Number)):
        return given
    return str(given) if isinstance(given, Number | bool) else json.dumps(given, indent=2, ensure_ascii=False)


def _to_keep(node: Element) -> set[int]:
    """Find the nodes that are touched, or hold something touched; by identity."""
    kept: set[int] = set()
    for below in node.descendants(into_resources=True):
        here: Element | None = below if below.touched else None
        while here is not None and here is not node and id(here) not in kept:
            kept.add(id(here))
            here = here.parent
    return kept


def _merge(node: Element, replacement: Element, kept: set[int]) -> None:
    if node.touched:
        return
    names = dict.fromkeys(child.name for child in replacement.children)
    for name in names:
        _merge_named(node, name, replacement.named(name), kept)
    for child in [child for child in node.children if child.name not in names]:
        _blank_or_remove(node, child, kept)
    node.value = replacement.value


def _merge_named(node: Element, name: str, targets: list[Element], kept: set[int]) -> None:
    used = 0
    for child in node.named(name):
        if child.touched:
            used += 1
        elif used < len(targets):
            _merge(child, targets[used], kept)
            used += 1
        else:
            _blank_or_remove(node, child, kept)
    for target in targets[used:]:
        node.add(_copy(target))


def _blank_or_remove(node: Element, child: Element, kept: set[int]) -> None:
    if child.touched:
        return
    if id(child) in kept:
        _merge(child, _BLANK, kept)
    else:
        node.children.remove(child)


def _copy(element: Element) -> Element:
    fresh = Element(element.slot, element.value)
    for child in element.children:
        fresh.add(_copy(child))
    return fresh

"""Copying what CDA has, for profiles that let identified documents out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from bailee.records.cda.model import attribute_name, classes, local_name


def copy_into(out: Any, source: Any, kind: str, drop: Callable[[str], object]) -> Any:
    """Copy an element of a data type; elements and attributes of other namespaces stay behind, and comments do."""
    known = classes().get(kind)
    for tag, value in source.attrib.items():
        if attribute_name(tag):
            out.set(tag, value)
        else:
            drop("an attribute of another namespace")
    out.text = source.text
    last = None
    for child in source:
        if (
            not isinstance(child.tag, str)
            or not local_name(child.tag)
            or (known is not None and local_name(child.tag) not in known)
        ):
            drop(
                "comments and processing instructions"
                if not isinstance(child.tag, str)
                else f"an element that {kind} does not have"
            )
            if child.tail:
                if last is None:
                    out.text = (out.text or "") + child.tail
                else:
                    last.tail = (last.tail or "") + child.tail
            continue
        last = etree.SubElement(out, child.tag)
        copy_into(last, child, known[local_name(child.tag)] if known else "", drop)
        last.tail = child.tail
    return out

"""Ids and addresses of a document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from bailee.deid.cda.people import identities_of
from bailee.deid.cda.plan import Plan
from bailee.deid.formats.codes import V3, is_code
from bailee.deid.formats.identities import Identity, authority
from bailee.deid.formats.persons import Ids
from bailee.deid.formats.rules import Rule
from bailee.deid.structure.zip3 import three_digits
from bailee.records.cda.model import V3 as SPACE
from bailee.records.cda.model import local_name

Count = Callable[[Rule, str], None]


def hashed_id(out: Any, source: Any, ids: Ids) -> bool:
    """Hash an id with who assigned it: an OID under 2.25, which is the same in every document."""
    root, extension = source.get("root", "").strip(), source.get("extension", "").strip()
    if not root and not extension:
        return "nullFlavor" in out.attrib
    out.set("root", ids.oid(extension, authority(root)) if extension else ids.oid(root, ""))
    out.attrib.pop("nullFlavor", None)
    return True


def identities_beside(element: Any) -> list[Identity]:
    """List the identifiers of the patient whose id an element is."""
    return identities_of(element.getparent())


def address(out: Any, source: Any, plan: Plan, zip3: frozenset[str], count: Count) -> bool:
    """Let the parts of an address leave that have a rule; False if none does."""
    use = " ".join(each for each in source.get("use", "").split() if is_code(f"{V3}AddressUse", each))
    parts = [
        (local_name(part.tag), " ".join((part.text or "").split())) for part in source if isinstance(part.tag, str)
    ]
    country = next((text for name, text in parts if name == "country"), "")
    for name, text in parts:
        rule = plan.element("AD", name, "AD part")
        done = _part(rule, text, country, zip3) if rule else ""
        if rule:
            count(rule, "removed" if not done else "kept" if done == text else "changed")
        if done:
            etree.SubElement(out, f"{{{SPACE}}}{name}").text = done
    if use and len(out):
        out.set("use", use)
    return len(out) > 0


def _part(rule: Rule, text: str, country: str, zip3: frozenset[str]) -> str:
    if rule.method == "zip3":
        return three_digits(text, zip3) if country in rule.values else ""
    return text if rule.method == "keep" and (rule.unchecked or rule.allows(text)) else ""

"""Whose a resource is, so that all its dates move by one patient's offset."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bailee.deid.structure.microsoft.tree import Element, text_of
from bailee.records import r4

_PATIENT = re.compile(r"(?:.*/)?Patient/([^/?#|]+)(?:/_history/.*)?", re.DOTALL)


@dataclass(frozen=True)
class Owners:
    """The patient of each resource, as it was before any rule ran; by the identity of its node."""

    by_resource: dict[int, str]

    def whose(self, node: Element) -> str:
        """Name whose a node is: its patient, else its outermost resource."""
        here: Element | None = node
        while here is not None:
            if here.is_resource and id(here) in self.by_resource:
                return self.by_resource[id(here)]
            here = here.parent
        return "resource/"


def owners_of(root: Element) -> Owners:
    """Find the patient of a resource, and of every resource of a Bundle."""
    links = _patient_links(root)
    below = root.descendants(into_resources=True) if root.type in {"Bundle", "Parameters"} else ()
    resources = [root, *(node for node in below if node.is_resource)]
    found = {id(node): patient for node in resources if (patient := _patient_of(node, links))}
    if id(root) not in found:
        first = root.first("id")
        found[id(root)] = "resource/" + ("" if first is None else text_of(first.value))
    return Owners({key: whose if whose.startswith("resource/") else f"patient/{whose}" for key, whose in found.items()})


def _patient_links(root: Element) -> dict[str, str]:
    """Map the fullUrl of each Patient in a Bundle to its id."""
    links = {}
    for entry in root.named("entry"):
        url, resource = entry.first("fullUrl"), entry.first("resource")
        if url is not None and resource is not None and resource.type == "Patient":
            identifier = resource.first("id")
            links[text_of(url.value)] = text_of(identifier.value if identifier is not None else url.value)
    return links


def _patient_of(resource: Element, links: dict[str, str]) -> str:
    if resource.name == "contained":
        return ""
    if resource.type == "Patient":
        identifier = resource.first("id")
        return "" if identifier is None else text_of(identifier.value)
    for path in r4.patient_paths(resource.type):
        for reference in _at(resource, path.split(".")):
            text = text_of(next((child.value for child in reference.named("reference")), None))
            literal = _PATIENT.fullmatch(text)
            if text in links:
                return links[text]
            if literal:
                return literal[1]
            if text.startswith("urn:uuid:"):
                return text.removeprefix("urn:uuid:")
    return ""


def _at(node: Element, names: list[str]) -> list[Element]:
    found = [node]
    for name in names:
        found = [child for one in found for child in one.children if name in {child.name, child.slot.key}]
    return found

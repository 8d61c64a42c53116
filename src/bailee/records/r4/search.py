"""Search parameters of R4 and the paths that tie a resource to its patient; it evaluates nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from bailee.records.r4.tables import FOLDER


class SearchParameter(msgspec.Struct, frozen=True, kw_only=True):
    """A search parameter of one resource type; `expression` is FHIRPath, cut to the parts about that type."""

    name: str  # "birthdate"
    kind: str  # token, reference, date, string, quantity, number, uri, composite, special
    expression: str


@cache
def _patient_paths() -> Mapping[str, tuple[str, ...]]:
    lines = (FOLDER / "patient.txt").read_text("utf-8").splitlines()
    pairs = (line.split("\t") for line in lines)
    return {name: tuple(paths.split(" ")) for name, paths in pairs}


def patient_paths(resource_type: str) -> tuple[str, ...]:
    """Give the paths of References that tie a resource of this type to its patient, the surest first.

    The first of `patient`, `subject`, `beneficiary`, `individual` comes before performers, authors and the like;
    a Patient is its own, and a type outside the patient compartment has none.
    Source: CompartmentDefinition/patient 4.0.1, and elements of those four names that may point to a Patient.
    """
    return _patient_paths().get(resource_type, ())


@cache
def _search_lines() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    base = ""
    for line in (FOLDER / "search.txt").read_text("utf-8").splitlines():
        if not line.startswith("\t"):
            base = line
        found.setdefault(base, []).append(line)
    return {name: tuple(lines[1:]) for name, lines in found.items()}


@cache
def search_parameters(resource_type: str) -> Mapping[str, SearchParameter]:
    """Give a type's search parameters by name, those of every resource (`_id`, `_lastUpdated` …) among them."""
    found = {}
    for base in ("Resource", "DomainResource", resource_type):
        for line in _search_lines().get(base, ()):
            _, name, kind, expression = line.split("\t")
            found[name] = SearchParameter(name=name, kind=kind, expression=expression)
    return MappingProxyType(found)

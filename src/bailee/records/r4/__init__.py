"""What FHIR R4 4.0.1 defines: every element of every type, read from compact tables; it knows no instances.

    elements.txt   types, their bases, their elements: name, cardinality, types, `!` for a modifier
    codes.txt      the codes of value sets that a `code` element is bound to by "required"
    systems.txt    the code systems that HL7 publishes with R4, and their codes
    patient.txt    per resource type, the paths that tie a resource to its patient, the surest first
    search.txt     search parameters with their expressions
    source.txt     what the tables were made from (`scripts/r4_tables.py`)

An owner of elements is a type (`Patient`, `HumanName`) or a nested part by its path (`Patient.contact`).
"""

from __future__ import annotations

from bailee.records.r4.search import SearchParameter, patient_paths, search_parameters
from bailee.records.r4.tables import (
    Element,
    Kind,
    Owner,
    backbones,
    children,
    code_set,
    data_types,
    element,
    elements_at,
    is_primitive,
    owner,
    owners,
    resource_types,
    source_hash,
    system_codes,
    systems,
)

__all__ = [
    "Element",
    "Kind",
    "Owner",
    "SearchParameter",
    "backbones",
    "children",
    "code_set",
    "data_types",
    "element",
    "elements_at",
    "is_primitive",
    "owner",
    "owners",
    "patient_paths",
    "resource_types",
    "search_parameters",
    "source_hash",
    "system_codes",
    "systems",
]

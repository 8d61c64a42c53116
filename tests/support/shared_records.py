"""The example records of the shared data, if they are here; nothing of them is in the repository."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bailee.records import r4

SHARED = Path(os.environ.get("BAILEE_SHARED", Path(__file__).parents[3] / "shared")) / "data"
EXAMPLES = SHARED / "hl7_fhir_r4_examples"


def shared_records(*, each: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the HL7 examples, the first entries of each sample Bundle, the first lines of each bulk file."""
    for file in sorted(EXAMPLES.glob("*.json")):
        record = json.loads(file.read_bytes())
        if record.get("resourceType") in r4.resource_types():
            yield file.name, record
    for file in sorted((SHARED / "ms_anonymizer_samples" / "samples_r4").glob("*.json")):
        for entry in json.loads(file.read_bytes())["entry"][:each]:
            yield file.name, entry["resource"]
    for file in sorted((SHARED / "synthea_bulk_10").glob("*.0*.ndjson")):
        for line in file.read_text("utf-8").splitlines()[:each]:
            yield file.name, json.loads(line)


def patient_of(record: dict[str, Any]) -> str:
    """Find the logical id of a record's patient, by the R4 tables."""
    if record["resourceType"] == "Patient":
        return str(record.get("id", ""))
    for path in r4.patient_paths(record["resourceType"]):
        here: Any = record
        for step in path.split("."):
            here = here[0] if isinstance(here, list) and here else here
            here = here.get(step) if isinstance(here, dict) else None
        here = here[0] if isinstance(here, list) and here else here
        reference = str(here.get("reference", "")) if isinstance(here, dict) else ""
        if reference.startswith("Patient/"):
            return reference.removeprefix("Patient/")
    return ""

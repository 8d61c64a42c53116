"""Every FHIR resource in the shared data, as (patient or None, raw JSON)."""

import json

from tests.support.oracle import read_json, write_json


def patient_of(resource):
    if resource.get("resourceType") == "Patient":
        return resource.get("id")
    for name in ("subject", "patient", "beneficiary", "individual"):
        reference = resource.get(name)
        text = reference.get("reference") if isinstance(reference, dict) else None
        if isinstance(text, str) and text.startswith(("Patient/", "urn:uuid:")):
            return text.removeprefix("urn:uuid:").split("/")[-1]
    return None


def documents(shared):
    """Give (name, raw text) of each resource: Bulk Data lines, Bundles whole and by entry, HL7's examples."""
    for path in sorted((shared / "synthea_bulk_10").glob("*.000.ndjson")):
        for line in path.read_text("utf-8").splitlines():
            yield path.name, line
    for path in sorted((shared / "ms_anonymizer_samples" / "samples_r4").glob("*.json")):
        for entry in read_json(path.read_text("utf-8-sig"))["entry"]:
            yield path.name, write_json(entry["resource"])
    for path in sorted((shared / "hl7_fhir_r4_examples").glob("*.json")):
        yield path.name, path.read_text("utf-8-sig")


def resources(shared):
    for name, text in documents(shared):
        resource = json.loads(text)
        if "resourceType" in resource:
            yield name, patient_of(resource), text

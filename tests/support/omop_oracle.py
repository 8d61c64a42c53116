"""A slow, obvious model of the OMOP mapping: one record at a time, as dictionaries; it shares no code with the tables."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

Record = dict[str, Any]
SYSTEMS = {
    "http://snomed.info/sct": "SNOMED",
    "http://loinc.org": "LOINC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://www.ama-assn.org/go/cpt": "CPT4",
}
DOMAINS = {
    "Condition": "condition_occurrence",
    "Drug": "drug_exposure",
    "Procedure": "procedure_occurrence",
    "Device": "device_exposure",
    "Measurement": "measurement",
    "Observation": "observation",
    "Specimen": "specimen",
}
WHERE = {  # type → table, code, dates
    "Condition": ("condition_occurrence", "code", ("onsetDateTime", "onsetPeriod.start", "recordedDate")),
    "Procedure": ("procedure_occurrence", "code", ("performedDateTime", "performedPeriod.start")),
    "MedicationRequest": ("drug_exposure", "medicationCodeableConcept", ("authoredOn",)),
    "Immunization": ("drug_exposure", "vaccineCode", ("occurrenceDateTime",)),
    "Observation": ("observation", "code", ("effectiveDateTime", "effectivePeriod.start", "issued")),
}
OUT = {"entered-in-error", "refuted", "cancelled", "draft", "not-done", "preparation"}
Row = tuple[str, str, str, int, str, date, str | None, float | None]


def expected(records: list[Record], words: dict[str, tuple[int, str]]) -> set[Row]:
    """Give rows as (table, name of the row, patient, concept, code, day, visit, number). `words`: key → concept, domain."""
    people = {each["id"] for each in records if each["resourceType"] == "Patient" and each.get("birthDate")}
    visits = {each["id"]: each for each in records if each["resourceType"] == "Encounter" and _who(each) in people}
    rows: set[Row] = set()
    for record in records:
        if record["resourceType"] in WHERE and _who(record) in people and not _is_out(record):
            rows |= set(_rows(record, visits, words))
    return rows


def _rows(record: Record, visits: dict[str, Record], words: dict[str, tuple[int, str]]) -> list[Row]:
    kind = record["resourceType"]
    _, code, when = WHERE[kind]
    name = f"{kind}/{record['id']}"
    said = (record.get("encounter") or {}).get("reference", "").removeprefix("Encounter/")
    visit = said if said in visits else None
    day = next((_day(text) for path in when if (text := _at(record, path))), None)
    day = day or (_day(visits[visit]["period"]["start"]) if visit else None)
    found = []
    parts = record.get("component", []) if kind == "Observation" else []
    for number, part in enumerate(parts):
        row = _row(part, "code", f"{name}/{number}", record, day, visit, words)
        found += [row] if row else []
    has_value = any(key.startswith("value") for key in record)
    if not found or has_value:
        row = _row(record, code, name, record, day, visit, words)
        found += [row] if row else []
    return found


def _row(
    part: Record,
    code: str,
    name: str,
    record: Record,
    day: date | None,
    visit: str | None,
    words: dict[str, tuple[int, str]],
) -> Row | None:
    codings = [each for each in (part.get(code) or {}).get("coding", []) if each.get("code")]
    if not codings or day is None:
        return None
    keys = [f"{SYSTEMS[each['system']]}\t{each['code']}" if each.get("system") in SYSTEMS else None for each in codings]
    at = next((n for n, key in enumerate(keys) if key in words), None)
    if at is None:
        at = next((n for n, key in enumerate(keys) if key), 0)
    concept, domain = words.get(keys[at] or "", (0, ""))
    number = _at(part, "valueQuantity.value")
    table = DOMAINS.get(domain, "observation") if concept else _fallback(record, number)
    return (
        table,
        name,
        _who(record),
        concept,
        codings[at]["code"][:50],
        day,
        visit,
        number if "ment" in table else None,
    )


def _fallback(record: Record, number: Any) -> str:
    if record["resourceType"] != "Observation":
        return WHERE[record["resourceType"]][0]
    kinds = {coding.get("code") for each in record.get("category", []) for coding in each.get("coding", [])}
    return "measurement" if number is not None or kinds & {"laboratory", "vital-signs"} else "observation"


def _is_out(record: Record) -> bool:
    codings = (record.get("verificationStatus") or {}).get("coding", [])
    if record["resourceType"] == "MedicationRequest" and record.get("intent") in {"proposal", "plan", "option"}:
        return True
    return record.get("status") in OUT or any(each.get("code") in OUT for each in codings)


def _who(record: Record) -> str:
    reference = record.get("subject") or record.get("patient") or {}
    return str(reference.get("reference", "")).removeprefix("Patient/")


def _day(text: str) -> date | None:
    found = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", text)
    return date(*(int(part or 1) for part in found.groups())) if found else None


def _at(record: Record, path: str) -> Any:
    here: Any = record
    for step in path.split("."):
        here = here.get(step) if isinstance(here, dict) else None
    return here

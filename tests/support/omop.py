"""OMOP tables of a few records written as literals, and vocabularies of a few codes."""

import json
from collections import defaultdict
from datetime import date

import pyarrow as pa

from bailee.records.batches import RECORDS, ReleaseBatch
from bailee.records.intake import parse_lines
from bailee.records.omop.context import Context
from bailee.records.omop.ids import Ids
from bailee.records.omop.part import part_tables
from bailee.records.omop.places import SHARED_KINDS, shared_tables
from bailee.records.omop.vocabulary import LOOKUP, Vocabulary, hash_keys

SECRET = bytes(range(32))
IDS = Ids(SECRET)
AS_OF = date(2026, 1, 31)
SNOMED, LOINC, RXNORM = "http://snomed.info/sct", "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"
ICD10CM, UCUM = "http://hl7.org/fhir/sid/icd-10-cm", "http://unitsofmeasure.org"
PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-05-17"}


def key(name):
    """Give the CDM's key of a record's name."""
    return IDS.of(pa.array([name]))[0].as_py()


def concept(*codes):
    """Make a CodeableConcept of (system, code) pairs."""
    return {"coding": [{"system": system, "code": code} for system, code in codes]}


def record(kind, number="1", patient="p", **members):
    """Make a record of a patient."""
    owner = "patient" if kind in {"AllergyIntolerance", "Immunization", "FamilyMemberHistory"} else "subject"
    return {"resourceType": kind, "id": number, owner: {"reference": f"Patient/{patient}"}} | members


def vocabulary(*rows):
    """Make a vocabulary of (vocabulary and code, source concept, standard concept, domain, answer) rows."""
    table = pa.table([[0] * len(rows), *(list(column) for column in zip(*rows, strict=True))], LOOKUP)
    table = table.set_column(0, LOOKUP.field("hash"), pa.array(hash_keys(table["key"].combine_chunks())))
    return Vocabulary(table.sort_by([("hash", "ascending"), ("key", "ascending"), ("standard", "ascending")]), "test 1")


def batches(records):
    """Sort records by type."""
    by_kind = defaultdict(list)
    for each in records:
        by_kind[each["resourceType"]].append(json.dumps(each))
    return {kind: released("\n".join(lines).encode()) for kind, lines in by_kind.items()}


def released(content):
    rows = parse_lines(content, 1).rows
    return ReleaseBatch(rows.select(RECORDS.names).cast(RECORDS).combine_chunks().to_batches()[0])


def made(*records, words=None, everybody=(PATIENT,)):
    """Make the tables of records as lists of rows without their nulls, and the counts of what became of the records."""
    by_kind = batches([*everybody, *records])
    known = words or Vocabulary()
    shared = shared_tables(((kind, by_kind[kind]) for kind in SHARED_KINDS if kind in by_kind), IDS, known)
    context = Context(IDS, known, shared.shared, pa.array([], pa.string()))
    part = part_tables(by_kind, by_kind.get, context, as_of=AS_OF)
    rows = defaultdict(list)
    for name, table in (*shared.tables, *part.tables.items()):
        rows[name] += [{field: value for field, value in row.items() if value is not None} for row in table.to_pylist()]
    counts = {kind: dict(+count) for kind, count in {**shared.counts, **part.counts}.items() if kind in by_kind}
    return rows, counts

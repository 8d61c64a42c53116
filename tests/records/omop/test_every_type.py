"""Whatever a record of any type holds, it becomes rows of the CDM's form or is counted, once."""

import json

import pytest
from tests.support.filled import VARIANTS
from tests.support.filled import filled as _filled
from tests.support.omop import PATIENT, batches, made, vocabulary

from bailee.records.omop.cdm import schema, tables
from bailee.records.omop.fates import REASONS
from bailee.records.r4 import resource_types

WORDS = vocabulary(
    *((f"SNOMED\t{code}", code, 10 * code, domain, None) for code, domain in ((22298006, "Condition"), (1, "Drug"))),
)
MADE = frozenset(tables())


def filled(kind, variant):
    record = json.loads(json.dumps(_filled(kind, variant), default=str))
    owners = {name: {"reference": "Patient/p"} for name in ("subject", "patient", "beneficiary") if name in record}
    return record | {"id": f"{variant}"} | owners


@pytest.mark.parametrize("kind", resource_types())
def test_a_full_record_is_in_a_table_or_counted(kind):
    records = [filled(kind, variant) for variant in range(VARIANTS)]
    readable = batches(records).get(kind)
    rows, counts = made(*records, words=WORDS, everybody=(PATIENT,) if kind != "Patient" else ())
    assert set(rows) <= MADE
    assert sum(counts.get(kind, {}).values()) == (len(readable) if readable is not None else 0)
    assert set(counts.get(kind, {})) <= MADE | REASONS
    for table, made_rows in rows.items():
        required = {field.name for field in schema(table) if not field.nullable}
        assert all(required <= set(row) for row in made_rows)

"""Claims about the synthetic hospital's consents: the product's own evaluator reads each as it was meant."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from random import Random

import pyarrow as pa
import pytest
from tests.support.consents import ASK, GRANT
from tests.support.consents import ask as asking
from tests.support.consents import grant as granting

from bailee.consent.bulk import decide_patients
from bailee.consent.directives import directives_from_fhir
from bailee.consent.evaluate import Snapshot
from bailee.consent.records import decide_records
from bailee.core.grants import ALWAYS
from bailee.records.batches import RECORDS
from bailee.synthetic.episodes import Visit
from bailee.synthetic.notes import grammar
from bailee.synthetic.permissions import STANCES, consent, stance
from bailee.synthetic.residents import Town

TYPES = frozenset({"Patient", "Condition", "DocumentReference"})
SNAPSHOT = Snapshot(grants={GRANT.agreement: granting(types=TYPES, in_force=ALWAYS)}, rules={})
QUESTION = asking(types=TYPES)
NOW = int(datetime(2026, 11, 27, tzinfo=UTC).timestamp() * 1000)


def said(what):
    resident = Town(1, 10, grammar("en")).resident(3)
    visit = Visit(Random(2), resident, datetime(2025, 5, 1, 10, tzinfo=UTC))
    return resident.id, directives_from_fhir([json.dumps(consent(visit, what)).encode()])


def records(patient, *resources):
    rows = [(r["resourceType"], r["id"], patient, json.dumps(r).encode()) for r in resources]
    return pa.RecordBatch.from_pylist([dict(zip(RECORDS.names, row, strict=True)) for row in rows], schema=RECORDS)


@pytest.mark.parametrize(
    "what, leaves",
    [
        ("permits", True),
        ("denies research", False),
        ("denies disclosure", False),
        ("denies notes", True),
        ("denies dates", True),
        ("denies sensitive", True),
    ],
)
def test_a_stance_lets_its_patient_take_part_or_not(what, leaves):
    patient, directives = said(what)
    assert decide_patients(pa.array([patient]), directives, QUESTION, SNAPSHOT, NOW)["permitted"].to_pylist() == [
        leaves
    ]


def thing(kind, patient, **members):
    return {"resourceType": kind, "id": kind.lower(), "subject": {"reference": f"Patient/{patient}"}} | members


RESTRICTED = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}


@pytest.mark.parametrize(
    "what, kind, members",
    [
        ("denies notes", "DocumentReference", {"date": "2025-05-01T10:00:00Z"}),
        ("denies dates", "Condition", {"onsetDateTime": "2025-04-01"}),
        ("denies sensitive", "Condition", {"meta": RESTRICTED}),
    ],
)
def test_a_refusal_in_part_keeps_that_part_only(what, kind, members):
    patient, directives = said(what)
    batch = records(
        patient, thing(kind, patient, **members), thing("Condition", patient, id="old", onsetDateTime="2010-01-01")
    )
    answers = decide_records(batch, directives, QUESTION, SNAPSHOT, NOW)
    assert answers["permitted"].to_pylist() == [False, True]


def test_stances_are_drawn_about_as_often_as_meant():
    drawn = Counter(stance(Random(number)) for number in range(4000))
    refusing = sum(drawn[name] for name in STANCES[2:])
    assert 140 < refusing < 260
    assert set(drawn) == set(STANCES)
    assert ASK.purposes == {"HRESCH"}

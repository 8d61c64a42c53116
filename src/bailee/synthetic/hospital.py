"""A synthetic hospital as a FHIR R4 bulk export in pieces: resources by type, and beside them the truth that was planted."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from bailee.synthetic import episodes, permissions, resources
from bailee.synthetic.documents import Filed, attachment, document
from bailee.synthetic.notes import grammar
from bailee.synthetic.residents import Resident, Town, identifier
from bailee.synthetic.resources import Record

_ENCODE = msgspec.json.Encoder().encode
_PATIENTS_A_FILE = 1000


def hospital_files(
    patients: int, seed: int, *, truth: bool = True, compressed: bool = False, difficulty: float = 0.3, batch: int = 50
) -> Iterator[tuple[str, bytes]]:
    """Make the export, piece by piece: append each piece to the file of its name.

    `fhir/<Type>.<part>.ndjson` is the export, a new part every thousand patients; `truth/notes.<part>.ndjson` has the gold spans of each
    DocumentReference, `truth/patients.<part>.ndjson` the identifiers planted in each chart and what the patient consented to.
    Same arguments, same bytes; the pieces' size does not depend on `patients`.
    Cost: about 12 ms and 150 kB a patient.
    """
    town = Town(seed, patients, grammar("en"))
    yield from _packed(_shared(town), 0, compressed)
    for first in range(0, patients, batch):
        pieces: dict[str, list[bytes]] = {}
        for number in range(first, min(first + batch, patients)):
            _add(pieces, town.resident(number), seed, truth=truth, difficulty=difficulty)
        yield from _packed(pieces, first // _PATIENTS_A_FILE, compressed)


def chart(resident: Resident, seed: int, *, difficulty: float = 0.3) -> Iterator[Record | Filed]:
    """Make everything of one patient's chart: resources, and notes as Filed. The Consent comes second, if there is one."""
    rng = Random(f"{seed}/course/{resident.number}")  # noqa: S311  # text, not keys
    yield resources.patient(resident)
    said = permissions.stance(rng)
    visits = episodes.visits(rng, resident)
    if said != "none":
        yield permissions.consent(visits[0], said)
    yield resources.related_person(resident, identifier(rng))
    covered = episodes.coverage(visits[-1])
    team = episodes.care_team(visits[0])
    yield from (covered, team, episodes.care_plan(visits[0], team))
    if rng.random() < 0.3:
        yield episodes.allergy(visits[0])
    if rng.random() < 0.15:
        yield episodes.device(visits[-1])
    for visit in visits:
        yield from _course(visit, difficulty)
    yield from episodes.bills(visits[-1], covered)
    if resident.deceased:
        yield document(visits[-1], difficulty=difficulty, kind="death")


def _course(visit: episodes.Visit, difficulty: float) -> Iterator[Record | Filed]:
    rng = visit.rng
    met = episodes.encounter(visit)
    yield met
    for _ in range(rng.randint(1, 3)):
        yield episodes.condition(visit)
    yield from episodes.vitals(visit)
    yield from episodes.labs(visit)
    for _ in range(rng.randint(1, 3)):
        yield episodes.medication(visit)
    if rng.random() < 0.6:
        yield episodes.procedure(visit)
    if rng.random() < 0.4:
        yield episodes.immunization(visit)
    for _ in range(rng.randint(1, 2)):
        filed = document(visit, difficulty=difficulty)
        yield filed
        if filed.kind in {"radiology", "pathology"}:
            yield _report(visit, filed)
    if rng.random() < 0.1:
        yield from episodes.trail(visit, met)


def _report(visit: episodes.Visit, filed: Filed) -> Record:
    imaging = filed.kind == "radiology"
    category = ("RAD", "Radiology") if imaging else ("PAT", "Pathology")
    return visit.base("DiagnosticReport", profile="us-core-diagnosticreport-note") | {
        "status": "final",
        "category": [resources.concept(episodes.V2_LAB, *category)],
        "code": filed.record["type"],
        "subject": resources.subject(visit.resident),
        "encounter": visit.reference(),
        "effectiveDateTime": visit.stamp(1),
        "issued": visit.stamp(4),
        "performer": [resources.doctor(visit.clinician)],
        "conclusion": filed.text.rpartition("IMPRESSION:")[2].strip()[:400] or filed.text[:200],
        "presentedForm": [attachment(filed.text, visit.rng)],
    }


def _add(pieces: dict[str, list[bytes]], resident: Resident, seed: int, *, truth: bool, difficulty: float) -> None:
    said = "none"
    for made in chart(resident, seed, difficulty=difficulty):
        record = made.record if isinstance(made, Filed) else made
        pieces.setdefault(f"fhir/{record['resourceType']}", []).append(_ENCODE(record))
        if isinstance(made, Filed) and truth:
            row = {
                "id": record["id"],
                "patient": resident.id,
                "kind": made.kind,
                "text": made.text,
                "spans": made.spans,
            }
            pieces.setdefault("truth/notes", []).append(_ENCODE(row))
        elif record["resourceType"] == "Consent":
            said = _said(record)
    if truth:
        row = {"patient": resident.id, "consent": said, "planted": resident.planted()}
        pieces.setdefault("truth/patients", []).append(_ENCODE(row))


def _said(consent: dict[str, Any]) -> str:
    provision = consent["provision"]
    return f"{provision['type']}{'s, denies in part' if 'provision' in provision else 's' if provision['type'] == 'permit' else ''}"


def _shared(town: Town) -> dict[str, list[bytes]]:
    return {
        "fhir/Organization": [_ENCODE(resources.organization(facility)) for facility in town.facilities],
        "fhir/Location": [_ENCODE(resources.location(facility)) for facility in town.facilities],
        "fhir/Practitioner": [_ENCODE(resources.practitioner(clinician)) for clinician in town.clinicians],
        "fhir/PractitionerRole": [_ENCODE(resources.practitioner_role(clinician)) for clinician in town.clinicians],
    }


def _packed(pieces: dict[str, list[bytes]], part: int, compressed: bool) -> Iterator[tuple[str, bytes]]:  # noqa: FBT001
    for name, lines in pieces.items():
        content = b"\n".join(lines) + b"\n"
        if compressed:
            yield f"{name}.{part:03d}.ndjson.gz", gzip.compress(content, 1, mtime=0)
        else:
            yield f"{name}.{part:03d}.ndjson", content

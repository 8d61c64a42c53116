"""Why: may a patient's records leave under an agreement, by which rules, and what would change it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.directives import of_patients, rules_from_directives
from bailee.consent.evaluate import Snapshot, decide_patient
from bailee.consent.merges import directives_in
from bailee.consent.records import decide_records
from bailee.consent.rules import Rule, applies
from bailee.core.decisions import Decision
from bailee.flows.directives import stored_directives
from bailee.flows.hospital import Hospital
from bailee.flows.standing import Standing, stand
from bailee.stores.sql.database import read
from bailee.stores.sql.recalls import list_recalls


@dataclass(frozen=True)
class Reasons:
    """The answer about one patient."""

    standing: Standing
    decision: Decision  # the agreement's where it refuses, else the patient's
    rules: tuple[tuple[Rule, bool], ...]  # the patient's own, and whether each speaks of this ask now
    permitted: Counter[str]  # records by type
    refused: Counter[tuple[str, str]]  # records by type and reason
    recalls: tuple[dict[str, Any], ...]  # notices about this patient's earlier releases under this agreement

    @property
    def look_alikes(self) -> int:
        """Give how many must look like a patient whom a release may else leave out, 0 if it leaves nobody out."""
        risk = self.standing.agreement.risk
        return risk.k if risk is not None and risk.leave_out_percent and self.permitted else 0


def why(hospital: Hospital, patient: str, agreement: str, *, profile_sha256: str, request: str = "") -> Reasons:
    """Decide about one patient as a release would, and keep every ground. Nothing leaves, and nothing is written.

    Raises: UserError if there is no such agreement.
    """
    at_ms = hospital.clock.now_ms()
    records = _records(hospital, patient)
    with read(hospital.engine) as connection:
        standing = stand(
            connection,
            agreement,
            configuration=hospital.home.configuration,
            profile_sha256=profile_sha256,
            at_ms=at_ms,
            request=request,
        )
        asked = pa.array([patient], pa.string())
        stored = stored_directives(connection, standing.stores, standing.ask, asked)
        recalls = tuple(list_recalls(connection, agreement, patient=patient))
    directives = of_patients(directives_in(records, stored=stored), asked)
    own = tuple(rule for _, rule in rules_from_directives(directives))
    full = Snapshot(
        grants=standing.snapshot.grants,
        rules={patient: own},
        house=standing.snapshot.house,
        sensitivity=standing.snapshot.sensitivity,
    )
    decision = decide_patient(patient, standing.ask, full, at_ms)
    answers = decide_records(records, directives, standing.ask, standing.snapshot, at_ms)
    permitted, refused = _counts(records, answers)
    return Reasons(
        standing=standing,
        decision=standing.decision if not standing.decision.permit else decision,
        rules=tuple((rule, applies(rule, standing.ask, at_ms)) for rule in own),
        permitted=permitted,
        refused=refused,
        recalls=recalls,
    )


def _records(hospital: Hospital, patient: str) -> pa.RecordBatch:
    """Read one patient's records. Cost: one partition."""
    part, _ = next(hospital.vault.places(hospital.vault.manifest(), [patient]))
    rows = hospital.vault.read(part).records.rows
    return rows.filter(pc.fill_null(pc.equal(rows.column("patient"), patient), fill_value=False))


def _counts(records: pa.RecordBatch, answers: pa.Table) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    permitted: Counter[str] = Counter()
    refused: Counter[tuple[str, str]] = Counter()
    for kind, reasons in zip(records.column("type").to_pylist(), answers.column("reasons").to_pylist(), strict=True):
        if reasons is None:
            permitted[kind] += 1
        else:
            refused[kind, reasons[0]] += 1
    return permitted, refused

"""Breach: from what is known of an incident to the case: patients, duties, letters, form; and its leaves."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pyarrow.compute as pc

from bailee.core.canonical import canonical_bytes, sha256_hex
from bailee.core.errors import UserError
from bailee.flows.hospital import Hospital
from bailee.ledger.breach import Affected, Assessment, Incident, Resident, assess
from bailee.ledger.entries import Counts, Entry
from bailee.ledger.letters import Notice, letters, patients_csv, plain_text, regulator_form, summary
from bailee.ledger.pdf import document_pdf
from bailee.ledger.residents import resident_of
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.ledger_window import Window, affected_by, forms_of, releases_in

STEPS = ("assessed", "notified", "closed")


def open_breach(hospital: Hospital, incident: Incident, window: Window, notice: Notice | None) -> tuple[Path, str]:
    """Open a case: write its folder and its leaf. Shape: the folder, and a summary to show.

    The folder holds names and addresses; it is made for its owner only. Raises: UserError if no release is concerned.
    """
    with read(hospital.engine) as connection:
        releases = releases_in(connection, window)
        if not releases:
            raise UserError(
                "no release is concerned", remedy="Widen the time, or check the names with `bailee releases`."
            )
        people, forms = affected_by(connection, releases), forms_of(connection, releases)
    residents = residents_of(hospital, people)
    case = assess(incident, people, residents, identifiability=forms)
    folder = hospital.home.reports / "breach" / incident.id
    shown = _write_case(folder, case, residents, notice, hospital.clock.now_ms())
    _record(hospital, "opened", incident.id, releases, case)
    return folder, shown


def step_breach(hospital: Hospital, name: str, step: str, document: Path | None = None) -> None:
    """Record that a case was assessed, its people notified, or that it was closed; a document is bound by its hash."""
    sha256 = sha256_hex(document.read_bytes()) if document else ""
    entry = Entry(
        t_ms=hospital.clock.now_ms(),
        kind=f"breach.{step}",
        actor=hospital.actor,
        objects=(f"breach:{name}",),
        artifact_sha256=sha256,
    )
    hospital.log.commit([entry])
    hospital.log.checkpoint()


def residents_of(hospital: Hospital, people: list[Affected]) -> dict[str, Resident]:
    """Look up where patients are reached, in the vault. Cost: reads every partition once."""
    wanted = {person.patient for person in people}
    found: dict[str, Resident] = {}
    for partition in hospital.vault.manifest().partitions:
        rows = hospital.vault.read(partition).records.rows
        patients = rows.filter(pc.equal(rows["type"], "Patient"))
        for patient, resource in zip(patients["id"].to_pylist(), patients["json"], strict=True):
            if patient in wanted:
                found[patient] = resident_of(patient, resource.as_py())
    return found


def _write_case(
    folder: Path, case: Assessment, residents: dict[str, Resident], notice: Notice | None, now_ms: int
) -> str:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "incident.json").write_bytes(canonical_bytes(msgspec.to_builtins(case.incident)))
    (folder / "patients.csv").write_text(patients_csv(case, residents), "utf-8", newline="")
    (folder / "regulator.json").write_bytes(canonical_bytes(regulator_form(case, notice)))
    shown = summary(case, now_ms)
    if notice and case.duties:
        shown += f"\n  {_write_letters(folder, case, residents, notice):,} letters to post"
    (folder / "summary.txt").write_text(shown + "\n", "utf-8")
    return shown


def _write_letters(folder: Path, case: Assessment, residents: dict[str, Resident], notice: Notice) -> int:
    """Write letters as text and, where the extra `pdf` is there, as one PDF to print; count them."""
    stories = list(letters(notice, case, residents))
    (folder / "letters.txt").write_text("\f".join(plain_text(story) for story in stories), "utf-8")
    pages = [part for story in stories for part in (*story, ("page", ""))]
    try:
        (folder / "letters.pdf").write_bytes(document_pdf(pages, title="Notices"))
    except UserError:
        return len(stories)  # without the extra, the text is there to print
    return len(stories)


def _record(hospital: Hospital, step: str, name: str, releases: list[str], case: Assessment) -> None:
    entry = Entry(
        t_ms=hospital.clock.now_ms(),
        kind=f"breach.{step}",
        actor=hospital.actor,
        objects=(f"breach:{name}", *(f"release:{release}" for release in releases)),
        counts=Counts(patients=len(case.affected), rows=0, bytes=0),
    )
    with write(hospital.engine) as connection:
        append(connection, [entry])
    hospital.log.checkpoint()

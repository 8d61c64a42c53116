"""`bailee patient …`: what left about one patient, with proofs."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bailee.cli.shared import open_hospital

if TYPE_CHECKING:
    from bailee.flows.hospital import Hospital
    from bailee.ledger.accounting import Accounting

FORMATS = ("table", "csv", "json", "fhir", "pdf")


@click.group("patient")
def command() -> None:
    """What left about one patient: the accounting of disclosures, with proofs."""


@command.command("disclosures")
@click.argument("patient")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file; needed for pdf.")
@click.option("--statutory", is_flag=True, help="Leave out what 45 CFR 164.528(a)(1) exempts, and count it.")
@click.option("--proofs", type=click.Path(path_type=Path, file_okay=False), help="Write a proof of each entry here.")
@click.pass_obj
def disclosures(
    home: str | None, patient: str, form: str, out: Path | None, *, statutory: bool, proofs: Path | None
) -> None:
    """Say to whom what was disclosed about PATIENT, when and why, in the last six years.

    That it was asked and answered is recorded too. Each proof is checked offline with `bailee-verify proof FILE`.
    """
    from bailee.flows.account import account_for

    hospital = open_hospital(home)
    if form == "pdf" and not out:
        raise click.UsageError("a PDF needs --out FILE")
    answer = account_for(hospital, patient, statutory=statutory)
    content = _written(hospital, answer, patient, form)
    if out:
        out.write_bytes(content)
    else:
        click.echo(content.decode(), nl=not content.endswith(b"\n"))
    if proofs:
        click.echo(f"{_write_proofs(hospital, answer, patient, proofs)} proofs in {proofs}", err=True)
    hospital.close()


@command.command("recalls")
@click.argument("patient")
@click.pass_obj
def recalls(home: str | None, patient: str) -> None:
    """List what PATIENT was recalled from after saying no, and what each partner answered."""
    from bailee.core.clock import iso_from_ms
    from bailee.stores.sql.database import read
    from bailee.stores.sql.recalls import list_recalls

    hospital = open_hospital(home)
    with read(hospital.engine) as connection:
        found = list_recalls(connection, patient=patient)
    hospital.close()
    for row in found:
        answered = f", answered {iso_from_ms(row['answered_ms'])[:10]}" if row["answered_ms"] else ""
        click.echo(f"{row['release']}  opened {iso_from_ms(row['opened_ms'])[:10]}  {row['state'].lower()}{answered}")
    if not found:
        click.echo("None.")


@command.command("proof")
@click.argument("patient")
@click.argument("entry", type=int)
@click.pass_obj
def proof(home: str | None, patient: str, entry: int) -> None:
    """Write the proof that ledger entry ENTRY concerns PATIENT; give it to the patient and to nobody else."""
    from bailee.stores.sql.ledger_people import proof_of

    hospital = open_hospital(home)
    hospital.log.checkpoint()
    click.echo(proof_of(hospital.log, patient, entry), nl=False)
    hospital.close()


@command.command("suspend")
@click.argument("release")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The agency's day, in UTC.")
@click.option("--oral", is_flag=True, help="The statement was oral: it holds for 30 days at most.")
@click.pass_obj
def suspend(home: str | None, release: str, until: datetime, *, oral: bool) -> None:
    """Hide a release from accountings for a time, as an agency's statement asks (164.528(a)(2)); it is logged all the same."""
    from bailee.core.clock import ms_from_iso
    from bailee.ledger.entries import Entry

    hospital = open_hospital(home)
    leaf = Entry(
        t_ms=hospital.clock.now_ms(),
        kind="accounting.suspended",
        actor=hospital.actor,
        release=release,
        until_ms=ms_from_iso(f"{until:%Y-%m-%d}"),
        rules=("oral",) if oral else ("written",),
    )
    (seq,) = hospital.log.commit([leaf])
    hospital.close()
    click.echo(f"Suspended until {until:%Y-%m-%d}, ledger entry {seq}. It ends by itself.")


def _written(hospital: Hospital, answer: Accounting, patient: str, form: str) -> bytes:
    from bailee.ledger.report import csv_of, text_of

    name = hospital.home.configuration.hospital
    match form:
        case "csv":
            return csv_of(answer).encode()
        case "json":
            import msgspec

            return msgspec.json.format(msgspec.json.encode(answer), indent=2)
        case "fhir":
            from bailee.ledger.balp import bundle_of

            bundle = bundle_of(
                answer.rows, patient=patient, origin=hospital.log.origin, machine=hospital.egress.machine
            )
            return json.dumps(bundle, indent=2, ensure_ascii=False).encode()
        case "pdf":
            from bailee.ledger.pdf import accounting_pdf

            return accounting_pdf(answer, hospital=name, person=f"patient {patient}")
        case _:
            return text_of(answer).encode()


def _write_proofs(hospital: Hospital, answer: Accounting, patient: str, folder: Path) -> int:
    from bailee.stores.sql.ledger_people import proof_of

    folder.mkdir(parents=True, exist_ok=True)
    for row in answer.rows:
        (folder / f"entry-{row.seq}.tlog-proof").write_text(proof_of(hospital.log, patient, row.seq), "utf-8")
    return len(answer.rows)

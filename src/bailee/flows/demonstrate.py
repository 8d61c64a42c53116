"""The steps of the demo that set a hospital up: folder, keys, a signed agreement, intake."""

from __future__ import annotations

from pathlib import Path

from bailee.agreements.documents import read_agreement
from bailee.flows.hospital import Hospital, create_hospital
from bailee.flows.ingest.run import Account, Progress, ingest
from bailee.stores.sql.agreements import Signatories, attest_agreement
from bailee.stores.sql.database import write
from bailee.synthetic.agreement import agreement_text

NAME, ORIGIN = "Mercy River Health", "mercy-river.example/bailee/ledger"


def begin(folder: Path, agreement: str) -> Hospital:
    """Make a hospital with an agreement in force, as its file would be after both parties signed."""
    hospital = create_hospital(folder, NAME, ORIGIN)
    path = folder / "agreements" / f"{agreement}.yaml"
    path.parent.mkdir()
    path.write_text(agreement_text(hospital.today(), name=agreement))
    names = Signatories(
        drafted_by="Privacy Office",
        hospital="Chief Medical Officer",
        partner="Data Steward",
        activated_by="Privacy Office",
    )
    with write(hospital.engine) as connection:
        attest_agreement(connection, read_agreement(path), names, hospital.clock.now_ms())
    return hospital


def take_in(hospital: Hospital, export: Path, *, progress: Progress) -> Account:
    """Take the export in."""
    return ingest(hospital.home, [export], hospital.master, progress=progress, hospital=hospital)

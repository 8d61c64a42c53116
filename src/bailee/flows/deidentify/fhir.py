"""FHIR files: taken into a vault that lives as long as the run, then cleaned as a release is.

survey    every file into the vault, sealed, in the run's scratch folder
clean     partition by partition: charts, structure by the profile, texts by the notes engine; one NDJSON file a type
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.keys import Secret
from bailee.deid.formats.identities import Identity, authority
from bailee.deid.notes.chart.records import Directory, charts_from_records, directory_from_records
from bailee.deid.notes.scrub import Subjects
from bailee.deid.structure.engine import Engine
from bailee.deid.structure.methods import RareMethods
from bailee.deid.structure.tally import Tally, total
from bailee.deid.structure.zip3 import zip3_table
from bailee.flows.deidentify.outputs import Write, whole_file
from bailee.flows.deidentify.profile import plan_of
from bailee.flows.deidentify.run import NAME, Run
from bailee.flows.ingest.run import ingest
from bailee.flows.ingest.sources import Source
from bailee.flows.release.people import people_of
from bailee.flows.release.texts import TextCleaner, TextCounts
from bailee.records.batches import DeidBatch, RawBatch
from bailee.stores.home import Configuration, create_home
from bailee.stores.lake.vault import Content, Vault


def survey(run: Run, files: list[Source]) -> None:
    """Take the files into the run's vault. Raises: UserError for a profile that is none, before anything is read."""
    plan_of(run.profile)
    home = create_home(run.scratch / NAME, Configuration(hospital=NAME, origin=NAME))
    run.account.intake = ingest(home, [each.path for each in files], _sealed(run))
    vault = _vault(run)
    for part in vault.manifest().partitions:
        run.expect(part.size_bytes)
        if run.mixed:
            _introduce(run, vault.read(part))


def clean(run: Run, files: list[Source]) -> None:
    """Write one NDJSON file a type, all of them whole or none."""
    del files
    cleaning = _Cleaning(run)
    vault = _vault(run)
    partitions = vault.manifest().partitions
    shared = [vault.read(part).records.rows for part in partitions if part.shared]
    directory = directory_from_records(RawBatch(pa.concat_batches(shared)))
    account, tallies = run.account, []
    with ExitStack() as opened:
        writers: dict[str, Write] = {}
        for part in partitions:
            batch, tally = cleaning.clean(vault.read(part), directory, account.counts)
            tallies.append(tally)
            for kind, records in _by_type(batch):
                if kind not in writers:
                    writers[kind] = opened.enter_context(whole_file(run.target / f"{kind}.ndjson"))
                account.left[kind] += len(records)
                writers[kind](b"".join(record + b"\n" for record in records))
            run.advance(part.size_bytes)
    account.tally = total(tallies)


def _sealed(run: Run) -> Secret:
    return run.key.derive("vault of files")


def _vault(run: Run) -> Vault:
    return Vault(run.scratch / NAME / "vault", _sealed(run))


class _Cleaning:
    """The engine, ready, and the keys."""

    def __init__(self, run: Run) -> None:
        self.run, self.plan = run, plan_of(run.profile)
        self.engine = Engine.of(self.plan, run.keys, zip3=zip3_table().whitelist())
        self.terms = run.terms(self.plan.profile, self.plan.sha256, self.plan.identifiability)

    def clean(self, content: Content, directory: Directory, counts: TextCounts) -> tuple[DeidBatch, Tally]:
        """Clean a partition, which holds whole charts."""
        keys, rows = self.run.keys, content.records.rows
        patients = pc.unique(rows.column("patient").drop_null())
        roots = {patient: self.run.persons.root_of_patient(patient) for patient in patients.to_pylist()}
        people = people_of(patients, rows, roots, keys, as_of=self.terms.as_of)
        charts = charts_from_records(content.records, directory, patients=patients)
        shift = self.plan.identifiability == "expert-determination"
        subjects = Subjects.of(keys, list(roots.values()), shift=shift, ninety=people.ninety, charts=charts)
        methods = RareMethods(keys, list(roots.values()))
        cleaner = TextCleaner(charts, subjects, keys, counts, plan=self.terms)
        return self.engine.deidentify(
            content.records,
            people,
            clean_text=cleaner.texts,
            clean_attachment=cleaner.attachments,
            method=methods,
        )


def _introduce(run: Run, content: Content) -> None:
    """Tell which identifiers each Patient has, for the files of other formats."""
    rows = content.records.rows
    patients = rows.filter(pc.equal(rows["type"], "Patient"))
    for patient, record in zip(patients["id"].to_pylist(), patients["json"].to_pylist(), strict=True):
        run.persons.meet(identities_of(record), patient=patient)


def identities_of(record: bytes) -> list[Identity]:
    """List a Patient's identifiers that have a system and a value."""
    found = msgspec.json.decode(record).get("identifier")
    listed = found if isinstance(found, list) else []
    pairs = [(each.get("system"), each.get("value")) for each in listed if isinstance(each, dict)]
    return [
        (authority(system), value.strip())
        for system, value in pairs
        if isinstance(system, str) and isinstance(value, str) and system and value
    ]


def _by_type(batch: DeidBatch) -> Iterator[tuple[str, list[bytes]]]:
    kinds = batch.rows.column("type")
    for kind in sorted(pc.unique(kinds).to_pylist()):
        yield kind, batch.rows.column("json").filter(pc.equal(kinds, kind)).to_pylist()

"""Files by a profile: the same engines as a release, without its agreement, consents and ledger.

take      every file into a vault that lives as long as the run, sealed, beside the output
chart     each patient's own identifiers, from whole charts
clean     structure by the profile, texts by the notes engine
write     one NDJSON file a type, all of them whole or none
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.clock import Clock, SystemClock
from bailee.core.errors import Invalid, UserError
from bailee.core.keys import ROOT_BYTES, AgreementKeys, Secret
from bailee.deid.notes.chart.records import Directory, charts_from_records, directory_from_records
from bailee.deid.notes.scrub import Subjects
from bailee.deid.profiles.compile import shipped_plan
from bailee.deid.structure.engine import Engine
from bailee.deid.structure.methods import RareMethods
from bailee.deid.structure.plan import Plan
from bailee.deid.structure.tally import Tally, total
from bailee.deid.structure.zip3 import zip3_table
from bailee.flows.deidentify.outputs import Write, whole_file
from bailee.flows.ingest.run import Account as Intake
from bailee.flows.ingest.run import ingest
from bailee.flows.profiles import plan_from_file
from bailee.flows.release.people import people_of
from bailee.flows.release.plan import ReleasePlan
from bailee.flows.release.texts import TextCleaner, TextCounts
from bailee.records.batches import DeidBatch, RawBatch
from bailee.stores.home import Configuration, create_home
from bailee.stores.keys.files import read_secret
from bailee.stores.lake.vault import Content, Vault

NAME = "files"  # stands for the agreement: keys of files have nothing in common with those of any release
TextMethod = Literal["surrogate", "tag", "remove"]


@dataclass
class Account:
    """What was done, in records; `refused` by reason, `found` by label of what stood in texts."""

    intake: Intake
    left: Counter[str] = field(default_factory=Counter)
    counts: TextCounts = field(default_factory=TextCounts)
    tally: Tally | None = None


def deidentify_files(
    source: Path,
    target: Path,
    profile: str,
    key: Secret,
    *,
    text_method: TextMethod = "surrogate",
    clock: Clock | None = None,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Account:
    """De-identify a FHIR file, or all in a folder, into one NDJSON file a type in the folder `target`.

    The same input, key and profile give the same pseudonyms, dates and surrogates. What cannot be read is left out
    and listed. Raises: UserError for the paths or the profile.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError("the output is not an empty folder", where=str(target), remedy="Name a new folder.")
    target.mkdir(parents=True, exist_ok=True)
    run = _Run(profile, key, text_method, clock or SystemClock())
    with TemporaryDirectory(prefix=".vault-", dir=target.resolve().parent) as folder:
        home = create_home(Path(folder) / NAME, Configuration(hospital=NAME, origin=NAME))
        sealed = key.derive("vault of files")
        account = Account(ingest(home, [source], sealed))
        run.clean(Vault(home.vault, sealed), target, account, progress)
    return account


def read_key_file(path: Path) -> Secret:
    """Read a key of 64 or more hexadecimal digits. Raises: Invalid if the file is none; UserError if others may read it."""
    try:
        return Secret(bytes.fromhex(read_secret(path).decode("ascii").strip()))
    except ValueError:
        raise Invalid("not a key file", where=path.name, remedy="Make one: openssl rand -hex 32") from None


def plan_of(profile: str) -> Plan:
    """Compile a profile: one of Bailee's own by its name, or a site's own, a file that ends in .toml.

    Raises: UserError if there is none, or naming the line that is wrong.
    """
    if not profile.endswith(".toml"):
        return shipped_plan(profile)
    path = Path(profile)
    if not path.is_file():
        raise UserError("no such profile", where=path.name, remedy="Name a file, or one of Bailee's own profiles.")
    return plan_from_file(path)


class _Run:
    """The engines, ready, and the keys."""

    def __init__(self, profile: str, key: Secret, text_method: TextMethod, clock: Clock) -> None:
        self.plan = plan_of(profile)
        self.keys = AgreementKeys.of(key, NAME)
        self.engine = Engine.of(self.plan, self.keys, zip3=zip3_table().whitelist())
        self._roots = key.derive("roots of files").reveal()
        self.terms = ReleasePlan(
            release=NAME,
            version=1,
            agreement=NAME,
            agreement_sha256="",
            vault_version=0,
            profile=self.plan.profile,
            profile_sha256=self.plan.sha256,
            identifiability=self.plan.identifiability,
            operating_point="strict",
            text_method=text_method,
            as_of_ms=clock.now_ms(),
            software="",
        )

    def clean(self, vault: Vault, target: Path, account: Account, progress: Callable[[int, int], None]) -> None:
        """Clean partition by partition; each holds whole charts."""
        partitions = vault.manifest().partitions
        whole, done, tallies = sum(part.size_bytes for part in partitions), 0, []
        shared = [vault.read(part).records.rows for part in partitions if part.shared]
        directory = directory_from_records(RawBatch(pa.concat_batches(shared)))
        with ExitStack() as files:
            writers: dict[str, Write] = {}
            for part in partitions:
                batch, tally = self._clean(vault.read(part), directory, account.counts)
                tallies.append(tally)
                for kind, records in _by_type(batch):
                    if kind not in writers:
                        writers[kind] = files.enter_context(whole_file(target / f"{kind}.ndjson"))
                    account.left[kind] += len(records)
                    writers[kind](b"".join(record + b"\n" for record in records))
                done += part.size_bytes
                progress(done, whole)
        account.tally = total(tallies)

    def _clean(self, content: Content, directory: Directory, counts: TextCounts) -> tuple[DeidBatch, Tally]:
        rows = content.records.rows
        patients = pc.unique(rows.column("patient").drop_null())
        roots = {patient: self._root(patient) for patient in patients.to_pylist()}
        people = people_of(patients, rows, roots, self.keys, as_of=self.terms.as_of)
        charts = charts_from_records(content.records, directory, patients=patients)
        shift = self.plan.identifiability == "expert-determination"
        subjects = Subjects.of(self.keys, list(roots.values()), shift=shift, ninety=people.ninety, charts=charts)
        methods = RareMethods(self.keys, list(roots.values()))
        cleaner = TextCleaner(charts, subjects, self.keys, counts, plan=self.terms)
        return self.engine.deidentify(
            content.records,
            people,
            clean_text=cleaner.texts,
            clean_attachment=cleaner.attachments,
            method=methods,
        )

    def _root(self, patient: str) -> bytes:
        """Give a patient's root. A vault draws it at random; files have no vault, so it is a keyed hash of the id."""
        return hmac.digest(self._roots, patient.encode(), "sha256")[:ROOT_BYTES]


def _by_type(batch: DeidBatch) -> Iterator[tuple[str, list[bytes]]]:
    kinds = batch.rows.column("type")
    for kind in sorted(pc.unique(kinds).to_pylist()):
        yield kind, batch.rows.column("json").filter(pc.equal(kinds, kind)).to_pylist()

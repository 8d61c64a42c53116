"""What a worker needs for one release: terms, keys, compiled profile, directory; made once a process."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import msgspec
import pyarrow as pa

from bailee.agreements.documents import agreement_document, agreement_from_document
from bailee.agreements.terms import Agreement
from bailee.consent.directives import DIRECTIVES
from bailee.consent.evaluate import Snapshot
from bailee.consent.rules import Rule
from bailee.core.canonical import canonical_bytes, strict_json
from bailee.core.grants import Ask, Grant
from bailee.core.keys import AgreementKeys, Secret
from bailee.deid.notes.chart.records import Directory, directory_from_records
from bailee.deid.structure.engine import Engine
from bailee.deid.structure.plan import Plan
from bailee.deid.structure.zip3 import zip3_table
from bailee.flows.hospital import Hospital
from bailee.flows.release.plan import PLAN, ReleasePlan, read_plan, staging_of
from bailee.records.batches import RawBatch
from bailee.stores.home import open_home
from bailee.stores.lake.manifest import Partition
from bailee.stores.lake.sealed import PAYLOAD, SealedWriter, read_frames

AGREEMENT, ASKED, GIVEN, DIRECTIVES_FILE, PROFILE_FILE = (
    "agreement.json",
    "asked.json",
    "given.json",
    "directives.sealed",
    "profile.sealed",
)


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, granted and ruled when the release was planned; `consent_size` is the consent log's size then."""

    ask: Ask
    grant: Grant
    house: tuple[Rule, ...]
    consent_size: int


@dataclass
class Tools:
    """The tools of one release; each is made when it is first needed."""

    hospital: Hospital
    staging: Path
    plan: ReleasePlan

    @cached_property
    def agreement(self) -> Agreement:
        """The agreement's terms."""
        return agreement_from_document(strict_json((self.staging / AGREEMENT).read_bytes()))

    @cached_property
    def asked(self) -> Agreement:
        """The terms with the scope of the request that the release rests on; without one, the agreement's own."""
        if not self.plan.request:
            return self.agreement
        return agreement_from_document(strict_json((self.staging / ASKED).read_bytes()))

    @cached_property
    def given(self) -> Given:
        """What consent is evaluated against."""
        return read_given(self.staging)

    @cached_property
    def snapshot(self) -> Snapshot:
        """What consent rests on, besides patients' directives."""
        return Snapshot(grants={self.plan.agreement: self.given.grant}, rules={}, house=self.given.house)

    @cached_property
    def directives(self) -> pa.Table:
        """Directives that were given here and not by a Consent record."""
        path = self.staging / DIRECTIVES_FILE
        frames = read_frames(path, self.seal, label=DIRECTIVES_FILE, kinds=frozenset({PAYLOAD}))
        return pa.concat_tables([table.cast(DIRECTIVES) for _, table in frames])

    @cached_property
    def keys(self) -> AgreementKeys:
        """The agreement's keys."""
        return self.hospital.keys_for(self.plan.agreement)

    @cached_property
    def seal(self) -> Secret:
        """The key of the parts' sealed tables."""
        return self.hospital.master.derive("parts")

    @cached_property
    def profile(self) -> Plan:
        """The compiled profile: compiled once a release, and read by its workers."""
        return read_profile(self.staging, self.seal)

    @cached_property
    def engine(self) -> Engine:
        """The structure engine."""
        return Engine.of(self.profile, self.keys, zip3=zip3_table().whitelist())

    @cached_property
    def partitions(self) -> dict[str, Partition]:
        """The vault's partitions by name, at the version of the plan."""
        manifest = self.hospital.vault.manifest(self.plan.vault_version)
        return {part.name: part for part in manifest.partitions}

    @cached_property
    def directory(self) -> Directory:
        """The shared records that patients' charts point to."""
        vault = self.hospital.vault
        shared = [vault.read(part).records.rows for part in self.partitions.values() if part.shared]
        return directory_from_records(RawBatch(pa.concat_batches(shared)))


@lru_cache(maxsize=2)
def tools_of(home: str, release: str) -> Tools:
    """Open a release's tools."""
    hospital = Hospital(open_home(Path(home)))
    staging = staging_of(hospital.home, release)
    return Tools(hospital, staging, read_plan(staging / PLAN))


def write_given(
    staging: Path, agreement: Agreement, asked: Agreement, given: Given, directives: pa.Table, seal: Secret
) -> None:
    """Write down what workers read; directives name patients and are sealed."""
    (staging / AGREEMENT).write_bytes(canonical_bytes(agreement_document(agreement)))
    (staging / ASKED).write_bytes(canonical_bytes(agreement_document(asked)))
    (staging / GIVEN).write_bytes(msgspec.json.encode(given))
    _seal(staging / DIRECTIVES_FILE, directives.combine_chunks(), seal)


def write_profile(staging: Path, profile: Plan, seal: Secret) -> None:
    """Write a compiled profile down for workers; sealed, so that nobody changes what it does."""
    _seal(staging / PROFILE_FILE, pa.table({"plan": pa.array([msgspec.msgpack.encode(profile)], pa.binary())}), seal)


def read_profile(staging: Path, seal: Secret) -> Plan:
    """Read a release's compiled profile, narrowed as its terms are. Raises: Invalid if it was altered."""
    frames = read_frames(staging / PROFILE_FILE, seal, label=PROFILE_FILE, kinds=frozenset({PAYLOAD}))
    return msgspec.msgpack.decode(next(table["plan"][0].as_py() for _, table in frames), type=Plan)


def _seal(path: Path, table: pa.Table, seal: Secret) -> None:
    path.unlink(missing_ok=True)
    writer = SealedWriter(path, seal, label=path.name)
    writer.write(PAYLOAD, table)
    writer.close()


def read_given(staging: Path) -> Given:
    """Read what a release was planned on."""
    return msgspec.json.decode((staging / GIVEN).read_bytes(), type=Given)

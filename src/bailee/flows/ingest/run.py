"""`bailee ingest`: exports into the vault, in bounded memory; run again, it goes on where it stopped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.merges import links_of
from bailee.core.columns import buffer_of, keyed_hashes
from bailee.core.keys import Secret
from bailee.flows.hospital import Hospital
from bailee.flows.ingest.quarantine import Quarantine, Quarantined
from bailee.flows.ingest.sources import LINE_BYTES, Damage, Source, find_sources, read_blocks
from bailee.flows.recall import publish_recalling
from bailee.records.intake import Parsed, Trouble, parse_document, parse_lines
from bailee.stores.home import Home
from bailee.stores.lake.intake import ROWS, Committed, Intake, one_at_a_time, source_key
from bailee.stores.lake.manifest import Manifest
from bailee.stores.lake.vault import Vault, one_chunk

# A run is made visible at least this often, so that an interrupted one has little to do again.
COMMIT_BYTES = 2 << 30
GZIP_RATIO = 10
_DAMAGES = {
    "line-too-long": f"a line of more than {LINE_BYTES >> 20} MiB",
    "document-too-long": "a document of more than 512 MiB",
    "gzip-cut-short": "the gzip file ends in the middle",
    "gzip-damaged": "the gzip file is damaged",
}


@dataclass
class Account:
    """What an intake did, in records: read + denials = current + duplicates + superseded + conflicts + troubles.

    `denials` are refusals that stand for Consents which could not be read; `damages` are stretches of files that could
    not be read as records at all. `recalls` are notices about earlier releases, for what patients say now.
    """

    files: int = 0
    files_known: int = 0
    size_bytes: int = 0
    read: int = 0
    bundles: int = 0
    current: int = 0
    duplicates: int = 0
    superseded: int = 0
    conflicts: int = 0
    troubles: int = 0
    denials: int = 0
    damages: int = 0
    recalls: int = 0
    by_type: dict[str, int] = field(default_factory=dict)
    shown: list[Quarantined] = field(default_factory=list)


Progress = Callable[[int, int], None]  # bytes done, bytes in all


def ingest(
    home: Home,
    paths: Sequence[Path],
    master: Secret,
    *,
    progress: Progress = lambda *_: None,
    hospital: Hospital | None = None,
) -> Account:
    """Take every FHIR file at or below `paths` into the vault; `hospital` is the one that is open already, if any.

    Raises: UserError if a path is absent or holds none; Conflict if another intake runs. A record that cannot be
    taken is quarantined and counted, the rest goes on. Interrupted, it keeps what was read and can be run again.
    """
    vault = Vault(home.vault, master)
    vault.create()
    sources = find_sources(paths)
    opened = hospital or _opened(home, master)
    with one_at_a_time(vault.folder):
        vault.sweep()
        try:
            return _Run(opened, vault, master, progress).run(sources)
        finally:
            if hospital is None:
                opened.close()


def _opened(home: Home, master: Secret) -> Hospital:
    hospital = Hospital(home)
    hospital.master = master
    return hospital


class _Run:
    """The state of one intake: what is open and what was counted."""

    def __init__(self, hospital: Hospital, vault: Vault, master: Secret, progress: Progress) -> None:
        self.hospital, self.vault, self.progress = hospital, vault, progress
        self.quarantine = Quarantine(hospital.home.quarantine, master)
        self.linked: set[str] = set()  # patients who are said to be one person
        self.digest_key = master.derive("vault/digests").reveal()
        self.account = Account()
        self.taken: list[str] = []
        self.names: list[Source] = []
        self.uncommitted = 0

    def run(self, sources: list[Source]) -> Account:
        known = set(self.vault.manifest().taken)
        fresh = [(each, key) for each in sources if (key := _source_key(self.vault, each)) not in known]
        self.account.files, self.account.files_known = len(fresh), len(sources) - len(fresh)
        whole = sum(each.path.stat().st_size for each, _ in fresh)
        with Intake(self.vault, expected_bytes=sum(_expected(each) for each, _ in fresh)) as intake:
            try:
                done = 0
                for source, key in fresh:
                    self._take(source, intake, done, whole)
                    self.taken.append(key)
                    done += source.path.stat().st_size
                    if self.uncommitted >= COMMIT_BYTES:
                        self._commit(intake)
            finally:
                # Also when interrupted: what was read is kept, only whole files are marked as taken.
                self._commit(intake)
                self.quarantine.close()
        return self.account

    def _take(self, source: Source, intake: Intake, done: int, whole: int) -> None:
        number = len(self.names)
        self.names.append(source)
        size = 0
        for block in read_blocks(source):
            if isinstance(block, Damage):
                self.account.damages += 1
                self._show(source, [Trouble(block.line, block.code, _DAMAGES[block.code], b"")])
                continue
            parsed = parse_lines(block.content, block.line) if source.is_lines else parse_document(block.content)
            self._add(source, number, parsed, intake)
            size += len(block.content)
            self.progress(done + min(size, source.path.stat().st_size), whole)
        self.account.size_bytes += size
        self.uncommitted += size

    def _add(self, source: Source, number: int, parsed: Parsed, intake: Intake) -> None:
        self.account.bundles += parsed.bundles
        self.account.read += parsed.rows.num_rows + len(parsed.troubles)
        self.account.troubles += len(parsed.troubles)
        self._show(source, parsed.troubles)
        rows = parsed.rows
        for kind, count in zip(*_counts(rows["type"]), strict=True):
            self.account.by_type[kind] = self.account.by_type.get(kind, 0) + count
        if rows.num_rows:
            self.linked |= _linked(rows)
            intake.add(self._rows(rows, number))
        denials = [denial for trouble in parsed.troubles for denial in denials_of(trouble)]
        self.account.denials += len(denials)
        if denials:
            intake.add(self._rows(pa.Table.from_pylist(denials, rows.schema), number))

    def _rows(self, rows: pa.Table, number: int) -> pa.Table:
        digests = keyed_hashes(*buffer_of(one_chunk(rows["json"])), self.digest_key)
        files = pa.array(np.full(rows.num_rows, number, np.int32))
        return (
            rows.append_column("digest", pa.array(digests[:, 0]))
            .append_column("file", files)
            .select(ROWS.names)
            .cast(ROWS)
        )

    def _show(self, source: Source, troubles: Iterable[Trouble]) -> None:
        added = self.quarantine.add(source, troubles)
        self.account.shown += added[: max(0, 20 - len(self.account.shown))]

    def _commit(self, intake: Intake) -> None:
        if not self.uncommitted and not self.taken:
            return
        done = intake.commit(tuple(self.taken), publish=self._publish)
        self.taken, self.uncommitted = [], 0
        self.account.current += done.current
        self.account.duplicates += done.duplicates
        self.account.superseded += done.superseded
        self._conflicts(done)

    def _publish(self, before: Manifest, after: Manifest, step: Callable[[], None]) -> None:
        """Show the records together with the recall notices that they lead to."""
        actor, linked = self.hospital.actor, sorted(self.linked)
        self.account.recalls += publish_recalling(self.hospital, before, after, step, linked=linked, actor=actor)
        self.linked = set()

    def _conflicts(self, done: Committed) -> None:
        self.account.conflicts += done.conflicts.num_rows
        for row in done.conflicts.select(["type", "file", "line"]).to_pylist():
            what = f"a {row['type']} that came before with other content"
            self._show(self.names[row["file"]], [Trouble(row["line"], "conflict", what, b"")])


_CONSENT = re.compile(rb'"resourceType"\s*:\s*"Consent"')
_ABOUT = re.compile(rb"Patient/([A-Za-z0-9\-.]{1,64})")


def denials_of(trouble: Trouble) -> list[dict[str, object]]:
    """Turn a Consent that cannot be read into a refusal for each patient that it names: nobody knows what it says."""
    if not _CONSENT.search(trouble.content):
        return []
    patients = sorted({match.decode() for match in _ABOUT.findall(trouble.content)})
    return [_denial(patient) for patient in patients]


def _denial(patient: str) -> dict[str, object]:
    resource = (
        f'{{"resourceType":"Consent","id":"unreadable-{patient[:50]}","status":"active",'
        '"scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"research"}]},'
        f'"patient":{{"reference":"Patient/{patient}"}},"provision":{{"type":"deny"}}}}'
    )
    return {
        "type": "Consent",
        "id": f"unreadable-{patient[:50]}",
        "patient": patient,
        "updated_ms": int(np.iinfo(np.int64).min),
        "line": 0,
        "json": resource.encode(),
    }


def _linked(rows: pa.Table) -> set[str]:
    """Name the patients whom Patient records say to be one person."""
    people = rows.filter(pc.equal(rows["type"], "Patient"))
    linked = people.filter(pc.match_substring(people["json"], '"link"'))
    return {name for link in links_of(linked["json"].to_pylist()) for name in link[:2]}


def _counts(column: pa.ChunkedArray) -> tuple[list[str], list[int]]:
    counted = column.value_counts()
    return counted.field("values").to_pylist(), counted.field("counts").to_pylist()


def _expected(source: Source) -> int:
    size = source.path.stat().st_size
    return size * GZIP_RATIO if source.path.suffix == ".gz" else size


def _source_key(vault: Vault, source: Source) -> str:
    about = source.path.stat()
    return source_key(vault, f"{source.path.resolve()}\x00{about.st_size}\x00{about.st_mtime_ns}")

"""What was not taken: sealed beside the vault with its bytes, listed by file, line, reason and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from bailee.core.entropy import SystemEntropy
from bailee.core.keys import Secret
from bailee.flows.ingest.sources import Source
from bailee.records.intake import REMEDIES, Trouble
from bailee.stores.durable import sync_folder
from bailee.stores.lake.sealed import PAYLOAD, SealedWriter, read_frames

_SCHEMA = pa.schema(
    [
        ("shown", pa.string()),  # safe to print
        ("path", pa.string()),  # as the hospital named it
        ("line", pa.int64()),
        ("code", pa.string()),
        ("what", pa.string()),
        ("content", pa.large_binary()),
    ]
)


@dataclass(frozen=True)
class Quarantined:
    """One input record that was not taken, without its content."""

    shown: str
    path: str
    line: int
    code: str
    what: str

    @property
    def remedy(self) -> str:
        """Say what would let it in."""
        return REMEDIES[self.code]


class Quarantine:
    """Collects troubles during an intake; `close` makes them durable."""

    def __init__(self, folder: Path, master: Secret) -> None:
        self._folder, self._key = folder, master.derive("quarantine")
        self._rows: list[tuple[str, str, int, str, str, bytes]] = []
        self._writer: SealedWriter | None = None
        self._path = folder
        for left in folder.glob(".*.sealed"):  # by a killed intake, whose files will be read again
            left.unlink()
        self.count = 0

    def add(self, source: Source, troubles: Iterable[Trouble]) -> list[Quarantined]:
        """Keep troubles of one file; give them as they may be shown."""
        shown = []
        for trouble in troubles:
            self._rows.append(
                (source.shown, str(source.path), trouble.line, trouble.code, trouble.what, trouble.content)
            )
            shown.append(Quarantined(source.shown, str(source.path), trouble.line, trouble.code, trouble.what))
        self.count += len(shown)
        if len(self._rows) >= 1000:
            self._flush()
        return shown

    def close(self) -> None:
        """Make what was collected durable."""
        self._flush()
        if self._writer is not None:
            self._writer.close()
            self._unfinished.rename(self._path)
            sync_folder(self._folder)
            self._writer = None

    @property
    def _unfinished(self) -> Path:
        return self._path.with_name(f".{self._path.name}")

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._writer is None:
            label = f"{SystemEntropy().token_bytes(8).hex()}.sealed"
            self._folder.mkdir(exist_ok=True)
            self._path = self._folder / label
            self._writer = SealedWriter(self._unfinished, self._key, label=label)
        columns = [
            pa.array(column, field.type) for column, field in zip(zip(*self._rows, strict=True), _SCHEMA, strict=True)
        ]
        self._writer.write(PAYLOAD, pa.table(columns, _SCHEMA))
        self._rows = []


def read_quarantine(folder: Path, master: Secret) -> Iterator[Quarantined]:
    """List what was not taken, over all intakes, in the files' order."""
    key = master.derive("quarantine")
    for path in sorted(folder.glob("[!.]*.sealed"), key=lambda each: each.stat().st_mtime_ns):
        for _, table in read_frames(path, key, label=path.name, kinds=frozenset({PAYLOAD})):
            for row in table.drop_columns(["content"]).to_pylist():
                yield Quarantined(**row)

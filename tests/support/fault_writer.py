"""A writer to be killed: releases go through the ledger, and each step is acknowledged once it is durable.

Run as a process that has everything imported: each line on its input is a folder, for which it forks a child. The
child waits until `go` exists in the folder, so that a tracer can attach, and then writes until it is done or fails.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import event, text

from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.core.errors import BaileeError
from bailee.ledger.checkpoint import NoteKey
from bailee.ledger.entries import Bound, Entry, Party
from bailee.stores.keys.guarded import FileSigner, SeenFile
from bailee.stores.sql.database import migrate, open_database, write
from bailee.stores.sql.ledger import Log
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.ledger_egress import Egress

RELEASES = 4
AGREEMENT = Bound(id="dua-1", sha256="ab" * 32)
_PR_SET_PTRACER = 0x59616D61


class _Salts:
    def key(self, month: str) -> bytes:
        return month.encode().ljust(32, b"s")


def open_log(folder: Path, pragmas: tuple[str, ...] = ()) -> Log:
    """Open the ledger of a folder as it is configured, with more pragmas where a test asks for them."""
    engine = open_database(folder / "x.db")

    def prepare(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    event.listen(engine, "connect", prepare)
    signer = FileSigner(NoteKey("hospital.example/ledger", b"k" * 32), SeenFile(folder / "seen"))
    return Log(engine, signer, FixedClock(1_700_000_000_000), SeededEntropy(b"e"), salts=_Salts())


def prepare(folder: Path) -> None:
    """Make an empty ledger with one agreement in force, and a table of the business beside it."""
    log = open_log(folder)
    migrate(log.engine)
    with write(log.engine) as connection:
        connection.execute(text("CREATE TABLE deed (name VARCHAR PRIMARY KEY)"))
        append(connection, [_entry("agreement.activated", agreement=AGREEMENT)])
    log.checkpoint()
    log.engine.dispose()


def work(folder: Path, pragmas: tuple[str, ...] = ()) -> None:
    """Write releases; after each durable step, say so on the acknowledgements' file."""
    log = open_log(folder, pragmas)
    egress = Egress(log, actor="a")
    with (folder / "acks").open("ab", buffering=0) as acks:

        def done(*words: str) -> None:
            acks.write((" ".join(words) + "\n").encode())

        for number in range(RELEASES):
            name = f"r{number}"
            with write(log.engine) as connection:
                connection.execute(text("INSERT INTO deed VALUES (:name)"), {"name": name})
                append(connection, [_entry("config.changed", objects=(f"artifact:{name}",))])
            done("deed", name)
            egress.intent(_intent(name))
            done("intent", name)
            egress.record_disclosures(name, pa.table({"patient": [f"p{number}", "p-all"]}))
            done("disclosed", name)
            egress.done(name, artifact_sha256="cd" * 32, rows=1, size_bytes=1)
            done("done", name)
    log.engine.dispose()


def _entry(kind: str, **fields: Any) -> Entry:
    return Entry(t_ms=1_700_000_000_000, kind=kind, actor="a", **fields)


def _intent(name: str) -> Entry:
    return _entry(
        "release.intent",
        release=name,
        agreement=AGREEMENT,
        partner=Party(name="Partner"),
        route="waiver",
        purpose=("HRESCH",),
        identifiability="identified",
        data=("notes",),
    )


def _child(folder: Path, pragmas: tuple[str, ...]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1 & (2**64 - 1)), 0, 0, 0)
    while not (folder / "go").exists():
        time.sleep(0.002)
    try:
        work(folder, pragmas)
    except (BaileeError, OSError, Exception):  # noqa: BLE001 -- whatever the fault led to, the child just ends
        os._exit(3)
    os._exit(0)


def main() -> None:
    """Fork a child for each line: a JSON list of folder and pragmas."""
    with tempfile.TemporaryDirectory() as warm:  # whatever is imported late is imported once, before any fork
        prepare(Path(warm))
        work(Path(warm))
    for line in sys.stdin:
        folder, *pragmas = json.loads(line)
        child = os.fork()
        if child == 0:
            _child(Path(folder), tuple(pragmas))
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(status, flush=True)


if __name__ == "__main__":
    main()

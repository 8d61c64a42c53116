"""A small ledger for tests: a fixed key, a clock that is moved by hand, seeded randomness."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.ledger.checkpoint import NoteKey
from bailee.ledger.entries import Bound, Entry, Party
from bailee.ledger.guard import MemorySigner
from bailee.stores.sql.database import write
from bailee.stores.sql.ledger import Log
from bailee.stores.sql.ledger_egress import Egress
from bailee.stores.sql.ledger_export import export_ledger

ORIGIN = "hospital.example/ledger"
START_MS = 1_700_000_000_000
REQUEST = Bound(id="req-1", sha256="ba" * 32)
AGREEMENT = Bound(id="dua-1", sha256="ab" * 32)


class MemorySalts:
    """Month keys in memory."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}

    def key(self, month: str) -> bytes:
        return self.keys.setdefault(month, sha256(month.encode()).digest())


def new_log(engine: Engine, **options: Any) -> Log:
    key = NoteKey(ORIGIN, b"k" * 32)
    return Log(
        engine, MemorySigner(key), FixedClock(START_MS), SeededEntropy(b"ledger"), salts=MemorySalts(), **options
    )


def entry(kind: str = "login.ok", t_ms: int = START_MS, **fields: Any) -> Entry:
    return Entry(**({"t_ms": t_ms, "kind": kind, "actor": "staff-1"} | fields))


def intent(release: str = "r1", **fields: Any) -> Entry:
    known: dict[str, Any] = {
        "agreement": AGREEMENT,
        "partner": Party(name="Partner Ltd", address="1 Main Street, Boston MA", phone="+1 555 0100"),
        "route": "limited-data-set",
        "purpose": ("DUO:0000042",),
        "identifiability": "limited-data-set",
        "data": ("demographics", "notes", "laboratory"),
    }
    return entry("release.intent", release=release, **(known | fields))


def patients(*names: str, **columns: Any) -> pa.Table:
    return pa.table({"patient": pa.array(names, pa.string()), **columns})


def full_ledger(engine: Engine) -> Log:
    """A ledger with a bit of everything: agreements, requests, consents, three releases, other leaves."""
    log = new_log(engine)
    log.commit([entry("agreement.activated", agreement=AGREEMENT), entry("request.approved", request=REQUEST)])
    with write(engine) as connection:
        log.keep(connection, b'{"id":"dua-1"}')
        log.disclose(connection, entry("consent.granted"), patients("p1", "p2"))
        log.disclose(connection, entry("consent.revoked"), patients("p9"))
    egress = Egress(log, actor="staff-1", machine="node-1")
    for release, names in (("r1", ("p1", "p2", "p3")), ("r2", ("p2", "p4")), ("r3", ("p1", "p2"))):
        egress.intent(intent(release, request=REQUEST if release == "r2" else None))
        egress.record_disclosures(release, patients(*names))
        if release != "r3":
            egress.done(release, artifact_sha256=sha256(release.encode()).hexdigest(), rows=5, size_bytes=900)
        log.commit(
            [entry("access.read", machine='a "quoted" \\ machine', objects=("dataset:d1",)), entry(actor="José")]
        )
    egress.recover()
    log.commit([entry(), entry("agreement.suspended", agreement=AGREEMENT)])
    log.checkpoint()
    return log


def export_of(log: Log, folder: Path) -> Path:
    export_ledger(log.engine, folder / "export")
    return folder / "export"


def policy_of(log: Log, folder: Path, *lines: str, quorum: str = "none") -> Path:
    path = folder / "policy"
    path.write_text("\n".join(["# whom we trust", f"log {log.signer.verifier}", *lines, f"quorum {quorum}"]) + "\n")
    return path

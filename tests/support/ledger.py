"""A small ledger for tests: a fixed key, a clock that is moved by hand, seeded randomness."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.ledger.checkpoint import NoteKey
from bailee.ledger.entries import Bound, Entry, Party
from bailee.ledger.guard import MemorySigner
from bailee.stores.sql.ledger import Log

ORIGIN = "hospital.example/ledger"
START_MS = 1_700_000_000_000
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

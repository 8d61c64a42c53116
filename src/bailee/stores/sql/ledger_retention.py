"""Retention and erasure: nothing before six years, then the links to patients, and the keys that open old backups.

The log itself stays whole: leaves and subject rows are never removed, and all proofs hold. What goes is who a row
was about: the link in `ledger_subject`, and the month's key without which a commitment cannot be opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, Engine, delete, func, select, text

from bailee.core.errors import Conflict
from bailee.ledger.entries import Counts, Entry
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger import Log
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.ledger_egress import progress


class ErasableSalts(Protocol):
    """Keys of months that can be destroyed."""

    def shred(self, month: str) -> None:
        """Destroy a month's key for good."""
        ...

    def shredded(self, month: str) -> bool:
        """Tell whether it was."""
        ...


@dataclass(frozen=True)
class Erasure:
    """What was, or would be, erased. Shape: leaves whose links go, how many links, months whose keys go."""

    leaves: tuple[int, ...]
    links: int
    months: tuple[str, ...]


def erasable(connection: Connection, now_ms: int) -> Erasure:
    """Find the links that are past their six years, and the months that are so as a whole."""
    batch, subject = tables.batch.c, tables.subject.c
    due = (
        select(batch.seq, func.count())
        .join(tables.subject, subject.seq == batch.seq)
        .where(batch.keep_until_ms <= now_ms)
        .group_by(batch.seq)
        .order_by(batch.seq)
    )
    rows = connection.execute(due).all()
    whole = select(batch.month).group_by(batch.month).having(func.max(batch.keep_until_ms) <= now_ms)
    months = sorted(str(month) for (month,) in connection.execute(whole))
    return Erasure(tuple(int(seq) for seq, _ in rows), sum(int(count) for _, count in rows), tuple(months))


def erase(log: Log, salts: ErasableSalts, *, actor: str) -> Erasure:
    """Erase what is past its six years, and write in the ledger that it was. Again is allowed and does nothing.

    Raises: Conflict if the database says that a link must still be kept.
    """
    with write(log.engine) as connection:
        _overwrite_deleted(connection)
        due = erasable(connection, log.clock.now_ms())
        months = tuple(month for month in due.months if not salts.shredded(month))
        if not due.leaves and not months:
            return Erasure((), 0, ())
        for seq in due.leaves:
            connection.execute(delete(tables.subject).where(tables.subject.c.seq == seq))
        append(connection, [_leaf(log, actor, due, months)])
    for month in months:
        salts.shred(month)
    _forget_pages(log.engine)
    log.checkpoint()
    return Erasure(due.leaves, due.links, months)


def record_destruction(log: Log, release: str, certificate: bytes, *, actor: str) -> int:
    """Keep a partner's certificate that a release was destroyed, and write its leaf. Shape: the leaf's number.

    Raises: Conflict for a release that was never made readable.
    """
    with write(log.engine) as connection:
        known = progress(connection, release)
        if not known.kinds.keys() & {"release.done", "release.unknown"}:
            raise Conflict("a certificate for a release that is not out: check its name with `bailee releases`")
        sha256 = log.keep(connection, certificate)
        at_ms = log.clock.now_ms()
        leaf = Entry(t_ms=at_ms, kind="release.destroyed", actor=actor, release=release, artifact_sha256=sha256)
        (seq,) = append(connection, [leaf])
    log.checkpoint()
    return seq


def certificates(engine: Engine) -> dict[str, int]:
    """Give for each release that was certified as destroyed when that was recorded. Units: ms since the epoch."""
    mark = tables.mark.c
    with read(engine) as connection:
        rows = connection.execute(select(mark.release, mark.t_ms).where(mark.kind == "release.destroyed"))
        return {str(release): int(at_ms) for release, at_ms in rows}


def _leaf(log: Log, actor: str, due: Erasure, months: tuple[str, ...]) -> Entry:
    return Entry(
        t_ms=log.clock.now_ms(),
        kind="subject.erased",
        actor=actor,
        objects=(*(f"batch:{seq}" for seq in due.leaves), *(f"key:salts-{month}" for month in months)),
        counts=Counts(patients=0, rows=due.links, bytes=0),
        rules=("45-CFR-164.316(b)(2)(i)",),
    )


def _overwrite_deleted(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(text("PRAGMA secure_delete=ON"))


def _forget_pages(engine: Engine) -> None:
    """Leave no copy of what was deleted in the write-ahead log, or in dead rows."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
            if busy:
                raise Conflict("another process holds the database: run the erasure again when it has finished")
        else:
            connection.execute(text("VACUUM FULL ledger_subject"))

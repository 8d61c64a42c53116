"""Two-phase egress: what a release writes to the ledger, and when, so that nothing leaves unrecorded.

intent (signed) ──▶ bytes, not yet readable ──▶ disclosures (signed) ──▶ readable ──▶ done
      │                                                                      └── crash ──▶ unknown: counts as disclosed
      └── failed: nothing became readable

Every step may be repeated for the same release; what stands is not written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Connection, func, select

from bailee.core.errors import Conflict, Invalid
from bailee.ledger.entries import Counts, Entry, replace
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger import Log
from bailee.stores.sql.ledger_append import append, leaf_entry

INTENT, DISCLOSED, DONE = "release.intent", "release.disclosed", "release.done"
FAILED, UNKNOWN = "release.failed", "release.unknown"
ENDS = (DONE, FAILED, UNKNOWN)


@dataclass(frozen=True)
class Progress:
    """How far a release has come. Shape: numbers of its leaves; patients that its disclosures count."""

    release: str
    kinds: dict[str, int]
    patients: int

    @property
    def state(self) -> str:
        """Give `absent`, `intended`, `disclosed`, `done`, `failed` or `unknown`: what was written last."""
        if not self.kinds:
            return "absent"
        last = max(self.kinds, key=lambda kind: self.kinds[kind])
        return {INTENT: "intended"}.get(last, last.removeprefix("release."))


class Egress:
    """What a release does to the ledger. `machine` names where the bytes leave from."""

    def __init__(self, log: Log, *, actor: str, machine: str = "") -> None:
        self.log, self.actor, self.machine = log, actor, machine

    def intent(self, terms: Entry) -> int:
        """Write that a release is about to begin, signed, before its first byte. Shape: the leaf's number.

        `terms` is an entry of kind release.intent: agreement, partner, route, purpose, identifiability, data; its
        time is taken from the ledger's clock. The
        same release again gives the first leaf's number. Raises: Conflict if the release was begun on other terms
        or has ended, Invalid for another kind of entry.
        """
        if terms.kind != INTENT:
            raise Invalid("an intent of another kind", where=terms.kind, remedy="Use kind release.intent.")
        stamped = replace(terms, t_ms=self.log.clock.now_ms())  # a run that is gone on with may bear an old time
        with write(self.log.engine) as connection:
            known = progress(connection, terms.release)
            seq = self._again(connection, known, terms) if INTENT in known.kinds else append(connection, [stamped])[0]
        self.log.checkpoint()
        return seq

    def record_disclosures(
        self,
        release: str,
        patients: pa.Table | Iterable[pa.Table],
        *,
        check: Callable[[Connection, pa.Table], None] = lambda *_: None,
    ) -> int:
        """Write who is in a release, durable and signed, before anyone can read it. Shape: patients newly recorded.

        Each table is a transaction and a leaf of its own; patients that are recorded already are left out. `check` is
        asked in that transaction, so that what it holds is still true when the leaf stands; what it raises undoes it.
        Raises: Conflict without an intent, or once the release has ended. Cost: O(patients), one table in memory.
        """
        parts = [patients] if isinstance(patients, pa.Table) else patients
        fresh = 0
        for part in parts:
            with write(self.log.engine) as connection:
                before = self._open(connection, release)
                check(connection, part)
                self.log.disclose(connection, self._disclosed(connection, before), part)
                fresh += progress(connection, release).patients - before.patients
        self.log.checkpoint()
        return fresh

    def done(self, release: str, *, artifact_sha256: str, rows: int, size_bytes: int) -> int:
        """Write that a release became readable. Shape: the leaf's number; that of the first `done` if repeated.

        Raises: Conflict without disclosures, after a failure, or if another artefact was named before.
        """
        with write(self.log.engine) as connection:
            known = progress(connection, release)
            if DONE in known.kinds:
                return _same_artifact(connection, known.kinds[DONE], artifact_sha256)
            if known.state not in {"disclosed", "unknown"}:
                raise Conflict(f"a release cannot be done when it is {known.state}: record its disclosures first")
            terms = _terms(connection, known)
            counts = Counts(patients=known.patients, rows=rows, bytes=size_bytes)
            leaf = self._entry(DONE, terms, artifact_sha256=artifact_sha256, counts=counts)
            (seq,) = append(connection, [leaf])
        self.log.checkpoint()
        return seq

    def failed(self, release: str, *, reasons: Iterable[str] = ()) -> int:
        """Write that a release was given up before anything became readable. Raises: Conflict once it is done."""
        with write(self.log.engine) as connection:
            known = progress(connection, release)
            if FAILED in known.kinds:
                return known.kinds[FAILED]
            if known.state not in {"intended", "disclosed"}:
                raise Conflict(f"a release cannot fail when it is {known.state}")
            (seq,) = append(connection, [self._entry(FAILED, _terms(connection, known), reasons=tuple(reasons))])
        self.log.checkpoint()
        return seq

    def recover(self) -> list[str]:
        """After a crash: turn each release that was begun and not ended into `unknown`, which counts as disclosed.

        A release that the flow can still finish should be finished first; `done` may follow `unknown`.
        Shape: the releases concerned.
        """
        with write(self.log.engine) as connection:
            dangling = _dangling(connection)
            leaves = []
            for release in dangling:
                known = progress(connection, release)
                counts = Counts(patients=known.patients, rows=0, bytes=0)
                leaves.append(self._entry(UNKNOWN, _terms(connection, known), counts=counts))
            append(connection, leaves)
        if dangling:
            self.log.checkpoint()
        return dangling

    def progress(self, release: str) -> Progress:
        """Tell how far a release has come."""
        with read(self.log.engine) as connection:
            return progress(connection, release)

    def _again(self, connection: Connection, known: Progress, terms: Entry) -> int:
        first = _terms(connection, known)
        if known.state in {"done", "failed"}:
            raise Conflict(f"the release is {known.state}: give the next one another name")
        if (first.agreement, first.request, first.partner) != (terms.agreement, terms.request, terms.partner):
            raise Conflict("the release was begun on other terms: give this one another name")
        return known.kinds[INTENT]

    def _open(self, connection: Connection, release: str) -> Progress:
        known = progress(connection, release)
        if known.state not in {"intended", "disclosed", "unknown"}:
            raise Conflict(f"disclosures of a release that is {known.state}: write its intent first")
        return known

    def _disclosed(self, connection: Connection, known: Progress) -> Entry:
        return self._entry(DISCLOSED, _terms(connection, known), data=_terms(connection, known).data)

    def _entry(self, kind: str, terms: Entry, **more: object) -> Entry:
        return Entry(
            t_ms=self.log.clock.now_ms(),
            kind=kind,
            actor=self.actor,
            machine=self.machine,
            release=terms.release,
            agreement=terms.agreement,
            request=terms.request,
            **more,  # type: ignore[arg-type]
        )


def progress(connection: Connection, release: str) -> Progress:
    """Read how far a release has come."""
    mark, batch = tables.mark.c, tables.batch.c
    rows = connection.execute(
        select(mark.kind, func.max(mark.seq)).where(mark.release == release).group_by(mark.kind)
    ).all()
    counted = connection.execute(
        select(func.coalesce(func.sum(batch.count), 0)).where(batch.release == release, batch.kind == DISCLOSED)
    ).scalar_one()
    kinds = {str(kind): int(seq) for kind, seq in rows if kind in {INTENT, DISCLOSED, *ENDS}}
    return Progress(release, kinds, int(counted))


def _terms(connection: Connection, known: Progress) -> Entry:
    return leaf_entry(connection, known.kinds[INTENT])


def _same_artifact(connection: Connection, seq: int, artifact_sha256: str) -> int:
    if leaf_entry(connection, seq).artifact_sha256 != artifact_sha256:
        raise Conflict("the release is done with another artefact: the same release must give the same bytes")
    return seq


def _dangling(connection: Connection) -> list[str]:
    mark = tables.mark.c
    ended = select(mark.release).where(mark.kind.in_(ENDS))
    begun = select(mark.release).where(mark.kind == INTENT, mark.release.not_in(ended)).order_by(mark.seq)
    return [str(release) for (release,) in connection.execute(begun)]

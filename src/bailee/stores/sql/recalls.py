"""Recall notices: a patient took something back after a release; the partner is told, and its answer is tracked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, func, select, update

from bailee.core.errors import Conflict, UserError
from bailee.ledger.entries import Entry
from bailee.stores.sql import ledger_tables as ledger
from bailee.stores.sql.consent_tables import recall
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.rows import insert_rows

RecallState = Literal["OPEN", "SENT", "ACKNOWLEDGED", "DESTROYED", "REFUSED"]
NEXT: Mapping[str, frozenset[str]] = {
    "OPEN": frozenset({"SENT"}),
    "SENT": frozenset({"ACKNOWLEDGED", "DESTROYED", "REFUSED"}),
    "ACKNOWLEDGED": frozenset({"DESTROYED", "REFUSED"}),
    "REFUSED": frozenset({"DESTROYED"}),
    "DESTROYED": frozenset(),
}
WAITING = ("OPEN", "SENT", "ACKNOWLEDGED")
_CHUNK = 400


Left = dict[str, list[tuple[str, str]]]  # agreement → patients and the releases under it that hold them


def left_without_notice(connection: Connection, patients: Sequence[str]) -> Left:
    """Find the earlier releases that hold these patients and have no recall notice about them yet.

    A release that was given up holds nobody; one that is under way, or of which nobody knows, does. Cost: O(patients).
    """
    batch, subject = ledger.batch.c, ledger.subject.c
    if connection.execute(select(batch.seq).where(batch.kind == "release.disclosed").limit(1)).first() is None:
        return {}
    failed = select(ledger.mark.c.release).where(ledger.mark.c.kind == "release.failed")
    noticed = select(recall.c.release).where(recall.c.release == batch.release, recall.c.patient == subject.patient)
    query = (
        select(subject.patient, batch.release)
        .join(ledger.batch, batch.seq == subject.seq)
        .where(batch.kind == "release.disclosed", batch.release.not_in(failed), ~noticed.exists())
        .distinct()
    )
    pairs: list[tuple[str, str]] = []
    for start in range(0, len(patients), _CHUNK):
        rows = connection.execute(query.where(subject.patient.in_(patients[start : start + _CHUNK])))
        pairs += [(patient, release) for patient, release in rows]
    return _by_agreement(connection, sorted(pairs))


def open_recalls(connection: Connection, pairs: Iterable[tuple[str, str, str]], *, actor: str, at_ms: int) -> int:
    """Open a notice for each (release, agreement, patient); those that exist stay. Gives how many are new.

    A release's new notices are one leaf. Units: milliseconds since the epoch.
    """
    wanted = sorted(set(pairs))
    known = {tuple(row) for row in connection.execute(select(recall.c.release, recall.c.patient)
             .where(recall.c.release.in_(sorted({release for release, _, _ in wanted}))))}  # fmt: skip
    fresh = [one for one in wanted if (one[0], one[2]) not in known]
    columns = ("release", "agreement", "patient", "state", "opened_ms", "certificate_sha256")
    insert_rows(connection, recall, columns, ([*one, "OPEN", at_ms, ""] for one in fresh))
    counts = Counter(release for release, _, _ in fresh)
    append(connection, [
        Entry(t_ms=at_ms, kind="release.recalled", actor=actor, release=release, action=f"patients recalled: {count}")
        for release, count in sorted(counts.items())
    ])  # fmt: skip
    return len(fresh)


def answer_recall(
    connection: Connection,
    release: str,
    patient: str,
    state: RecallState,
    *,
    actor: str,
    at_ms: int,
    certificate_sha256: str = "",
) -> None:
    """Note what was done about a notice. A destruction needs its certificate's hash.

    Raises: UserError if there is no such notice or no certificate; Conflict if the state does not lead there.
    """
    key = (recall.c.release == release) & (recall.c.patient == patient)
    now = connection.execute(select(recall.c.state).where(key)).scalar()
    if now is None:
        raise UserError("there is no such recall notice", remedy="`bailee consent recalls` names them.")
    if state not in NEXT[now]:
        raise Conflict(f"a notice that is {now} cannot become {state}")
    if state == "DESTROYED" and not certificate_sha256:
        raise UserError("a destruction without its certificate", remedy="Give the certificate's SHA-256.")
    connection.execute(
        update(recall).where(key).values(state=state, answered_ms=at_ms, certificate_sha256=certificate_sha256)
    )
    kind = {"ACKNOWLEDGED": "release.acknowledged", "DESTROYED": "release.destroyed"}.get(state, "release.recalled")
    entry = Entry(t_ms=at_ms, kind=kind, actor=actor, release=release, action=state, artifact_sha256=certificate_sha256)
    append(connection, [entry])


def list_recalls(
    connection: Connection, agreement: str | None = None, *, patient: str | None = None, unanswered: bool = False
) -> list[dict[str, Any]]:
    """Give recall notices, oldest first; for the hospital, since they name patients."""
    query = select(recall).order_by(recall.c.opened_ms, recall.c.release, recall.c.patient)
    if agreement is not None:
        query = query.where(recall.c.agreement == agreement)
    if patient is not None:
        query = query.where(recall.c.patient == patient)
    if unanswered:
        query = query.where(recall.c.state.in_(WAITING))
    return [dict(row) for row in connection.execute(query).mappings()]


def counts_of(connection: Connection) -> dict[str, tuple[int, int]]:
    """Count each release's notices, and those of them that still wait for an answer."""
    query = select(recall.c.release, recall.c.state, func.count()).group_by(recall.c.release, recall.c.state)
    found: dict[str, tuple[int, int]] = {}
    for release, state, count in connection.execute(query):
        whole, waiting = found.get(release, (0, 0))
        found[release] = (whole + count, waiting + (count if state in WAITING else 0))
    return found


def _by_agreement(connection: Connection, pairs: Sequence[tuple[str, str]]) -> Left:
    """Group by the agreement that each release's intent names."""
    mark = ledger.mark.c
    names: dict[str, str] = {}
    found: Left = defaultdict(list)
    for patient, release in pairs:
        if release not in names:
            query = select(mark.agreement).where(mark.release == release, mark.kind == "release.intent")
            names[release] = str(connection.execute(query).scalar() or "")
        found[names[release]].append((patient, release))
    return dict(found)

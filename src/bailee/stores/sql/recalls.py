"""Recall notices: a patient took something back after a release; the partner is told, and its answer is tracked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, insert, select, update

from bailee.core.errors import Conflict, UserError
from bailee.ledger.entries import Entry
from bailee.stores.sql.consent_tables import recall
from bailee.stores.sql.ledger_append import append

RecallState = Literal["OPEN", "SENT", "ACKNOWLEDGED", "DESTROYED", "REFUSED"]
NEXT: Mapping[str, frozenset[str]] = {
    "OPEN": frozenset({"SENT"}),
    "SENT": frozenset({"ACKNOWLEDGED", "DESTROYED", "REFUSED"}),
    "ACKNOWLEDGED": frozenset({"DESTROYED", "REFUSED"}),
    "REFUSED": frozenset({"DESTROYED"}),
    "DESTROYED": frozenset(),
}


def open_recalls(
    connection: Connection, patient: str, releases: Sequence[tuple[str, str]], *, actor: str, at_ms: int
) -> int:
    """Open a notice for each (release, agreement) that a patient is in; those that exist stay. Gives how many are new.

    Units: milliseconds since the epoch.
    """
    known = set(connection.execute(select(recall.c.release).where(recall.c.patient == patient)).scalars())
    fresh = [(release, agreement) for release, agreement in dict(releases).items() if release not in known]
    for release, agreement in fresh:
        connection.execute(
            insert(recall).values(
                release=release,
                patient=patient,
                agreement=agreement,
                state="OPEN",
                opened_ms=at_ms,
                certificate_sha256="",
            )
        )
    entries = [
        Entry(t_ms=at_ms, kind="release.recalled", actor=actor, release=release, action="a patient was recalled")
        for release, _ in fresh
    ]
    append(connection, entries)
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
    connection: Connection, agreement: str | None = None, *, unanswered: bool = False
) -> list[dict[str, Any]]:
    """Give recall notices, oldest first; for the hospital, since they name patients."""
    query = select(recall).order_by(recall.c.opened_ms, recall.c.release, recall.c.patient)
    if agreement is not None:
        query = query.where(recall.c.agreement == agreement)
    if unanswered:
        query = query.where(recall.c.state.in_(("OPEN", "SENT", "ACKNOWLEDGED")))
    return [dict(row) for row in connection.execute(query).mappings()]

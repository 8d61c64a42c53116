"""What the public register rests on in the ledger: releases by agreement, refusals, and the leaves of its own entries."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bailee.core.canonical import sha256_hex
from bailee.core.clock import iso_from_ms
from bailee.core.reasons import plain_words
from bailee.ledger.checkpoint import base64_text
from bailee.ledger.entries import Bound, Entry, entry_from_bytes
from bailee.ledger.register import Published, use_bytes
from bailee.ledger.uses import Refusal, Use
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import write
from bailee.stores.sql.ledger import Log
from bailee.stores.sql.ledger_append import append, leaf_entry

PUBLISHED = "register.published"
_REFUSED = {
    "request.rejected": "request refused",
    "request.revoked": "approval withdrawn",
    "decision.deny": "release refused",
    "output.refused": "result refused",
    "agreement.suspended": "agreement suspended",
    "agreement.terminated": "agreement ended",
}


@dataclass(frozen=True)
class Released:
    """One release under an agreement: its name, when it became readable, and how many patients are in it."""

    release: str
    at_ms: int
    patients: int


def released_under(connection: Connection, agreement: str) -> list[Released]:
    """Give the releases of an agreement that became readable, or may have, oldest first."""
    mark, batch = tables.mark.c, tables.batch.c
    out = select(mark.release, func.max(mark.t_ms)).where(
        mark.agreement == agreement, mark.kind.in_(("release.done", "release.unknown"))
    )
    found = []
    for release, at_ms in connection.execute(out.group_by(mark.release).order_by(func.max(mark.t_ms))).all():
        counted = select(func.coalesce(func.sum(batch.count), 0)).where(
            batch.release == release, batch.kind == "release.disclosed"
        )
        found.append(Released(release, int(at_ms), int(connection.execute(counted).scalar_one())))
    return found


def refusals(connection: Connection) -> list[Refusal]:
    """Give what was refused, stopped or ended, newest first; decisions that bear no agreement are not about a use."""
    mark, leaf = tables.mark.c, tables.leaf.c
    rows = connection.execute(
        select(leaf.body)
        .join(tables.mark, mark.seq == leaf.seq)
        .where(mark.kind.in_(tuple(_REFUSED)), mark.agreement != "")
        .order_by(leaf.seq.desc())
    )
    # many decisions of one day for one reason are one line: no count of patients shows through
    return list(dict.fromkeys(_refusal(entry_from_bytes(bytes(row[0]))) for row in rows))


def publish(log: Log, uses: list[Use], *, actor: str) -> list[Published]:
    """Write a leaf for each use that is new or changed, and sign. Shape: the uses with their places in the ledger."""
    with write(log.engine) as connection:
        known = {use.agreement: _versions(connection, use.agreement) for use in uses}
        for use in uses:
            sha256 = sha256_hex(use_bytes(use))
            if not known[use.agreement] or known[use.agreement][-1][2] != sha256:
                at_ms = log.clock.now_ms()
                bound = Bound(id=use.agreement, sha256=use.agreement_sha256)
                leaf = Entry(t_ms=at_ms, kind=PUBLISHED, actor=actor, agreement=bound, artifact_sha256=sha256)
                (seq,) = append(connection, [leaf])
                known[use.agreement].append((seq, at_ms, sha256))
    log.checkpoint()
    return [_published(use, known[use.agreement]) for use in uses]


def public_proof(log: Log, seq: int) -> str:
    """Prove a leaf that concerns no patient, with its body: for anyone. Source: c2sp.org/tlog-proof."""
    proof, note = log.inclusion(seq)
    extra = base64_text(json.dumps({"leaf": log.leaf(seq).decode()}).encode())
    lines = ["c2sp.org/tlog-proof@v1", f"extra {extra}", f"index {seq}", *(base64_text(item) for item in proof)]
    return "\n".join(lines) + "\n\n" + str(note)


def _versions(connection: Connection, agreement: str) -> list[tuple[int, int, str]]:
    mark = tables.mark.c
    rows = select(mark.seq, mark.t_ms).where(mark.agreement == agreement, mark.kind == PUBLISHED).order_by(mark.seq)
    return [
        (int(seq), int(at_ms), leaf_entry(connection, seq).artifact_sha256)
        for seq, at_ms in connection.execute(rows).all()
    ]


def _published(use: Use, versions: list[tuple[int, int, str]]) -> Published:
    seq, at_ms, _ = versions[-1]
    return Published(use, seq, at_ms, tuple((earlier, when) for earlier, when, _ in versions[:-1]))


def _refusal(entry: Entry) -> Refusal:
    about = entry.request.id if entry.request else entry.agreement.id if entry.agreement else ""
    words = tuple(plain_words(reason) for reason in entry.reasons)
    return Refusal(iso_from_ms(entry.t_ms)[:10], _REFUSED[entry.kind], about, words)

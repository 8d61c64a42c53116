"""The ledger in the relational store: commit, sign, witness, prove; what a release writes when is `ledger_egress.py`.

Life of a leaf: appended in the transaction of the change that it records → durable → under a checkpoint that the
signer signed after it saw that the tree only grew → cosigned by witnesses outside the hospital → in tiles.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlalchemy import Connection, Engine, select

from bailee.core.canonical import sha256_hex
from bailee.core.clock import Clock
from bailee.core.entropy import Entropy
from bailee.core.errors import Conflict, Invalid, Unavailable
from bailee.ledger.checkpoint import Checkpoint, Note, read_checkpoint, read_note
from bailee.ledger.disclosures import SaltKeys
from bailee.ledger.entries import Entry
from bailee.ledger.guard import Signer, Stale
from bailee.ledger.merkle import consistency_proof, inclusion_proof
from bailee.ledger.witness import Witness, cosign
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger_append import append, log_nodes, log_root, size_of
from bailee.stores.sql.ledger_subjects import append_with_patients
from bailee.stores.sql.rows import insert_missing

_ATTEMPTS = 60

__all__ = ["CheckpointPolicy", "Log", "append"]


@dataclass(frozen=True)
class CheckpointPolicy:
    """When a checkpoint is due without being asked for. Units: leaves, milliseconds."""

    every_leaves: int = 256
    every_ms: int = 60_000


class Log:
    """One ledger: a database, the signer of its key, a clock, randomness, and the erasable keys of salts."""

    def __init__(
        self,
        engine: Engine,
        signer: Signer,
        clock: Clock,
        entropy: Entropy,
        *,
        salts: SaltKeys,
        witnesses: Sequence[Witness] = (),
        policy: CheckpointPolicy | None = None,
    ) -> None:
        self.engine, self.signer, self.clock, self.entropy, self.salts = engine, signer, clock, entropy, salts
        self.witnesses, self.policy = tuple(witnesses), policy or CheckpointPolicy()

    @property
    def origin(self) -> str:
        """Give the log's name: that of its key."""
        return self.signer.verifier.name

    def commit(self, entries: Sequence[Entry]) -> list[int]:
        """Append leaves in a transaction of their own, durable on return; sign where the policy says so.

        A signer that is away does not undo what was committed; one that saw another history raises Conflict.
        """
        with write(self.engine) as connection:
            seqs = append(connection, entries)
        try:
            self.tick()
        except Unavailable:
            return seqs  # the leaves are durable; the next checkpoint covers them
        return seqs

    def disclose(self, connection: Connection, entry: Entry, patients: pa.Table) -> int | None:
        """Append a leaf that concerns patients, in the caller's transaction; see `append_with_patients`."""
        return append_with_patients(connection, entry, patients, salts=self.salts, entropy=self.entropy)

    def keep(self, connection: Connection, content: bytes) -> str:
        """Keep a document that leaves are bound to, in the caller's transaction. Shape: its SHA-256, hexadecimal."""
        name = sha256_hex(content)
        insert_missing(connection, tables.document, {"sha256": name, "content": content})
        return name

    def document(self, sha256: str) -> bytes | None:
        """Give a kept document's content."""
        with read(self.engine) as connection:
            content = connection.execute(
                select(tables.document.c.content).where(tables.document.c.sha256 == sha256)
            ).scalar()
        return None if content is None else bytes(content)

    def size(self) -> int:
        """Count the leaves."""
        with read(self.engine) as connection:
            return size_of(connection)

    def tick(self) -> Note | None:
        """Sign a checkpoint if the policy says that one is due; for a timer, and after each commit."""
        with read(self.engine) as connection:
            size, last = size_of(connection), _last(connection)
        signed, at_ms = (last[0], last[1]) if last else (0, 0)
        late = size - signed >= self.policy.every_leaves or self.clock.now_ms() - at_ms >= self.policy.every_ms
        return self.checkpoint() if size > signed and late else None

    def checkpoint(self) -> Note:
        """Sign the ledger as it stands, ask the witnesses, and keep the note; the last one if nothing was added.

        Raises: Conflict if the signer saw a longer or another ledger: history was changed, or a backup restored.
        Unavailable if the signer cannot be reached. A witness that is away never holds this up.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self._checkpoint()
            except Stale:  # another writer had a tree signed in between
                time.sleep(0.002 * attempt)
        raise Unavailable("the signer is busy: try again")

    def last_checkpoint(self) -> Note | None:
        """Give the newest checkpoint with the cosignatures it has."""
        with read(self.engine) as connection:
            last = _last(connection)
            return _with_cosignatures(connection, last[0], last[2]) if last else None

    def leaf(self, seq: int) -> bytes:
        """Give a leaf's body. Raises: Invalid if there is no such leaf."""
        with read(self.engine) as connection:
            body = connection.execute(select(tables.leaf.c.body).where(tables.leaf.c.seq == seq)).scalar()
        if body is None:
            raise Invalid(f"the ledger has no leaf {seq}")
        return bytes(body)

    def inclusion(self, seq: int) -> tuple[list[bytes], Note]:
        """Prove a leaf under the newest checkpoint. Raises: Invalid if no checkpoint covers it yet. Cost: O(log n)."""
        with read(self.engine) as connection:
            last = _last(connection)
            size = last[0] if last else 0
            proof = inclusion_proof(log_nodes(connection), seq, size)
            assert last
            return proof, _with_cosignatures(connection, size, last[2])

    def _checkpoint(self) -> Note:
        old = self.signer.last_size()
        with read(self.engine) as connection:
            size, last = size_of(connection), _last(connection)
            if last and last[0] == size == old:
                return _with_cosignatures(connection, size, last[2])
            if size < old:
                raise Conflict(
                    f"the ledger has {size} leaves, and a tree of {old} was signed: restore the newer database"
                )
            head = Checkpoint(self.origin, size, log_root(connection, size))
            proof = consistency_proof(log_nodes(connection), old, size)
        line = self.signer.sign(head, old, proof)
        return self._keep(Note(head.body(), (line,)), head)

    def _keep(self, note: Note, head: Checkpoint) -> Note:
        row = {"size": head.size, "t_ms": self.clock.now_ms(), "note": str(note)}
        with write(self.engine) as connection:
            insert_missing(connection, tables.checkpoint, row)
        for witness in self.witnesses:
            self._ask(witness, note, head)
        with read(self.engine) as connection:
            return _with_cosignatures(connection, head.size, str(note))

    def _ask(self, witness: Witness, note: Note, head: Checkpoint) -> None:
        """Ask one witness; one that is away is asked again at the next checkpoint."""
        try:
            line = cosign(witness, note, head, self._consistency)
        except Unavailable:
            return
        with write(self.engine) as connection:
            row = {"size": head.size, "witness": witness.verifier.name, "line": line}
            insert_missing(connection, tables.cosignature, row)

    def _consistency(self, old: int, new: int) -> list[bytes]:
        with read(self.engine) as connection:
            return consistency_proof(log_nodes(connection), old, new)


def checkpoints(connection: Connection) -> list[Note]:
    """Give all checkpoints with their cosignatures, from the first to the last."""
    rows = connection.execute(select(tables.checkpoint.c.note).order_by(tables.checkpoint.c.size)).all()
    return [_with_cosignatures(connection, read_checkpoint(read_note(note).body).size, note) for (note,) in rows]


def _last(connection: Connection) -> tuple[int, int, str] | None:
    table = tables.checkpoint
    row = connection.execute(
        select(table.c.size, table.c.t_ms, table.c.note).order_by(table.c.size.desc()).limit(1)
    ).first()
    return (int(row[0]), int(row[1]), str(row[2])) if row else None


def _with_cosignatures(connection: Connection, size: int, text: str) -> Note:
    note, table = read_note(text), tables.cosignature
    lines = connection.execute(select(table.c.line).where(table.c.size == size).order_by(table.c.witness))
    return Note(note.body, (*note.lines, *(line for (line,) in lines)))

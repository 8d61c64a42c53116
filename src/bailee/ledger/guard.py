"""The guard of a signing key: sees that a log only ever grows; signers and witnesses hold one each.

Source: c2sp.org/tlog-witness; whoever keeps the state must check and persist in one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bailee.core.errors import Conflict
from bailee.ledger.checkpoint import Checkpoint, NoteKey, VerifierKey
from bailee.ledger.merkle import EMPTY_ROOT, check_consistency


@dataclass(frozen=True)
class Seen:
    """The largest tree that was signed so far."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class Stale(Conflict):
    """The asker knows another last size; `size` is the right one."""

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__(f"the last size signed is {size}: ask again from there")


class Forked(Conflict):
    """The tree contradicts the last one that was signed."""

    code = "E-FORKED"


def advance(seen: Seen, old_size: int, proof: Sequence[bytes], checkpoint: Checkpoint) -> Seen:
    """Give the next state if the checkpoint continues the last one.

    Raises: Stale if the proof starts elsewhere, Forked if the size shrinks or the root is another,
    Invalid if the proof does not hold.
    """
    if old_size != seen.size:  # somebody else had a tree signed meanwhile: no contradiction yet
        raise Stale(seen.size)
    if checkpoint.size < seen.size:
        raise Forked(f"a tree of {checkpoint.size} leaves after one of {seen.size} was signed")
    if checkpoint.size == seen.size and checkpoint.root != seen.root:
        raise Forked(f"another root for the size {seen.size} that was signed")
    check_consistency(seen.size, seen.root, checkpoint.size, checkpoint.root, proof)
    return Seen(checkpoint.size, checkpoint.root)


class Signer(Protocol):
    """Signs checkpoints with the log's key, wherever that is."""

    @property
    def verifier(self) -> VerifierKey:
        """Give the public key."""
        ...

    def last_size(self) -> int:
        """Give the size of the last tree signed."""
        ...

    def sign(self, checkpoint: Checkpoint, old_size: int, proof: Sequence[bytes]) -> str:
        """Sign a tree that continues the last one. Shape: a signature line. Raises: Stale, Forked, Invalid."""
        ...


class MemorySigner:
    """A signer that forgets at the end of the process; for tests and throw-away demos."""

    def __init__(self, key: NoteKey) -> None:
        self._key, self._seen = key, Seen()

    @property
    def verifier(self) -> VerifierKey:
        """Give the public key."""
        return self._key.verifier

    def last_size(self) -> int:
        """Give the size of the last tree signed."""
        return self._seen.size

    def sign(self, checkpoint: Checkpoint, old_size: int, proof: Sequence[bytes]) -> str:
        """Sign a tree that continues the last one."""
        self._seen = advance(self._seen, old_size, proof, checkpoint)
        return self._key.signature_line(checkpoint.body())

"""Witnesses: parties outside the hospital who cosign that a log only grew; how they are reached is the stores' affair.

Source: c2sp.org/tlog-witness, `add-checkpoint`. Request and answer are texts; this file knows both sides of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from bailee.core.errors import Invalid
from bailee.ledger.checkpoint import (
    Checkpoint,
    Note,
    VerifierKey,
    base64_bytes,
    base64_text,
    read_checkpoint,
    read_note,
    signature_time,
)
from bailee.ledger.guard import Stale
from bailee.ledger.merkle import HASH_BYTES

MOST_PROOF_LINES = 63
_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})\Z")


class Witness(Protocol):
    """Somebody who can be asked to cosign."""

    @property
    def verifier(self) -> VerifierKey:
        """Give the witness's public key, as configured here and never as told by the witness."""
        ...

    def add_checkpoint(self, request: str) -> str:
        """Send a request, give the answer's signature lines. Raises: Stale with the witness's size; Unavailable."""
        ...


@dataclass(frozen=True)
class AddCheckpoint:
    """A request to cosign, taken apart."""

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        lines = "".join(f"{base64_text(item)}\n" for item in self.proof)
        return f"old {self.old_size}\n{lines}\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> AddCheckpoint:
        """Read a request. Raises: Invalid if it is out of form."""
        head, blank, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        old = _OLD.match(first)
        proof = tuple(base64_bytes(line) for line in lines)
        if not blank or not old or len(proof) > MOST_PROOF_LINES or any(len(item) != HASH_BYTES for item in proof):
            raise Invalid("not a request to cosign")
        return cls(int(old[1]), proof, read_note(note))

    @property
    def checkpoint(self) -> Checkpoint:
        """Give the checkpoint that is to be cosigned. Raises: Invalid if the note is none."""
        return read_checkpoint(self.note.body)


def cosign(witness: Witness, note: Note, head: Checkpoint, consistency: Callable[[int, int], Sequence[bytes]]) -> str:
    """Get a witness's cosignature on a checkpoint. Shape: one verified signature line.

    Asks from size 0 first where the witness's size is not known; the witness answers with its own.
    Raises: Invalid if the answer does not verify, Unavailable or Conflict as the witness does.
    """
    old = 0
    for _attempt in range(4):
        request = AddCheckpoint(old, tuple(consistency(old, head.size)), note)
        try:
            return _checked(witness, note, witness.add_checkpoint(str(request)))
        except Stale as answer:
            old = answer.size
            if old > head.size:
                break
    raise Stale(old)


def _checked(witness: Witness, note: Note, answer: str) -> str:
    lines = tuple(line + "\n" for line in answer.split("\n")[:-1])
    key = witness.verifier
    for line in lines:
        if line.startswith(f"— {key.name} "):
            signed = read_note(str(Note(note.body, (line,))))
            if signature_time(signed, key) is not None:
                return line
    raise Invalid("the witness's answer bears no signature of its key")

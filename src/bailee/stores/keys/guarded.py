"""The durable guard of a signing key, and a signer in this process: it refuses a tree that contradicts the last one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bailee.core.errors import Invalid
from bailee.ledger.checkpoint import Checkpoint, NoteKey, VerifierKey, base64_bytes, base64_text
from bailee.ledger.guard import Seen, advance
from bailee.ledger.merkle import HASH_BYTES
from bailee.stores.keys.files import replace_file


class SeenFile:
    """The largest tree signed, in a file; checked and replaced under a lock, durable before anything is signed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Seen:
        """Read the state; the empty tree if nothing was ever signed. Raises: Invalid if the file is damaged."""
        try:
            lines = self._path.read_text().split("\n")
        except FileNotFoundError:
            return Seen()
        root = base64_bytes(lines[1]) if len(lines) == 3 and lines[0].isdecimal() else b""
        if len(root) != HASH_BYTES:
            raise Invalid("the record of what was signed is damaged", where=self._path.name, remedy="Restore it.")
        return Seen(int(lines[0]), root)

    def advance(self, old_size: int, proof: Sequence[bytes], checkpoint: Checkpoint) -> None:
        """Move on to a larger tree, in one step. Raises: Stale, Forked or Invalid, and nothing moves."""
        with self._locked():
            seen = self.read()
            after = advance(seen, old_size, proof, checkpoint)
            if after != seen:
                replace_file(self._path, f"{after.size}\n{base64_text(after.root)}\n".encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(self._path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


class FileSigner:
    """A signer with its key in this process and its state in a file."""

    def __init__(self, key: NoteKey, state: SeenFile) -> None:
        self._key, self._state = key, state

    @property
    def verifier(self) -> VerifierKey:
        """Give the public key."""
        return self._key.verifier

    def last_size(self) -> int:
        """Give the size of the last tree signed."""
        return self._state.read().size

    def sign(self, checkpoint: Checkpoint, old_size: int, proof: Sequence[bytes]) -> str:
        """Sign a tree that continues the last one, after the state is durable."""
        if checkpoint.origin != self._key.verifier.name:
            raise Invalid("a checkpoint of another log", remedy="Ask the signer of that log.")
        self._state.advance(old_size, proof, checkpoint)
        return self._key.signature_line(checkpoint.body())

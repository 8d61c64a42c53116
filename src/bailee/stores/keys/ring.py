"""The folder of keys: master key, the ledger's signing key, and the erasable months of salts.

master.key     32 random bytes, hexadecimal          vault and pseudonyms: losing it loses both
ledger.key     PRIVATE+KEY+name+id+base64(1 ‖ seed)   signs checkpoints; better kept by a signer of another account
ledger.vkey    name+id+base64(1 ‖ public key)         hand it to auditors, witnesses and patients
salts/2026-11  32 random bytes, hexadecimal          shredding it unlinks that month's disclosures, backups included
"""

from __future__ import annotations

import os
from pathlib import Path

from bailee.core.entropy import Entropy
from bailee.core.errors import Conflict, Invalid, Unavailable
from bailee.core.keys import KEY_BYTES, Secret
from bailee.ledger.checkpoint import LOG_KEY, NoteKey, VerifierKey, base64_bytes, base64_text
from bailee.stores.durable import sync_folder
from bailee.stores.keys.files import create_secret, read_secret, replace_file

MASTER, SIGNING, PUBLIC, SALTS = "master.key", "ledger.key", "ledger.vkey", "salts"
_PRIVATE = "PRIVATE+KEY"


def create_master_key(folder: Path, entropy: Entropy) -> Secret:
    """Make the master key. Raises: Conflict if there is one."""
    content = entropy.token_bytes(KEY_BYTES)
    create_secret(folder / MASTER, content.hex().encode() + b"\n")
    return Secret(content)


def read_master_key(folder: Path) -> Secret:
    """Read the master key. Raises: Unavailable if it is not there, Invalid if the file is not a key."""
    return Secret(_from_hex(read_secret(folder / MASTER), MASTER))


def create_signing_key(folder: Path, name: str, entropy: Entropy, *, kind: int = LOG_KEY) -> NoteKey:
    """Make a signing key named like `hospital.example/ledger`, and its public half beside it."""
    seed = entropy.token_bytes(KEY_BYTES)
    key = NoteKey(name, seed, kind)
    text = f"{_PRIVATE}+{name}+{key.verifier.key_id.hex()}+{base64_text(bytes([kind]) + seed)}\n"
    create_secret(folder / SIGNING, text.encode())
    replace_file(folder / PUBLIC, f"{key.verifier}\n".encode())
    return key


def read_signing_key(folder: Path) -> NoteKey:
    """Read the signing key. Raises: Unavailable if it is not there, Invalid if the file is not a key."""
    parts = read_secret(folder / SIGNING).decode(errors="replace").strip().split("+", 4)
    if len(parts) != 5 or "+".join(parts[:2]) != _PRIVATE:
        raise Invalid("not a signing key", where=SIGNING, remedy="Restore the file from its backup.")
    content = base64_bytes(parts[4])
    if len(content) != KEY_BYTES + 1:
        raise Invalid("a signing key of another length", where=SIGNING, remedy="Restore the file from its backup.")
    return NoteKey(parts[2], content[1:], content[0])


def read_verifier_key(folder: Path) -> VerifierKey:
    """Read the public half of the signing key."""
    try:
        return VerifierKey.parse((folder / PUBLIC).read_text().strip())
    except FileNotFoundError:
        raise Unavailable(f"the file {PUBLIC} is not there: run `bailee init`, or restore it") from None


class SaltFiles:
    """The erasable keys of salts, a file a month; keep their backups short, or erasure is none."""

    def __init__(self, folder: Path, entropy: Entropy) -> None:
        self._folder, self._entropy = folder / SALTS, entropy

    def key(self, month: str) -> bytes:
        """Give a month's key, made at first use. Raises: Unavailable if it was shredded."""
        if self.shredded(month):
            raise Unavailable(f"the salts of {month} were shredded: nothing of that month can be opened or added")
        path = self._folder / month
        if not path.exists():
            self._create(path)
        return _from_hex(read_secret(path), month)

    def shredded(self, month: str) -> bool:
        """Tell whether a month's key was destroyed."""
        return self._tombstone(month).exists()

    def shred(self, month: str) -> None:
        """Destroy a month's key for good: overwritten, removed, and never made again. Again is allowed."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self._tombstone(month), b"shredded\n")
        path = self._folder / month
        if path.exists():
            with open(path, "r+b") as file:
                file.write(bytes(2 * KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            sync_folder(self._folder)

    def _tombstone(self, month: str) -> Path:
        return self._folder / f"{month}.shredded"

    def _create(self, path: Path) -> None:
        try:
            create_secret(path, self._entropy.token_bytes(KEY_BYTES).hex().encode() + b"\n")
        except Conflict:
            return  # another process made it in between


def _from_hex(content: bytes, name: str) -> bytes:
    try:
        key = bytes.fromhex(content.decode("ascii").strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise Invalid("a key file that does not hold a key", where=name, remedy="Restore the file from its backup.")
    return key

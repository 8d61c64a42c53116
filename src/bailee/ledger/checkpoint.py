"""Signed notes and checkpoints: the texts that a log and its witnesses sign; keys and sockets live elsewhere.

Source: c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature (Ed25519, types 0x01 and 0x04).
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from bailee.core.errors import Invalid
from bailee.ledger.merkle import HASH_BYTES

LOG_KEY = 0x01
WITNESS_KEY = 0x04
MOST_SIGNATURES = 64
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f]+\Z")
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z")


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: its name, how many leaves, and their root."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not _KEY_NAME.match(self.origin):
            raise Invalid("an origin with blanks or plus signs", remedy="Use a name like hospital.example/ledger.")

    def body(self) -> str:
        """Write the text that is signed."""
        return f"{self.origin}\n{self.size}\n{base64_text(self.root)}\n"


@dataclass(frozen=True)
class VerifierKey:
    """A public key with its name and use. Source: signed-note, `<name>+<key id>+<base64 of type and key>`."""

    name: str
    kind: int
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Give the four bytes that name this key in a signature line."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64_text(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a key. Raises: Invalid if it is not an Ed25519 key of a log or a witness."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        content = base64_bytes(encoded)
        if len(content) != 33 or content[0] not in {LOG_KEY, WITNESS_KEY} or not _KEY_NAME.match(name):
            raise Invalid("not a verifier key", remedy="Give a line like hospital.example/ledger+1a2b3c4d+AbC….")
        key = cls(name, content[0], content[1:])
        if key.key_id.hex() != key_id:
            raise Invalid("a verifier key whose id does not match its content")
        return key


class NoteKey:
    """A private Ed25519 key with its name; shows nothing of itself."""

    __slots__ = ("_private", "verifier")

    def __init__(self, name: str, seed: bytes, kind: int = LOG_KEY) -> None:
        if not _KEY_NAME.match(name):
            raise Invalid("a key name with blanks or plus signs", remedy="Use a name like hospital.example/ledger.")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = VerifierKey(name, kind, self._private.public_key().public_bytes_raw())

    def __repr__(self) -> str:
        return f"NoteKey({self.verifier.name})"

    def signature_line(self, body: str) -> str:
        """Sign a note's text as its log. Shape: one signature line, with its newline."""
        return _line(self.verifier, self._private.sign(body.encode()))

    def cosignature_line(self, body: str, at_seconds: int) -> str:
        """Sign a checkpoint as a witness: seen, consistent, at this time. Units: seconds since the epoch."""
        signed = self._private.sign(f"cosignature/v1\ntime {at_seconds}\n{body}".encode())
        return _line(self.verifier, at_seconds.to_bytes(8, "big") + signed)


@dataclass(frozen=True)
class Note:
    """A text and its signature lines, as read; nothing is verified yet."""

    body: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return self.body + "\n" + "".join(self.lines)


def read_note(text: str) -> Note:
    """Take a signed note apart, strictly. Raises: Invalid for control characters, other line ends, other base64."""
    if any(ord(char) < 0x20 and char != "\n" for char in text) or not text.endswith("\n"):
        raise Invalid("not a signed note")
    body, blank, signatures = text.rpartition("\n\n")
    lines = tuple(line + "\n" for line in signatures.split("\n")[:-1])
    if not blank or not body or not lines or len(lines) > MOST_SIGNATURES:
        raise Invalid("a note without signatures, or with too many")
    for line in lines:
        _read_line(line)
    return Note(body + "\n", lines)


def read_checkpoint(body: str) -> Checkpoint:
    """Read a checkpoint's text. Raises: Invalid unless it is exactly the three lines."""
    lines = body.split("\n")
    if len(lines) != 4 or lines[3] or not _SIZE.match(lines[1]):
        raise Invalid("not a checkpoint")
    root = base64_bytes(lines[2])
    if len(root) != HASH_BYTES:
        raise Invalid("a checkpoint whose root is not 32 bytes")
    return Checkpoint(lines[0], int(lines[1]), root)


def signature_time(note: Note, key: VerifierKey) -> int | None:
    """Find a key's valid signature on a note. Shape: a witness's time in seconds, 0 for a log; None if it did not sign.

    Raises: Invalid if a line bears the key's name and id and does not verify.
    """
    public = Ed25519PublicKey.from_public_bytes(key.public)
    found = None
    for line in note.lines:
        name, content = _read_line(line)
        if name == key.name and content[:4] == key.key_id:
            found = _verified(public, key.kind, note.body, content[4:])
    return found


def base64_bytes(text: str) -> bytes:
    """Read base64, refusing every form but the one that encoding gives. Raises: Invalid."""
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("not base64") from None
    if base64_text(content) != text:
        raise Invalid("base64 in another than its one form")
    return content


def base64_text(content: bytes) -> str:
    """Write base64 as RFC 4648 §4 has it."""
    return base64.b64encode(content).decode()


def _line(key: VerifierKey, signature: bytes) -> str:
    return f"— {key.name} {base64_text(key.key_id + signature)}\n"


def _read_line(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.removesuffix("\n").partition(" ")
    name, _, encoded = rest.partition(" ")
    content = base64_bytes(encoded)
    if dash != "—" or not _KEY_NAME.match(name) or len(content) <= 4:
        raise Invalid("not a signature line")
    return name, content


def _verified(public: Ed25519PublicKey, kind: int, body: str, signature: bytes) -> int:
    at_seconds = 0
    message = body
    if kind == WITNESS_KEY:
        at_seconds, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = f"cosignature/v1\ntime {at_seconds}\n{body}"
    try:
        public.verify(signature, message.encode())
    except InvalidSignature:
        raise Invalid("a signature that does not verify") from None
    return at_seconds

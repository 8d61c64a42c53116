"""Keys in memory: a master key, and what is derived from it; where keys lie is the stores' affair.

master key ──HKDF──▶ key of an agreement ──▶ pseudonyms  AES-SIV of the patient's root
                                         ──▶ shifts, surrogates  HMAC-SHA-256 of the patient's root
           ──HKDF──▶ vault key (seals records at rest)

A root is 16 random bytes given to a patient at first intake, so a pseudonym is a code that is not derived
from information about the person (45 CFR 164.514(c)(1)).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bailee.core.errors import Invalid

ROOT_BYTES = 16
KEY_BYTES = 32


class Secret:
    """Bytes that never show: not in repr, not in str, not in a pickle by accident of logging."""

    __slots__ = ("_content",)

    def __init__(self, content: bytes) -> None:
        if len(content) < KEY_BYTES:
            raise Invalid(f"a key of {len(content)} bytes", remedy=f"Keys have {KEY_BYTES} bytes or more.")
        self._content = content

    def reveal(self) -> bytes:
        """Give the bytes, to a cipher and to nothing else."""
        return self._content

    def __repr__(self) -> str:
        return "Secret(…)"

    def derive(self, purpose: str, *, length: int = KEY_BYTES) -> Secret:
        """Derive a key for one purpose. Source: RFC 5869, HKDF-SHA-256, no salt. Units: bytes."""
        kdf = HKDF(algorithm=SHA256(), length=length, salt=None, info=f"bailee/v1/{purpose}".encode())
        return Secret(kdf.derive(self._content))


@dataclass(frozen=True)
class AgreementKeys:
    """The keys of one agreement: two agreements have nothing in common, so partners cannot join."""

    agreement: str
    secret: Secret = field(repr=False)

    @classmethod
    def of(cls, master: Secret, agreement: str) -> AgreementKeys:
        """Derive the keys of an agreement from the master key."""
        return cls(agreement, master.derive(f"agreement/{agreement}"))

    def pseudonym(self, root: bytes) -> str:
        """Turn a patient's root into the pseudonym for this agreement.

        Shape: 64 hexadecimal digits, a valid FHIR id. Source: RFC 5297 AES-SIV, deterministic and reversible.
        """
        return self._siv.encrypt(root, None).hex()

    def root_of(self, pseudonym: str) -> bytes:
        """Turn a pseudonym back into the root. Raises: Invalid if it was not made under this agreement."""
        try:
            return self._siv.decrypt(bytes.fromhex(pseudonym), None)
        except (InvalidTag, ValueError):
            raise Invalid("not a pseudonym of this agreement", remedy="Name the agreement it came with.") from None

    def shift_days(self, root: bytes, *, most: int = 364) -> int:
        """Give a patient's date offset. Units: whole days, -most to most without zero, the same in every resource."""
        drawn = int.from_bytes(self.keyed("shift", root)[:8], "big") % (2 * most)
        return drawn - most if drawn < most else drawn - most + 1

    def keyed(self, purpose: str, content: bytes) -> bytes:
        """Give 32 keyed bytes for a purpose: HMAC-SHA-256."""
        return hmac.digest(self.subkey(purpose), content, "sha256")

    def subkey(self, purpose: str) -> bytes:
        """Give the 32-byte key of a purpose, for compiled kernels."""
        if purpose not in self._subkeys:
            self._subkeys[purpose] = self.secret.derive(purpose).reveal()
        return self._subkeys[purpose]

    @cached_property
    def _siv(self) -> AESSIV:
        return AESSIV(self.secret.derive("pseudonym", length=64).reveal())

    @cached_property
    def _subkeys(self) -> dict[str, bytes]:
        return {}

"""What persons and ids become under an agreement's keys."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from bailee.core.keys import AgreementKeys


@dataclass(frozen=True, repr=False)
class Person:
    """Whom a message or document is about. `shift_days` None: of dates only the year stays."""

    pseudonym: str
    shift_days: int | None
    ninety: bool

    def __repr__(self) -> str:
        return "Person(…)"


class Ids:
    """Keyed hashes of ids that are not patients': equal ids stay equal in every message and document of the keys."""

    def __init__(self, keys: AgreementKeys) -> None:
        self._keys = keys

    def __repr__(self) -> str:
        return "Ids(…)"

    def text(self, value: str, authority: str, *, length: int = 32) -> str:
        """Hash an id. Shape: `length` hexadecimal digits, at most 64."""
        return self._digest(value, authority).hex()[:length]

    def oid(self, value: str, authority: str) -> str:
        """Hash an id where the standard wants an OID: one under 2.25, made of a UUID. Source: ITU-T X.667."""
        return f"2.25.{self._uuid(value, authority).int}"

    def name(self, value: str) -> str:
        """Hash a name by which parts of one document point to each other. Shape: an XML name."""
        return "i" + self.text(value, "xml", length=16)

    def uuid(self, value: str, authority: str) -> str:
        """Hash an id where the standard wants a UUID."""
        return str(self._uuid(value, authority))

    def _uuid(self, value: str, authority: str) -> UUID:
        return UUID(bytes=self._digest(value, authority)[:16], version=4)

    def _digest(self, value: str, authority: str) -> bytes:
        return self._keys.keyed("format ids", f"{authority}\0{value}".encode("utf-8", "surrogatepass"))

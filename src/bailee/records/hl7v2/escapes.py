r"""What stands in a field, and how it is written: \F\ for a delimiter, \X4E\ for a byte, \.br\ for a new line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

from bailee.core.errors import Invalid

NULL: Final = '""'  # says that a value is to be deleted
_USABLE: Final = re.compile(r"[!-/:-@\[-`{-~\t ]", re.ASCII)


@dataclass(frozen=True)
class Delimiters:
    """The characters that part a message. Empty ones are not used by it; `truncation` came with version 2.7."""

    field: str
    component: str
    repeat: str
    escape: str = ""
    sub: str = ""
    truncation: str = ""

    @staticmethod
    def of(header: str) -> Delimiters:
        r"""Read them from the start of an MSH, FHS or BHS segment: `MSH|^~\&|`.

        Raises: Invalid if they are not punctuation, each another.
        """
        field = header[3:4]
        listed = header[4:].split(field, 1)[0] if field else ""
        every = field + listed
        if not 2 <= len(listed) <= 5 or len(set(every)) != len(every) or not all(map(_USABLE.fullmatch, every)):
            raise Invalid(
                "delimiters that cannot be told apart", remedy="MSH-1 and MSH-2 are punctuation, each another: |^~\\&"
            )
        return _delimiters(field, listed)

    @cached_property
    def _named(self) -> dict[str, str]:
        named = {"F": self.field, "S": self.component, "R": self.repeat, "E": self.escape}
        return named | {"T": self.sub, "P": self.truncation}

    @cached_property
    def _written(self) -> re.Pattern[str]:
        return re.compile("\r\n|[\r\n" + re.escape("".join(self._named.values())) + "]")

    @cached_property
    def _read(self) -> re.Pattern[str]:
        mark = re.escape(self.escape)
        return re.compile(f"{mark}([^{mark}\r\n]*){mark}")

    def unescape(self, raw: str, codec: str = "utf-8") -> str:
        r"""Give what a raw value says. Formatting becomes a new line or a blank, what is local to a site (\Z…\) goes.

        Example:
            >>> Delimiters.of("MSH|^~\\&|").unescape("R\\T\\D \\X4A6F\\\\.br\\2")
            'R&D Jo\n2'

        """
        if not self.escape or self.escape not in raw:
            return raw
        return self._read.sub(lambda found: self._meaning(found[1], codec), raw)

    def _meaning(self, said: str, codec: str) -> str:
        if said in self._named:
            return self._named[said]
        if said[:1] == "X":
            try:
                return bytes.fromhex(said[1:]).decode(codec)
            except ValueError:
                return " "
        if said in {"H", "N"}:
            return ""
        return "\n" if said[:3] in {".br", ".sp", ".ce"} else " "

    def escape_text(self, text: str) -> str:
        """Write what a value says. Without an escape character, what cannot be written becomes a blank."""
        if not self._written.search(text):
            return text
        return self._written.sub(self._code, text)

    def _code(self, found: re.Match[str]) -> str:
        if not self.escape:
            return " "
        name = next((name for name, value in self._named.items() if value == found[0]), ".br")
        return f"{self.escape}{name}{self.escape}"


@lru_cache(maxsize=64)
def _delimiters(field: str, listed: str) -> Delimiters:
    return Delimiters(field, *listed)

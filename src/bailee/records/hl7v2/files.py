"""A file of HL7 v2 cut into messages and batch headers; joined again, the parts are the file, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from bailee.core.errors import Invalid

MESSAGE_BYTES: Final = 64 << 20
_START: Final = re.compile(rb"(?:^|(?<=[\r\n\x1c]))[ \t]*\x0b?(?:\xef\xbb\xbf)?(?=(?:MSH|FHS|BHS|FTS|BTS)[^\w\s])")
_TAIL: Final = re.compile(rb"\x1c[\x1c\r\n\t ]*\Z")
_BLANK: Final = re.compile(rb"[\x1c\r\n\t ]*\Z")


@dataclass(frozen=True, repr=False)
class Part:
    """One message, or one header or trailer of a batch. `lead` and `tail` are framing; `number` counts parts from 1."""

    lead: bytes
    body: bytes
    tail: bytes
    number: int

    @property
    def name(self) -> str:
        """Give the first segment's name: MSH, FHS, BHS, BTS or FTS; "" for what comes before the first of them."""
        return self.body[:3].decode("ascii", "replace") if self.lead or _START.match(self.body) else ""


def parts_of(blocks: Iterable[bytes]) -> Iterator[Part]:
    """Cut a file's bytes, given in blocks, into parts.

    Raises: Invalid for a message of more than 64 MiB. Cost: a pass over the bytes, memory of one block and one message.
    """
    held, number = b"", 0
    for block in blocks:
        held += block
        starts = [0, *(found.start() for found in _START.finditer(held) if found.start())]
        for start, end in pairwise(starts):
            number += 1
            yield _part(held[start:end], number)
        held = held[starts[-1] :]
        if len(held) > MESSAGE_BYTES:
            raise Invalid("a message of more than 64 MiB", remedy="Take out what it carries, such as images.")
    if held:
        yield _part(held, number + 1)


def _part(content: bytes, number: int) -> Part:
    found = _START.match(content)
    lead = content[: found.end()] if found else b""
    tail = _TAIL.search(content, len(lead))
    end = tail.start() if tail else len(content)
    return Part(lead, content[len(lead) : end], content[end:], number)


def is_blank(part: Part) -> bool:
    """Tell whether a part is nothing but framing and blanks."""
    return _BLANK.match(part.body) is not None

"""Where cleaned texts go: each piece of a passage has an element's text or tail, or an attribute."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bailee.deid.formats.passages import Passage

TEXT: Final = "#text"
TAIL: Final = "#tail"
PACKED: Final = "#packed"
# What XML cannot write, whatever a file in base 64 says. Source: XML 1.0 §2.2.
_UNWRITABLE: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, repr=False)
class Place:
    """Where one piece goes: an element's TEXT or TAIL, its text in base 64 (PACKED), or the attribute of that name."""

    passage: int
    piece: int
    element: Any
    part: str


@dataclass(repr=False)
class Draft:
    """A document on its way out: its tree, and what still goes into it."""

    root: Any = None
    passages: list[Passage] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"Draft({len(self.passages)} passages)"

    def open(self, passage: Passage) -> int:
        """Start a passage; give its number."""
        self.passages.append(passage)
        return len(self.passages) - 1

    def put(self, number: int, piece: str, element: Any, part: str, glue: str = "\n") -> None:
        """Add a piece to a passage, and say where it goes."""
        at = self.passages[number].add(piece, glue)
        self.places.append(Place(number, at, element, part))

    def finish(self, cleaned: Sequence[list[str] | None]) -> Any:
        """Put cleaned texts in their places and give the tree; a passage that may not leave is nothing."""
        for place in self.places:
            pieces = cleaned[place.passage]
            text = "" if pieces is None else pieces[place.piece]
            _put(place.element, place.part, text)
        return self.root


def _put(element: Any, part: str, text: str) -> None:
    text = _UNWRITABLE.sub("", text)
    if part == TEXT:
        element.text = text
    elif part == TAIL:
        element.tail = text
    elif part == PACKED:
        element.text = base64.b64encode(text.encode()).decode()
    elif text:
        element.set(part, text)

"""How one character is read: width, marks, look-alikes and invisible characters folded to plain Latin. Not the text."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

PAGES: Final = 0x110000 // 256

# Look-alikes first (they are how names are hidden), then the nearest Latin spelling.
_READINGS: Final = """
аa бb вb гr дd еe жzh зz иu йu кk лl мm нh оo пn рp сc тt уy фf хx цu чch шsh щsh ыy ьb эe юyu яya ђdj єe ѕs
іi їi јj љl њn ћh ўy џdz ґr һh ԁd ԛq ԝw αa βb γy δd εe ζz ηn θth ιi κk λl μu νv ξx οo πp ρp ςs σs τt υu φf χx
ψps ωw łl øo đd ßss æae œoe ıi ħh ŋn þth ðd ſs ƒf ɑa ɡg əe ɔo ɛe ɓb ɗd ɨi ʉu ŧt ƙk ƴy ɲn ʃsh ʒzh ȷj ơo ưu
"""
_LOWER: Final = {pair[0]: pair[1:] for pair in _READINGS.split()}
_LOOKS: Final = {
    **dict(zip("АВЕЅІЈКМНОРСТУХҮЅΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABESIJKMHOPCTYXYSABEZHIKMNOPTYX", strict=True)),
    "ъ": "",
    "ь": "",
}
_MARKS: Final = {
    **dict.fromkeys("‘’‚‛′´ʼʻˈ‹›＇", "'"),
    **dict.fromkeys("“”„‟″«»〝〞", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃﹣", "-"),
    **dict.fromkeys("€£¥¢", "$"),
    **dict.fromkeys("·∙・。", "."),
    **dict.fromkeys("⁄∕÷", "/"),
    **dict.fromkeys("，،、", ","),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
    **dict.fromkeys("\u115f\u1160\u3164\uffa0", ""),
    "→": ">",
    "≤": "<",
    "≥": ">",
    "×": "x",
    "\u2800": " ",
    "\ufffd": "\ufffd",
}
_DROPPED: Final = {"Cf", "Mn", "Me"}
_BLANK: Final = {"Zs", "Cc"}


def _one(character: str) -> str:
    known = _MARKS.get(character, _LOOKS.get(character))
    if known is not None:
        return known
    small = _LOWER.get(character.lower())
    if small is not None:
        return small if character == character.lower() else small.capitalize()
    if character < "\x80":
        return character
    category = unicodedata.category(character)
    if category in _DROPPED:
        return ""
    if category in _BLANK:
        return " "
    if category[0] in "LM":
        return character
    digit = unicodedata.digit(character, None)
    return "*" if digit is None else str(digit)


def fold(character: str) -> str:
    """Read one character as plain Latin where it has such a reading.

    Accents, width and look-alikes go, invisible characters vanish, digits of any script become 0-9, other signs `*`,
    letters of other scripts stay.

    Example:
        >>> "".join(map(fold, "Ｊоse\u0301 Nu\u00f1\u200bez –²"))
        'Jose Nunez -2'
    """
    if character in _MARKS or character in _LOOKS:
        return _one(character)
    return "".join(map(_one, unicodedata.normalize("NFKD", character)))


class Folding:
    """Table of foldings for the kernel, filled by pages of 256 characters as they are met. Grows only."""

    def __init__(self) -> None:
        self.page_of: npt.NDArray[np.int32] = np.zeros(PAGES, np.int32)
        self.entries: npt.NDArray[np.uint32] = np.zeros(256, np.uint32)
        self.pool: npt.NDArray[np.uint8] = np.zeros(1, np.uint8)
        self._lock = threading.Lock()

    def cover(self, seen: npt.NDArray[np.uint8]) -> None:
        """Make the table know every page that is marked in `seen`."""
        with self._lock:
            for page in np.flatnonzero((seen != 0) & (self.page_of == 0)).tolist():
                self._add(page)

    def _add(self, page: int) -> None:
        entries, pool = np.zeros(256, np.uint32), bytearray()
        for low in range(256):
            point = page << 8 | low
            text = "" if 0xD800 <= point < 0xE000 else fold(chr(point))
            folded = text.encode()
            entries[low] = (len(self.pool) + len(pool)) << 8 | len(folded)
            pool += folded
        self.pool = np.concatenate([self.pool, np.frombuffer(bytes(pool), np.uint8)])
        self.entries = np.concatenate([self.entries, entries])
        self.page_of[page] = len(self.entries) // 256 - 1


@cache
def folding() -> Folding:
    """Give the table of this process."""
    return Folding()

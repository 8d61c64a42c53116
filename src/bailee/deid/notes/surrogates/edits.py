"""One wrong letter in a name: what was done, so that it can be done to another name. Knows no names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

SHORTEST: Final = 5  # letters of a name in which one wrong letter is followed


@lru_cache(maxsize=1 << 15)
def without_one(word: str) -> tuple[str, ...]:
    """Give the word, and the word with each letter left out."""
    return (word, *(word[:at] + word[at + 1 :] for at in range(len(word))))


def neighbours(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """List words by what is left of them without one letter: one wrong letter leaves something in common."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        if len(word) >= SHORTEST:
            for left in without_one(word):
                found[left] = (*found.get(left, ()), word)
    return found


@dataclass(frozen=True)
class Edit:
    """One wrong letter: what was done, and where as a part of the word's length (in thousandths)."""

    kind: str  # "drop", "add", "change", "swap"
    at: int
    letter: str = ""

    def applied_to(self, word: str) -> str:
        """Do the same to another word."""
        at = min(max(1, self.at * len(word) // 1000), len(word) - 2)
        match self.kind:
            case "drop":
                return word[:at] + word[at + 1 :]
            case "add":
                return word[:at] + self.letter + word[at:]
            case "change":
                return word[:at] + (self.letter if word[at].lower() != self.letter else "e") + word[at + 1 :]
            case _:
                return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def edit_between(right: str, wrong: str) -> Edit | None:
    """Tell the one edit that makes `wrong` of `right`; None if it takes more, or none."""
    if abs(len(right) - len(wrong)) > 1 or right == wrong:
        return None
    at = next((i for i, (a, b) in enumerate(zip(right, wrong, strict=False)) if a != b), min(len(right), len(wrong)))
    place = at * 1000 // len(right)
    if len(wrong) == len(right) - 1 and right[at + 1 :] == wrong[at:]:
        return Edit("drop", place)
    if len(wrong) == len(right) + 1 and right[at:] == wrong[at + 1 :]:
        return Edit("add", place, wrong[at])
    if len(wrong) == len(right) and right[at + 1 :] == wrong[at + 1 :]:
        return Edit("change", place, wrong[at])
    if (
        len(wrong) == len(right)
        and right[at + 2 :] == wrong[at + 2 :]
        and right[at : at + 2] == wrong[at : at + 2][::-1]
    ):
        return Edit("swap", place)
    return None

"""Identifiers that occur nowhere else, one class of Safe Harbor each, to be planted and looked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from bailee.synthetic.grammar import shape

CLASSES = "ABCDEFGHIJKLMNOPQR"
"""The paragraphs of 45 CFR 164.514(b)(2)(i), names (A) to any other unique number (R)."""

_SHAPES = {
    "D": "(999) 999-9999", "E": "999.999.9999", "G": "999-99-9999", "H": "MRN-9999999999", "I": "@@@9999999999", "J": "ACCT-9999999999",
    "K": "LIC-@@99999999", "L": "1@&&@9999@9999999", "M": "SN@@@99999999@", "P": "BIO-99999999-@@@@", "Q": "IMG_9999999999.jpg", "R": "XQ-9999-9999-99@@",
}  # fmt: skip
_ONSETS = ("v", "z", "qu", "kr", "th", "dj", "sk", "pl", "vr", "zh", "gw", "ny")
_VOWELS = ("a", "o", "u", "é", "i", "y", "ö", "á")
_ENDS = ("x", "lm", "nd", "rk", "zt", "vik", "ndal", "mbo")


@dataclass(frozen=True, repr=False)
class Canary:
    """A planted value; `needles` are the parts that alone would give it away."""

    number: int
    letter: str
    value: str
    needles: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Canary({self.letter}{self.number})"


class Flock:
    """Makes canaries, each once. Invariant: but for dates, of which there are few, no two share a needle; each has ten characters or more."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(f"canaries/{seed}")  # noqa: S311  # text, not keys
        self._used: set[str] = set()
        self.canaries: list[Canary] = []

    def make(self, letter: str) -> Canary:
        """Make a canary of a class."""
        while True:
            value, needles = self._draw(letter)
            if letter == "C" or not self._used.intersection(needles):
                break
        self._used.update(needles)
        made = Canary(len(self.canaries), letter, value, needles)
        self.canaries.append(made)
        return made

    def digits(self) -> Canary:
        """Make a canary of twenty digits, for what may hold nothing else."""
        value = shape("19999999999999999999", self._rng)
        made = Canary(len(self.canaries), "R", value, (value[8:20],))
        self.canaries.append(made)
        return made

    def word(self) -> str:
        """Coin a word of ten letters or more."""
        rng, parts = self._rng, ""
        while len(parts) < 8:
            parts += rng.choice(_ONSETS) + rng.choice(_VOWELS)
        return (parts + rng.choice(_ENDS)).capitalize()

    def _draw(self, letter: str) -> tuple[str, tuple[str, ...]]:
        rng = self._rng
        if letter == "A":
            given, family = self.word(), self.word()
            return f"{given} {family}", (given, family)
        if letter == "B":
            street = self.word()
            return f"{rng.randint(10, 9999)} {street} Parkway", (street,)
        if letter == "C":
            day = date(1921, 1, 1) + timedelta(days=rng.randrange(29_000))
            return day.isoformat(), (day.isoformat(),)
        if letter == "F":
            word = self._plain_word()
            return f"{word}@mailbox.example", (word,)
        if letter == "N":
            word = self._plain_word()
            return f"https://www.{word}.example/home", (word,)
        if letter == "O":
            value = ".".join(str(rng.randint(100, 250)) for _ in range(4))
            return value, (value,)
        value = shape(_SHAPES[letter], rng)
        return value, (value,)

    def _plain_word(self) -> str:
        return "".join(sign if sign.isascii() else "e" for sign in self.word().lower())

"""Choices that only the key can foresee: the same question of the same patient always has the same answer. Holds no lists."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, TypeVar

T = TypeVar("T")

DIGITS: Final = "0123456789"
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"


class Draws:
    """Keyed choices for one patient. Source: BLAKE2b keyed hashing, RFC 7693."""

    __slots__ = ("_keyed",)

    def __init__(self, secret: bytes) -> None:
        self._keyed = hashlib.blake2b(key=secret, digest_size=16)

    def __repr__(self) -> str:
        return "Draws(…)"

    def number(self, purpose: str, content: str = "", attempt: int = 0) -> int:
        """Give a number below 2**128."""
        keyed = self._keyed.copy()
        keyed.update(f"{purpose}\0{attempt}\0{content}".encode("utf-8", "surrogatepass"))
        return int.from_bytes(keyed.digest(), "big")

    def choice(self, options: Sequence[T], purpose: str, content: str = "", attempt: int = 0) -> T:
        """Choose one of the options."""
        return options[self.number(purpose, content, attempt) % len(options)]

    def digits(self, count: int, purpose: str, content: str, attempt: int = 0) -> str:
        """Give `count` digits."""
        written = ""
        for block in range(0, count, 32):
            drawn = self.number(f"{purpose}/{block}", content, attempt)
            written += f"{drawn % 10**32:032d}"
        return written[:count]

    def others(self, options: str, purpose: str) -> dict[str, str]:
        """Map each letter of the alphabet to one of `options`, never to itself."""
        ring = sorted(options, key=lambda letter: self.number(purpose, letter))
        mapped = {letter: ring[(at + 1) % len(ring)] for at, letter in enumerate(ring)}
        for letter in LETTERS:
            if letter not in mapped:
                mapped[letter] = ring[self.number(purpose, letter) % len(ring)]
        return mapped

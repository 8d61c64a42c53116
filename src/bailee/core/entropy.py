"""Randomness as a parameter: the system's, or a seeded stream for tests and synthetic hospitals."""

from __future__ import annotations

import hashlib
import os
from typing import Protocol


class Entropy(Protocol):
    """Gives random bytes."""

    def token_bytes(self, count: int) -> bytes:
        """Give `count` fresh random bytes."""
        ...


class SystemEntropy:
    """The operating system's generator; the only one for real keys and patient roots."""

    def token_bytes(self, count: int) -> bytes:
        """Give `count` bytes from the operating system."""
        return os.urandom(count)


class SeededEntropy:
    """A reproducible stream: SHAKE-256 of the seed and a counter. Never for real keys."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._drawn = 0

    def token_bytes(self, count: int) -> bytes:
        """Give the stream's next `count` bytes."""
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(8, "big")).digest(count)

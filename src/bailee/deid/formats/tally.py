"""Counts of what was done to messages and documents. Never with a value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class FormatTally:
    """`rules` by (path of the rule, kept | changed | removed); `dropped` by where something stood that no rule knows."""

    rules: Counter[tuple[str, str]] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, other: FormatTally) -> None:
        """Add another's counts."""
        self.rules.update(other.rules)
        self.dropped.update(other.dropped)

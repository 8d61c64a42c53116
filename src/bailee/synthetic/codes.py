"""The codes that the synthetic hospital draws from: a data file in memory."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def table(name: str) -> tuple[tuple[str, ...], ...]:
    """Give the rows of one table: condition, lab, vital, drug, procedure, vaccine, allergen, town."""
    source = (files("bailee.synthetic") / "words" / "codes.txt").read_text(encoding="utf-8")
    rows = (line.split("|") for line in source.splitlines() if line and not line.startswith("#"))
    return tuple(tuple(row[1:]) for row in rows if row[0] == name)

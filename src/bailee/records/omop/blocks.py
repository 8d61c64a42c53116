"""Reads the tables of rules: blocks of a head line and indented lines, words with single blanks between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

Words = list[str]


def blocks(name: str) -> Iterator[tuple[Words, list[Words]]]:
    """Give each block of a file beside this one: the words of its head, and of each of its lines."""
    text = (Path(__file__).parent / name).read_text("utf-8").rstrip("\n")
    for block in re.split(r"\n(?=\S)", text):
        head, *lines = block.split("\n")
        yield head.split(" "), [line.strip().split(" ") for line in lines]

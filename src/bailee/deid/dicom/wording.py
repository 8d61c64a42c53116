"""Descriptions of nothing but what describes images: they stay, so that the notes engine need not guess at jargon."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Final

_WORD: Final = re.compile(r"[^\W\d_]+")
_NUMBER: Final = re.compile(r"\d+")
_DATE: Final = re.compile(r"\d\s*[-/:]\s*\d|\d\.\d+\.\d")
_MOST_DIGITS: Final = 3
ALSO_NAMES: Final = "also names"


@cache
def words() -> dict[str, bool]:
    """Give the words that describe images, in lower case, and whether some people bear them as names."""
    text = resources.files("bailee.deid.dicom").joinpath("words.txt").read_text("utf-8")
    lines = dict(line.split(":") for line in text.splitlines() if not line.startswith("#"))
    borne = set(lines[ALSO_NAMES].split())
    return {word: word in borne for line in lines.values() for word in line.split()}


def is_wording(text: str, names: Iterable[str]) -> bool:
    """Tell whether a text is made of words that describe images and of short numbers alone, none of them one of `names`.

    One word at least must be one that nobody bears as a name.
    """
    if _DATE.search(text) or any(len(number) > _MOST_DIGITS for number in _NUMBER.findall(text)):
        return False
    spoken = {word.casefold() for word in _WORD.findall(text)}
    known = {word.casefold() for name in names for word in _WORD.findall(name)}
    if any(word not in words() and len(word) > 1 for word in spoken) or spoken & known:
        return False
    return any(not words().get(word, True) for word in spoken)

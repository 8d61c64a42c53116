"""Codes in code sequences: those of public terminologies stay, with the standard's own words; what sites made up does not."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Final

# Public terminologies whose codes may stay by their shape, by Coding Scheme Designator. Source: PS3.16 chapter 8.
SHAPES: Final = {
    "SCT": r"\d{6,18}",
    "SRT": r"(?:[A-Z][0-9]?|R)-[0-9A-F]{2,5}[0-9A-Z]?",
    "SNM3": r"[A-Z]-[0-9A-F]{4,5}",
    "99SDM": r"[A-Z][0-9]?-[0-9A-F]{4,5}",
    "DCM": r"\d{6}",
    "LN": r"\d{1,5}-\d",
    "RADLEX": r"RID\d{1,6}",
    "FMA": r"\d{2,6}",
    "NCIt": r"C\d{2,6}",
    "UMLS": r"C\d{7}",
    "I10": r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?",
    "I10C": r"[A-Z]\d[0-9A-Z](?:\.[0-9A-Z]{1,4})?",
    "I9C": r"\d{3}(?:\.\d{1,2})?",
    "C4": r"\d{4}[0-9FTU]",
    "BI": r"[A-Z0-9]\d{0,2}(?:\.\d{1,3}){0,3}",
    "ISO639_1": r"[a-z]{2}",
    "ISO639_2": r"[a-z]{3}",
    "ISO3166_1": r"[A-Z]{2,3}",
    "RFC5646": r"[a-z]{2,3}(?:-[A-Z]{2})?",
}


@cache
def units() -> frozenset[str]:
    """Give the common units."""
    text = resources.files("bailee.deid.dicom").joinpath("units.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("# "))


@cache
def _known() -> dict[tuple[str, str], frozenset[str]]:
    """Give the codes that PS3.16 uses, with the words that it uses for them."""
    from pydicom.sr._concepts_dict import concepts

    known: dict[tuple[str, str], set[str]] = {}
    for scheme, by_keyword in concepts.items():
        for by_code in by_keyword.values():
            for code, (meaning, _) in by_code.items():
                known.setdefault((scheme, code), set()).add(meaning)
    return {key: frozenset(meanings) for key, meanings in known.items()}


def is_public(scheme: str, code: str) -> bool:
    """Tell a code of a public terminology: one that the standard uses, or one of the right shape."""
    if scheme == "UCUM":
        return code in units() or (scheme, code) in _known()
    return (scheme, code) in _known() or bool(re.fullmatch(SHAPES.get(scheme, r"(?!)"), code, re.ASCII))


def is_meaning(scheme: str, code: str, meaning: str) -> bool:
    """Tell whether words are the standard's own for a code; a unit's own symbol is."""
    same = meaning.strip().casefold()
    if scheme == "UCUM" and meaning in units():
        return True
    return any(same == words.casefold() for words in _known().get((scheme, code), ()))

"""The spellings of one value that need a list or a rule of their own: split names, nicknames, national numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Final

from bailee.deid.notes.chart.kinds import Role
from bailee.deid.notes.chart.words import read_sections
from bailee.deid.notes.folding import fold

_DIGRAPHS: Final = str.maketrans({
    "ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ø": "oe", "Ø": "Oe", "å": "aa", "Å": "Aa",
})  # fmt: skip
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SMALL: Final = frozenset("abcdefghijklmnopqrstuvwxyz")
_WORD: Final = re.compile(r"[^\W\d_]+")
_EXTENSION: Final = re.compile(r"(?i)\s*(ext|x)\.?\s*\d+$")
_DAY: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


def word_forms(role: Role, value: str) -> Iterator[tuple[Role, str]]:
    """Give what to look for as words, each with its role. Nothing for dates and for numbers with digits."""
    match role:
        case Role.FULL:
            yield from _full_name(value)
        case Role.GIVEN:
            yield from _given(value)
        case Role.BODY:
            yield from ((Role.BODY, form) for form in _spelt(value))
            yield from _acronym(value)
        case Role.WIRE:
            yield Role.WIRE, re.sub(r"^(https?://|mailto:)?(www\.)?", "", value)
            yield from _mailbox(value)
        case Role.NUMBER:
            if not any(map(str.isdigit, value)):
                yield Role.WIRE, value
        case Role.DAY | Role.NONE:
            return
        case _:
            yield from ((role, form) for form in _spelt(value))


def _spelt(value: str) -> Iterator[str]:
    yield value
    other = value.translate(_DIGRAPHS)
    if other != value:
        yield other


def _given(value: str) -> Iterator[tuple[Role, str]]:
    for form in _spelt(value):
        yield Role.GIVEN, form
    for word in _WORD.findall(value):
        plain = word if word.isascii() else "".join(map(fold, word))
        for nick in nicknames().get(plain.lower(), ()):
            yield Role.GIVEN, nick


def _full_name(value: str) -> Iterator[tuple[Role, str]]:
    for role, part in full_name(value):
        if role == Role.GIVEN:
            yield from _given(part)
        else:
            yield from ((Role.FAMILY, form) for form in _spelt(part))


def full_name(value: str) -> Iterator[tuple[Role, str]]:
    """Split a whole name: `Smith, Ana`, `Dr. Ana van der Berg, MD`. Titles fall away, particles stay with the family name.

    Example:
        >>> [(role.name, part) for role, part in full_name("Dr. Ana van der Berg, MD")]
        [('GIVEN', 'Ana'), ('FAMILY', 'van der Berg')]

    """
    turned = re.match(r"\s*([^,]+),\s*([^,]+)", value)
    if turned and not _is_title(turned[2]):
        family, given = (_untitled(part) for part in turned.groups())
    else:
        words = _untitled(value.split(",", maxsplit=1)[0])
        start = len(words) - 1
        while start > 1 and words[start - 1].strip(".").lower() in name_parts("PARTICLES"):
            start -= 1
        given, family = words[: max(start, 0)], words[max(start, 0) :]
    yield from ((Role.GIVEN, word) for word in given)
    if family:
        yield Role.FAMILY, " ".join(family)


def _untitled(text: str) -> list[str]:
    return [word for word in text.split() if not _is_title(word)]


def _is_title(word: str) -> bool:
    parts = word.lower().replace(",", " ").split()
    return all("".join(filter(_SMALL.__contains__, part)) in name_parts("TITLES") for part in parts)


def _acronym(value: str) -> Iterator[tuple[Role, str]]:
    words = [word for word in _WORD.findall(value) if word.lower() not in name_parts("MINOR")]
    if 3 <= len(words) <= 6:
        yield Role.BODY, "".join(word[0] for word in words).upper()


def _mailbox(value: str) -> Iterator[tuple[Role, str]]:
    local, at, _ = value.partition("@")
    if at and len(local) >= 6:
        yield Role.WIRE, local


def number_forms(role: Role, value: str) -> Iterator[str]:
    """Give the character strings under which a number is looked for: national and local forms, without leading zeros."""
    if role != Role.NUMBER or not any(map(str.isdigit, value)):
        return
    value = value.removeprefix("urn:uuid:").removeprefix("urn:oid:")
    shown = _solid(value)
    bare = _solid(_EXTENSION.sub("", value)) if "x" in value or "X" in value else shown
    forms = {bare: None, shown: None}
    tail = bare.lstrip(_LETTERS)
    if tail.isdigit() and len(tail) >= 5:
        forms[tail] = None
        forms[tail.lstrip("0") if len(tail.lstrip("0")) >= 5 else tail] = None
    if bare.isdigit():
        stripped = bare.lstrip("0")
        if len(stripped) >= 5:
            forms[stripped] = None
        if len(bare) == 9 and "-" in value and value.index("-") == 5:
            forms[bare[:5]] = None
        for national in _national(value.strip(), bare):
            forms[national] = None
    yield from forms


def _solid(value: str) -> str:
    return value if value.isalnum() else "".join(filter(str.isalnum, value))


def _national(value: str, digits: str) -> Iterator[str]:
    american = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits if len(digits) == 10 else ""
    if american:
        yield american
        yield "1" + american
        if not value.isdigit():
            yield american[3:]
    if value.startswith("+") and len(digits) >= 10:
        for code in (2, 3):
            yield digits[code:]
            yield "0" + digits[code:]


def days_of(role: Role, value: str) -> Iterator[int]:
    """Give the day of a date or time in ISO form. Units: days since 1970-01-01. Partial dates give none."""
    if role != Role.DAY:
        return
    found = _DAY.match(value)
    if found:
        try:
            yield date(int(found[1]), int(found[2]), int(found[3])).toordinal() - _EPOCH
        except ValueError:
            return


_EPOCH: Final = date(1970, 1, 1).toordinal()


@cache
def name_parts(section: str) -> frozenset[str]:
    """Give a list of words in names that are not names themselves."""
    return frozenset(word for line in read_sections("parts.txt")[section] for word in line)


@cache
def nicknames() -> dict[str, tuple[str, ...]]:
    """Give for each given name its other forms: the line's others for the full form, the full form for each nickname."""
    others: dict[str, set[str]] = {}
    for full, *short in read_sections("nicknames.txt")["NICKNAMES"]:
        others.setdefault(full, set()).update(short)
        for nick in short:
            others.setdefault(nick, set()).add(full)
    return {name: tuple(sorted(forms)) for name, forms in others.items()}

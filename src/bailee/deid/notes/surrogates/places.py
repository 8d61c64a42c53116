"""Places for places: streets, towns, postal codes, facilities; the words that only say what kind of place it is stay."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import Final

from bailee.deid.notes.chart.words import GENERIC, bits_of_word, read_lines
from bailee.deid.notes.surrogates.names import in_case_of
from bailee.deid.notes.surrogates.numbers import number_for
from bailee.deid.notes.surrogates.persons import Subject, folded

TRIES: Final = 32
_POSTAL: Final = re.compile(r"(?<!\d)\d{5}(?:-\d{4})?(?!\d)|(?<!\d)\d{9}(?!\d)")
_HOUSE: Final = re.compile(r"\b(?=\w*\d)\w+")
_STREET: Final = re.compile(
    r"(?i)\b(?:st|street|ave|avenue|rd|road|blvd|boulevard|lane|ln|drive|dr|court|ct|way|place|pl|calle|rue|strasse)\b|straße"
)
_STATES: Final = re.compile(
    r"(?i)\b(?:new (?:jersey|mexico|hampshire)|(?:north|south) (?:carolina|dakota)|west virginia|rhode island)\b"
)
# New York and Washington are read as the cities.
# A run of words: letters with apostrophes and hyphens, parted by blanks.
_RUN: Final = re.compile(r"[^\W\d_]+(?:['’.-]?[^\W\d_]+)*\.?")


def location_for(subject: Subject, text: str) -> str:
    """Rewrite an address or a part of one: numbers by digits, names of streets and towns; states stay.

    Source: 45 CFR 164.514(b)(2)(i)(B) removes what is smaller than a state.
    """
    parts = re.split(r"([,;\n]+\s*)", text)
    return "".join(part if at % 2 else _segment(subject, part) for at, part in enumerate(parts))


def facility_for(subject: Subject, text: str) -> str:
    """Rewrite the name of a facility or organization: `Beverly Hospital` keeps `Hospital`. Initials become initials."""
    if re.fullmatch(r"[A-Z]{2,6}", text):
        return _initials(subject, text)
    return _numbers(subject, _runs(subject, text, "FACILITIES"))


def _segment(subject: Subject, text: str) -> str:
    numbered = any(map(str.isdigit, _POSTAL.sub("", text)))
    return _numbers(subject, _runs(subject, text, "STREETS" if numbered or _STREET.search(text) else "CITIES"))


def _numbers(subject: Subject, text: str) -> str:
    out, last = [], 0
    for code in _POSTAL.finditer(text):
        out += [_houses(subject, text[last : code.start()]), _postal(subject, code[0])]
        last = code.end()
    return "".join([*out, _houses(subject, text[last:])])


def _houses(subject: Subject, text: str) -> str:
    return _HOUSE.sub(lambda number: _house(subject, number[0]), text)


def _house(subject: Subject, number: str) -> str:
    made = number_for(subject, number)
    return made if made[0] != "0" else "1" + made[1:]


def _postal(subject: Subject, code: str) -> str:
    digits = subject.draws.choice(_list("AREAS"), "area-code", code[:3]) + subject.draws.digits(6, "postal", code)
    if len(code) == 5:
        return digits[:5]
    return digits[:5] + ("-" if "-" in code else "") + digits[5:9]


def _runs(subject: Subject, text: str, section: str) -> str:
    """Replace each run of words that tell something by one name of the list."""
    spared = [match.span() for match in _STATES.finditer(text)]
    words = [word for word in _RUN.finditer(text) if not any(a <= word.start() < b for a, b in spared)]
    common = _common(section, [folded(word[0]).rstrip(".") for word in words])
    out, last, before = [], 0, -1
    for word, known in zip(words, common, strict=True):
        if known:
            continue
        if before >= 0 and not text[before : word.start()].strip(" '’&-"):
            last = before = word.end()
            continue
        out += [text[last : word.start()], _place(subject, _run_from(text, word.start(), words, common), section)]
        last = before = word.end()
    return "".join([*out, text[last:]])


def _run_from(text: str, start: int, words: list[re.Match[str]], common: list[bool]) -> str:
    """Give the telling words from `start` on, as far as only blanks part them."""
    end = start
    for word, known in zip(words, common, strict=True):
        if word.start() < start:
            continue
        if known or text[end : word.start()].strip(" '’&-"):
            break
        end = word.end()
    return text[start:end]


def _common(section: str, words: list[str]) -> list[bool]:
    states = section != "FACILITIES"
    return [len(word) == 1 or bool(bits_of_word(word) & GENERIC) or (states and word in _states()) for word in words]


@cache
def _states() -> frozenset[str]:
    return frozenset(_list("STATES"))


def _place(subject: Subject, run: str, section: str) -> str:
    """Choose a name by the first word, so that a short form agrees with the long one."""
    first = folded(_RUN.findall(run)[0]).rstrip(".")
    known = subject.memory.get((section, first))
    if known is None:
        known = subject.memory[section, first] = _choose(subject, first, section)
    return in_case_of(run, known)


def _choose(subject: Subject, word: str, section: str) -> str:
    for attempt in range(TRIES):
        name = subject.draws.choice(_list(section), section, word, attempt)
        if folded(name) != word and subject.allows(name):
            return name
    return next((name for name in _list(section) if subject.allows(name)), "Elsewhere")


def _initials(subject: Subject, text: str) -> str:
    for attempt in range(TRIES):
        drawn = subject.draws.number("letters", text, attempt)
        made = "".join("BCDFGHJKLMNPRSTVW"[(drawn >> (8 * at) & 0xFF) % 17] for at in range(len(text)))
        if made != text and subject.allows(made):
            break
    return made


@cache
def _list(section: str) -> tuple[str, ...]:
    lines = read_lines((files(__package__) / "places.txt").read_text(encoding="utf-8"))
    return tuple(word for line in lines[section] for word in line)

"""Makes marked notes more varied than they were written: other names, other words. For training; it invents no spans."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final, TypeAlias

from bailee.deid.notes.hard.fill import sentences
from bailee.deid.notes.hard.pools import pools

Span: TypeAlias = tuple[int, int, str]

_WORD: Final = re.compile(r"[^\W\d_]{3,}")
# Letters written as digits: j0hn d0e.
_DIGITS: Final = str.maketrans("oeis", "0315")
_GAP: Final = re.compile(r"\n|[.!?] (?=[A-Za-z])")


@dataclass(frozen=True, kw_only=True)
class Variety:
    """How much to change: chances that a note gets other names, other words, strange sentences, or is nothing but those."""

    names: float = 0.5
    words: float = 0.4
    sentences: float = 0.5
    nothing_else: float = 0.06
    query: float = 0.2


def varied(
    text: str, spans: Sequence[Span], rng: Random, language: str, much: Variety | None = None
) -> tuple[str, list[Span]]:
    """Change some names and ordinary words of a note, and put sentences of `hard` between; spans move along.

    Shape: spans in order and apart, before and after.
    """
    much = much or Variety()
    chance = rng.random()
    if chance < much.nothing_else:
        return strange(rng, language)
    if chance < much.nothing_else + much.query and "query" in sentences(language).groups:
        return asked(rng, language)
    names, others = rng.random() < much.names, rng.random() < much.words
    if names or others:
        text, spans = _edited(
            text,
            spans,
            list(_changes(text, spans, rng, language, names=names, rate=rng.choice((0.04, 0.12, 0.35)) * others)),
        )
    if rng.random() < much.sentences:
        text, spans = _interspersed(text, spans, rng, language)
    return text, list(spans)


def add_prose(language: str, texts: Sequence[str]) -> None:
    """Let sentences from elsewhere, which must identify nobody, take part as a group of their own."""
    sentences(language).groups["prose"] = [text for text in texts if "{" not in text and "}" not in text]


def strange(rng: Random, language: str) -> tuple[str, list[Span]]:
    """Write a text of sentences that look like identifiers and are none."""
    source, group = (
        sentences(language),
        rng.choice(("science", "clinical", "speech", "people", "mixed", "mixed", "query", "trap", "prose", "prose")),
    )
    joiner = rng.choice((" ", "\n", " ", "\n\n"))
    text, spans, apart = "", list[Span](), rng.random() < 0.15
    for _ in range(rng.randint(3, 25)):
        kind = (
            rng.choice(("science", "clinical", "speech", "people", "query", "trap", "prose"))
            if group == "mixed"
            else group
        )
        kind = kind if kind in source.groups else "clinical"
        new, marks = source.sentence(kind, rng, apart=apart)
        if kind == "speech":
            joiner = "\n"
            label = rng.choice(source.groups["speaker"])
            new, marks = f"{label} {new}", [(a + len(label) + 1, b + len(label) + 1, c) for a, b, c in marks]
        spans += [(a + len(text), b + len(text), c) for a, b, c in marks]
        text += new + joiner
    chance = rng.random()
    return (
        text.lower()
        if chance < 0.25 and len(text.lower()) == len(text)
        else text.upper()
        if 0.25 <= chance < 0.33 and len(text.upper()) == len(text)
        else text
    ), spans


def asked(rng: Random, language: str) -> tuple[str, list[Span]]:
    """Write what somebody types into a search box or a chat: a sentence or two, mostly in small letters, often without a stop."""
    source, text, spans = sentences(language), "", list[Span]()
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        kind = rng.choice(("query", "query", "query", "query", "trap", "people", "clinical"))
        new, marks = source.sentence(kind if kind in source.groups else "clinical", rng)
        new = new.removesuffix(".") if rng.random() < 0.5 and not any(end == len(new) for _, end, _ in marks) else new
        spans += [(start + len(text), end + len(text), label) for start, end, label in marks]
        text += new + rng.choice((" ", ". ", ", ", "\n", " - ", "? ", "; "))
    text = text.rstrip(" ,\n-;") if rng.random() < 0.8 else text
    case = rng.random()
    changed = text.lower() if case < 0.55 else text.upper() if case < 0.62 else text
    return (changed if len(changed) == len(text) else text), spans


def _interspersed(text: str, spans: Sequence[Span], rng: Random, language: str) -> tuple[str, list[Span]]:
    """Put sentences between lines or after full stops of a note, in its own manner of writing."""
    source = sentences(language)
    gaps = [m.end() for m in _GAP.finditer(text) if not any(a < m.end() < b for a, b, _ in spans)]
    if not gaps:
        return text, list(spans)
    group, apart = (
        rng.choice(("clinical", "science", "speech", "people", "query", "trap", "mixed", "prose")),
        rng.random() < 0.1,
    )
    edits: list[tuple[int, int, str]] = []
    added: list[Span] = []
    grown = 0
    for gap in sorted(set(rng.sample(gaps, min(len(gaps), rng.randint(1, 6))))):
        kind = rng.choice(("clinical", "speech", "people", "query", "trap", "prose")) if group == "mixed" else group
        kind = kind if kind in source.groups else "clinical"
        new, marks = source.sentence(kind, rng, apart=apart)
        label = f"{rng.choice(source.groups['speaker'])} " if kind == "speech" and rng.random() < 0.5 else ""
        new = label + new
        new = new.lower() if text.islower() else new.upper() if text.isupper() and len(new.upper()) == len(new) else new
        start = gap + grown + len(label)
        added += [(start + first, start + last, name) for first, last, name in marks]
        edits.append((gap, gap, new + ("\n" if text[gap - 1] == "\n" else " ")))
        grown += len(edits[-1][2])
    text, moved = _edited(text, spans, edits)
    return text, sorted(moved + added)


def _changes(
    text: str, spans: Sequence[Span], rng: Random, language: str, *, names: bool, rate: float
) -> Iterator[tuple[int, int, str]]:
    source, known, place, hidden = pools(language), dict[str, str](), 0, rng.random() < 0.04
    for match in _WORD.finditer(text):
        while place < len(spans) and spans[place][1] <= match.start():
            place += 1
        inside = place < len(spans) and spans[place][0] < match.end()
        if inside and names and spans[place][2] == "NAME":
            key = match[0].lower()
            known.setdefault(key, source.name(rng) if rng.random() < 0.6 else key)
            known[key] = known[key].translate(_DIGITS) if hidden else known[key]
            yield match.start(), match.end(), cased(known[key], match[0])
        elif not inside and rng.random() < rate and match[0].isascii() and not _near(text, match, spans, place):
            new = source.draw(source.doubtful if rng.random() < 0.1 else source.plain, rng)
            yield match.start(), match.end(), cased(new, match[0])


def _near(text: str, match: re.Match[str], spans: Sequence[Span], place: int) -> bool:
    """Whether a word stands so close to a span that it may be what tells that there is one."""
    before = place > 0 and match.start() - spans[place - 1][1] < 12
    return before or (
        place < len(spans) and spans[place][0] - match.end() < 16 and "\n" not in text[match.end() : spans[place][0]]
    )


def cased(word: str, like: str) -> str:
    """Write a word, given in small letters, in capitals where another is."""
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[0].isupper() else word


def _edited(text: str, spans: Sequence[Span], edits: Sequence[tuple[int, int, str]]) -> tuple[str, list[Span]]:
    """Apply replacements (in order, apart, each inside or outside of a span) and move the spans along."""
    starts = [edit[0] for edit in edits]
    grown = [0, *accumulate(len(new) - (end - start) for start, end, new in edits)]
    moved = []
    for first, last, label in spans:
        place = bisect_left(starts, first)
        if place < len(edits) and edits[place][:2] == (first, first):
            place += 1  # what is put in where a span begins stands before it
        moved.append((first + grown[place], last + grown[bisect_left(starts, last)], label))
    parts, done = [], 0
    for start, end, new in edits:
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]]), moved

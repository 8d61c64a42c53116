"""Notes that were written by hand for training, with their marks: `training/notes/LANGUAGE/*.txt`.

Notes stand between lines of `====`. `{N:Pa Houa Xiong}` marks an identifier: a letter of LABELS, a colon, the text. Nobody
in them exists. Each time a note is drawn its numbers, months and places are drawn anew, so that phrasing is what is learnt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bailee.deid.notes.hard.people import MONTHS
from bailee.deid.notes.hard.pools import Pools, pools, shaped
from bailee.deid.notes.training import Marked
from bailee.deid.notes.variety import Variety, cased, varied
from bailee.synthetic.grammar import Span
from bailee.synthetic.wear import Edit, edited, worn

FOLDER = Path(__file__).parent.parent / "training" / "notes"
LABELS = {
    "N": "NAME", "D": "DATE", "A": "AGE", "L": "LOCATION", "I": "ID", "C": "CONTACT", "F": "FACILITY", "O": "ORGANIZATION",
    "X": "OTHER", "a": "AGE_UNDER_90", "y": "YEAR", "w": "WEEKDAY", "t": "TIME", "c": "COUNTRY", "d": "DEPARTMENT",
}  # fmt: skip
NUMBERED = {"DATE", "ID", "CONTACT", "LOCATION", "AGE_UNDER_90", "YEAR", "TIME", "DEPARTMENT"}
PLACED = {"LOCATION", "FACILITY", "ORGANIZATION"}
_MARK = re.compile(r"\{([A-Za-z]):([^{}\n]+)\}")
_OPEN = re.compile(r"\{[A-Za-z]:")
_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"\d+")
# Marks whose text is swapped with that of other notes, in how many notes, and how many of them.
SWAPPED = {"LOCATION", "FACILITY", "ORGANIZATION", "ID", "CONTACT", "DATE"}
NOTES_SWAPPED = 0.6
MARKS_SWAPPED = 0.5
LONG = 24  # characters: a whole address does not stand where a town did
ACRONYM = 5
ARTICLES = {"the", "a", "el", "la", "los", "las", "le", "les", "l", "der", "die", "das", "am", "den", "im"}
# Notes that get blanks around every mark; of those that name nobody, which are science for the most part, more.
TOKENISED = 0.03
TOKENISED_SCIENCE = 0.15
# How much the notes are varied and worn: less than templates, which repeat themselves.
USUAL = Variety(names=0.7, words=0.25, sentences=0.2, nothing_else=0, query=0)
DIFFICULTY = 0.3


@dataclass
class Written:
    """The written notes of a language, drawn one after the other in random order, all before one comes again."""

    language: str
    notes: Sequence[Marked]
    _waiting: list[int] = field(default_factory=list)
    _mentions: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Collect what the notes mark, by label and by the kind of thing that it looks like."""
        seen = {
            (label, text[start:end]) for text, spans in self.notes for start, end, label in spans if label in SWAPPED
        }
        for label, mention in sorted(seen):
            self._mentions.setdefault((label, _looks(mention)), []).append(mention)

    def draw(self, rng: Random) -> Marked:
        """Give a note, varied."""
        if not self._waiting:
            self._waiting = rng.sample(range(len(self.notes)), len(self.notes))
        text, marks = self.notes[self._waiting.pop()]
        text, spans = self.swapped(text, list(marks), rng)
        text, spans = redrawn(text, spans, rng, self.language)
        text, spans = varied(text, spans, rng, self.language, USUAL)
        if rng.random() < (TOKENISED if spans else TOKENISED_SCIENCE):
            text, spans = tokenised(text, spans)
        return worn(text, spans, rng, DIFFICULTY)

    def swapped(self, text: str, spans: list[Span], rng: Random) -> Marked:
        """Put what other notes mark in the place of some marks, so that no place teaches what stands in it, nor the reverse."""
        if rng.random() > NOTES_SWAPPED:
            return text, spans
        known: dict[str, str] = {}
        edits: list[Edit] = []
        for start, end, label in spans:
            piece = text[start:end]
            if piece not in known:
                pool = self._mentions.get((label, _looks(piece)), ()) if rng.random() < MARKS_SWAPPED else ()
                known[piece] = _as_written(rng.choice(pool), piece) if pool else piece
            if known[piece] != piece:
                edits.append((start, end, known[piece]))
        return edited(text, spans, edits)


def tokenised(text: str, spans: list[Span]) -> Marked:
    """Put blanks around every mark, as texts stand that a program has cut into words: 5 - HT ( 2 ) , Ca ( 2 + )."""
    edits: list[Edit] = []
    for place, sign in enumerate(text):
        if sign.isalnum() or sign.isspace():
            continue
        if place and not text[place - 1].isspace():
            edits.append((place, place, " "))
        if text[place + 1 : place + 2].isalnum():
            edits.append((place + 1, place + 1, " "))
    return edited(text, spans, edits)


def _looks(mention: str) -> str:
    """Tell what may stand in the same place: nothing but digits, some digits, capitals or small letters, an article first."""
    first = mention.split(maxsplit=1)[0].lower()
    digits = "digits" if not any(map(str.isalpha, mention)) else "mixed" if any(map(str.isdigit, mention)) else "words"
    return f"{digits} {len(mention) > LONG} {first if first in ARTICLES else ''}"


def _as_written(mention: str, like: str) -> str:
    """Write a mention as another stands: all in small letters, or in capitals."""
    return mention.lower() if like.islower() else mention.upper() if like.isupper() and len(like) > ACRONYM else mention


def written(language: str, folder: Path = FOLDER) -> list[Marked]:
    """Read all written notes of a language. Raises: ValueError that names file and line for a mark that is none."""
    paths = sorted((folder / language).glob("*.txt"))
    return [note for path in paths for note in notes_of(path.read_text("utf-8"), path.name)]


def notes_of(source: str, name: str) -> Iterator[Marked]:
    """Cut a file into notes, and take the marks out of them."""
    line = 1
    for block in re.split(r"(?m)^====[ \t]*$", source):
        if block.strip():
            blank = len(block) - len(block.lstrip("\n"))
            yield _marked(block.strip("\n"), f"{name}: note at line {line + blank}")
        line += block.count("\n")


def _marked(raw: str, where: str) -> Marked:
    parts: list[str] = []
    spans: list[Span] = []
    last = size = 0
    for mark in _MARK.finditer(raw):
        if mark[1] not in LABELS:
            raise ValueError(f"{where}: unknown mark {mark[1]}")
        parts += [raw[last : mark.start()], mark[2]]
        start = size + mark.start() - last
        size = start + len(mark[2])
        spans.append((start, size, LABELS[mark[1]]))
        last = mark.end()
    text = "".join([*parts, raw[last:]])
    if _OPEN.search(text):
        raise ValueError(f"{where}: a mark that does not close on its line, or marks inside of marks")
    return text, spans


def redrawn(text: str, spans: list[Span], rng: Random, language: str) -> tuple[str, list[Span]]:
    """Draw what stands in marks anew: numbers, months, and here and there the words of places; alike in one note."""
    source, known = pools(language), dict[str, str]()
    places = rng.random() < 0.6
    edits: list[Edit] = []
    for start, end, label in spans:
        piece = text[start:end]
        if label in NUMBERED and rng.random() < 0.8:
            for found in _NUMBER.finditer(piece):
                new = _of_date(found[0], rng) if label in ("DATE", "YEAR") else _number(found[0], rng)
                edits.append((start + found.start(), start + found.end(), known.setdefault(label[0] + found[0], new)))
        for found in _WORD.finditer(piece):
            new = _word(found[0], label, source, rng, language, places=places)
            if new != found[0]:
                edits.append((start + found.start(), start + found.end(), known.setdefault(found[0], new)))
    edits = sorted((start, end, new) for start, end, new in edits if text[start:end] != new)
    return edited(text, spans, edits)


def _number(written_as: str, rng: Random) -> str:
    """Draw as many digits; a first that is not 0 stays so."""
    first = written_as[0] if written_as[0] == "0" else str(rng.randint(1, 9))
    return first + shaped("9" * (len(written_as) - 1), rng)


def _of_date(written_as: str, rng: Random) -> str:
    """Draw a number that can stand where this one did."""
    value, digits = int(written_as), len(written_as)
    if digits == 4 and 1880 <= value <= 2060:
        return str(rng.randint(value - 8, value + 4))
    if digits > 2:
        return written_as
    low, high = (1, 12) if value <= 12 else (13, 28) if value <= 31 else (32, 99)
    return str(rng.randint(low, high)).zfill(digits if written_as[0] == "0" or digits == 2 else 1)


def _word(word: str, label: str, source: Pools, rng: Random, language: str, *, places: bool) -> str:
    if label == "DATE":
        months = MONTHS[language].split()
        wanted = [month for month in months if month.casefold().startswith(word.casefold())]
        if len(wanted) != 1 or rng.random() < 0.3:
            return word
        return cased(rng.choice(months)[: len(word) if len(word) < len(wanted[0]) else None].lower(), word)
    if label in PLACED and places and word[0].isupper() and source.is_proper(word.lower()) and rng.random() < 0.6:
        pool = source.cities if rng.random() < 0.5 else source.names[rng.randrange(4)]
        return cased(source.draw(pool, rng).lower(), word)
    return word

"""Clinical notes with known identifiers, written from templates: for the demo, tests, and training of the notes model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from bailee.core.errors import UserError
from bailee.synthetic.grammar import Grammar, Span, template_files
from bailee.synthetic.story import Cast, Story, slots
from bailee.synthetic.wear import worn

LANGUAGES = ("en", "es", "fr", "de")
LABELS = ("NAME", "DATE", "AGE", "LOCATION", "ID", "CONTACT", "FACILITY", "ORGANIZATION", "OTHER")
EXTRA_LABELS = ("AGE_UNDER_90", "COUNTRY", "YEAR", "WEEKDAY", "TIME", "DEPARTMENT")

_CHARTED = {
    "mrn.value": 0.9,
    "ssn": 0.95,
    "phone": 0.6,
    "email": 0.5,
    "address": 0.7,
    "street": 0.6,
    "city": 0.4,
    "zip": 0.7,
    "hospital": 0.75,
    "organization": 0.4,
}


@dataclass(frozen=True, repr=False)
class Note:
    """A note. `spans` are (start, end, label) in code points, in order, apart; EXTRA_LABELS are neither gold nor negative."""

    text: str
    spans: tuple[Span, ...]
    kind: str
    language: str = "en"

    def __repr__(self) -> str:
        return f"Note({self.kind}, {len(self.text)} characters, {len(self.spans)} spans)"

    def gold(self) -> list[Span]:
        """Give the spans that must be found."""
        return [span for span in self.spans if span[2] in LABELS]


@cache
def grammar(language: str) -> Grammar:
    """Read and compile the templates of a language, once. Raises: UserError for a language that has none."""
    if language not in LANGUAGES:
        raise UserError("no synthetic notes in that language", remedy=f"Use one of {', '.join(LANGUAGES)}.")
    return Grammar(template_files(language), slots(language), charted=_CHARTED)


def kinds(language: str = "en") -> list[str]:
    """List the kinds of note that a language has."""
    return [name.removeprefix("note.") for name in grammar(language).names("note.")]


def note(
    rng: Random, *, language: str = "en", kind: str = "", members: Cast | None = None, difficulty: float = 0.5
) -> Note:
    """Write one note. `difficulty` (0 to 1) is the share of notes that wear: case, typos, scanning, layout, Unicode."""
    rules = grammar(language)
    chosen = kind or rng.choice(kinds_weighted(language))
    story = Story(rng, language, members)
    rules.write(f"note.{chosen}", story)
    text, spans = worn(story.text(), story.spans, rng, difficulty)
    return Note(text, tuple(spans), chosen, language)


def notes(count: int, *, seed: int, language: str = "en", difficulty: float = 0.5, start: int = 0) -> Iterator[Note]:
    """Write notes, reproducibly: note i depends on seed, language, difficulty and i alone.

    Cost: about a millisecond a note; memory for one.
    """
    for position in range(start, start + count):
        rng = Random(f"{seed}/{language}/{position}")  # noqa: S311  # text, not keys
        yield note(rng, language=language, difficulty=difficulty)


@cache
def kinds_weighted(language: str) -> tuple[str, ...]:
    """List the kinds, each as often as it has templates, so that a rich kind is met more often."""
    rules = grammar(language)
    return tuple(kind for kind in kinds(language) for _ in range(min(8, rules.size(f"note.{kind}"))))

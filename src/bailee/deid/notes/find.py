"""Finding identifiers in notes: all finders over one batch, fused. It replaces nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import UserError
from bailee.deid.notes import edges, fusion, match, model
from bailee.deid.notes.found import (
    CHARTS,
    DATE,
    FACILITY,
    FAIR,
    LOCATION,
    MODEL,
    NAME,
    ORGANIZATION,
    PATTERNS,
    SECOND,
    SPREAD,
    STRANGERS,
    SURE,
    WEAK,
    Found,
    Spans,
    found_from_spans,
)
from bailee.deid.notes.languages import LANGUAGES, UNSUPPORTED, languages
from bailee.deid.notes.lexicon import Masks, lexicon
from bailee.deid.notes.patterns.find import scan as scan_patterns
from bailee.deid.notes.text import WORD, Text, among

if TYPE_CHECKING:
    from bailee.deid.notes.chart.charts import Charts

STRANGE: Final = 6
PLACED: Final = 2.0  # nats that rules for places are trusted more than those for names
SURELY: Final = 3
DOUBTLESS: Final = 9  # nats: what is found in one place of a note is looked for in the others only from here on
QUIET: Final = 150  # tokens: a note with fewer finds beyond doubt than one in so many is a quiet one
IMPLAUSIBLE: Final = -3  # nats: what the model rules out is no stranger either
LIKELY: Final = 1.0  # nats: beyond this a guess is not taken back by what only may be clinical language
CERTAIN: Final = 2.5  # nats: what the model is so sure of is a person, though it looks like clinical language
INITIALS: Final = 4.0  # nats that two or three capitals need beyond what a name of the chart that is a word needs

SecondOpinion = Callable[[Text], Spans]


@dataclass(frozen=True, kw_only=True)
class Point:
    """An operating point. `lean` is how much likelier identifiers are taken to be, by `more` in one language or another;
    `least` is the weakest find used.

    A rule's name or place counts only if the model holds some word of it at least `doubt` nats above nothing, where words
    that are neither ordinary nor clinical have STRANGE nats in their favour. A rule's weak date counts where the model comes
    so near, or over: `hunch` nats above nothing. A guess without a word that could be a name or a place needs `idle` nats;
    a word that is a name of the chart, and of the language too, `known` nats, its initials INITIALS more.
    """

    lean: model.Lean
    least: int
    more: Mapping[str, float] = field(default_factory=dict)
    doubt: float = 1.0
    faint: float = 3.0
    hunch: float = 1.2
    idle: float = 0.0
    known: float = -3.0
    strangers: bool = False


POINTS: Final = {
    "strict": Point(
        lean=model.Lean(3.0, 1.0, 2.5), least=WEAK, doubt=-6.0, faint=-9.0, idle=-9.0, known=-6.0, strangers=True
    ),
    "balanced": Point(lean=model.Lean(1.8, -3.0, 1.1), least=FAIR, more={"en": 0.2, "es": -0.4, "fr": 0.1, "de": 0.3}),
    "readable": Point(lean=model.Lean(-1.0, -2.0, -1.0), least=SURE, hunch=3.0, known=0.0),
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Finders:
    """What looks, and how hard. `without` leaves out the finders of a mask (found.PATTERNS and its like)."""

    point: Point
    charts: Charts | None = None
    second: SecondOpinion | None = None
    weights: model.Weights | None = None
    without: int = 0
    asked: frozenset[str] = frozenset()
    name: str = "balanced"

    def has(self, finder: int) -> bool:
        """Whether a finder takes part."""
        return not self.without & finder


def find(
    texts: Any,
    *,
    charts: Charts | None = None,
    chart_of: npt.NDArray[np.int32] | None = None,
    language: str | None = None,
    operating_point: str = "balanced",
    second: SecondOpinion | None = None,
    weights: model.Weights | None = None,
    asked: frozenset[str] = frozenset(),
    without: int = 0,
) -> Found:
    """Find what identifies people in each note.

    A note whose language is not supported is searched as if it were English, and its `language` in the answer is -1: a
    caller that promises anything withholds it. `asked` adds what only some profiles want (`ages`, `weekdays`, `relative`);
    `without` leaves finders out, to measure what each adds.

    Shape: texts: string or large_string array; chart_of int32[notes], the chart of each note or -1.
    Units: spans are code points of the notes as given.
    Raises: UserError for an operating point or a language that there is not; Invalid for a batch of 2 GB and more.
    Cost: linear in the bytes of the batch.
    """
    finders = Finders(
        point=operating(operating_point), charts=charts, second=second, weights=weights, without=without, asked=asked,
        name=operating_point,
    )  # fmt: skip
    text = Text(texts)
    spoken = languages(text, language)
    present = np.unique(np.maximum(spoken, 0)).tolist()
    if len(present) <= 1:
        return _find(text, finders, chart_of, LANGUAGES[present[0]] if present else "en", spoken)
    parts = []
    for number in present:
        notes = np.flatnonzero(np.maximum(spoken, 0) == number)
        part = Text(_taken(texts, notes))
        own = None if chart_of is None else np.ascontiguousarray(chart_of[notes])
        parts.append((notes, _find(part, finders, own, LANGUAGES[number], spoken[notes])))
    return _merged(parts, spoken)


def operating(name: str) -> Point:
    """Give an operating point by name. Raises: UserError if there is none such."""
    if name not in POINTS:
        raise UserError("no such operating point", remedy=f"Use one of {', '.join(POINTS)}.")
    return POINTS[name]


def _find(
    text: Text, finders: Finders, chart_of: npt.NDArray[np.int32] | None, language: str, spoken: npt.NDArray[np.int8]
) -> Found:
    """Run all finders over notes of one language: the surer a finder, the later it paints."""
    masks = lexicon().of(text)
    canvas = fusion.Canvas.blank(text)
    if finders.second is not None and finders.has(SECOND):
        canvas.paint(finders.second(text), SECOND)
    scan = scan_patterns(text, language, asked=finders.asked, masks=masks) if finders.has(PATTERNS) else None
    tags = None
    if finders.has(MODEL):
        learnt = finders.weights or model.weights()
        said = None if scan is None else scan.said(text.tokens)
        tags = model.tag(
            text, masks, learnt, lean=finders.point.lean.by(finders.point.more.get(language, 0)), said=said
        )
        guessed = model.spans_from_states(text, edges.trimmed(text.tokens, masks, tags, learnt.card.unit))
        best = canvas.highest(guessed, tags.margin)
        certain = best > CERTAIN * 256
        clinical = fusion.eponyms(canvas, masks, guessed)
        if scan is not None:
            # a part of a name stays, though the part alone would be clinical language: Cedar Hollow Family Practice
            clinical |= canvas.within(guessed, scan.kept.take(scan.kept.strength == SURE))
            # 4/15 may be a score or a day: where the rule is not sure, the model decides
            likely = (best > LIKELY * 256) | (guessed.label == DATE) & (best > 0)
            clinical |= canvas.within(guessed, scan.kept) & ~likely
        idle = edges.plain(canvas, masks, guessed) & (best < finders.point.idle * 256)
        stray = _stray(text, guessed, best, finders.point)
        canvas.paint(guessed.take((certain | ~clinical) & ~stray & ~idle), MODEL)
    if scan is not None:
        canvas.paint(_trusted(canvas, scan.found, masks, tags, finders.point), PATTERNS)
    if finders.charts is not None and chart_of is not None and finders.has(CHARTS):
        known = match.find(text, finders.charts, chart_of, operating_point=finders.name, least=WEAK)
        canvas.paint(_believed(canvas, known, tags, finders.point), CHARTS)
    fusion.mend(canvas)
    if finders.has(SPREAD):
        fusion.spread(canvas, masks, _groups(text, chart_of), _sure(canvas, tags))
    if finders.point.strangers and finders.has(STRANGERS):
        plausible = np.ones(len(masks), bool) if tags is None else tags.margin > IMPLAUSIBLE * 256
        fusion.strangers(canvas, masks, plausible)
    edges.trim(canvas, masks)
    return found_from_spans(text, *canvas.spans(), spoken)


def _stray(text: Text, spans: Spans, best: npt.NDArray[np.int32], point: Point) -> npt.NDArray[np.bool_]:
    """Tell the faint finds in long notes where next to nothing is found beyond doubt: an abstract, a table of results.

    Shape: best[spans]: the highest margin of each span's tokens.
    """
    note = text.note_of(spans.start)
    sure = np.bincount(note[best > SURELY * 2 * 256], minlength=len(text))
    quiet = sure * QUIET < np.diff(text.tokens.first) - QUIET
    return np.asarray(quiet[note] & (best < point.faint * 256))


def _trusted(canvas: fusion.Canvas, spans: Spans, masks: Masks, tags: model.Tags | None, point: Point) -> Spans:
    """Keep the rules' finds that are strong enough; those of words also need the model not to be certain of less."""
    strong = spans.strength >= point.least
    if tags is not None:
        strong |= (spans.label == DATE) & (canvas.highest(spans, tags.margin) > point.hunch * 256)
        strange = ~fusion.usual(masks) & (canvas.tokens.kind == WORD)
        trust = tags.margin + np.where(strange, STRANGE * 256, 0)
        placed = among(spans.label, (FACILITY, LOCATION, ORGANIZATION))
        least = np.where(spans.label == NAME, point.doubt, point.doubt - PLACED) * 256
        strong &= ~((spans.label == NAME) | placed) | (canvas.highest(spans, trust) > least)
    return spans.take(strong)


def _believed(canvas: fusion.Canvas, spans: Spans, tags: model.Tags | None, point: Point) -> Spans:
    """Keep what is the chart's beyond doubt, and what might be, where the model comes near to a name."""
    kept = spans.strength == SURE
    if tags is not None:
        least = np.where(spans.strength == FAIR, point.known, point.known + INITIALS) * 256
        kept |= canvas.highest(spans, tags.margin) > least
    return spans.take(kept)


def _sure(canvas: fusion.Canvas, tags: model.Tags | None) -> npt.NDArray[np.bool_]:
    """Tell the tokens of which the model or a chart is sure; without the model, what charts and rules found."""
    if tags is None:
        return np.asarray((canvas.finder & (CHARTS | PATTERNS)) != 0)
    return np.asarray((tags.margin > DOUBTLESS * 256) | ((canvas.finder & CHARTS) != 0))


def _groups(text: Text, chart_of: npt.NDArray[np.int32] | None) -> npt.NDArray[np.int64]:
    """Number each token's patient, or its note where no patient is known."""
    own = np.arange(len(text), dtype=np.int64)
    if chart_of is not None:
        own = np.where(chart_of >= 0, chart_of.astype(np.int64) + len(text), own)
    return own[text.tokens.note]


def _taken(texts: Any, notes: npt.NDArray[np.int64]) -> Any:
    array = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return array.take(pa.Int64Array.from_buffers(pa.int64(), len(notes), [None, pa.py_buffer(notes.astype(np.int64))]))


def _merged(parts: list[tuple[npt.NDArray[np.int64], Found]], spoken: npt.NDArray[np.int8]) -> Found:
    """Put answers for parts of a batch back into the order of its notes."""
    note = np.concatenate([notes[found.note] for notes, found in parts])
    order = np.argsort(note, kind="stable")

    def column(name: str) -> Any:
        return np.concatenate([getattr(found, name) for _, found in parts])[order]

    return Found(
        note[order].astype(np.int32), column("start"), column("end"), column("label"), column("finder"), spoken
    )


def unsupported(found: Found) -> npt.NDArray[np.bool_]:
    """Tell the notes whose language is not supported: they are withheld where everything must be found."""
    return np.asarray(found.language == UNSUPPORTED)

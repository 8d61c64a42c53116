"""Finding identifiers in notes: all finders over one batch, fused. It replaces nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.core.errors import UserError
from bailee.deid.notes import fusion, model
from bailee.deid.notes.found import CHARTS, FAIR, MODEL, PATTERNS, SECOND, SPREAD, STRANGERS, SURE, WEAK, Found, Spans
from bailee.deid.notes.languages import languages
from bailee.deid.notes.lexicon import Masks, lexicon
from bailee.deid.notes.text import Text

SecondOpinion = Callable[[Text], Spans]


@dataclass(frozen=True, kw_only=True)
class Point:
    """An operating point. `lean` is how much likelier identifiers are taken to be, in nats; `least` the weakest find used."""

    lean: float
    least: int
    strangers: bool = False


POINTS: Final = {
    "strict": Point(lean=3.0, least=WEAK, strangers=True),
    "balanced": Point(lean=1.0, least=FAIR),
    "readable": Point(lean=-1.0, least=SURE),
}


def find(
    texts: Any,
    *,
    charts: Any = None,
    chart_of: npt.NDArray[np.int32] | None = None,
    language: str | None = None,
    operating_point: str = "balanced",
    second: SecondOpinion | None = None,
    without: int = 0,
    weights: model.Weights | None = None,
) -> Found:
    """Find what identifies people in each note.

    Shape: texts: string or large_string array; chart_of int32[notes], the chart of each note or -1. `without` leaves out
    the finders of a mask (see found.PATTERNS and its like), to measure what each adds.
    Units: spans are code points of the notes as given.
    Raises: UserError for an operating point or a language that there is not; Invalid for a batch of 2 GB and more.
    Cost: linear in the bytes of the batch.
    """
    return find_in(
        Text(texts), charts=charts, chart_of=chart_of, language=language, operating_point=operating_point, second=second,
        without=without, weights=weights,
    )  # fmt: skip


def find_in(
    text: Text,
    *,
    charts: Any = None,
    chart_of: npt.NDArray[np.int32] | None = None,
    language: str | None = None,
    operating_point: str = "balanced",
    second: SecondOpinion | None = None,
    without: int = 0,
    weights: model.Weights | None = None,
) -> Found:
    """Find as `find` does, in notes that are folded already."""
    point = operating(operating_point)
    spoken = languages(text, language)
    masks = lexicon().of(text)
    canvas = fusion.Canvas.blank(text)
    if second is not None and not without & SECOND:
        canvas.paint(second(text), SECOND)
    if not without & MODEL:
        canvas.paint(model.find(text, masks, lean=point.lean, model=weights), MODEL)
    if not without & PATTERNS:
        _paint_patterns(canvas, text, masks, spoken, point)
    if charts is not None and chart_of is not None and not without & CHARTS:
        from bailee.deid.notes import match

        canvas.paint(match.find(text, charts, chart_of, operating_point=operating_point), CHARTS)
    fusion.mend(canvas)
    if not without & SPREAD:
        fusion.spread(canvas, masks, _groups(text, chart_of))
    if point.strangers and not without & STRANGERS:
        fusion.strangers(canvas, masks)
    spans, finder = canvas.spans()
    note = text.note_of(spans.start)
    start, end = text.points(note, spans.start, spans.end)
    return Found(note, start, end, spans.label, finder, spoken)


def operating(name: str) -> Point:
    """Give an operating point by name. Raises: UserError if there is none such."""
    if name not in POINTS:
        raise UserError("no such operating point", remedy=f"Use one of {', '.join(POINTS)}.")
    return POINTS[name]


def _paint_patterns(
    canvas: fusion.Canvas, text: Text, masks: Masks, spoken: npt.NDArray[np.int8], point: Point
) -> None:
    from bailee.deid.notes import patterns

    spans = patterns.find(text, masks, spoken)
    canvas.paint(spans.take(spans.strength >= point.least), PATTERNS)


def _groups(text: Text, chart_of: npt.NDArray[np.int32] | None) -> npt.NDArray[np.int64]:
    """Number each token's patient, or its note where no patient is known."""
    own = np.arange(len(text), dtype=np.int64)
    if chart_of is not None:
        own = np.where(chart_of >= 0, chart_of.astype(np.int64) + len(text), own)
    return own[text.tokens.note]

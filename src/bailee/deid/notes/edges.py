"""Where finds begin and end: what the model drew in beside a name, the end of a sentence, titles and kin at the edges."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from bailee.deid.notes.found import CHARTS, FACILITY, LABELS, LOCATION, NAME, ORGANIZATION, Spans
from bailee.deid.notes.fusion import NONE, Canvas, one_after, one_before
from bailee.deid.notes.lexica.categories import CLINICAL, COMMON, Category
from bailee.deid.notes.lexicon import Masks
from bailee.deid.notes.model import LABEL_OF_STATE, OUTSIDE, Tags
from bailee.deid.notes.text import ALL_LOWER, BREAK, MARK, NUMBER, ONE_LOWER, WORD, Tokens, among, hash_words

Flags = npt.NDArray[np.bool_]

DRAWN_IN: Final = -2.0  # nats: a word below is in a span for its neighbours' sake
NEXT_SENTENCE: Final = 3.0  # nats: what a word after a full stop needs to belong to the name before it
_PLAIN: Final = np.uint64(int(COMMON | CLINICAL | Category.FUNCTION | Category.CREDENTIAL))
_BORNE: Final = np.uint64(int(Category.GIVEN | Category.FAMILY | Category.NICKNAME | Category.PARTICLE | Category.CITY))
_SHORTENED: Final = np.uint64(int(Category.TITLE | Category.CREDENTIAL | Category.PARTICLE))
_JOINT: Final = np.uint64(int(Category.FUNCTION))
_PARTICLE: Final = np.uint64(int(Category.PARTICLE))
_ADDRESS: Final = np.uint64(int(Category.TITLE | Category.KIN))
_NAMED: Final = np.uint64(int(Category.GIVEN | Category.GIVEN_RARE | Category.FAMILY | Category.FAMILY_RARE))
_S: Final = hash_words(["s"])[0]
_WORDY: Final = (NAME, LOCATION, FACILITY, ORGANIZATION)


def trimmed(tokens: Tokens, masks: Masks, tags: Tags, unit: int) -> npt.NDArray[np.int8]:
    """Give the states without the words at a span's edges that the model itself holds for nothing.

    The best path draws ordinary words into a name beside them (`daughter Solveig had called`). A span of such words only
    is left as it is.

    Shape: int8[tokens]. Units: `unit` parts make a nat of the margins.
    """
    label = LABEL_OF_STATE[tags.state]
    loose = _loose(tokens, masks, label, tags.margin.astype(np.int32), unit)
    span = np.cumsum(_opens(tokens, tags.state, label)) - 1
    place = np.arange(len(label))
    anchors = place[(label >= 0) & ~loose]
    count = int(span[-1]) + 1 if len(span) else 0
    first, last = np.full(count, len(label)), np.full(count, -1)
    np.minimum.at(first, span[anchors], anchors)
    np.maximum.at(last, span[anchors], anchors)
    cut = loose & ((place < first[span]) | (place > last[span])) & (last[span] >= 0)
    return np.where(cut, np.int8(OUTSIDE), tags.state)


def _loose(
    tokens: Tokens, masks: Masks, label: npt.NDArray[np.int8], margin: npt.NDArray[np.int32], unit: int
) -> Flags:
    """Tell the tokens that may go where they stand at an edge."""
    word, plain = tokens.kind == WORD, ((masks & _PLAIN) != 0) & ((masks & _BORNE) == 0)
    wordy, number = among(label, _WORDY), tokens.kind == NUMBER
    glued = np.zeros(len(label), bool)
    glued[1:] = tokens.start[1:] == tokens.end[:-1]
    lower = word & plain & ((tokens.shape == ALL_LOWER) | (tokens.shape == ONE_LOWER) & ~glued)
    # an age or a pregnancy that is written beside the name: `Baek 34F G2P1`
    counted = np.zeros(len(label), bool)
    counted[:-1] |= number[:-1] & glued[1:] & word[1:]
    counted[1:] |= number[:-1] & glued[1:] & word[1:]
    counted &= label == NAME
    after_stop = np.zeros(len(label), bool)
    after_stop[2:] = _full_stop(tokens, masks)[1:-1] & word[2:]
    low = (margin < DRAWN_IN * unit) & (lower | counted)
    next_one = (margin < NEXT_SENTENCE * unit) & after_stop & plain & ((masks & _JOINT) == 0)
    return np.asarray(wordy & (low | next_one | (tokens.kind == MARK)))


def _full_stop(tokens: Tokens, masks: Masks) -> Flags:
    """Tell the points that end a sentence: after a word of three letters that is no abbreviation, and before a blank."""
    out = np.zeros(len(tokens), bool)
    word = (tokens.kind == WORD) & (tokens.end - tokens.start > 2) & ((masks & _SHORTENED) == 0)
    point = (tokens.kind == MARK) & (tokens.shape == ord("."))
    out[1:-1] = word[:-2] & point[1:-1] & (tokens.end[1:-1] < tokens.start[2:]) & (tokens.kind[2:] != BREAK)
    return out


def _opens(tokens: Tokens, state: npt.NDArray[np.int8], label: npt.NDArray[np.int8]) -> Flags:
    """Tell where a span, or what lies between two, begins."""
    out = np.ones(len(label), bool)
    out[1:] = (label[1:] != label[:-1]) | (tokens.note[1:] != tokens.note[:-1]) | (state[1:] > len(LABELS))
    return out


def trim(canvas: Canvas, masks: Masks) -> None:
    """Take from names and places what is none of theirs: titles, kin and small words at the edges, the s of a possessive.

    A span keeps its last word; particles stay (de la Cruz), and so does whatever a chart or two finders agree is a name.
    """
    tokens, label = canvas.tokens, canvas.label
    word, long = tokens.kind == WORD, tokens.end - tokens.start > 1
    placed, named = among(label, (LOCATION, FACILITY, ORGANIZATION)), label == NAME
    nobody = word & long & ((masks & _NAMED) == 0) & ((canvas.finder & CHARTS) == 0)
    function = nobody & ((masks & _JOINT) != 0) & ((masks & _PARTICLE) == 0) & (tokens.shape == ALL_LOWER)
    loose = function & (placed | named) | nobody & named & ((masks & _ADDRESS) != 0)
    point = (tokens.kind == MARK) & among(tokens.shape, b".,:") & (named | placed)
    owner = (
        named & word & (tokens.hash == _S) & (tokens.shape == ONE_LOWER) & one_before(tokens.shape == ord("'"), False)
    )
    for _ in range(3):
        same = np.zeros(len(label), bool)
        same[1:] = (label[1:] == label[:-1]) & (tokens.note[1:] == tokens.note[:-1])
        opens, closes = ~same, ~one_after(same, False)
        first, last = (
            opens & ~closes & one_before(label == NONE, True),
            closes & ~opens & one_after(label == NONE, True),
        )
        _cut(canvas, first & (loose | point), 1)
        _cut(canvas, last & (function & (placed | named) | owner), 0)


def _cut(canvas: Canvas, goes: Flags, step: int) -> None:
    places = np.flatnonzero(goes)
    canvas.label[places] = NONE
    canvas.finder[places] = 0
    if step:
        canvas.begins[np.minimum(places + 1, len(goes) - 1)] = True


def plain(canvas: Canvas, masks: Masks, spans: Spans) -> Flags:
    """Tell the names and places that hold no word which could be one: ordinary and clinical words, numbers, letters.

    Shape: bool[spans].
    """
    tokens = canvas.tokens
    may_name = (tokens.kind == WORD) & (tokens.end - tokens.start > 1)
    may_name &= ((masks & _PLAIN) == 0) | ((masks & _BORNE) != 0)
    wordy = among(spans.label, _WORDY)
    return np.asarray(wordy & (canvas.highest(spans, may_name.astype(np.int32)) < 1))

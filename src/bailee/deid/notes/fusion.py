"""One answer from several finders: who wins where they differ, spans mended to whole words, names spread over a note."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.deid.notes.found import (
    CHARTS,
    CONTACT,
    DATE,
    FACILITY,
    ID,
    LOCATION,
    NAME,
    ORGANIZATION,
    PATTERNS,
    SPREAD,
    STRANGERS,
    Spans,
)
from bailee.deid.notes.lexica.categories import CLINICAL, COMMON, Category
from bailee.deid.notes.lexicon import Masks, codes, lexicon_from_hashes
from bailee.deid.notes.text import (
    ALL_LOWER,
    ALL_UPPER,
    BREAK,
    CAPITALISED,
    MARK,
    MIXED_CASE,
    NUMBER,
    ONE_LOWER,
    ONE_UPPER,
    WORD,
    Text,
    Tokens,
    among,
)  # fmt: skip

Flags = npt.NDArray[np.bool_]

NONE: Final = -1
_COMMON: Final = np.uint64(int(COMMON | Category.FUNCTION))
_SAFE: Final = np.uint64(int(
    COMMON | CLINICAL | Category.FUNCTION | Category.NUMBER | Category.MONTH | Category.WEEKDAY | Category.ROLE | Category.KIN
    | Category.TITLE | Category.CREDENTIAL | Category.UNIT | Category.EPONYM_HEAD | Category.PROFESSION | Category.KNOWN_EN
    | Category.COUNTRY | Category.DEMONYM | Category.STREET_AFTER | Category.FACILITY | Category.ORGANIZATION | Category.HOLIDAY
))  # fmt: skip
_USUAL: Final = np.uint64(int(COMMON | CLINICAL | Category.FUNCTION))
_CAPITALS: Final = (CAPITALISED, ALL_UPPER, MIXED_CASE)
_NAMES: Final = np.uint64(
    int(Category.GIVEN | Category.GIVEN_RARE | Category.FAMILY | Category.FAMILY_RARE | Category.CITY)
)
_HEAD: Final = np.uint64(int(Category.EPONYM_HEAD))
_JOINT: Final = np.uint64(int(Category.FUNCTION | Category.PARTICLE))
_NOT_NAME: Final = np.uint64(
    int(Category.TITLE | Category.CREDENTIAL | Category.PARTICLE | Category.FUNCTION | Category.ROLE | Category.MONTH)
)


@dataclass(repr=False)
class Canvas:
    """Tokens as they are being labelled. Invariant: one entry a token."""

    tokens: Tokens
    label: npt.NDArray[np.int8]
    finder: npt.NDArray[np.int32]
    begins: Flags

    @staticmethod
    def blank(text: Text) -> Canvas:
        """Start with nothing labelled."""
        size = len(text.tokens)
        return Canvas(text.tokens, np.full(size, NONE, np.int8), np.zeros(size, np.int32), np.zeros(size, bool))

    def paint(self, spans: Spans, finder: int) -> None:
        """Label every token that a span touches. Spans painted later win; every finder that agrees is remembered."""
        where, first, sizes = self.touched(spans)
        self.label[where] = np.repeat(spans.label, sizes)
        self.finder[where] |= finder
        self.begins[where] = False
        self.begins[first[sizes > 0]] = True

    def within(self, spans: Spans, others: Spans) -> Flags:
        """Tell which spans lie wholly in tokens that other spans touch."""
        free = np.ones(len(self.label), np.int32)
        free[self.touched(others)[0]] = 0
        return self.highest(spans, free) < 1

    def edges(self, spans: Spans) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Give the token before each span and the one after it, or the span's own where its note ends."""
        _, first, sizes = self.touched(spans)
        last = first + np.maximum(sizes, 1)
        low, high = self.tokens.first[:-1], self.tokens.first[1:]
        note = np.searchsorted(high, first, side="right").clip(0, max(len(high) - 1, 0))
        return np.maximum(first - 1, low[note]), np.minimum(last, high[note] - 1)

    def highest(self, spans: Spans, value: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.int32]:
        """Give the highest value of each span's tokens; of a span that touches none, the lowest there is."""
        where, _, sizes = self.touched(spans)
        out = np.full(len(spans), np.iinfo(np.int32).min, np.int32)
        some = np.flatnonzero(sizes)
        if len(some):
            begins = np.concatenate(([0], np.cumsum(sizes[some])[:-1]))
            out[some] = np.maximum.reduceat(value[where], begins)
        return out

    def touched(self, spans: Spans) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Give every token that a span touches, span after span, with each span's first token and their number."""
        return self.tokens.all_touched(spans.start, spans.end)

    def spread(self, which: Flags, label: Any, finder: int) -> None:
        """Label tokens one by one, where nothing was yet."""
        chosen = np.flatnonzero(which & (self.label == NONE))
        self.label[chosen] = label if np.isscalar(label) else label[chosen]
        self.finder[chosen] |= finder

    def spans(self) -> tuple[Spans, npt.NDArray[np.int32]]:
        """Give what is labelled as spans in order, with the finders of each."""
        inside = (self.label != NONE) & (self.tokens.kind != BREAK)
        new = np.ones(len(inside), bool)
        note = self.tokens.note
        new[1:] = (self.label[1:] != self.label[:-1]) | ~inside[:-1] | (note[1:] != note[:-1]) | self.begins[1:]
        first = np.flatnonzero(inside & new)
        last = np.ones(len(inside), bool)
        last[:-1] = new[1:] | ~inside[1:]
        ends = np.flatnonzero(inside & last)
        finder = np.bitwise_or.reduceat(self.finder, first) if len(first) else np.zeros(0, np.int32)
        if len(first):
            finder = finder & np.int32(0xFFFF)
        spans = Spans.of(self.tokens.start[first], self.tokens.end[ends], self.label[first])
        return spans, finder.astype(np.int32)


def one_before(flags: npt.NDArray[Any], fill: Any) -> npt.NDArray[Any]:
    """See, at each token, the value of the one before it."""
    out = np.empty_like(flags)
    out[:1], out[1:] = fill, flags[:-1]
    return out


def one_after(flags: npt.NDArray[Any], fill: Any) -> npt.NDArray[Any]:
    """See, at each token, the value of the one after it."""
    out = np.empty_like(flags)
    out[-1:], out[:-1] = fill, flags[1:]
    return out


def _touching(tokens: Tokens) -> Flags:
    """Whether a token follows the one before it, of the same note, without a blank."""
    out = np.zeros(len(tokens), bool)
    out[1:] = tokens.start[1:] == tokens.end[:-1]
    out[_opening(tokens)] = False
    return out


def _opening(tokens: Tokens) -> npt.NDArray[np.int64]:
    """Give the first token of each note that has any."""
    first = tokens.first[:-1]
    return first[first < tokens.first[1:]]


def _closing(tokens: Tokens) -> npt.NDArray[np.int64]:
    """Give the last token of each note that has any."""
    return tokens.first[1:][tokens.first[:-1] < tokens.first[1:]] - 1


def mend(canvas: Canvas) -> None:
    """Stretch spans over the rest of the word or number that they cut: hyphens, apostrophes, initials, groups of digits."""
    tokens = canvas.tokens
    if len(tokens) < 2:
        return
    touching = _touching(tokens)
    solid = (tokens.kind == WORD) | (tokens.kind == NUMBER)
    mark = tokens.kind == MARK
    joint = mark & among(tokens.shape, b"-'") & touching & one_after(touching, False)
    wide = mark & among(tokens.shape, b"-._@") & touching & one_after(touching, False)
    number_like = among(canvas.label, (ID, CONTACT))
    named = canvas.label == NAME
    for _ in range(3):
        _stretch(
            canvas,
            number_like,
            touching
            & ((solid & one_before(solid | wide, False)) | (wide & one_before(solid, False) & one_after(solid, False))),
            wide & one_before(solid, False) & one_after(solid, False),
        )
        _stretch(
            canvas,
            named,
            np.zeros(len(tokens), bool),
            joint & _long_after(tokens) & one_before(tokens.kind == WORD, False),
        )
        number_like, named = among(canvas.label, (ID, CONTACT)), canvas.label == NAME
    _take_initials(canvas)
    _fill(canvas)


def _take_initials(canvas: Canvas) -> None:
    """Label capital letters with a point that stand before a name."""
    tokens, label = canvas.tokens, canvas.label
    point = (tokens.kind == MARK) & (tokens.shape == ord(".")) & _touching(tokens)
    for _ in range(2):
        named = (label == NAME) & (tokens.kind == WORD)
        initial = (tokens.kind == WORD) & (tokens.shape == ONE_UPPER) & (label == NONE)
        initial &= one_after(point, False) & one_after(one_after(named, False), False)
        initial[:-2] &= tokens.note[:-2] == tokens.note[2:]
        places = np.flatnonzero(initial)
        for step in (0, 1):
            label[places + step] = NAME
            canvas.finder[places + step] |= canvas.finder[places + 2]
        canvas.begins[places] = True
        canvas.begins[places + 2] = False


def _long_after(tokens: Tokens) -> Flags:
    """Whether the next token is a word of more than one letter (the s of a possessive is none)."""
    long = (tokens.kind == WORD) & (tokens.end - tokens.start > 1)
    return one_after(long, False)


def _stretch(canvas: Canvas, chosen: Flags, glued: Flags, joint: Flags) -> None:
    """Label the neighbour that is glued to, or joined by a mark to, a chosen token."""
    free = canvas.label == NONE
    forward = free & glued & one_before(chosen, False)
    backward = free & chosen_after(chosen, glued)
    ahead = joint & free & one_before(chosen, False)
    behind = joint & free & one_after(chosen, False)
    for where, source in ((forward, -1), (backward, 1), (ahead, -1), (behind, 1)):
        places = np.flatnonzero(where)
        canvas.label[places] = canvas.label[places + source]
        canvas.finder[places] |= canvas.finder[places + source]
    for where, step in ((ahead, 1), (behind, -1)):
        places = np.flatnonzero(where) + step
        places = places[canvas.label[places] == NONE]
        canvas.label[places] = canvas.label[places - step]
        canvas.finder[places] |= canvas.finder[places - step]
    starts = backward | behind
    canvas.begins[np.flatnonzero(starts) + 1] = False


def chosen_after(chosen: Flags, glued: Flags) -> Flags:
    """Whether the next token is chosen and glued to this one."""
    return one_after(chosen & glued, False)


def _fill(canvas: Canvas) -> None:
    """Join spans of one label over a point, a hyphen, an apostrophe or a lone initial between them."""
    tokens, label = canvas.tokens, canvas.label
    small = ((tokens.kind == MARK) & among(tokens.shape, b".-'/@_+")) | among(tokens.shape, (ONE_UPPER, ONE_LOWER)) & (
        tokens.kind == WORD
    ) & (one_before(label, NONE) == NAME)
    inside = (
        (label == NONE)
        & small
        & (one_before(label, NONE) == one_after(label, NONE))
        & (one_before(label, NONE) != NONE)
    )
    inside[_opening(tokens)] = inside[_closing(tokens)] = False
    places = np.flatnonzero(inside)
    label[places] = label[places - 1]
    canvas.finder[places] |= canvas.finder[places - 1]
    together = places[among(label[places], (ID, CONTACT, DATE, NAME)) & (places + 1 < len(label))]
    canvas.begins[together + 1] = False


def ordinary(masks: Masks) -> Flags:
    """Tell the words that are words of a language."""
    return np.asarray((masks & _COMMON) != 0)


def usual(masks: Masks) -> Flags:
    """Tell the words of a language or of medicine."""
    return np.asarray((masks & _USUAL) != 0)


def _keys(tokens: Tokens, group: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    return tokens.hash ^ (group.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)


def spread(canvas: Canvas, masks: Masks, group: npt.NDArray[Any], sure: Flags) -> None:
    """Label every other mention of what was found once in the same note (or the same patient's notes).

    An ordinary word that is also a name is taken only where it is written as a name; an eponym not before its sign or disease.

    Shape: group[tokens]: notes whose names are shared have the same number; sure[tokens]: found beyond doubt.
    """
    tokens = canvas.tokens
    keys = _keys(tokens, group)
    known = np.flatnonzero(_seeds(canvas, masks, sure))
    if not len(known):
        return
    table = lexicon_from_hashes(keys[known], np.uint64(1) << (canvas.label[known].astype(np.uint64)))
    hit = table.lookup(keys)
    common, capital = ordinary(masks), among(tokens.shape, _CAPITALS)
    sentence_start = one_before(tokens.kind == BREAK, True) | (one_before(tokens.shape, 0) == ord(".")) & (
        one_before(tokens.kind, WORD) == MARK
    )
    sentence_start[_opening(tokens)] = True
    again = Canvas(
        tokens, np.full(len(tokens), NONE, np.int8), np.zeros(len(tokens), np.int32), np.zeros(len(tokens), bool)
    )
    free = (hit != 0) & (canvas.label == NONE) & (tokens.kind <= NUMBER) & ~(common & (~capital | sentence_start))
    lowest = np.zeros(len(hit), np.int8)
    for label in (ORGANIZATION, FACILITY, CONTACT, ID, LOCATION, NAME):
        lowest[(hit >> np.uint64(label) & np.uint64(1)) != 0] = label
    again.spread(free, lowest, SPREAD)
    mend(again)
    spans, _ = again.spans()
    where, _, _ = again.touched(spans.take(~eponyms(again, masks, spans)))
    canvas.spread(_flagged(where, len(tokens)), again.label, SPREAD)


def _flagged(where: npt.NDArray[np.int64], size: int) -> Flags:
    out = np.zeros(size, bool)
    out[where] = True
    return out


def _seeds(canvas: Canvas, masks: Masks, sure: Flags) -> Flags:
    """Tell the tokens whose like is looked for elsewhere."""
    tokens = canvas.tokens
    size, word = tokens.end - tokens.start, tokens.kind == WORD
    capital, plain = among(tokens.shape, _CAPITALS), (masks & _SAFE) == 0
    code = codes(tokens, masks)
    backed = (canvas.finder & (PATTERNS | CHARTS)) != 0
    name = (canvas.label == NAME) & word & (size >= 3) & ((masks & _NOT_NAME) == 0)
    name &= (plain & ~code & (sure | backed)) | (backed & sure & capital)
    place = (
        among(canvas.label, (LOCATION, FACILITY, ORGANIZATION)) & word & (size >= 4) & plain & capital & ~code & sure
    )
    number = among(canvas.label, (ID, CONTACT)) & (tokens.kind == NUMBER) & (size >= 5)
    return np.asarray(name | place | number)


def eponyms(canvas: Canvas, masks: Masks, spans: Spans) -> Flags:
    """Tell the names that stand in a term of medicine: Lowe syndrome, Dupuytren's contracture, signo de Murphy.

    After a title a name is a person's, whatever follows.
    """
    out = np.zeros(len(spans), bool)
    if not len(spans):
        return out
    tokens = canvas.tokens
    before, after = canvas.edges(spans)
    final = len(tokens) - 1
    possessive = (tokens.shape[after] == ord("'")) & (tokens.kind[after] == MARK)
    after = np.where(possessive, np.minimum(after + 2, final), after)
    headed = (masks[after] & _HEAD) != 0
    joined = ((masks[before] & _JOINT) != 0) & ((masks[np.maximum(before - 1, 0)] & _HEAD) != 0)
    titled = (masks[before] & np.uint64(int(Category.TITLE))) != 0
    named = among(spans.label, (NAME, LOCATION, FACILITY, ORGANIZATION))
    same = (tokens.note[after] == tokens.note[before]) & (tokens.kind[after] == WORD)
    return np.asarray(named & ~titled & ((headed & same) | joined))


def strangers(canvas: Canvas, masks: Masks, plausible: Flags) -> None:
    """Label what might name somebody because nothing says that it does not: for the operating point `strict`.

    Shape: plausible[tokens]: the model does not rule a label out.
    """
    tokens = canvas.tokens
    size = tokens.end - tokens.start
    word = (tokens.kind == WORD) & (size >= 3) & plausible
    unsafe = (masks & _SAFE) == 0
    written = among(tokens.shape, _CAPITALS)
    listed = (masks & _NAMES) != 0
    canvas.spread(word & unsafe & (written | listed), NAME, STRANGERS)
    canvas.spread(word & (tokens.shape == ALL_LOWER) & (masks == 0) & (size >= 5), NAME, STRANGERS)
    canvas.spread((tokens.kind == NUMBER) & (size >= 6), ID, STRANGERS)

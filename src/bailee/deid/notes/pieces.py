"""Notes that stand in pieces: identifiers over the end of a piece are cut there, so that each piece keeps its place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np

from bailee.deid.notes.found import Found
from bailee.deid.notes.scrub import Scrubbed

Places = Sequence[Sequence[tuple[int, int]]]  # per note, start and end of each piece in code points


def cut_at_pieces(found: Found, places: Places) -> Found:
    """Keep of each find what lies in pieces, one find a piece. `scrub` still rewrites neighbours as one identifier."""
    rows: list[tuple[int, int, int, int, int]] = []
    columns = (found.note, found.start, found.end, found.label, found.finder)
    for note, start, end, label, finder in zip(*(column.tolist() for column in columns), strict=True):
        pieces = places[note]
        if len(pieces) == 1:
            rows.append((note, start, end, label, finder))
            continue
        at = max(bisect_right(pieces, (start, 1 << 62)) - 1, 0)
        while at < len(pieces) and pieces[at][0] < end:
            low, high = max(start, pieces[at][0]), min(end, pieces[at][1])
            if low < high:
                rows.append((note, low, high, label, finder))
            at += 1
    table = np.array(rows, np.int64).reshape(len(rows), 5).T
    note_, start_, end_ = (column.astype(np.int32) for column in table[:3])
    label_, finder_ = table[3].astype(found.label.dtype), table[4].astype(found.finder.dtype)
    return Found(note_, start_, end_, label_, finder_, found.language)


def pieces_of(scrubbed: Scrubbed, places: Places) -> list[list[str] | None]:
    """Cut rewritten notes into their pieces again; None for a note that was withheld.

    Raises: nothing; the finds must have been cut by `cut_at_pieces`.
    """
    texts = scrubbed.texts.to_pylist()
    first = np.searchsorted(scrubbed.note, np.arange(len(texts) + 1)).tolist()
    out: list[list[str] | None] = []
    for note, text in enumerate(texts):
        if text is None:
            out.append(None)
        elif len(places[note]) == 1:
            out.append([text])
        else:
            within = slice(first[note], first[note + 1])
            columns = (scrubbed.start, scrubbed.end, scrubbed.new_start, scrubbed.new_end)
            spans = [column[within].tolist() for column in columns]
            out.append([text[_new(low, spans) : _new(high, spans)] for low, high in places[note]])
    return out


def _new(place: int, spans: list[list[int]]) -> int:
    """Tell where a place of the original came to stand."""
    starts, ends, new_starts, new_ends = spans
    at = bisect_right(starts, place) - 1
    if at < 0:
        return place
    return new_starts[at] if place < ends[at] else place - ends[at] + new_ends[at]

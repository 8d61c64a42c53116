"""Reading what the rules find in one short text."""

import pyarrow as pa

from bailee.deid.notes.found import FAIR, LABELS
from bailee.deid.notes.patterns import scan
from bailee.deid.notes.text import Text


def found(written, language, *, least=FAIR, asked=()):
    """Give (identifier, label) pairs as the note writes them."""
    text = Text(pa.array([written]))
    spans = scan(text, language, asked=asked).found
    note = text.note_of(spans.start)
    starts, ends = text.points(note, spans.start, spans.end)
    return [
        (written[start:end], LABELS[label])
        for start, end, label, strength in zip(starts, ends, spans.label, spans.strength, strict=True)
        if strength >= least
    ]


def covered(written, language, **options):
    """Give the text with every letter and digit of a find replaced by a dot."""
    out = list(written)
    text = Text(pa.array([written]))
    spans = scan(text, language, asked=options.get("asked", ())).found
    starts, ends = text.points(text.note_of(spans.start), spans.start, spans.end)
    for start, end, strength in zip(starts, ends, spans.strength, strict=True):
        if strength >= options.get("least", FAIR):
            out[start:end] = ["." if sign.isalnum() else sign for sign in written[start:end]]
    return "".join(out)

"""Feeds hostile notes and charts to a sanitized build of the kernels; run in its own process: `charts_fuzz.py LIBRARY CASES`."""

import random
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from bailee.core import kernels
from bailee.deid.notes import match
from bailee.deid.notes.chart import charts_from_columns
from bailee.deid.notes.chart.kinds import NAMES
from bailee.deid.notes.found import found_from_spans
from bailee.deid.notes.scrub import scrub
from bailee.deid.notes.text import Text

PIECES = [
    "William", "O'Brien", "McDonald-Lopez", "smith", "SMITH", "J.", "J.D.", "Wi11iam", "Smi-\nth", "S M I T H", "王小明", "Müller", "ß", "ﬁ",
    "\u200b", "\u0301", "\ud7ff", "😀", "\x00", "'", "'s", "-", "--", "@", ".", ",", "\n", "\r\n", " ", "\t", "(", "1", "12", "123-45-6789",
    "6175550123", "(617) 555-0123", "xxx-xx-6789", "ending in 6789", "3/2/1961", "2 March 1961", "02MAR61", "19610302", "March", "1961", "May",
    "123 Main St", "Beverly Hospital", "jsmith@mail.org", "a" * 50, "9" * 120, "Aa" * 40, "1a" * 80, "Dr.", "disease", "of",
]  # fmt: skip


def text_of(chance, longest):
    joint = chance.choice(["", " ", "", "-"])
    return joint.join(chance.choice(PIECES) for _ in range(chance.randrange(longest)))


def one_case(chance):
    patients = chance.randrange(1, 4)
    rows = [(chance.randrange(patients), chance.choice(NAMES), text_of(chance, 5)) for _ in range(chance.randrange(30))]
    charts = (
        charts_from_columns(patients, *(list(column) for column in zip(*rows, strict=True)))
        if rows
        else charts_from_columns(patients, [], [], [])
    )
    texts = pa.array([text_of(chance, 60) for _ in range(chance.randrange(1, 5))], pa.large_string())
    notes, owner = Text(texts), np.array([chance.randrange(-1, patients) for _ in range(len(texts))], np.int32)
    spans = match.find(notes, charts, owner, operating_point=chance.choice(list(match.POINTS)))
    assert (np.diff(spans.start) > 0).all()
    assert (spans.end[:-1] <= spans.start[1:]).all()
    found = found_from_spans(notes, spans, np.zeros(len(spans), np.int32), np.zeros(len(texts), np.int8))
    scrub(texts, found, method="tag")


def main():
    kernels.LIBRARY = Path(sys.argv[1])
    assert kernels.library()._name == sys.argv[1]
    chance = random.Random(20)
    for _ in range(int(sys.argv[2])):
        one_case(chance)
    print("clean")


if __name__ == "__main__":
    main()

"""Feeds hostile notes to a sanitized build of the rules' kernels; run in its own process: `patterns_fuzz.py LIBRARY CASES`."""

import random
import sys
from pathlib import Path

import pyarrow as pa

from bailee.core import kernels
from bailee.deid.notes.patterns import find
from bailee.deid.notes.text import Text

PIECES = [
    "Dr.", "Dr", "Smith", "SMITH", ",", "Name:", "MRN", "#", "1", "12", "2019", "/", "-", ".", "@", "example", "org", "(555)", "123-4567",
    "March", "of", "the", "3rd", "Hospital", "St.", "Müller", "\u200b", "\u0301", "😀", "\x00", "'", " ", "\t", "\n", "\r\n", "4111111111111111",
    "disease", "mg", "120/80", "Calle", "rue", "straße", "王", "a" * 60, "9" * 90, "1a" * 70, ":" * 9, "92", "year-old",
]  # fmt: skip


def main():
    kernels.LIBRARY = Path(sys.argv[1])
    assert kernels.library()._name == sys.argv[1]
    chance = random.Random(7)
    for _ in range(int(sys.argv[2])):
        joint = chance.choice(["", " ", "", "-", "/"])
        notes = [
            joint.join(chance.choice(PIECES) for _ in range(chance.randrange(60)))
            for _ in range(chance.randrange(1, 5))
        ]
        find(Text(pa.array(notes, pa.large_string())), chance.choice(["en", "es", "fr", "de", None]))
    print("clean")


if __name__ == "__main__":
    main()

"""Feeds odd notes to a sanitized build of the kernels; run in its own process: `notes_fuzz.py LIBRARY CASES`."""

import random
import sys
from pathlib import Path

import pyarrow as pa

from bailee.core import kernels

PIECES = ["Dr. ", "Ann", "O'Brien-Smith", "12/3/2019", "\n", "\n\n", "\t", "  ", ":", "MRN", "0", "999-99-9999", "a@b.example", "é", "\u0301",
          "\u200b", "ﬁ", "\ufdfa", "王", "\U0001f600", "А", "\ufffd", "-", ".", "#", "|", "_", "\x00", "\x7f", "(", ")", "the ", "pain ", "x" * 50]  # fmt: skip


def odd_note(chance: random.Random) -> str:
    return "".join(
        chance.choice(PIECES)
        if chance.random() < 0.8
        else chr(chance.choice([chance.randrange(128), chance.randrange(0xD800)]))
        for _ in range(chance.randrange(60))
    )


def main() -> None:
    kernels.LIBRARY = Path(sys.argv[1])
    from bailee.deid.notes.find import find
    from bailee.deid.notes.lexicon import lexicon
    from bailee.deid.notes.text import Text
    from bailee.deid.notes.training import Learner, shard_from_notes

    learner = Learner(form_rows=1 << 10, context_rows=1 << 9)
    for case in range(int(sys.argv[2])):
        chance = random.Random(case)
        notes = [odd_note(chance) for _ in range(chance.randrange(6))]
        texts = pa.array(notes, pa.large_string())
        for point in ("strict", "balanced", "readable"):
            found = find(texts, operating_point=point)
            assert len(found.language) == len(notes)
        assert len(Text(texts).tokens.first) == len(notes) + 1
        if case % 4 == 0:
            learner.learn(shard_from_notes([(note, [(0, 1, "NAME")] if note else []) for note in notes], lexicon()))
    print("clean")


if __name__ == "__main__":
    main()

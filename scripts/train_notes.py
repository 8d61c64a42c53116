"""Train the notes model on made-up notes: `python scripts/train_notes.py OUT_FOLDER --seed 41`.

What the model learns from is made by `bailee.synthetic` or was written for it (`training/notes`), and varied by
`bailee.deid.notes.variety`; notes that it never saw give the scores on its card. `--start FOLDER --seed 2 --rate 0.001`
goes on from a model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from random import Random

from notes_prose import prose
from notes_written import Written, written

from bailee.deid.notes.lexicon import lexicon
from bailee.deid.notes.model import read_weights, write_weights
from bailee.deid.notes.training import Learner, Marked, Plan, learner_from_weights, shard_from_notes
from bailee.deid.notes.tuning import scores
from bailee.deid.notes.variety import Variety, add_prose, varied
from bailee.synthetic.notes import notes as synthetic

SHARES = {"en": 0.47, "es": 0.17, "fr": 0.17, "de": 0.19}
SHARD = 1000
HELD = 20  # every so many of the written notes are held back, to score


def marked(
    count: int, seed: int, language: str, start: int = 0, *, vary: bool = True, strange: float = 0
) -> Iterator[Marked]:
    """Write notes of one language with their spans; a share of them, `strange`, is nothing but sentences of `hard`."""
    much = Variety(nothing_else=strange)
    for position, note in enumerate(synthetic(count, seed=seed, language=language, difficulty=0.6, start=start)):
        spans = list(note.spans)
        rng = Random(f"{seed}/{language}/{start + position}/variety")  # noqa: S311
        text, spans = varied(note.text, spans, rng, language, much) if vary else (note.text, spans)
        yield learnt((text, spans), language)


def _wanted(label: str, language: str) -> str:
    """Years alone are left free under the American rule, and are dates under the European one."""
    return "DATE" if label == "YEAR" and language != "en" else label


def learnt(note: Marked, language: str) -> Marked:
    """Bring a note to the labels that are learnt."""
    text, spans = note
    return text, [(start, end, _wanted(label, language)) for start, end, label in spans if label != "AGE_UNDER_90"]


def shards(
    total: int, seed: int, by_hand: Mapping[str, Sequence[Marked]], share_written: float, strange: float
) -> Iterator[list[Marked]]:
    """Write all notes in shards of mixed languages; `share_written` of them are drawn from those written by hand."""
    rng = Random(seed)  # noqa: S311
    hands = {
        language: Written(language, [note for number, note in enumerate(notes) if number % HELD])
        for language, notes in by_hand.items()
    }
    for shard in range(total // SHARD):
        mixed: list[Marked] = []
        for language, share in SHARES.items():
            size = round(SHARD * share)
            drawn = round(size * share_written) if hands[language].notes else 0
            mixed += [learnt(hands[language].draw(rng), language) for _ in range(drawn)]
            mixed += marked(size - drawn, seed, language, shard * size, strange=strange)
        rng.shuffle(mixed)
        yield mixed


def main() -> None:
    """Train, write the model and print its scores."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--notes", type=int, default=600_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--until", type=int, default=0, help="stop after so many notes, at the pace of --notes")
    options.add_argument("--written", type=float, default=0.85, help="share of notes that were written by hand")
    options.add_argument(
        "--strange", type=float, default=0.25, help="share of the others that are sentences which name nobody"
    )
    options.add_argument("--rate", type=float, default=0.002)
    options.add_argument("--start", type=Path, help="go on from the model of this folder")
    args = options.parse_args()
    for name in SHARES:
        add_prose(name, prose(name))
    plan = Plan(rate=args.rate)
    learner = Learner(seed=args.seed, plan=plan)
    before = ""
    if args.start:
        begun = read_weights(args.start)
        learner = learner_from_weights(begun, seed=args.seed, plan=plan)
        before = f"{begun.card.data}, then "
    held = {name: list(marked(600, 1001, name, vary=False)) for name in SHARES}
    by_hand = {name: written(name) for name in SHARES}
    held |= {f"{name}, by hand": [learnt(note, name) for note in notes[::HELD]] for name, notes in by_hand.items()}
    began = time.monotonic()
    total = max(1, args.notes // SHARD)
    last = (args.until or args.notes) // SHARD - 1
    for number, notes in enumerate(shards((last + 1) * SHARD, args.seed, by_hand, args.written, args.strange)):
        shard = shard_from_notes(notes, lexicon())
        loss = learner.learn(shard, pace=max(0.05, 1 - number / total))
        if number >= total * 3 // 5 and number % 2:
            learner.remember()
        if number % 10 == 9 or number == last:
            made = learner.weights(data="synthetic", languages=list(SHARES))
            found = {name: scores(made, notes) for name, notes in held.items()}
            print(
                f"{number + 1}/{total} {time.monotonic() - began:.0f} s, {learner.tokens} tokens, loss {loss:.4f}",
                found,
                flush=True,
            )
            write_weights(
                args.out,
                learner.weights(
                    data=f"{before}bailee.synthetic.notes, seed {args.seed}", languages=list(SHARES), scores=found
                ),
            )


if __name__ == "__main__":
    main()

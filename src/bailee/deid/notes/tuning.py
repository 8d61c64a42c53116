"""Going on with the shipped model on a site's own reviewed notes. The notes stay where they are; only weights are written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from bailee.core.errors import Invalid
from bailee.deid.notes.found import LABELS
from bailee.deid.notes.lexicon import lexicon
from bailee.deid.notes.model import Lean, Weights, tag, weights, write_weights
from bailee.deid.notes.text import Text
from bailee.deid.notes.training import (
    EITHER,
    Marked,
    Plan,
    allowed_states,
    learner_from_weights,
    said_of,
    shard_from_notes,
)

LEAST_NOTES = 20


def fine_tune(
    notes: Sequence[Marked], folder: Path, *, passes: int = 4, seed: int = 1, base: Weights | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Learn on from a model with reviewed notes, write the new model to `folder`, and score both on notes held back.

    Raises: Invalid for fewer than 20 notes, or labels that there are not.
    Cost: some 10 microseconds a token and pass.
    """
    if len(notes) < LEAST_NOTES:
        raise Invalid(f"fewer than {LEAST_NOTES} reviewed notes", remedy="Review more notes first.")
    wrong = {label for _, spans in notes for _, _, label in spans} - set(LABELS) - set(EITHER)
    if wrong:
        raise Invalid(f"{len(wrong)} labels that are not known", remedy=f"Known labels: {', '.join(LABELS)}.")
    start = base or weights()
    held, learnt = list(notes[::10]), [note for number, note in enumerate(notes) if number % 10]
    learner = learner_from_weights(start, seed=seed, plan=Plan(rate=0.0005, row_rate=0.02))
    order = np.random.default_rng(seed)
    for _ in range(passes):
        mixed = [learnt[place] for place in order.permutation(len(learnt)).tolist()]
        learner.learn(shard_from_notes(mixed, lexicon()))
    tuned = learner.weights(data=start.card.data, languages=start.card.languages)
    before, after = scores(start, held), scores(tuned, held)
    card = msgspec.structs.replace(tuned.card, fine_tuned=f"{len(learnt)} reviewed notes", scores={"held back": after})
    write_weights(folder, Weights(tuned.parts, card))
    return before, after


def scores(model: Weights, held: Sequence[Marked], *, lean: float = 0.0) -> dict[str, float]:
    """Count letters and digits: the share of the marked that is found, and the share of the found that is marked."""
    text = Text(pa.array([note for note, _ in held], pa.large_string()))
    hit = tag(text, lexicon().of(text), model, lean=Lean.even(lean), said=said_of(held, text)).state > 0
    allowed = allowed_states(text, held)
    size = (text.tokens.end - text.tokens.start) * (text.tokens.kind < 2)
    must, never = (allowed & 1) == 0, allowed == 1
    found = int(size[must & hit].sum())
    return {
        "recall": round(found / max(1, int(size[must].sum())), 5),
        "precision": round(found / max(1, int(size[(must | never) & hit].sum())), 5),
    }

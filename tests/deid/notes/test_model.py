import ctypes
import random

import numpy as np
import pyarrow as pa
import pytest

from bailee.core.errors import Invalid, Unavailable
from bailee.deid.notes import model
from bailee.deid.notes.found import DATE, NAME
from bailee.deid.notes.lexicon import lexicon_from_words
from bailee.deid.notes.model import HIDDEN, LABEL_OF_STATE, REACH, STATES, WIDTH, Lean, read_weights, tag, write_weights
from bailee.deid.notes.text import Text, kernels
from bailee.deid.notes.training import CONTEXTS, Learner, said_of, shard_from_notes
from bailee.deid.notes.tuning import scores

LEXICON = lexicon_from_words(["fever", "pain"], np.array([1 << 30, 1 << 32], np.uint64))
NAMES = ["Alba", "Bruno", "Chidi", "Dara", "Emre", "Fumiko", "Goran", "Hala"]


def little_notes(count: int, seed: int) -> list[tuple[str, list[tuple[int, int, str]]]]:
    rng = random.Random(seed)
    notes = []
    for _ in range(count):
        name, day = (
            rng.choice(NAMES) + rng.choice("abcdefgh"),
            f"{rng.randint(1, 12)}/{rng.randint(1, 28)}/{rng.randint(1950, 2020)}",
        )
        text = f"Patient: {name}\nSeen on {day} for {rng.choice(['fever', 'pain'])}, dose {rng.randint(1, 99)} mg."
        notes.append((text, [(9, 9 + len(name), "NAME"), (text.index(day), text.index(day) + len(day), "DATE")]))
    return notes


@pytest.fixture(scope="module")
def trained() -> model.Weights:
    learner = Learner(form_rows=1 << 12, context_rows=1 << 10, seed=3)
    for seed in range(4):
        learner.learn(shard_from_notes(little_notes(300, seed), LEXICON))
    return learner.weights(data="little notes", languages=["en"])


def slow_states(text: Text, weights: model.Weights, *, raised: int) -> list[int]:
    """Score and choose the best path one token at a time, in whole numbers of any size."""
    part, card = {name: array.astype(np.int64) for name, array in weights.parts.items()}, weights.card
    notes = [(text.original(i), []) for i in range(len(text))]
    shard = shard_from_notes(notes, LEXICON)
    size = len(text.tokens)
    forms = np.stack([
        np.maximum(0, part["form_bias"] + part["form"][shard.ids[shard.begin[t] : shard.begin[t + 1]] % card.form_rows].sum(0))
        for t in range(size)
    ])  # fmt: skip
    window = part["window"].transpose(0, 2, 1, 3).reshape(2 * REACH + 1, HIDDEN, WIDTH)
    chosen: list[int] = []
    for note in range(len(text)):
        low, high = shard.first[note], shard.first[note + 1]
        best, back = np.zeros(STATES, np.int64), []
        for t in range(low, high):
            sums = part["hidden_bias"] + 2 * part["context"][shard.context[t] % card.context_rows].sum(0)
            for p in range(2 * REACH + 1):
                if low <= t - REACH + p < high:
                    sums = sums + np.clip((window[p] @ forms[t - REACH + p]) >> card.window_shift, -3000, 3000)
            score = ((part["out"] @ np.clip(sums, 0, 8191)) >> 8) + part["out_bias"]
            score[1:] += raised
            if t > low:
                paths = best[:, None] + part["step"]
                back.append(paths.argmax(0))
                score = score + paths.max(0)
            best = score
        states = [int(best.argmax())] if high > low else []
        for step in reversed(back):
            states.append(int(step[states[-1]]))
        chosen += reversed(states)
    return chosen


@pytest.mark.parametrize("loops", ["plain", "wide"])
@pytest.mark.parametrize("lean", [0.0, 2.0, -1.0])
def test_the_kernel_equals_the_slow_model(trained, lean, loops, monkeypatch):
    if loops == "wide" and not kernels().notes_wide():
        pytest.skip("the processor has no AVX2")
    monkeypatch.setattr(model, "_wide", lambda: int(loops == "wide"))
    rng = random.Random(5)
    notes = [note for note, _ in little_notes(6, 77)] + [
        "",
        "x",
        "MRN 4471188, 4471189 and 447118 or 0471188",
        "".join(rng.choice("aB9. \n:-é王") for _ in range(300)),
    ]
    text = Text(pa.array(notes))
    said = said_of([(note, []) for note in notes], text)
    tags = tag(text, LEXICON.of(text), trained, lean=Lean.even(lean), said=said)
    assert said.any()
    assert tags.state.tolist() == slow_states(text, trained, raised=round(lean * 256))


def test_what_rules_say_changes_what_the_model_thinks():
    learner = Learner(form_rows=1 << 12, context_rows=1 << 12, seed=3)
    marked = [(f"zz {number:05d} zz", [(3, 8, "ID")] if number % 2 else []) for number in range(400)]
    shard = shard_from_notes(marked, LEXICON)
    told = np.repeat(np.where(np.arange(400) % 2, 77, 0), np.diff(shard.first)).astype(np.uint32)
    text = Text(pa.array([note for note, _ in marked]))
    shard = shard_from_notes(marked, LEXICON, said=told)
    for _ in range(20):
        learner.learn(shard)
    weights = learner.weights(data="", languages=["en"])
    found = tag(text, LEXICON.of(text), weights, lean=Lean.even(0), said=told).state[1::3] > 0
    assert found.tolist() == [bool(number % 2) for number in range(400)]


def test_words_kept_from_another_model_are_forgotten(trained):
    text = Text(pa.array([note for note, _ in little_notes(40, 5)]))
    other = Learner(form_rows=1 << 12, context_rows=1 << 10, seed=9).weights(data="", languages=["en"])
    first = tag(text, LEXICON.of(text), trained, lean=Lean.even(0)).margin.tolist()
    between = tag(text, LEXICON.of(text), other, lean=Lean.even(0)).margin.tolist()
    assert tag(text, LEXICON.of(text), trained, lean=Lean.even(0)).margin.tolist() == first != between


def test_what_was_learnt_is_found_in_notes_never_seen(trained):
    found = scores(trained, little_notes(200, 99))
    assert found["recall"] > 0.99
    assert found["precision"] > 0.99


def test_leaning_towards_identifiers_never_finds_fewer(trained):
    text = Text(pa.array([note for note, _ in little_notes(50, 12)] + ["Bruno was seen, fever 12, dose 3"]))
    counts = [
        (tag(text, LEXICON.of(text), trained, lean=Lean.even(lean)).state > 0).sum() for lean in (-4.0, 0.0, 4.0, 12.0)
    ]
    assert counts == sorted(counts)


def test_states_become_spans_of_whole_runs(trained):
    text = Text(pa.array(["Patient: Emre\nSeen on 1/2/1990 for pain"]))
    spans = model.spans_from_states(text, tag(text, LEXICON.of(text), trained, lean=Lean.even(0)).state)
    assert [
        (bytes(text.folded[a:b]).decode(), label)
        for a, b, label in zip(spans.start, spans.end, spans.label, strict=True)
    ] == [
        ("Emre", NAME),
        ("1/2/1990", DATE),
    ]


def test_a_model_is_read_as_it_was_written(trained, tmp_path):
    write_weights(tmp_path / "model", trained)
    again = read_weights(tmp_path / "model")
    assert again.card == trained.card
    assert all((again.parts[name] == part).all() for name, part in trained.parts.items())


def test_a_missing_or_cut_model_is_refused(trained, tmp_path):
    with pytest.raises(Unavailable, match="missing"):
        read_weights(tmp_path / "none")
    write_weights(tmp_path, trained)
    content = (tmp_path / "weights.bin").read_bytes()
    (tmp_path / "weights.bin").write_bytes(content[: len(content) // 2])
    with pytest.raises(Invalid, match="cut short"):
        read_weights(tmp_path)


def test_every_state_means_a_label_or_nothing():
    assert len(LABEL_OF_STATE) == STATES
    assert LABEL_OF_STATE[0] == -1
    assert set(LABEL_OF_STATE[1:].tolist()) == set(range(9))


def test_features_have_the_number_that_the_kernel_says():
    shard = shard_from_notes(little_notes(3, 1), LEXICON)
    assert shard.context.shape == (len(shard.allowed), CONTEXTS)
    assert shard.begin[-1] == len(shard.ids)
    assert ctypes.sizeof(ctypes.c_uint32) == shard.ids.itemsize

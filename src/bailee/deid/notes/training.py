"""Learning of the sequence model from notes with known spans: one pass of gradient steps, then whole numbers.

Floating point decides nothing about a release: what is shipped and used is the integer model that comes out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.deid.notes.found import AGE, DATE, FACILITY, LABELS, LOCATION
from bailee.deid.notes.languages import LANGUAGES, languages
from bailee.deid.notes.lexicon import Lexicon
from bailee.deid.notes.model import BEGIN_STATE, FORMAT, HIDDEN, OUTSIDE, REACH, SPAN, STATES, WIDTH, Card, Weights
from bailee.deid.notes.patterns.find import scan
from bailee.deid.notes.text import Text, at, kernels, whole

Floats: TypeAlias = npt.NDArray[np.float32]
Marked: TypeAlias = tuple[str, Sequence[tuple[int, int, str]]]

CONTEXTS: Final = 23
# Groups of features (kernels/notes_features.h) that training leaves out at times.
OF_WORD, OF_PIECES, OF_LISTS = 1, 2, 4
# Spans that may be found or left: the model is free between nothing and the label.
EITHER: Final = {
    "AGE_UNDER_90": AGE, "COUNTRY": LOCATION, "YEAR": DATE, "WEEKDAY": DATE, "TIME": DATE, "DEPARTMENT": FACILITY,
}  # fmt: skip
FORM_MOST: Final = 4.0
CONTEXT_MOST: Final = 3.9
UNIT: Final = 256


@dataclass(frozen=True, repr=False)
class Shard:
    """Notes as features and allowed states, ready to learn from."""

    first: npt.NDArray[np.int64]
    ids: npt.NDArray[np.uint32]
    group: npt.NDArray[np.uint8]
    begin: npt.NDArray[np.int64]
    context: npt.NDArray[np.uint32]
    allowed: npt.NDArray[np.uint16]


def shard_from_notes(notes: Iterable[Marked], lexicon: Lexicon, *, said: npt.NDArray[np.uint32] | None = None) -> Shard:
    """Turn marked notes into features. Spans count in code points; labels are LABELS or the keys of EITHER.

    `said` is what the rules say of each token, where that is known already.
    """
    marked = list(notes)
    text = Text(pa.array([note[0] for note in marked], pa.large_string()))
    tokens, masks = text.tokens, lexicon.of(text)
    said = said_of(marked, text) if said is None else said
    size = len(tokens)
    capacity = size * 40 + 64
    while True:
        ids, group = np.empty(capacity, np.uint32), np.empty(capacity, np.uint8)
        begin, context = np.zeros(size + 1, np.int64), np.empty((size, CONTEXTS), np.uint32)
        used = kernels().notes_features(
            at(text.folded), at(text.at), whole(len(text)), at(tokens.first), at(tokens.start), at(tokens.end),
            at(tokens.kind), at(tokens.shape), at(tokens.hash), at(masks), at(said), whole(capacity), at(ids), at(group), at(begin),
            at(context),
        )  # fmt: skip
        if used >= 0:
            break
        if used < -1:
            raise MemoryError
        capacity *= 2
    return Shard(tokens.first, ids[:used], group[:used], begin, context, allowed_states(text, marked))


def said_of(marked: Sequence[Marked], text: Text) -> npt.NDArray[np.uint32]:
    """Tell what the rules of each note's language say of its tokens, as `find` asks them. Shape: uint32[tokens of `text`]."""
    spoken = np.maximum(languages(text), 0)
    said = np.zeros(len(text.tokens), np.uint32)
    for number in np.unique(spoken).tolist():
        notes = np.flatnonzero(spoken == number)
        part = Text(pa.array([marked[note][0] for note in notes.tolist()], pa.large_string()))
        said[spoken[text.tokens.note] == number] = scan(part, LANGUAGES[number]).said(part.tokens)
    return said


def allowed_states(text: Text, marked: Sequence[Marked]) -> npt.NDArray[np.uint16]:
    """Tell which states each token may have, as bits."""
    rows = [(n, start, end, label) for n, (_, spans) in enumerate(marked) for start, end, label in spans]
    out = np.full(len(text.tokens), 1 << OUTSIDE, np.uint16)
    if not rows:
        return out
    note, start, end = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    low, high = text.places(note, start, end)
    first, sizes = text.tokens.touched(low, high)
    for begin, stop, row in zip(first.tolist(), (first + sizes).tolist(), rows, strict=True):
        if row[3] in EITHER:
            label = EITHER[row[3]]
            bits = 1 << OUTSIDE | 1 << (1 + label)
            out[begin:stop] = bits | (1 << BEGIN_STATE[label] if label in BEGIN_STATE else 0)
            continue
        label = LABELS.index(row[3])
        out[begin:stop] = 1 << (1 + label)
        if stop > begin:
            out[begin] = 1 << BEGIN_STATE.get(label, 1 + label)
    return out


class Adam:
    """Steps for one dense array. Invariant: moments have its shape."""

    def __init__(self, value: Floats) -> None:
        self.value = value
        self._mean, self._square, self._count = np.zeros_like(value), np.zeros_like(value), 0
        self._usual = 0.0

    def step(self, gradient: npt.NDArray[Any], rate: float) -> None:
        """Move down the gradient. One that is far larger than usual is cut: a single odd batch must not move all weights."""
        size = float(np.linalg.norm(gradient))
        if self._count > 20 and size > 2 * self._usual:
            gradient = gradient * (2 * self._usual / size)
            size = 2 * self._usual
        self._usual += (size - self._usual) / min(100, self._count + 1)
        self._count += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square += 0.001 * (gradient * gradient - self._square)
        scale = rate * np.sqrt(1 - 0.999**self._count) / (1 - 0.9**self._count)
        self.value -= (scale * self._mean / (np.sqrt(self._square) + 1e-8)).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to learn. Rates fall in a straight line to a tenth over `steps` batches; leave_* are chances a token."""

    rate: float = 0.002
    row_rate: float = 0.05
    leave_word: float = 0.25
    leave_pieces: float = 0.1
    leave_lists: float = 0.2
    leave_context: float = 0.2
    leave_hidden: float = 0.15
    batch_tokens: int = 1000


@dataclass(repr=False)
class Learner:
    """The model while it learns, in floating point."""

    form_rows: int = 1 << 17
    context_rows: int = 1 << 16
    seed: int = 1
    plan: Plan = field(default_factory=Plan)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)
        draw = self.rng.standard_normal
        self.form: Floats = np.zeros((self.form_rows, WIDTH), np.float32)
        self.context: Floats = np.zeros((self.context_rows, HIDDEN), np.float32)
        self.form_seen: Floats = np.full(self.form_rows, 1e-4, np.float32)
        self.context_seen: Floats = np.full(self.context_rows, 1e-4, np.float32)
        self.dense = {
            "window": Adam((draw((SPAN * WIDTH, HIDDEN)) / np.sqrt(SPAN * WIDTH / 2)).astype(np.float32)),
            "form_bias": Adam(np.full(WIDTH, 0.2, np.float32)),
            "hidden_bias": Adam(np.full(HIDDEN, 0.1, np.float32)),
            "out": Adam((draw((HIDDEN, STATES)) / np.sqrt(HIDDEN)).astype(np.float32)),
            "out_bias": Adam(np.zeros(STATES, np.float32)),
            "step": Adam(np.zeros((STATES, STATES), np.float32)),
        }
        self.notes = self.tokens = 0
        self._mean: dict[str, Floats] = {}
        self._means = 0

    def _values(self) -> dict[str, Floats]:
        return {"form": self.form, "context": self.context, **{name: part.value for name, part in self.dense.items()}}

    def remember(self) -> None:
        """Take the present state into the mean that `weights` gives: flatter, and better on notes of other hands."""
        self._means += 1
        for name, value in self._values().items():
            mean = self._mean.setdefault(name, np.zeros_like(value))
            mean += (value - mean) / self._means

    def learn(self, shard: Shard, *, pace: float = 1.0) -> float:
        """Take steps over a shard's notes in batches. Returns the mean loss a token."""
        total = 0.0
        for low, high in _batches(shard.first, self.plan.batch_tokens):
            total += self._batch(shard, low, high, pace)
        self.notes += len(shard.first) - 1
        self.tokens += len(shard.allowed)
        return total / max(1, len(shard.allowed))

    def _batch(self, shard: Shard, low: int, high: int, pace: float) -> float:
        first = shard.first[low : high + 1]
        begin, end = int(first[0]), int(first[-1])
        size = end - begin
        if size == 0:
            return 0.0
        plan, rng = self.plan, self.rng
        offsets = shard.begin[begin : end + 1]
        drop = (
            (rng.random(size) < plan.leave_word) * OF_WORD
            | (rng.random(size) < plan.leave_pieces) * OF_PIECES
            | (rng.random(size) < plan.leave_lists) * OF_LISTS
        ).astype(np.uint8)
        context = np.ascontiguousarray(shard.context[begin:end])
        left = (rng.random((size, CONTEXTS)) < plan.leave_context).astype(np.uint8)
        every = np.arange(0, size * CONTEXTS + 1, CONTEXTS, dtype=np.int64)
        ones = np.ones(size, np.uint8)
        value = {name: part.value for name, part in self.dense.items()}

        forms = np.tile(value["form_bias"], (size, 1)).astype(np.float32)
        self._gather(shard.ids, shard.group, offsets, drop, self.form, forms)
        np.maximum(forms, 0, out=forms)
        around, where = _windows(forms, first - begin)
        hidden = around @ value["window"] + value["hidden_bias"]
        self._gather(context, left, every, ones, self.context, hidden)
        keep = (rng.random(hidden.shape, np.float32) >= plan.leave_hidden).astype(np.float32) / (1 - plan.leave_hidden)
        active = (hidden > 0) * keep
        hidden *= active
        score = hidden @ value["out"] + value["out_bias"]

        d_score, d_step = np.zeros_like(score), np.zeros((STATES, STATES), np.float32)
        allowed = np.ascontiguousarray(shard.allowed[begin:end])
        starts = np.ascontiguousarray(first - begin)
        loss = float(
            kernels().notes_chain(
                at(score), at(allowed), at(starts), whole(len(starts) - 1), at(value["step"]), at(d_score), at(d_step)
            )
        )
        scale = np.float32(1 / max(size, plan.batch_tokens))
        d_hidden = (d_score @ value["out"].T) * active
        d_around = d_hidden @ value["window"].T
        d_forms = _unwindow(d_around, where, size, first - begin)
        d_forms *= forms > 0
        rate = plan.rate * pace
        self.dense["out"].step(hidden.T @ d_score * scale, rate)
        self.dense["out_bias"].step(d_score.sum(0) * scale, rate)
        self.dense["step"].step(d_step * scale, rate)
        self.dense["window"].step(around.T @ d_hidden * scale, rate)
        self.dense["hidden_bias"].step(d_hidden.sum(0) * scale, rate)
        self.dense["form_bias"].step(d_forms.sum(0) * scale, rate)
        self._scatter(context, left, every, ones, d_hidden, self.context, self.context_seen, CONTEXT_MOST, pace)
        self._scatter(shard.ids, shard.group, offsets, drop, d_forms, self.form, self.form_seen, FORM_MOST, pace)
        return loss

    @staticmethod
    def _gather(ids: Any, group: Any, begin: Any, drop: Any, table: Floats, out: Floats) -> None:
        kernels().notes_gather(
            at(ids), at(group), at(begin), at(drop), whole(len(drop)), at(table), ctypes.c_uint32(len(table)),
            whole(table.shape[1]), at(out),
        )  # fmt: skip

    def _scatter(
        self,
        ids: Any,
        group: Any,
        begin: Any,
        drop: Any,
        gradient: npt.NDArray[Any],
        table: Floats,
        seen: Floats,
        most: float,
        pace: float,
    ) -> None:
        gradient = np.ascontiguousarray(gradient, np.float32)
        failed = kernels().notes_scatter(
            at(ids), at(group), at(begin), at(drop), whole(len(drop)), at(gradient), at(table), at(seen),
            ctypes.c_uint32(len(table)), whole(table.shape[1]), ctypes.c_float(self.plan.row_rate * pace), ctypes.c_float(most),
        )  # fmt: skip
        if failed:
            raise MemoryError

    def weights(self, *, data: str, languages: list[str], scores: dict[str, dict[str, float]] | None = None) -> Weights:
        """Turn what was learnt into whole numbers."""
        value = self._mean or self._values()
        form_unit = FORM_MOST / 127
        window = value["window"].reshape(SPAN, WIDTH // 2, 2, HIDDEN).transpose(0, 1, 3, 2)
        shift = 0
        while np.abs(window).max() * 64 * form_unit * 2 ** (shift + 1) <= 5000:
            shift += 1
        out = np.rint(value["out"].T * 1024)
        assert np.abs(out).sum(1).max() < 262_000
        parts: dict[str, npt.NDArray[Any]] = {
            "form": np.rint(value["form"] / form_unit).astype(np.int8),
            "context": np.rint(value["context"] * 32).astype(np.int8),
            "window": np.rint(window * (64 * form_unit * 2**shift)).astype(np.int16),
            "form_bias": np.rint(value["form_bias"] / form_unit).astype(np.int16),
            "hidden_bias": np.clip(np.rint(value["hidden_bias"] * 64), -1500, 1500).astype(np.int16),
            "out": out.astype(np.int16),
            "out_bias": np.rint(value["out_bias"] * UNIT).astype(np.int32),
            "step": np.clip(np.rint(value["step"] * UNIT), -(2**20), 2**20).astype(np.int32),
        }
        card = Card(
            format=FORMAT, seed=self.seed, data=data, notes=self.notes, tokens=self.tokens, languages=languages,
            form_rows=self.form_rows, context_rows=self.context_rows, window_shift=shift, unit=UNIT, scores=scores or {},
        )  # fmt: skip
        return Weights({name: np.ascontiguousarray(part) for name, part in parts.items()}, card)


def _batches(first: npt.NDArray[np.int64], tokens: int) -> Iterator[tuple[int, int]]:
    low = 0
    for high in range(1, len(first)):
        if first[high] - first[low] >= tokens or high == len(first) - 1:
            yield low, high
            low = high


def _windows(forms: Floats, first: npt.NDArray[np.int64]) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Lay each token's neighbours beside it, with nothing beyond the ends of its note."""
    size = len(forms)
    notes = np.repeat(np.arange(len(first) - 1), np.diff(first))
    where = np.arange(size) + REACH * (notes + 1)
    padded = np.zeros((size + REACH * (len(first) + 1), WIDTH), np.float32)
    padded[where] = forms
    around = np.empty((size, SPAN * WIDTH), np.float32)
    for p in range(SPAN):
        around[:, p * WIDTH : (p + 1) * WIDTH] = padded[where - REACH + p]
    return around, where


def _unwindow(
    d_around: npt.NDArray[Any], where: npt.NDArray[np.int64], size: int, first: npt.NDArray[np.int64]
) -> Floats:
    padded = np.zeros((size + REACH * (len(first) + 1), WIDTH), np.float32)
    for p in range(SPAN):
        padded[where - REACH + p] += d_around[:, p * WIDTH : (p + 1) * WIDTH]
    return padded[where]


def learner_from_weights(start: Weights, *, seed: int, plan: Plan) -> Learner:
    """Give a learner that goes on from a model in whole numbers. Rows it has learnt are moved with care."""
    card, part = start.card, {name: array.astype(np.float32) for name, array in start.parts.items()}
    learner = Learner(card.form_rows, card.context_rows, seed, plan)
    form_unit = FORM_MOST / 127
    learner.form, learner.context = part["form"] * np.float32(form_unit), part["context"] / np.float32(32)
    learner.form_seen += 0.05 * (np.abs(learner.form).max(1) > 0)
    learner.context_seen += 0.05 * (np.abs(learner.context).max(1) > 0)
    window = part["window"].transpose(0, 1, 3, 2).reshape(SPAN * WIDTH, HIDDEN) / (
        64 * form_unit * 2**card.window_shift
    )
    dense = {
        "window": window, "form_bias": part["form_bias"] * form_unit, "hidden_bias": part["hidden_bias"] / 64,
        "out": part["out"].T / 1024, "out_bias": part["out_bias"] / UNIT, "step": part["step"] / UNIT,
    }  # fmt: skip
    for name, value in dense.items():
        learner.dense[name] = Adam(np.ascontiguousarray(value, np.float32))
    learner.notes, learner.tokens = card.notes, card.tokens
    return learner

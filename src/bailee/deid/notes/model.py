"""The statistical finder: a small sequence model over hashed features, in whole numbers. Finding only; see training."""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid, Unavailable
from bailee.deid.notes.found import CONTACT, DATE, FACILITY, ID, LABELS, LOCATION, NAME, Spans
from bailee.deid.notes.lexicon import Masks, codes
from bailee.deid.notes.text import BREAK, WORD, Text, at, kernels, whole

# These sizes stand in kernels/notes_model.c as well.
WIDTH: Final = 48
HIDDEN: Final = 128
REACH: Final = 4
SPAN: Final = 2 * REACH + 1
STATES: Final = 16

# States: nothing, inside of each label, and the beginning of those labels that often stand side by side.
OUTSIDE: Final = 0
BEGUN: Final = (NAME, DATE, LOCATION, ID, CONTACT, FACILITY)
LABEL_OF_STATE: Final = np.array([-1, *range(len(LABELS)), *BEGUN], np.int8)
BEGIN_STATE: Final = {label: 1 + len(LABELS) + place for place, label in enumerate(BEGUN)}

_ORDER: Final = ("form", "context", "window", "form_bias", "hidden_bias", "out", "out_bias", "step")
_TYPES: Final = (np.int8, np.int8, np.int16, np.int16, np.int16, np.int16, np.int32, np.int32)
FORMAT: Final = 4  # which features the rows stand for: a model of another format cannot be read


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model was made of and what it reaches: the training card that lies beside its weights."""

    format: int
    seed: int
    data: str
    notes: int
    tokens: int
    languages: list[str]
    form_rows: int
    context_rows: int
    window_shift: int
    unit: int
    scores: dict[str, dict[str, float]] = {}
    fine_tuned: str = ""


@dataclass(frozen=True, repr=False)
class Weights:
    """A model in whole numbers, with its card. Shape: one array a part, in the order of the kernel."""

    parts: dict[str, npt.NDArray[Any]]
    card: Card

    def __repr__(self) -> str:
        """Tell the size only."""
        return f"Weights({sum(part.nbytes for part in self.parts.values())} bytes)"


def read_weights(folder: Path) -> Weights:
    """Read a model that `write_weights` wrote. Raises: Unavailable if there is none, Invalid if it is another format."""
    try:
        card = msgspec.json.decode((folder / "card.json").read_bytes(), type=Card)
        content = np.fromfile(folder / "weights.bin", np.uint8)
    except OSError:
        raise Unavailable("the notes model is missing: install the package again, or name a model's folder") from None
    except msgspec.ValidationError:
        raise Invalid("the notes model has a card of another format", where=folder.name) from None
    if card.format != FORMAT:
        raise Invalid("the notes model is of another format", where=folder.name, remedy="Train it again.")
    parts: dict[str, npt.NDArray[Any]] = {}
    place = 0
    for name, kind, shape in zip(_ORDER, _TYPES, _shapes(card), strict=True):
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        if place + size > len(content):
            raise Invalid("the notes model is cut short", where=folder.name)
        parts[name] = content[place : place + size].view(kind).reshape(shape)
        place += -(-size // 64) * 64
    return Weights(parts, card)


def write_weights(folder: Path, weights: Weights) -> None:
    """Write a model: the numbers of all parts one after the other, and the card."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "weights.bin").open("wb") as out:
        for name, kind in zip(_ORDER, _TYPES, strict=True):
            content = np.ascontiguousarray(weights.parts[name], kind).tobytes()
            out.write(content + bytes(-len(content) % 64))
    (folder / "card.json").write_bytes(msgspec.json.format(msgspec.json.encode(weights.card), indent=1) + b"\n")


def _shapes(card: Card) -> tuple[tuple[int, ...], ...]:
    return (
        (card.form_rows, WIDTH), (card.context_rows, HIDDEN), (SPAN, WIDTH // 2, HIDDEN, 2), (WIDTH,),
        (HIDDEN,), (STATES, HIDDEN), (STATES,), (STATES, STATES),
    )  # fmt: skip


@cache
def weights() -> Weights:
    """Give the model that comes with the package."""
    return read_weights(Path(str(files("bailee.deid.notes") / "weights")))


@dataclass(frozen=True, repr=False)
class Tags:
    """What the model says of each token.

    Shape: state int8 (see LABEL_OF_STATE); margin int16, by how much the best label is above nothing, in `card.unit`ths of
    a nat, the neighbours left aside.
    """

    state: npt.NDArray[np.int8]
    margin: npt.NDArray[np.int16]


_room = threading.local()


def _kept(model: Weights) -> npt.NDArray[np.uint8]:
    """Give this thread's room for what word forms add up to under a model; words of one batch come again in the next."""
    if getattr(_room, "model", None) is not model:
        _room.model, _room.kept = model, np.zeros(int(kernels().notes_kept()), np.uint8)
    kept: npt.NDArray[np.uint8] = _room.kept
    return kept


@cache
def _wide() -> int:
    """Tell whether the machine can run the kernel's wider loops, which give the same numbers."""
    return int(kernels().notes_wide())


class Lean(NamedTuple):
    """How much likelier identifiers are taken to be than the model says, in nats."""

    words: float
    codes: float  # see lexicon.codes
    numbers: float  # and marks

    def by(self, nats: float) -> Lean:
        """Lean further, for all alike."""
        return Lean(*(each + nats for each in self))

    @staticmethod
    def even(nats: float) -> Lean:
        """Lean alike for all."""
        return Lean(nats, nats, nats)


def lean_class(text: Text, masks: Masks) -> npt.NDArray[np.uint8]:
    """Tell which of Lean's numbers counts for each token."""
    return np.where(text.tokens.kind != WORD, 2, codes(text.tokens, masks).astype(np.uint8)).astype(np.uint8)


def tag(text: Text, masks: Masks, model: Weights, *, lean: Lean, said: npt.NDArray[np.uint32] | None = None) -> Tags:
    """Give each token's state and margin; `said` is what the rules say of each token (patterns.find.Scan).

    Cost: one pass over the batch; 16 bytes a token of the longest note.
    """
    tokens = text.tokens
    said = np.zeros(len(tokens), np.uint32) if said is None else said
    state, margin = np.zeros(max(len(tokens), 1), np.uint8), np.zeros(max(len(tokens), 1), np.int16)
    raised = np.repeat(np.rint(np.array(lean) * model.card.unit).astype(np.int32)[:, None], STATES, axis=1)
    raised[:, OUTSIDE] = 0
    kinds = lean_class(text, masks)
    parts = [model.parts[name] for name in _ORDER]
    pointers = (ctypes.c_void_p * len(parts))(*(part.ctypes.data for part in parts))
    sizes = np.array([model.card.form_rows, model.card.context_rows, model.card.window_shift, _wide()], np.int32)
    failed = kernels().notes_tag(
        at(text.folded), at(text.at), whole(len(text)), at(tokens.first), at(tokens.start), at(tokens.end), at(tokens.kind),
        at(tokens.shape), at(tokens.hash), at(masks), at(said), pointers, at(sizes), at(raised), at(kinds), at(_kept(model)), at(state), at(margin),
    )  # fmt: skip
    if failed:
        raise MemoryError
    return Tags(state[: len(tokens)].view(np.int8), margin[: len(tokens)])


def spans_from_states(text: Text, state: npt.NDArray[np.int8]) -> Spans:
    """Join tokens of one label that follow each other into spans; a line end at a span's edge is not part of it."""
    tokens = text.tokens
    label = LABEL_OF_STATE[state]
    inside = (label >= 0) & (tokens.kind != BREAK)
    note = tokens.note
    begins = state > len(LABELS)
    new = np.ones(len(label), bool)
    new[1:] = (label[1:] != label[:-1]) | (note[1:] != note[:-1]) | begins[1:] | ~inside[:-1]
    first = np.flatnonzero(inside & new)
    last = np.ones(len(label), bool)
    last[:-1] = new[1:] | ~inside[1:]
    ends = np.flatnonzero(inside & last)
    return Spans.of(tokens.start[first], tokens.end[ends], label[first])

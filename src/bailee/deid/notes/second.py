"""A second opinion: a site's own transformer, as an ONNX token classifier in a folder, asked for every note."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid, Unavailable, UserError
from bailee.deid.notes.found import (
    AGE,
    CONTACT,
    DATE,
    FACILITY,
    FAIR,
    ID,
    LOCATION,
    NAME,
    ORGANIZATION,
    OTHER,
    Spans,
)
from bailee.deid.notes.text import Text
from bailee.deid.notes.wordpiece import Pieces, WordPiece, wordpiece_from_json

OVERLAP: Final = 64
WINDOWS: Final = 8  # in one call of the model
NOTHING: Final = -1

# Names of labels in published de-identification models, upper case, without B- and I-.
_LABELS: Final[dict[str, int]] = {
    **dict.fromkeys(
        ("NAME", "PER", "PERSON", "PATIENT", "DOCTOR", "STAFF", "HCW", "USERNAME", "FIRSTNAME", "LASTNAME"), NAME
    ),
    **dict.fromkeys(("DATE", "DATETIME", "DOB", "TIME"), DATE),
    **dict.fromkeys(("AGE",), AGE),
    **dict.fromkeys(
        ("LOC", "LOCATION", "CITY", "STREET", "ZIP", "ZIPCODE", "STATE", "COUNTY", "ADDRESS", "GPE"), LOCATION
    ),
    **dict.fromkeys(
        ("ID", "IDNUM", "SSN", "MEDICALRECORD", "MRN", "ACCOUNT", "DEVICE", "LICENSE", "HEALTHPLAN", "VEHICLE"), ID
    ),
    **dict.fromkeys(("CONTACT", "PHONE", "PHONENUMBER", "FAX", "EMAIL", "URL", "IP", "IPADDR"), CONTACT),
    **dict.fromkeys(("HOSPITAL", "HOSP", "FACILITY", "VENDOR"), FACILITY),
    **dict.fromkeys(("ORG", "ORGANIZATION", "COMPANY", "PATORG"), ORGANIZATION),
}


class Second:
    """A token classifier read from a folder: `model.onnx`, `tokenizer.json` (WordPiece), `config.json` with `id2label`.

    Call it with notes to get spans. `least` is the probability of "nothing" below which a word counts as found.
    """

    def __init__(self, folder: str | Path, *, least: float = 0.5) -> None:
        self._folder, self._least = Path(folder), least
        self._pieces: WordPiece = wordpiece_from_json(_read(self._folder / "tokenizer.json"))
        config = json.loads(_read(self._folder / "config.json"))
        self._labels = labels_from_config(config)
        self._size = min(int(config.get("max_position_embeddings", 512)), 512) - 2
        self._session = _session(self._folder / "model.onnx")
        self._inputs = [taken.name for taken in self._session.get_inputs()]

    def __repr__(self) -> str:
        return f"Second({self._folder.name}, {len(self._labels)} labels)"

    @cached_property
    def sha256(self) -> str:
        """Tell which model it is, for the manifest."""
        with (self._folder / "model.onnx").open("rb") as model:
            return hashlib.file_digest(model, "sha256").hexdigest()

    def __call__(self, text: Text) -> Spans:
        """Find spans. Cost: the transformer's; memory by the windows of one call."""
        parts = [self._spans(text, note) for note in range(len(text))]
        return Spans.join([part for part in parts if len(part)])

    def _spans(self, text: Text, note: int) -> Spans:
        pieces = self._pieces.cut(text.reading(note))
        if not len(pieces):
            return Spans.of([], [], [], [])
        label = self._labels_of_words(self._logits(pieces.ids), pieces)
        rows = list(_runs(label, pieces))
        start, end, kind = (
            (np.array(column, np.int64) for column in zip(*rows, strict=True)) if rows else [np.zeros(0, np.int64)] * 3
        )
        return Spans.of(text.at[note] + start, text.at[note] + end, kind.astype(np.int8), FAIR)

    def _logits(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Run overlapping windows; each piece takes its answer from the window in which it stands furthest from an edge."""
        windows = list(windows_of(len(ids), self._size))
        out = np.zeros((len(ids), len(self._labels)), np.float32)
        for first in range(0, len(windows), WINDOWS):
            chosen = windows[first : first + WINDOWS]
            answer = self._run([ids[window.start : window.end] for window in chosen])
            for window, logits in zip(chosen, answer, strict=True):
                shift = 1 - window.start
                out[window.own_start : window.own_end] = logits[window.own_start + shift : window.own_end + shift]
        return out

    def _run(self, rows: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.float32]:
        width = max(map(len, rows)) + 2
        ids = np.full((len(rows), width), self._pieces.padding, np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row) + 2] = [self._pieces.first, *row, self._pieces.last]
            mask[at, : len(row) + 2] = 1
        known = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        if not set(self._inputs) <= known.keys():
            raise Invalid("the second opinion's model wants unknown inputs", remedy=f"It may take {', '.join(known)}.")
        logits = np.asarray(self._session.run(None, {name: known[name] for name in self._inputs})[0], np.float32)
        if logits.shape != (*ids.shape, len(self._labels)):
            raise Invalid(
                "the second opinion's answer does not fit its labels", remedy="Check id2label in config.json."
            )
        return logits

    def _labels_of_words(self, logits: npt.NDArray[np.float32], pieces: Pieces) -> npt.NDArray[np.int64]:
        """Give each word the surest label of its pieces, unless all of them are sure of nothing."""
        likely = np.exp(logits - logits.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        label = np.array(self._labels)
        nothing = likely[:, label == NOTHING].sum(axis=1)
        named = np.where(label == NOTHING, -1.0, likely)
        best, sure = named.argmax(axis=1), named.max(axis=1)
        out = np.full(pieces.words, NOTHING, np.int64)
        for piece in np.argsort(sure, kind="stable")[nothing[np.argsort(sure, kind="stable")] < self._least].tolist():
            out[pieces.word[piece]] = label[best[piece]]
        return out


@dataclass(frozen=True)
class Window:
    """A stretch of pieces given to the model, and the part of it whose answers are taken."""

    start: int
    end: int
    own_start: int
    own_end: int


def windows_of(count: int, size: int, overlap: int = OVERLAP) -> Iterator[Window]:
    """Cut pieces into overlapping windows; every piece is taken from exactly one."""
    overlap = min(overlap, size // 2)
    start, own = 0, 0
    while True:
        end = min(start + size, count)
        own_end = end if end == count else end - overlap // 2
        yield Window(start, end, own, own_end)
        if end == count:
            return
        start, own = end - overlap, own_end


def _runs(label: npt.NDArray[np.int64], pieces: Pieces) -> Iterator[tuple[int, int, int]]:
    """Join neighbouring words of one label."""
    first = 0
    while first < len(label):
        last = first
        while (
            last + 1 < len(label) and label[last + 1] == label[first] and pieces.start[last + 1] - pieces.end[last] <= 1
        ):
            last += 1
        if label[first] != NOTHING:
            yield int(pieces.start[first]), int(pieces.end[last]), int(label[first])
        first = last + 1


def labels_from_config(config: dict[str, Any]) -> list[int]:
    """Read what each output means: one of our labels, or NOTHING. Names that are not known mean OTHER.

    Example:
        >>> labels_from_config({"id2label": {"0": "O", "1": "B-PATIENT", "2": "I-PATIENT", "3": "B-TATTOO"}})
        [-1, 0, 0, 8]

    """
    names = config.get("id2label")
    if not isinstance(names, dict) or sorted(map(int, names)) != list(range(len(names))):
        raise Invalid("a second opinion without labels", where="config.json", remedy="It needs id2label from 0 on.")
    return [_label(str(names[str(number)])) for number in range(len(names))]


def _label(name: str) -> int:
    plain = name.upper()
    if plain in {"O", "OUTSIDE"}:
        return NOTHING
    bare = plain[2:] if plain[:2] in {"B-", "I-", "L-", "U-", "E-", "S-"} else plain
    return _LABELS.get(bare.replace("_", "").replace("-", ""), OTHER)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise UserError(
            "no such file of the second opinion", where=str(path), remedy="Its folder holds three."
        ) from None


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise Unavailable("a second opinion needs onnxruntime: pip install 'bailee[nlp]'") from None
    if not path.exists():
        raise UserError("no such file of the second opinion", where=str(path), remedy="Its folder holds three.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception:  # noqa: BLE001 the library has an exception for each thing that can be wrong
        raise Invalid("a second opinion that cannot be loaded", where=str(path), remedy="Export it again.") from None

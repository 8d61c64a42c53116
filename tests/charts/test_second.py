"""The second opinion: a model that is trained here finds what it was taught, over window edges and in any script."""

import json

import numpy as np
import pyarrow as pa
import pytest
from tests.support.onnx_file import table_model

from bailee.core.errors import Invalid, UserError
from bailee.deid.notes.found import LABELS
from bailee.deid.notes.second import Second, labels_from_config, windows_of
from bailee.deid.notes.text import Text
from bailee.deid.notes.wordpiece import WordPiece

pytest.importorskip("onnxruntime", reason="onnxruntime is an extra: nlp")

LABEL_NAMES = ["O", "B-PATIENT", "I-PATIENT", "B-HOSPITAL"]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "seen", "by", "doctor", "at", "in", "the", "clinic", "mor", "##gan", "##ville", "lee", "saint",
         ".", ",", "名"]  # fmt: skip
SENTENCES = [
    ("seen by doctor morgan lee at the clinic .", "O O O P P O O O O"),
    ("lee , morgan seen in the clinic", "P O P O O O O"),
    ("at saint morganville , seen by lee", "O H H O O O P"),
]


def trained():
    """Fit scores of pieces to sentences by gradient descent on the cross-entropy."""
    vocabulary = {word: number for number, word in enumerate(WORDS)}
    cut = WordPiece(vocabulary, lower=True)
    ids, labels = [], []
    for text, marks in SENTENCES:
        pieces = cut.cut(text)
        ids += pieces.ids.tolist()
        labels += [{"O": 0, "P": 1, "H": 3}[marks.split()[word]] for word in pieces.word]
    scores = np.zeros((len(WORDS), len(LABEL_NAMES)), np.float32)
    for _ in range(300):
        rows = scores[ids]
        likely = np.exp(rows - rows.max(1, keepdims=True))
        likely /= likely.sum(1, keepdims=True)
        likely[np.arange(len(labels)), labels] -= 1
        np.subtract.at(scores, ids, 0.3 * likely)
    scores[:4] = [5, 0, 0, 0]
    scores[vocabulary["名"]] = [0, 5, 0, 0]
    return vocabulary, scores


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    vocabulary, scores = trained()
    path = tmp_path_factory.mktemp("model")
    (path / "model.onnx").write_bytes(table_model(scores))
    (path / "tokenizer.json").write_text(
        json.dumps({"model": {"type": "WordPiece", "vocab": vocabulary}, "normalizer": {"lowercase": True}})
    )
    (path / "config.json").write_text(
        json.dumps({"id2label": dict(enumerate(LABEL_NAMES)), "max_position_embeddings": 40})
    )
    return path


def found_in(folder, *texts):
    notes = Text(pa.array(texts))
    spans = Second(folder)(notes)
    note = notes.note_of(spans.start)
    start, end = notes.points(note, spans.start, spans.end)
    return [
        (int(n), texts[n][a:b], LABELS[label]) for n, a, b, label in zip(note, start, end, spans.label, strict=True)
    ]


def test_it_finds_what_it_was_taught(folder):
    assert found_in(folder, "Seen by doctor Morgan Lee.", "", "At the clinic, Lee") == [
        (0, "Morgan Lee", "NAME"),
        (2, "Lee", "NAME"),
    ]


def test_places_are_code_points_of_the_original(folder):
    assert found_in(folder, "😀 ｍｏｒｇａｎ 名 by Mórgan") == [(0, "ｍｏｒｇａｎ 名", "NAME"), (0, "Mórgan", "NAME")]


def test_names_are_found_over_window_edges(folder):
    text = "seen by the doctor at lee, " * 40
    assert len(found_in(folder, text)) == 40


def test_a_model_is_known_by_its_hash(folder):
    assert len(Second(folder).sha256) == 64


@pytest.mark.parametrize(("count", "size"), [(1, 8), (8, 8), (9, 8), (100, 10), (1000, 510)])
def test_windows_take_every_piece_once(count, size):
    windows = list(windows_of(count, size))
    assert [place for window in windows for place in range(window.own_start, window.own_end)] == list(range(count))
    assert all(
        window.start <= window.own_start and window.own_end <= window.end <= window.start + size for window in windows
    )


def test_a_folder_without_its_files_is_refused(tmp_path):
    with pytest.raises(UserError):
        Second(tmp_path)


def test_another_kind_of_tokeniser_is_refused(folder, tmp_path):
    for name in ("model.onnx", "config.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "BPE", "vocab": {}}}')
    with pytest.raises(Invalid):
        Second(tmp_path)


def test_labels_that_do_not_fit_the_model_are_refused(folder, tmp_path):
    for name in ("model.onnx", "tokenizer.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "config.json").write_text('{"id2label": {"0": "O"}}')
    with pytest.raises(Invalid):
        Second(tmp_path)(Text(pa.array(["seen"])))
    with pytest.raises(Invalid):
        labels_from_config({"id2label": {"1": "O"}})


def test_a_broken_model_is_refused(folder, tmp_path):
    for name in ("config.json", "tokenizer.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(Invalid):
        Second(tmp_path)

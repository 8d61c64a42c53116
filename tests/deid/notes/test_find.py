import itertools
import json
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from bailee.cli.notes import command
from bailee.core.errors import Invalid, UserError
from bailee.deid.notes.find import find, unsupported
from bailee.deid.notes.found import LABELS, MODEL, PATTERNS, Found, Spans, found_from_spans
from bailee.deid.notes.hard.fill import sentences
from bailee.deid.notes.text import Text
from bailee.synthetic.notes import notes as synthetic


def spans_of(found: Found) -> list[list[tuple[int, int, str]]]:
    first = found.first()
    rows = list(zip(found.start.tolist(), found.end.tolist(), [LABELS[label] for label in found.label], strict=True))
    return [rows[first[note] : first[note + 1]] for note in range(len(found.language))]


def covered(notes: list, found: Found) -> tuple[float, float]:
    """Share of marked letters and digits that are found, and of found ones that are marked or may be."""
    must = hit = flagged = 0
    for note, spans in zip(notes, spans_of(found), strict=True):
        gold = {
            i
            for start, end, label in note.spans
            if label in LABELS
            for i in range(start, end)
            if note.text[i].isalnum()
        }
        free = {i for start, end, label in note.spans if label not in LABELS for i in range(start, end)}
        got = {i for start, end, _ in spans for i in range(start, end) if note.text[i].isalnum()}
        must, hit, flagged = must + len(gold), hit + len(gold & got), flagged + len(got - free)
    return hit / must, hit / flagged


NOTE = (
    "Patient: Ngozi Okafor\nMRN: 88213377\nSeen by Dr. Wells on 12/03/2019 at 555-201-3344. Parkinson disease stable."
)


@pytest.mark.parametrize("language", ["en", "es", "fr", "de"])
def test_nearly_everything_is_found_in_synthetic_notes_never_seen(language):
    notes = list(synthetic(150, seed=990, language=language, difficulty=0.5))
    recall, precision = covered(notes, find(pa.array([note.text for note in notes]), language=language))
    assert recall > 0.985
    assert precision > 0.9  # some are bad scans, of which hardly a word is left


def test_spans_are_apart_in_order_and_within_their_notes():
    texts = [note.text for note in synthetic(60, seed=991, difficulty=1.0)]
    for text, spans in zip(texts, spans_of(find(pa.array(texts))), strict=True):
        assert all(0 <= start < end <= len(text) for start, end, _ in spans)
        assert all(left[1] <= right[0] for left, right in itertools.pairwise(spans))


def test_a_note_is_answered_alike_alone_and_in_any_batch():
    texts = [note.text for language in ("en", "de", "es") for note in synthetic(12, seed=992, language=language)]
    whole = spans_of(find(pa.array(texts)))
    assert [spans_of(find(pa.array([text])))[0] for text in texts] == whole
    assert spans_of(find(pa.array(texts[::-1])))[::-1] == whole


def test_a_stricter_point_finds_no_less():
    texts = pa.array([note.text for note in synthetic(80, seed=993)])
    sizes = [
        int((found.end - found.start).sum())
        for found in (find(texts, operating_point=p) for p in ("readable", "balanced", "strict"))
    ]
    assert sizes == sorted(sizes)


def test_leaving_finders_out_leaves_their_finds_out():
    texts = pa.array([NOTE])
    assert not (find(texts, without=MODEL).finder & MODEL).any()
    assert not (find(texts, without=PATTERNS).finder & PATTERNS).any()
    assert len(find(texts, without=MODEL | PATTERNS)) == 0


@pytest.mark.parametrize(
    "disguise",
    [
        "\u200b".join,
        lambda name: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name),
        lambda name: name.replace("a", "а").replace("o", "о"),
        lambda name: name.replace("o", "o\u0301"),
        str.lower,
        str.upper,
    ],
)
def test_a_disguised_name_is_found(disguise):
    name = disguise("Okafor")
    text = f"Patient: {name}, seen today."
    spans = spans_of(find(pa.array([text])))[0]
    assert any(start <= 9 and end >= 9 + len(name) for start, end, _ in spans)


def test_an_unsupported_language_is_said():
    found = find(
        pa.array(
            [
                "Pacjent zostal przyjety do szpitala i nie ma bolu, jest w dobrym stanie od dni, bo sie leczy.",
                "The patient is well.",
            ]
        )
    )
    assert unsupported(found).tolist() == [True, False]


def test_what_there_is_not_is_refused():
    with pytest.raises(UserError, match="operating point"):
        find(pa.array(["x"]), operating_point="brave")
    with pytest.raises(UserError, match="language"):
        find(pa.array(["x"]), language="tlh")
    with pytest.raises(Invalid, match="strings"):
        find(pa.array([1]))


def test_an_empty_batch_and_empty_notes_are_answered():
    assert len(find(pa.array([], pa.string()))) == 0
    assert len(find(pa.array(["", " \n", None]))) == 0


def test_no_repr_shows_what_was_found():
    assert "Okafor" not in repr(find(pa.array([NOTE])))


@pytest.mark.parametrize(
    "text",
    ["A" * 20_000, "1/2/" * 5_000, "a.a." * 5_000 + "@", " " * 20_000, "Dr. " * 5_000, "\u0301" * 5_000, "1 " * 10_000, "\n" * 20_000, "王" * 5_000],
)  # fmt: skip
def test_hostile_notes_are_answered(text):
    found = find(pa.array([text]))
    assert (found.end <= len(text)).all()
    assert (np.diff(found.start) >= 0).all()


def test_most_sentences_without_identifiers_stay_whole():
    rng = Random(4)
    texts = [" ".join(sentences("en").sentence("clinical", rng)[0] for _ in range(8)) for _ in range(60)]
    found = find(pa.array(texts), language="en")
    assert (found.end - found.start).sum() < 0.04 * sum(map(len, texts))


def run(*arguments: str):
    return CliRunner().invoke(command, list(arguments))


def test_the_command_writes_spans_of_each_line(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(json.dumps({"id": str(i), "text": NOTE}) + "\n" for i in range(3)), "utf-8")
    assert run("find", str(source), str(target)).exit_code == 0
    rows = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == ["0", "1", "2"]
    assert [9, 21, "NAME"] in rows[0]["spans"]
    assert rows[0]["spans"] == rows[2]["spans"]


def test_the_command_scrubs(tmp_path):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps({"id": "a", "text": NOTE}) + "\n", "utf-8")
    assert run("scrub", str(source), str(target)).exit_code == 0
    text = json.loads(target.read_text("utf-8"))["text"]
    assert "Okafor" not in text
    assert "Parkinson disease stable" in text


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "1"}', '{"text": 3, "id": "1"}'])
def test_a_bad_line_is_named_and_nothing_is_written(tmp_path, line):
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(json.dumps({"id": "a", "text": "x"}) + "\n" + line + "\n", "utf-8")
    result = run("find", str(source), str(target))
    assert isinstance(result.exception, Invalid)
    assert "in.jsonl, line 2" in str(result.exception)
    assert not target.exists()


def test_a_site_learns_on_from_its_own_notes(tmp_path):
    source, folder = tmp_path / "reviewed.jsonl", tmp_path / "model"
    with source.open("w", encoding="utf-8") as out:
        for number, note in enumerate(synthetic(60, seed=994)):
            out.write(json.dumps({"id": number, "text": note.text, "spans": note.spans}) + "\n")
    result = run("train", str(source), str(folder), "--passes", "1")
    assert result.exit_code == 0, result.exception
    assert "after" in result.output
    target = tmp_path / "out.jsonl"
    (tmp_path / "in.jsonl").write_text(json.dumps({"id": "a", "text": NOTE}) + "\n", "utf-8")
    assert run("find", str(tmp_path / "in.jsonl"), str(target), "--model", str(folder)).exit_code == 0
    assert [9, 21, "NAME"] in json.loads(target.read_text("utf-8"))["spans"]


@pytest.mark.parametrize(
    "text",
    ["Akdora: My wife, AnargÃ¼l. Say hi, AnargÃ¼l.", "MRN 4¼7 for John¼Smith, call 617-555-0¼99", "½½½ Dr. ¼¼ Smith¾4"],
)
@pytest.mark.parametrize("point", ["strict", "balanced"])
def test_spans_stay_apart_where_one_character_folds_to_several(text, point):
    """A scan that lost its encoding turned a release down: two spans shared the quarter sign."""
    found = find(pa.array([text] * 3, pa.large_string()), language="en", operating_point=point)
    for spans in spans_of(found):
        places = [place for start, end, _ in spans for place in range(start, end)]
        assert places == sorted(set(places))
        assert all(start < end for start, end, _ in spans)


def test_spans_that_share_a_character_are_set_apart():
    text = Text(pa.array(["a¼b"], pa.large_string()))
    whole = bytes(text.folded).decode()
    middle = whole.index("4")
    spans = Spans.of([0, middle], [middle, len(whole)], [0, 1])
    found = found_from_spans(text, spans, np.zeros(2, np.int32), np.zeros(1, np.int8))
    assert list(zip(found.start.tolist(), found.end.tolist(), strict=True)) == [(0, 2), (2, 3)]

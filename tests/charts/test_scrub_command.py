"""`bailee notes scrub`: surrogates under a key, of a patient that a line or a chart tells; places for the hospital."""

import json

import pytest
from click.testing import CliRunner

from bailee.cli.notes import command
from bailee.core.errors import Invalid, UserError

TEXT = "Patient: Ngozi Okafor. MRN: 88213377. Seen by Dr. Wells on 12/03/2019, again on 12/05/2019. Parkinson disease stable."


def run(*arguments):
    return CliRunner().invoke(command, ["scrub", *map(str, arguments)])


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def read(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture
def made(tmp_path):
    rows = [{"id": f"{who}{n}", "patient": who, "text": TEXT} for who in ("a", "b") for n in range(2)]
    source, target, key = write(tmp_path / "in.jsonl", *rows), tmp_path / "out.jsonl", tmp_path / "key"
    result = run(source, target, "--method", "surrogate", "--key-file", key, "--map", tmp_path / "map.jsonl")
    assert result.exit_code == 0, result.exception
    return result, source, read(target), key


def test_a_patient_has_one_surrogate_and_another_patient_another(made):
    _, _, rows, _ = made
    texts = [row["text"] for row in rows]
    assert texts[0] == texts[1] != texts[2] == texts[3]
    assert not any(part in text for text in texts for part in ("Okafor", "Ngozi", "88213377", "12/03/2019"))
    assert all("Parkinson disease stable" in text and "[" not in text for text in texts)


def test_a_key_is_made_once_for_its_owner_only_and_said_to_be_kept(made, tmp_path):
    result, source, rows, key = made
    assert "made a new key" in result.stderr
    assert key.stat().st_mode & 0o777 == 0o600
    again = run(source, tmp_path / "again.jsonl", "--method", "surrogate", "--key-file", key)
    assert "made a new key" not in again.stderr
    assert read(tmp_path / "again.jsonl") == rows


def test_days_between_dates_stay(made):
    import re
    from datetime import datetime

    found = [datetime.strptime(day, "%m/%d/%Y") for day in re.findall(r"\d\d/\d\d/\d{4}", made[2][0]["text"])]
    assert abs((found[1] - found[0]).days) == 2


def test_places_lead_back_to_the_original(made, tmp_path):
    for row, places in zip(made[2], read(tmp_path / "map.jsonl"), strict=True):
        assert places["id"] == row["id"]
        assert "".join(cut(TEXT, places["spans"], 0)) == "".join(cut(row["text"], places["spans"], 3))
        assert all(set(map(type, place)) == {int, str} for place in places["spans"])


def cut(text, places, column):
    last = 0
    for place in places:
        yield text[last : place[column]]
        last = place[column + 1]
    yield text[last:]


def test_a_note_of_nobody_is_refused_with_its_line_and_a_remedy(tmp_path):
    source = write(tmp_path / "in.jsonl", {"id": "1", "patient": "a", "text": TEXT}, {"id": "2", "text": TEXT})
    result = run(source, tmp_path / "out.jsonl", "--method", "surrogate", "--key-file", tmp_path / "key")
    assert isinstance(result.exception, Invalid)
    assert "in.jsonl, line 2" in str(result.exception)
    assert '"patient"' in str(result.exception)
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.parametrize("given", [["--method", "surrogate"], ["--method", "shuffle"], ["--key-file", "key"]])
def test_a_wrong_call_is_refused(tmp_path, given):
    source = write(tmp_path / "in.jsonl", {"id": "1", "patient": "a", "text": TEXT})
    assert isinstance(run(source, tmp_path / "out.jsonl", *given).exception, UserError)


def test_a_chart_tells_the_patient(tmp_path):
    folder = tmp_path / "charts"
    folder.mkdir()
    records = [
        {"resourceType": "Patient", "id": "p", "name": [{"given": ["Will"], "family": "May"}]},
        {"resourceType": "DocumentReference", "id": "n", "status": "current", "subject": {"reference": "Patient/p"}},
    ]
    write(folder / "all.ndjson", *records)
    write(
        folder / "listed.jsonl",
        {"id": "m", "patient": "p", "identifiers": [{"kind": "name-full", "value": "Will May"}]},
    )
    text = "Will May, will may be seen in May. WM was seen."
    source = write(
        tmp_path / "in.jsonl",
        {"id": "n", "text": text},
        {"id": "m", "text": text},
        {"id": "x", "patient": "p", "text": text},
    )
    given = ("--method", "surrogate", "--key-file", tmp_path / "key", "--charts", folder)
    assert run(source, tmp_path / "out.jsonl", *given).exit_code == 0
    texts = {row["text"] for row in read(tmp_path / "out.jsonl")}
    assert len(texts) == 1
    assert "WM" not in texts.pop()

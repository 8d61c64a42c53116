"""`bailee deid --ms-config`: files in, files out, whole or not at all."""

import gzip
import json

import pytest
from tests.support.microsoft import KEYS, without_labels

from bailee.cli.main import main
from bailee.core.errors import Invalid, UserError
from bailee.flows.deidentify.microsoft import anonymize_files

PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Zebedee"}], "gender": "male"}
RULES = [
    {"path": "Patient.name", "method": "redact"},
    {"path": "Patient.gender", "method": "generalize", "cases": {"$this = 'male'": "'m'"}},
]


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "configuration.json"
    file.write_text(json.dumps({"fhirVersion": "R4", "fhirPathRules": RULES, "parameters": KEYS}), "utf-8-sig")
    return file


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    (folder / "Patient.ndjson").write_text(
        "".join(json.dumps(PATIENT | {"id": f"p{n}"}) + "\n" for n in range(3)) + "\n"
    )
    (folder / "deeper" / "one.json").write_text(
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": PATIENT}]}, indent=2)
    )
    (folder / "Observation.ndjson.gz").write_bytes(gzip.compress(b'{"resourceType":"Observation","id":"o"}\n'))
    return folder


def lines(file):
    return [without_labels(json.loads(line)) for line in file.read_text().splitlines()]


CLEAN = {"resourceType": "Patient", "id": "p", "gender": "m"}


def test_a_folder_comes_out_in_its_own_layout(source, config, tmp_path):
    target = tmp_path / "out"
    account = anonymize_files(source, target, config)
    assert (account.files, account.resources) == (3, 5)
    assert sorted(str(file.relative_to(target)) for file in target.rglob("*") if file.is_file()) == [
        "Observation.ndjson",
        "Patient.ndjson",
        "deeper/one.json",
    ]
    assert lines(target / "Patient.ndjson") == [CLEAN | {"id": f"p{n}"} for n in range(3)]
    assert lines(target / "deeper" / "one.json")[0]["entry"] == [{"resource": CLEAN}]


def test_a_single_file_goes_where_it_is_told(source, config, tmp_path):
    anonymize_files(source / "deeper" / "one.json", tmp_path / "two.json", config)
    anonymize_files(source / "Observation.ndjson.gz", tmp_path, config)
    assert lines(tmp_path / "two.json")[0]["resourceType"] == "Bundle"
    assert lines(tmp_path / "Observation.ndjson") == [{"resourceType": "Observation", "id": "o"}]


def test_a_bad_line_is_named_and_its_file_is_not_written(source, config, tmp_path):
    with (source / "Patient.ndjson").open("a") as file:
        file.write('{"resourceType":"Patient","nickname":"Zeb"}\n')
    with pytest.raises(Invalid, match=r"Patient\.ndjson, line 5") as caught:
        anonymize_files(source, tmp_path / "out", config)
    assert "Zeb" not in str(caught.value)
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["Observation.ndjson"]


def test_the_input_is_never_overwritten(source, config):
    with pytest.raises(UserError):
        anonymize_files(source, source, config)
    with pytest.raises(UserError):
        anonymize_files(source, source / "deeper" / "out", config)
    with pytest.raises(UserError):
        anonymize_files(source / "Patient.ndjson", source / "Patient.ndjson", config)


def test_the_command_says_what_it_did_and_warns(source, config, tmp_path, capsys):
    assert main(["deid", str(source), str(tmp_path / "out"), "--ms-config", str(config), "--ms-linear-date-shift"]) == 0
    said = capsys.readouterr()
    assert "5 resources in 3 files" in said.out
    assert "linear date shift" in said.err


def test_the_command_ends_with_an_error_for_a_faulty_configuration(source, config, tmp_path, capsys):
    config.write_text('{"fhirPathRules":[{"path":"Patient.name[","method":"redact"}]}')
    assert main(["deid", str(source), str(tmp_path / "out"), "--ms-config", str(config)]) == 65
    assert "rule 1" in capsys.readouterr().err

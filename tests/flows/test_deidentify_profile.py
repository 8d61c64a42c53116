"""`bailee deid --profile`: the tool that someone tries first."""

import base64
import json

import pytest

from bailee.cli.main import main
from bailee.core.clock import FixedClock, ms_from_iso
from bailee.core.errors import Invalid, UserError
from bailee.core.keys import Secret
from bailee.flows.deidentify.profile import deidentify_files, read_key_file

KEY = Secret(bytes(range(32)))
CLOCK = FixedClock(ms_from_iso("2026-06-15"))
NOTE = "Mr. Zebedee Quillfeather was seen on 03/04/2021 for a cough. Zebedee feels better. Call 617-555-0142."
RECORDS = [
    {
        "resourceType": "Patient",
        "id": "p1",
        "name": [{"family": "Quillfeather", "given": ["Zebedee"]}],
        "gender": "male",
        "birthDate": "1980-05-17",
    },
    {
        "resourceType": "Condition",
        "id": "c1",
        "subject": {"reference": "Patient/p1"},
        "code": {"text": "Cough of Zebedee Quillfeather"},
        "recordedDate": "2021-03-04",
    },
    {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "subject": {"reference": "Patient/p1"},
        "content": [{"attachment": {"contentType": "text/plain", "data": base64.b64encode(NOTE.encode()).decode()}}],
    },
]


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "export.ndjson").write_text("".join(json.dumps(record) + "\n" for record in RECORDS[:2]))
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": RECORDS[2]}]}
    (folder / "bundle.json").write_text(json.dumps(bundle))
    return folder


def everything(folder):
    return {file.name: file.read_text() for file in sorted(folder.iterdir())}


def note_of(folder):
    attachment = json.loads((folder / "DocumentReference.ndjson").read_text())["content"][0]["attachment"]
    return base64.b64decode(attachment["data"]).decode()


def test_records_and_notes_come_out_by_type_without_the_patient(source, tmp_path):
    target = tmp_path / "out"
    account = deidentify_files(source, target, "safe-harbor", KEY, clock=CLOCK)
    assert sorted(everything(target)) == ["Condition.ndjson", "DocumentReference.ndjson", "Patient.ndjson"]
    assert account.left.total() == 3
    said = "".join(everything(target).values()) + note_of(target)
    assert not [
        word for word in ("Quillfeather", "Zebedee", "617-555-0142", "03/04/2021", "1980-05-17", "p1") if word in said
    ]
    assert "cough" in note_of(target)


def test_the_graph_still_joins(source, tmp_path):
    deidentify_files(source, tmp_path / "out", "safe-harbor", KEY, clock=CLOCK)
    patient, condition = (
        json.loads((tmp_path / "out" / f"{name}.ndjson").read_text()) for name in ("Patient", "Condition")
    )
    assert condition["subject"]["reference"] == f"Patient/{patient['id']}"


def test_the_same_key_gives_the_same_bytes_and_another_key_others(source, tmp_path):
    for name, key in (("one", KEY), ("two", KEY), ("three", Secret(b"k" * 32))):
        deidentify_files(source, tmp_path / name, "expert-determination", key, clock=CLOCK)
    one, two, three = (everything(tmp_path / name) for name in ("one", "two", "three"))
    assert one == two
    assert one["Patient.ndjson"] != three["Patient.ndjson"]


SITE = """
title = "A site's own"
identifiability = "safe-harbor"
extends = "safe-harbor"
summary = "Safe Harbor with coarser codes."

[[rules]]
method = "mask"
argument = "first 1"
why = "Only the first letter of the sex is needed"
source = "site"
paths = ["Patient.gender"]
"""


def test_a_site_has_its_own_profile_with_rare_methods(source, tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(SITE)
    deidentify_files(source, tmp_path / "out", str(file), KEY, clock=CLOCK)
    assert json.loads((tmp_path / "out" / "Patient.ndjson").read_text())["gender"] == "m***"
    with pytest.raises(UserError):
        deidentify_files(source, tmp_path / "two", str(tmp_path / "absent.toml"), KEY)


def test_nothing_is_left_beside_the_output(source, tmp_path):
    deidentify_files(source, tmp_path / "out", "safe-harbor", KEY, clock=CLOCK)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]


def test_a_folder_that_holds_something_is_not_written_to(source):
    with pytest.raises(UserError):
        deidentify_files(source, source, "safe-harbor", KEY)


@pytest.mark.parametrize("content", [b"xyz", b"abcd"])
def test_a_key_file_must_be_a_key(tmp_path, content):
    file = tmp_path / "key"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(Invalid):
        read_key_file(file)


def test_the_command_counts_and_lists_what_it_could_not_read(source, tmp_path, capsys):
    with (source / "export.ndjson").open("a") as file:
        file.write('{"resourceType":"Patient"')
    key = tmp_path / "key"
    key.write_text("ab" * 32)
    key.chmod(0o600)
    assert main(["deid", str(source), str(tmp_path / "out"), "--profile", "safe-harbor", "--key-file", str(key)]) == 65
    said = capsys.readouterr()
    assert "3 records in, 3 out" in said.out
    assert "line 3" in said.err


def test_the_command_wants_one_way_of_working(source, tmp_path):
    assert main(["deid", str(source), str(tmp_path / "out")]) == 2

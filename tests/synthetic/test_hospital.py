"""Claims about the synthetic hospital: valid R4, reproducible, consistent with its own charts, streamed."""

from __future__ import annotations

import base64
import gzip
import importlib
import json
import re
from collections import defaultdict
from html import unescape

import pytest
from striprtf.striprtf import rtf_to_text

from bailee.records.r4.tables import children, is_primitive, resource_types
from bailee.synthetic.hospital import hospital_files


def collected(patients, seed, **options):
    files = defaultdict(bytes)
    for name, piece in hospital_files(patients, seed, **options):
        files[name] += piece
    return dict(files)


def rows(files, prefix):
    return [
        json.loads(line) for name, content in files.items() if name.startswith(prefix) for line in content.splitlines()
    ]


@pytest.fixture(scope="module")
def files():
    return collected(120, 11)


@pytest.fixture(scope="module")
def records(files):
    return rows(files, "fhir/")


def unknown_elements(value, owner, path):
    known = children(owner)
    for name, member in value.items():
        if name == "resourceType" or (name.startswith("_") and name[1:] in known):
            continue
        if name not in known:
            yield f"{path}.{name}"
        elif not is_primitive(known[name].type):
            for item in member if known[name].repeats else [member]:
                yield from unknown_elements(item, known[name].type, f"{path}.{name}")


def test_every_element_is_one_that_r4_defines(records):
    found = {
        path for record in records for path in unknown_elements(record, record["resourceType"], record["resourceType"])
    }
    assert found == set()


def test_a_sample_of_every_type_passes_an_independent_validator(records):
    samples = defaultdict(list)
    for record in records:
        samples[record["resourceType"]].append(record)
    assert len(samples) == 24
    for kind, of_kind in samples.items():
        model = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        for record in of_kind[:12]:
            model.model_validate(record)


def test_every_reference_meets_its_resource(records):
    present = {f"{record['resourceType']}/{record['id']}" for record in records}
    assert len(present) == len(records)
    used = {
        target for record in records for target in re.findall(r'"reference": "([A-Za-z]+/[^"]+)"', json.dumps(record))
    }
    assert used <= present


def test_the_same_seed_gives_the_same_bytes_whatever_the_batch():
    assert collected(7, 3) == collected(7, 3, batch=2)
    assert collected(7, 3) != collected(7, 4)


def test_a_patient_does_not_depend_on_how_many_follow():
    few = collected(3, 5)
    more = collected(6, 5)
    for name in ("fhir/Patient.000.ndjson", "truth/notes.000.ndjson"):
        assert more[name].startswith(few[name])


def test_compressed_pieces_add_up_to_the_same_file():
    plain = collected(4, 6, batch=2)
    packed = collected(4, 6, batch=2, compressed=True)
    assert {name: gzip.decompress(packed[f"{name}.gz"]) for name in plain} == plain


def test_a_new_part_begins_every_thousand_patients():
    names = [name for name, _ in hospital_files(1002, 1, batch=501, truth=False)]
    assert "fhir/Patient.000.ndjson" in names
    assert "fhir/Patient.001.ndjson" not in names


def text_of(content):
    raw = base64.b64decode(content["data"]).decode()
    if content["contentType"].startswith("text/html"):
        return unescape(re.fullmatch(r"<html>.*?<p>(.*)</p></body></html>", raw, re.DOTALL)[1].replace("<br/>\n", "\n"))
    return raw


def test_the_truth_is_the_text_of_the_attachment(files, records):
    truth = {row["id"]: row for row in rows(files, "truth/notes")}
    documents = [record for record in records if record["resourceType"] == "DocumentReference"]
    assert {document["id"] for document in documents} == set(truth)
    kinds = defaultdict(int)
    for document in documents:
        content = document["content"][0]["attachment"]
        kinds[content["contentType"].partition(";")[0]] += 1
        row = truth[document["id"]]
        if content["contentType"] != "application/rtf":
            assert text_of(content) == row["text"]
        else:
            shown = rtf_to_text(base64.b64decode(content["data"]).decode(), errors="replace")
            assert re.sub(r"\W", "", shown) == re.sub(r"\W", "", row["text"])
        position = 0
        for start, end, _ in row["spans"]:
            assert position <= start < end <= len(row["text"])
            position = end
    assert set(kinds) == {"text/plain", "text/html", "application/rtf"}


def test_notes_are_about_their_patient(files):
    planted = {row["patient"]: dict(row["planted"]) for row in rows(files, "truth/patients")}
    notes = rows(files, "truth/notes")
    named = sum(planted[note["patient"]]["name-family"].lower() in note["text"].lower() for note in notes)
    assert named > 0.6 * len(notes)


def test_notes_are_long(files):
    lengths = [len(note["text"]) for note in rows(files, "truth/notes")]
    assert 2000 < sum(lengths) / len(lengths) < 5000
    assert max(lengths) > 5500


def test_about_one_patient_in_twenty_refuses():
    said = [row["consent"] for row in rows(collected(600, 2), "truth/patients")]
    refused = sum("den" in stance for stance in said) / len(said)
    assert 0.02 < refused < 0.09
    assert sum(stance == "permits" for stance in said) > 60


def test_charts_hold_the_hard_people(records):
    patients = [record for record in records if record["resourceType"] == "Patient"]
    assert any(int(patient["birthDate"][:4]) < 1936 for patient in patients)
    assert any("deceasedDateTime" in patient for patient in patients)
    assert any(len(patient["name"]) > 1 and patient["name"][1]["use"] in {"maiden", "old"} for patient in patients)
    staff = {
        (record["name"][0]["family"], *record["name"][0]["given"])
        for record in records
        if record["resourceType"] == "Practitioner"
    }
    assert any((patient["name"][0]["family"], *patient["name"][0]["given"]) in staff for patient in patients)
    homes = defaultdict(set)
    for patient in patients:
        homes[patient["address"][0]["text"]].add(patient["name"][0]["family"])
    assert any(len(families) == 1 for families in homes.values())
    assert len(homes) < len(patients)


def test_a_chart_is_as_large_as_in_real_exports(files):
    size = sum(len(content) for name, content in files.items() if name.startswith("fhir/"))
    assert 100_000 < size / 120 < 220_000


def test_no_type_is_invented(records):
    assert {record["resourceType"] for record in records} <= set(resource_types())

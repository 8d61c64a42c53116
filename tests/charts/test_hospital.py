"""Whole hospitals: after find and scrub no value of any chart is left in any note, and each wrong cut is seen."""

import base64
import json

import numpy as np
import pyarrow as pa
import pytest

from bailee.deid.notes import leaks
from bailee.deid.notes.chart.folder import read_charts
from bailee.deid.notes.find import find
from bailee.deid.notes.found import NAME, Found
from bailee.deid.notes.scrub import Subjects, scrub
from bailee.synthetic.hospital import hospital_files


def notes_of(folder):
    """Ids and texts of all DocumentReferences in a folder."""
    ids, texts = [], []
    for path in sorted(folder.rglob("DocumentReference*.ndjson")):
        for line in filter(None, path.read_text(encoding="utf-8").split("\n")):
            record = json.loads(line)
            ids.append(record["id"])
            texts.append(base64.b64decode(record["content"][0]["attachment"]["data"]).decode())
    return ids, pa.array(texts, pa.large_string())


def cleaned(charts, owner, texts, *, without=()):
    return scrubbed(charts, owner, texts, without=without).texts


def scrubbed(charts, owner, texts, *, without=(), method="surrogate"):
    found = find(texts, charts=charts, chart_of=owner)
    keep = ~np.isin(found.label, without)
    found = Found(
        *(column[keep] for column in (found.note, found.start, found.end, found.label, found.finder)), found.language
    )
    subjects = Subjects(
        [bytes([number % 256]) * 32 for number in range(charts.count)],
        shift_days=np.full(charts.count, 40, np.int32),
        charts=charts,
    )
    return scrub(texts, found, subjects, owner, method=method)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hospital")
    for name, content in hospital_files(25, 11):
        if name.startswith("fhir/"):
            (folder / name).parent.mkdir(exist_ok=True)
            with (folder / name).open("ab") as out:
                out.write(content)
    ids, texts = notes_of(folder)
    known = read_charts(folder)
    return known.charts, known.chart_of(ids), texts


def test_no_value_of_a_chart_survives_in_a_synthetic_hospital(hospital):
    charts, owner, texts = hospital
    assert (owner >= 0).all()
    assert leaks.survivors(texts, charts, owner).mean() > 0.9
    assert not leaks.survivors(cleaned(charts, owner, texts), charts, owner).any()


def test_a_build_that_forgets_names_is_caught(hospital):
    charts, owner, texts = hospital
    assert leaks.survivors(cleaned(charts, owner, texts, without=(NAME,)), charts, owner).mean() > 0.9


def test_no_value_of_a_chart_survives_in_published_synthetic_records(shared):
    folder = shared / "synthea_bulk_10"
    known = read_charts(folder)
    ids, texts = notes_of(folder)
    owner = known.chart_of(ids)
    released = cleaned(known.charts, owner, texts)
    assert not leaks.survivors(released, known.charts, owner).any()
    patients = {
        value.lower() for kind, value in zip(known.charts.kind, known.charts.value.to_pylist(), strict=True) if kind < 2
    }
    assert not [name for text in released.to_pylist() for name in patients if name in text.lower()]


def pieces(done, texts):
    """Each note's text outside of its replacements, and the replacements."""
    for note, text in enumerate(texts.to_pylist()):
        mine = done.note == note
        outside, put, last = [], [], 0
        for start, end in zip(done.start[mine].tolist(), done.end[mine].tolist(), strict=True):
            outside.append(text[last:start])
            last = end
        released = done.texts[note].as_py()
        places = list(zip(done.new_start[mine].tolist(), done.new_end[mine].tolist(), strict=True))
        put = [released[start:end] for start, end in places]
        yield [*outside, text[last:]], put, places, released


def test_what_stands_outside_of_identifiers_is_released_byte_for_byte(hospital):
    charts, owner, texts = hospital
    done = scrubbed(charts, owner, texts)
    for outside, put, _, released in pieces(done, texts):
        assert "".join(part for pair in zip(outside, [*put, ""], strict=True) for part in pair) == released


def test_no_surrogate_is_the_full_name_of_another_patient(hospital):
    charts, owner, texts = hospital
    real = set()
    for number in range(charts.count):
        names = {kind: value for kind, value in charts.values_of(number) if kind in {"name-given", "name-family"}}
        real.add(" ".join((names["name-given"], names["name-family"])).lower())
    put = {one.lower() for _, put, *_ in pieces(scrubbed(charts, owner, texts), texts) for one in put}
    assert len(put) > 1000
    assert not put & real


def test_surrogates_that_are_scrubbed_again_bring_nothing_of_the_chart_back(hospital):
    charts, owner, texts = hospital
    once = cleaned(charts, owner, texts)
    twice = cleaned(charts, owner, once)
    assert not leaks.survivors(twice, charts, owner).any()

"""A release reaches its agreement's risk by coarsening Patients and leaving some out, or does not leave."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from deltalake import DeltaTable
from tests.support.hospitals import agree, digests, hospital_with, opened

from bailee.core.errors import Denied
from bailee.engines.local import LocalEngine
from bailee.flows.ingest.run import ingest
from bailee.flows.release.run import release
from bailee.flows.release.singling import patients_of
from bailee.flows.synthesize import write_hospital
from bailee.flows.verify import verify
from bailee.stores.lake.dataset import MANIFEST
from bailee.synthetic.agreement import agreement_text

QUASI = ("Patient.birthDate", "Patient.gender", "Patient.address.postalCode")
RISK = (
    "risk: {{quasi: [{quasi}], k: {k}, coarsen: {coarsen}, leave_out_percent: {percent}, least_difference: 1{more}}}\n"
)


@pytest.fixture(scope="module")
def export(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "export"
    write_hospital(folder, patients=30, seed=11)
    for path in folder.rglob("*"):
        if path.is_file() and path.name.partition(".")[0] not in {"Patient", "Condition", "Practitioner"}:
            path.unlink()
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory, export) -> Path:
    folder = tmp_path_factory.mktemp("template") / "hospital"
    hospital_with(folder, export, partition_bytes=200_000).close()
    return folder


def released(hospital, *, name="coarse", k=5, percent=20, coarsen=True, quasi=QUASI, more="", workers=1):
    terms = RISK.format(quasi=", ".join(quasi), k=k, percent=percent, coarsen=str(coarsen).lower(), more=more)
    agree(hospital, agreement_text(hospital.today(), name=name, cohort="everyone: true") + terms)
    return release(hospital, name, LocalEngine(workers))


def classes(folder, quasi=QUASI):
    table = patients_of(folder, quasi)
    return Counter(tuple(row.values()) for row in table.select(list(quasi)).to_pylist())


def test_every_released_patient_has_enough_who_look_alike(hospital):
    done = released(hospital)
    assert min(classes(done.folder).values()) >= 5
    assert done.manifest.coarsened
    out = done.summary.refused_patients["E-OUTPUT-RISK"]
    assert 0 <= out <= 6
    assert done.manifest.patients == sum(classes(done.folder).values()) == 30 - out
    assert list(verify(hospital)) == []


def test_those_who_are_left_out_have_no_record_in_it_and_no_disclosure(hospital):
    plain = released(hospital, name="plain", k=2, percent=0, coarsen=True, quasi=("Patient.gender",))
    status = ("Patient.gender", "Patient.maritalStatus.coding.code")
    done = released(hospital, k=4, percent=20, coarsen=False, quasi=status)
    assert done.summary.refused_patients["E-OUTPUT-RISK"] == 5
    stay = {line["id"] for line in lines(done.folder, "Patient")}
    assert {line["subject"]["reference"].removeprefix("Patient/") for line in lines(done.folder, "Condition")} <= stay
    assert len(lines(done.folder, "Condition")) < len(lines(plain.folder, "Condition"))
    assert hospital.egress.progress(done.plan.release).patients == len(stay)
    counts = done.summary
    assert sum(counts.taken.values()) == sum(counts.left.values()) + sum(counts.refused.values())


def lines(folder, kind):
    return [
        json.loads(line) for path in sorted(folder.glob(f"ndjson/{kind}.*")) for line in path.read_bytes().splitlines()
    ]


def test_tables_and_manifest_tell_what_was_coarsened(hospital):
    done = released(hospital, percent=0)
    manifest = json.loads((done.folder / MANIFEST).read_bytes())
    assert set(manifest["coarsened"]) <= set(QUASI)
    assert manifest["risk"]["Information lost by coarsening"].endswith("%)")
    table = DeltaTable(done.folder / "tables/Patient").to_pyarrow_table()
    in_lines = [line.get("birthDate") for line in lines(done.folder, "Patient")]
    assert table["birthDate"].to_pylist() == in_lines
    if manifest["coarsened"].get("Patient.birthDate") == "bands of 10 years":
        assert all(year.endswith("0") for year in in_lines if year)


def test_the_bytes_are_the_same_with_one_worker_and_two(template, tmp_path):
    results = []
    for workers in (1, 2):
        shutil.copytree(template, tmp_path / str(workers))
        ready = opened(tmp_path / str(workers))
        results.append(digests(released(ready, workers=workers).folder))
        ready.close()
    assert results[0] == results[1]


def test_a_run_killed_after_coarsening_ends_in_the_same_bytes(template, tmp_path, monkeypatch):
    shutil.copytree(template, tmp_path / "whole")
    whole = opened(tmp_path / "whole")
    expected = digests(released(whole).folder)
    whole.close()
    shutil.copytree(template, tmp_path / "killed")
    ready = opened(tmp_path / "killed")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("bailee.flows.release.run._dataset", killed)
        with pytest.raises(KeyboardInterrupt):
            released(ready)
    assert list((ready.home.staging / "coarse-v0001" / "coarse").glob("[!.]*"))
    again = release(ready, "coarse", LocalEngine(1))
    assert again.resumed
    assert digests(again.folder) == expected
    ready.close()


def test_nothing_is_touched_where_enough_look_alike_already(hospital):
    asked = released(hospital, k=2, quasi=("Patient.gender",))
    assert (asked.manifest.coarsened, asked.summary.refused_patients.get("E-OUTPUT-RISK")) == ({}, None)
    assert not list(hospital.home.staging.iterdir())


def test_what_cannot_be_reached_is_refused(hospital):
    with pytest.raises(Denied) as refused:
        released(hospital, k=40, percent=0)
    assert refused.value.reasons == ("E-OUTPUT-RISK",)
    assert hospital.egress.progress("coarse-v0001").state == "failed"
    assert not list(hospital.home.releases.glob("coarse/*"))
    with pytest.raises(Denied):
        released(hospital, name="rigid", k=20, percent=1, coarsen=False)


def test_a_later_release_tells_nothing_coarser_so_that_joined_they_tell_no_more(hospital, tmp_path):
    first = released(hospital)
    later = release(hospital, "coarse", LocalEngine(1))
    assert later.manifest.coarsened == first.manifest.coarsened
    assert classes(later.folder) == classes(first.folder)
    everything = released(hospital, name="open", k=2, percent=0, quasi=("Patient.gender",))
    assert everything.manifest.coarsened == {}
    agree(
        hospital,
        agreement_text(hospital.today(), name="open", cohort="everyone: true")
        + RISK.format(quasi=", ".join(QUASI), k=5, percent=0, coarsen="true", more=""),
    )
    with pytest.raises(Denied, match="no coarsening"):
        release(hospital, "open", LocalEngine(1))


def test_sensitive_elements_stay_diverse(hospital):
    more = ", sensitive: [{element: Patient.maritalStatus.coding.code, values: 2}]"
    done = released(hospital, quasi=("Patient.birthDate", "Patient.gender"), k=3, percent=30, more=more)
    table = patients_of(done.folder, ("Patient.birthDate", "Patient.gender", "Patient.maritalStatus.coding.code"))
    seen = {}
    for _, birth, gender, status in (tuple(row.values()) for row in table.to_pylist()):
        seen.setdefault((birth, gender), set()).add(status)
    assert min(map(len, seen.values())) >= 2


def test_new_patients_do_not_undo_what_was_promised(hospital, tmp_path):
    first = released(hospital, k=4)
    write_hospital(tmp_path / "more", patients=12, seed=99)
    for path in (tmp_path / "more").rglob("*"):
        if path.is_file() and path.name.partition(".")[0] != "Patient":
            path.unlink()
    ingest(hospital.home, [tmp_path / "more"], hospital.master)
    later = release(hospital, "coarse", LocalEngine(1))
    assert min(classes(later.folder).values()) >= 4
    assert later.manifest.patients > first.manifest.patients

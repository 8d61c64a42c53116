"""A release is whole or absent, the same bytes however it is made, and never without its disclosures."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from deltalake import DeltaTable
from tests.support.hospitals import AGREEMENT, AT_MS, agree, copied, digests, hospital_with, opened

from bailee.agreements.people import Person
from bailee.consent.rules import Rule
from bailee.core.errors import Denied, UserError
from bailee.engines.local import LocalEngine
from bailee.flows.release.run import release
from bailee.flows.synthesize import write_hospital
from bailee.flows.verify import verify
from bailee.stores.lake.dataset import MANIFEST, read_dataset
from bailee.stores.sql.agreements import find_agreement, move_agreement
from bailee.stores.sql.consents import put_rule
from bailee.stores.sql.database import write
from bailee.synthetic.agreement import agreement_text

PATIENTS = 12


@pytest.fixture(scope="session")
def export(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic") / "export"
    write_hospital(folder, patients=PATIENTS, seed=7, truth=True)
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory, export) -> Path:
    """A hospital that is ready to release, with several partitions; tests work on copies."""
    folder = tmp_path_factory.mktemp("template") / "hospital"
    hospital_with(folder, export, partition_bytes=400_000).close()
    return folder


@pytest.fixture(scope="session")
def reference(template, tmp_path_factory):
    """What one plain run publishes."""
    folder = tmp_path_factory.mktemp("reference") / "hospital"
    with copied(template, folder) as ready:
        done = release(ready, AGREEMENT, LocalEngine(1))
        findings = list(verify(ready))
    return done, digests(done.folder), findings


def test_a_release_verifies_and_joins(reference):
    done, _, findings = reference
    assert findings == []
    patients = set(DeltaTable(done.folder / "tables/Patient").to_pyarrow_table()["id"].to_pylist())
    assert 0 < len(patients) < PATIENTS + 1
    observations = DeltaTable(done.folder / "tables/Observation").to_pyarrow_table()
    assert set(observations["patient"].to_pylist()) <= patients
    notes = DeltaTable(done.folder / "tables/notes").to_pyarrow_table()
    assert notes.num_rows == done.summary.notes_left > 0
    assert set(notes["patient"].to_pylist()) <= patients


def test_every_record_is_released_or_refused_by_rule(reference):
    summary = reference[0].summary
    assert sum(summary.taken.values()) == sum(summary.left.values()) + sum(summary.refused.values())


def test_the_evidence_report_shows_the_release(reference):
    done = reference[0]
    page = done.report.read_text("utf-8")
    assert done.plan.release in page
    assert done.manifest_sha256 in page
    assert "<mark" in page
    assert oct(done.report.stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("change", ["workers", "batches"])
def test_the_bytes_do_not_depend_on_how_the_work_is_cut(hospital, reference, monkeypatch, change):
    if change == "batches":
        monkeypatch.setattr("bailee.flows.release.task.BATCH_BYTES", 50_000)
        monkeypatch.setattr("bailee.flows.release.tables.SLICE_BYTES", 16 << 20)
    done = release(hospital, AGREEMENT, LocalEngine(2 if change == "workers" else 1))
    assert digests(done.folder) == reference[1]


@pytest.mark.spark
def test_spark_gives_the_same_bytes(hospital, reference):
    pytest.importorskip("pyspark")
    from bailee.engines.spark import SparkEngine

    engine = SparkEngine("local[2]")
    try:
        done = release(hospital, AGREEMENT, engine)
    finally:
        engine.stop()
    assert digests(done.folder) == reference[1]


def test_a_second_release_is_the_next_version(hospital):
    first = release(hospital, AGREEMENT, LocalEngine(1))
    second = release(hospital, AGREEMENT, LocalEngine(1))
    assert (first.folder.name, second.folder.name) == ("v0001", "v0002")
    assert list(verify(hospital)) == []


def test_an_unknown_agreement_is_the_users_error(hospital):
    with pytest.raises(UserError, match="no agreement"):
        release(hospital, "nothing", LocalEngine(1))


def test_nothing_is_read_when_the_agreement_is_not_in_force(hospital):
    hospital.clock.advance(5 * 365 * 86_400_000)
    with pytest.raises(Denied) as refused:
        release(hospital, AGREEMENT, LocalEngine(1))
    assert "E-AGREEMENT" in refused.value.reasons
    assert not list(hospital.home.staging.iterdir())


def test_a_patient_who_says_no_meanwhile_is_left_out(hospital, reference):
    engine = _Interrupting(hospital, _someone_in(hospital))
    done = release(hospital, AGREEMENT, engine)
    assert engine.said
    assert done.manifest.patients == reference[0].manifest.patients - 1
    assert list(verify(hospital)) == []


def test_a_file_that_was_changed_is_found(hospital):
    done = release(hospital, AGREEMENT, LocalEngine(1))
    path = next(done.folder.glob("ndjson/Condition*"))
    path.write_bytes(path.read_bytes().replace(b"active", b"absent", 1))
    assert [finding.where for finding in verify(hospital)] == [done.plan.release]
    shutil.rmtree(done.folder)
    assert [finding.what for finding in verify(hospital)] == [
        "the ledger says that it was published, and its dataset is not there"
    ]


KILLED = """
import os, signal, sys
from tests.support.hospitals import AGREEMENT, opened
from pathlib import Path
from bailee.engines.local import LocalEngine
from bailee.flows.release.run import release
at, count = int(sys.argv[2]), 0
def step(event, arguments):
    global count
    if event in ("open", "os.rename", "os.mkdir", "os.link", "shutil.rmtree", "sqlite3.connect", "os.remove", "os.rmdir"):
        if event == "open" and not str(arguments[0]).startswith(sys.argv[1]):
            return
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(step)
hospital = opened(Path(sys.argv[1]))
release(hospital, AGREEMENT, LocalEngine(1))
hospital.close()
print(count)
"""


def _killed_at(folder: Path, at: int) -> subprocess.CompletedProcess:
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(at)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_killed_anywhere_a_release_is_whole_or_absent(template, reference, tmp_path):
    folder = tmp_path / "whole"
    shutil.copytree(template, folder)
    steps = int(_killed_at(folder, -1).stdout)
    moments = (
        range(1, steps + 1)
        if os.environ.get("BAILEE_DEEP")
        else sorted({steps // 3, steps - 30, steps - 12, steps - 4})
    )
    for at in moments:
        folder = tmp_path / f"at-{at}"
        shutil.copytree(template, folder)
        assert _killed_at(folder, at).returncode == -signal.SIGKILL
        hospital = opened(folder)
        for published in hospital.home.releases.glob("*/v*"):
            manifest = read_dataset(published)
            assert hospital.egress.progress(manifest.release).patients == manifest.patients
        release(hospital, AGREEMENT, LocalEngine(1))  # finishes it, or makes the next one if it was finished
        assert digests(hospital.home.releases / AGREEMENT / "v0001") == reference[1], at
        assert list(verify(hospital)) == []
        hospital.close()
        shutil.rmtree(folder)


def _someone_in(hospital) -> str:
    for part in hospital.vault.manifest().partitions:
        rows = hospital.vault.read(part).records.rows
        said = {row["patient"] for row in rows.select(["type", "patient"]).to_pylist() if row["type"] == "Consent"}
        patients = [row["id"] for row in rows.select(["type", "id"]).to_pylist() if row["type"] == "Patient"]
        free = [patient for patient in patients if patient not in said]
        if free:
            return free[0]
    raise AssertionError("everybody has a directive")


class _Interrupting(LocalEngine):
    """Lets a patient say no after the parts of the first plan were made."""

    def __init__(self, hospital, patient):
        super().__init__(1)
        self.hospital, self.patient, self.said = hospital, patient, False

    def run(self, work, tasks):
        yield from super().run(work, tasks)
        if not self.said:
            self.said = True
            with write(self.hospital.engine) as connection:
                rule = Rule(id="no", effect="deny", layer="patient")
                put_rule(connection, self.patient, rule, source="portal", actor="portal", at_ms=AT_MS)


def test_counts_in_the_manifest_are_those_of_the_files(reference):
    folder = reference[0].folder
    manifest = json.loads((folder / MANIFEST).read_bytes())
    lines = Counter()
    for path in folder.glob("ndjson/*"):
        lines[path.name.split(".")[0]] += len(path.read_bytes().splitlines())
    assert lines == Counter(manifest["records"])


def test_a_release_that_singles_people_out_is_refused(hospital):
    strict = (
        agreement_text(hospital.today(), name="strict") + "risk: {quasi: [Patient.birthDate, Patient.gender], k: 5}\n"
    )
    agree(hospital, strict)
    with pytest.raises(Denied) as refused:
        release(hospital, "strict", LocalEngine(1))
    assert refused.value.reasons == ("E-OUTPUT-RISK",)
    assert not list(hospital.home.releases.glob("strict/*"))
    assert hospital.egress.progress("strict-v0001").state == "failed"
    assert list(verify(hospital)) == []


def test_the_manifest_tells_the_risk(reference):
    assert reference[0].manifest.risk["Looked at"].startswith("Patient.birthDate")


@pytest.mark.parametrize("name", ["synthea_bulk_10", "ms_anonymizer_samples/samples_r4", "hl7_fhir_r4_examples"])
def test_shared_exports_are_released_or_refused_by_rule(shared, tmp_path, name):
    terms = agreement_text(date(2030, 1, 1), name=AGREEMENT)
    first, rest = terms.split("  types: [", 1)
    hospital = hospital_with(
        tmp_path / "hospital", shared / name, terms=first + "  types: [all" + rest[rest.index("]") :]
    )
    summary = release(hospital, AGREEMENT, LocalEngine(1)).summary
    assert sum(summary.taken.values()) == sum(summary.left.values()) + sum(summary.refused.values())
    assert sum(summary.left.values()) > 400
    assert list(verify(hospital)) == []
    hospital.close()


def test_an_agreement_suspended_meanwhile_stops_the_release(hospital):
    class Suspending(LocalEngine):
        def run(self, work, tasks):
            yield from super().run(work, tasks)
            with write(hospital.engine) as connection:
                person = Person(id="officer", roles=frozenset({"privacy-officer"}))
                if find_agreement(connection, AGREEMENT).state == "ACTIVE":
                    move_agreement(connection, AGREEMENT, "suspend", person, AT_MS)

    with pytest.raises(Denied) as refused:
        release(hospital, AGREEMENT, Suspending(1))
    assert refused.value.reasons == ("E-AGREEMENT",)
    assert not list(hospital.home.releases.glob("*/*"))
    assert list(verify(hospital)) == []


def test_a_release_that_nobody_is_in_is_given_up(hospital):
    agree(hospital, agreement_text(hospital.today(), name="nobody", cohort='search: "Patient?gender=unknown"'))
    with pytest.raises(Denied) as refused:
        release(hospital, "nobody", LocalEngine(1))
    assert "E-SCOPE-COHORT" in refused.value.reasons
    assert hospital.egress.progress("nobody-v0001").state == "failed"


def test_a_run_that_was_killed_between_done_and_its_report_is_finished(hospital, reference, monkeypatch):
    def dies(*_arguments, **_named):
        raise KeyboardInterrupt

    monkeypatch.setattr("bailee.flows.release.run.report", dies)
    with pytest.raises(KeyboardInterrupt):
        release(hospital, AGREEMENT, LocalEngine(1))
    monkeypatch.undo()
    done = release(hospital, AGREEMENT, LocalEngine(1))
    assert done.resumed
    assert digests(done.folder) == reference[1]


def test_a_run_that_was_killed_after_it_was_given_up_begins_anew(hospital, monkeypatch):
    agree(hospital, agreement_text(hospital.today(), name="nobody", cohort='search: "Patient?gender=unknown"'))
    monkeypatch.setattr("bailee.flows.release.run.shutil.rmtree", lambda *_, **__: None)
    with pytest.raises(Denied):
        release(hospital, "nobody", LocalEngine(1))
    monkeypatch.undo()
    with pytest.raises(Denied) as refused:
        release(hospital, "nobody", LocalEngine(1))
    assert "E-SCOPE-COHORT" in refused.value.reasons
    assert hospital.egress.progress("nobody-v0002").state == "failed"

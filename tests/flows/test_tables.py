"""A dataset's tables: readable as Delta and Parquet, the same bytes every time, published whole or not at all."""

import json
from base64 import b64encode

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from bailee.core.errors import Conflict
from bailee.flows.release.assemble import table_tasks, write_logs
from bailee.flows.release.plan import ReleasePlan, next_version, read_plan, unfinished_plan, write_plan
from bailee.flows.release.tables import make_tables
from bailee.stores.home import Configuration, create_home
from bailee.stores.lake.dataset import altered_files, publish

NOTE = "Seen in clinic.\nDoing well, naïve to treatment."


@pytest.fixture
def plan():
    return ReleasePlan(
        release="a-v1", version=1, agreement="a", agreement_sha256="0" * 64, vault_version=1, profile="safe-harbor",
        profile_sha256="0" * 64, identifiability="safe-harbor", operating_point="balanced", text_method="tag",
        as_of_ms=1_800_000_000_000, software="0",
    )  # fmt: skip


def record(kind, number, **members):
    return json.dumps({"resourceType": kind, "id": f"x{number}", "subject": {"reference": "Patient/p"}} | members)


@pytest.fixture
def staging(tmp_path):
    attachment = {"contentType": "text/plain", "data": b64encode(NOTE.encode()).decode()}
    for number, part in enumerate(["patients-0", "patients-1"]):
        folder = tmp_path / "parts" / part / "ndjson"
        folder.mkdir(parents=True)
        observations = [record("Observation", 10 * number + n, status="final") for n in range(3)]
        (folder / "Observation.ndjson").write_text("\n".join(observations) + "\n")
        document = record("DocumentReference", number, content=[{"attachment": attachment}], date="2020")
        (folder / "DocumentReference.ndjson").write_text(document + "\n")
    return tmp_path


def assembled(staging, plan):
    results = [make_tables(task) for task in table_tasks(staging / "parts")]
    return write_logs(staging, plan, results)


def test_a_delta_client_reads_every_table(staging, plan):
    assembled(staging, plan)
    observations = DeltaTable(staging / "dataset/tables/Observation").to_pyarrow_table()
    assert observations.num_rows == 6
    assert observations["patient"].to_pylist() == ["p"] * 6
    notes = DeltaTable(staging / "dataset/tables/notes").to_pyarrow_table()
    assert notes["text"].to_pylist() == [NOTE, NOTE]
    assert notes["date"].to_pylist() == ["2020", "2020"]


def test_an_attachment_that_is_no_text_is_in_no_table_of_notes(staging, plan):
    picture = {"contentType": "image/png", "data": b64encode(b"\x89PNG\xff\xfe").decode()}
    path = staging / "parts/patients-0/ndjson/DocumentReference.ndjson"
    content = [
        {"attachment": picture},
        {"attachment": {"contentType": "text/plain", "data": b64encode(b"ok").decode()}},
    ]
    path.write_text(record("DocumentReference", 0, content=content) + "\n")
    assembled(staging, plan)
    notes = DeltaTable(staging / "dataset/tables/notes").to_pyarrow_table()
    assert sorted(notes["text"].to_pylist()) == sorted([NOTE, "ok"])


def test_the_files_are_the_same_every_time(staging, plan):
    assert assembled(staging, plan) == assembled(staging, plan)


def test_the_list_of_files_is_complete_and_true(staging, plan):
    files = assembled(staging, plan)
    present = {
        path.relative_to(staging / "dataset").as_posix() for path in (staging / "dataset").rglob("*") if path.is_file()
    }
    assert {file.path for file in files} == present
    manifest = type("Manifest", (), {"files": files})
    assert list(altered_files(staging / "dataset", manifest)) == []
    (staging / "dataset/ndjson/Observation.00000.ndjson").write_text("{}\n")
    (staging / "dataset/extra").write_text("x")
    assert list(altered_files(staging / "dataset", manifest)) == ["extra", "ndjson/Observation.00000.ndjson"]


def test_a_file_is_sliced_without_losing_a_row(staging, plan, monkeypatch):
    monkeypatch.setattr("bailee.flows.release.tables.SLICE_BYTES", 50)
    assembled(staging, plan)
    assert pq.read_metadata(staging / "dataset/tables/Observation/part-00000.parquet").num_row_groups == 6


def test_large_types_are_split_over_files(staging, plan, monkeypatch):
    monkeypatch.setattr("bailee.flows.release.assemble.NDJSON_BYTES", 10)
    assembled(staging, plan)
    assert len(list((staging / "dataset/ndjson").glob("Observation.*"))) == 2
    assert DeltaTable(staging / "dataset/tables/Observation").to_pyarrow_table().num_rows == 6


def test_a_dataset_is_published_once(staging, plan, tmp_path):
    assembled(staging, plan)
    publish(staging / "dataset", tmp_path / "releases/a/v0001")
    (staging / "dataset").mkdir()
    with pytest.raises(Conflict):
        publish(staging / "dataset", tmp_path / "releases/a/v0001")
    assert (tmp_path / "releases/a/v0001/ndjson").is_dir()


def test_an_unfinished_plan_is_found_again(tmp_path, plan):
    home = create_home(tmp_path / "h", Configuration(hospital="h", origin="o"))
    assert unfinished_plan(home, "a") is None
    folder = write_plan(home, plan)
    (home.staging / "swept").mkdir()
    assert unfinished_plan(home, "a") == plan == read_plan(folder / "plan.json")
    assert unfinished_plan(home, "b") is None
    assert not (home.staging / "swept").exists()


def test_versions_are_numbered_on(tmp_path):
    home = create_home(tmp_path / "h", Configuration(hospital="h", origin="o"))
    assert next_version(home, "a") == 1
    (home.releases / "a" / "v0007").mkdir(parents=True)
    assert next_version(home, "a") == 8

"""A release in the OMOP CDM: whole, true to the FHIR release and to nothing else, the same bytes however it is made."""

import json
import os
import shutil
import signal
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from deltalake import DeltaTable
from tests.support.hospitals import AGREEMENT, agree, copied, digests, hospital_with, opened
from tests.support.omop_oracle import expected

from bailee.cli.main import group
from bailee.core.errors import Conflict
from bailee.engines.local import LocalEngine
from bailee.flows.release.omop import make_omop
from bailee.flows.release.omop_check import check_omop
from bailee.flows.release.run import release
from bailee.flows.synthesize import write_hospital
from bailee.flows.verify import verify
from bailee.records.omop.cdm import key_of, tables
from bailee.records.omop.ids import Ids
from bailee.synthetic.agreement import agreement_text

PATIENTS = 12
HEAD = "concept_id concept_name domain_id vocabulary_id concept_class_id standard_concept concept_code valid_start_date valid_end_date invalid_reason"
# Codes that the synthetic hospital uses, with the domains that make its records change tables. Standard ones are 9000+.
CONCEPTS = """
9001 Hypothyroidism Condition SNOMED Finding S 40930008
9002 Latex Observation SNOMED Finding S 1003755004
9003 Creatinine Measurement LOINC Test S 2160-0
9004 Systolic Measurement LOINC Test S 8480-6
9005 Drug Drug RxNorm Drug S 966221
9006 CT Measurement SNOMED Procedure S 418891003
9007 Vaccine Drug RxNorm Drug S 999
8003 Vaccine Drug CVX CVX - 03
8840 mg/dL Unit UCUM Unit S mg/dL
756265 OMOP_CDM Metadata CDM CDM S CDM_v5.4.0
"""
RELATIONS = "8003 9007 Maps_to\n9002 9002 Maps_to\n9001 9001 Maps_to\n8003 9006 Mapped_from"


def athena(folder):
    """Write a vocabulary as Athena gives it."""
    folder.mkdir()
    rows = [line.split() for line in CONCEPTS.strip().splitlines()]
    lines = ["\t".join(HEAD.split())]
    lines += [
        "\t".join(word.replace("_", " ").strip("-") for word in [*row, "19700101", "20991231", ""]) for row in rows
    ]
    (folder / "CONCEPT.csv").write_text("\n".join(lines) + "\n")
    head = "concept_id_1 concept_id_2 relationship_id valid_start_date valid_end_date invalid_reason"
    lines = [head.replace(" ", "\t")]
    lines += [f"{line} 19700101 20991231 ".replace(" ", "\t").replace("_", " ") for line in RELATIONS.splitlines()]
    (folder / "CONCEPT_RELATIONSHIP.csv").write_text("\n".join(lines) + "\n")
    return folder


def terms(hospital_day, *, name=AGREEMENT, formats="fhir-ndjson, fhir-tables, omop"):
    text = agreement_text(hospital_day, name=name).replace("DocumentReference, ", "")  # reports are notes enough
    return text + f"formats: [{formats}]\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A hospital with a vocabulary and several partitions, ready to release; tests work on copies."""
    folder = tmp_path_factory.mktemp("omop")
    write_hospital(folder / "export", patients=PATIENTS, seed=7, truth=True)
    hospital = hospital_with(folder / "h", folder / "export", partition_bytes=400_000)
    loaded = CliRunner().invoke(group, ["--home", str(folder / "h"), "omop", "vocabulary", str(athena(folder / "a"))])
    assert loaded.output == "unknown: 10 codes, 10 of them with a standard concept\n"
    agree(hospital, terms(hospital.today(), name="omop"))
    hospital.close()
    return folder / "h"


@pytest.fixture(scope="module", autouse=True)
def _several_groups():
    """Make a task of each two or three parts, so that there is work to divide."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bailee.flows.release.omop.GROUP_BYTES", 400_000)
        yield


@pytest.fixture(scope="module")
def reference(template, tmp_path_factory):
    """What one plain run publishes."""
    folder = tmp_path_factory.mktemp("reference") / "hospital"
    with copied(template, folder) as ready:
        done = release(ready, "omop", LocalEngine(1))
        findings = list(verify(ready))
        keys = ready.keys_for("omop")
    return done, digests(done.folder), findings, Ids(keys.subkey("omop"))


def rows_of(folder, table):
    return pq.read_table(folder / "omop" / table).to_pylist()


def records_of(folder):
    return [json.loads(line) for path in sorted(folder.glob("ndjson/*")) for line in path.read_text().splitlines()]


def test_a_release_verifies_and_has_every_table(reference):
    done, _, findings, _ = reference
    assert findings == []
    assert {path.name for path in (done.folder / "omop").iterdir()} == set(tables())
    assert len(rows_of(done.folder, "measurement")) > 100
    assert len(list((done.folder / "omop/measurement").glob("*.parquet"))) > 1
    assert DeltaTable(done.folder / "omop/visit_occurrence").to_pyarrow_table().num_rows > 10


def test_columns_are_the_cdms_and_keys_are_unique_and_join(reference):
    """Read the list of fields on its own, and the tables by another engine than wrote them."""
    folder = reference[0].folder / "omop"
    text = (Path(sys.modules["bailee.records.omop.cdm"].__file__).parent / "fields.txt").read_text()
    fields = {}
    for block in text.strip().replace("\n\t", " ;").splitlines():
        table, *listed = block.split(" ;")
        fields[table] = [line.split() for line in listed]
    kinds = {
        "integer": {"INTEGER", "BIGINT"},
        "float": {"DOUBLE"},
        "date": {"DATE"},
        "datetime": {"TIMESTAMP WITH TIME ZONE"},
    }
    values = {}
    for table, listed in fields.items():
        found = duckdb.read_parquet(str(folder / table / "*.parquet"))
        assert found.columns == [name for name, *_ in listed]
        for (name, kind, *marks), stored in zip(listed, found.types):
            assert str(stored) in kinds.get(kind, {"VARCHAR"})
            values[table, name] = column = [value for (value,) in found.select(name).fetchall()]
            assert "required" not in marks or None not in column
            assert "key" not in marks or len(set(column)) == len(column)
            if kind.startswith("varchar"):
                assert all(value is None or len(value) <= int(kind[8:-1]) for value in column)
    for table, listed in fields.items():
        for name, _, *marks in listed:
            for target in (mark[1:] for mark in marks if mark.startswith(">")):
                key = next(each for each, _, *own in fields[target] if "key" in own)
                assert set(values[table, name]) - {None} <= set(values[target, key]), (table, name)


def test_every_released_record_is_in_a_table_or_counted_by_reason(reference):
    manifest = reference[0].manifest
    told = {kind: sum(fates.values()) for kind, fates in manifest.omop.records.items()}
    assert told == dict(manifest.records)
    assert sum(manifest.omop.rows.values()) == sum(len(rows_of(reference[0].folder, table)) for table in tables())


def test_rows_are_those_of_the_slow_model(reference):
    done, ids = reference[0], reference[3]
    records = records_of(done.folder)
    words = {
        f"{vocabulary}\t{code}": (int(concept), domain)
        for concept, _, domain, vocabulary, _, _, code in (line.split() for line in CONCEPTS.strip().splitlines())
    } | {"CVX\t03": (9007, "Drug")}
    wanted = expected(records, words)
    about = {row["observation_id"] for row in rows_of(done.folder, "observation")}
    names = {ids.of(pa.array([f"AllergyIntolerance/{each['id']}"]))[0].as_py() for each in records}
    got = set()
    for table in ("condition_occurrence", "procedure_occurrence", "drug_exposure", "measurement", "observation"):
        for row in rows_of(done.folder, table):
            got.add(_core(table, row))
    keyed = {_keyed(row, ids) for row in wanted}
    assert {row for row in got if row[1] not in names & about} == keyed
    assert len({row[0] for row in keyed}) == 4
    assert {row[3] for row in keyed} >= {0, 9001, 9003, 9004, 9005, 9007}


def _core(table, row):
    stem = table.removesuffix("_occurrence").removesuffix("_exposure")
    when = next(row[name] for name in row if name.endswith(("_start_date", f"{stem}_date")))
    return (
        table, row[key_of(table)], row["person_id"], row[f"{stem}_concept_id"], row[f"{stem}_source_value"], when,
        row["visit_occurrence_id"], row.get("value_as_number"),
    )  # fmt: skip


def _keyed(row, ids):
    table, name, patient, concept, code, day, visit, number = row
    keys = ids.of(pa.array([name, f"Patient/{patient}", f"Encounter/{visit}"])).to_pylist()
    return table, keys[0], keys[1], concept, code, day, keys[2] if visit else None, number


def test_nothing_is_in_the_tables_that_the_fhir_release_does_not_say(reference):
    folder = reference[0].folder
    records = records_of(folder)
    said = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    texts = {
        b64decode(attachment["data"]).decode()
        for record in records
        for attachment in [
            *record.get("presentedForm", []),
            *(each["attachment"] for each in record.get("content", [])),
        ]
        if "data" in attachment
    } | {record["conclusion"] for record in records if "conclusion" in record}
    for table in set(tables()) - {"cdm_source"}:
        for row in rows_of(folder, table):
            for name, value in row.items():
                if name == "note_text":
                    assert value in texts
                elif isinstance(value, str) and value not in {"M", "F", "Visit", "true", "false"}:
                    assert json.dumps(value, ensure_ascii=False)[1:-1] in said, (table, name)


def test_of_a_year_there_is_no_time_of_day(reference):
    for table, fields in tables().items():
        for row in rows_of(reference[0].folder, table):
            for field in fields:
                if field.type == "datetime":
                    assert row[field.name] is None
                elif field.type == "date" and table != "cdm_source" and row[field.name]:
                    assert (row[field.name].month, row[field.name].day) == (1, 1)


@pytest.mark.parametrize("change", ["workers", "batches"])
def test_the_bytes_do_not_depend_on_how_the_work_is_cut(hospital, reference, monkeypatch, change):
    if change == "batches":
        monkeypatch.setattr("bailee.flows.release.task.BATCH_BYTES", 50_000)
    done = release(hospital, "omop", LocalEngine(2 if change == "workers" else 1))
    assert digests(done.folder) == reference[1]


class _Spark(LocalEngine):
    """Makes the parts here and the OMOP tables on Spark."""

    def __init__(self):
        from bailee.engines.spark import SparkEngine

        super().__init__(1)
        self.spark = SparkEngine("local[2]")

    def run(self, work, tasks):
        return self.spark.run(work, tasks) if work is make_omop else super().run(work, tasks)


@pytest.mark.spark
def test_spark_gives_the_same_bytes(hospital, reference):
    pytest.importorskip("pyspark")
    engine = _Spark()
    try:
        done = release(hospital, "omop", engine)
    finally:
        engine.spark.stop()
    assert digests(done.folder) == reference[1]


@pytest.fixture(scope="module")
def alone(template, tmp_path_factory):
    """A release of nothing but OMOP tables, under another agreement, at a hospital without a vocabulary."""
    folder = tmp_path_factory.mktemp("alone") / "hospital"
    shutil.copytree(template, folder)
    shutil.rmtree(folder / "vocabulary")
    ready = opened(folder)
    agree(ready, terms(ready.today(), name="alone", formats="omop"))
    done = release(ready, "alone", LocalEngine(1))
    yield done, list(verify(ready))
    ready.close()


def test_omop_alone_leaves_fhir_at_home(alone, reference):
    done, findings = alone
    assert findings == []
    assert {path.name for path in done.folder.iterdir()} == {"manifest.json", "omop"}
    assert done.manifest.formats == ("omop",)
    assert dict(done.manifest.records) == dict(reference[0].manifest.records)


def test_two_agreements_have_no_key_in_common(alone, reference):
    ours, theirs = ({row["person_id"] for row in rows_of(each[0].folder, "person")} for each in (alone, reference))
    assert len(ours) == len(theirs) > 0
    assert not ours & theirs


def test_without_a_vocabulary_every_clinical_concept_is_zero(alone):
    folder = alone[0].folder
    assert {row["condition_concept_id"] for row in rows_of(folder, "condition_occurrence")} == {0}
    (source,) = rows_of(folder, "cdm_source")
    assert (source["cdm_version"], source["vocabulary_version"]) == ("5.4", "none")
    assert source["cdm_version_concept_id"] == 756265
    assert "first of January" in source["source_description"]


def test_keys_that_collide_refuse_the_release(hospital, monkeypatch):
    monkeypatch.setattr(Ids, "of", lambda _, names: pa.array([1] * len(names), pa.int64(), mask=names.is_null()))
    with pytest.raises(Conflict, match="two rows have one"):
        release(hospital, "omop", LocalEngine(1))
    assert not list(hospital.home.releases.glob("omop/v*"))
    assert not list(hospital.home.staging.iterdir())
    assert hospital.egress.progress("omop-v0001").state == "failed"


def test_a_changed_table_is_found_and_what_no_longer_joins(reference, tmp_path):
    shutil.copytree(reference[0].folder.parents[2], tmp_path / "hospital")
    folder = tmp_path / "hospital/releases/omop/v0001/omop"
    path = folder / "person/part-00000.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path, store_schema=False)
    hospital = opened(tmp_path / "hospital")
    found = {finding.what for finding in verify(hospital)}
    hospital.close()
    assert "the file omop/person/part-00000.parquet is missing, altered, or not in the manifest" in found
    assert any("person_id points to rows that person does not have" in what for what in found)
    assert any("the OMOP table person has" in what for what in found)
    shutil.rmtree(folder / "death")
    assert ("death", "is missing, or has other columns than the CDM") in set(check_omop(folder))


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.support.hospitals import opened
from bailee.engines.local import LocalEngine
from bailee.flows.release.run import release
at, count = int(sys.argv[2]), 0
def step(event, arguments):
    global count
    if event in ("open", "os.rename", "os.mkdir", "shutil.rmtree") and "dataset/omop" in str(arguments[0]):
        count += 1
        if count == at:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(step)
hospital = opened(Path(sys.argv[1]))
release(hospital, "omop", LocalEngine(1))
hospital.close()
print(count)
"""


def _killed_at(folder, at):
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", KILLED, str(folder), str(at)]
    environment = os.environ | {"PYTHONPATH": str(root)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("at", range(5, 200, 15) if os.environ.get("BAILEE_DEEP") else [40])
def test_killed_among_its_tables_a_release_is_absent_and_then_whole(template, reference, tmp_path, at):
    shutil.copytree(template, tmp_path / "hospital")
    assert _killed_at(tmp_path / "hospital", at).returncode == -signal.SIGKILL
    hospital = opened(tmp_path / "hospital")
    assert not list(hospital.home.releases.glob("omop/v*"))
    assert list(hospital.home.staging.glob("omop-v0001/dataset/omop/*"))
    done = release(hospital, "omop", LocalEngine(1))
    assert done.resumed
    assert digests(done.folder) == reference[1]
    hospital.close()


@pytest.fixture(scope="module")
def synthea(shared, tmp_path_factory):
    """A real export of ten patients, with all that is not text."""
    folder = tmp_path_factory.mktemp("synthea")
    (folder / "export").mkdir()
    for path in (shared / "synthea_bulk_10").glob("*.ndjson"):
        if path.name.split(".")[0] not in {"DocumentReference", "log"}:
            (folder / "export" / path.name).symlink_to(path)
    hospital = hospital_with(folder / "h", folder / "export")
    text = terms(hospital.today(), name="all")
    begin, end = text.index("  types: ["), text.index("]", text.index("  types: ["))
    agree(hospital, text[:begin] + "  types: [all" + text[end:])
    done = release(hospital, "all", LocalEngine(1))
    yield done, list(verify(hospital))
    hospital.close()


def test_a_real_export_becomes_tables_that_hold_together(synthea):
    done, findings = synthea
    assert findings == []
    told = done.manifest.omop
    assert {kind: sum(fates.values()) for kind, fates in told.records.items()} == dict(done.manifest.records)
    for table in ("condition_occurrence", "drug_exposure", "procedure_occurrence", "visit_occurrence", "person"):
        assert told.rows[table] > 0, table
    assert told.records["Device"] == {"no-date": done.manifest.records["Device"]}

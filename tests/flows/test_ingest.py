"""Intake takes what can be taken, names what cannot, and loses nothing."""

import gzip
import json
from pathlib import Path

import pytest

from bailee.core.errors import UserError
from bailee.core.keys import Secret
from bailee.flows.ingest.quarantine import read_quarantine
from bailee.flows.ingest.run import ingest
from bailee.records.r4 import resource_types
from bailee.stores.home import Configuration, create_home
from bailee.stores.lake.vault import Vault

MASTER = Secret(bytes(range(32)))
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"family": "Zebedee"}]}


def line(**members):
    return (
        json.dumps({"resourceType": "Observation", "id": "o", "subject": {"reference": "Patient/p"}} | members) + "\n"
    ).encode()


@pytest.fixture
def home(tmp_path):
    return create_home(tmp_path / "home", Configuration(hospital="Test", origin="test.example/ledger"))


@pytest.fixture
def take(home, tmp_path):
    def run(**files):
        folder = tmp_path / "export"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name.replace("__", ".")).write_bytes(content)
        return ingest(home, [folder], MASTER)

    return run


def stored(home):
    vault = Vault(home.vault, MASTER)
    rows = [vault.read(part).records.rows.to_pylist() for part in vault.manifest().partitions]
    return {(row["type"], row["id"]): row for part in rows for row in part}


def troubles(account):
    return [(each.shown, each.line, each.code) for each in account.shown]


def balanced(account):
    parts = account.current + account.duplicates + account.superseded + account.conflicts + account.troubles
    return account.read + account.denials == parts


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"resourceType":"Observation","id":"o"', "json"),
        (b'{"resourceType":"Observation","id":"o","id":"p"}', "json"),
        (b'{"resourceType":"Observation","id":"o","valueDecimal":NaN}', "json"),
        (b'{"resourceType":"Observation","id":"o","x":' + b"[" * 100 + b"]" * 100 + b"}", "json"),
        (b'{"resourceType":"Observation","id":"o","x":"\xff"}', "json"),
        (b'{"resourceType":"Starship","id":"o"}', "type"),
        (b'{"id":"o"}', "type"),
        (b'{"resourceType":"Observation"}', "id"),
        (b'{"resourceType":"Consent","id":"c","status":"active"}', "consent"),
        (b'{"resourceType":"Observation","id":"has blank"}', "id"),
        ('{"resourceType":"Observation","id":"o"}'.encode("utf-16"), "encoding"),
        (b"not json at all", "json"),
    ],
)
def test_a_bad_line_is_named_and_the_rest_goes_on(take, home, content, code):
    # UTF-16 has no newline byte of its own that ends a line, so it stands last.
    account = take(Observation__ndjson=line(id="first") + b"\n" + content)
    assert troubles(account) == [("Observation.ndjson", 3, code)]
    assert set(stored(home)) == {("Observation", "first")}
    assert balanced(account)


def test_a_line_that_is_too_long_is_skipped_alone(take, home, monkeypatch):
    monkeypatch.setattr("bailee.flows.ingest.sources.LINE_BYTES", 1000)
    monkeypatch.setattr("bailee.flows.ingest.sources.BLOCK_BYTES", 300)
    long = line(id="long", note=[{"text": "x" * 5000}])
    account = take(Observation__ndjson=line(id="a") + long + line(id="b"))
    assert troubles(account) == [("Observation.ndjson", 2, "line-too-long")]
    assert set(stored(home)) == {("Observation", "a"), ("Observation", "b")}


def test_a_truncated_gzip_gives_what_it_has(take, home):
    packed = gzip.compress(b"".join(line(id=f"o{n}") for n in range(2000)))
    account = take(Observation__ndjson__gz=packed[:-2000])
    assert troubles(account)[-1][2] == "gzip-cut-short"
    assert 0 < len(stored(home)) < 2000
    assert (balanced(account), account.damages) == (True, 1)


def test_quarantine_keeps_file_line_and_remedy(take, home):
    take(Observation__ndjson=b"{}\n")
    [kept] = read_quarantine(home.quarantine, MASTER)
    assert (kept.line, kept.code, Path(kept.path).name) == (1, "type", "Observation.ndjson")
    assert kept.remedy


def test_what_a_killed_intake_left_in_quarantine_is_swept(take, home):
    (home.quarantine / ".0123.sealed").write_bytes(b"BAILEE")
    take(Observation__ndjson=b"{}\n")
    assert len(list(read_quarantine(home.quarantine, MASTER))) == 1
    assert len(list(home.quarantine.iterdir())) == 1


def test_a_file_named_after_a_patient_is_shown_by_number(take):
    account = take(Zebedee_Smith__json=b'{"resourceType":"Nothing"}')
    assert troubles(account) == [("file 1", 1, "type")]


def test_no_value_of_a_bad_record_is_shown(take):
    account = take(Patient__ndjson=json.dumps(PATIENT).encode()[:-1])
    assert "Zebedee" not in repr(account)


def test_a_second_run_takes_nothing_again(take, home, tmp_path):
    take(Observation__ndjson=line())
    before = Vault(home.vault, MASTER).manifest()
    account = ingest(home, [tmp_path / "export"], MASTER)
    assert (account.files, account.files_known, account.read) == (0, 1, 0)
    assert Vault(home.vault, MASTER).manifest().version == before.version


def test_a_record_goes_to_the_patient_of_its_surest_path(take, home):
    take(
        Observation__ndjson=line(id="relative")
        + line(id="absolute", subject={"reference": "https://ehr.example/fhir/Patient/q/_history/2"})
        + line(id="nobody", subject={"reference": "Group/g"})
        + line(id="performer", subject={"reference": "Patient/p"}, performer=[{"reference": "Patient/z"}]),
        Patient__ndjson=json.dumps(PATIENT).encode(),
    )
    owners = {key[1]: row["patient"] for key, row in stored(home).items()}
    assert owners == {"relative": "p", "absolute": "q", "nobody": None, "performer": "p", "p": "p"}


def test_a_bundles_entries_become_records_that_refer_to_each_other(take, home):
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:1111", "resource": {"resourceType": "Patient"}},
            {"fullUrl": "urn:uuid:2222", "resource": json.loads(line(id="x", subject={"reference": "urn:uuid:1111"}))},
            {"resource": {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": PATIENT}]}},
        ],
    }
    account = take(bundle__json=json.dumps(bundle, indent=2).encode())
    found = stored(home)
    assert set(found) == {("Patient", "1111"), ("Observation", "x"), ("Patient", "p")}
    assert found["Observation", "x"]["patient"] == "1111"
    assert b"\n" not in found["Observation", "x"]["json"]
    assert (account.bundles, account.read) == (2, 3)


def test_a_consent_that_cannot_be_read_becomes_a_refusal(take, home):
    broken = b'{"resourceType":"Consent","id":"c","patient":{"reference":"Patient/p"},"provision":{"type":"permit"'
    account = take(Consent__ndjson=broken)
    [(key, row)] = stored(home).items()
    assert key[0] == "Consent"
    assert row["patient"] == "p"
    assert json.loads(row["json"])["provision"] == {"type": "deny"}
    assert balanced(account)


def test_the_newest_version_of_a_record_stays(take, home):
    old, new = ({"lastUpdated": f"2020-01-0{day}T00:00:00Z"} for day in (1, 2))
    account = take(Observation__ndjson=line(meta=new, status="final") + line(meta=old, status="registered"))
    assert json.loads(stored(home)["Observation", "o"]["json"])["status"] == "final"
    assert (account.current, account.superseded) == (1, 1)


def test_every_type_of_r4_is_taken(take, home):
    kinds = [kind for kind in resource_types() if kind not in {"Bundle", "Consent"}]
    account = take(all__ndjson="".join(json.dumps({"resourceType": kind, "id": "x"}) + "\n" for kind in kinds).encode())
    assert account.troubles == 0
    assert {kind for kind, _ in stored(home)} == set(kinds)


def test_an_absent_path_is_the_users_error(home, tmp_path):
    with pytest.raises(UserError, match="no such file"):
        ingest(home, [tmp_path / "absent"], MASTER)


@pytest.mark.parametrize("name", ["synthea_bulk_10", "ms_anonymizer_samples/samples_r4", "hl7_fhir_r4_examples"])
def test_shared_exports_go_in_whole(shared, home, name):
    account = ingest(home, [shared / name], MASTER)
    assert account.troubles == 0
    assert balanced(account)
    assert len(stored(home)) == account.current

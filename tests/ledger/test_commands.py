"""The commands of this room on one small hospital, as its officers run them."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pyarrow as pa
import pytest
from tests.support.agreements import example

import bailee_verify
from bailee.agreements.documents import agreement_hash
from bailee.cli.main import main
from bailee.flows.hospital import Hospital, create_hospital
from bailee.flows.ingest.run import ingest
from bailee.ledger.entries import Bound, Entry, Party
from bailee.ledger.uses import HDR_FIELDS, OWN_FIELDS, Use, advice, banded, reading_grade
from bailee.stores.keys.ring import read_master_key
from bailee.stores.sql.agreements import Signatories, attest_agreement
from bailee.stores.sql.database import write

NAMES = ("p1", "p2", "p3")


@pytest.fixture
def hospital(tmp_path: Path):
    """Three patients, one agreement in force, two releases."""
    made = create_hospital(tmp_path / "h", "St. Mary", "st-mary.example/ledger")
    lines = [
        json.dumps(
            {
                "resourceType": "Patient",
                "id": name,
                "name": [{"family": "Doe", "given": [name.upper()]}],
                "address": [{"line": ["1 Road"], "city": "Rochester", "state": "MN"}] if name != "p3" else [],
            }
        )
        for name in NAMES
    ]
    (tmp_path / "Patient.ndjson").write_text("\n".join(lines) + "\n")
    ingest(made.home, [tmp_path / "Patient.ndjson"], read_master_key(made.home.keys))
    terms = example()
    with write(made.engine) as connection:
        names = Signatories(drafted_by="d", hospital="h", partner="p", activated_by="a")
        attest_agreement(connection, terms, names, made.clock.now_ms())
    bound = Bound(id=terms.id, sha256=agreement_hash(terms))
    for release, people in (("r1", NAMES[:2]), ("r2", NAMES)):
        intent = Entry(
            t_ms=made.clock.now_ms(),
            kind="release.intent",
            actor="a",
            release=release,
            agreement=bound,
            partner=Party(name="Partner Ltd", address="1 Street"),
            route="waiver",
            purpose=("HRESCH",),
            identifiability="identified",
            data=("notes", "laboratory"),
        )
        made.egress.intent(intent)
        made.egress.record_disclosures(release, pa.table({"patient": list(people)}))
        made.egress.done(release, artifact_sha256="ab" * 32, rows=5, size_bytes=10)
    yield made
    made.close()


def run(hospital: Hospital, *words: object) -> int:
    return main(["--home", str(hospital.home.folder), *map(str, words)])


def test_a_patient_is_told_in_every_format_and_it_is_recorded(hospital, tmp_path: Path, capsys):
    size = hospital.log.size()
    assert run(hospital, "patient", "disclosures", "p1") == 0
    assert "Partner Ltd" in capsys.readouterr().out
    for form in ("csv", "json", "fhir", "pdf"):
        assert run(hospital, "patient", "disclosures", "p1", "--format", form, "--out", tmp_path / form) == 0
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "csv").read_text())))) == 2
    assert len(json.loads((tmp_path / "json").read_text())["rows"]) == 2
    assert len(json.loads((tmp_path / "fhir").read_text())["entry"]) == 2
    assert (tmp_path / "pdf").read_bytes().startswith(b"%PDF-")
    assert hospital.log.size() == size + 10  # asked and answered, five times
    assert json.loads((tmp_path / "json").read_text())["free"] is False
    assert run(hospital, "patient", "disclosures", "p1", "--format", "pdf") == 2


def test_a_patient_of_whom_nothing_is_known_gets_an_answer_like_any_other(hospital, capsys):
    assert run(hospital, "patient", "disclosures", "nobody") == 0
    assert "0 disclosures from" in capsys.readouterr().out


def test_proofs_are_checked_with_the_policy_that_the_hospital_hands_out(hospital, tmp_path: Path, capsys):
    assert run(hospital, "ledger", "policy") == 0
    policy = tmp_path / "policy"
    policy.write_text(capsys.readouterr().out)
    assert run(hospital, "patient", "disclosures", "p2", "--proofs", tmp_path / "proofs") == 0
    capsys.readouterr()
    proofs = sorted((tmp_path / "proofs").iterdir())
    assert len(proofs) == 2
    for proof in proofs:
        assert bailee_verify.main(["proof", str(proof), "--keys", str(policy)]) == 0
    capsys.readouterr()
    seq = int(proofs[0].stem.removeprefix("entry-"))
    assert run(hospital, "patient", "proof", "p2", seq) == 0
    assert capsys.readouterr().out.startswith("c2sp.org/tlog-proof@v1\n")


def test_an_agencys_statement_hides_a_release_for_a_time(hospital, capsys):
    assert run(hospital, "patient", "suspend", "r1", "--until", "2100-01-01") == 0
    run(hospital, "patient", "disclosures", "p1")
    assert "1 disclosure from" in capsys.readouterr().out


def test_the_ledger_is_verified_in_a_process_of_its_own(hospital, tmp_path: Path, capfd):
    assert run(hospital, "ledger", "checkpoint") == 0
    retained = tmp_path / "retained"
    retained.write_text(capfd.readouterr().out)
    assert run(hospital, "ledger", "verify", "--retained", retained) == 0
    assert json.loads(capfd.readouterr().out)["ok"] is True
    retained.write_text(retained.read_text().replace("\n", "\n\n", 1))
    assert run(hospital, "ledger", "verify", "--retained", retained) == 1


def test_export_and_tiles_are_written(hospital, tmp_path: Path, capsys):
    assert run(hospital, "ledger", "export", tmp_path / "export") == 0
    assert run(hospital, "ledger", "export", tmp_path / "export") == 2
    assert run(hospital, "ledger", "tiles", tmp_path / "tiles", "--entries") == 0
    assert (tmp_path / "tiles" / "checkpoint").exists()
    assert "exists already" in capsys.readouterr().err


NOTICE = """
hospital: St. Mary
what_happened: A laptop was stolen.
your_steps: Watch your bills.
our_steps: We encrypt all laptops.
toll_free: 0800 1
postal: 1 Road
"""


def test_a_breach_drill_ends_with_list_duties_form_and_letters(hospital, tmp_path: Path, capsys):
    (tmp_path / "notice.yaml").write_text(NOTICE)
    words = (
        "breach",
        "open",
        "b1",
        "--release",
        "r2",
        "--what",
        "A laptop was lost.",
        "--notice",
        tmp_path / "notice.yaml",
    )
    assert run(hospital, *words) == 0
    out = capsys.readouterr().out
    assert "3 patients" in out
    assert "MN 2, unknown 1" in out
    assert "2 letters to post" in out
    folder = hospital.home.reports / "breach" / "b1"
    rows = list(csv.DictReader(io.StringIO((folder / "patients.csv").read_text())))
    assert [(row["patient"], row["letter can be posted"]) for row in rows] == [
        ("p1", "yes"),
        ("p2", "yes"),
        ("p3", "no"),
    ]
    assert "P1 Doe" in (folder / "letters.txt").read_text()
    assert (folder / "letters.pdf").read_bytes().startswith(b"%PDF-")
    assert json.loads((folder / "regulator.json").read_text())["individuals_affected"] == 3
    assert run(hospital, "breach", "step", "b1", "closed", "--document", tmp_path / "notice.yaml") == 0
    assert run(hospital, "breach", "open", "b2", "--release", "r9", "--what", "x") == 2
    (tmp_path / "notice.yaml").write_text("hospital: x\nunknown: y\n")
    assert run(hospital, *words) == 65


def test_the_register_shows_what_went_out_bound_to_the_ledger(hospital, tmp_path: Path, capsys):
    site, terms = tmp_path / "site", example()
    assert run(hospital, "register", "publish", site) == 0
    run(hospital, "ledger", "policy")
    policy = tmp_path / "policy"
    policy.write_text(capsys.readouterr().out.partition("\n")[2])
    document = json.loads((site / "register.json").read_text())
    assert [use["use"]["agreement"] for use in document["uses"]] == [terms.id]
    assert document["uses"][0]["use"]["patients"] == "fewer than 10"
    header = next(csv.reader(io.StringIO((site / "register.csv").read_text())))
    assert header == [field.title for field in (*HDR_FIELDS, *OWN_FIELDS)]
    assert ET.fromstring((site / "register.rss").read_text()).find("channel/item/title") is not None
    page = (site / "uses" / f"{terms.id}.html").read_text()
    assert all(field.title.replace("'", "&#39;") in page for field in (*HDR_FIELDS, *OWN_FIELDS))
    assert "<script" not in page
    assert bailee_verify.main(["proof", str(site / "uses" / f"{terms.id}.tlog-proof"), "--keys", str(policy)]) == 0
    told = json.loads(capsys.readouterr().out)
    content = (site / "uses" / f"{terms.id}.json").read_bytes()
    assert told["entry"]["artifact_sha256"] == _sha(content)


def test_publishing_again_writes_no_leaf_unless_something_changed(hospital, tmp_path: Path, capsys):
    run(hospital, "register", "publish", tmp_path / "site")
    size = hospital.log.size()
    run(hospital, "register", "publish", tmp_path / "site")
    assert hospital.log.size() == size
    assert run(hospital, "agreement", "suspend", example().id) == 0
    run(hospital, "register", "publish", tmp_path / "site")
    assert hospital.log.size() == size + 2
    index = (tmp_path / "site" / "index.html").read_text()
    assert "agreement suspended" in index
    assert "Earlier versions" in (tmp_path / "site" / "uses" / f"{example().id}.html").read_text()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x").write_text("x")
    assert run(hospital, "register", "publish", tmp_path / "other") == 2


def test_no_patient_is_named_in_anything_that_is_public(hospital, tmp_path: Path, capsys):
    run(hospital, "register", "publish", tmp_path / "site")
    run(hospital, "ledger", "tiles", tmp_path / "tiles", "--entries")
    run(hospital, "ledger", "export", tmp_path / "export")
    for path in tmp_path.rglob("*"):
        inside = path.is_file() and path.relative_to(tmp_path).parts[0] in {"site", "tiles", "export"}
        assert not inside or not any(name.encode() in path.read_bytes() for name in ("P1 Doe", "Rochester", '"p1"'))


def test_erasure_and_certificates_are_commands(hospital, tmp_path: Path, capsys):
    assert run(hospital, "ledger", "erase", "--dry-run") == 0
    assert run(hospital, "ledger", "erase") == 0
    assert "0 links of 0 leaves erased" in capsys.readouterr().out
    (tmp_path / "c.pdf").write_bytes(b"gone")
    assert run(hospital, "ledger", "destroyed", "r1", tmp_path / "c.pdf") == 0
    assert run(hospital, "ledger", "destroyed", "r9", tmp_path / "c.pdf") == 75


def test_a_release_that_will_not_be_finished_is_counted_as_disclosed_by_a_command(hospital, capsys):
    assert run(hospital, "ledger", "recover") == 0
    terms = example()
    hospital.egress.intent(
        Entry(
            t_ms=1,
            kind="release.intent",
            actor="a",
            release="r3",
            agreement=Bound(id=terms.id, sha256=agreement_hash(terms)),
            partner=Party(name="Partner Ltd"),
            route="waiver",
            purpose=("HRESCH",),
            identifiability="identified",
        )
    )
    hospital.egress.record_disclosures("r3", pa.table({"patient": ["p1"]}))
    assert run(hospital, "ledger", "recover") == 0
    out = capsys.readouterr().out
    assert "No release is open." in out
    assert "r3: unknown, counted as disclosed" in out
    assert run(hospital, "ledger", "verify", "--no-artifacts") == 0


def test_the_hdr_specification_has_its_thirty_two_fields_and_seven_core_ones_in_order():
    assert len(HDR_FIELDS) == 32
    assert [field.name for field in HDR_FIELDS if field.core] == [
        "organisation",
        "title",
        "lay_summary",
        "public_benefit",
        "approved_on",
        "datasets",
        "access_type",
    ]
    assert {field.name for field in (*HDR_FIELDS, *OWN_FIELDS)} | {"format"} == set(Use.__struct_fields__)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "fewer than 10"),
        (9, "fewer than 10"),
        (10, "10 to 99"),
        (99, "10 to 99"),
        (100, "100 to 999"),
        (999, "100 to 999"),
        (1000, "1,000"),
    ],
)
def test_small_numbers_of_patients_are_banded(count: int, words: str):
    assert banded(count) == words


def test_hard_words_and_missing_core_fields_are_pointed_out():
    hard = "Institutional collaborations necessitate multidimensional interoperability considerations."
    use = Use(
        organisation="o", title="t", lay_summary=hard, public_benefit="b", agreement="a", agreement_sha256="ab" * 32
    )
    assert any("reads at grade" in line for line in advice(use))
    assert "Access type is empty" in advice(use)
    assert reading_grade("We want to find cancer early. We use old notes.") < 4
    with pytest.raises(Exception, match="300 words"):
        Use(
            organisation="o",
            title="t",
            lay_summary="w " * 301,
            public_benefit="b",
            agreement="a",
            agreement_sha256="ab" * 32,
        )


def _sha(content: bytes) -> str:
    from bailee.core.canonical import sha256_hex

    return sha256_hex(content)


def _started(*words: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bailee.cli.main", *map(str, words)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    process.first_line = process.stdout.readline()  # type: ignore[attr-defined]
    return process


def test_signer_and_witness_run_as_processes_of_their_own(hospital, tmp_path: Path, capsys):
    os.environ["PYTHONUNBUFFERED"] = "1"
    keys, moved = hospital.home.keys, tmp_path / "signer"
    moved.mkdir(mode=0o700)
    hospital.log.checkpoint()
    for name in ("ledger.key", "ledger.vkey", "ledger.seen"):
        (keys / name).rename(moved / name)
    configuration = hospital.home.folder / "bailee.toml"
    text = configuration.read_text()
    assert "signer_socket" in text
    configuration.write_text(text.replace('signer_socket = ""', f'signer_socket = "{tmp_path / "s.sock"}"'))
    log_key = (moved / "ledger.vkey").read_text().strip()
    signer = _started("ledger", "signer", moved, "--socket", tmp_path / "s.sock")
    witness = _started(
        "ledger", "witness", tmp_path / "w", "--name", "council.example/w1", "--log", log_key, "--port", "0"
    )
    try:
        line = witness.first_line.strip()
        (keys / "witnesses.policy").write_text(f"log {log_key}\n{line}\nquorum w1\n")
        assert run(hospital, "patient", "disclosures", "p1") == 0
        capsys.readouterr()
        assert run(hospital, "ledger", "checkpoint") == 0
        note = capsys.readouterr().out
        policy = bailee_verify.Policy((keys / "witnesses.policy").read_text())
        assert bailee_verify.read_checkpoint(note, policy)[2] == {"w1"}
    finally:
        for process in (signer, witness):
            process.send_signal(signal.SIGINT)
        time.sleep(0.2)
        for process in (signer, witness):
            process.kill()
            process.communicate()

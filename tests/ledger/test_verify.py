"""The stand-alone verifier over real exports: what is whole passes, and each rule that a release breaks is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.support.ledger import (
    AGREEMENT,
    REQUEST,
    entry,
    export_of,
    full_ledger,
    intent,
    new_log,
    patients,
    policy_of,
)

import bailee_verify
from bailee.core.canonical import sha256_hex
from bailee.ledger.entries import Bound, Counts, Entry, entry_bytes
from bailee.stores.sql.database import migrate, open_database, write
from bailee.stores.sql.ledger_append import append


def report(folder: Path, policy: Path, *options: str, capsys) -> tuple[int, dict]:
    code = bailee_verify.main([str(folder), "--keys", str(policy), *options])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def failing(result: dict) -> set[int]:
    return {check["check"] for check in result["checks"] if check["findings"]}


def test_a_whole_ledger_passes_all_checks(database: Engine, tmp_path: Path, capsys):
    log = full_ledger(database)
    code, result = report(export_of(log, tmp_path), policy_of(log, tmp_path), capsys=capsys)
    assert (code, result["ok"], failing(result)) == (0, True, set())
    assert result["size"] == log.size()
    assert result["releases"] == 3


def test_the_verifier_is_one_short_file_that_imports_nothing_of_ours():
    source = Path(bailee_verify.__file__).read_text()
    assert len(source.splitlines()) < 400
    assert "import bailee" not in source
    assert "from bailee" not in source


FULL = {
    "action": "R",
    "actor_org": "Org",
    "agreement": AGREEMENT,
    "artifact_sha256": "ab" * 32,
    "consent_size": 7,
    "counts": Counts(patients=0, rows=1, bytes=999_999_999_999_999),
    "decision": "permit",
    "deid_profile_sha256": "ab" * 32,
    "machine": 'quote " slash \\ ü 漢',
    "objects": ("release:r1",),
    "on_behalf_of": "x",
    "prev_release": "r0",
    "reasons": ("P-PERMIT", "E-DENY"),
    "request": REQUEST,
    "rules": ("a",),
    "subject_commitments_root": "ab" * 32,
    "until_ms": 1,
}


@pytest.mark.parametrize("field", Entry.__struct_fields__)
def test_verifier_and_writer_agree_on_the_form_of_every_field(field: str):
    full = intent(**FULL)
    assert bailee_verify.LEAF.fullmatch(entry_bytes(full))
    if field in FULL:
        lone = entry(**{field: FULL[field]})
        assert bailee_verify.LEAF.fullmatch(entry_bytes(lone))
    document = json.loads(entry_bytes(full))
    if field in document:
        document[field] = ""
        assert not bailee_verify.LEAF.fullmatch(_compact(document))
    document["unknown"] = "x"
    assert not bailee_verify.LEAF.fullmatch(_compact(document))


def _compact(document: dict[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def broken(tmp_path: Path, entries: list[Entry], people: tuple[Entry, ...] = ()) -> tuple[Path, Path]:
    """A ledger written past the flow that keeps order: what an insider with the software could do."""
    engine = open_database(tmp_path / "x.db")
    migrate(engine)
    log = new_log(engine)
    with write(engine) as connection:
        append(connection, entries)
        for leaf in people:
            log.disclose(connection, leaf, patients("p1", "p2"))
    log.checkpoint()
    return export_of(log, tmp_path), policy_of(log, tmp_path)


LIVE = entry("agreement.activated", agreement=AGREEMENT)
DISCLOSED = entry("release.disclosed", release="r1", agreement=AGREEMENT, data=("notes",))
DONE = entry(
    "release.done",
    release="r1",
    agreement=AGREEMENT,
    artifact_sha256="ab" * 32,
    counts=Counts(patients=2, rows=1, bytes=1),
)
REVOKED, GRANTED = entry("consent.revoked"), entry("consent.granted")


@pytest.mark.parametrize(
    ("entries", "people"),
    [
        ([LIVE, DONE], ()),
        ([LIVE], (DISCLOSED,)),
        ([intent()], ()),
        ([LIVE, entry("agreement.suspended", agreement=AGREEMENT), intent()], ()),
        ([LIVE, intent(agreement=Bound(id="dua-1", sha256="cd" * 32))], ()),
        ([LIVE, intent(request=REQUEST)], ()),
        (
            [
                LIVE,
                entry("request.approved", request=REQUEST),
                entry("request.revoked", request=REQUEST),
                intent(request=REQUEST),
            ],
            (),
        ),
        ([LIVE, intent(), DONE], ()),
        ([LIVE, intent(), intent()], ()),
        ([LIVE, intent()], (REVOKED, DISCLOSED)),
        ([LIVE, intent()], (entry("consent.revoked", agreement=AGREEMENT), DISCLOSED)),
        (
            [LIVE, intent()],
            (REVOKED, entry("consent.granted", agreement=Bound(id="dua-2", sha256="ef" * 32)), DISCLOSED),
        ),
    ],
)
def test_a_release_against_the_rules_is_found(tmp_path: Path, capsys, entries, people):
    export, policy = broken(tmp_path, entries, people)
    code, result = report(export, policy, capsys=capsys)
    assert code == 1
    assert failing(result) == {6}


@pytest.mark.parametrize(
    "people",
    [
        (DISCLOSED,),
        (REVOKED, GRANTED, DISCLOSED),
        (entry("consent.revoked", agreement=Bound(id="dua-2", sha256="ef" * 32)), DISCLOSED),
        (DISCLOSED, REVOKED),
    ],
)
def test_a_release_within_the_rules_passes(tmp_path: Path, capsys, people):
    export, policy = broken(tmp_path, [LIVE, intent()], people)
    code, result = report(export, policy, capsys=capsys)
    assert (code, failing(result)) == (0, set())


def test_files_of_a_release_are_checked_against_the_ledger(tmp_path: Path, capsys):
    release = tmp_path / "releases" / "r1"
    release.mkdir(parents=True)
    (release / "data.ndjson").write_text("{}\n")
    manifest = {"files": [{"path": "data.ndjson", "sha256": sha256_hex(b"{}\n")}]}
    (release / "manifest.json").write_text(json.dumps(manifest))
    done = entry(
        "release.done",
        release="r1",
        agreement=AGREEMENT,
        counts=Counts(patients=2, rows=1, bytes=1),
        artifact_sha256=sha256_hex((release / "manifest.json").read_bytes()),
    )
    engine = open_database(tmp_path / "x.db")
    migrate(engine)
    log = new_log(engine)
    with write(engine) as connection:
        append(connection, [LIVE, intent()])
        log.disclose(connection, DISCLOSED, patients("p1", "p2"))
        append(connection, [done])
    log.checkpoint()
    export, policy = export_of(log, tmp_path), policy_of(log, tmp_path)
    options = ("--artifacts", str(tmp_path / "releases"))
    assert report(export, policy, *options, capsys=capsys)[0] == 0
    (release / "data.ndjson").write_text("{}\n{}\n")
    assert failing(report(export, policy, *options, capsys=capsys)[1]) == {9}
    (release / "data.ndjson").unlink()
    assert failing(report(export, policy, *options, capsys=capsys)[1]) == {9}
    (release / "manifest.json").write_text("{}")
    assert failing(report(export, policy, *options, capsys=capsys)[1]) == {9}


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "quorum none\n",
        "log x\nquorum none\n",
        "log {key}\n",
        "log {key}\nquorum w\n",
        "log {key}\nquorum none\nwhat\n",
    ],
)
def test_a_policy_that_trusts_nobody_or_says_something_else_is_refused(tmp_path: Path, capsys, policy: str):
    export, right = broken(tmp_path, [entry()])
    key = right.read_text().split("log ")[1].split("\n")[0]
    right.write_text(policy.format(key=key))
    assert bailee_verify.main([str(export), "--keys", str(right)]) == 1
    assert "bailee-verify: " in capsys.readouterr().err


def test_what_is_not_there_is_named(tmp_path: Path, capsys):
    _, policy = broken(tmp_path, [entry()])
    assert bailee_verify.main([str(tmp_path / "nowhere"), "--keys", str(policy)]) == 2
    assert "nowhere" in capsys.readouterr().err

"""Whoever touches an export is found out: every byte, every line, every kind of rewriting that we can think of."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from tests.support.ledger import AGREEMENT, entry, export_of, full_ledger, intent, new_log, patients, policy_of

import bailee_verify
from bailee.ledger.guard import MemorySigner
from bailee.stores.sql.database import migrate, open_database, write
from bailee.stores.sql.ledger_egress import Egress

BITS = (0, 3)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Path, bailee_verify.Policy]]:
    """An export of two releases to three patients."""
    engine = open_database(tmp_path / "small.db")
    migrate(engine)
    log = new_log(engine)
    log.commit([entry("agreement.activated", agreement=AGREEMENT), entry("access.read", machine='ward "7" \\ é')])
    with write(engine) as connection:
        log.keep(connection, b'{"id":"dua-1"}')
    egress = Egress(log, actor="a")
    for release in ("r1", "r2"):
        egress.intent(intent(release))
        egress.record_disclosures(release, patients("p1", "p2"))
        egress.done(release, artifact_sha256="cd" * 32, rows=5, size_bytes=900)
    yield export_of(log, tmp_path), bailee_verify.Policy(policy_of(log, tmp_path).read_text())
    engine.dispose()


def passes(export: Path, policy: bailee_verify.Policy, *retained: Path) -> bool:
    """Run all checks; what cannot be read at all does not pass either."""
    try:
        return bool(bailee_verify.Verifier(export, policy).run(list(retained), None)["ok"])
    except (bailee_verify.BadInputError, ValueError, KeyError, TypeError):
        return False


def files(export: Path) -> list[Path]:
    return sorted(path for path in export.rglob("*") if path.is_file())


def test_every_changed_byte_is_found(small, monkeypatch: pytest.MonkeyPatch):
    export, policy = small
    # a pure function, and most of the time: the same notes are read ten thousand times
    monkeypatch.setattr(bailee_verify, "read_checkpoint", lru_cache(10_000)(bailee_verify.read_checkpoint))
    assert passes(export, policy)
    tried, missed = 0, []
    for path in files(export):
        content = path.read_bytes()
        for at in range(len(content)):
            for bit in BITS if path.name == "leaves.ndjson" else (*BITS, 7):
                path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
                tried += 1
                if passes(export, policy):
                    missed.append((path.name, at, bit))
        path.write_bytes(content)
    assert missed == []
    assert tried >= 10_000
    assert passes(export, policy)


def test_every_line_dropped_doubled_or_swapped_is_found(small):
    export, policy = small
    for path in files(export):
        lines = path.read_bytes().splitlines(keepends=True)
        if path.parent.name in {"checkpoints", "documents"}:
            continue
        for at in range(len(lines)):
            changed = [lines[:at] + lines[at + 1 :], lines[: at + 1] + lines[at:]]
            if at + 1 < len(lines) and lines[at] != lines[at + 1]:
                changed.append([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])
            for variant in changed:
                path.write_bytes(b"".join(variant))
                assert not passes(export, policy), (path.name, at)
        path.write_bytes(b"".join(lines))
    assert passes(export, policy)


@pytest.mark.parametrize("name", ["leaves.ndjson", "marks.ndjson", "disclosures.txt"])
def test_every_truncation_is_found(small, name: str):
    export, policy = small
    content = (export / name).read_bytes()
    for at in range(0, len(content), 7):
        (export / name).write_bytes(content[:at])
        assert not passes(export, policy), at


def test_a_leaf_after_the_last_checkpoint_is_found(small):
    export, policy = small
    with (export / "leaves.ndjson").open("ab") as file:
        file.write(b'{"actor":"a","kind":"login.ok","t_ms":1700000000000,"v":1}\n')
    assert not passes(export, policy)


def test_a_replayed_checkpoint_is_found(small):
    export, policy = small
    notes = sorted((export / "checkpoints").iterdir(), key=lambda path: int(path.name))
    notes[-1].write_bytes(notes[-2].read_bytes())
    assert not passes(export, policy)


def test_a_dropped_last_checkpoint_is_found(small):
    export, policy = small
    max((export / "checkpoints").iterdir(), key=lambda path: int(path.name)).unlink()
    assert not passes(export, policy)


def test_signatures_of_another_key_are_found(small, tmp_path: Path):
    export, policy = small
    other = bailee_verify.Policy(policy_of(_ledger(tmp_path, key=b"x"), tmp_path).read_text())
    assert passes(export, policy)
    assert not passes(export, other)


def test_a_holder_of_the_key_who_rewrites_history_is_found_by_one_retained_checkpoint(tmp_path: Path):
    honest = _ledger(tmp_path, actor="honest")
    retained = tmp_path / "retained"
    retained.write_text(str(honest.checkpoint()))
    rewritten = _ledger(tmp_path, actor="forger")
    rewritten.commit([entry()] * 5)
    rewritten.checkpoint()
    export = export_of(rewritten, tmp_path)
    policy = bailee_verify.Policy(policy_of(honest, tmp_path).read_text())
    assert passes(export, policy)  # alone it looks whole: this is why others must keep checkpoints
    assert not passes(export, policy, retained)
    shutil.rmtree(export)
    assert passes(export_of(honest, tmp_path), policy, retained)


def _ledger(folder: Path, *, actor: str = "a", key: bytes = b"k"):
    from bailee.ledger.checkpoint import NoteKey

    engine = open_database(folder / f"{actor}-{key.decode()}.db")
    migrate(engine)
    log = new_log(engine)
    log.signer = MemorySigner(NoteKey("hospital.example/ledger", key * 32))
    log.commit([entry(actor=actor)])
    return log


SABOTAGE = {
    "a release without its intent": "DELETE FROM ledger_mark WHERE kind = 'release.intent'",
    "a row that no leaf has": "INSERT INTO ledger_mark VALUES (9999, 'release.done', 1, 'r9', '')",
    "another release in the index": "UPDATE ledger_mark SET release = 'r9' WHERE kind = 'release.done'",
    "a patient taken out": "DELETE FROM ledger_disclosure WHERE idx = 1",
    "a patient put in": "INSERT INTO ledger_disclosure SELECT seq, 77, commitment, n, prev, mask "
    "FROM ledger_disclosure WHERE idx = 0 LIMIT 1",
    "other data": "UPDATE ledger_disclosure SET mask = 1",
    "a chain cut": "UPDATE ledger_disclosure SET n = 1",
    "another leaf": """UPDATE ledger_leaf SET body = CAST('{"actor":"x","kind":"login.ok","t_ms":1,"v":1}' AS BLOB) """
    "WHERE seq = 5",
}


@pytest.mark.parametrize("what", SABOTAGE)
def test_an_insider_at_the_database_is_found(tmp_path: Path, what: str):
    engine = open_database(tmp_path / "x.db")
    migrate(engine)
    log = full_ledger(engine)
    policy = bailee_verify.Policy(policy_of(log, tmp_path).read_text())
    with write(engine) as connection:
        for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
            connection.execute(text(f"DROP TRIGGER {name}"))
        assert connection.exec_driver_sql(SABOTAGE[what]).rowcount > 0
    assert not passes(export_of(log, tmp_path), policy)
    engine.dispose()


def test_a_missing_leaf_stops_the_export(database: Engine, tmp_path: Path):
    log = full_ledger(database)
    with write(database) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE ledger_leaf DISABLE TRIGGER USER"))
        else:
            connection.execute(text("DROP TRIGGER ledger_leaf_no_delete"))
        connection.execute(text("DELETE FROM ledger_leaf WHERE seq = 3"))
    with pytest.raises(Exception, match="leaf 3 is missing"):
        export_of(log, tmp_path)

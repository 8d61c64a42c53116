"""Many writers at once, and the same history on two kinds of database."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from tests.support.ledger import entry, export_of, full_ledger, intent, new_log, patients, policy_of

import bailee_verify
from bailee.core.errors import Conflict
from bailee.ledger.checkpoint import read_checkpoint
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import migrate, open_database, read, write
from bailee.stores.sql.ledger import CheckpointPolicy
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.ledger_egress import Egress


def run_together(*works) -> list[Exception]:
    failures: list[Exception] = []

    def guarded(work) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 -- reported to the test
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_writers_at_once_skip_no_number_and_share_none(database: Engine, tmp_path: Path):
    log = new_log(database, policy=CheckpointPolicy(every_leaves=7))
    given: list[int] = []

    def work(name: int) -> None:
        for turn in range(15):
            given.extend(log.commit([entry(machine=f"m{name}-{turn}")] * (1 + turn % 3)))

    assert run_together(*(lambda n=name: work(n) for name in range(4))) == []
    log.checkpoint()
    assert sorted(given) == list(range(4 * 30))
    assert bailee_verify.main([str(export_of(log, tmp_path)), "--keys", str(policy_of(log, tmp_path))]) == 0


def test_releases_at_once_keep_each_patients_chain_whole(database: Engine, tmp_path: Path):
    log = full_ledger(database)
    log.commit([entry("agreement.activated", agreement=intent().agreement)])

    def work(name: str) -> None:
        egress = Egress(log, actor="a")
        egress.intent(intent(name))
        egress.record_disclosures(name, patients("p1", "p2", f"only-{name}"))
        egress.done(name, artifact_sha256="ab" * 32, rows=1, size_bytes=1)

    assert run_together(*(lambda n=f"c{at}": work(n) for at in range(5))) == []
    with read(database) as connection:
        subject, row = tables.subject.c, tables.disclosure.c
        numbers = connection.execute(
            select(row.n)
            .join(tables.subject, (subject.seq == row.seq) & (subject.idx == row.idx))
            .where(subject.patient == "p2")
            .order_by(row.seq)
        ).scalars()
        assert list(numbers) == list(range(1, 10))
    assert bailee_verify.main([str(export_of(log, tmp_path)), "--keys", str(policy_of(log, tmp_path))]) == 0


def test_an_export_ends_at_its_checkpoint_whatever_is_written_meanwhile(database: Engine, tmp_path: Path):
    log = full_ledger(database)
    with write(database) as connection:
        append(connection, [intent("late")])
        log.disclose(connection, entry("release.disclosed", release="late", data=("notes",)), patients("p1"))
    export = export_of(log, tmp_path)
    assert bailee_verify.main([str(export), "--keys", str(policy_of(log, tmp_path))]) == 0
    assert b"late" not in (export / "leaves.ndjson").read_bytes()


def test_a_ledger_that_was_never_signed_is_not_exported(database: Engine, tmp_path: Path):
    with write(database) as connection:
        append(connection, [entry()])
    with pytest.raises(Conflict, match="no checkpoint"):
        export_of(new_log(database), tmp_path)


@pytest.mark.postgres
def test_both_databases_hold_the_same_bytes(database: Engine, tmp_path: Path):
    other = open_database(tmp_path / "other.db")
    migrate(other)
    exports = []
    for name, engine in (("a", database), ("b", other)):
        log = full_ledger(engine)
        export = export_of(log, tmp_path / name)
        exports.append(
            {str(path.relative_to(export)): path.read_bytes() for path in export.rglob("*") if path.is_file()}
        )
        assert read_checkpoint(log.last_checkpoint().body).size == log.size()
    assert exports[0] == exports[1]
    assert len(exports[0]) > 10
    other.dispose()

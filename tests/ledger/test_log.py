from __future__ import annotations

from itertools import pairwise

import pyarrow as pa
import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DatabaseError
from tests.support.ledger import START_MS, entry, intent, new_log, patients

from bailee.core.errors import BaileeError, Conflict, Invalid
from bailee.ledger.checkpoint import read_checkpoint, signature_time
from bailee.ledger.disclosures import commitment, salt_of
from bailee.ledger.entries import entry_from_bytes
from bailee.ledger.merkle import hash_at, inclusion_proof, leaf_hash, leaf_hashes, root_from_inclusion, root_of
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import open_database, read, write
from bailee.stores.sql.ledger import CheckpointPolicy, append
from bailee.stores.sql.ledger_append import log_root
from bailee.stores.sql.ledger_subjects import subject_nodes


def bodies(engine: Engine) -> list[bytes]:
    with read(engine) as connection:
        rows = connection.execute(select(tables.leaf.c.body).order_by(tables.leaf.c.seq))
        return [bytes(body) for (body,) in rows]


def test_leaves_are_numbered_from_zero_without_gaps(database: Engine):
    log = new_log(database)
    assert log.commit([entry(), entry()]) == [0, 1]
    assert log.commit([]) == []
    assert log.commit([entry()]) == [2]
    assert log.size() == 3


def test_a_leaf_stands_or_falls_with_its_transaction(database: Engine):
    log = new_log(database)
    log.commit([entry()])
    with pytest.raises(Conflict), write(database) as connection:
        _append_then_fail(connection)
    assert log.commit([entry()]) == [1]


def _append_then_fail(connection) -> None:
    append(connection, [entry(), entry()])
    append(connection, [entry(t_ms=1)])


def test_the_root_is_that_of_all_leaves_whatever_the_batches(database: Engine):
    log = new_log(database)
    for count in (1, 254, 1, 3, 300, 700):
        log.commit([entry(machine=f"m{count}-{at}") for at in range(count)])
    leaves = bodies(database)
    with read(database) as connection:
        for size in (1, 255, 256, 259, 512, 1259):
            assert log_root(connection, size) == root_of(leaf_hashes(leaves[:size]))


def test_a_checkpoint_is_signed_by_the_log_and_says_size_and_root(database: Engine):
    log = new_log(database)
    log.commit([entry(), entry()])
    note = log.checkpoint()
    assert signature_time(note, log.signer.verifier) == 0
    assert read_checkpoint(note.body).size == 2
    assert read_checkpoint(note.body).root == root_of(leaf_hashes(bodies(database)))


def test_a_checkpoint_of_the_same_tree_is_the_same_note(database: Engine):
    log = new_log(database)
    log.commit([entry()])
    assert log.checkpoint() == log.checkpoint()


def test_the_policy_signs_after_so_many_leaves_or_so_much_time(database: Engine):
    log = new_log(database, policy=CheckpointPolicy(every_leaves=10, every_ms=60_000))
    log.commit([entry()])  # the first is due at once: none was ever signed
    assert _signed(log) == 1
    log.commit([entry()] * 9)
    assert _signed(log) == 1
    log.commit([entry()])
    assert _signed(log) == 11
    log.commit([entry()])
    log.clock.advance(60_000)
    log.tick()
    assert _signed(log) == 12


def _signed(log) -> int:
    return read_checkpoint(log.last_checkpoint().body).size


def test_every_leaf_is_proved_under_the_newest_checkpoint(database: Engine):
    log = new_log(database)
    log.commit([entry(machine=str(at)) for at in range(300)])
    log.checkpoint()
    leaves = bodies(database)
    for seq in (0, 17, 255, 256, 299):
        proof, note = log.inclusion(seq)
        head = read_checkpoint(note.body)
        assert root_from_inclusion(leaf_hash(leaves[seq]), seq, head.size, proof) == head.root
        assert len(proof) <= 9


def test_a_leaf_without_checkpoint_has_no_proof_yet(database: Engine):
    log = new_log(database, policy=CheckpointPolicy(every_ms=10**9))
    log.commit([entry()])
    log.commit([entry()])
    with pytest.raises(Invalid):
        log.inclusion(1)


@pytest.mark.parametrize("action", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_the_database_itself_refuses_to_change_history(database: Engine, action: str):
    log = new_log(database)
    with write(database) as connection:
        append(connection, [intent()] + [entry()] * 256)
        log.disclose(connection, entry("release.disclosed", release="r1", data=("notes",)), patients("p1"))
        log.keep(connection, b"terms")
    log.checkpoint()
    with write(database) as connection:
        connection.execute(tables.cosignature.insert().values(size=1, witness="w", line="l"))
    for table in tables.APPEND_ONLY:
        with pytest.raises((Conflict, DatabaseError)), write(database) as connection:
            connection.execute(text(action.format(table.name, table.primary_key.columns.keys()[0])))


def test_a_rewritten_history_is_never_signed(database: Engine):
    log = new_log(database)
    log.commit([entry(machine="a"), entry(machine="b")])
    log.checkpoint()
    with write(database) as connection:
        _drop_guards(connection)
        connection.execute(text("DELETE FROM ledger_leaf"))
        append(connection, [entry(machine="x"), entry(machine="b"), entry(machine="c")])
    with pytest.raises(BaileeError, match="consistent"):
        log.checkpoint()


def test_an_older_backup_is_never_signed(database: Engine):
    log = new_log(database)
    log.commit([entry(), entry()])
    log.checkpoint()
    with write(database) as connection:
        _drop_guards(connection)
        connection.execute(text("DELETE FROM ledger_leaf WHERE seq = 1"))
    with pytest.raises(Conflict, match="restore the newer"):
        log.checkpoint()


def _drop_guards(connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("ALTER TABLE ledger_leaf DISABLE TRIGGER USER"))
        return
    for action in ("update", "delete"):
        connection.execute(text(f"DROP TRIGGER ledger_leaf_no_{action}"))


def test_a_clock_that_went_back_stops_the_ledger(database: Engine):
    log = new_log(database)
    log.commit([entry(t_ms=START_MS)])
    log.commit([entry(t_ms=START_MS - 59_000)])
    with pytest.raises(Conflict, match="clock"):
        log.commit([entry(t_ms=START_MS - 120_000)])


def disclose(log, release: str, table: pa.Table, **fields) -> int | None:
    with write(log.engine) as connection:
        leaf = entry("release.disclosed", release=release, **({"data": ("notes", "laboratory")} | fields))
        return log.disclose(connection, leaf, table)


def rows_of(engine: Engine, patient: str) -> list[tuple]:
    subject, row = tables.subject, tables.disclosure
    with read(engine) as connection:
        found = connection.execute(
            select(row.c.seq, row.c.idx, row.c.commitment, row.c.n, row.c.prev, row.c.mask, subject.c.secret)
            .join(subject, (subject.c.seq == row.c.seq) & (subject.c.idx == row.c.idx))
            .where(subject.c.patient == patient)
            .order_by(row.c.seq)
        )
        return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in item) for item in found]


def test_a_release_to_many_patients_is_one_leaf_with_the_root_of_their_commitments(database: Engine):
    log = new_log(database)
    seq = disclose(log, "r1", patients(*[f"p{at}" for at in range(600)]))
    leaf = entry_from_bytes(bodies(database)[seq])
    assert log.size() == 1
    assert leaf.counts.patients == 600
    with read(database) as connection:
        nodes = subject_nodes(connection, seq)
        for patient in ("p0", "p300", "p599"):
            (row,) = rows_of(database, patient)
            hashed = leaf_hash(row[2] + row[3].to_bytes(8, "big") + row[4] + row[5].to_bytes(8, "big"))
            proof = inclusion_proof(nodes, row[1], 600)
            assert root_from_inclusion(hashed, row[1], 600, proof).hex() == leaf.subject_commitments_root


def test_a_patient_who_is_given_the_salt_can_open_the_commitment_and_nobody_can_without(database: Engine):
    log = new_log(database)
    disclose(log, "r1", patients("p1"))
    ((_, _, committed, _, _, _, secret),) = rows_of(database, "p1")
    salt = salt_of(log.salts.key("2023-11"), secret)
    assert commitment(salt, "p1") == committed
    assert commitment(salt, "p2") != committed
    assert commitment(secret, "p1") != committed  # the row alone, with the month's key gone


def test_the_leaves_of_a_patient_form_a_chain_without_gaps(database: Engine):
    log = new_log(database)
    disclose(log, "r1", patients("p1", "p2"))
    disclose(log, "r2", patients("p2", "p3"))
    disclose(log, "r3", patients("p1", "p2", "p3"))
    chain = rows_of(database, "p2")
    assert [row[3] for row in chain] == [1, 2, 3]
    assert chain[0][4] == bytes(32)
    for before, after in pairwise(chain):
        hashed = before[2] + before[3].to_bytes(8, "big") + before[4] + before[5].to_bytes(8, "big")
        assert after[4] == leaf_hash(hashed)


def test_a_patient_is_recorded_once_for_a_release(database: Engine):
    log = new_log(database)
    assert disclose(log, "r1", patients("p1", "p1", "p2")) == 0
    assert disclose(log, "r1", patients("p2", "p1")) is None
    assert disclose(log, "r1", patients("p2", "p3")) == 1
    assert [len(rows_of(database, name)) for name in ("p1", "p2", "p3")] == [1, 1, 1]


def test_types_of_data_are_kept_for_each_patient(database: Engine):
    log = new_log(database)
    kinds = pa.array([["notes"], ["laboratory", "notes"], []], pa.list_(pa.string()))
    disclose(log, "r1", patients("p1", "p2", "p3", data=kinds))
    disclose(log, "r2", patients("p4"))
    assert [rows_of(database, name)[0][5] for name in ("p1", "p2", "p3", "p4")] == [1, 3, 0, 3]


def test_nothing_in_the_log_names_a_patient(database: Engine):
    log = new_log(database)
    disclose(log, "r1", patients("MRN-4711-Miller"))
    log.checkpoint()
    with read(database) as connection:
        for table in tables.APPEND_ONLY:
            for row in connection.execute(select(table)):
                assert not any(b"4711" in bytes(value) for value in row if isinstance(value, bytes | memoryview))
                assert "4711" not in str(row)


def test_the_patients_at_hand_are_never_in_a_temporary_file(tmp_path):
    engine = open_database(tmp_path / "x.db")
    with write(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA temp_store").scalar() == 2  # in memory
    engine.dispose()


@pytest.mark.parametrize(
    "table",
    [
        pa.table({"mrn": ["p1"]}),
        pa.table({"patient": pa.array([None], pa.string())}),
        pa.table({"patient": [""]}),
        pa.table({"patient": ["p1"], "data": [["genetic"]]}),
    ],
)
def test_disclosures_out_of_form_are_refused(database: Engine, table: pa.Table):
    log = new_log(database)
    with pytest.raises(Invalid):
        disclose(log, "r1", table)
    assert log.size() == 0


def test_documents_are_kept_by_their_hash(database: Engine):
    log = new_log(database)
    with write(database) as connection:
        name = log.keep(connection, b"terms")
        assert log.keep(connection, b"terms") == name
    assert log.document(name) == b"terms"
    assert log.document("00" * 32) is None


def test_hashes_of_a_row_are_taken_out_by_their_place():
    assert hash_at(b"a" * 32 + b"b" * 32, 1) == b"b" * 32

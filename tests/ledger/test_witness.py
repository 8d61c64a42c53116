from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import Engine, text
from tests.support.ledger import START_MS, entry, export_of, full_ledger, new_log, policy_of

import bailee_verify
from bailee.core.clock import FixedClock
from bailee.core.errors import Conflict, Invalid, Unavailable
from bailee.ledger.checkpoint import WITNESS_KEY, Checkpoint, Note, NoteKey, read_checkpoint, signature_time
from bailee.ledger.guard import Forked, MemorySigner, Stale
from bailee.ledger.merkle import PackedNodes, consistency_proof, leaf_hashes, range_root
from bailee.ledger.witness import AddCheckpoint
from bailee.stores.keys.witness import HttpWitness, read_witnesses
from bailee.stores.keys.witness_server import Witnessing, WitnessServer
from bailee.stores.sql.database import migrate, open_database, write

LOG = NoteKey("hospital.example/ledger", b"k" * 32)
KEY = NoteKey("council.example/w1", b"w" * 32, WITNESS_KEY)
NODES = PackedNodes(leaf_hashes([bytes([at]) for at in range(16)]))
OTHER = PackedNodes(leaf_hashes([b"x"] * 16))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[WitnessServer]:
    with WitnessServer(Witnessing(KEY, [LOG.verifier], tmp_path / "state", FixedClock(START_MS))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def witness(server: WitnessServer) -> HttpWitness:
    return HttpWitness(KEY.verifier, server.url)


def request(size: int, old: int = 0, nodes: PackedNodes = NODES, key: NoteKey = LOG, **changes) -> str:
    head = Checkpoint(key.verifier.name, size, range_root(nodes, 0, size))
    proof = consistency_proof(nodes, old, size) if old <= size else []
    note = Note(head.body(), (key.signature_line(head.body()),))
    return str(AddCheckpoint(changes.get("said", old), tuple(changes.get("proof", proof)), note))


def status(server: WitnessServer, content: str) -> int:
    return httpx2.post(f"{server.url}/add-checkpoint", content=content.encode()).status_code


def test_it_cosigns_a_log_that_grows(witness: HttpWitness):
    for old, size in ((0, 3), (3, 3), (3, 11)):
        line = witness.add_checkpoint(request(size, old))
        note = Note(Checkpoint(LOG.verifier.name, size, range_root(NODES, 0, size)).body(), (line,))
        assert signature_time(note, KEY.verifier) == START_MS // 1000


def test_it_answers_each_fault_with_the_status_that_the_protocol_names(server: WitnessServer):
    stranger = NoteKey("stranger.example/ledger", b"s" * 32)
    impostor = NoteKey("hospital.example/ledger", b"i" * 32)
    assert status(server, request(8)) == 200
    assert status(server, "hello\n") == 400
    assert status(server, request(8, said=9)) == 400
    assert status(server, request(3, key=stranger)) == 404
    assert status(server, request(12, 8, key=impostor)) == 403
    assert status(server, request(12, 4)) == 409
    assert status(server, request(8, 8, nodes=OTHER)) == 409
    assert status(server, request(12, 8, nodes=OTHER)) == 422
    assert status(server, request(12, 8, proof=[])) == 422
    assert status(server, request(12, 8)) == 200
    assert httpx2.post(f"{server.url}/elsewhere", content=b"x").status_code == 404


def test_it_tells_its_size_to_whoever_does_not_know_it(witness: HttpWitness, server: WitnessServer):
    witness.add_checkpoint(request(8))
    answer = httpx2.post(f"{server.url}/add-checkpoint", content=request(12, 0).encode())
    assert (answer.headers["content-type"], answer.text) == ("text/x.tlog.size", "8\n")
    with pytest.raises(Stale) as stale:
        witness.add_checkpoint(request(4, 0))
    assert stale.value.size == 8


def test_a_fork_is_told_from_a_stale_size(witness: HttpWitness):
    witness.add_checkpoint(request(8))
    with pytest.raises(Forked):
        witness.add_checkpoint(request(8, 8, nodes=OTHER))
    with pytest.raises(Conflict):
        witness.add_checkpoint(request(12, 8, nodes=OTHER))


def test_two_requests_at_once_never_roll_it_back(tmp_path: Path):
    witnessing = Witnessing(KEY, [LOG.verifier], tmp_path / "state", FixedClock(START_MS))
    witnessing.add_checkpoint(request(1).encode())
    answers: list[int] = []
    contents = [request(size, 1).encode() for size in (3, 5, 7, 9)]
    threads = [threading.Thread(target=lambda c=c: answers.append(witnessing.add_checkpoint(c)[0])) for c in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 409, 409, 409]


def test_a_ledger_asks_its_witnesses_and_keeps_what_they_sign(database: Engine, witness: HttpWitness):
    log = new_log(database, witnesses=[witness])
    for _ in range(3):
        log.commit([entry()])
        note = log.checkpoint()
        assert signature_time(note, KEY.verifier) == START_MS // 1000
    assert log.last_checkpoint() == note


def test_a_witness_that_is_away_holds_nothing_up(database: Engine):
    log = new_log(database, witnesses=[HttpWitness(KEY.verifier, "http://127.0.0.1:9")])
    log.commit([entry()])
    assert signature_time(log.checkpoint(), KEY.verifier) is None


def test_an_answer_of_another_key_is_refused(database: Engine, server: WitnessServer):
    other = NoteKey("council.example/w1", b"o" * 32, WITNESS_KEY)
    log = new_log(database, witnesses=[HttpWitness(other.verifier, server.url)])
    with pytest.raises(Invalid, match="no signature of its key"):
        log.commit([entry()])


def test_a_key_holder_who_rewrites_history_is_refused_by_the_witness(tmp_path: Path, witness: HttpWitness):
    for actor in ("honest", "forger"):
        engine = open_database(tmp_path / f"{actor}.db")
        migrate(engine)
        log = new_log(engine, witnesses=[witness])
        log.signer = MemorySigner(LOG)
        if actor == "forger":
            with pytest.raises(Conflict):
                log.commit([entry(actor=actor)] * 3)
        else:
            log.commit([entry(actor=actor)] * 2)
        engine.dispose()


def test_the_verifier_asks_for_the_cosignatures_that_the_policy_names(tmp_path: Path, witness: HttpWitness):
    engine = open_database(tmp_path / "x.db")
    migrate(engine)
    log = full_ledger(engine)
    export = export_of(log, tmp_path / "without")
    line = f"witness w1 {KEY.verifier}"
    assert not _passes(export, policy_of(log, tmp_path, line, quorum="w1"))
    log.witnesses = (witness,)
    log.commit([entry()])
    log.checkpoint()
    export = export_of(log, tmp_path / "with")
    for quorum, lines, expected in (
        ("w1", [line], True),
        ("none", [], True),
        ("g", [line, "group g all w1"], True),
        ("g", [line, "witness w2 " + str(NoteKey("b", b"b" * 32, WITNESS_KEY).verifier), "group g any w1 w2"], True),
        ("g", [line, "witness w2 " + str(NoteKey("b", b"b" * 32, WITNESS_KEY).verifier), "group g 2 w1 w2"], False),
    ):
        assert _passes(export, policy_of(log, tmp_path, *lines, quorum=quorum)) is expected
    newest = max((export / "checkpoints").iterdir(), key=lambda path: int(path.name))
    content, policy = newest.read_bytes(), policy_of(log, tmp_path, line, quorum="w1")
    for at in range(len(content)):
        newest.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :])
        assert not _passes(export, policy), at
    engine.dispose()


def _passes(export: Path, policy: Path) -> bool:
    try:
        return bool(bailee_verify.Verifier(export, bailee_verify.Policy(policy.read_text())).run([], None)["ok"])
    except bailee_verify.BadInputError:
        return False


def test_witnesses_are_read_from_the_policy_in_the_folder_of_keys(tmp_path: Path):
    assert read_witnesses(tmp_path) == ()
    (tmp_path / "witnesses.policy").write_text(
        f"log {LOG.verifier}\nwitness w1 {KEY.verifier} https://w1.example/\nwitness w2 {KEY.verifier}\nquorum none\n"
    )
    assert [witness.verifier for witness in read_witnesses(tmp_path)] == [KEY.verifier]
    (tmp_path / "witnesses.policy").write_text(f"witness w1 {LOG.verifier} https://w1.example/\n")
    with pytest.raises(Invalid):
        read_witnesses(tmp_path)


def test_a_witness_in_trouble_is_asked_again_later():
    witness = HttpWitness(KEY.verifier, "http://w.example")
    with pytest.raises(Unavailable):
        witness._answered(503, "", "")
    with pytest.raises(Conflict):
        witness._answered(404, "", "")


def test_cosignatures_are_kept_append_only(database: Engine, witness: HttpWitness):
    log = new_log(database, witnesses=[witness])
    log.commit([entry()])
    log.checkpoint()
    with write(database) as connection:
        assert connection.execute(text("SELECT count(*) FROM ledger_cosignature")).scalar() == 1
    assert read_checkpoint(log.last_checkpoint().body).size == 1

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.support.ledger import START_MS, MemorySalts, entry

from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.core.errors import Conflict, Invalid, Unavailable, UserError
from bailee.ledger.checkpoint import Checkpoint, read_checkpoint, signature_time
from bailee.ledger.guard import Forked, Stale
from bailee.ledger.merkle import PackedNodes, consistency_proof, leaf_hashes, range_root
from bailee.stores.keys.guarded import FileSigner, SeenFile
from bailee.stores.keys.ring import (
    SaltFiles,
    create_master_key,
    create_signing_key,
    read_master_key,
    read_signing_key,
    read_verifier_key,
)
from bailee.stores.keys.signer import SignerServer, SocketSigner
from bailee.stores.sql.ledger import Log

NAME = "hospital.example/ledger"
NODES = PackedNodes(leaf_hashes([bytes([at]) for at in range(16)]))
OTHER = PackedNodes(leaf_hashes([b"x"] * 16))


def head(size: int, nodes: PackedNodes = NODES) -> Checkpoint:
    return Checkpoint(NAME, size, range_root(nodes, 0, size))


@pytest.fixture(params=["file", "socket"])
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[FileSigner | SocketSigner]:
    """The same signer, in this process and behind a socket."""
    key = create_signing_key(tmp_path, NAME, SeededEntropy(b"k"))
    local = FileSigner(key, SeenFile(tmp_path / "ledger.seen"))
    if request.param == "file":
        yield local
        return
    with SignerServer(tmp_path / "signer.sock", local) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield SocketSigner(tmp_path / "signer.sock")
        server.shutdown()
        thread.join()


def test_it_signs_a_tree_that_grows(signer):
    signer.sign(head(3), 0, [])
    signer.sign(head(11), 3, consistency_proof(NODES, 3, 11))
    signer.sign(head(11), 11, [])
    assert signer.last_size() == 11


def test_it_refuses_a_tree_that_contradicts_the_last_one(signer):
    signer.sign(head(8), 0, [])
    with pytest.raises(Forked):
        signer.sign(head(5), 8, [])
    with pytest.raises(Forked):
        signer.sign(head(8, OTHER), 8, [])
    with pytest.raises(Conflict if isinstance(signer, SocketSigner) else Invalid):
        signer.sign(head(12, OTHER), 8, consistency_proof(OTHER, 8, 12))
    assert signer.last_size() == 8


def test_it_tells_an_asker_who_is_behind_where_it_stands(signer):
    signer.sign(head(8), 0, [])
    with pytest.raises(Stale) as answer:
        signer.sign(head(12), 4, consistency_proof(NODES, 4, 12))
    assert answer.value.size == 8


def test_it_signs_for_one_log_only(signer):
    with pytest.raises((Conflict, Invalid)):
        signer.sign(Checkpoint("other.example/ledger", 1, bytes(32)), 0, [])


def test_it_remembers_after_a_restart(tmp_path: Path):
    key = create_signing_key(tmp_path, NAME, SeededEntropy(b"k"))
    FileSigner(key, SeenFile(tmp_path / "ledger.seen")).sign(head(8), 0, [])
    with pytest.raises(Stale):
        FileSigner(key, SeenFile(tmp_path / "ledger.seen")).sign(head(9, OTHER), 0, [])


def test_a_damaged_memory_stops_it(tmp_path: Path):
    key = create_signing_key(tmp_path, NAME, SeededEntropy(b"k"))
    (tmp_path / "ledger.seen").write_text("8\nAAAA\n")
    with pytest.raises(Invalid):
        FileSigner(key, SeenFile(tmp_path / "ledger.seen")).sign(head(9), 8, [])


def _race(folder: str, nodes: PackedNodes, results) -> None:
    signer = FileSigner(read_signing_key(Path(folder)), SeenFile(Path(folder) / "ledger.seen"))
    try:
        signer.sign(head(8, nodes), 0, [])
        results.put("signed")
    except Conflict:
        results.put("refused")


def test_of_two_processes_with_two_histories_one_is_refused(tmp_path: Path):
    create_signing_key(tmp_path, NAME, SeededEntropy(b"k"))
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    both = [context.Process(target=_race, args=(str(tmp_path), nodes, results)) for nodes in (NODES, OTHER)]
    for process in both:
        process.start()
    assert sorted(results.get(timeout=60) for _ in both) == ["refused", "signed"]
    for process in both:
        process.join()


def test_a_signer_that_is_away_is_named(tmp_path: Path):
    with pytest.raises(Unavailable, match="signer"):
        SocketSigner(tmp_path / "signer.sock")


def test_a_ledger_is_signed_by_either(database: Engine, signer):
    log = Log(database, signer, FixedClock(START_MS), SeededEntropy(b"e"), salts=MemorySalts())
    for _ in range(3):
        log.commit([entry()])
        note = log.checkpoint()
    assert signature_time(note, signer.verifier) == 0
    assert read_checkpoint(note.body).size == 3


def test_keys_are_read_back_and_are_for_their_owner_only(tmp_path: Path):
    master = create_master_key(tmp_path, SeededEntropy(b"m"))
    key = create_signing_key(tmp_path, NAME, SeededEntropy(b"k"))
    assert read_master_key(tmp_path).reveal() == master.reveal()
    assert read_signing_key(tmp_path).verifier == key.verifier == read_verifier_key(tmp_path)
    assert {oct((tmp_path / name).stat().st_mode & 0o777) for name in ("master.key", "ledger.key")} == {"0o600"}


def test_a_key_is_never_overwritten(tmp_path: Path):
    create_master_key(tmp_path, SeededEntropy(b"m"))
    with pytest.raises(Conflict):
        create_master_key(tmp_path, SeededEntropy(b"n"))


def test_a_key_that_others_may_read_is_refused(tmp_path: Path):
    create_master_key(tmp_path, SeededEntropy(b"m"))
    (tmp_path / "master.key").chmod(0o644)
    with pytest.raises(UserError, match="chmod 600"):
        read_master_key(tmp_path)


@pytest.mark.parametrize("content", ["", "zz", "PRIVATE+KEY+a+b", "ab" * 31])
def test_what_is_no_key_is_refused(tmp_path: Path, content: str):
    for name, reader in (("master.key", read_master_key), ("ledger.key", read_signing_key)):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
        with pytest.raises(Invalid):
            reader(tmp_path)


def test_a_missing_key_is_named(tmp_path: Path):
    for reader in (read_master_key, read_signing_key, read_verifier_key):
        with pytest.raises(Unavailable, match="bailee init"):
            reader(tmp_path)


def test_a_shredded_month_stays_shredded(tmp_path: Path):
    salts = SaltFiles(tmp_path, SeededEntropy(b"s"))
    first = salts.key("2026-11")
    assert salts.key("2026-11") == first != salts.key("2026-12")
    salts.shred("2026-11")
    salts.shred("2026-11")
    assert salts.shredded("2026-11")
    with pytest.raises(Unavailable):
        salts.key("2026-11")
    assert not list((tmp_path / "salts").glob("2026-11"))

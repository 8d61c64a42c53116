"""A second, independent reading of checkpoints, tiles and proofs, written from the published specifications alone.

Nothing of Bailee's is used to read: only base64, SHA-256 and Ed25519. It follows c2sp.org/signed-note,
c2sp.org/tlog-checkpoint, c2sp.org/tlog-tiles and RFC 6962, and recomputes everything from the files.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Engine
from tests.support.ledger import entry, full_ledger, new_log

import bailee_verify
from bailee.stores.sql.ledger_export import export_tiles


def open_note(text: str, name: str, public: bytes) -> tuple[str, int, bytes]:
    """signed-note: the text ends at the last empty line; tlog-checkpoint: origin, size, root."""
    cut = text.rindex("\n\n")
    body, signatures = text[: cut + 1], text[cut + 2 :]
    key_id = hashlib.sha256(name.encode() + b"\n" + b"\x01" + public).digest()[:4]
    verified = False
    for line in signatures.splitlines():
        mark, signer, encoded = line.split(" ")
        assert mark == "\u2014"
        raw = base64.b64decode(encoded)
        if signer == name and raw[:4] == key_id:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], body.encode())
            verified = True
    assert verified
    origin, size, root = body.splitlines()
    return origin, int(size), base64.b64decode(root)


def mth(hashes: list[bytes]) -> bytes:
    """RFC 6962 2.1 on leaf hashes."""
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


def name_of(index: int) -> str:
    """tlog-tiles: three digits an element, all but the last with an x before."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    parts = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join(["x" + part for part in parts[:-1]] + parts[-1:])


def read_tile(root: Path, level: int | str, index: int, width: int) -> bytes:
    suffix = "" if width == 256 else f".p/{width}"
    return (root / f"tile/{level}/{name_of(index)}{suffix}").read_bytes()


def all_leaf_hashes(root: Path, size: int) -> list[bytes]:
    found = b""
    for index in range(-(-size // 256)):
        width = min(256, size - 256 * index)
        found += read_tile(root, 0, index, width)
    return [found[at : at + 32] for at in range(0, len(found), 32)]


def include(leaf: bytes, index: int, size: int, path: list[bytes]) -> bytes:
    """RFC 6962 2.1.1, from the definition: which side the leaf is on follows from the split of the tree."""
    if size == 1:
        assert not path
        return leaf
    k = 1
    while k * 2 < size:
        k *= 2
    if index < k:
        return hashlib.sha256(b"\x01" + include(leaf, index, k, path[:-1]) + path[-1]).digest()
    return hashlib.sha256(b"\x01" + path[-1] + include(leaf, index - k, size - k, path[:-1])).digest()


@pytest.mark.parametrize("size", [1, 255, 256, 257, 700])
def test_tiles_and_checkpoint_are_read_by_the_specification_alone(database: Engine, tmp_path: Path, size: int):
    log = new_log(database)
    log.commit([entry(machine=f"m{at}") for at in range(size)])
    log.checkpoint()
    export_tiles(database, tmp_path, entries=True)
    key = log.signer.verifier
    origin, told, root = open_note((tmp_path / "checkpoint").read_text(), key.name, key.public)
    assert (origin, told) == ("hospital.example/ledger", size)
    leaves = all_leaf_hashes(tmp_path, size)
    assert mth(leaves) == root
    bundle = read_tile(tmp_path, "entries", 0, min(size, 256))
    length = int.from_bytes(bundle[:2], "big")
    assert hashlib.sha256(b"\x00" + bundle[2 : 2 + length]).digest() == leaves[0]
    if size >= 256:
        width = size // 256
        level1 = read_tile(tmp_path, 1, 0, width)
        assert level1[:32] == mth(leaves[:256])
        assert len(level1) == 32 * width


def test_both_readings_agree_on_proofs(database: Engine):
    log = full_ledger(database)
    key = log.signer.verifier
    for seq in range(log.size()):
        proof, note = log.inclusion(seq)
        _, size, root = open_note(str(note), key.name, key.public)
        leaf = log.leaf(seq)
        hashed = hashlib.sha256(b"\x00" + leaf).digest()
        assert include(hashed, seq, size, proof) == root
        assert bailee_verify._root_from(hashed, seq, size, proof) == root


def test_a_wrong_leaf_or_place_is_refused_by_both(database: Engine):
    log = full_ledger(database)
    proof, note = log.inclusion(3)
    key = log.signer.verifier
    _, size, root = open_note(str(note), key.name, key.public)
    wrong = hashlib.sha256(b"\x00" + b"{}").digest()
    right = hashlib.sha256(b"\x00" + log.leaf(3)).digest()
    for leaf, index in ((wrong, 3), (right, 2), (right, 4)):
        assert include(leaf, index, size, proof) != root
        assert bailee_verify._root_from(leaf, index, size, proof) != root


def test_tiles_are_written_once_and_the_checkpoint_last(database: Engine, tmp_path: Path):
    log = new_log(database)
    log.commit([entry(machine=f"m{at}") for at in range(300)])
    log.checkpoint()
    first = export_tiles(database, tmp_path)
    assert export_tiles(database, tmp_path) == 1  # the checkpoint alone
    log.commit([entry()] * 300)
    log.checkpoint()
    export_tiles(database, tmp_path)
    assert first == 4  # tile/0/000, tile/0/001.p/44, tile/1/000.p/1, and the checkpoint
    assert not list(tmp_path.rglob("entries"))

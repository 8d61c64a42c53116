from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailee.core.errors import Invalid
from bailee.ledger.merkle import (
    EMPTY_ROOT,
    PackedNodes,
    TiledNodes,
    check_consistency,
    consistency_proof,
    hash_at,
    inclusion_proof,
    leaf_hash,
    leaf_hashes,
    node_hash,
    range_root,
    root_from_inclusion,
    root_of,
)

# the inputs and tree heads that Certificate Transparency's own implementations test RFC 6962 with
INPUTS = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def slow_root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962 §2.1 writes it."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(slow_root(leaves[:k]), slow_root(leaves[k:]))


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_the_published_vectors(size: int):
    assert root_of(leaf_hashes(INPUTS[:size])).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing():
    assert root_of(b"").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_published_inclusion_and_consistency_proofs_are_given():
    nodes = PackedNodes(leaf_hashes(INPUTS))
    assert [item.hex() for item in inclusion_proof(nodes, 5, 8)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]
    assert [item.hex() for item in consistency_proof(nodes, 6, 8)] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(st.lists(st.binary(max_size=6), max_size=70))
def test_roots_are_those_of_the_definition(leaves: list[bytes]):
    assert root_of(leaf_hashes(leaves)) == slow_root(leaves)


def test_every_inclusion_proof_of_small_trees_leads_to_the_root_and_to_no_other():
    hashes = leaf_hashes([bytes([at]) for at in range(33)])
    nodes = PackedNodes(hashes)
    for size in range(1, 34):
        root = range_root(nodes, 0, size)
        for index in range(size):
            proof = inclusion_proof(nodes, index, size)
            assert root_from_inclusion(hash_at(hashes, index), index, size, proof) == root
            assert root_from_inclusion(hash_at(hashes, (index + 1) % 33), index, size, proof) != root
            for bad in (proof[:-1], [*proof, root]):
                if len(bad) != len(proof):
                    with pytest.raises(Invalid):
                        root_from_inclusion(hash_at(hashes, index), index, size, bad)


def test_every_consistency_proof_of_small_trees_holds_and_breaks_when_a_bit_does():
    nodes = PackedNodes(leaf_hashes([bytes([at]) for at in range(24)]))
    tried = 0
    for new in range(25):
        for old in range(new + 1):
            proof = consistency_proof(nodes, old, new)
            first, second = range_root(nodes, 0, old), range_root(nodes, 0, new)
            check_consistency(old, first, new, second, proof)
            for at, item in enumerate(proof):
                for bit in (0, 77, 255):
                    flipped = (int.from_bytes(item, "big") ^ 1 << bit).to_bytes(32, "big")
                    with pytest.raises(Invalid):
                        check_consistency(old, first, new, second, [*proof[:at], flipped, *proof[at + 1 :]])
                    tried += 1
            if 0 < old < new:
                with pytest.raises(Invalid):
                    check_consistency(old, second, new, second, proof)
                with pytest.raises(Invalid):
                    check_consistency(old, first, new, second, [*proof, first])
                with pytest.raises(Invalid):
                    check_consistency(old, first, new, second, proof[:-1])
    assert tried > 2_000


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1000, 65_536, 66_000])
def test_tiles_of_every_eighth_level_give_the_same_tree(size: int):
    leaves = leaf_hashes([at.to_bytes(3, "big") for at in range(size)])
    whole = PackedNodes(leaves)

    def fetch(level: int, start: int, count: int) -> bytes:
        row = whole.levels[8 * level] if 8 * level < len(whole.levels) else b""
        return row[32 * start : 32 * (start + count)]

    tiled = TiledNodes(fetch)
    assert range_root(tiled, 0, size) == range_root(whole, 0, size)
    for index in {0, size // 2, size - 1}:
        assert inclusion_proof(tiled, index, size) == inclusion_proof(whole, index, size)
        assert consistency_proof(tiled, index, size) == consistency_proof(whole, index, size)


def test_a_proof_has_one_hash_for_each_doubling():
    for height in range(1, 15):
        nodes = PackedNodes(leaf_hashes([b"x"] * 2**height))
        assert len(inclusion_proof(nodes, 2**height - 1, 2**height)) == height


def test_a_leaf_beyond_the_tree_has_no_proof():
    nodes = PackedNodes(leaf_hashes([b"a", b"b"]))
    with pytest.raises(Invalid):
        inclusion_proof(nodes, 2, 2)
    with pytest.raises(Invalid):
        root_from_inclusion(leaf_hash(b"a"), 2, 2, [])
    with pytest.raises(Invalid):
        consistency_proof(nodes, 2, 1)
    with pytest.raises(Invalid):
        check_consistency(2, b"", 1, b"", [])

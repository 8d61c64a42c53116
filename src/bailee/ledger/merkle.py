"""Merkle trees as in RFC 6962: hashes, roots and proofs over nodes that somebody else keeps; no storage here.

Hashes that stand in a row are packed: 32 bytes each, in one `bytes`. A node is named by (height, index) and
covers the leaves from index·2^height up to (index+1)·2^height.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Protocol

from bailee.core.errors import Invalid

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 2**TILE_HEIGHT
EMPTY_ROOT = sha256(b"").digest()


class Nodes(Protocol):
    """Gives the hashes of complete subtrees."""

    def node(self, height: int, index: int) -> bytes:
        """Give the hash of one complete subtree."""
        ...


def leaf_hash(body: bytes) -> bytes:
    """Hash a leaf. Source: RFC 6962 §2.1, MTH of one entry."""
    return sha256(b"\x00" + body).digest()


def leaf_hashes(bodies: Iterable[bytes]) -> bytes:
    """Hash leaves. Shape: n bodies → 32·n bytes, packed."""
    return b"".join([sha256(b"\x00" + body).digest() for body in bodies])


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into one. Source: RFC 6962 §2.1."""
    return sha256(b"\x01" + left + right).digest()


def parents(packed: bytes) -> bytes:
    """Hash neighbours in pairs; an odd last one has no parent yet. Shape: 32·n bytes → 32·⌊n/2⌋ bytes."""
    complete = len(packed) - len(packed) % (2 * HASH_BYTES)
    return b"".join([sha256(b"\x01" + packed[at : at + 64]).digest() for at in range(0, complete, 64)])


def hash_at(packed: bytes, index: int) -> bytes:
    """Take one hash out of a row."""
    return packed[index * HASH_BYTES : (index + 1) * HASH_BYTES]


def count_of(packed: bytes) -> int:
    """Count the hashes of a row."""
    return len(packed) // HASH_BYTES


class PackedNodes:
    """All complete nodes of one tree in memory. Cost: 64 bytes a leaf."""

    def __init__(self, leaves: bytes) -> None:
        self.levels = [leaves]
        while count_of(self.levels[-1]) > 1:
            self.levels.append(parents(self.levels[-1]))

    def node(self, height: int, index: int) -> bytes:
        """Give the hash of one complete subtree."""
        return hash_at(self.levels[height], index)


class TiledNodes:
    """Nodes computed from tiles: the store keeps every eighth level only, and gives it 256 hashes at a time.

    `fetch(level, start, count)` gives packed hashes of nodes of height 8·level. Source: C2SP tlog-tiles.
    """

    def __init__(self, fetch: Callable[[int, int, int], bytes]) -> None:
        self._fetch = fetch
        self._tiles: dict[tuple[int, int], PackedNodes] = {}

    def node(self, height: int, index: int) -> bytes:
        """Give the hash of one complete subtree. Cost: one fetch of at most 256 hashes, then kept."""
        level, inner = divmod(height, TILE_HEIGHT)
        per_tile = TILE_WIDTH >> inner
        tile = index // per_tile
        if (level, tile) not in self._tiles:
            self._tiles[level, tile] = PackedNodes(self._fetch(level, tile * TILE_WIDTH, TILE_WIDTH))
        return self._tiles[level, tile].node(inner, index % per_tile)


def range_root(nodes: Nodes, start: int, end: int) -> bytes:
    """Hash the leaves from start to end as one tree. Source: RFC 6962 §2.1, MTH(D[start:end]). Cost: O(log n)."""
    count = end - start
    if count == 0:
        return EMPTY_ROOT
    height = (count - 1).bit_length()
    if count == 1 << height:
        return nodes.node(height, start >> height)
    middle = start + _split(count)
    return node_hash(range_root(nodes, start, middle), range_root(nodes, middle, end))


def root_of(leaves: bytes) -> bytes:
    """Hash a whole tree from its packed leaf hashes. Cost: O(n)."""
    return range_root(PackedNodes(leaves), 0, count_of(leaves))


def inclusion_proof(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """Prove that a leaf is in the tree: its siblings from the bottom up.

    Raises: Invalid if the leaf is not in a tree of that size. Source: RFC 6962 §2.1.1. Cost: O(log n).
    """
    if not 0 <= index < size:
        raise Invalid("a proof of a leaf beyond the tree", remedy="Ask for a leaf before the checkpoint's size.")
    proof: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            proof.append(range_root(nodes, middle, end))
            end = middle
        else:
            proof.append(range_root(nodes, start, middle))
            start = middle
    return proof[::-1]


def consistency_proof(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """Prove that the tree of size `old` is the beginning of the tree of size `new`.

    Raises: Invalid if old is beyond new. Source: RFC 6962 §2.1.2. Cost: O(log n).
    """
    if not 0 <= old <= new:
        raise Invalid("a proof from a larger tree to a smaller one", remedy="Give the smaller size first.")
    if old in {0, new}:
        return []
    proof: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(range_root(nodes, middle, end))
            end = middle
        else:
            proof.append(range_root(nodes, start, middle))
            start, whole = middle, False
    if not whole:
        proof.append(range_root(nodes, start, end))
    return proof[::-1]


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Compute the root that a proof of inclusion leads to; compare it with a signed one of the same size.

    Raises: Invalid if the proof has another length than the size asks for. Source: RFC 9162 §2.1.3.2.
    """
    if not 0 <= index < size:
        raise Invalid("a proof of a leaf beyond the tree")
    rest = list(proof)
    node, last, current = index, size - 1, leaf
    while last:
        if node & 1 or node < last:
            if not rest:
                raise Invalid("a proof of inclusion that is too short")
            sibling = rest.pop(0)
            current = node_hash(sibling, current) if node & 1 else node_hash(current, sibling)
        node, last = node >> 1, last >> 1
    if rest:
        raise Invalid("a proof of inclusion that is too long")
    return current


def check_consistency(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check that a tree only grew. Raises: Invalid if it did not. Source: RFC 9162 §2.1.4.2."""
    if old > new or (old in {0, new} and proof):
        raise Invalid("a proof of consistency for other sizes")
    if old == 0:
        return
    if old == new:
        _same(old_root, new_root)
        return
    first, second = _consistent_roots(old, old_root, new, list(proof))
    _same(first, old_root)
    _same(second, new_root)


def _consistent_roots(old: int, old_root: bytes, new: int, rest: list[bytes]) -> tuple[bytes, bytes]:
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = _take(rest) if node else old_root
    while last:
        if node & 1:
            sibling = _take(rest)
            first, second = node_hash(sibling, first), node_hash(sibling, second)
        elif node < last:
            second = node_hash(second, _take(rest))
        node, last = node >> 1, last >> 1
    if rest:
        raise Invalid("a proof of consistency that is too long")
    return first, second


def _take(rest: list[bytes]) -> bytes:
    if not rest:
        raise Invalid("a proof of consistency that is too short")
    return rest.pop(0)


def _same(computed: bytes, signed: bytes) -> None:
    if computed != signed:
        raise Invalid("the trees are not consistent: history was changed")


def _split(count: int) -> int:
    """Give the largest power of two below count."""
    return int(1 << ((count - 1).bit_length() - 1))

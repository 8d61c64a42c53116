"""Which tiles a log of some size has, and their paths; reading and writing them is the stores' affair.

Source: c2sp.org/tlog-tiles.
"""

from __future__ import annotations

from collections.abc import Iterator

from bailee.ledger.merkle import TILE_WIDTH


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Give level, index and width of each tile of a tree, the partial ones last on their level.

    Example:
        >>> list(tiles_of(257))
        [(0, 0, 256), (0, 1, 1), (1, 0, 1)]

    """
    level, hashes = 0, size
    while hashes:
        full, partial = divmod(hashes, TILE_WIDTH)
        yield from ((level, index, TILE_WIDTH) for index in range(full))
        if partial:
            yield level, full, partial
        level, hashes = level + 1, full


def tile_path(level: int | str, index: int, width: int) -> str:
    """Name a tile's file. Shape: relative, forward slashes; level `entries` names bundles of leaves.

    Example:
        >>> tile_path(0, 1234067, 256)
        'tile/0/x001/x234/067'
        >>> tile_path(1, 0, 17)
        'tile/1/000.p/17'

    """
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    partial = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{'/'.join(groups)}{partial}"

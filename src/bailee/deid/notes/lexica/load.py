"""Reading the word lists: the compressed outside part and the hand-written text, as words with category masks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.errors import Invalid
from bailee.deid.notes.lexica.categories import Category, fold

HERE = Path(__file__).parent


class Words(NamedTuple):
    """Folded words, one after another, with what each may be. A word may stand more than once: OR its masks."""

    text: npt.NDArray[np.uint8]  # all words in UTF-8, joined by line ends
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    mask: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.start)

    def masks(self) -> dict[str, Category]:
        """Give every word's categories as a dictionary: for scripts and tests, too slow for start-up."""
        found: dict[str, Category] = {}
        whole = bytes(self.text)
        for start, end, mask in zip(self.start.tolist(), self.end.tolist(), self.mask.tolist(), strict=True):
            word = whole[start:end].decode()
            found[word] = found.get(word, Category.NONE) | Category(mask)
        return found


@cache
def words() -> Words:
    """Read all single words. Cost: some 20 ms, once a process."""
    return _joined(_packed("words"), _from_text(phrases=False))


@cache
def phrases() -> Words:
    """Read all entries of more than one word, or with marks inside (`san francisco`, `al-hassan`)."""
    return _joined(_packed("phrases"), _from_text(phrases=True))


def listed(category: Category) -> list[str]:
    """Give the words of one category from the hand-written lists, in their order."""
    return [word for name, word in _entries() if name is category]


def _decompressed(path: Path) -> npt.NDArray[np.uint8]:
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    return np.frombuffer(pa.Codec("zstd").decompress(content[8:], decompressed_size=size), np.uint8)


def _packed(name: str) -> Words:
    text = _decompressed(HERE / f"{name}.zst")
    coded = _decompressed(HERE / f"{name}.masks.zst")
    count = int(coded[:8].view(np.uint64)[0])
    kinds = coded[8 : 8 + 8 * count].view(np.uint64)
    ends = np.append(np.flatnonzero(text == ord("\n")), len(text)).astype(np.int64)
    starts = np.concatenate(([0], ends[:-1] + 1)).astype(np.int64)
    return Words(text, starts, ends, kinds[coded[8 + 8 * count :].view(np.uint16)])


def _entries() -> Iterator[tuple[Category, str]]:
    for path in sorted((HERE / "lists").glob("*.txt")):
        category = Category.NONE
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if heading := re.fullmatch(r"\[(\w+)\]", line.strip()):
                if heading[1] not in Category.__members__:
                    raise Invalid(f"no category {heading[1]}", where=f"{path.name}, line {number}")
                category = Category[heading[1]]
            elif line.strip() and not line.startswith("#"):
                yield from ((category, word) for word in map(fold, map(str.strip, line.split(","))) if word)


def _from_text(*, phrases: bool) -> Words:
    chosen = [(word.encode(), category.value) for category, word in _entries() if word.isalpha() is not phrases]
    lengths = np.array([len(word) for word, _ in chosen], np.int64)
    ends = np.cumsum(lengths + 1) - 1
    text = np.frombuffer(b"\n".join(word for word, _ in chosen), np.uint8)
    return Words(text, ends - lengths, ends, np.array([mask for _, mask in chosen], np.uint64))


def _joined(first: Words, second: Words) -> Words:
    shift = len(first.text) + 1
    return Words(
        np.concatenate((first.text, np.frombuffer(b"\n", np.uint8), second.text)),
        np.concatenate((first.start, second.start + shift)),
        np.concatenate((first.end, second.end + shift)),
        np.concatenate((first.mask, second.mask)),
    )

"""A site's OMOP vocabulary as a sorted lookup: code → source concept → standard concepts and their domain."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of, keyed_hashes
from bailee.records.omop.blocks import blocks

# One row for each standard concept that a code maps to, or one with 0 for a code without any; sorted by hash.
LOOKUP = pa.schema(
    [
        pa.field("hash", pa.uint64(), nullable=False),
        pa.field("key", pa.large_string(), nullable=False),  # vocabulary and code, with a tab between
        pa.field("source", pa.int32(), nullable=False),
        pa.field("standard", pa.int32(), nullable=False),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("value", pa.int32()),  # of a code that says question and answer: the answer
    ]
)
_PUBLIC_KEY = b"bailee/omop/code"


@dataclass(frozen=True, repr=False)
class Targets:
    """What codes map to. Shape: m rows; `at` numbers the code that each belongs to, ascending."""

    at: npt.NDArray[np.int64]
    source: pa.Array
    standard: pa.Array
    domain: pa.Array
    value: pa.Array


@dataclass(frozen=True, repr=False)
class Vocabulary:
    """What a site supplies, or nothing: then no code maps, and every concept is 0."""

    lookup: pa.Table = field(default_factory=LOOKUP.empty_table)
    version: str = "none"

    def find(self, keys: pa.Array) -> Targets:
        """Look codes up. Shape: string[n] → m targets; a code that is not known has none. Cost: n binary searches."""
        hashes = hash_keys(keys)
        sorted_hashes = _whole(self.lookup["hash"]).to_numpy()
        low, high = (np.searchsorted(sorted_hashes, hashes, side) for side in ("left", "right"))
        at = np.repeat(np.arange(len(keys)), high - low)
        rows = np.repeat(low - np.concatenate([[0], np.cumsum(high - low)[:-1]]), high - low) + np.arange(len(at))
        found = self.lookup.take(pa.array(rows.astype(np.int64)))
        same = pc.equal(_whole(found["key"]), keys.cast(pa.large_string()).take(pa.array(at)))
        found, at = found.filter(same), at[same.to_numpy(zero_copy_only=False)]
        return Targets(at, *(_whole(found[name]) for name in ("source", "standard", "domain", "value")))

    def standard(self, key: str) -> int:
        """Give the standard concept of one code, 0 if it is not known."""
        found = self.find(pa.array([key]))
        return int(found.standard[0].as_py()) if len(found.at) else 0


def hash_keys(keys: pa.Array) -> npt.NDArray[np.uint64]:
    """Hash codes as the lookup is sorted: with a key that is no secret. Shape: string[n] → uint64[n]."""
    return np.ascontiguousarray(keyed_hashes(*buffer_of(keys), _PUBLIC_KEY)[:, 0])


@cache
def _sections() -> dict[str, list[list[str]]]:
    return {head[0]: lines for head, lines in blocks("concepts.txt")}


@cache
def _constants(section: str) -> tuple[pa.Array, pa.Array]:
    pairs = [(word, int(line[0])) for line in _sections()[section] for word in line[1:]]
    words, concepts = zip(*pairs, strict=True)
    return pa.array(words, pa.string()), pa.array(concepts, pa.int32())


def constant(section: str, words: pa.Array) -> pa.Array:
    """Give the built-in concept of each word: "gender", "race", "visit", "unit". Shape: string[n] → int32[n].

    0 for a word that is not built in, null for none. Source: OHDSI Athena; docs/omop.md says how each was checked.
    """
    known, concepts = _constants(section)
    found = concepts.take(pc.index_in(words, value_set=known))
    return pc.if_else(words.is_valid(), pc.fill_null(found, 0), None)


@cache
def _systems() -> tuple[pa.Array, pa.Array]:
    pairs = [(url, line[0]) for line in _sections()["vocabulary"] for url in line[1:]]
    urls, names = zip(*pairs, strict=True)
    return pa.array(urls, pa.string()), pa.array(names, pa.string())


def vocabulary_names() -> frozenset[str]:
    """Give the CDM's names of the code systems that FHIR records can name, and of the one of its own versions."""
    return frozenset(_systems()[1].to_pylist()) | {"CDM"}


def keys_of(systems: pa.Array, codes: pa.Array) -> pa.Array:
    """Name codes as the CDM does. Shape: string[n], string[n] → string[n]; null where the system has no vocabulary."""
    urls, names = _systems()
    vocabulary = names.take(pc.index_in(systems, value_set=urls))
    plain = pc.if_else(pc.fill_null(pc.equal(vocabulary, "NDC"), fill_value=False), _eleven_digits(codes), codes)
    return pc.binary_join_element_wise(vocabulary, plain, "\t")


def _eleven_digits(codes: pa.Array) -> pa.Array:
    """Write a hyphenated NDC of ten digits as the CDM's eleven: the short part gets a zero."""
    for pattern, written in (
        (r"^(\d{4})-(\d{4})-(\d{2})$", r"0\1\2\3"),
        (r"^(\d{5})-(\d{3})-(\d{2})$", r"\10\2\3"),  # RE2 takes one digit: the first group, then a zero
        (r"^(\d{5})-(\d{4})-(\d)$", r"\1\20\3"),
        (r"^(\d{5})-(\d{4})-(\d{2})$", r"\1\2\3"),
    ):
        codes = pc.replace_substring_regex(codes, pattern, written)
    return codes


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

"""From the codes that a record states to the concepts that the CDM wants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.omop.elements import Codings
from bailee.records.omop.vocabulary import Targets, Vocabulary, constant, keys_of

Rows = npt.NDArray[np.int64]
_STANDARD, _KNOWN, _NAMED, _OTHER = range(4)


@dataclass(frozen=True, repr=False)
class Coded:
    """The one code that each of n rows is taken by, and the concepts that it maps to.

    Shape: `code` string[n], null for a row without one; `source` int32[n]. Then m concepts, one or more a row:
    `row` int64[m] ascending, `rank` counts within a row, `concept` int32[m] (0: not mapped), `domain` string[m],
    null where not mapped, `value` int32[m].
    """

    code: pa.Array
    source: pa.Array
    row: Rows
    rank: Rows
    concept: pa.Array
    domain: pa.Array
    value: pa.Array

    @property
    def first(self) -> pa.Array:
        """Give each row's first concept: 0 where its code does not map, null where it has no code."""
        return pc.if_else(self.code.is_valid(), self.concept.filter(pa.array(self.rank == 0)), None)


def coded(codings: Codings, count: int, vocabulary: Vocabulary) -> Coded:
    """Choose among each row's codes: the first that maps to a standard concept, else the first that is known.

    Shape: codes of `count` rows → Coded of `count` rows.
    """
    keys = keys_of(codings.system, codings.code).dictionary_encode()
    targets = vocabulary.find(keys.dictionary)
    key = pc.fill_null(keys.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
    order = np.lexsort((np.arange(len(key)), _scores(key, len(keys.dictionary), targets), codings.row))
    rows, first = np.unique(codings.row[order], return_index=True)
    chosen = np.full(count, -1, np.int64)
    chosen[rows] = order[first]
    code = codings.code.take(pa.array(chosen, mask=chosen < 0))
    return _expanded(code, np.append(key, -1)[chosen], targets)


def _scores(key: Rows, distinct: int, targets: Targets) -> Rows:
    scores = np.full(distinct + 1, _NAMED)
    scores[targets.at] = _KNOWN
    scores[targets.at[targets.standard.to_numpy(zero_copy_only=False) > 0]] = _STANDARD
    scores[-1] = _OTHER  # the place of a code whose system the CDM does not know
    return scores[key]


def _expanded(code: pa.Array, key: Rows, targets: Targets) -> Coded:
    """Repeat each row by its code's targets; a row without any stays once."""
    low, high = (np.searchsorted(targets.at, key, side) for side in ("left", "right"))
    sizes = np.maximum(high - low, 1)
    row = np.repeat(np.arange(len(key)), sizes)
    rank = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    at = pa.array(low[row] + rank, mask=(high == low)[row])
    source = pc.fill_null(targets.source.take(pa.array(low, mask=high == low)), 0)
    concept = pc.fill_null(targets.standard.take(at), 0)
    domain = pc.if_else(pc.greater(concept, 0), targets.domain.take(at), None)
    return Coded(code, source, row, rank, concept, domain, targets.value.take(at))


def units(texts: pa.Array, vocabulary: Vocabulary) -> tuple[pa.Array, pa.Array]:
    """Give units' concepts and source concepts: 0 for one that is not known, null for none.

    Shape: string[n] → int32[n], int32[n].
    """
    encoded = texts.dictionary_encode()
    known = encoded.dictionary
    rows = np.arange(len(known))
    system = pa.array(["http://unitsofmeasure.org"] * len(known), pa.string())
    found = coded(Codings(rows, system, known), len(known), vocabulary)
    built_in = constant("unit", known)
    concept, source = (
        pc.if_else(pc.equal(each, 0), built_in, each).take(encoded.indices) for each in (found.first, found.source)
    )
    return concept, source

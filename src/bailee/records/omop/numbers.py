"""Numbers of FHIR's JSON in the CDM's columns."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_FLOAT = r"^-?\d{1,300}(\.\d+)?([eE][+-]?\d{1,2})?$"
_WHOLE = r"^\d{1,9}(\.0+)?$"


def floats(texts: pa.Array) -> pa.Array:
    """Read numbers. Shape: string[n] → double[n]; null for what is none."""
    return pc.if_else(pc.match_substring_regex(texts, _FLOAT), texts, None).cast(pa.float64())


def whole(texts: pa.Array) -> pa.Array:
    """Read whole numbers, zero or more. Shape: string[n] → int32[n]; null for others: half a tablet is no count."""
    return floats(pc.if_else(pc.match_substring_regex(texts, _WHOLE), texts, None)).cast(pa.int32())


def days(texts: pa.Array, units: pa.Array) -> pa.Array:
    """Read spans as whole days. Shape: string[n], string[n] → int32[n]; null where the unit is neither day nor week."""
    factor = pc.if_else(pc.equal(units, "d"), 1, pc.if_else(pc.equal(units, "wk"), 7, None))
    return pc.multiply(whole(texts).cast(pa.int64()), factor.cast(pa.int64())).cast(pa.int32())

"""FHIR's dates in the CDM's two columns: a day, which it demands, and a moment, only where one was released."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

# An instant of which only the year was released is written like this, since FHIR knows no shorter one.
_YEAR_ONLY = "-01-01T00:00:00Z"
_SHAPE = r"^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2})?.*)?)?)?$"


def days(texts: pa.Array) -> pa.Array:
    """Read the day. Shape: string[n] → date32[n]; a year is its first of January, a month its first day.

    Null for what is no date.
    """
    shaped = pc.if_else(pc.match_substring_regex(texts, _SHAPE), texts, None)
    size = pc.utf8_length(shaped)
    ending = pc.if_else(pc.equal(size, 4), "-01-01", pc.if_else(pc.equal(size, 7), "-01", ""))
    whole = pc.binary_join_element_wise(pc.utf8_slice_codeunits(shaped, 0, 10), ending, "")
    read = pc.strptime(whole, format="%Y-%m-%d", unit="s", error_is_null=True).cast(pa.date32())
    said = pc.utf8_slice_codeunits(whole, 8, 10).cast(pa.int64())  # 30 February is read as a day of March
    return pc.if_else(pc.equal(pc.day(read), said), read, None)


def moments(texts: pa.Array) -> pa.Array:
    """Read the moment as it stood on the wall. Shape: string[n] → timestamp[us, UTC][n]; null where no time is known.

    The CDM has no time zones: the mark UTC is the file format's, the hour is the hospital's.
    """
    known = pc.and_(pc.match_substring_regex(texts, r"T\d{2}:\d{2}:\d{2}"), pc.invert(pc.ends_with(texts, _YEAR_ONLY)))
    chosen = pc.if_else(known, pc.utf8_slice_codeunits(texts, 0, 19), None)
    read = pc.strptime(chosen, format="%Y-%m-%dT%H:%M:%S", unit="us", error_is_null=True)
    return read.cast(pa.timestamp("us")).cast(pa.timestamp("us", tz="UTC"))

"""Comparing found values with what a search asks for, a column at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.errors import UserError
from bailee.records.masks import Mask, truth

Matcher = Callable[[pa.Array, pa.Array, str], Mask]
_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le)?(.+)")
_LAST = "9999-12-31T23:59:59"
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?)?)?)?")


def matcher_of(kind: str, modifier: str, values: tuple[str, ...]) -> Matcher:
    """Make the test of one parameter. Raises: UserError for a value or a kind that is not understood.

    Shape of the test: values, systems (or units, or ends), R4 type → bool[n].
    """
    if modifier == "missing":
        return lambda found, _beside, _type: np.ones(len(found), np.bool_)
    makers: dict[str, Callable[[str, str], Matcher]] = {
        "token": _token,
        "string": _string,
        "reference": _reference,
        "uri": _token,
        "date": _date,
        "number": _number,
        "quantity": _number,
    }
    if kind not in makers:
        raise UserError(f"a search by {kind} is not supported", remedy="Define the cohort by SQL.")
    tests = [makers[kind](value, modifier) for value in values]
    return lambda found, beside, of: reduce(np.logical_or, (test(found, beside, of) for test in tests))


def _token(value: str, _modifier: str) -> Matcher:
    system, bar, code = value.rpartition("|")

    def test(found: pa.Array, beside: pa.Array, _type: str) -> Mask:
        hits = truth(pc.equal(found, code)) if code else np.ones(len(found), np.bool_)
        if not bar:
            return hits
        return hits & (truth(pc.equal(beside, system)) if system else truth(beside.is_null()))

    return test


def _string(value: str, modifier: str) -> Matcher:
    if modifier == "exact":
        return lambda found, _beside, _type: truth(pc.equal(found, value))
    wanted = value.lower()
    compare = pc.match_substring if modifier == "contains" else pc.starts_with
    return lambda found, _beside, _type: truth(compare(pc.utf8_lower(found), wanted))


def _reference(value: str, _modifier: str) -> Matcher:
    ending = value if "/" in value else f"/{value}"
    return lambda found, _beside, _type: truth(pc.or_(pc.equal(found, value), pc.ends_with(found, ending)))


def _date(value: str, _modifier: str) -> Matcher:
    match = _PREFIXED.fullmatch(value)
    if match is None or not _DATE.match(match[2]):
        raise UserError("a date that cannot be read in a search", remedy="Write it like ge2020-01-01.")
    sign, low = match[1] or "eq", match[2][:19]
    high = low + _LAST[len(low) :]

    def test(found: pa.Array, beside: pa.Array, of: str) -> Mask:
        # A partial date means all of its days; zones are left out of account, as the day is what a cohort turns on.
        start = pc.utf8_slice_codeunits(found, 0, 19)
        end = _end_of_day(pc.fill_null(beside, _LAST) if of == "Period" else found)
        inside = truth(pc.and_(pc.greater_equal(start, low), pc.less_equal(end, high)))
        return {
            "eq": inside,
            "ne": ~inside,
            "gt": truth(pc.greater(end, high)),
            "lt": truth(pc.less(start, low)),
            "ge": inside | truth(pc.greater(end, high)),
            "le": inside | truth(pc.less(start, low)),
        }[sign]

    return test


def _end_of_day(dates: pa.Array) -> pa.Array:
    """Fill a partial date up to its last second."""
    cut = pc.utf8_slice_codeunits(dates, 0, 19)
    whole = cut
    for length in (4, 7, 10, 16):
        partial = pc.equal(pc.utf8_length(cut), length)
        whole = pc.if_else(partial, pc.binary_join_element_wise(cut, _LAST[length:], ""), whole)
    return whole


def _number(value: str, _modifier: str) -> Matcher:
    text, *unit = value.split("|")
    match = _PREFIXED.fullmatch(text)
    try:
        wanted = float(match[2]) if match else float("nan")
    except ValueError:
        raise UserError("a number that cannot be read in a search", remedy="Write it like gt5.4.") from None
    sign = (match[1] if match else None) or "eq"
    digits = len(text.rpartition(".")[2]) if "." in text else 0
    slack = 0.5 * 10.0**-digits  # FHIR: a number means all that round to it

    def test(found: pa.Array, beside: pa.Array, _type: str) -> Mask:
        numeric = pc.match_substring_regex(found, r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$")
        numbers = pc.if_else(numeric, found, None).cast(pa.float64()).to_numpy(zero_copy_only=False)
        hits = {
            "eq": np.abs(numbers - wanted) < slack,
            "ne": np.abs(numbers - wanted) >= slack,
            "gt": numbers > wanted,
            "lt": numbers < wanted,
            "ge": numbers >= wanted,
            "le": numbers <= wanted,
        }[sign]
        return hits & truth(pc.equal(beside, unit[-1])) if unit and unit[-1] else np.asarray(hits, np.bool_)

    return test

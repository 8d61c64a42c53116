"""Dates and times of any precision, compared as the CQL rules say: unknown where the precision does not decide."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

_DATE = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_TIME = re.compile(r"(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:\d\d)?", re.ASCII)


@dataclass(frozen=True)
class Moment:
    """A date, dateTime or time. `fields`: year, month, day, hour, minute, second, as far as known, in UTC."""

    kind: str  # "date", "dateTime", "time"
    text: str
    fields: tuple[Decimal, ...]

    def __str__(self) -> str:
        return self.text


def moment_from_literal(text: str) -> Moment | None:
    """Read @2020-01-01T10:00:00Z, @2020, @T10:00. None if there is no such moment."""
    body = text.removeprefix("@")
    if body.startswith("T"):
        return moment_from_text(body[1:], "time")
    return moment_from_text(body.removesuffix("T"), "dateTime" if "T" in body else "date")


def moment_from_text(text: str, kind: str) -> Moment | None:
    """Read a FHIR date, dateTime, instant or time. None if it is not one."""
    if kind == "time":
        fields = _clock_fields(text)
        return None if fields is None or fields[1] else Moment("time", text, fields[0])
    day, separator, clock = text.partition("T")
    found = _DATE.fullmatch(day)
    if found is None or (separator and found[3] is None):
        return None
    calendar = tuple(Decimal(part) for part in found.groups() if part is not None)
    if not separator:
        return Moment("date" if kind == "date" else "dateTime", text, calendar) if _exists(calendar) else None
    rest = _clock_fields(clock)
    if rest is None or not _exists(calendar):
        return None
    return Moment("dateTime", text, _in_utc(calendar + rest[0], rest[1]))


def order(left: Moment, right: Moment) -> int | None:
    """Compare: -1, 0, 1, or None where the common fields are equal and one has more."""
    for mine, other in zip(left.fields, right.fields, strict=False):
        if mine != other:
            return -1 if mine < other else 1
    return 0 if len(left.fields) == len(right.fields) else None


def comparable(left: Moment, right: Moment) -> bool:
    """Tell whether both are times of day, or neither is."""
    return (left.kind == "time") == (right.kind == "time")


def _exists(calendar: tuple[Decimal, ...]) -> bool:
    year, month, day = (*(int(part) for part in calendar), 1, 1)[:3]
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def _clock_fields(text: str) -> tuple[tuple[Decimal, ...], str] | None:
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    fields = tuple(Decimal(part) for part in found.groups()[:3] if part is not None)
    limits = (24, 60, 61)
    if any(part >= limit for part, limit in zip(fields, limits, strict=False)):
        return None
    return fields, found[4] or ""


def _in_utc(fields: tuple[Decimal, ...], zone: str) -> tuple[Decimal, ...]:
    """Move to UTC; without a zone the clock is taken for UTC's."""
    if zone in {"", "Z"}:
        return fields
    minutes = (int(zone[1:3]) * 60 + int(zone[4:6])) * (-1 if zone[0] == "+" else 1)
    whole = [int(part) for part in fields[:5]]
    try:
        moved = datetime(*whole) + timedelta(minutes=minutes)  # type: ignore[arg-type]  # noqa: DTZ001
    except OverflowError:
        return fields
    shifted = (moved.year, moved.month, moved.day, moved.hour, moved.minute)
    return tuple(Decimal(part) for part in shifted[: len(fields)]) + fields[5:]

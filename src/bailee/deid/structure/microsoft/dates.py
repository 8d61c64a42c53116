"""Partial dates, ages of more than 89, and date shifts, by the anonymizer's rules."""

from __future__ import annotations

import hmac
import re
from datetime import date, timedelta

_YEAR = r"([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_DAY = r"(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1])"
_CLOCK = r"(T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?(Z|[+-]((0[0-9]|1[0-3]):[0-5][0-9]|14:00)))?"
_DATE = re.compile(_YEAR + _DAY + ")?)?")
_DATE_TIME = re.compile(_YEAR + _DAY + _CLOCK + ")?)?")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?")
OLDEST_AGE = 89
RANGE_DAYS = 50


def year_or_nothing(text: str, today: date) -> str | None:
    """Keep a date's year, or nothing where that date is more than 89 years ago, or is no date."""
    found = _DATE.search(text)
    return None if found is None or _too_old(found, today) else found[1]


def shifted(text: str, days: int, today: date, *, has_time: bool) -> str | None:
    """Move a date; its time becomes zeros, its zone stays. None if it lacks a day or is more than 89 years ago."""
    found = (_DATE_TIME if has_time else _DATE).search(text)
    if found is None or found[7] is None or _too_old(found, today):
        return None
    try:
        moved = date(int(found[1]), int(found[5]), int(found[7])) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    clock = (found[8] or "") if has_time else ""
    return moved.isoformat() + _TIME.sub(lambda time: re.sub(r"\d", "0", time[0]), clock, count=1)


def linear_offset(prefix: str, key: str) -> int:
    """Give the tool's own offset: one known date gives away the key. Units: days, -50 to 50."""
    offset = 0
    for byte in (prefix + key).encode():
        offset = (offset * 131 + byte) % (2 * RANGE_DAYS + 1)
    return offset - RANGE_DAYS


def keyed_offset(whose: str, key: str) -> int:
    """Give an offset by HMAC-SHA-256, the same in all resources of one patient. Units: days, -50 to 50 without 0."""
    drawn = int.from_bytes(hmac.digest(key.encode(), whose.encode(), "sha256")[:8], "big") % (2 * RANGE_DAYS)
    return drawn - RANGE_DAYS if drawn < RANGE_DAYS else drawn - RANGE_DAYS + 1


def _too_old(found: re.Match[str], today: date) -> bool:
    month, day = int(found[5] or 1), int(found[7] or 1)
    before_birthday = (today.month, today.day) < (month, day)
    return today.year - int(found[1]) - before_birthday > OLDEST_AGE

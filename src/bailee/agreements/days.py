"""Days and months as an agreement counts them: UTC, and the first instant of a day."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from bailee.core.grants import Window

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)


def first_ms(day: date) -> int:
    """Give a day's first instant. Units: milliseconds since the epoch, UTC."""
    return (day - _EPOCH).days * DAY_MS


def window(begins: date, ends: date) -> Window:
    """Give the time from one day's first instant to another's, which is outside."""
    return Window(first_ms(begins), first_ms(ends))


def add_months(day: date, months: int) -> date:
    """Move a day on by calendar months; a day that the month lacks becomes its last.

    Example:
        >>> add_months(date(2027, 1, 31), 1)
        datetime.date(2027, 2, 28)

    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))

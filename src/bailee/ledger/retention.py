"""How long what is kept, and when it may be erased; arithmetic of calendars only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

KEEP_YEARS = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def keep_until_ms(at_ms: int) -> int:
    """Give the first instant at which a record made at `at_ms` may be erased.

    Units: milliseconds since the epoch. Source: 45 CFR 164.316(b)(2)(i), 164.530(j)(2): six years from creation;
    a record of 29 February is kept until 1 March.
    """
    return at_ms + _ms(years_later(moment_of(at_ms), KEEP_YEARS) - moment_of(at_ms))


def accounting_from_ms(asked_ms: int) -> int:
    """Give the earliest instant that an accounting asked for at `asked_ms` covers. Source: 164.528(a)(1)."""
    return asked_ms - _ms(moment_of(asked_ms) - years_later(moment_of(asked_ms), -KEEP_YEARS))


def days_later_ms(at_ms: int, days: int) -> int:
    """Give the same time some calendar days later. Units: whole days."""
    return at_ms + _ms(timedelta(days=days))


def years_later(moment: datetime, years: int) -> datetime:
    """Give the same date and time some years later; 29 February becomes 1 March where there is none."""
    try:
        return moment.replace(year=moment.year + years)
    except ValueError:
        return moment.replace(year=moment.year + years, month=3, day=1)


def moment_of(at_ms: int) -> datetime:
    """Give a time as a datetime in UTC, exact to the millisecond."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)

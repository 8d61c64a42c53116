"""FHIR dates as stretches of milliseconds: a date without a time is its whole day, a year its whole year. UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_FORM = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?)?)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stretch(text: str) -> tuple[int, int]:
    """Give the first moment of a FHIR date, dateTime or instant, and the first after it. Raises: ValueError.

    Example:
        >>> stretch("1970-01-02")
        (86400000, 172800000)

    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not a FHIR date")
    year, month, day, clock, zone = found.groups()
    if clock:
        begins = datetime.fromisoformat(f"{year}-{month}-{day}T{clock}{zone or '+00:00'}")
        return _ms(begins), _ms(begins) + (60_000 if clock.count(":") == 1 else 1_000 if "." not in clock else 1)
    begins = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    if day:
        return _ms(begins), _ms(begins + timedelta(days=1))
    months = int(year) * 12 + (int(month) if month else 12)
    ends_year, ends_month = divmod(months, 12)
    return _ms(begins), _ms(datetime(ends_year, ends_month + 1, 1, tzinfo=UTC))


def _ms(moment: datetime) -> int:
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000

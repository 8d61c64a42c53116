"""Dates and times as HL7 v2 and v3 write them: YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ]."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Final

_MOMENT: Final = re.compile(
    r"((?:18|19|20|21)\d\d)(?:(0[1-9]|1[0-2])(?:(0[1-9]|[12]\d|3[01])(?:([01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d(?:\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?",
    re.ASCII,
)
_TIME: Final = re.compile(r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d(?:\.\d{1,4})?)?)?(?:[+-]\d{4})?", re.ASCII)


def is_moment(text: str) -> bool:
    """Tell whether a text is a date, with or without a time."""
    return _MOMENT.fullmatch(text) is not None


def is_time(text: str) -> bool:
    """Tell whether a text is a time of day."""
    return _TIME.fullmatch(text) is not None


def year(text: str) -> str | None:
    """Give the year of a moment. Source: 45 CFR 164.514(b)(2)(i)(C)."""
    found = _MOMENT.fullmatch(text)
    return found[1] if found else None


def birth_year(text: str, *, ninety: bool) -> str | None:
    """Give the year of birth, unless it tells that the patient is 90 or more."""
    return None if ninety else year(text)


def shifted(text: str, days: int) -> str | None:
    """Move a moment's date; a partial date moves as its first day. Time of day, zone and precision stay.

    Units: whole days. Example:
        >>> shifted("202001312359-0500", 1), shifted("202002", -1), shifted("seen", 1)
        ('202002012359-0500', '202001', None)

    """
    found = _MOMENT.fullmatch(text)
    if not found:
        return None
    given = found[1] + (found[2] or "") + (found[3] or "")
    try:
        moved = date(int(found[1]), int(found[2] or 1), int(found[3] or 1)) + timedelta(days=days)
    except ValueError:
        return None
    return f"{moved:%Y%m%d}"[: len(given)] + text[len(given) :]

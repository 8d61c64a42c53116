"""Time as a parameter: milliseconds since 1970-01-01T00:00Z; no room reads the machine's clock itself."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now_ms(self) -> int:
        """Tell the time. Units: milliseconds since the epoch, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        """Tell the machine's time. Units: milliseconds since the epoch, UTC."""
        return time.time_ns() // 1_000_000


@dataclass
class FixedClock:
    """A clock that stands until it is moved; for tests and for replaying a decision."""

    at_ms: int

    def now_ms(self) -> int:
        """Tell the set time. Units: milliseconds since the epoch, UTC."""
        return self.at_ms

    def advance(self, by_ms: int) -> None:
        """Move the clock on. Units: milliseconds."""
        self.at_ms += by_ms


def iso_from_ms(at_ms: int) -> str:
    """Write a time as RFC 3339 in UTC with milliseconds.

    Example:
        >>> iso_from_ms(0)
        '1970-01-01T00:00:00.000Z'

    """
    moment = datetime.fromtimestamp(at_ms // 1000, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def ms_from_iso(text: str) -> int:
    """Read an RFC 3339 time or a plain date (its first instant, UTC). Raises: ValueError if it is neither."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1000 + delta.microseconds // 1000

"""What became of each released record: the table that it is in, or the reason why it is in none."""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
# Why a record makes no row. docs/omop.md says each in words.
REASONS = frozenset(
    {
        "no-table",
        "no-person",
        "no-birth-year",
        "no-code",
        "no-date",
        "no-visit",
        "no-text",
        "entered-in-error",
        "refuted",
        "not-done",
        "planned",
        "in-another-row",
    }
)


class Fates:
    """The fates of n records of one type. A record lands once, or is left out once: the first word stays."""

    def __init__(self, count: int) -> None:
        self._stopped = np.full(count, "", object)
        self._lacking = np.full(count, "", object)
        self._landed = np.full(count, "", object)

    @property
    def going(self) -> Mask:
        """Tell which records may still make rows: they may make many."""
        return np.asarray(self._stopped == "", np.bool_)

    @property
    def landed(self) -> Mask:
        """Tell which records are in a table."""
        return np.asarray(self._landed != "", np.bool_)

    def stop(self, mask: Mask, reason: str) -> None:
        """Leave records out."""
        assert reason in REASONS
        self._stopped[mask & self.going & ~self.landed] = reason

    def lacks(self, records: Rows, reason: str) -> None:
        """Note why a row of these records cannot be made; another row of theirs may be."""
        assert reason in REASONS
        fresh = records[self._lacking[records] == ""]
        self._lacking[fresh] = reason

    def land(self, records: Rows, table: str) -> None:
        """Note that a table has rows of these records."""
        self._landed[records[self._landed[records] == ""]] = table

    def counts(self) -> Counter[str]:
        """Count records by table or reason; the sum is n. One that nothing was said of has no code."""
        left = np.where(self._stopped != "", self._stopped, np.where(self._lacking != "", self._lacking, "no-code"))
        return Counter(np.where(self.landed, self._landed, left).tolist())

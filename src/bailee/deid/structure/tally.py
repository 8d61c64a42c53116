"""What a profile did to a batch: counts per rule, names that no rule knows, records that do not leave and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from bailee.records.walk import sentence


class Status(IntEnum):
    """Whether a record leaves. Numbers are shared with `kernels/rewrite.h` and never reused."""

    OK = 0
    MALFORMED = 1  # not strict JSON
    TYPE = 2  # a resource type that the profile does not release, or none
    MODIFIER = 3  # a modifier extension that the profile does not know: it may turn the meaning around


@dataclass(frozen=True, order=True)
class Dropped:
    """Members without a rule. `key` is "?" for a name that is not FHIR's: it might identify somebody."""

    type: str
    node: str  # "Patient.contact", "HumanName"
    key: str


@dataclass(frozen=True, order=True)
class Refusal:
    """Why records were refused. `detail`: what is wrong with the JSON, the rule's path, or the resource type."""

    status: Status
    type: str
    detail: str

    def __str__(self) -> str:
        reason = {
            Status.MALFORMED: f"the record {self.detail}",
            Status.TYPE: f"the profile does not release {self.type}",
            Status.MODIFIER: f"an unknown modifier extension at {self.detail}",
        }
        return reason[self.status]


@dataclass(frozen=True)
class Tally:
    """Counts that add up over batches.

    Shape: `rules` int64[rules, 3]: values kept, changed, removed by each of the plan's rules. `statuses` has one
    Status a record of the batch (of all batches in order, where tallies were added).
    """

    rules: npt.NDArray[np.int64]
    dropped: Counter[Dropped] = field(default_factory=Counter)
    refused: Counter[Refusal] = field(default_factory=Counter)
    statuses: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))

    @property
    def records(self) -> int:
        """Give the number of records that came in."""
        return len(self.statuses)

    def __add__(self, other: Tally) -> Tally:
        statuses = np.concatenate([self.statuses, other.statuses])
        return Tally(self.rules + other.rules, self.dropped + other.dropped, self.refused + other.refused, statuses)


def total(tallies: Iterable[Tally]) -> Tally:
    """Add tallies of one plan. Raises: ValueError if there is none."""
    first, *rest = tallies
    for tally in rest:
        first += tally
    return first


def malformed(code: int) -> Refusal:
    """Describe a record that is not strict JSON."""
    return Refusal(Status.MALFORMED, "?", sentence(code))

"""What one part of a release counted; it names no patient, adds up over parts, and is what a task returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec


class PartSummary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Counts of one part. `rules` are by number in the plan; `found` by label, `finders` by name."""

    partition: str
    size_bytes: int = 0
    patients_taken: int = 0
    patients_left: int = 0
    taken: Mapping[str, int] = {}
    left: Mapping[str, int] = {}
    refused: Mapping[str, int] = {}
    refused_patients: Mapping[str, int] = {}
    rules: Mapping[str, int] = {}
    unknown: Mapping[str, int] = {}
    notes_taken: int = 0
    notes_left: int = 0
    withheld: Mapping[str, int] = {}  # reason → texts that could not leave
    in_elements: int = 0  # identifiers replaced in texts that are not notes
    found: Mapping[str, int] = {}
    finders: Mapping[str, int] = {}
    agreeing: Mapping[str, int] = {}  # bit mask of finders → identifiers found by just these


_SUMS = tuple(
    field.name for field in msgspec.structs.fields(PartSummary) if field.name != "partition" and field.type is int
)
_COUNTS = tuple(field.name for field in msgspec.structs.fields(PartSummary) if field.name not in {*_SUMS, "partition"})


def add_up(parts: Iterable[PartSummary]) -> PartSummary:
    """Add the counts of all parts."""
    sums: Counter[str] = Counter()
    counts: dict[str, Counter[str]] = {name: Counter() for name in _COUNTS}
    for part in parts:
        sums.update({name: getattr(part, name) for name in _SUMS})
        for name in _COUNTS:
            counts[name].update(getattr(part, name))
    ordered = {name: dict(sorted(count.items())) for name, count in counts.items()}
    return msgspec.convert({"partition": "all"} | {name: sums[name] for name in _SUMS} | ordered, PartSummary)

"""How far an element of a released Patient can be coarsened and stay FHIR: shorter dates, shorter ZIP codes, or nothing.

A band of years is written as its first year, 1985 for 1985-1989, since FHIR has no other way to say it; the manifest of a
release says which elements stand for bands. Every step is a function of the step before it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.errors import UserError
from bailee.deid.risk.extract import JOINT
from bailee.deid.risk.hierarchies import Hierarchy, hierarchy
from bailee.records import r4

AS_IT_IS, REMOVED = "as it is", "removed"
_DATE = re.compile(r"[12]\d{3}(-\d\d(-\d\d(T.*)?)?)?", re.ASCII)
_CUTS = {"day": 10, "month": 7, "year": 4}
_BANDS = {"bands of 5 years": 5, "bands of 10 years": 10, "bands of 20 years": 20}
_PREFIXES = {f"first {count} characters": count for count in (5, 4, 3, 2)} | {"first character": 1}
_WHOLE = frozenset({"Extension", "CodeableConcept", "Coding", "Identifier"})  # a part of one tells what the rest tells
_SCALES = {
    "date": (AS_IT_IS, "month", "year", *_BANDS, REMOVED),
    "dateTime": (AS_IT_IS, *_CUTS, *_BANDS, REMOVED),
    "postalCode": (AS_IT_IS, *_PREFIXES, REMOVED),
}


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """The steps of one element, in words, from the finest."""

    column: str
    levels: tuple[str, ...]

    def coarsened(self, value: str, level: int) -> str:
        """Give one value at a level, "" where nothing of it stays."""
        step = self.levels[level]
        if step == AS_IT_IS:
            return value
        if step in _PREFIXES:
            return value[: _PREFIXES[step]]
        if step == REMOVED or not _DATE.fullmatch(value):
            return ""
        if step in _CUTS:
            return value[: _CUTS[step]]
        return f"{int(value[:4]) // _BANDS[step] * _BANDS[step]:04d}"

    def joint(self, values: str, level: int) -> str:
        """Give a patient's several values at a level, as `quasi_table` would read them."""
        parts = {self.coarsened(value, level) for value in values.split(JOINT)} - {""}
        return JOINT.join(sorted(parts))

    def column_at(self, values: pa.Array, level: int) -> pa.Array:
        """Give a column of patients' values at a level. Shape: string[n] → string[n], "" for none."""
        encoded = pc.dictionary_encode(pc.fill_null(values.cast(pa.string()), ""))
        words = [self.joint(value, level) for value in encoded.dictionary.to_pylist()]
        return pa.array(words, pa.string()).take(encoded.indices)

    def hierarchy(self, values: pa.Array) -> Hierarchy:
        """Give the steps of every value of a column."""
        distinct = pc.unique(pc.fill_null(values.cast(pa.string()), "")).to_pylist()
        return hierarchy(
            self.column, ([self.joint(value, level) for level in range(len(self.levels))] for value in sorted(distinct))
        )

    def up_to(self, level: int) -> Scale:
        """Give the scale without what is coarser than a level."""
        return Scale(column=self.column, levels=self.levels[: level + 1])


def scale_of(column: str) -> Scale:
    """Give the scale of a Patient's element. Raises: UserError if it is no path of Patient."""
    try:
        elements = r4.elements_at(column)
    except KeyError:
        elements = ()
    if not elements or not column.startswith("Patient."):
        raise UserError(f"{column} is no element of Patient", remedy="Name elements like Patient.birthDate.")
    last = elements[-1]
    steps = _SCALES.get(last.name if last.name == "postalCode" else last.type, (AS_IT_IS, REMOVED))
    return Scale(column=column, levels=steps)


def coarsen_patient(document: dict[str, Any], levels: Sequence[tuple[Scale, int]]) -> dict[str, Any]:
    """Write a Patient at its levels, in place. A code that goes takes its display and its extension with it."""
    for scale, level in levels:
        _coarsen(document, "Patient", r4.elements_at(scale.column), scale, level)
    return document


def _coarsen(node: dict[str, Any], owner: str, steps: Sequence[r4.Element], scale: Scale, level: int) -> bool:
    """Coarsen what lies below an object; tell whether the object itself must go."""
    step, rest = steps[0], steps[1:]
    held = node.get(step.name)
    if held is None:
        return False
    items = held if isinstance(held, list) else [held]
    kept = [item for item in (_item(item, step.type, rest, scale, level) for item in items) if item is not None]
    gone = len(kept) < len(items)
    if kept:
        node[step.name] = kept if isinstance(held, list) else kept[0]
    else:
        del node[step.name]
    if gone or not rest:
        node.pop(f"_{step.name}", None)
    return (gone and owner in _WHOLE) or (not kept and step.required) or not node


def _item(item: Any, kind: str, rest: Sequence[r4.Element], scale: Scale, level: int) -> Any:
    if not rest:
        return scale.coarsened(item if isinstance(item, str) else str(item), level) or None
    if not isinstance(item, dict) or _coarsen(item, kind, rest, scale, level):
        return None
    return item


def levels_from_words(scales: Sequence[Scale], words: Mapping[str, str]) -> dict[str, int]:
    """Read the levels that a manifest tells; an element that it does not name is there as it is."""
    return {scale.column: scale.levels.index(words.get(scale.column, AS_IT_IS)) for scale in scales}

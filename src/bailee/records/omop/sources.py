"""What rows have in common with the record that they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.batches import ReleaseBatch
from bailee.records.omop.context import Context
from bailee.records.omop.elements import Elements
from bailee.records.omop.ids import names_of
from bailee.records.omop.rules import Rule

Rows = npt.NDArray[np.int64]
LAB = "laboratory"
_MEASURED = (LAB, "vital-signs")


@dataclass(frozen=True, repr=False)
class Source:
    """What n rows have in common with the record that they come from. Shape: n rows each; null where not said."""

    name: pa.Array  # "Condition/abc", which the row's key is made of
    person: pa.Array
    start: pa.Array
    end: pa.Array
    place: pa.Array  # the row of the visit in `Visits`
    provider: pa.Array
    category: pa.Array  # "measured" or "laboratory" for an Observation of these kinds

    @classmethod
    def of(cls, rule: Rule, elements: Elements, batch: ReleaseBatch, context: Context) -> Source:
        """Read what a rule says of whole records."""
        columns = rule.columns
        return cls(
            name=names_of(rule.kind, batch.rows["id"]),
            person=context.person(batch.rows["patient"]),
            start=elements.first(*columns.get("start", ())),
            end=elements.first(*columns.get("end", ())),
            place=context.first(elements, columns.get("visit", ()), context.visits.place),
            provider=context.first(elements, columns.get("provider", ()), context.shared.providers),
            category=_category(rule, elements),
        )

    def parts(self, record: Rows) -> Source:
        """See a record's parts as rows of their own, numbered within it. Shape: n records → m parts."""
        at = pa.array(record)
        first = np.searchsorted(record, record)
        ordinal = pa.array(np.arange(len(record)) - first).cast(pa.string())
        name = pc.binary_join_element_wise(self.name.take(at), ordinal, "/")
        rest = {
            each: getattr(self, each).take(at) for each in ("person", "start", "end", "place", "provider", "category")
        }
        return Source(name=name, **rest)


def _category(rule: Rule, elements: Elements) -> pa.Array:
    paths = rule.columns.get("category", ())
    if not paths:
        return pa.nulls(elements.count, pa.string())
    lab, measured = (elements.any_of(paths[0], values) for values in ((LAB,), _MEASURED))
    return pa.array(np.where(lab, LAB, "measured"), mask=~measured)

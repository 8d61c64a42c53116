"""One part of a release, whole charts of its patients, as CDM tables."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.batches import ReleaseBatch
from bailee.records.omop.cdm import finish, key_of
from bailee.records.omop.context import CodeBook, Context
from bailee.records.omop.elements import CODINGS, Elements
from bailee.records.omop.events import events
from bailee.records.omop.fates import Fates
from bailee.records.omop.ids import names_of
from bailee.records.omop.notes import NOTE_KINDS, notes
from bailee.records.omop.payers import costs, coverages
from bailee.records.omop.people import people
from bailee.records.omop.places import SHARED_KINDS
from bailee.records.omop.rules import rules
from bailee.records.omop.visits import visits

Read = Callable[[str], ReleaseBatch | None]
Made = list[tuple[str, pa.Table]]
# Of each table of events, the fields that say when it began and ended; a period of observation spans them all.
_SPANS = {
    "visit_occurrence": ("visit_start_date", "visit_end_date"),
    "condition_occurrence": ("condition_start_date",),
    "drug_exposure": ("drug_exposure_start_date",),
    "procedure_occurrence": ("procedure_date",),
    "device_exposure": ("device_exposure_start_date",),
    "measurement": ("measurement_date",),
    "observation": ("observation_date",),
    "specimen": ("specimen_date",),
    "note": ("note_date",),
}
_PERIOD_TYPE = 32817


@dataclass(frozen=True, repr=False)
class PartTables:
    """Tables by name, sorted by key, and what became of each type's records: counts by table or reason."""

    tables: Mapping[str, pa.Table]
    counts: Mapping[str, Counter[str]]


def part_tables(kinds: Iterable[str], read: Read, context: Context, *, as_of: date) -> PartTables:
    """Make the tables of a part. `kinds` are the types that it has; `read` gives the records of one.

    Shape: whole charts; types of SHARED_KINDS are not looked at. Cost: one type's records in memory, and all tables.
    """
    maker = _Maker(frozenset(kinds), read, context, pa.scalar(as_of, pa.date32()))
    return maker.run()


class _Maker:
    def __init__(self, kinds: frozenset[str], read: Read, context: Context, as_of: pa.Scalar) -> None:
        self.kinds, self.read, self.context, self.as_of = kinds, read, context, as_of
        self.made: dict[str, list[pa.Table]] = defaultdict(list)
        self.counts: dict[str, Counter[str]] = {}

    def run(self) -> PartTables:
        if (patients := self._batch("Patient")) is not None:
            made, fates, known = people(patients, self.context)
            self.context = replace(self.context, people=known)
            self._keep("Patient", made, fates)
        if (encounters := self._batch("Encounter")) is not None:
            made, fates, found = visits(encounters, self.context, until=self.as_of)
            self.context = replace(self.context, visits=found)
            self._keep("Encounter", made, fates)
        used = self._devices()
        for kind in sorted(self.kinds - {"Patient", "Encounter", "Device", *SHARED_KINDS}):
            batch = self.read(kind)
            if batch is not None:
                self._keep(kind, *self._rows(kind, batch))
        self._count_devices(used)
        joined = {name: self._join(name) for name in sorted(self.made)}
        return PartTables(joined | _periods(joined), self.counts)

    def _batch(self, kind: str) -> ReleaseBatch | None:
        return self.read(kind) if kind in self.kinds else None

    def _rows(self, kind: str, batch: ReleaseBatch) -> tuple[Made, Fates]:
        if kind in rules():
            return events(kind, batch, self.context)
        if kind in NOTE_KINDS:
            return notes(kind, batch, self.context)
        if kind == "Coverage":
            return coverages(batch, self.context, until=self.as_of)
        if kind == "ExplanationOfBenefit":
            return costs(batch, self.context)
        fates = Fates(len(batch))
        fates.stop(fates.going, "no-table")
        return [], fates

    def _keep(self, kind: str, made: Made, fates: Fates) -> None:
        self.counts[kind] = fates.counts()
        for name, table in made:
            self.made[name].append(table)

    def _join(self, name: str) -> pa.Table:
        whole = pa.concat_tables(self.made[name]).combine_chunks()
        return whole.take(pc.sort_indices(whole, [(key_of(name), "ascending")]))

    def _devices(self) -> pa.Array:
        """Read the codes of Devices, which their uses refer to; a Device says what it is, and not when."""
        batch = self._batch("Device")
        if batch is None:
            self.context = replace(self.context, books=self._books(CodeBook()))
            return pa.array([], pa.int64())
        elements = Elements.of("Device", batch, tuple(f"type.{member}" for member in CODINGS))
        name = names_of("Device", batch.rows["id"])
        book = CodeBook.of(name, elements.codings("type"), self.context.ids)
        self.context = replace(self.context, books=self._books(book))
        return self.context.ids.of(name)

    def _books(self, devices: CodeBook) -> dict[str, CodeBook]:
        return {"Device": devices, "Medication": self.context.shared.medications}

    def _count_devices(self, devices: pa.Array) -> None:
        if not len(devices):
            return
        used = self._batch("DeviceUseStatement")
        keys = pa.array([], pa.int64())
        if used is not None:
            elements = Elements.of("DeviceUseStatement", used, ("device.reference",))
            keys = self.context.keys(elements.first("device.reference"))
        in_use = int(pc.sum(pc.is_in(devices, value_set=keys)).as_py() or 0)
        self.counts["Device"] = +Counter({"in-another-row": in_use, "no-date": len(devices) - in_use})


def _periods(made: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Make a period of observation for each person with an event: from the first event to the last."""
    spans = [
        pa.table({"person": made[name]["person_id"], "day": made[name][field]})
        for name, fields in _SPANS.items()
        if name in made
        for field in fields
    ]
    if not spans:
        return {}
    grouped = pa.concat_tables(spans).group_by("person", use_threads=False).aggregate([("day", "min"), ("day", "max")])
    people = grouped["person"].combine_chunks()
    columns = {
        "observation_period_id": people,
        "person_id": people,
        "observation_period_start_date": grouped["day_min"].combine_chunks(),
        "observation_period_end_date": grouped["day_max"].combine_chunks(),
        "period_type_concept_id": pa.array(np.full(len(people), _PERIOD_TYPE, np.int32)),
    }
    return {"observation_period": finish("observation_period", columns, len(people))}

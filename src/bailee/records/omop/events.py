"""Events: records about a person, at a time, with a code; which table each goes to and what its columns hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.batches import ReleaseBatch
from bailee.records.omop.cdm import finish
from bailee.records.omop.coding import Coded, coded, units
from bailee.records.omop.context import Context
from bailee.records.omop.dates import days, moments
from bailee.records.omop.elements import Codings, Elements
from bailee.records.omop.fates import Fates
from bailee.records.omop.numbers import days as span_days
from bailee.records.omop.numbers import floats, whole
from bailee.records.omop.rules import Rule, columns_of, rules
from bailee.records.omop.sources import LAB, Source
from bailee.records.omop.vocabulary import constant

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.int64]
TABLE_OF_DOMAIN = MappingProxyType(
    {
        "Condition": "condition_occurrence",
        "Drug": "drug_exposure",
        "Procedure": "procedure_occurrence",
        "Device": "device_exposure",
        "Measurement": "measurement",
        "Observation": "observation",
        "Specimen": "specimen",
    }
)
_OTHER_DOMAIN = "observation"
_LAB_TYPE = 32856


@dataclass(repr=False)
class Events:
    """n rows of one rule, from their source to the tables."""

    rule: Rule
    elements: Elements
    source: Source
    context: Context

    @cached_property
    def coded(self) -> Coded:
        """The codes and what they map to."""
        codings = [self.elements.codings(path) for path in self.rule.columns.get("code", ())]
        kind = self.rule.coded_by[1]
        if kind:
            book = self.context.books[kind]
            reference = self.elements.first(self.rule.coded_by[0])
            rows = np.flatnonzero(reference.is_valid().to_numpy(zero_copy_only=False))
            codings.append(book.codings(rows, self.context.keys(reference.drop_null())))
            codings.append(self.elements.contained(kind, reference))
        return coded(Codings.join(codings), self.elements.count, self.context.vocabulary)

    @cached_property
    def start(self) -> pa.Array:
        """The day: its own, or else the day on which its visit began."""
        return pc.coalesce(days(self.source.start), self.context.visits.start.take(self.source.place))

    @property
    def has_value(self) -> Mask:
        """Tell which rows have a value of their own: a panel's are in its components."""
        said = (self.text("number"), self.text("text"), self.codes("value").code)
        return np.asarray(pc.is_valid(pc.coalesce(*said)), np.bool_)

    def lacking(self) -> Iterator[tuple[str, Mask]]:
        """Tell which rows the CDM cannot hold, and why."""
        for reason, array in (("no-person", self.source.person), ("no-code", self.coded.code), ("no-date", self.start)):
            yield reason, array.is_null().to_numpy(zero_copy_only=False)

    def tables(self, wanted: Mask) -> Iterator[tuple[str, pa.Table, Rows]]:
        """Give the tables of the wanted rows, and which row each of a table's rows comes from."""
        row = self.coded.row
        chosen = np.flatnonzero(wanted[row])
        target = self._targets().take(pa.array(chosen))
        for table in sorted(pc.unique(target).to_pylist()):
            at = chosen[pc.equal(target, table).to_numpy(zero_copy_only=False)]
            columns = {field: self._column(name, at) for field, name in columns_of(table).items()}
            yield table, finish(table, columns, len(at)), row[at]

    def _targets(self) -> pa.Array:
        """Choose a table for every concept."""
        count = len(self.coded.row)
        if self.rule.routing != "routed":
            return pa.array([self.rule.table] * count, pa.string())
        domains, names = pa.array(list(TABLE_OF_DOMAIN)), pa.array(list(TABLE_OF_DOMAIN.values()))
        routed = names.take(pc.index_in(self.coded.domain, value_set=domains))
        known = pc.coalesce(routed, pc.if_else(self.coded.domain.is_valid(), _OTHER_DOMAIN, None))
        return pc.coalesce(known, self._fallback().take(pa.array(self.coded.row)))

    def _fallback(self) -> pa.Array:
        """Choose a table by what the record is, for codes that do not map."""
        if self.rule.kind != "Observation":
            return pa.array([self.rule.table] * self.elements.count, pa.string())
        measured = pc.or_(self.source.category.is_valid(), self["number"].is_valid())
        return pc.if_else(measured, "measurement", "observation")

    def _column(self, name: str, at: Rows) -> pa.Array:
        """Give a column of the concepts numbered `at`."""
        if name in _BY_CONCEPT:
            return _BY_CONCEPT[name](self).take(pa.array(at))
        return self[name].take(pa.array(self.coded.row[at]))

    def __getitem__(self, name: str) -> pa.Array:
        if name not in self._made:
            self._made[name] = _BY_ROW[name](self)
        return self._made[name]

    @cached_property
    def _made(self) -> dict[str, pa.Array]:
        return {}

    def text(self, name: str) -> pa.Array:
        """Give a column of texts as the rule reads them."""
        return self.elements.first(*self.rule.columns.get(name, ()))

    def codes(self, name: str) -> Coded:
        """Give the codes of another element than the record's own."""
        codings = [self.elements.codings(path) for path in self.rule.columns.get(name, ())]
        return coded(Codings.join(codings), self.elements.count, self.context.vocabulary)


def events(kind: str, batch: ReleaseBatch, context: Context) -> tuple[list[tuple[str, pa.Table]], Fates]:
    """Make the rows of records of one type that has a rule. Shape: n records → tables by name, n fates."""
    own = rules()[kind]
    part = next((rule for rule in rules().values() if rule.kind == kind and rule.part), None)
    paths = [*own.paths, *((f"{part.part}.{path}" for path in part.paths) if part else ())]
    elements = Elements.of(kind, batch, paths, contained=_CONTAINED if own.coded_by[1] == "Medication" else ())
    fates = Fates(len(batch))
    for skip in own.skips:
        fates.stop(elements.any_of(skip.path, skip.values), skip.reason)
    source = Source.of(own, elements, batch, context)
    made: list[tuple[str, pa.Table]] = []
    if part:
        below = elements.parts(part.part)
        made += _rows(Events(part, below, source.parts(below.record), context), fates, fates.going)
    if own.columns.get("code") or own.coded_by[0]:
        whole = Events(own, elements, source, context)
        made += _rows(whole, fates, fates.going & (~fates.landed | whole.has_value) if part else fates.going)
    return made, fates


def _rows(rows: Events, fates: Fates, records: Mask) -> Iterator[tuple[str, pa.Table]]:
    """Make the rows of wanted records, and tell their fates."""
    record = rows.elements.record
    wanted = records[record]
    for reason, mask in rows.lacking():
        fates.lacks(record[wanted & mask], reason)
        wanted = wanted & ~mask
    for table, made, at in rows.tables(wanted):
        fates.land(record[at], table)
        yield table, made


def _id(rows: Events) -> pa.Array:
    again = pa.array(rows.coded.rank > 0)
    rank = pc.binary_join_element_wise("#", pa.array(rows.coded.rank).cast(pa.string()), "")
    name = rows.source.name.take(pa.array(rows.coded.row))
    return rows.context.ids.of(pc.binary_join_element_wise(name, pc.if_else(again, rank, ""), ""))


def _stands(rows: Events) -> pa.Array:
    """Tell which concepts stand for themselves: all, but for a rule about something."""
    if not rows.rule.about:
        return pa.array(np.ones(len(rows.coded.row), np.bool_))
    return pc.fill_null(pc.equal(rows.coded.domain, _OTHER_DOMAIN.capitalize()), fill_value=False)


def _concept(rows: Events) -> pa.Array:
    if not rows.rule.about:
        return rows.coded.concept
    known = rows.context.vocabulary.standard(rows.rule.about)
    built_in = constant("finding", pa.array([rows.rule.about.partition("\t")[2]]))[0]
    about = pa.scalar(known, pa.int32()) if known else built_in
    return pc.if_else(_stands(rows), rows.coded.concept, about)


def _value_concept(rows: Events) -> pa.Array:
    if rows.rule.about:
        mapped = pc.if_else(pc.greater(rows.coded.concept, 0), rows.coded.concept, None)
        return pc.if_else(_stands(rows), None, mapped)
    said = pc.coalesce(rows.codes("value").first, constant("answer", rows.text("boolean")))
    return pc.coalesce(rows.coded.value, said.take(pa.array(rows.coded.row)))


def _last_date(rows: Events) -> pa.Array:
    """Give the last day: as said, or by the days of supply where the first day is one and not a year."""
    exact = pc.greater_equal(pc.utf8_length(rows.source.start), 10)
    supply = pc.if_else(pc.and_(exact, pc.greater(rows["days"], 0)), rows["days"], None)
    until = pc.add(rows.start.cast(pa.int32()), pc.subtract(supply, 1)).cast(pa.int32()).cast(pa.date32())
    return pc.coalesce(rows["end_date"], until, rows.start)


def _type_concept(rows: Events) -> pa.Array:
    lab = pc.fill_null(pc.equal(rows.source.category, LAB), fill_value=False)
    return pc.if_else(lab, pa.scalar(_LAB_TYPE, pa.int32()), pa.scalar(rows.rule.type_concept, pa.int32()))


def _status_concept(rows: Events) -> pa.Array:
    return pc.if_else(rows["status"].is_valid(), pa.scalar(0, pa.int32()), None)


_CONTAINED = ("Medication.id", "Medication.code.coding.system", "Medication.code.coding.code")
_BY_CONCEPT: Mapping[str, Callable[[Events], pa.Array]] = MappingProxyType(
    {"id": _id, "concept": _concept, "value_concept": _value_concept}
)
_BY_ROW: Mapping[str, Callable[[Events], pa.Array]] = MappingProxyType(
    {
        "person": lambda rows: rows.source.person,
        "provider": lambda rows: rows.source.provider,
        "visit": lambda rows: rows.context.visits.visit.take(rows.source.place),
        "detail": lambda rows: rows.context.visits.detail.take(rows.source.place),
        "source_value": lambda rows: rows.coded.code,
        "source_concept": lambda rows: rows.coded.source,
        "type_concept": _type_concept,
        "start_date": lambda rows: rows.start,
        "start_datetime": lambda rows: moments(rows.source.start),
        "end_date": lambda rows: days(rows.source.end),
        "end_datetime": lambda rows: moments(rows.source.end),
        "last_date": _last_date,
        "status": lambda rows: rows.text("status"),
        "status_concept": _status_concept,
        "stop": lambda rows: rows.text("stop"),
        "sig": lambda rows: rows.text("sig"),
        "lot": lambda rows: rows.text("lot"),
        "dose_unit": lambda rows: rows.text("dose-unit"),
        "refills": lambda rows: whole(rows.text("refills")),
        "quantity": lambda rows: floats(rows.text("quantity")),
        "whole_quantity": lambda rows: whole(rows.text("quantity")),
        "days": lambda rows: span_days(rows.text("days"), rows.text("days-unit")),
        "route": lambda rows: rows.codes("route").code,
        "route_concept": lambda rows: rows.codes("route").first,
        "site": lambda rows: rows.codes("site").code,
        "site_concept": lambda rows: rows.codes("site").first,
        "operator": lambda rows: constant("operator", rows.text("comparator")),
        "number": lambda rows: floats(rows.text("number")),
        "low": lambda rows: floats(rows.text("low")),
        "high": lambda rows: floats(rows.text("high")),
        "text": lambda rows: rows.text("text"),
        "unit": lambda rows: rows.text("unit"),
        "unit_concept": lambda rows: units(rows.text("unit"), rows.context.vocabulary)[0],
        "unit_source_concept": lambda rows: units(rows.text("unit"), rows.context.vocabulary)[1],
        "value_source": lambda rows: pc.coalesce(rows.codes("value").code, rows.text("number"), rows.text("text")),
    }
)

"""Charts out of records: what a patient's own records hold, and the shared records that they point to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.deid.notes.chart.charts import Charts, charts_from_columns
from bailee.deid.notes.chart.elements import DATES, ELEMENTS, MAIDEN, NAMED_BY, Tag
from bailee.deid.notes.chart.forms import ranges
from bailee.deid.notes.chart.kinds import NAMES, NUMBER_OF
from bailee.records.batches import RawBatch
from bailee.records.masks import truth
from bailee.records.walk import Collected, Paths, collect

Numbers = npt.NDArray[np.int64]

PERSON_KINDS: Final = frozenset(
    number for name, number in NUMBER_OF.items() if "-" in name and name.split("-")[0] in {"relative", "clinician"}
)
WHOLE_NAMES: Final = frozenset({NUMBER_OF["relative-full"], NUMBER_OF["clinician-full"]})
# Persons known by a whole name only are numbered by it.
NAMED_PERSONS: Final = 1 << 29
# Persons from shared records are numbered from here on, relatives by the object that names them before it.
SHARED_PERSONS: Final = 1 << 30


@dataclass(frozen=True, repr=False)
class Identified:
    """Identifying values as they stand in records.

    Shape: record int32, kind int8, value string, holder int32 (the object around the name, address or identifier);
    pointing int32 (record) and target string: every reference.
    """

    record: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int8]
    value: pa.StringArray
    holder: npt.NDArray[np.int32]
    pointing: npt.NDArray[np.int32]
    target: pa.StringArray

    def __repr__(self) -> str:
        return f"Identified({len(self.record)} values, {len(self.pointing)} references)"


@dataclass(frozen=True, repr=False)
class Directory:
    """Shared records (clinicians, organizations, places) by the ways in which others refer to them.

    Shape: names string[k] with entry int64[k]; entry e has the values first[e] to first[e + 1] and points to the entries
    links[link_first[e]] and on.
    """

    names: pa.StringArray
    entry: Numbers
    first: Numbers
    kind: npt.NDArray[np.int8]
    value: pa.StringArray
    link_first: Numbers
    links: Numbers

    def __len__(self) -> int:
        """Count the entries."""
        return len(self.first) - 1

    def __repr__(self) -> str:
        return f"Directory({len(self)} records)"


def charts_from_records(
    raw: RawBatch, directory: Directory | None = None, *, patients: pa.StringArray | None = None, dates: bool = False
) -> Charts:
    """Make the charts of a batch's patients: `Charts.patients` tells whose each is.

    A chart has the patient's own identifiers, those of relatives, and those of the clinicians, organizations and places that
    the patient's records point to, as far as `directory` knows them; texts beside references count as names. What patients
    of the batch whom `Patient.link` joins to this one have, the chart has too: a merged record's former name and number.
    Without a directory the shared records of the batch itself are taken. `dates` adds the dates of the records.
    """
    owners = raw.rows.column("patient")
    if patients is None:
        patients = pc.unique(owners.drop_null())
    shared = directory or directory_from_records(raw)
    found = identified(raw, dates=dates)
    asked, patients = len(patients), _with_linked(raw, found, patients)
    chart = _chart_of_records(raw, patients)
    own = np.flatnonzero(chart[found.record] >= 0)
    rows = [(chart[found.record[own]], found.kind[own], found.value.take(pa.array(own)), _persons(found, own))]
    rows += [
        _of_same_person(rows[0], _links(raw, found, chart, patients), len(patients)),
        _around(found, chart, shared),
    ]
    charts, kinds, values, people = (list(column) for column in zip(*rows, strict=True))
    owner, value = np.concatenate(charts), pa.concat_arrays(values)
    kept = np.flatnonzero(owner < asked)
    return charts_from_columns(
        asked,
        owner[kept],
        np.concatenate(kinds)[kept],
        value.take(pa.array(kept)),
        person=np.concatenate(people)[kept],
        patients=patients.slice(0, asked),
    )


def directory_from_records(raw: RawBatch) -> Directory:
    """List the records that are nobody's own: those whose `patient` is null."""
    free = np.flatnonzero(raw.rows.column("patient").is_null().to_numpy(zero_copy_only=False))
    rows = raw.rows.take(pa.array(free))
    found = identified(RawBatch(rows))
    names, entry = _names_of(rows, found)
    pointed = _resolve(names, entry, found.target)
    known = np.flatnonzero(pointed >= 0)
    by_entry = np.argsort(found.record, kind="stable")
    links = known[np.argsort(found.pointing[known], kind="stable")]
    bounds = np.arange(len(rows.column(0)) + 1)
    return Directory(
        names,
        entry,
        np.searchsorted(found.record[by_entry], bounds),
        found.kind[by_entry],
        found.value.take(pa.array(by_entry)),
        np.searchsorted(found.pointing[links], bounds),
        pointed[links],
    )


def identified(raw: RawBatch, *, dates: bool = False) -> Identified:
    """Collect the identifying values of records. Cost: one walk over the JSON."""
    column = raw.rows.column("json")
    buffers = column.buffers()
    offsets = np.frombuffer(buffers[1], np.int64)[column.offset : column.offset + len(column) + 1]
    content = np.frombuffer(buffers[2], np.uint8) if buffers[2] is not None else np.zeros(0, np.uint8)
    found = collect(content, offsets, _paths(dates))
    found = found.where(np.isin(found.kinds, (4, 5)))
    texts = found.texts(content)
    targets = np.flatnonzero(found.tag == Tag.REFERENCE)
    kind = _kinds(found, texts)
    kept = np.flatnonzero(kind >= 0)
    return Identified(
        found.record[kept], kind[kept].astype(np.int8), texts.take(pa.array(kept)), _holders(found)[kept],
        found.record[targets], _short(texts.take(pa.array(targets))),
    )  # fmt: skip


@cache
def _paths(dates: bool) -> Paths:  # noqa: FBT001
    return Paths(ELEMENTS | DATES if dates else ELEMENTS, contained=True)


def _holders(found: Collected) -> npt.NDArray[np.int32]:
    """Give the object that stands for a person: what lies around a HumanName; relatives are told apart by it."""
    parent = found.parent.astype(np.int64)
    above = np.where(parent >= 0, found.up[np.maximum(parent, 0)], -1)
    direct = np.isin(found.tag, [NUMBER_OF[name] for name in NUMBER_OF if name.endswith("gender")])
    return np.asarray(np.where((above >= 0) & ~direct, above, parent), np.int32)


def _kinds(found: Collected, texts: pa.StringArray) -> Numbers:
    kind = np.where(found.tag < Tag.TELECOM, found.tag, -1).astype(np.int64)
    telecom = np.flatnonzero(found.tag == Tag.TELECOM)
    kind[telecom] = _telecom_kinds(texts.take(pa.array(telecom)))
    _name_displays(found, texts, kind)
    maiden = np.flatnonzero(found.tag == Tag.EXTENSION_URL)
    said = pc.match_substring_regex(texts.take(pa.array(maiden)), "|".join(MAIDEN)).to_numpy(zero_copy_only=False)
    parents = found.parent[maiden[said.astype(bool)]]
    kind[(found.tag == Tag.EXTENSION_TEXT) & np.isin(found.parent, parents)] = NUMBER_OF["relative-family"]
    return kind


def _telecom_kinds(texts: pa.StringArray) -> Numbers:
    mail = pc.match_substring(texts, "@").to_numpy(zero_copy_only=False)
    web = pc.match_substring_regex(texts, r"^(https?:|www\.)").to_numpy(zero_copy_only=False)
    digits = pc.match_substring_regex(texts, r"(\d.*){5}").to_numpy(zero_copy_only=False)
    return np.select(
        [mail.astype(bool), web.astype(bool), digits.astype(bool)],
        [NUMBER_OF["email"], NUMBER_OF["url"], NUMBER_OF["phone"]],
        NUMBER_OF["handle"],
    ).astype(np.int64)


def _name_displays(found: Collected, texts: pa.StringArray, kind: Numbers) -> None:
    """The text beside a reference names what is referred to; a coding's text does not."""
    references = np.flatnonzero(found.tag == Tag.REFERENCE)
    displays = np.flatnonzero(found.tag == Tag.DISPLAY)
    if not len(references) or not len(displays):
        return
    order = references[np.argsort(found.parent[references], kind="stable")]
    parents = found.parent[order]
    spot = np.minimum(np.searchsorted(parents, found.parent[displays]), len(parents) - 1)
    beside = parents[spot] == found.parent[displays]
    targets = texts.take(pa.array(order[spot[beside]]))
    named = pc.struct_field(pc.extract_regex(targets, r"(?:^|/)(?P<type>[A-Z][A-Za-z]+)[/?]"), "type")
    for name, role in NAMED_BY.items():
        of_type = truth(pc.equal(named, name))
        kind[displays[beside][of_type]] = NUMBER_OF[role]


def _short(targets: pa.StringArray) -> pa.StringArray:
    """Bring references to one form: Type/id, id alone for urn:uuid, Type|value for a search by identifier.

    Cost: by distinct reference; most records of a chart refer to the same few.
    """
    coded = targets.dictionary_encode()
    targets = coded.dictionary
    for hint, pattern, short in _SHORTER:
        longer = pc.match_substring_regex(targets, hint) if "/.*" in hint else pc.match_substring(targets, hint)
        if pc.any(longer).as_py():
            fresh = pc.replace_substring_regex(targets.filter(longer), pattern, short)
            targets = pc.replace_with_mask(targets, longer, fresh)
    return targets.take(coded.indices)


# What a reference that can be made shorter holds, and how it is made; most are short already.
_SHORTER: Final = (
    ("/_history/", r"/_history/.*$", ""),
    ("urn:", r"^urn:(uuid|oid):", ""),
    ("?identifier=", r"^([A-Z][A-Za-z]+)\?identifier=(?:.*\|)?", r"\1|"),
    ("/.*/", r"^.*/([A-Z][A-Za-z]+/[^/]+)$", r"\1"),
)


def _names_of(rows: pa.RecordBatch, found: Identified) -> tuple[pa.StringArray, Numbers]:
    kinds, ids = rows.column("type"), rows.column("id")
    every = np.arange(len(ids), dtype=np.int64)
    numbered = np.flatnonzero(found.kind == NUMBER_OF["id"])
    owner = found.record[numbered].astype(np.int64)
    searched = pc.binary_join_element_wise(kinds.take(pa.array(owner)), found.value.take(pa.array(numbered)), "|")
    names = pa.concat_arrays([pc.binary_join_element_wise(kinds, ids, "/"), ids, searched])
    return names, np.concatenate([every, every, owner])


def _resolve(names: pa.StringArray, entry: Numbers, targets: pa.StringArray) -> Numbers:
    if not len(names):
        return np.full(len(targets), -1, np.int64)
    found = pc.fill_null(pc.index_in(targets, value_set=names), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where(found >= 0, entry[np.maximum(found, 0)], -1)


def _chart_of_records(raw: RawBatch, patients: pa.StringArray) -> npt.NDArray[np.int32]:
    found = pc.index_in(raw.rows.column("patient"), value_set=patients, skip_nulls=True)
    return np.asarray(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int32)


def _persons(found: Identified, own: Numbers) -> npt.NDArray[np.int32]:
    apart = np.isin(found.kind[own], list(PERSON_KINDS))
    people = np.where(apart, 1 + found.holder[own], 0)
    whole = np.flatnonzero(apart & np.isin(found.kind[own], list(WHOLE_NAMES)))
    named = found.value.take(pa.array(own[whole])).dictionary_encode().indices
    people[whole] = NAMED_PERSONS + named.to_numpy(zero_copy_only=False)
    return np.asarray(people, np.int32)


def _with_linked(raw: RawBatch, found: Identified, patients: pa.StringArray) -> pa.StringArray:
    """Add the patients of the batch to whom a Patient record is linked and who were not asked for."""
    of_patient = pc.equal(raw.rows.column("type"), "Patient").to_numpy(zero_copy_only=False)[found.pointing]
    if not of_patient.any():
        return patients
    targets = found.target.filter(pa.array(of_patient))
    linked = targets.filter(pc.starts_with(targets, "Patient/"))
    if not len(linked):
        return patients
    owners = pc.unique(raw.rows.column("patient").drop_null())
    further = owners.filter(pc.invert(pc.is_in(owners, value_set=patients)))
    return pa.concat_arrays([patients.cast(owners.type), further])


def _links(raw: RawBatch, found: Identified, chart: npt.NDArray[np.int32], patients: pa.StringArray) -> Numbers:
    """Give the pairs of charts that Patient records say to be one person's, both ways. Shape: a << 32 | b."""
    of_patient = pc.equal(raw.rows.column("type"), "Patient").to_numpy(zero_copy_only=False)[found.pointing]
    named = pc.replace_substring_regex(found.target.filter(pa.array(of_patient)), "^Patient/", "")
    other = pc.fill_null(pc.index_in(named, value_set=patients), -1).to_numpy(zero_copy_only=False).astype(np.int64)
    one = chart[found.pointing[of_patient]].astype(np.int64)
    linked = (one >= 0) & (other >= 0) & (one != other)
    return np.unique(np.concatenate([one[linked] << 32 | other[linked], other[linked] << 32 | one[linked]]))


def _of_same_person(own: tuple[Any, ...], pairs: Numbers, count: int) -> tuple[Any, ...]:
    """Give each chart what the charts of the same person under other ids hold, over two links too."""
    for _ in range(2 if len(pairs) else 0):
        first, second = pairs >> 32, pairs & 0xFFFFFFFF
        bounds = np.searchsorted(first, np.arange(count + 1))
        sizes = np.diff(bounds)[second]
        further = np.repeat(first, sizes) << 32 | second[ranges(bounds[second], sizes)]
        pairs = np.unique(np.concatenate([pairs, further[(further >> 32) != (further & 0xFFFFFFFF)]]))
    chart, kind, value, person = own
    order = np.argsort(chart, kind="stable")
    bounds = np.searchsorted(chart[order], np.arange(count + 1))
    owner, source = pairs >> 32, pairs & 0xFFFFFFFF
    sizes = np.diff(bounds)[source]
    rows = order[ranges(bounds[source], sizes)]
    return np.repeat(owner, sizes).astype(np.int32), kind[rows], value.take(pa.array(rows)), person[rows]


def _around(found: Identified, chart: npt.NDArray[np.int32], shared: Directory) -> tuple[Any, ...]:
    """Give each chart the values of the shared records that its records point to, and of those behind them."""
    entry = _resolve(shared.names, shared.entry, found.target)
    owner = chart[found.pointing].astype(np.int64)
    near = (entry >= 0) & (owner >= 0)
    pairs = np.unique(owner[near] << 32 | entry[near])
    for _ in range(2):
        owner, entry = pairs >> 32, pairs & 0xFFFFFFFF
        counts = np.diff(shared.link_first)[entry]
        further = np.repeat(owner, counts) << 32 | shared.links[ranges(shared.link_first[entry], counts)]
        pairs = np.unique(np.concatenate([pairs, further]))
    owner, entry = pairs >> 32, pairs & 0xFFFFFFFF
    counts = np.diff(shared.first)[entry]
    rows = ranges(shared.first[entry], counts)
    person = np.repeat(SHARED_PERSONS + entry, counts)
    return (
        np.repeat(owner, counts).astype(np.int32),
        shared.kind[rows],
        shared.value.take(pa.array(rows)),
        person.astype(np.int32),
    )


def kinds_of(charts: Charts) -> dict[str, int]:
    """Count the values by kind, for a report."""
    counts = np.bincount(charts.kind, minlength=len(NAMES))
    return {name: int(count) for name, count in zip(NAMES, counts, strict=True) if count}

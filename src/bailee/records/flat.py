"""A table of one resource type: the columns that R4 gives it, fixed and never inferred, and their filling.

A column is a dotted path with underscores: `code_system`, `effectivePeriod_start`. What may repeat and is not a
CodeableConcept (whose first coding stands for it) is one column of JSON text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import column_of, gather
from bailee.records.owner import owner_paths, patients_of
from bailee.records.r4 import children, is_primitive
from bailee.records.walk import Bytes, Collected, Numbers, Paths, collect

MOST_DEEP = 3
_KINDS = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "positiveInt": pa.int64(),
    "unsignedInt": pa.int64(),
    "decimal": pa.float64(),
}
# Of these types the named members make columns; all others of theirs are left to the NDJSON.
_MEMBERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "CodeableConcept": ("coding.system", "coding.code", "coding.display", "text"),
        "Coding": ("system", "code", "display"),
        "Reference": ("reference",),
        "Period": ("start", "end"),
        "Identifier": ("system", "value"),
        "Quantity": ("value", "unit", "system", "code"),
        "Age": ("value", "unit", "code"),
        "Duration": ("value", "unit", "code"),
        "Distance": ("value", "unit", "code"),
        "Count": ("value", "unit", "code"),
        "Money": ("value", "currency"),
        "Range": ("low.value", "low.unit", "high.value", "high.unit"),
        "Ratio": ("numerator.value", "numerator.unit", "denominator.value", "denominator.unit"),
        "Annotation": ("text",),
    }
)
_SKIPPED = frozenset({"contained", "extension", "modifierExtension", "text", "implicitRules", "meta"})


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column. `json` columns hold the raw JSON of values that may repeat, in brackets."""

    name: str
    path: str
    type: str  # an R4 primitive, or "json"

    @property
    def arrow(self) -> pa.DataType:
        """Give the column's Arrow type; dates stay text, since most are years."""
        return _KINDS.get(self.type, pa.string())


@cache
def columns(resource: str) -> tuple[Column, ...]:
    """Give the columns of a resource type's table, `id` and `patient` first, in R4's order.

    Raises: KeyError if R4 has no such type.
    """
    own = [column for column in _columns(resource, "", 0) if column.name not in {"id", "patient"}]
    return (Column(name="id", path="id", type="id"), Column(name="patient", path="", type="id"), *own)


def schema(resource: str) -> pa.Schema:
    """Give a table's Arrow schema."""
    return pa.schema([pa.field(column.name, column.arrow) for column in columns(resource)])


def flatten(resource: str, buffer: Bytes, offsets: Numbers, patients: pa.Array | None = None) -> pa.Table:
    """Fill a table from records of one type. Shape: n records, string[n] of patients → n rows.

    Without `patients`, the records themselves tell whose they are. Cost: one walk over the JSON.
    """
    wanted, owners = columns(resource), _owner_tags(resource)
    found = collect(buffer, offsets, _paths(resource))
    assert not found.codes.any(), "records that nobody checked"
    count = len(offsets) - 1
    by_tag = _by_tag(found, len(wanted))
    if patients is None:
        patients = (
            by_tag[0].first_texts(buffer, count) if resource == "Patient" else _owners(found, owners, buffer, count)
        )
    arrays = [
        patients.cast(pa.string()) if column.name == "patient" else _fill(column, each, buffer, count)
        for column, each in zip(wanted, by_tag, strict=True)
    ]
    return pa.table(arrays, schema(resource))


def _owners(found: Collected, owners: tuple[int, ...], buffer: Bytes, count: int) -> pa.Array:
    rank_of = np.full(int(found.tag.max(initial=0)) + max(owners, default=0) + 1, -1, np.int64)
    rank_of[list(owners)] = np.arange(len(owners))
    rank = rank_of[found.tag]
    referring = np.flatnonzero(rank >= 0)
    return patients_of(found.where(referring), rank[referring], buffer, count)


@cache
def _tags(resource: str) -> Mapping[str, int]:
    """Number the paths of a type's columns, then those that tell whose a record is and are no column."""
    tags = {column.path: tag for tag, column in enumerate(columns(resource)) if column.path}
    return tags | {
        path: len(columns(resource)) + at for at, path in enumerate(owner_paths(resource)) if path not in tags
    }


def _owner_tags(resource: str) -> tuple[int, ...]:
    return tuple(_tags(resource)[path] for path in owner_paths(resource))


@cache
def _paths(resource: str) -> Paths:
    return Paths({(resource, path): tag for path, tag in _tags(resource).items()})


def _columns(owner: str, prefix: str, depth: int) -> Iterator[Column]:
    for name, element in children(owner).items():
        path = f"{prefix}{name}"
        if name in _SKIPPED and not (name == "text" and prefix):
            continue
        if is_primitive(element.type) and element.type != "xhtml":
            kind = "json" if element.repeats else element.type
            if element.type != "base64Binary":
                yield _column(path, kind)
        elif element.type in {"CodeableConcept", "Coding"} or (element.type in _MEMBERS and not element.repeats):
            yield from (_column(f"{path}.{member}", _primitive(member)) for member in _MEMBERS[element.type])
        elif "." in element.type and not element.repeats and depth < MOST_DEEP:
            yield from _columns(element.type, f"{path}.", depth + 1)
        elif element.repeats and element.type == "Reference":
            yield Column(name=path.replace(".", "_"), path=f"{path}.reference", type="json")
        elif element.repeats:
            yield _column(path, "json")


def _primitive(member: str) -> str:
    return "decimal" if member.rsplit(".", maxsplit=1)[-1] == "value" and member != "value.id" else "string"


def _column(path: str, kind: str) -> Column:
    return Column(name=path.replace(".coding.", ".").replace(".", "_"), path=path, type=kind)


def _by_tag(found: Collected, count: int) -> list[Collected]:
    order = np.argsort(found.tag.astype(np.int16), kind="stable")  # a table has some hundred columns; 16 bits sort fast
    edges = np.searchsorted(found.tag[order], np.arange(count + 1))
    return [found.where(order[edges[tag] : edges[tag + 1]]) for tag in range(count)]


def _fill(column: Column, found: Collected, buffer: Bytes, count: int) -> pa.Array:
    if len(found) == 0:
        return pa.nulls(count, column.arrow)
    if column.type == "json":
        return _json_lists(found, buffer, count)
    first = np.flatnonzero(np.diff(found.record, prepend=-1))
    chosen = found.where(first)
    texts = _cast(chosen.texts(buffer), column.arrow)
    if len(chosen) == count:
        return texts
    at = np.full(count, -1, np.int64)
    at[chosen.record] = np.arange(len(chosen))
    return texts.take(pa.array(at, mask=at < 0))


def _cast(texts: pa.Array, kind: pa.DataType) -> pa.Array:
    if kind == pa.string():
        return texts.cast(kind)
    if kind == pa.bool_():
        return pc.equal(texts, "true")
    shaped = pc.match_substring_regex(
        texts, r"^-?\d{1,15}$" if kind == pa.int64() else r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$"
    )
    return pc.if_else(shaped, texts, None).cast(kind)


def _json_lists(found: Collected, buffer: Bytes, count: int) -> pa.Array:
    """Join each record's values as one JSON array. Cost: one pass over the values."""
    quoted = found.kinds == 4
    starts, ends = found.start - quoted, found.end + quoted
    values = column_of(*gather(buffer, starts, ends), pa.large_string()).cast(pa.string())
    edges = np.searchsorted(found.record, np.arange(count + 1)).astype(np.int32)
    lists = pa.ListArray.from_arrays(pa.array(edges), values)
    joined = pc.binary_join_element_wise("[", pc.binary_join(lists, ","), "]", "")
    return pc.if_else(pa.array(np.diff(edges) > 0), joined, None)

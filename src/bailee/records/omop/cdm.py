"""The tables of the OMOP CDM 5.4: fields, types, keys; and the last step of making one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.omop.blocks import blocks

VERSION = "5.4"
_TYPES = {
    "integer": pa.int32(),
    "float": pa.float64(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us", tz="UTC"),
}


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of the CDM. Keys, and what points to one, are 64 bits wide; concepts and counts are 32."""

    name: str
    type: str  # as the CDM says it: integer, float, date, datetime, text, varchar(50)
    required: bool
    key: bool
    target: str  # the table whose key it holds; empty: none, or CONCEPT

    @property
    def arrow(self) -> pa.DataType:
        """Give the field's Arrow type."""
        wide = self.key or self.target or self.name.endswith("_event_id")
        return pa.int64() if wide else _TYPES.get(self.type, pa.string())

    @property
    def longest(self) -> int | None:
        """Give the most characters that a text may have. Units: code points."""
        found = re.fullmatch(r"varchar\((\d+)\)", self.type)
        return int(found[1]) if found else None


@cache
def tables() -> Mapping[str, tuple[Field, ...]]:
    """Give the fields of every table that is made, in the CDM's order."""
    return MappingProxyType({head[0]: tuple(map(_field, lines)) for head, lines in blocks("fields.txt")})


def _field(words: list[str]) -> Field:
    name, kind, *marks = words
    target = next((mark[1:] for mark in marks if mark.startswith(">")), "")
    return Field(name=name, type=kind, required="required" in marks, key="key" in marks, target=target)


@cache
def schema(table: str) -> pa.Schema:
    """Give a table's Arrow schema. Raises: KeyError if the CDM has no such table, or it is not made."""
    return pa.schema([pa.field(field.name, field.arrow, nullable=not field.required) for field in tables()[table]])


@cache
def key_of(table: str) -> str:
    """Name the field that a table is sorted by: its key, or the person's where it has none; empty for neither."""
    fields = tables()[table]
    named = [field.name for field in fields if field.key] or [f.name for f in fields if f.name == "person_id"]
    return named[0] if named else ""


def finish(table: str, columns: Mapping[str, pa.Array], count: int) -> pa.Table:
    """Make a table of its columns: others are null, texts are cut to the CDM's length, rows sorted by the key.

    Shape: `count` rows. Raises: ValueError if a required field has a null.
    """
    arrays = []
    for field in tables()[table]:
        array = columns.get(field.name)
        array = pa.nulls(count, field.arrow) if array is None else array.cast(field.arrow)
        if field.required and array.null_count:
            raise ValueError(f"{table}.{field.name} is required and has {array.null_count} nulls")
        arrays.append(pc.utf8_slice_codeunits(array, 0, field.longest) if field.longest else array)
    made = pa.table(arrays, schema(table))
    key = key_of(table)
    return made.take(pc.sort_indices(made, [(key, "ascending")])) if key and count else made

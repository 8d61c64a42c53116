"""The segments, data types and codes of HL7 v2.5.1 and v2.8.2, laid over each other (`scripts/hl7v2_tables.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

FOLDER: Final = Path(__file__).with_name("tables")


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a segment, or one component of a data type."""

    number: int
    type: str
    required: bool
    repeats: bool
    table: str  # of codes, "0001"; "" if none
    name: str


Elements = Mapping[int, Element]


@cache
def segments() -> Mapping[str, Elements]:
    """Give every segment's fields by number."""
    return _read("segments.tsv")


@cache
def data_types() -> Mapping[str, Elements]:
    """Give the components of every data type that has any."""
    return _read("types.tsv")


@cache
def primitives() -> frozenset[str]:
    """List the data types without components."""
    used = {each.type for owner in (*segments().values(), *data_types().values()) for each in owner.values()}
    return frozenset(used - data_types().keys())


@cache
def codes() -> Mapping[str, frozenset[str]]:
    """Give the codes of each table that HL7 itself lists; what a site adds to one is not among them."""
    return {table: frozenset(listed.split(" ")) for table, listed in _rows("codes.tsv")}


def _rows(name: str) -> list[list[str]]:
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def _read(file: str) -> Mapping[str, Elements]:
    owners: dict[str, dict[int, Element]] = {}
    for owner, number, kind, often, table, name in _rows(file):
        owners.setdefault(owner, {})[int(number)] = Element(
            number=int(number),
            type=kind,
            required="!" in often,
            repeats="*" in often,
            table="" if table == "9999" else table,  # 9999: no table
            name=name,
        )
    return owners

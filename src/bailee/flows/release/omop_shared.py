"""What all parts' OMOP tables point to, handed from the process that made it to those that need it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from bailee.records.omop.context import CodeBook, Index, Shared


def write_shared(folder: Path, shared: Shared) -> None:
    """Write it down, beside the parts; keys only, and codes of drugs."""
    folder.mkdir(exist_ok=True)
    for name, index in (("providers", shared.providers), ("care_sites", shared.care_sites)):
        _write(folder / f"{name}.arrow", pa.table({"key": index.keys, "value": index.values}))
    book = shared.medications
    _write(folder / "medications.arrow", pa.table({"key": book.keys, "system": book.system, "code": book.code}))


def read_shared(folder: Path) -> Shared:
    """Read it back, mapped into memory."""
    providers, care_sites = (_index(folder / f"{name}.arrow") for name in ("providers", "care_sites"))
    book = _read(folder / "medications.arrow")
    codes = (book[name].combine_chunks() for name in ("system", "code"))
    return Shared(providers, care_sites, CodeBook(book["key"].to_numpy(), *codes))


def _index(path: Path) -> Index:
    table = _read(path)
    return Index(table["key"].to_numpy(), table["value"].to_numpy())


def _write(path: Path, table: pa.Table) -> None:
    fresh = path.with_suffix(".fresh")  # whoever has the old one mapped keeps it
    with pa.OSFile(str(fresh), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    fresh.rename(path)


def _read(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()

"""Makes the tables of HL7 v2 (src/bailee/records/hl7v2/tables) from the definitions that the `hl7apy` package carries.

Run: python scripts/hl7v2_tables.py

Versions 2.5.1 and 2.8.2 are laid over each other: what the newer one has wins, what it withdrew stays as the older one
had it. So a message of any version from 2.3 on is read by one table, since fields keep their places.
"""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

VERSIONS = ("v2_5_1", "v2_8_2")
FOLDER = Path(__file__).parent.parent / "src/bailee/records/hl7v2/tables"
SAME = {"CE": "CWE", "TS": "DTM", "DR_SIMPLE": "DR", "CF": "CWE", "CQ_SIMPLE": "CQ", "varies": "VARIES"}
CODE = re.compile(r"[<>]|[A-Za-z0-9][A-Za-z0-9.+\-]{0,23}", re.ASCII)
HEAD = "# HL7 v2.5.1 and v2.8.2 laid over each other; made by scripts/hl7v2_tables.py\n"

Row = tuple[str, str, str, str]  # data type, how often, table, name


def definitions(version: str, what: str) -> dict:
    """Give one of a version's dictionaries."""
    return getattr(import_module(f"hl7apy.{version}.{what}"), what.upper())


def laid_over(tables: list[dict[str, Row]]) -> dict[str, Row]:
    """Lay later definitions over earlier ones; a withdrawn element keeps what it was."""
    rows: dict[str, Row] = {}
    for table in tables:
        for key, row in table.items():
            kind, often, values, name = row
            old = rows.get(key)
            if (kind == "WD" or often == "-") and old is not None:  # what is withdrawn says nothing of its own
                rows[key] = (old[0], "-", old[2], old[3])
            else:
                rows[key] = (kind, often, values or (old[2] if old and old[0] == kind else ""), name)
    return rows


def fields(version: str) -> dict[str, Row]:
    """Give a version's fields, PID-3 and so on."""
    rows = {}
    for segment in filter(None, definitions(version, "segments").values()):
        for key, leaf, bounds, _ in segment[1] or ():  # a segment that stands for any has parts without a leaf
            if leaf is not None:
                rows[key] = row_of(leaf, bounds)
    return rows


def components(version: str) -> dict[str, Row]:
    """Give the components of a version's data types, CX.1 and so on."""
    leaves = definitions(version, "datatypes").items()
    named = {key: leaf for key, leaf in leaves if leaf and key.rpartition("_")[2].isdigit()}
    return {key: row_of(leaf, (0, 1)) for key, leaf in named.items()}


def row_of(leaf: tuple, bounds: tuple[int, int]) -> Row:
    """Write one element as a row."""
    low, high = bounds
    often = ("!" if low else "") + ("" if high == 1 else "*" if high < 0 or high > 1 else "-")
    name = (leaf[3] or "").replace("_", " ").capitalize()
    return (SAME.get(leaf[2], leaf[2] or "VARIES"), often, (leaf[4] or "").removeprefix("HL7"), name)


def order(key: str) -> tuple[str, int]:
    """Sort by owner, then number."""
    owner, _, number = key.rpartition("_")
    return owner, int(number)


def written(rows: dict[str, Row]) -> str:
    """Write rows as lines: owner, number, data type, how often, table, name."""
    lines = []
    for key in sorted(rows, key=order):
        owner, number = order(key)
        if owner not in SAME:
            lines.append("\t".join([owner, str(number), *rows[key]]))
    return HEAD + "\n".join(lines) + "\n"


def main() -> None:
    """Write the three tables."""
    segments = laid_over([fields(version) for version in VERSIONS])
    types = laid_over([components(version) for version in VERSIONS])
    (FOLDER / "segments.tsv").write_text(written(segments))
    (FOLDER / "types.tsv").write_text(written(types))
    used = {row[2] for row in (*segments.values(), *types.values())} - {""}
    codes: dict[str, set[str]] = {}
    for version in VERSIONS:
        for name, entry in definitions(version, "tables").items():
            if entry and entry[1]:
                listed = filter(CODE.fullmatch, map(str, entry[1]))  # not "...", which stands for what a site adds
                codes.setdefault(name.removeprefix("HL7"), set()).update(listed)
        codes.setdefault("0354", set()).update(definitions(version, "messages"))  # structures are listed as messages
    lines = [f"{name}\t{' '.join(sorted(codes[name]))}" for name in sorted(codes) if name in used and codes[name]]
    (FOLDER / "codes.tsv").write_text(HEAD + "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

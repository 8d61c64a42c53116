"""Codes with their systems and words (CWE, CNE): a code leaves if its system is known and it looks like one of its codes."""

from __future__ import annotations

from typing import Final

from bailee.deid.formats.codes import is_code, is_unit, is_version, system_of_name, system_of_oid, table_system
from bailee.records.hl7v2.tables import codes

# Where a code, its words, its system and the system's version stand, counted from 0: once, and twice more for others.
_TRIPLES: Final = ((0, 1, 2, 6), (3, 4, 5, 7), (9, 10, 11, 12))
_ORIGINAL: Final = 8
_OIDS: Final = (13, 16, 19)


def coded_parts(parts: list[str], table: str) -> tuple[list[str], list[int]]:
    """Decide the parts of a coded value. Shape: what each part says → what leaves of it, and which parts are words."""
    out = [""] * len(parts)
    words = [at for at in (1, 4, 10, _ORIGINAL) if at < len(parts) and parts[at]]
    for code, _, system, version in _TRIPLES:
        if code >= len(parts):
            break
        name = parts[system] if system < len(parts) else ""
        url = system_of_name(name)
        if url or name in codes()["0396"]:
            out[system] = name
            if url and version < len(parts) and is_version(parts[version]):
                out[version] = parts[version]
        value = parts[code]
        if is_code(url if name else table_system(table), value) or (not name and is_unit(value)):
            out[code] = value
    for at in _OIDS:
        if at < len(parts) and system_of_oid(parts[at]):
            out[at] = parts[at]
    return out, words

"""Identifiers that name one person in every format: who assigned a number, written in one way, and the number."""

from __future__ import annotations

import re
from typing import Final

Identity = tuple[str, str]  # authority, value
_OID: Final = re.compile(r"(?:urn:oid:)?([0-2](?:\.(?:0|[1-9]\d*)){2,})", re.ASCII)


def authority(name: str) -> str:
    """Write an assigning authority in one way: "oid:…" however an OID is written, a URI, or "ns:…" for a short name.

    Example:
        >>> authority("urn:oid:1.2.3"), authority("1.2.3"), authority("https://Example.org/mrn/"), authority("MAIN")
        ('oid:1.2.3', 'oid:1.2.3', 'https://example.org/mrn', 'ns:main')

    """
    name = name.strip()
    if found := _OID.fullmatch(name):
        return "oid:" + found.group(1)
    return name.rstrip("/").lower() if ":" in name else f"ns:{name.lower()}"

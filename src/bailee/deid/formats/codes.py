"""Code systems by what HL7 v2 and C-CDA call them, and whether a code is one of a system's."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Final

from bailee.deid.profiles.profile import FOLDER, lists, terminologies
from bailee.records import r4
from bailee.records.hl7v2.tables import codes as hl7v2_codes

V3: Final = "http://terminology.hl7.org/CodeSystem/v3-"
TABLE: Final = "v2-table:"
_TABLE_NAME: Final = re.compile(r"HL7(\d{4})", re.ASCII)
_TABLE_OID: Final = re.compile(r"2\.16\.840\.1\.113883\.12\.(\d{1,4})", re.ASCII)
_PLAIN: Final = re.compile(r"\d{1,4}(?:\.\d{1,3}){0,2}|20\d\d-?\d\d(?:-?\d\d)?", re.ASCII)
_SHAPES: Final = {"#": r"\d", "@": "[A-Z]", "&": "[A-Z0-9]", "~": "[a-z]"}


@cache
def _names() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads((FOLDER / "formats" / "systems.toml").read_text("utf-8"))


def system_of_name(name: str) -> str:
    """Give the system that HL7 v2 calls LN, SCT, HL70001 …; "" for one that is not known.

    Example:
        >>> system_of_name("LN"), system_of_name("HL70001"), system_of_name("99LAB")
        ('http://loinc.org', 'v2-table:0001', '')

    """
    if found := _TABLE_NAME.fullmatch(name):
        return table_system(found[1])
    return _names()["names"].get(name.upper(), "")


def system_of_oid(oid: str) -> str:
    """Give the system that C-CDA names by an OID; "" for one that is not known."""
    found = _TABLE_OID.fullmatch(oid)
    return _names()["oids"].get(oid, "") or (table_system(found[1].zfill(4)) if found else "")


def table_system(table: str) -> str:
    """Give the system of an HL7 v2 table; "" if HL7 lists no codes for it."""
    return TABLE + table if table in hl7v2_codes() else ""


def is_code(system: str, code: str) -> bool:
    """Tell whether a text is a code of a system: one of those listed, or one that looks like its codes."""
    if not system or not code:
        return False
    known = _codes(system)
    return code in known if isinstance(known, frozenset) else known.fullmatch(code) is not None


@cache
def _codes(system: str) -> frozenset[str] | re.Pattern[str]:
    if system.startswith(TABLE):
        return hl7v2_codes()[system.removeprefix(TABLE)]
    terminology = terminologies().get(system)
    if terminology is None:
        return r4.system_codes(system) if system in r4.systems() else frozenset()
    if terminology.only:
        return frozenset(lists()[terminology.only])
    if terminology.chars:
        return re.compile(f"[{re.escape(terminology.chars)}]{{1,{terminology.longest}}}", re.ASCII)
    return pattern_of(terminology.shapes)


def pattern_of(shapes: tuple[str, ...]) -> re.Pattern[str]:
    """Make a pattern of shapes: # is a digit, @ is A-Z, & is A-Z or a digit, ~ is a-z."""
    every = ("".join(_SHAPES.get(letter, re.escape(letter)) for letter in shape) for shape in shapes)
    return re.compile("|".join(every), re.ASCII)


def is_unit(text: str) -> bool:
    """Tell whether a text is a common unit, of UCUM or in words."""
    return text in _units()


@cache
def _units() -> frozenset[str]:
    return frozenset(lists()["@units"])


def is_version(text: str) -> bool:
    """Tell whether a text is the version of a code system, in digits."""
    return _PLAIN.fullmatch(text) is not None

"""The classes of CDA R2 with the sdtc extensions: which elements each has, and of what type."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

V3: Final = "urn:hl7-org:v3"
SDTC: Final = "urn:hl7-org:sdtc"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
PREFIXES: Final = {V3: "", SDTC: "sdtc:", XSI: "xsi:"}
_EVERYWHERE: Final = {"realmCode": "CS.Realm", "typeId": "TemplateId", "templateId": "TemplateId"}
# What an xsi:type may say, and which type of ours it is.
CONCRETE: Final = {
    **dict.fromkeys(("CD", "CE", "CV", "CO", "CS"), "CD"),
    **dict.fromkeys(("PQ", "INT", "REAL", "BL", "BN", "ST", "ED", "TS", "IVL_TS", "PIVL_TS", "EIVL_TS"), ""),
    **dict.fromkeys(("SXPR_TS", "IVL_PQ", "IVL_INT", "IVL_REAL", "MO", "II", "TEL", "URL", "AD", "SC"), ""),
    **dict.fromkeys(("EN", "PN", "ON", "TN"), "EN"),
    **dict.fromkeys(("RTO", "RTO_PQ_PQ", "RTO_MO_PQ", "RTO_QTY_QTY"), "RTO"),
    "SXCM_TS": "TS",
}
# What may stand for what: a value of a general type tells its own.
GENERAL: Final = {
    "ANY": frozenset(CONCRETE),
    "GTS": frozenset({"TS", "IVL_TS", "PIVL_TS", "EIVL_TS", "SXPR_TS", "SXCM_TS"}),
}


@cache
def classes() -> Mapping[str, Mapping[str, str]]:
    """Give every class's elements and their types; names of the namespace sdtc begin with "sdtc:"."""
    found: dict[str, dict[str, str]] = {}
    for line in Path(__file__).with_name("model.txt").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        name, *elements = line.split()
        own = dict(element.rsplit(":", 1) for element in elements)
        found[name] = own if name in DATA_TYPES else {**_EVERYWHERE, **own}
    return found


DATA_TYPES: Final = frozenset(
    {"CD", "CR", "IVL_TS", "PIVL_TS", "EIVL_TS", "SXPR_TS", "PQ", "PQR", "IVL_PQ", "IVL_INT", "IVL_REAL", "RTO"}
)


@cache
def types() -> frozenset[str]:
    """List every type that an element may have."""
    return frozenset(kind for elements in classes().values() for kind in elements.values()) | frozenset(
        CONCRETE[name] or name for name in CONCRETE
    )


@cache
def fragments() -> Mapping[str, str]:
    """Tell the class of an element that may be the outermost: of a document, or of a part that stands alone."""
    found: dict[str, set[str]] = {}
    for elements in classes().values():
        for name, kind in elements.items():
            if kind in classes() and kind not in DATA_TYPES and ":" not in name:
                found.setdefault(name, set()).add(kind)
    sure = {name: next(iter(kinds)) for name, kinds in found.items() if len(kinds) == 1}
    return {**sure, "ClinicalDocument": "ClinicalDocument"}


@lru_cache(maxsize=4096)
def local_name(tag: str) -> str:
    """Write a tag as the model does: "section", "sdtc:raceCode"; "" for another namespace."""
    space, _, name = tag[1:].partition("}") if tag.startswith("{") else ("", "", tag)
    prefix = PREFIXES.get(space)
    return "" if prefix is None else prefix + name


def attribute_name(tag: str) -> str:
    """Write an attribute as rules do: "value", "sdtc:valueSet"; "" for another namespace."""
    return local_name(tag) if tag.startswith("{") else tag

"""Purposes of use and which lie below which: a part of HL7 v3 ActReason, PurposeOfUse.

A refusal for a purpose holds for everything below it, and for an ask that is so broad that it includes it. A
permission for a purpose holds for what lies below it and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ActReason"

PARENTS: Mapping[str, str] = {
    "TREAT": "PurposeOfUse",
    "CAREMGT": "TREAT",
    "CLINTRL": "TREAT",
    "ETREAT": "TREAT",
    "BTG": "ETREAT",
    "ERTREAT": "ETREAT",
    "POPHLTH": "TREAT",
    "TRAIN": "TREAT",
    "COC": "TREAT",
    "HPAYMT": "PurposeOfUse",
    "CLMATTCH": "HPAYMT",
    "COVAUTH": "HPAYMT",
    "COVERAGE": "HPAYMT",
    "ELIGDTRM": "COVERAGE",
    "ELIGVER": "COVERAGE",
    "ENROLLM": "COVERAGE",
    "MILDCRG": "COVERAGE",
    "REMITADV": "HPAYMT",
    "HOPERAT": "PurposeOfUse",
    "CAREMGTOP": "HOPERAT",
    "DONAT": "HOPERAT",
    "FRAUD": "HOPERAT",
    "GOV": "HOPERAT",
    "HACCRED": "HOPERAT",
    "HCOMPL": "HOPERAT",
    "HDECD": "HOPERAT",
    "HDIRECT": "HOPERAT",
    "HDM": "HOPERAT",
    "HLEGAL": "HOPERAT",
    "HOUTCOMS": "HOPERAT",
    "HPRGRP": "HOPERAT",
    "HQUALIMP": "HOPERAT",
    "HSYSADMIN": "HOPERAT",
    "LABELING": "HOPERAT",
    "METAMGT": "HOPERAT",
    "MEMADMIN": "HOPERAT",
    "PATADMIN": "HOPERAT",
    "PATSFTY": "HOPERAT",
    "PERFMSR": "HOPERAT",
    "RECORDMGT": "HOPERAT",
    "SYSDEV": "HOPERAT",
    "HTEST": "HOPERAT",
    "TRAINOP": "HOPERAT",
    "HMARKT": "PurposeOfUse",
    "HRESCH": "PurposeOfUse",
    "BIORCH": "HRESCH",
    "CLINTRCH": "HRESCH",
    "CLINTRCHNPC": "CLINTRCH",
    "CLINTRCHPC": "CLINTRCH",
    "PRECLINTRCH": "CLINTRCH",
    "DSRCH": "HRESCH",
    "POARCH": "HRESCH",
    "TRANSRCH": "HRESCH",
    "PATRQT": "PurposeOfUse",
    "FAMRQT": "PATRQT",
    "PWATRNY": "PATRQT",
    "SUPNWK": "PATRQT",
    "PUBHLTH": "PurposeOfUse",
    "DISASTER": "PUBHLTH",
    "THREAT": "PUBHLTH",
    "LEGAL": "PurposeOfUse",
}
KNOWN: frozenset[str] = frozenset(PARENTS) | {"PurposeOfUse"}


def above(code: str) -> frozenset[str]:
    """Give a purpose and all that lie above it. Raises: KeyError if it is unknown."""
    found = {code}
    while code != "PurposeOfUse":
        code = PARENTS[code]
        found.add(code)
    return frozenset(found)


@lru_cache(maxsize=4096)
def covered_by(purposes: frozenset[str]) -> frozenset[str]:
    """Give everything that a permission for these purposes holds for."""
    return frozenset(code for code in KNOWN if not above(code).isdisjoint(purposes))


@lru_cache(maxsize=4096)
def touched_by(purposes: frozenset[str]) -> frozenset[str]:
    """Give everything that a refusal for these purposes holds for; an unknown purpose touches everything."""
    if not purposes <= KNOWN:
        return KNOWN
    return covered_by(purposes).union(*(above(code) for code in purposes))

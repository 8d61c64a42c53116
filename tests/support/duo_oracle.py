"""A second reading of the use terms, written as one table of sentences and nothing of ours: slow, plain, row by row."""

from __future__ import annotations

from typing import Any

# permission → aims that it allows
LATTICE = {
    "NRES": {"NRES", "GRU", "HMB", "DS", "POA"},
    "GRU": {"GRU", "HMB", "DS", "POA"},
    "HMB": {"HMB", "DS"},
    "DS": {"DS"},
    "POA": {"POA"},
}
CODES = {
    "NRES": "DUO:0000004",
    "GRU": "DUO:0000042",
    "HMB": "DUO:0000006",
    "DS": "DUO:0000007",
    "POA": "DUO:0000011",
    "RS": "DUO:0000012",
    "NMDS": "DUO:0000015",
    "GSO": "DUO:0000016",
    "NPUNCU": "DUO:0000018",
    "PUB": "DUO:0000019",
    "COL": "DUO:0000020",
    "IRB": "DUO:0000021",
    "GS": "DUO:0000022",
    "MOR": "DUO:0000024",
    "TS": "DUO:0000025",
    "US": "DUO:0000026",
    "PS": "DUO:0000027",
    "IS": "DUO:0000028",
    "RTN": "DUO:0000029",
    "CC": "DUO:0000043",
    "NPOA": "DUO:0000044",
    "NPU": "DUO:0000045",
    "NCU": "DUO:0000046",
}


def oracle(
    permission: str | None, modifiers: frozenset[str], use: dict[str, Any], *, below: bool, in_time: bool
) -> str:
    """Answer DENY, HUMAN or PERMIT. `below`: the use's disease lies below the terms'; `in_time`: before TS ends."""
    if permission is None or permission not in LATTICE:
        return "DENY"
    denials = [
        use["aim"] not in LATTICE[permission],
        use["aim"] == "DS" and use["disease"] is None,
        permission == "DS" and not below,
        permission in {"HMB", "DS"} and use["ancestry"] is not False,
        use["clinical"] is None,
        use["clinical"] is True and "CC" not in modifiers and permission != "NRES",
        "NMDS" in modifiers and use["methods"] is not False,
        "GSO" in modifiers and use["genetic"] is not True,
        "NPUNCU" in modifiers and not (use["non_profit"] is True and use["commercial"] is False),
        "NPU" in modifiers and use["non_profit"] is not True,
        "NCU" in modifiers and use["commercial"] is not False,
        "NPOA" in modifiers and use["ancestry"] is not False,
        "IRB" in modifiers and use["board"] is not True,
        "GS" in modifiers and use["region"] != "US",
        "TS" in modifiers and not in_time,
        "US" in modifiers and use["user"] != "u1",
        "PS" in modifiers and use["project"] != "p1",
        "IS" in modifiers and use["institution"] != "i1",
        "RS" in modifiers and use["research_type"] is None,
    ]
    if any(denials):
        return "DENY"
    doubts = ["COL" in modifiers, "RS" in modifiers and use["research_type"] != "t1"]
    return "HUMAN" if any(doubts) else "PERMIT"

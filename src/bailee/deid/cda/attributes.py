"""The methods on an attribute. None: it may not leave."""

from __future__ import annotations

import re
from typing import Final

from bailee.deid.formats.codes import V3, is_code, is_unit
from bailee.deid.formats.moments import is_moment
from bailee.deid.formats.persons import Ids, Person
from bailee.deid.formats.rules import Rule
from bailee.deid.hl7v2.leaves import NUMBER, moment

_JOIN: Final = re.compile(r"[/.]")
_EXPONENT: Final = re.compile(r"-?\d$")
MOST: Final = {"a": 90, "mo": 1080, "wk": 4696, "d": 32872}


def attribute(rule: Rule, value: str, person: Person, ids: Ids) -> str | None:
    """Decide one attribute's value."""
    match rule.method:
        case "keep":
            return value if rule.unchecked or rule.allows(value) else None
        case "code":
            return value if all(is_code(V3 + rule.argument, each) for each in value.split()) and value.split() else None
        case "number":
            return value if NUMBER.fullmatch(value) else None
        case "date":
            return value if is_moment(value.strip()) else None
        case "unit":
            return value if is_known_unit(value) else None
        case "year" | "birth-year" | "shift":
            return moment(rule, value.strip(), person)
        case "name":
            return ids.name(value)
        case "link":
            return f"#{ids.name(value[1:])}" if value.startswith("#") and len(value) > 1 else None
    return None


def is_known_unit(unit: str) -> bool:
    """Tell whether a unit is made of common ones: "mg", "mL/min", "10*3/uL"; no words in braces but common ones.

    Example:
        >>> is_known_unit("mL/min"), is_known_unit("/d"), is_known_unit("{Doe}")
        (True, True, False)

    """
    if is_unit(unit):
        return True
    parts = [part for part in _JOIN.split(unit) if part]
    return bool(parts) and all(is_unit(part) or is_unit(_EXPONENT.sub("", part)) or part == "1" for part in parts)


def folded(value: str, unit: str) -> str:
    """Fold an age above 89 to 90; a number in another unit stays. Source: 45 CFR 164.514(b)(2)(i)(C)."""
    most = MOST.get(unit)
    if most is None or not NUMBER.fullmatch(value) or float(value) < most:
        return value
    return str(most)

"""The methods on one value, after its escapes are undone. None: it may not leave."""

from __future__ import annotations

import re
from typing import Final

from bailee.deid.formats import moments
from bailee.deid.formats.codes import is_code, table_system
from bailee.deid.formats.persons import Person
from bailee.deid.formats.rules import Rule
from bailee.deid.hl7v2.plan import Node

NUMBER: Final = re.compile(r"[+-]?\d{1,8}(?:\.\d{1,9})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_DATES: Final = frozenset({"DTM", "DT"})


def keep(node: Node, rule: Rule, value: str) -> str | None:
    """Let a value stay if it is what belongs there."""
    if rule.unchecked:
        return value
    if rule.values or rule.pattern:
        return value if rule.allows(value) else None
    return value if is_of_type(node.type, value) else None


def is_of_type(kind: str, value: str) -> bool:
    """Tell whether a value looks like one of a type that needs no list: a number, a date, a time."""
    if kind in _DATES:
        return moments.is_moment(value)
    if kind == "TM":
        return moments.is_time(value)
    return kind in {"NM", "SI"} and NUMBER.fullmatch(value) is not None


def code(node: Node, rule: Rule, value: str) -> str | None:
    """Let a code of the element's table stay, or one that the rule names."""
    system = table_system(node.table) if node.table else ""
    return value if is_code(system, value) or rule.allows(value) else None


def moment(rule: Rule, value: str, person: Person) -> str | None:
    """Cut a date to its year, or move it."""
    if rule.method == "birth-year":
        return moments.birth_year(value, ninety=person.ninety)
    if rule.method == "shift" and person.shift_days is not None:
        return moments.shifted(value, person.shift_days)
    return moments.year(value)


# Ages above 89 years, by the unit that an age is counted in. Source: 45 CFR 164.514(b)(2)(i)(C).
_MOST: Final = {
    **dict.fromkeys(("a", "y", "yr", "yrs", "year", "years"), 90),
    **dict.fromkeys(("mo", "mon", "month", "months"), 1080),
    **dict.fromkeys(("wk", "week", "weeks"), 4696),
    **dict.fromkeys(("d", "day", "days"), 32872),
}


def folded(value: str, unit: str) -> str:
    """Fold an age above 89 to 90; a number in another unit stays."""
    most = _MOST.get(unit.strip().lower())
    if most is None or not NUMBER.fullmatch(value):
        return value
    return str(most) if float(value) >= most else value

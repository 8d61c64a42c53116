"""One identifier into what stands for it: which rule a label calls, and what happens where the rule cannot read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from bailee.deid.notes.found import (
    AGE,
    CONTACT,
    DATE,
    FACILITY,
    ID,
    LABELS,
    LOCATION,
    NAME,
    ORGANIZATION,
)
from bailee.deid.notes.surrogates.dates import date_for
from bailee.deid.notes.surrogates.names import name_for
from bailee.deid.notes.surrogates.numbers import age_for, contact_for, number_for
from bailee.deid.notes.surrogates.persons import Subject
from bailee.deid.notes.surrogates.places import facility_for, location_for

_RULES: Final[dict[int, Callable[[Subject, str], str | None]]] = {
    NAME: name_for,
    AGE: lambda _subject, text: age_for(text),
    LOCATION: location_for,
    ID: number_for,
    CONTACT: contact_for,
    FACILITY: facility_for,
    ORGANIZATION: facility_for,
}


_LOOKS_LIKE_DATE: Final = re.compile(r"\d{1,2}([-/.])\d{1,2}\1(?:\d{4}|\d{2})|\d{4}([-/.])\d{1,2}\2\d{1,2}")

# What may leave as it was: years, ages up to 89, states.
_MAY_STAY: Final = frozenset({DATE, AGE, LOCATION})


def tag(label: int) -> str:
    """Give the tag that stands for an identifier, such as `[NAME]`."""
    return f"[{LABELS[label]}]"


def surrogate_for(subject: Subject, label: int, text: str, *, day_first: bool = False) -> str:
    """Give the surrogate of an identifier; its tag where no rule could read it, or where the surrogate were the chart's own.

    Dates and ages are not compared with the chart: a moved date may meet another date. Marks without a letter or digit stay.
    """
    if not any(map(str.isalnum, text)):
        return text
    made = None
    if label == DATE or (label == ID and _LOOKS_LIKE_DATE.fullmatch(text)):
        made = date_for(subject, text, day_first=day_first)
    if made is None and label in _RULES:
        made = _RULES[label](subject, text)
    if made is None or (made == text and label not in _MAY_STAY):
        return tag(label)
    return made if label in {DATE, AGE} or subject.allows(made) else tag(label)

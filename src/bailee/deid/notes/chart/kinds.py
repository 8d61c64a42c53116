"""The kinds of identifiers that a chart holds, and how each is looked for. Numbers are shared with `kernels/chart.h`."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from bailee.deid.notes.found import CONTACT, DATE, FACILITY, ID, LOCATION, NAME, ORGANIZATION, OTHER


class Role(IntEnum):
    """What a value's words do. From GIVEN to WIRE words are compared, NUMBER by characters, DAY by the calendar."""

    FULL = 0  # a whole name: split before it is looked for
    GIVEN = 1
    FAMILY = 2
    PLACE = 3
    STREET = 4
    BODY = 5  # a facility or organization
    WIRE = 6  # e-mail, URL, handle, an identifier of letters only
    NUMBER = 7
    DAY = 8
    NONE = 9  # not looked for


PERSONS: Final = ("name", "relative", "clinician")

_NAMES: Final = {
    f"{person}-{part}": (role, NAME)
    for person in PERSONS
    for part, role in (
        ("given", Role.GIVEN),
        ("family", Role.FAMILY),
        ("full", Role.FULL),
        ("maiden", Role.FAMILY),
        ("nick", Role.GIVEN),
    )
}

KINDS: Final[dict[str, tuple[Role, int]]] = {
    **_NAMES,
    "facility": (Role.BODY, FACILITY),
    "organization": (Role.BODY, ORGANIZATION),
    "city": (Role.PLACE, LOCATION),
    "district": (Role.PLACE, LOCATION),
    "street": (Role.STREET, LOCATION),
    "postal-code": (Role.NUMBER, LOCATION),
    "phone": (Role.NUMBER, CONTACT),
    "email": (Role.WIRE, CONTACT),
    "url": (Role.WIRE, CONTACT),
    "handle": (Role.WIRE, CONTACT),
    "id": (Role.NUMBER, ID),
    "date-birth": (Role.DAY, DATE),
    "date": (Role.DAY, DATE),
    # male or female: surrogates of given names follow it
    **{f"{person}-gender": (Role.NONE, OTHER) for person in PERSONS},
}

NAMES: Final = tuple(KINDS)
NUMBER_OF: Final = {name: number for number, name in enumerate(NAMES)}
ROLES: Final = tuple(int(role) for role, _ in KINDS.values())
LABELS_OF: Final = tuple(label for _, label in KINDS.values())

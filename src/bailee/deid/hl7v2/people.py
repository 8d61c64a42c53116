"""Whom a message is about, and which identifiers it knows of them: whatever its data types say is a name, a place, a number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from bailee.deid.formats.identities import Identity, authority
from bailee.records.hl7v2.escapes import Delimiters
from bailee.records.hl7v2.message import Message, Segment
from bailee.records.hl7v2.tables import segments

Parts = list[list[str]]
Taken = Callable[[Parts, str], Iterator[tuple[str, str]]]

_PATIENT: Final = frozenset({"PID-5", "PID-9", "MRG-7"})
_IDS: Final = frozenset({"PID-19", "IN1-36", "IN1-8", "IN2-2", "IN2-6", "IN2-8", "GT1-12", "NK1-37"})
_SHORTEST: Final = 4  # an id of fewer characters would be found in every number


@dataclass(repr=False)
class Context:
    """A stretch of a message that is about one patient, from segment `first` on.

    `values` are (kind, value, person) as charts hold them; `birth` and `death` as they stand.
    """

    first: int
    identities: list[Identity] = field(default_factory=list)
    birth: str = ""
    death: str = ""
    described: str = ""  # name, birth date and sex, for a patient without a number
    values: list[tuple[str, str, int]] = field(default_factory=list)
    others: list[list[Identity]] = field(default_factory=list)  # merged into this patient

    @property
    def numbers(self) -> frozenset[str]:
        """Give the identifying numbers that have nothing but digits, as they might stand in a place for numbers."""
        told = (re.sub(r"[^0-9]", "", value) for kind, value, _ in self.values if kind in {"id", "phone"})
        return frozenset(number for number in told if len(number) > _SHORTEST)

    def __repr__(self) -> str:
        return f"Context({len(self.identities)} identifiers, {len(self.values)} values)"


def contexts_of(message: Message, codec: str, *, charts: bool = True) -> list[Context]:
    """Tell whom each stretch of a message is about: from one PID to the next; what is before the first is the first's.

    `charts` False: only whom, not what the message knows of them.
    """
    marks = message.delimiters

    def said(raw: str) -> str:
        return marks.unescape(raw, codec)

    contexts = [Context(0)]
    assigner = assigner_of(message)
    met = False
    for at, segment in enumerate(message.segments):
        if segment.name == "PID":
            if met:
                contexts.append(Context(at))
            met = True
            _identify(contexts[-1], segment, marks, said, assigner)
        if segment.name == "MRG":
            contexts[-1].others.append(identities_of([segment.field(1)], marks, said, assigner))
        if charts:
            _gather(contexts[-1], segment, marks, said)
    return contexts


def assigner_of(message: Message) -> str:
    """Tell who assigned a number that names nobody: the facility that sends the message."""
    first = message.segments[0]
    sender = first.field(4).split(message.delimiters.component)[0].strip() if first.name == "MSH" else ""
    return f"facility:{sender.lower()}" if sender else ""


def identities_of(
    fields: Sequence[str], marks: Delimiters, said: Callable[[str], str], assigner: str
) -> list[Identity]:
    """List the identifiers of CX fields, each by every way in which its authority is named."""
    found: list[Identity] = []
    for raw in (each for value in fields if value for each in value.split(marks.repeat)):
        parts = [said(part) for part in raw.split(marks.component)]
        value = parts[0].strip()
        if not value or value == '""':
            continue
        names = _authorities(parts[3], marks.sub) if len(parts) > 3 else []
        found += [(authority(name), value) for name in names] or [(assigner, value)]
    return found


def identity_of(kind: str, parts: list[str], sub: str) -> tuple[str, str]:
    """Give the value of a CX or EI and who assigned it, the surest name of that one."""
    names = _authorities(parts[3], sub) if kind == "CX" and len(parts) > 3 else []
    if kind == "EI":
        names = [name.strip() for name in (*parts[2:3], *parts[1:2]) if name.strip()]
    return parts[0].strip(), authority(names[0]) if names else ""


def _authorities(named: str, sub: str) -> list[str]:
    """List the ways in which an HD names an authority, the surest first: OID or URI, then the short name."""
    space, universal, *_ = [*(part.strip() for part in (named.split(sub) if sub else [named])), "", ""]
    return [name for name in (universal, space) if name]


def _identify(context: Context, segment: Segment, marks: Delimiters, said: Callable[[str], str], assigner: str) -> None:
    context.identities = identities_of([segment.field(number) for number in (3, 2, 4)], marks, said, assigner)
    context.birth, context.death = (said(segment.field(number)).split(marks.component)[0] for number in (7, 29))
    name = said(segment.field(5)).upper()
    if name.strip(marks.component + " ") and context.birth:
        context.described = "|".join([name, context.birth, segment.field(8)])


# ---- what a chart takes ---------------------------------------------------------------------------------------------


def _gather(context: Context, segment: Segment, marks: Delimiters, said: Callable[[str], str]) -> None:
    name, fields, shift = segment.name, segment.fields, 1 - segment.first
    last = len(fields) - 1 - shift
    for number, kind in _telling().get(name, ()):
        if number > last:
            break
        raw = fields[number + shift]
        if not raw:
            continue
        taken = _TAKEN.get(kind or segment.field(2).strip())
        if taken is not None:
            _take(context, f"{name}-{number}", raw, taken, marks, said)
    if name == "PID":
        context.values += [(kind, value, 0) for kind, value in _of_pid(segment, marks, said) if value.strip(' "')]


def _take(context: Context, path: str, raw: str, taken: Taken, marks: Delimiters, said: Callable[[str], str]) -> None:
    own = path in _PATIENT or (path.startswith("PID-") and path != "PID-6")
    for each in raw.split(marks.repeat) if marks.repeat in raw else (raw,):
        parts = [[said(sub) for sub in _split(part, marks.sub)] for part in each.split(marks.component)]
        person = 0 if own else len(context.values) + 4
        context.values += [(name, value, person) for name, value in taken(parts, path) if value.strip(' "')]


@cache
def _telling() -> Mapping[str, tuple[tuple[int, str], ...]]:
    """List the fields of each segment that name somebody, and their types; "" for OBX-5, whose type OBX-2 tells."""
    found = {}
    for name, fields in segments().items():
        kinds = {number: "ID" if f"{name}-{number}" in _IDS else each.type for number, each in fields.items()}
        told = [(number, kind) for number, kind in sorted(kinds.items()) if kind in _TAKEN]
        found[name] = tuple(sorted([*told, (5, "")])) if name == "OBX" else tuple(told)
    return found


def _of_pid(segment: Segment, marks: Delimiters, said: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    birth, death, place, sex = (said(segment.field(number).split(marks.component)[0]) for number in (7, 29, 23, 8))
    yield "date-birth", _day(birth)
    yield "date", _day(death)
    yield "city", place
    yield "name-gender", {"M": "male", "F": "female"}.get(sex, "")


def _day(moment: str) -> str:
    found = re.match(r"(\d{4})(\d\d)(\d\d)", moment)
    return "-".join(found.groups()) if found else ""


def _split(part: str, sub: str) -> list[str]:
    return part.split(sub) if sub else [part]


def _at(parts: Parts, number: int) -> str:
    return parts[number - 1][0].strip() if len(parts) >= number else ""


def _person(parts: Parts, path: str) -> Iterator[tuple[str, str]]:
    who = "name" if path in _PATIENT else "relative"
    yield from _named(parts, who, 1)
    if path == "PID-6":
        yield "relative-maiden", _at(parts, 1)


def _clinician(parts: Parts, path: str) -> Iterator[tuple[str, str]]:
    del path
    yield from _named(parts, "clinician", 2)
    yield from _number(parts, "")


def _named(parts: Parts, who: str, first: int) -> Iterator[tuple[str, str]]:
    family = parts[first - 1] if len(parts) >= first else []
    for name in family[:3]:
        yield f"{who}-family", name.strip()
    yield f"{who}-given", _at(parts, first + 1)
    for name in _at(parts, first + 2).split():
        yield f"{who}-given", name


def _address(parts: Parts, path: str) -> Iterator[tuple[str, str]]:
    del path
    streets = [*(parts[0] if parts else []), _at(parts, 2)]
    for street in streets:
        yield "street", street.strip()
    yield "city", _at(parts, 3)
    yield "postal-code", _at(parts, 5)
    yield "district", _at(parts, 9)


def _telecom(parts: Parts, path: str) -> Iterator[tuple[str, str]]:
    del path
    yield "phone" if any(letter.isdigit() for letter in _at(parts, 1)) else "handle", _at(parts, 1)
    yield "email" if "@" in _at(parts, 4) else "handle", _at(parts, 4)
    number = "".join(_at(parts, each) for each in (6, 7))
    yield "phone", number if len(number) >= _SHORTEST else ""
    yield "phone", _at(parts, 12)


def _organization(parts: Parts, path: str) -> Iterator[tuple[str, str]]:
    del path
    yield "organization", _at(parts, 1) if len(_at(parts, 1)) >= _SHORTEST else ""


def _place(parts: Parts, path: str) -> Iterator[tuple[str, str]]:
    del path
    for number in (4, 7):
        yield "facility", _at(parts, number) if len(_at(parts, number)) >= _SHORTEST else ""


def _number(parts: Parts, path: str) -> Iterator[tuple[str, str]]:
    del path
    yield "id", _at(parts, 1) if len(_at(parts, 1)) >= _SHORTEST else ""


_TAKEN: Final[dict[str, Taken]] = {
    "XPN": _person,
    "XCN": _clinician,
    "CNN": _clinician,
    "PPN": _clinician,
    "XAD": _address,
    "AD": _address,
    "XTN": _telecom,
    "XON": _organization,
    "PL": _place,
    "CX": _number,
    "EI": _number,
    "DLN": _number,
    "ID": _number,
}

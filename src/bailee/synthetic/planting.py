"""Records of every R4 type with a canary in every element that can hold text, built from the element tables."""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bailee.records.r4.tables import Element, children, code_set, is_primitive, owners, resource_types
from bailee.synthetic.canaries import CLASSES, Flock

_LIKED = (
    "active",
    "final",
    "completed",
    "current",
    "finished",
    "available",
    "draft",
    "order",
    "official",
    "generated",
    "2",
)
_FIXED: dict[str, Any] = {
    "boolean": True,
    "integer": 3,
    "positiveInt": 2,
    "unsignedInt": 2,
    "decimal": 1.5,
    "time": "11:52:37",
}
_PLAIN_CODES = {"language": "en", "contentType": "text/plain", "type": "Patient", "unit": "mg"}
_HINTS = {
    "family": "A", "given": "A", "name": "A", "display": "A", "author": "A", "line": "B", "city": "B", "district": "B", "address": "B", "postalCode": "B",
    "serialNumber": "M", "lotNumber": "M", "deviceIdentifier": "M", "url": "N", "instantiatesUri": "N",
}  # fmt: skip
_FREE = {
    "text",
    "comment",
    "description",
    "conclusion",
    "note",
    "summary",
    "purpose",
    "content",
    "patientInstruction",
    "additionalInstruction",
    "reason",
}
_IN_WORDS = {
    "A": "Spoke with {}, who is at the bedside.", "B": "Lives at {}.", "C": "Last seen on {}.", "D": "Call {} with results.", "E": "Fax: {}.",
    "F": "Email: {}.", "G": "SSN: {}.", "H": "Medical record number: {}.", "I": "Member ID: {}.", "J": "Account number: {}.", "K": "License no. {}.",
    "L": "VIN: {}.", "M": "Serial number {}.", "N": "See {}.", "O": "Logged in from IP address {}.", "P": "Fingerprint ID: {}.", "Q": "Photograph {}.",
    "R": "Study ID: {}.",
}  # fmt: skip
_MOST_DEEP = 2  # data types within data types


class Planter:
    """Builds records and remembers where each canary went. `patient` is the id that all references to a patient use."""

    def __init__(self, flock: Flock, *, modifiers: bool = False) -> None:
        self.flock = flock
        self.places: dict[int, str] = {}
        self.patient = self._identifier("Patient.id")
        self._modifiers = modifiers
        self._turns: Counter[str] = Counter()
        self._planted: dict[tuple[str, str], str] = {}
        self._letters = 0

    def records(self) -> Iterator[dict[str, Any]]:
        """Build records of all 146 types; as many of a type as the longest of its own choices has options."""
        for kind in resource_types():
            for turn in range(_options(kind)):
                yield self.record(kind, turn)

    def record(self, kind: str, turn: int = 0, *, contained: bool = False) -> dict[str, Any]:
        """Build one record; its own choices take option `turn`."""
        known = self.patient if kind == "Patient" and not contained and turn == 0 else self._identifier(f"{kind}.id")
        return {"resourceType": kind, "id": known} | self._object(
            kind, kind, (kind,), turn, contained=contained, given=("id",)
        )

    def _object(
        self,
        owner: str,
        path: str,
        above: tuple[str, ...],
        turn: int,
        *,
        contained: bool = False,
        given: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        made: dict[str, Any] = {}
        chosen = self._chosen(owner, turn)
        for element in children(owner).values():
            if element.name in given or (element.choice and chosen[element.choice] != element.name):
                continue
            if self._left_out(element, above, contained=contained):
                continue
            place = f"{path}.{element.name}"
            made[element.name] = self._member(element, place, above, turn)
            if _typed(above) == 0 and is_primitive(element.type) and element.type != "xhtml" and element.name != "id":
                self._shadow(made, element, place)
        return made

    def _chosen(self, owner: str, turn: int) -> dict[str, str]:
        options: dict[str, list[str]] = {}
        for element in children(owner).values():
            if element.choice:
                options.setdefault(element.choice, []).append(element.name)
        own = owners()[owner].kind in {"resource", "backbone"}
        picks = {}
        for choice, names in options.items():
            key = f"{owner}.{choice}"
            picks[choice] = names[(turn if own else self._turns[key]) % len(names)]
            self._turns[key] += 1
        return picks

    def _left_out(self, element: Element, above: tuple[str, ...], *, contained: bool) -> bool:
        if element.name == "modifierExtension":
            return not (self._modifiers and len(above) == 1)
        if element.name == "contained":
            return contained
        if element.type == "Resource":
            return contained or len(above) > 3
        if is_primitive(element.type) or element.required:
            return False
        return _typed(above) >= _MOST_DEEP or element.type in above

    def _member(self, element: Element, place: str, above: tuple[str, ...], turn: int) -> Any:
        value = self._value(element, place, above, turn)
        return [value] if element.repeats else value

    def _value(self, element: Element, place: str, above: tuple[str, ...], turn: int) -> Any:
        if element.type == "Resource":
            return self.record("Patient" if turn % 2 == 0 else "Practitioner", contained=True)
        if element.type == "Reference":
            return self._reference(element, place)
        if element.type == "Extension":
            return self._extension(place, above)
        if is_primitive(element.type):
            return self._primitive(element, place)
        return self._object(element.type, place, (*above, element.type), turn)

    def _reference(self, element: Element, place: str) -> dict[str, Any]:
        patient = "Patient" in element.targets or not element.targets
        target = (
            f"Patient/{self.patient}" if patient else f"{element.targets[0]}/{self._plant('R', place + '.reference')}"
        )
        return {
            "reference": target,
            "identifier": {
                "system": self._plant("N", _head(place) + " Reference.identifier.system"),
                "value": self._plant("H", place + ".identifier.value"),
            },
            "display": self._plant("A", place + ".display"),
        }

    def _extension(self, place: str, above: tuple[str, ...]) -> dict[str, Any]:
        if _typed(above) > 0:
            return self._inner_extension(place)
        url = self._plant("N", place + ".url")
        return {"url": url} | self._object("Extension", place, (*above, "Extension"), 0, given=("url",))

    def _shadow(self, made: dict[str, Any], element: Element, place: str) -> None:
        part = {"extension": [self._inner_extension(place)]}
        made["_" + element.name] = [part] if element.repeats else part

    def _inner_extension(self, place: str) -> dict[str, str]:
        where = f"{_head(place)} inner extension"
        return {
            "url": self._plant("N", where + ".url"),
            "valueString": self._plant(self._next_letter(), where + ".valueString"),
        }

    def _primitive(self, element: Element, place: str) -> Any:
        kind, name = element.type, element.name
        if kind in _FIXED:
            return _FIXED[kind]
        if kind == "code":
            return _code(element)
        letter = _HINTS.get(name) or CLASSES[zlib.crc32(place.encode()) % len(CLASSES)]
        match kind:
            case "id":
                return self._plant("R", place)
            case "date":
                return self._plant("C", place)
            case "dateTime" | "instant":
                return self._plant("C", place) + "T04:17:53.217+00:00"
            case "uri" | "url" | "canonical":
                return self._plant("N", place)
            case "oid":
                return f"urn:oid:2.16.840.1.{self._digits(place)}"
            case "uuid":
                digits = self._digits(place)
                return f"urn:uuid:{digits[:8]}-4a4a-4b4b-8c8c-{digits[8:20]}"
            case "base64Binary":
                return base64.b64encode(_IN_WORDS[letter].format(self._plant(letter, place)).encode()).decode()
            case "xhtml":
                return f'<div xmlns="http://www.w3.org/1999/xhtml"><p>Seen: {self._plant("A", place)}</p></div>'
            case "markdown":
                return _IN_WORDS[letter].format(self._plant(letter, place))
            case _:
                planted = self._plant(letter, place)
                return _IN_WORDS[letter].format(planted) if name in _FREE else planted

    def _plant(self, letter: str, place: str) -> str:
        if (letter, place) not in self._planted:
            made = self.flock.make(letter)
            self.places[made.number] = place
            self._planted[letter, place] = made.value
        return self._planted[letter, place]

    def _identifier(self, place: str) -> str:
        made = self.flock.make("R")
        self.places[made.number] = place
        return made.value

    def _digits(self, place: str) -> str:
        if ("", place) not in self._planted:
            made = self.flock.digits()
            self.places[made.number] = place
            self._planted["", place] = made.value
        return self._planted["", place]

    def _next_letter(self) -> str:
        self._letters += 1
        return CLASSES[self._letters % len(CLASSES)]


def _head(place: str) -> str:
    return place.partition(".")[0]


def _typed(above: tuple[str, ...]) -> int:
    return sum(owners()[name].kind == "complex" for name in above)


def _code(element: Element) -> str:
    if not element.codes:
        return _PLAIN_CODES.get(element.name, "other")
    codes = code_set(element.codes)
    return next((code for code in _LIKED if code in codes), min(codes))


def _options(kind: str) -> int:
    """Count the options of the longest choice that a type's own parts have; two at least."""
    most = 2
    for owner, described in owners().items():
        if owner == kind or (described.kind == "backbone" and owner.startswith(kind + ".")):
            counts = Counter(element.choice for element in children(owner).values() if element.choice)
            most = max(most, *counts.values(), 2) if counts else most
    return most

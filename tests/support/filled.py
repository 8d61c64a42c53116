"""Resources made from the R4 tables, with a canary in every place that can hold a string, a date or an age.

`filled(type, variant)` has every member; variants differ in codes, units, countries, extensions, so that together they
reach every rule of a profile. `scattered(random)` has some members, often of a wrong kind, for property tests.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from tests.support.oracle import read_json, write_json

from bailee.records import r4

VARIANTS = 8
MARK = "Zqx"  # every string canary has it; no code, unit, language or URL of R4 does
DAY = "-07-19"  # every date canary has it
PLUS4 = "-4711"  # every ZIP code has it
WRONG, ALL = 6, 7  # the variants with a string where a number belongs, and with every type of each choice
AGED = {"a": 104, "mo": 1299, "wk": 5299, "d": 39999, "h": 949999, "min": 59999999}
AGE_RANGES = {
    "AllergyIntolerance": ("onsetRange",),
    "Condition": ("onsetRange", "abatementRange"),
    "Procedure": ("performedRange",),
    "FamilyMemberHistory": ("ageRange", "deceasedRange"),
    "FamilyMemberHistory.condition": ("onsetRange",),
}
STRINGS = {"string", "markdown", "uri", "url", "canonical", "code", "id", "oid", "uuid", "xhtml"}
NUMBERS = {"decimal": 7.5, "integer": 7, "positiveInt": 7, "unsignedInt": 7}
DATES = {"date": f"1913{DAY}", "dateTime": f"2013{DAY}T10:11:12+01:00", "instant": f"2013{DAY}T10:11:12.123Z"}
SNOMED, LOINC, UCUM = "http://snomed.info/sct", "http://loinc.org", "http://unitsofmeasure.org"


def filled(resource_type: str, variant: int = 0, *, extensions: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """Make a resource of a type with every member, canaries in all of them; its numbers as the oracle reads them."""
    return read_json(json.dumps(Maker(variant, extensions).resource(resource_type)))


def leaks(done: Any) -> list[str]:
    """List the canaries in what came out, and ages that should be folded."""
    text = write_json(done)
    found = [canary for canary in (MARK, MARK.lower(), MARK.upper(), DAY, PLUS4) if canary in text]
    ages = [str(age) for age in AGED.values() if f'"value":{age}' in text]
    return found + ages + [key for key in ("valueInteger",) if f'"{key}":{AGED["a"]}' in text]


class Maker:
    def __init__(self, variant: int, extensions: tuple[dict[str, Any], ...]) -> None:
        self.variant, self.extensions, self.count = variant, extensions, 0

    def canary(self) -> str:
        self.count += 1
        return f"{MARK}{self.count}"

    def resource(self, name: str, *, depth: int = 0) -> dict[str, Any]:
        made = {"resourceType": name} | self.object(name, (), depth)
        if depth == 0 and "contained" in r4.children(name):
            made["contained"] = [self.resource(inner, depth=1) for inner in ("Patient", "Organization")]
        return made

    def object(self, owner: str, seen: tuple[str, ...], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for element in r4.children(owner).values():
            if element.name in {"extension", "modifierExtension", "contained"}:
                continue
            if element.choice and not self.chosen(owner, element):
                continue
            value = self.value(element, (*seen, owner), depth)
            if value is not None:
                made[element.name] = [value] if element.repeats else value
                if r4.is_primitive(element.type) and not seen:
                    beside = {"id": self.canary(), "extension": [self.extension()]}
                    made["_" + element.name] = [beside] if element.repeats else beside
        if len(seen) < 2 and "extension" in r4.children(owner):
            made["extension"] = [self.extension(), *(self.extensions if not seen else ())]
        return made | self.ages(owner)

    def ages(self, owner: str) -> dict[str, Any]:
        """Make an age question of an Observation, with answers of several types; and ranges of ages, in every unit."""
        unit = list(AGED)[self.variant % len(AGED)]
        if self.variant >= len(AGED):
            return {}
        age = {"value": AGED[unit], "code": unit, "system": UCUM}
        both = {"low": dict(age), "high": dict(age)}
        if owner not in {"Observation", "Observation.component"}:
            return dict.fromkeys(AGE_RANGES.get(owner, ()), both)
        code = {"coding": [{"code": self.canary()}, {"system": LOINC, "code": "30525-0"}]}
        words = {"valueInteger": AGED["a"], "valueString": self.canary()}
        return {"code": code, "valueQuantity": age, "valueRange": both} | words

    def chosen(self, owner: str, element: r4.Element) -> bool:
        """Take two types of a choice, others in the next variant; in one variant all of them."""
        types = [e.name for e in r4.children(owner).values() if e.choice == element.choice]
        return self.variant == ALL or types.index(element.name) in {
            (self.variant + shift) % len(types) for shift in (0, len(types) // 2)
        }

    def value(self, element: r4.Element, seen: tuple[str, ...], depth: int) -> Any:
        kind = element.type
        if kind in STRINGS or (self.variant == WRONG and kind in {*NUMBERS, "boolean", "time"}):
            return self.canary()
        if kind in NUMBERS or kind in DATES:
            return NUMBERS.get(kind, DATES.get(kind))
        if kind in {"boolean", "time", "base64Binary"}:
            return {"boolean": True, "time": "10:11:12", "base64Binary": self.canary()}[kind]
        if kind == "Resource":
            return (
                self.resource("Observation" if self.variant % 2 else "Patient", depth=depth + 1) if depth < 1 else None
            )
        data_types = sum("." not in owner for owner in seen)  # the resource itself is one
        if seen.count(kind) > (1 if "." in kind and self.variant == 0 else 0) or ("." not in kind and data_types > 3):
            return None
        made = self.object(kind, seen, depth)
        return self.varied(kind, made)

    def varied(self, kind: str, made: dict[str, Any]) -> dict[str, Any]:
        """Give some objects what rules select by, so that the rules behind it are reached."""
        turn = self.variant % 4
        if kind == "Coding" and turn:
            made["system"] = (SNOMED, LOINC, "http://terminology.hl7.org/CodeSystem/v3-ActCode")[turn - 1]
            if turn == 1:
                made["code"] = "73211009"
        units = list(AGED)
        unit = units[self.variant % len(units)]
        if kind in {"Quantity", "Age", "Duration", "Count", "Distance"} and self.variant < len(units):
            made |= {
                "system": self.canary() if turn == 3 else UCUM,
                "code": unit,
                "value": AGED[unit] if kind == "Age" or unit in {"a", "mo"} else 7,
            }
        if kind == "Age" and self.variant >= len(units):
            made["value"] = AGED["a"]
        if kind == "Address" and turn:
            made |= {"country": "US" if turn < 3 else "DE", "postalCode": f"02139{PLUS4}"}
            made["state"] = "MA" if turn == 1 else self.canary()
        if kind == "Reference" and turn:
            made["reference"] = (f"Patient/{MARK}p", f"https://{MARK}.example/Encounter/{MARK}e", f"#{MARK}c")[turn - 1]
        return made

    def extension(self) -> dict[str, Any]:
        return {"url": f"http://{self.canary()}.example/unknown", "valueString": self.canary()}


def allowed_extensions(groups: Any) -> Iterator[dict[str, Any]]:
    """Make the extensions of a profile's list, with every value that it allows, and canaries in them."""
    for group in groups:
        for maker in (Maker(1, ()), Maker(WRONG, ())):
            yield from ({"url": group.url, **value} for value in _values(maker, group.value))
        parts = [{"url": name, **value} for name, said in group.parts.items() for value in _values(maker, said)]
        if parts:
            yield {"url": group.url, "extension": parts}


def _values(maker: Maker, said: Any) -> Iterator[dict[str, Any]]:
    for kind in said:
        element = r4.children("Extension")["value" + kind[0].upper() + kind[1:]]
        yield {element.name: maker.value(element, ("Extension",), 1)}


def scattered(source: random.Random, resource_type: str = "") -> dict[str, Any]:
    """Make a resource with some members, any string anywhere, now and then of a wrong kind."""
    name = resource_type or source.choice(r4.resource_types())
    return {"resourceType": name} | _some(source, name, 0)


def _some(source: random.Random, owner: str, depth: int) -> dict[str, Any]:
    members = list(r4.children(owner).values())
    chosen = source.sample(members, min(len(members), source.randint(1, 5 if depth else 9)))
    made = {}
    for element in chosen:
        value = _any_value(source, element, depth)
        made[element.name] = [value, _any_value(source, element, depth)] if source.random() < 0.3 else value
        if r4.is_primitive(element.type) and source.random() < 0.15:
            made["_" + element.name] = {"extension": [{"url": _any_text(source), "valueString": _any_text(source)}]}
    return made


def _any_value(source: random.Random, element: r4.Element, depth: int) -> Any:
    if source.random() < 0.06:
        return source.choice([None, True, 0, -1.5, [], {}, [[1]], {"x": 1}, _any_text(source), [None, "a"]])
    if r4.is_primitive(element.type):
        return source.choice([DATES.get(element.type) or NUMBERS.get(element.type) or True, _any_text(source)])
    if element.type == "Resource":
        return scattered(source) if depth < 2 else None
    return _some(source, element.type, depth + 1) if depth < 6 else {}


def _any_text(source: random.Random) -> str:
    fixed = [
        "",
        "a",
        "Zqx Smith",
        "2013-07-19",
        "Patient/p",
        "#x",
        SNOMED,
        UCUM,
        "mg",
        "US",
        "02139",
        "é\u2028\U0001f600",
        '"\\/',
        "\x7f",
    ]
    return source.choice(
        [*fixed, str(source.randint(0, 10**9)), chr(source.randint(0x20, 0xD7FF)) * source.randint(1, 3)]
    )

"""Whom a document is about, and which identifiers it knows of its people: by the types of its elements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bailee.deid.formats.identities import Identity, authority
from bailee.records.cda.model import classes, fragments, local_name

_SHORTEST: Final = 4  # an id of fewer characters would be found in every number
_WHO: Final = {
    "Patient": "name",
    "SubjectPerson": "relative",
    "guardianPerson": "relative",
    "relatedPerson": "relative",
    "associatedPerson": "relative",
    "Organization": "organization",
    "CustodianOrganization": "organization",
    "Place": "facility",
}


@dataclass(repr=False)
class About:
    """The patient of a document, and what it knows of everybody; as `deid.hl7v2.people.Context`."""

    identities: list[Identity] = field(default_factory=list)
    others: list[list[Identity]] = field(default_factory=list)  # of further patients
    birth: str = ""
    death: str = ""
    described: str = ""
    values: list[tuple[str, str, int]] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"About({len(self.identities)} identifiers, {len(self.values)} values)"


def about_document(root: Any) -> About:
    """Read whom a document is about."""
    about = About()
    kind = fragments()[local_name(root.tag)]
    named = ""
    roles = 0
    for element, owner, name, type_ in _walked(root, "", local_name(root.tag), kind):
        if type_ == "PatientRole":
            roles += 1
            found = identities_of(element)
            if roles == 1:
                about.identities = found
            else:
                about.others.append(found)
        elif type_ == "EN" and owner == "Patient" and roles == 1:
            named = named or "".join(element.itertext()).strip().upper()
        elif type_ == "BirthTime" and roles == 1:
            about.birth = about.birth or element.get("value", "")
        elif name == "sdtc:deceasedTime" and owner == "Patient" and roles == 1:
            about.death = element.get("value", "")
        person = 0 if owner in {"Patient", "PatientRole"} else len(about.values) + 4
        about.values += [
            (kind, value.strip(), person) for kind, value in _known(element, owner, name, type_) if value.strip()
        ]
    about.described = f"{named}|{about.birth}" if named and about.birth else ""
    return about


def identities_of(role: Any) -> list[Identity]:
    """List the identifiers of a patientRole."""
    found = []
    for element in role:
        if isinstance(element.tag, str) and local_name(element.tag) == "id" and element.get("root"):
            root, extension = element.get("root").strip(), element.get("extension", "").strip()
            found.append((authority(root), extension) if extension else ("root", root))
    return found


def _walked(element: Any, owner: str, name: str, kind: str) -> Iterator[tuple[Any, str, str, str]]:
    """Go through a tree: each element with the class that it is in, its name and its type."""
    waiting = [(element, owner, name, kind, name)]
    while waiting:
        here, owner, name, kind, holder = waiting.pop()
        yield here, holder if holder in _WHO and kind == "EN" else owner, name, kind
        elements = classes().get(kind)
        if elements is None:
            continue
        for child in reversed(here):
            if isinstance(child.tag, str):
                inner = local_name(child.tag)
                if inner in elements:
                    held = name if elements[inner] == "EN" else inner
                    waiting.append((child, kind, inner, elements[inner], held))


def _known(element: Any, owner: str, name: str, kind: str) -> Iterator[tuple[str, str]]:
    """Give the (kind, value) pairs of a chart that one element holds."""
    if kind in {"EN", "ThingName", "ProductName"}:
        yield from _name(element, _WHO.get(owner, "clinician"), kind)
    elif kind in {"AD", "PatientAddress"}:
        yield from _address(element)
    elif kind == "TEL":
        yield from _telecom(element.get("value", ""))
    elif kind in {"II", "PatientId", "PatientOtherId", "DocumentId"}:
        value = element.get("extension", "")
        yield "id", value if len(value) >= _SHORTEST else ""
    elif kind == "BirthTime":
        yield "date-birth", _day(element.get("value", ""))
    elif kind == "OtherBirthTime":
        yield "date", _day(element.get("value", ""))
    elif name == "administrativeGenderCode" and owner == "Patient":
        yield "name-gender", {"M": "male", "F": "female"}.get(element.get("code", ""), "")


def _name(element: Any, who: str, kind: str) -> Iterator[tuple[str, str]]:
    if who in {"organization", "facility"}:
        yield who, " ".join("".join(element.itertext()).split())
        return
    parts = [each for each in element if isinstance(each.tag, str)]
    loose = " ".join(" ".join([element.text or "", *(each.tail or "" for each in element)]).split())
    if kind == "EN":
        yield f"{who}-full", loose
    for part in parts:
        role = {"given": "given", "family": "family"}.get(local_name(part.tag))
        if role:
            yield f"{who}-{role}", " ".join((part.text or "").split())


def _address(element: Any) -> Iterator[tuple[str, str]]:
    kinds = {"city": "city", "postalCode": "postal-code", "county": "district", "precinct": "district"}
    yield "street", " ".join((element.text or "").split())
    for part in element:
        if isinstance(part.tag, str):
            name = local_name(part.tag)
            if name not in {"state", "country", "useablePeriod"}:
                yield kinds.get(name, "street"), " ".join((part.text or "").split())


def _telecom(value: str) -> Iterator[tuple[str, str]]:
    scheme, _, rest = value.partition(":")
    kind = {"tel": "phone", "fax": "phone", "mailto": "email", "http": "url", "https": "url"}.get(scheme.lower())
    if kind is None:
        kind, rest = ("email" if "@" in value else "phone"), value
    yield kind, value if kind == "url" else rest.strip("/")


def _day(moment: str) -> str:
    found = re.match(r"(\d{4})(\d\d)(\d\d)", moment)
    return "-".join(found.groups()) if found else ""

"""What rules need to know of a record, taken out of its JSON; what cannot be read is unknown, and that refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from bailee.consent.labels import Sensitivity, record_tokens
from bailee.consent.moments import stretch
from bailee.consent.rules import Item
from bailee.core.canonical import strict_json
from bailee.core.errors import Invalid
from bailee.core.grants import BEGINNING_MS, FOREVER_MS

_REFERENCE = re.compile(r"(?:.*/)?([A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64})(?:/_history/.*)?(?:#.*)?")
_NOT_HAPPENED = frozenset({"birthDate", "meta", "deceasedDateTime", "expirationDate", "manufactureDate"})
_LABELS = frozenset({"meta", "security"})
_DEPTH = 64


def item_of(
    content: bytes | str,
    *,
    type_: str,
    id_: str,
    patient: str | None,
    sensitivity: Sensitivity,
    referred_by: frozenset[str] | None = None,
) -> Item:
    """Read one record. A record that is not a JSON object is an item of which everything is unknown.

    `referred_by` are the records that refer to it, where the whole chart is at hand.
    """
    patients = (patient,) if patient else ()
    reference = f"{type_}/{id_}"
    try:
        resource = _resource(content, type_)
        codes, references = _told(resource)
        labels = record_tokens(_labels(resource), frozenset(codes), sensitivity)
    except (Invalid, ValueError, TypeError, AttributeError):
        return _unreadable(reference, type_, patients)
    return Item(
        reference=reference,
        type=type_,
        patients=patients,
        codes=frozenset(_own_codes(resource)),
        mentions=frozenset(codes),
        labels=labels,
        happened=_happened(resource),
        refers_to=frozenset(references),
        referred_by=referred_by,
    )


def births_of(patients: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Read the birth dates of Patient records, by id; one that cannot be read is left out."""
    found = {}
    for name, content in patients:
        try:
            birth = strict_json(content).get("birthDate")
        except (Invalid, AttributeError):
            continue
        if isinstance(birth, str):
            found[name] = birth
    return found


def references_of(resource: Any) -> frozenset[str]:
    """Give every record that a resource refers to, as "Type/id"."""
    return frozenset(_told(resource)[1])


def reference_token(text: str) -> str | None:
    """Bring a literal reference to the form "Type/id", or None if it has another."""
    found = _REFERENCE.fullmatch(text)
    return found[1] if found else None


def _resource(content: bytes | str, type_: str) -> dict[str, Any]:
    resource = strict_json(content)
    if not isinstance(resource, dict) or resource.get("resourceType") != type_:
        raise Invalid("not this record")
    return resource


def _unreadable(reference: str, type_: str, patients: tuple[str, ...]) -> Item:
    return Item(
        reference=reference,
        type=type_,
        patients=patients,
        codes=None,
        mentions=None,
        labels=None,
        happened=None,
        refers_to=None,
        referred_by=None,
    )


def _told(resource: Any) -> tuple[set[str], set[str]]:
    """Give every code in a resource, its labels aside, and everything that it refers to, in one walk.

    Raises: ValueError if it is nested too deep.
    """
    codes: set[str] = set()
    references: set[str] = set()
    waiting: list[tuple[Any, int, bool]] = [(resource, 0, True)]
    while waiting:
        value, depth, coded = waiting.pop()
        if value and depth == _DEPTH:
            raise ValueError("nested too deep")
        if isinstance(value, dict):
            if coded:
                codes.update(_codes_of(value))
            token = reference_token(value["reference"]) if isinstance(value.get("reference"), str) else None
            if token:
                references.add(token)
            inside = ((one, coded and key not in _LABELS) for key, one in value.items())
        else:
            inside = ((one, coded) for one in value)
        waiting += [(one, depth + 1, of_codes) for one, of_codes in inside if isinstance(one, dict | list)]
    return codes, references


def _codes_of(value: dict[str, Any]) -> Iterator[str]:
    code = value.get("code")
    if isinstance(code, str):
        yield f"{value.get('system') or ''}|{code}"
    if isinstance(value.get("contentType"), str):
        yield f"urn:ietf:bcp:13|{value['contentType']}"


def _own_codes(resource: dict[str, Any]) -> Iterator[str]:
    """Give the codes of the resource's own concepts: those that stand directly in it."""
    for value in resource.values():
        for concept in value if isinstance(value, list) else [value]:
            coding = concept.get("coding") if isinstance(concept, dict) else None
            for one in coding if isinstance(coding, list) else []:
                if isinstance(one, dict) and isinstance(one.get("code"), str):
                    yield f"{one.get('system') or ''}|{one['code']}"


def _labels(resource: dict[str, Any]) -> list[tuple[str, str]]:
    """Give the security labels of a resource. Raises: TypeError, ValueError for labels of another form."""
    meta = resource.get("meta") or {}
    own = [_label(one) for one in meta.get("security") or []]
    concepts = resource.get("securityLabel") or []
    return own + [_label(one) for concept in concepts for one in concept.get("coding") or []]


def _label(coding: Any) -> tuple[str, str]:
    system, code = coding.get("system", ""), coding.get("code")
    if not isinstance(system, str) or not isinstance(code, str):
        raise ValueError("a label without a code")  # noqa: TRY004  # one kind of failure: unreadable
    return system, code


def _happened(resource: dict[str, Any]) -> tuple[int, int] | None:
    """Give the stretch that the resource's own dates span, or None where it has none or one cannot be read."""
    begins: list[int] = []
    ends: list[int] = []
    try:
        for key, value in resource.items():
            if key in _NOT_HAPPENED:
                continue
            if isinstance(value, str) and re.fullmatch(r"\d{4}(-\d\d.*)?", value) and _is_date_key(key):
                first, after = stretch(value)
                begins.append(first)
                ends.append(after)
            elif isinstance(value, dict) and ("start" in value or "end" in value) and "coding" not in value:
                begins.append(stretch(value["start"])[0] if "start" in value else BEGINNING_MS)
                ends.append(stretch(value["end"])[1] if "end" in value else FOREVER_MS)
    except (ValueError, TypeError, OverflowError):
        return None
    return (min(begins), max(ends)) if begins else None


def _is_date_key(key: str) -> bool:
    return key.endswith(
        (
            "Date",
            "DateTime",
            "Instant",
            "On",
            "Time",
            "date",
            "issued",
            "created",
            "recorded",
            "time",
            "sent",
            "received",
        )
    )

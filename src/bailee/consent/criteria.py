"""The criteria of a Consent's provision as sets of words, and whether all of each was understood."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bailee.consent.facts import reference_token
from bailee.consent.labels import Sensitivity, label_tokens
from bailee.consent.purposes import KNOWN, SYSTEM
from bailee.consent.rules import Effect

TYPES_SYSTEM = "http://hl7.org/fhir/resource-types"
ACTIONS_SYSTEM = "http://terminology.hl7.org/CodeSystem/consentaction"
RECIPIENT_SYSTEM = "urn:bailee:recipient"  # of names that are ours and no reference
ACTIONS = frozenset({"collect", "access", "use", "disclose", "correct"})
MEANINGS = frozenset({"instance", "related", "dependents", "authoredby"})
Words = tuple[frozenset[str], bool]  # what was read, and whether all of it is clear


def _recipients(part: dict[str, Any], _effect: Effect, _table: Sensitivity) -> Words:
    found: set[str] = set()
    clear = True
    for actor in part.get("actor") or []:
        reference = actor.get("reference") or {}
        names = [reference.get("reference"), _identifier(reference.get("identifier"))]
        literal = reference_token(names[0]) if isinstance(names[0], str) else None
        known = {name for name in (literal, names[0], names[1]) if isinstance(name, str) and name}
        clear = clear and bool(known)
        found |= known
    return frozenset(found), clear


def _identifier(identifier: Any) -> str | None:
    if not isinstance(identifier, dict) or not isinstance(identifier.get("value"), str):
        return None
    if identifier.get("system") == RECIPIENT_SYSTEM:
        return str(identifier["value"])
    return f"{identifier.get('system') or ''}|{identifier['value']}"


def _purposes(part: dict[str, Any], _effect: Effect, _table: Sensitivity) -> Words:
    found = [(one.get("system"), one.get("code")) for one in part.get("purpose") or []]
    clear = all(system == SYSTEM and code in KNOWN for system, code in found)
    return frozenset(str(code) for _, code in found), clear


def _actions(part: dict[str, Any], _effect: Effect, _table: Sensitivity) -> Words:
    found: set[str] = set()
    clear = True
    for concept in part.get("action") or []:
        codes = codes_of(concept, ACTIONS_SYSTEM)
        clear = clear and bool(codes) and codes <= ACTIONS
        found |= codes
    return frozenset(found), clear


def _classes(part: dict[str, Any], _effect: Effect, _table: Sensitivity) -> Words:
    found = [(one.get("system"), one.get("code")) for one in part.get("class") or []]
    clear = all(isinstance(system, str) and isinstance(code, str) and code for system, code in found)
    words = frozenset(str(code) if system == TYPES_SYSTEM else f"{system}|{code}" for system, code in found)
    return words, clear


def _codes(part: dict[str, Any], _effect: Effect, _table: Sensitivity) -> Words:
    found: set[str] = set()
    clear = True
    for concept in part.get("code") or []:
        coding = [one for one in concept.get("coding") or [] if isinstance(one.get("code"), str)]
        clear = clear and bool(coding)
        found |= {f"{one.get('system') or ''}|{one['code']}" for one in coding}
    return frozenset(found), clear


def _security(part: dict[str, Any], effect: Effect, table: Sensitivity) -> Words:
    found = [(one.get("system") or "", one.get("code")) for one in part.get("securityLabel") or []]
    clear = all(isinstance(code, str) and code for _, code in found)
    return label_tokens([(system, str(code)) for system, code in found], table, effect=effect), clear


def _data(part: dict[str, Any], _effect: Effect, _table: Sensitivity) -> Words:
    found: set[str] = set()
    clear = True
    for one in part.get("data") or []:
        literal = (one.get("reference") or {}).get("reference")
        token = reference_token(literal) if isinstance(literal, str) else None
        clear = clear and token is not None and one.get("meaning") in MEANINGS
        found.add(f"{one.get('meaning')}:{token}")
    return frozenset(found), clear


Reader = Callable[[dict[str, Any], Effect, Sensitivity], Words]
CRITERIA: Mapping[str, Reader] = {
    "recipients": _recipients,
    "purposes": _purposes,
    "actions": _actions,
    "classes": _classes,
    "codes": _codes,
    "labels": _security,
    "data": _data,
}


def codes_of(concept: Any, system: str) -> set[str]:
    """Give a concept's codes in one system; an empty set where there is none."""
    coding = concept.get("coding") if isinstance(concept, dict) else None
    return {str(one.get("code")) for one in coding or [] if isinstance(one, dict) and one.get("system") == system}

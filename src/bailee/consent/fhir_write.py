"""Rules as FHIR R4 Consents, for systems that keep patients' directives; the other direction is `fhir`.

What is written reads back as the same rule. What FHIR has no place for (regions, projects, identifiability) is not
written half: such a rule is refused.
"""

from __future__ import annotations

from typing import Any

from bailee.consent.criteria import ACTIONS_SYSTEM, RECIPIENT_SYSTEM, TYPES_SYSTEM
from bailee.consent.labels import ACT_CODE, CATEGORY, CONFIDENTIALITY, LEVEL, LEVELS, Sensitivity
from bailee.consent.purposes import SYSTEM
from bailee.consent.rules import Rule
from bailee.core.clock import iso_from_ms
from bailee.core.errors import Invalid
from bailee.core.grants import BEGINNING_MS, FOREVER_MS

_SCOPE = {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}
_CATEGORY = {"system": "http://loinc.org", "code": "59284-0", "display": "Patient Consent"}
_POLICY = "urn:bailee:policy:narrower-wins"
_RECIPIENT_ROLE = {"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "PRCP"}


def consent_from_rule(patient: str, rule: Rule, sensitivity: Sensitivity) -> dict[str, Any]:
    """Write a patient's rule as an active Consent. Raises: Invalid if FHIR has no place for a part of it."""
    if rule.layer != "patient":
        raise Invalid("a rule that is not a patient's", remedy="Only patients' directives are Consents.")
    return {
        "resourceType": "Consent",
        "id": rule.id,
        "status": "active",
        "scope": {"coding": [_SCOPE]},
        "category": [{"coding": [_CATEGORY]}],
        "patient": {"reference": f"Patient/{patient}"},
        "policy": [{"uri": _POLICY}],
        "provision": _provision(rule, sensitivity),
    }


def _provision(rule: Rule, sensitivity: Sensitivity) -> dict[str, Any]:
    if rule.regions or rule.projects or rule.identifiability:
        raise Invalid("a rule about regions, projects or identifiability", remedy="Keep it in the store.")
    parts: dict[str, Any] = {
        "period": _period(rule.not_before, rule.not_after, least=0),
        "actor": [_actor(name) for name in sorted(rule.recipients)],
        "action": [{"coding": [{"system": ACTIONS_SYSTEM, "code": code}]} for code in sorted(rule.actions)],
        "securityLabel": _labels(rule, sensitivity),
        "purpose": [{"system": SYSTEM, "code": code} for code in sorted(rule.purposes)],
        "class": [_class(word) for word in sorted(rule.classes)],
        "code": [{"coding": [_coding(word)]} for word in sorted(rule.codes)],
        "dataPeriod": _period(rule.data_from, rule.data_until, least=BEGINNING_MS),
        "data": [_data(token) for token in sorted(rule.data)],
        "provision": [_provision(one, sensitivity) for one in rule.exceptions],
    }
    return {"type": rule.effect, **{name: part for name, part in parts.items() if part}}


def _period(begins: int, ends: int, *, least: int) -> dict[str, str]:
    """Write a half-open stretch as a Period, whose end is its last millisecond."""
    period = {}
    if begins > least:
        period["start"] = iso_from_ms(begins)
    if ends < FOREVER_MS:
        period["end"] = iso_from_ms(ends - 1)
    return period


def _actor(name: str) -> dict[str, Any]:
    system, bar, value = name.partition("|")
    if bar:
        reference: dict[str, Any] = {"identifier": {"system": system, "value": value}}
    elif "/" in name:
        reference = {"reference": name}
    else:
        reference = {"identifier": {"system": RECIPIENT_SYSTEM, "value": name}}
    return {"role": {"coding": [_RECIPIENT_ROLE]}, "reference": reference}


def _labels(rule: Rule, sensitivity: Sensitivity) -> list[dict[str, str]]:
    """Write labels; of levels the one that says the others: the lowest that is refused, the highest permitted."""
    levels = [level for level in LEVELS if f"{LEVEL}{level}" in rule.labels]
    found = [{"system": CONFIDENTIALITY, "code": levels[0 if rule.effect == "deny" else -1]}] if levels else []
    for word in sorted(rule.labels):
        if word.startswith(CATEGORY):
            found.append({"system": ACT_CODE, "code": _label_of(word.removeprefix(CATEGORY), sensitivity)})
        elif not word.startswith(LEVEL):
            found.append(_coding(word))
    return found


def _label_of(category: str, sensitivity: Sensitivity) -> str:
    known = sensitivity.categories.get(category)
    if known is None or not known.labels:
        raise Invalid("a category without a label", remedy="Give it a label in the site's table.")
    return min(known.labels)


def _class(word: str) -> dict[str, str]:
    return _coding(word) if "|" in word else {"system": TYPES_SYSTEM, "code": word}


def _coding(word: str) -> dict[str, str]:
    system, _, code = word.partition("|")
    return {"system": system, "code": code} if system else {"code": code}


def _data(token: str) -> dict[str, Any]:
    meaning, _, reference = token.partition(":")
    return {"meaning": meaning, "reference": {"reference": reference}}

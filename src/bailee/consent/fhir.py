"""FHIR R4 Consent ↔ rules. Only an active Consent speaks; one that cannot be understood keeps its patient out.

How a Consent is read (docs/consent.md has the table):
- a root provision with a type is that rule; `policyRule` OPTIN or OPTOUT is what holds outside of it;
- a root provision without a type only frames the policy by its period. Where it has other criteria there are two
  readings in use (a frame, or an exception); then only what both would let leave may leave;
- nested provisions are exceptions to any depth; among siblings a refusal wins;
- what is unknown in a refusal widens it, and in a permission removes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bailee.consent.criteria import CRITERIA, codes_of
from bailee.consent.facts import reference_token
from bailee.consent.labels import ACT_CODE, Sensitivity
from bailee.consent.moments import stretch
from bailee.consent.proxies import given_by_proxy, until_majority
from bailee.consent.rules import Effect, Rule
from bailee.core.canonical import sha256_hex, strict_json
from bailee.core.errors import Invalid
from bailee.core.grants import BEGINNING_MS, FOREVER_MS

SCOPE_SYSTEM = "http://terminology.hl7.org/CodeSystem/consentscope"
_SPEAKS_OF_SHARING = frozenset({"patient-privacy", "research"})
_OTHER_SCOPES = frozenset({"adr", "treatment"})
_SILENT = frozenset({"draft", "proposed", "rejected", "inactive", "entered-in-error"})
_BASES: Mapping[str, Effect] = {
    "OPTIN": "permit",
    "OPTINR": "permit",
    "OPTOUT": "deny",
    "OPTOUTE": "deny",
}
_KNOWN_PARTS = frozenset(
    [
        "id",
        "extension",
        "type",
        "period",
        "actor",
        "action",
        "securityLabel",
        "purpose",
        "class",
        "code",
        "dataPeriod",
        "data",
        "provision",
    ]
)
_DEPTH = 32


class Reading(msgspec.Struct, frozen=True):
    """What one Consent says: whose it is, and its rules; `fault` says what could not be understood."""

    patient: str | None
    rules: tuple[Rule, ...]
    fault: str = ""


class _Unclear(Exception):
    """A part that cannot be understood."""


def rules_from_consent(
    content: bytes, sensitivity: Sensitivity, *, patient: str | None = None, birth: str | None = None
) -> Reading:
    """Read one Consent. `patient` is whose it is by the vault's account, `birth` when that patient was born.

    Without a birth date, a permission that only a proxy gave is none (see `proxies`).

    Raises: nothing; what cannot be understood becomes a refusal of everything (E-INPUT).
    """
    name = f"unreadable-{sha256_hex(content)[:16]}"
    try:
        consent = strict_json(content)
        if not isinstance(consent, dict) or consent.get("resourceType") != "Consent":
            return _faulty(patient, name, "not a Consent")
        name = str(consent.get("id") or name)
        patient = _patient_of(consent, patient)
        rules = _rules(consent, name, sensitivity)
        if given_by_proxy(consent):
            rules = tuple(one for one in (until_majority(rule, consent, birth) for rule in rules) if one is not None)
        return Reading(patient, rules)
    except _Unclear as error:
        return _faulty(patient, name, str(error))
    except (Invalid, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return _faulty(patient, name, "a part of another form")


def _faulty(patient: str | None, name: str, fault: str) -> Reading:
    return Reading(patient, (Rule(id=name, effect="deny", layer="patient", code="E-INPUT"),), fault)


def _patient_of(consent: dict[str, Any], known: str | None) -> str | None:
    literal = consent.get("patient", {}).get("reference")
    token = reference_token(literal) if isinstance(literal, str) else None
    named = token.removeprefix("Patient/") if token and token.startswith("Patient/") else None
    if known and named and known != named:
        # the vault may know the patient by another id after a merge; its word counts
        return known
    return known or named


def _rules(consent: dict[str, Any], name: str, sensitivity: Sensitivity) -> tuple[Rule, ...]:
    status = consent.get("status")
    if "modifierExtension" in consent or "implicitRules" in consent:
        raise _Unclear("a modifier that is not known")
    if status in _SILENT:
        return ()
    if status != "active":
        raise _Unclear("a status that is not known")
    scope = codes_of(consent.get("scope"), SCOPE_SYSTEM)
    if scope and scope <= _OTHER_SCOPES:
        return ()
    root, base = consent.get("provision"), _base(consent)
    if root is not None and not isinstance(root, dict):
        raise _Unclear("a provision of another form")
    found = _root_rule(root or {}, base, name, sensitivity)
    if not scope & _SPEAKS_OF_SHARING:
        found = _of_unknown_scope(found)
    elif scope == {"research"}:
        found = _for_research(found)
    return (msgspec.structs.replace(found, artifact_sha256=_artifact(consent)),)


def _of_unknown_scope(rule: Rule) -> Rule:
    """Keep a refusal whole; no permission can rest on a scope that nobody knows."""
    if rule.effect == "permit":
        raise _Unclear("a permission of a scope that is not known")
    return msgspec.structs.replace(rule, exceptions=())


def _for_research(rule: Rule) -> Rule:
    """Narrow permissions that name no purpose to research, since that is what was asked."""
    inner = tuple(_for_research(one) for one in rule.exceptions)
    purposes = rule.purposes or (frozenset({"HRESCH"}) if rule.effect == "permit" else frozenset())
    return msgspec.structs.replace(rule, exceptions=inner, purposes=purposes)


def _base(consent: dict[str, Any]) -> Effect | None:
    codes = codes_of(consent.get("policyRule"), ACT_CODE) & _BASES.keys()
    if len({_BASES[code] for code in codes}) > 1:
        raise _Unclear("two opposite policies")
    return _BASES[codes.pop()] if codes else None


def _root_rule(root: dict[str, Any], base: Effect | None, name: str, sensitivity: Sensitivity) -> Rule:
    kind = root.get("type")
    if kind is None:
        return _framed(root, base, name, sensitivity)
    found = _provision(root, _effect(kind), name, sensitivity, depth=0)
    if found is None:  # a permission that cannot be understood permits nothing
        return _nothing(name, base)
    if base == "deny":  # holds outside of the provision as well, and at all times
        inner = (found,) if found.effect == "permit" else ()
        return Rule(id=name, effect="deny", layer="patient", exceptions=inner)
    if base is None or found.effect == "permit":
        return found
    inside = msgspec.structs.replace(found, not_before=0, not_after=FOREVER_MS)
    return Rule(
        id=name,
        effect="permit",
        layer="patient",
        not_before=found.not_before,
        not_after=found.not_after,
        exceptions=(inside,),
    )


def _framed(root: dict[str, Any], base: Effect | None, name: str, sensitivity: Sensitivity) -> Rule:
    """Read a root provision that has no type of its own."""
    if base is None:
        raise _Unclear("neither a policy nor a type of provision")
    has_criteria = bool(_KNOWN_PARTS & root.keys() - {"id", "extension", "period", "provision"})
    if not has_criteria:
        found = _provision(root, base, name, sensitivity, depth=0)
        if found is None:
            raise _Unclear("a provision that cannot be understood")
        return found
    if base == "deny":
        return Rule(id=name, effect="deny", layer="patient")
    refused = _provision(root, "deny", name, sensitivity, depth=0)
    assert refused is not None  # only permissions vanish
    inner = tuple(one for one in refused.exceptions if one.effect == "deny")
    return msgspec.structs.replace(refused, exceptions=inner)


def _nothing(name: str, base: Effect | None) -> Rule:
    if base == "deny":
        return Rule(id=name, effect="deny", layer="patient")
    raise _Unclear("a permission that cannot be understood")


def _effect(kind: Any) -> Effect:
    if kind == "permit":
        return "permit"
    if kind == "deny":
        return "deny"
    raise _Unclear("a type of provision that is not known")


def _provision(part: dict[str, Any], effect: Effect, name: str, sensitivity: Sensitivity, *, depth: int) -> Rule | None:
    """Turn a provision into a rule; None for a permission with something unknown in it."""
    if depth > _DEPTH:
        raise _Unclear("nested too deep")
    unknown = bool(part.keys() - _KNOWN_PARTS - {f"_{key}" for key in _KNOWN_PARTS})
    if "modifierExtension" in part:
        raise _Unclear("a modifier that is not known")
    sets: dict[str, Any] = {}
    for field, read in CRITERIA.items():
        words, clear = read(part, effect, sensitivity)
        unknown = unknown or not clear
        sets[field] = words if clear else frozenset()
    if unknown and effect == "permit":
        return None
    begins, ends = _window(part.get("period"))
    data_begins, data_ends = _window(part.get("dataPeriod"))
    inner = [
        _provision(one, _effect(one.get("type", "deny")), name, sensitivity, depth=depth + 1)
        for one in part.get("provision") or []
    ]
    return Rule(
        id=name,
        effect=effect,
        layer="patient",
        not_before=max(0, begins),
        not_after=ends,
        data_from=data_begins,
        data_until=data_ends,
        exceptions=tuple(one for one in inner if one is not None),
        **sets,
    )


def _window(period: Any) -> tuple[int, int]:
    """Read a Period; its end is the last moment inside. Raises: ValueError, TypeError."""
    if period is None:
        return BEGINNING_MS, FOREVER_MS
    begins = stretch(period["start"])[0] if "start" in period else BEGINNING_MS
    return begins, stretch(period["end"])[1] if "end" in period else FOREVER_MS


def _artifact(consent: dict[str, Any]) -> str:
    content = (consent.get("sourceAttachment") or {}).get("data")
    return sha256_hex(content.encode()) if isinstance(content, str) else ""

"""Disclosures as FHIR AuditEvents: a view of the ledger's leaves, by which other systems can read them.

Source: IHE Basic Audit Log Patterns, profile IHE.BasicAudit.PrivacyDisclosure.Source, on FHIR R4.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bailee.core.clock import iso_from_ms
from bailee.ledger.accounting import Disclosure

PROFILE = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit.PrivacyDisclosure.Source"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_DUO = "http://purl.obolibrary.org/obo/duo.owl"


def bundle_of(disclosures: Iterable[Disclosure], *, patient: str, origin: str, machine: str) -> dict[str, Any]:
    """Write a patient's disclosures as a Bundle of AuditEvents. Shape: FHIR R4 JSON, type collection."""
    entries = [{"resource": audit_event(item, patient=patient, origin=origin, machine=machine)} for item in disclosures]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def audit_event(disclosure: Disclosure, *, patient: str, origin: str, machine: str) -> dict[str, Any]:
    """Write one disclosure as an AuditEvent. `origin` names the ledger, `machine` where the bytes left from."""
    return {
        "resourceType": "AuditEvent",
        "id": f"ledger-{disclosure.seq}-{disclosure.index}",
        "meta": {"profile": [PROFILE]},
        "type": _coding(_DICOM, "110106", "Export"),
        "subtype": [_coding(_LIFECYCLE, "disclose", "Disclose Record Lifecycle Event")],
        "action": "R",
        "recorded": iso_from_ms(disclosure.at_ms),
        "outcome": "0",
        "purposeOfEvent": [{"coding": [_purpose(code)]} for code in disclosure.purpose],
        "agent": [_source(origin, machine), _recipient(disclosure)],
        "source": {"observer": {"display": origin}},
        "entity": [_patient(patient), _data(disclosure)],
    }


def _source(origin: str, machine: str) -> dict[str, Any]:
    return {
        "type": {"coding": [_coding(_DICOM, "110153", "Source Role ID")]},
        "who": {"display": origin},
        "requestor": False,
        "network": {"address": machine or origin, "type": "1"},
    }


def _recipient(disclosure: Disclosure) -> dict[str, Any]:
    return {
        "type": {"coding": [_coding(_DICOM, "110152", "Destination Role ID")]},
        "who": {"display": disclosure.partner},
        "requestor": True,
        "policy": [f"urn:bailee:agreement:{disclosure.agreement}"],
        "network": {"address": disclosure.partner, "type": "1"},
    }


def _patient(patient: str) -> dict[str, Any]:
    return {
        "what": {"reference": f"Patient/{patient}"},
        "type": _coding(_ENTITY_TYPE, "1", "Person"),
        "role": _coding(_ROLE, "1", "Patient"),
    }


def _data(disclosure: Disclosure) -> dict[str, Any]:
    details = {
        "data": ", ".join(disclosure.data),
        "form": disclosure.identifiability,
        "route": disclosure.route,
        "state": disclosure.state,
        "ledger-entry": str(disclosure.seq),
    }
    return {
        "what": {"display": f"release {disclosure.release}"},
        "type": _coding(_ENTITY_TYPE, "2", "System Object"),
        "role": _coding(_ROLE, "4", "Domain Resource"),
        "detail": [{"type": name, "valueString": value} for name, value in details.items() if value],
    }


def _purpose(code: str) -> dict[str, Any]:
    return _coding(_DUO if code.startswith("DUO:") else _ACT_REASON, code)


def _coding(system: str, code: str, display: str = "") -> dict[str, Any]:
    return {"system": system, "code": code} | ({"display": display} if display else {})

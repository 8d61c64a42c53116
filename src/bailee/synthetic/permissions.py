"""Patients' consents as FHIR R4 Consent resources: about one in twenty says no, whole or in part; some say yes."""

from __future__ import annotations

from datetime import timedelta
from random import Random

from bailee.synthetic.episodes import Visit
from bailee.synthetic.resources import TERMINOLOGY, V3, Record, coded, concept, place, subject

STANCES = (
    "none",
    "permits",
    "denies research",
    "denies disclosure",
    "denies notes",
    "denies dates",
    "denies sensitive",
)
_CHANCES = (78, 17, 1.6, 1.0, 0.9, 0.7, 0.8)
_ACTION = TERMINOLOGY + "consentaction"


def stance(rng: Random) -> str:
    """Draw what a patient said; the last five of STANCES refuse, whole or in part."""
    return rng.choices(STANCES, weights=_CHANCES)[0]


def consent(visit: Visit, said: str) -> Record:
    """Make the Consent of a stance. The visit is that at which it was signed."""
    made = visit.base("Consent") | {
        "status": "active",
        "scope": concept(TERMINOLOGY + "consentscope", *(("research", "Research") if said == "denies research" else ("patient-privacy", "Privacy Consent"))),
        "category": [concept("http://loinc.org", "59284-0", "Consent Document")],
        "patient": subject(visit.resident),
        "dateTime": visit.stamp(),
        "performer": [subject(visit.resident)],
        "organization": [place(visit.facility)],
        "policyRule": coded(V3 + "ActCode", "OPTOUT" if said in {"denies research", "denies disclosure"} else "OPTIN"),
    }  # fmt: skip
    made["provision"] = _provision(visit, said)
    return made


def _provision(visit: Visit, said: str) -> Record:
    research = [{"system": V3 + "ActReason", "code": "HRESCH"}]
    disclose = [coded(_ACTION, "disclose")]
    if said == "permits":
        return {"type": "permit", "purpose": research}
    if said == "denies research":
        return {"type": "deny", "purpose": research}
    if said == "denies disclosure":
        return {"type": "deny", "action": disclose}
    part: Record = {"type": "deny", "purpose": research, "action": disclose}
    if said == "denies notes":
        part["class"] = [{"system": "http://hl7.org/fhir/resource-types", "code": "DocumentReference"}]
    elif said == "denies dates":
        part["dataPeriod"] = {
            "start": visit.stamp(-24 * 900),
            "end": (visit.at + timedelta(days=1)).isoformat(timespec="seconds"),
        }
    else:
        part["securityLabel"] = [{"system": V3 + "Confidentiality", "code": "R"}]
    return {"type": "permit", "provision": [part]}

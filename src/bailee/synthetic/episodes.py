"""What happened to a patient, as FHIR R4 resources: visits, findings, tests, drugs, procedures, plans and bills."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from bailee.synthetic.codes import table
from bailee.synthetic.grammar import shape
from bailee.synthetic.residents import AS_OF, Clinician, Facility, Resident, identifier
from bailee.synthetic.resources import (
    ICD10,
    LOINC,
    RXNORM,
    SNOMED,
    TERMINOLOGY,
    UCUM,
    US_CORE,
    V3,
    Record,
    coded,
    concept,
    doctor,
    place,
    reference,
    subject,
)

_SENSITIVE = {"B20": "HIV", "F10.20": "ETH", "F11.20": "ETH", "F20.9": "PSY", "F31.9": "PSY", "F43.10": "PSY"}
_CLINICAL = TERMINOLOGY + "condition-clinical"
_VERIFIED = TERMINOLOGY + "condition-ver-status"
_CATEGORY = TERMINOLOGY + "observation-category"


class Visit:
    """One encounter being written: when, where, with whom."""

    def __init__(self, rng: Random, resident: Resident, at: datetime) -> None:
        self.rng = rng
        self.id = identifier(rng)
        self.at = at
        self.hours = rng.choice((1, 1, 1, 4, 72, 120))
        self.resident = resident
        self.clinician: Clinician = rng.choice(resident.clinicians)
        self.facility: Facility = rng.choice(resident.facilities)

    def stamp(self, hours: float = 0) -> str:
        """Write an instant after the visit began."""
        return (self.at + timedelta(hours=hours)).isoformat(timespec="seconds")

    def reference(self) -> Record:
        """Refer to the Encounter."""
        return reference("Encounter", self.id)

    def base(self, kind: str, *, profile: str = "") -> Record:
        """Begin a resource."""
        made: Record = {"resourceType": kind, "id": identifier(self.rng)}
        if profile:
            made["meta"] = {"lastUpdated": self.stamp(2), "profile": [US_CORE + profile]}
        return made


def visits(rng: Random, resident: Resident) -> list[Visit]:
    """Draw a patient's visits in order of time, none after death."""
    last = resident.deceased or AS_OF
    first = max(resident.who.born, last - timedelta(days=2200))
    days = max(1, (last - first).days)
    count = rng.choice((3, 4, 5, 6, 8))
    moments = sorted(rng.randrange(days * 1440) for _ in range(count))
    start = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return [Visit(rng, resident, start + timedelta(minutes=moment)) for moment in moments]


def encounter(visit: Visit) -> Record:
    """Make the Encounter."""
    inpatient = visit.hours > 24
    made = visit.base("Encounter", profile="us-core-encounter")
    code = (
        ("IMP", "inpatient encounter")
        if inpatient
        else ("EMER", "emergency")
        if visit.hours == 4
        else ("AMB", "ambulatory")
    )
    return made | {
        "identifier": [{"use": "official", "system": "urn:oid:2.16.840.1.113883.3.1234.5", "value": shape("CSN99999999", visit.rng)}],
        "id": visit.id,
        "status": "finished",
        "class": {"system": V3 + "ActCode", "code": code[0], "display": code[1]},
        "type": [concept(SNOMED, "185347001", "Encounter for problem")],
        "subject": subject(visit.resident),
        "participant": [
            {"type": [coded(V3 + "ParticipationType", "PPRF")], "period": {"start": visit.stamp(), "end": visit.stamp(visit.hours)}, "individual": doctor(visit.clinician)}
        ],
        "period": {"start": visit.stamp(), "end": visit.stamp(visit.hours)},
        "location": [{"location": reference("Location", visit.facility.location_id, visit.facility.name)}],
        "serviceProvider": place(visit.facility),
    }  # fmt: skip


def condition(visit: Visit) -> Record:
    """Make a Condition; a sensitive one carries its security label."""
    code, icd, name = visit.rng.choice(table("condition"))
    made = visit.base("Condition", profile="us-core-condition")
    if icd in _SENSITIVE:
        made["meta"]["security"] = [
            {"system": V3 + "ActCode", "code": _SENSITIVE[icd]},
            {"system": V3 + "Confidentiality", "code": "R"},
        ]
    return made | {
        "clinicalStatus": coded(_CLINICAL, "active"),
        "verificationStatus": coded(_VERIFIED, "confirmed"),
        "category": [concept(TERMINOLOGY + "condition-category", "encounter-diagnosis", "Encounter Diagnosis")],
        "code": {
            "coding": [
                {"system": SNOMED, "code": code, "display": name},
                {"system": ICD10, "code": icd, "display": name},
            ],
            "text": name,
        },
        "subject": subject(visit.resident),
        "encounter": visit.reference(),
        "onsetDateTime": visit.stamp(-24 * visit.rng.randint(0, 90)),
        "recordedDate": visit.stamp(),
        "recorder": doctor(visit.clinician),
    }


def _observation(visit: Visit, category: str, code: str, display: str, hours: float) -> Record:
    made = visit.base(
        "Observation", profile=f"us-core-{'vital-signs' if category == 'vital-signs' else 'observation-lab'}"
    )
    return made | {
        "status": "final",
        "category": [concept(_CATEGORY, category, "Vital Signs" if category == "vital-signs" else "Laboratory")],
        "code": concept(LOINC, code, display),
        "subject": subject(visit.resident),
        "encounter": visit.reference(),
        "effectiveDateTime": visit.stamp(hours),
        "issued": visit.stamp(hours + 1),
        "performer": [doctor(visit.clinician)],
    }


def _quantity(rng: Random, unit: str, low: str, high: str) -> Record:
    value = round(rng.uniform(float(low), float(high)), 1)
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def vitals(visit: Visit) -> Iterator[Record]:
    """Make the vital signs of a visit, blood pressure with its two parts."""
    rng = visit.rng
    for code, unit, low, high, display in rng.sample(table("vital"), 5):
        yield _observation(visit, "vital-signs", code, display, 0.2) | {
            "valueQuantity": _quantity(rng, unit, low, high)
        }
    pressure = _observation(visit, "vital-signs", "85354-9", "Blood pressure panel with all children optional", 0.2)
    pressure["component"] = [
        {"code": concept(LOINC, code, display), "valueQuantity": _quantity(rng, "mm[Hg]", low, high)}
        for code, display, low, high in (
            ("8480-6", "Systolic blood pressure", "92", "188"),
            ("8462-4", "Diastolic blood pressure", "48", "110"),
        )
    ]
    yield pressure


def labs(visit: Visit) -> Iterator[Record]:
    """Make laboratory Observations and the DiagnosticReport that lists them."""
    rng = visit.rng
    results = []
    for code, unit, low, high, display in rng.sample(table("lab"), rng.randint(3, 9)):
        made = _observation(visit, "laboratory", code, display, 3) | {
            "valueQuantity": _quantity(rng, unit, low, high),
            "interpretation": [coded(V3 + "ObservationInterpretation", rng.choice("NNHL"))],
            "referenceRange": [
                {"low": {"value": float(low), "unit": unit}, "high": {"value": float(high), "unit": unit}}
            ],
        }
        if rng.random() < 0.05:
            made["note"] = [
                {"text": f"Called to {visit.clinician.who.full()}, read back. Patient {visit.resident.who.family}."}
            ]
        results.append(reference("Observation", made["id"], display))
        yield made
    yield visit.base("DiagnosticReport", profile="us-core-diagnosticreport-lab") | {
        "identifier": [{"system": "urn:oid:2.16.840.1.113883.3.1234.9", "value": shape("S99-99999", rng)}],
        "status": "final",
        "category": [concept(V2_LAB, "LAB", "Laboratory")],
        "code": concept(LOINC, "11502-2", "Laboratory report"),
        "subject": subject(visit.resident),
        "encounter": visit.reference(),
        "effectiveDateTime": visit.stamp(3),
        "issued": visit.stamp(5),
        "performer": [place(visit.facility)],
        "result": results,
    }


V2_LAB = "http://terminology.hl7.org/CodeSystem/v2-0074"


def medication(visit: Visit) -> Record:
    """Make a MedicationRequest."""
    code, daily, name = visit.rng.choice(table("drug"))
    return visit.base("MedicationRequest", profile="us-core-medicationrequest") | {
        "status": visit.rng.choice(("active", "completed", "stopped")),
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, code, name),
        "subject": subject(visit.resident),
        "encounter": visit.reference(),
        "authoredOn": visit.stamp(2),
        "requester": doctor(visit.clinician),
        "dosageInstruction": [
            {"sequence": 1, "text": f"Take 1, {daily} times a day", "timing": {"repeat": {"frequency": int(daily), "period": 1, "periodUnit": "d"}}, "asNeededBoolean": False}
        ],
        "dispenseRequest": {"numberOfRepeatsAllowed": visit.rng.randint(0, 5), "quantity": {"value": 30}},
    }  # fmt: skip


def procedure(visit: Visit) -> Record:
    """Make a Procedure."""
    code, cpt, name = visit.rng.choice(table("procedure"))
    return visit.base("Procedure", profile="us-core-procedure") | {
        "status": "completed",
        "code": {"coding": [{"system": SNOMED, "code": code, "display": name}, {"system": "http://www.ama-assn.org/go/cpt", "code": cpt}], "text": name},
        "subject": subject(visit.resident),
        "encounter": visit.reference(),
        "performedPeriod": {"start": visit.stamp(1), "end": visit.stamp(2)},
        "performer": [{"actor": doctor(visit.clinician), "onBehalfOf": place(visit.facility)}],
        "location": reference("Location", visit.facility.location_id, visit.facility.name),
    }  # fmt: skip


def immunization(visit: Visit) -> Record:
    """Make an Immunization."""
    code, _, name = visit.rng.choice(table("vaccine"))
    return visit.base("Immunization", profile="us-core-immunization") | {
        "status": "completed",
        "vaccineCode": concept("http://hl7.org/fhir/sid/cvx", code, name),
        "patient": subject(visit.resident),
        "encounter": visit.reference(),
        "occurrenceDateTime": visit.stamp(0.5),
        "primarySource": True,
        "lotNumber": shape("@@9999", visit.rng),
        "performer": [{"actor": doctor(visit.clinician)}],
    }


def allergy(visit: Visit) -> Record:
    """Make an AllergyIntolerance."""
    code, _, name = visit.rng.choice(table("allergen"))
    return visit.base("AllergyIntolerance", profile="us-core-allergyintolerance") | {
        "clinicalStatus": coded(TERMINOLOGY + "allergyintolerance-clinical", "active"),
        "verificationStatus": coded(TERMINOLOGY + "allergyintolerance-verification", "confirmed"),
        "type": "allergy",
        "category": ["medication"],
        "criticality": "low",
        "code": concept(SNOMED, code, name),
        "patient": subject(visit.resident),
        "recordedDate": visit.stamp(),
        "recorder": doctor(visit.clinician),
        "reaction": [{"manifestation": [concept(SNOMED, "247472004", "Hives")], "severity": "mild"}],
    }


def care_team(visit: Visit) -> Record:
    """Make the CareTeam: the clinicians and a relative."""
    resident = visit.resident
    members = [
        {"member": doctor(clinician), "role": [concept(SNOMED, "223366009", "Healthcare professional")]}
        for clinician in resident.clinicians[:3]
    ]
    return visit.base("CareTeam", profile="us-core-careteam") | {
        "status": "active",
        "name": f"Care team of {resident.who.full()}",
        "subject": subject(resident),
        "encounter": visit.reference(),
        "period": {"start": visit.stamp()},
        "participant": [{"member": subject(resident), "role": [concept(SNOMED, "116154003", "Patient")]}, *members],
        "managingOrganization": [place(visit.facility)],
    }


def care_plan(visit: Visit, team: Record) -> Record:
    """Make the CarePlan."""
    resident = visit.resident
    text = (
        f"Plan for {resident.who.full()}: low sodium diet, daily weights; {resident.relatives[0].given} helps at home."
    )
    return visit.base("CarePlan", profile="us-core-careplan") | {
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{text}</div>'},
        "status": "active",
        "intent": "order",
        "category": [concept("http://hl7.org/fhir/us/core/CodeSystem/careplan-category", "assess-plan", "Assessment and Plan of Treatment")],
        "description": text,
        "subject": subject(resident),
        "encounter": visit.reference(),
        "period": {"start": visit.stamp()},
        "careTeam": [reference("CareTeam", team["id"])],
        "activity": [{"detail": {"code": concept(SNOMED, "183301007", "Physical exercises"), "status": "in-progress", "location": reference("Location", visit.facility.location_id)}}],
    }  # fmt: skip


def device(visit: Visit) -> Record:
    """Make a Device: an implant with its serial number."""
    serial = shape("@@@999999@", visit.rng)
    return visit.base("Device", profile="us-core-implantable-device") | {
        "udiCarrier": [
            {"deviceIdentifier": shape("00999999999999", visit.rng), "carrierHRF": f"(01)00643169007222(21){serial}"}
        ],
        "status": "active",
        "manufacturer": "Medtronic",
        "manufactureDate": visit.stamp(-900),
        "lotNumber": shape("@99999", visit.rng),
        "serialNumber": serial,
        "type": concept(SNOMED, "14106009", "Cardiac pacemaker"),
        "patient": subject(visit.resident),
        "owner": place(visit.facility),
    }


def coverage(visit: Visit) -> Record:
    """Make the Coverage."""
    resident = visit.resident
    return visit.base("Coverage") | {
        "identifier": [
            {
                "type": coded(TERMINOLOGY + "v2-0203", "MB"),
                "system": "https://payer.example.org/member",
                "value": resident.member,
            }
        ],
        "status": "active",
        "type": concept(V3 + "ActCode", "HIP", "health insurance plan policy"),
        "policyHolder": subject(resident),
        "subscriber": subject(resident),
        "subscriberId": resident.member,
        "beneficiary": subject(resident),
        "relationship": coded(TERMINOLOGY + "subscriber-relationship", "self"),
        "period": {"start": f"{visit.at.year}-01-01", "end": f"{visit.at.year}-12-31"},
        "payor": [{"display": resident.payer}],
    }


def bills(visit: Visit, covered: Record) -> Iterator[Record]:
    """Make a Claim and the ExplanationOfBenefit that answers it."""
    resident, rng = visit.resident, visit.rng
    kind = concept(TERMINOLOGY + "claim-type", "professional", "Professional")
    common = {
        "status": "active",
        "type": kind,
        "use": "claim",
        "patient": subject(resident),
        "billablePeriod": {"start": visit.stamp(), "end": visit.stamp(visit.hours)},
        "created": visit.stamp(48),
        "provider": doctor(visit.clinician),
    }
    total = {"value": round(rng.uniform(80, 9000), 2), "currency": "USD"}
    code, cpt, name = rng.choice(table("procedure"))
    product = {
        "coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": cpt}, {"system": SNOMED, "code": code}],
        "text": name,
    }
    claim = visit.base("Claim") | common | {
        "identifier": [{"system": "https://payer.example.org/claim", "value": shape("CLM999999999", rng)}],
        "priority": coded(TERMINOLOGY + "processpriority", "normal"),
        "insurance": [{"sequence": 1, "focal": True, "coverage": reference("Coverage", covered["id"])}],
        "item": [{"sequence": 1, "productOrService": product, "encounter": [visit.reference()]}],
        "total": total,
    }  # fmt: skip
    yield claim
    yield visit.base("ExplanationOfBenefit") | common | {
        "insurer": {"display": resident.payer},
        "claim": reference("Claim", claim["id"]),
        "outcome": "complete",
        "insurance": [{"focal": True, "coverage": reference("Coverage", covered["id"])}],
        "item": [{"sequence": 1, "productOrService": product}],
        "payment": {"amount": total, "date": (visit.at + timedelta(days=20)).date().isoformat()},
    }  # fmt: skip


def trail(visit: Visit, target: Record) -> Iterator[Record]:
    """Make the Provenance and the AuditEvent of a resource."""
    resident, rng = visit.resident, visit.rng
    agent = {"who": doctor(visit.clinician), "onBehalfOf": place(visit.facility)}
    yield visit.base("Provenance") | {
        "target": [reference(target["resourceType"], target["id"])],
        "recorded": visit.stamp(3),
        "agent": [agent | {"type": concept(TERMINOLOGY + "provenance-participant-type", "author", "Author")}],
    }
    yield visit.base("AuditEvent") | {
        "type": {"system": TERMINOLOGY + "audit-event-type", "code": "rest", "display": "RESTful Operation"},
        "action": "R",
        "recorded": visit.stamp(3),
        "outcome": "0",
        "agent": [{"requestor": True, "name": visit.clinician.who.full(), "network": {"address": f"10.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(1, 255)}", "type": "2"}}],
        "source": {"observer": place(visit.facility), "site": visit.facility.name},
        "entity": [{"what": subject(resident), "name": resident.who.full()}],
    }  # fmt: skip

"""FHIR R4 resources of the synthetic hospital as plain dictionaries: who people are and where they are treated."""

from __future__ import annotations

from typing import Any

from bailee.synthetic.people import Person
from bailee.synthetic.residents import Clinician, Facility, Resident

Record = dict[str, Any]
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
V2 = "http://terminology.hl7.org/CodeSystem/v2-"
V3 = "http://terminology.hl7.org/CodeSystem/v3-"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
_NPI = "http://hl7.org/fhir/sid/us-npi"
_RACES = (
    ("2106-3", "White"),
    ("2054-5", "Black or African American"),
    ("2028-9", "Asian"),
    ("1002-5", "American Indian or Alaska Native"),
    ("2131-1", "Other Race"),
)


def concept(system: str, code: str, display: str) -> Record:
    """Make a CodeableConcept of one coding, with its text."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def coded(system: str, code: str) -> Record:
    """Make a CodeableConcept of a bare code."""
    return {"coding": [{"system": system, "code": code}]}


def reference(kind: str, logical_id: str, display: str = "") -> Record:
    """Make a literal reference."""
    made: Record = {"reference": f"{kind}/{logical_id}"}
    if display:
        made["display"] = display
    return made


def human_name(who: Person, *, use: str = "official", prefix: str = "", suffix: str = "") -> Record:
    """Make a HumanName."""
    given = [who.given, who.middle] if who.middle else [who.given]
    name: Record = {
        "use": use,
        "text": f"{prefix + ' ' if prefix else ''}{' '.join(given)} {who.family}",
        "family": who.family,
        "given": given,
    }
    if prefix:
        name["prefix"] = [prefix]
    if suffix:
        name["suffix"] = [suffix]
    return name


def subject(resident: Resident) -> Record:
    """Refer to the patient, with the name displayed as exports do."""
    return reference("Patient", resident.id, resident.who.full())


def doctor(clinician: Clinician) -> Record:
    """Refer to a clinician."""
    return reference("Practitioner", clinician.id, f"{clinician.who.full()}, {clinician.title}")


def place(facility: Facility) -> Record:
    """Refer to a facility as an organisation."""
    return reference("Organization", facility.organization_id, facility.name)


def identified(code: str, display: str, system: str, value: str) -> Record:
    """Make a typed Identifier."""
    return {"use": "official", "type": concept(V2 + "0203", code, display), "system": system, "value": value}


def _address(street: str, unit: str, city: str, state: str, postal_code: str, *, use: str = "home") -> Record:
    lines = [street, unit] if unit else [street]
    text = f"{', '.join(lines)}, {city}, {state} {postal_code}"
    return {
        "use": use,
        "text": text,
        "line": lines,
        "city": city,
        "state": state,
        "postalCode": postal_code,
        "country": "US",
    }


def _race(resident: Resident) -> list[Record]:
    code, display = _RACES[resident.number % len(_RACES)]
    parts = [
        {
            "url": "ombCategory",
            "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": display},
        },
        {"url": "text", "valueString": display},
    ]
    return [
        {"url": US_CORE + "us-core-race", "extension": parts},
        {"url": "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName", "valueString": resident.relatives[2].family},
        {"url": US_CORE + "us-core-birthsex", "valueCode": resident.who.gender.upper()},
        {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"city": resident.city, "state": resident.state, "country": "US"}},
    ]  # fmt: skip


def patient(resident: Resident) -> Record:
    """Make the Patient."""
    who = resident.who
    names = [human_name(who, prefix="Ms." if who.gender == "f" else "Mr.")]
    if resident.former_family:
        names.append(
            {"use": "maiden" if who.gender == "f" else "old", "family": resident.former_family, "given": [who.given]}
        )
    if resident.number % 5 == 0:
        names.append({"use": "nickname", "given": [who.nick]})
    made: Record = {
        "resourceType": "Patient",
        "id": resident.id,
        "meta": {"versionId": "1", "lastUpdated": "2026-01-31T04:12:09.000Z", "profile": [US_CORE + "us-core-patient"]},
        "text": {
            "status": "generated",
            "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{who.full()}, born {who.born.isoformat()}, MRN {resident.mrn}</div>',
        },
        "extension": _race(resident),
        "identifier": [
            identified("MR", "Medical Record Number", "urn:oid:2.16.840.1.113883.3.1234", resident.mrn),
            identified("SS", "Social Security Number", "http://hl7.org/fhir/sid/us-ssn", resident.ssn),
            identified("DL", "Driver's license number", "urn:oid:2.16.840.1.113883.4.3.25", resident.licence),
        ],
        "active": True,
        "name": names,
        "telecom": [
            {"system": "phone", "value": resident.phones[0], "use": "home"},
            {"system": "phone", "value": resident.phones[1], "use": "mobile"},
            {"system": "email", "value": resident.email},
        ],
        "gender": "female" if who.gender == "f" else "male",
        "birthDate": who.born.isoformat(),
        "address": [_address(resident.street, resident.unit, resident.city, resident.state, resident.postal_code)],
        "maritalStatus": coded(V3 + "MaritalStatus", ("M", "S", "D", "W")[resident.number % 4]),
        "contact": [
            {
                "relationship": [coded(V2 + "0131", "N")],
                "name": human_name(resident.relatives[0]),
                "telecom": [{"system": "phone", "value": resident.relative_phones[0]}],
            }
        ],
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en-US", "display": "English"}]}}
        ],
        "generalPractitioner": [doctor(resident.clinicians[0])],
        "managingOrganization": place(resident.facilities[0]),
    }
    if resident.deceased:
        made["deceasedDateTime"] = f"{resident.deceased.isoformat()}T05:20:00-05:00"
    if resident.number % 61 == 1:
        made["multipleBirthInteger"] = 2
    return made


def related_person(resident: Resident, logical_id: str) -> Record:
    """Make a RelatedPerson: the emergency contact."""
    who = resident.relatives[1]
    return {
        "resourceType": "RelatedPerson",
        "id": logical_id,
        "active": True,
        "patient": subject(resident),
        "relationship": [coded(V3 + "RoleCode", ("SONC", "BRO", "FTH", "HUSB")[resident.number % 4])],
        "name": [human_name(who)],
        "telecom": [{"system": "phone", "value": resident.relative_phones[1], "use": "mobile"}],
        "gender": "female" if who.gender == "f" else "male",
        "birthDate": who.born.isoformat(),
        "address": [_address(resident.street, resident.unit, resident.city, resident.state, resident.postal_code)],
    }


def organization(facility: Facility) -> Record:
    """Make the Organization of a facility."""
    return {
        "resourceType": "Organization",
        "id": facility.organization_id,
        "identifier": [{"system": _NPI, "value": facility.npi}],
        "active": True,
        "type": [concept(TERMINOLOGY + "organization-type", "prov", "Healthcare Provider")],
        "name": facility.name,
        "telecom": [{"system": "phone", "value": facility.phone}],
        "address": [_address(facility.street, "", facility.city, facility.state, facility.postal_code, use="work")],
    }


def location(facility: Facility) -> Record:
    """Make the Location of a facility."""
    return {
        "resourceType": "Location",
        "id": facility.location_id,
        "status": "active",
        "name": facility.name,
        "telecom": [{"system": "phone", "value": facility.phone}],
        "address": _address(facility.street, "", facility.city, facility.state, facility.postal_code, use="work"),
        "managingOrganization": place(facility),
    }


def practitioner(clinician: Clinician) -> Record:
    """Make the Practitioner."""
    return {
        "resourceType": "Practitioner",
        "id": clinician.id,
        "identifier": [{"system": _NPI, "value": clinician.npi}],
        "active": True,
        "name": [human_name(clinician.who, prefix="Dr.", suffix=clinician.title)],
        "telecom": [
            {"system": "phone", "value": clinician.phone, "use": "work"},
            {"system": "email", "value": clinician.email, "use": "work"},
        ],
        "gender": "female" if clinician.who.gender == "f" else "male",
        "qualification": [{"code": concept(V2 + "0360", "MD", "Doctor of Medicine")}],
    }


def practitioner_role(clinician: Clinician) -> Record:
    """Make the PractitionerRole."""
    return {
        "resourceType": "PractitionerRole",
        "id": clinician.role_id,
        "active": True,
        "practitioner": doctor(clinician),
        "organization": place(clinician.facility),
        "specialty": [concept("http://nucc.org/provider-taxonomy", *clinician.specialty)],
        "location": [reference("Location", clinician.facility.location_id, clinician.facility.name)],
        "telecom": [{"system": "phone", "value": clinician.phone}],
    }

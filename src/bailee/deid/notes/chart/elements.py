"""Which elements of which records identify the people around a patient, as paths to collect. Reads nothing."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from bailee.deid.notes.chart.kinds import NUMBER_OF


class Tag(IntEnum):
    """Values that need a second look before they have a kind; kinds themselves are tagged from 0."""

    TELECOM = 100  # a phone, e-mail or URL, by its looks
    REFERENCE = 101
    DISPLAY = 102
    EXTENSION_URL = 103
    EXTENSION_TEXT = 104


_NAME: Final = (("given", "given"), ("family", "family"), ("text", "full"))
_ADDRESS: Final = (
    ("line", "street"),
    ("text", "street"),
    ("city", "city"),
    ("district", "district"),
    ("postalCode", "postal-code"),
)


def _person(kind: str, base: str, who: str) -> dict[tuple[str, str], int]:
    prefix = f"{base}." if base else ""
    paths = {(kind, f"{prefix}name.{part}"): NUMBER_OF[f"{who}-{role}"] for part, role in _NAME}
    paths[kind, f"{prefix}gender"] = NUMBER_OF[f"{who}-gender"]
    return paths | _contact(kind, prefix)


def _contact(kind: str, prefix: str) -> dict[tuple[str, str], int]:
    paths = {(kind, f"{prefix}address.{part}"): NUMBER_OF[role] for part, role in _ADDRESS}
    return paths | {(kind, f"{prefix}telecom.value"): int(Tag.TELECOM)}


def _place(kind: str, role: str) -> dict[tuple[str, str], int]:
    return {(kind, "name"): NUMBER_OF[role], (kind, "alias"): NUMBER_OF[role]} | _contact(kind, "")


_IDS: Final = (
    ("*", "identifier.value"),
    ("*", "masterIdentifier.value"),
    ("Coverage", "subscriberId"),
    ("Specimen", "accessionIdentifier.value"),
    ("ServiceRequest", "requisition.value"),
    ("Claim", "insurance.preAuthRef"),
    ("ExplanationOfBenefit", "insurance.preAuthRef"),
    ("Device", "serialNumber"),
    ("Device", "lotNumber"),
    ("Device", "distinctIdentifier"),
    ("Device", "udiCarrier.deviceIdentifier"),
    ("Device", "udiCarrier.carrierHRF"),
    ("Immunization", "lotNumber"),
)

ELEMENTS: Final[dict[tuple[str, str], int]] = {
    **_person("Patient", "", "name"),
    **_person("Patient", "contact", "relative"),
    **_person("RelatedPerson", "", "relative"),
    **_person("Practitioner", "", "clinician"),
    **_person("Organization", "contact", "clinician"),
    **_person("Person", "", "name"),
    **_place("Organization", "organization"),
    **_place("Location", "facility"),
    **_place("HealthcareService", "facility"),
    **dict.fromkeys(_IDS, NUMBER_OF["id"]),
    ("Patient", "birthDate"): NUMBER_OF["date-birth"],
    ("Patient", "deceasedDateTime"): NUMBER_OF["date"],
    ("Patient", "extension.url"): int(Tag.EXTENSION_URL),
    ("Patient", "extension.valueString"): int(Tag.EXTENSION_TEXT),
    ("Patient", "extension.valueAddress.city"): NUMBER_OF["city"],
    ("RelatedPerson", "birthDate"): NUMBER_OF["date"],
    ("Practitioner", "qualification.identifier.value"): NUMBER_OF["id"],
    ("Patient", "photo.url"): NUMBER_OF["url"],
    ("Endpoint", "address"): NUMBER_OF["url"],
    ("*", "**.reference"): int(Tag.REFERENCE),
    ("*", "**.display"): int(Tag.DISPLAY),
}

MAIDEN: Final = ("mothersMaidenName", "mothers-maiden-name")

# What the text beside a reference names, by the type that the reference points to.
NAMED_BY: Final = {
    "Patient": "name-full",
    "RelatedPerson": "relative-full",
    "Practitioner": "clinician-full",
    "PractitionerRole": "clinician-full",
    "Organization": "organization",
    "Location": "facility",
    "HealthcareService": "facility",
}

# Elements that hold a date which is the patient's own, looked for in notes where the profile asks for it.
DATES: Final[dict[tuple[str, str], int]] = dict.fromkeys(
    (
        ("Encounter", "period.start"),
        ("Encounter", "period.end"),
        ("Procedure", "performedDateTime"),
        ("Procedure", "performedPeriod.start"),
        ("Observation", "effectiveDateTime"),
        ("DiagnosticReport", "effectiveDateTime"),
        ("Condition", "onsetDateTime"),
        ("Condition", "recordedDate"),
        ("MedicationRequest", "authoredOn"),
        ("Immunization", "occurrenceDateTime"),
        ("DocumentReference", "date"),
    ),
    NUMBER_OF["date"],
)

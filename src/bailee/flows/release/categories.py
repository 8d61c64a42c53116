"""Kinds of data in plain words, for disclosures: what a patient reads in an accounting (45 CFR 164.528(b)(2)(iii))."""

from __future__ import annotations

from types import MappingProxyType

_WORDS = """
demographics          Patient Person RelatedPerson
visits                Encounter EpisodeOfCare Appointment AppointmentResponse Account Schedule Slot
diagnoses             Condition ClinicalImpression DetectedIssue AdverseEvent Flag FamilyMemberHistory RiskAssessment
results               Observation Specimen MolecularSequence BodyStructure
reports               DiagnosticReport
notes                 DocumentReference DocumentManifest Composition Communication Media Binary
medications           MedicationRequest MedicationStatement MedicationDispense MedicationAdministration Medication
allergies             AllergyIntolerance
immunizations         Immunization ImmunizationEvaluation ImmunizationRecommendation
procedures            Procedure ServiceRequest DeviceRequest DeviceUseStatement Device SupplyDelivery SupplyRequest
imaging               ImagingStudy
care-plans            CarePlan CareTeam Goal NutritionOrder VisionPrescription RequestGroup Task
insurance             Coverage Claim ClaimResponse ExplanationOfBenefit Invoice ChargeItem PaymentNotice
questionnaires        QuestionnaireResponse
research              ResearchSubject
"""

OTHER = "other"
CATEGORY_OF = MappingProxyType(
    {kind: line.split()[0] for line in _WORDS.strip().splitlines() for kind in line.split()[1:]}
)
CATEGORIES = (*(line.split()[0] for line in _WORDS.strip().splitlines()), OTHER)


def category_of(kind: str) -> str:
    """Say in a word what a resource type tells about a patient."""
    return CATEGORY_OF.get(kind, OTHER)

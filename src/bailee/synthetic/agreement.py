"""The synthetic hospital's agreement: a technology partner builds cancer algorithms from de-identified notes."""

from __future__ import annotations

from datetime import date, timedelta

_TYPES = (
    "Patient, Encounter, Condition, Observation, DiagnosticReport, DocumentReference, Procedure, MedicationRequest, "
    "Immunization, AllergyIntolerance, CarePlan, CareTeam, Organization, Practitioner, PractitionerRole, Location"
)
_TEXT = """\
format: bailee-agreement/1
id: {name}
title: Finding cancer earlier from clinical notes

parties:
  hospital:
    id: mercy-river
    name: Mercy River Health
    address: 12 Mill Road, Rochester, MN 55904, United States
    country: US
    contact: Privacy Office, privacy@mercy-river.example
    commercial: false
    non_profit: true
  partner:
    id: lumen-clinical-ai
    name: Lumen Clinical AI, Inc.
    address: 480 Foundry Street, Cambridge, MA 02139, United States
    country: US
    contact: Data Steward, steward@lumen.example
    commercial: true
    non_profit: false
    references: [Organization/lumen-clinical-ai]

route:
  kind: de-identified

purposes:
  permission: DUO:0000007
  diseases: [MONDO:0004992]
  modifiers:
    - code: DUO:0000021
    - code: DUO:0000022
      values: [US]
  local: [AI-TRAIN, NO-ADS, NO-INSURANCE]
  reasons: [HRESCH]
  in_words: Training software that reads the course of a disease in notes and points out a cancer before it spreads.

prohibitions:
  - re-identification
  - contact
  - onward-transfer
  - linkage
  - sale
  - advertising
  - insurance-decisions
  - employment-decisions
  - law-enforcement

obligations:
  - report-breach-within-24-hours
  - report-use-outside-terms
  - bind-agents
  - safeguards
  - certify-destruction
  - accept-audit
  - answer-recall-within-14-days

identifiability: safe-harbor
profile: safe-harbor

consent:
  regime: opt-out

scope:
  types: [{types}]
  cohort:
    {cohort}
  justification: >-
    Notes are read beside diagnoses, laboratory results, treatments and visits. Claims, coverage, schedules and
    devices are not needed and are not in scope.

board:
  board: Mercy River Institutional Review Board
  number: IRB-{year}-0093
  approved_on: {approved}
  expires_on: {expires}

term:
  starts_on: {starts}
  ends_on: {expires}

retention:
  days: 730
  then: destroy

regions: [US]

recipients:
  - id: lumen-enclave
    name: Lumen research enclave, Massachusetts
    region: US-MA

models:
  training: true
  weights_leave: true
  trained_on: [de-identified notes, de-identified structured records]
  kept_in: [US]

linkage:
  allowed: false

payment:
  remuneration: false
  summary: The partner gives the hospital the finished algorithms without charge.

public:
  lay_summary: >-
    Doctors write notes about each visit. We let a firm teach its software to read such notes. Names, streets, numbers
    and dates are taken out first. The aim is to spot people who may have cancer but have had no test yet.
  public_benefit: Cancer that is found early can more often be cured.
"""


def agreement_text(today: date, *, name: str = "cancer-notes", cohort: str = "everyone: true") -> str:
    """Write the agreement as YAML, in force on `today` and for two years. `cohort` is the one line of its cohort.

    Source: the form of docs/agreements.md; the terms are those that published deals have in common.
    """
    approved, expires = today - timedelta(days=40), today + timedelta(days=730)
    dates = {"approved": approved, "starts": today - timedelta(days=10), "expires": expires, "year": approved.year}
    return _TEXT.format(name=name, cohort=cohort, types=_TYPES, **dates)

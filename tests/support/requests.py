"""An agreement on identified data, and a request under it."""

from datetime import date

from tests.support.agreements import PROFILE, example

from bailee.agreements.check import use_of
from bailee.agreements.documents import agreement_hash
from bailee.agreements.people import Person
from bailee.agreements.requests import Request
from bailee.agreements.terms import Agreement, Cohort

LAW = "  kind: required-by-law\n  citation: 45 CFR 164.512(b)\n  requester_checked_by: A. Person\n  requester_checked_on: 2026-01-01"


def identified(*changes: tuple[str, str]) -> Agreement:
    """Give the example agreement, on identified data that a law requires."""
    return example(
        ("identifiability: safe-harbor", "identifiability: identified"), ("  kind: de-identified", LAW), *changes
    )


def request_under(agreement: Agreement) -> Request:
    """Give a request for a part of what an agreement gives."""
    return Request(
        id="request-1",
        agreement=agreement.id,
        agreement_sha256=agreement_hash(agreement),
        purpose_in_words="Finding cancer earlier.",
        reasons=("HRESCH",),
        use=use_of(agreement),
        types=("Patient", "Condition"),
        cohort=Cohort(everyone=True),
        identifiability=agreement.identifiability,
        profile=agreement.profile,
        profile_sha256=PROFILE,
        recipients=("acme-research-cluster",),
        regions=("US",),
        protocol_sha256="1" * 64,
        expires_on=date(2028, 1, 1),
        justification="Nothing else is needed.",
    )


def person(name: str, *roles: str) -> Person:
    """Give somebody in these roles."""
    return Person(id=name, roles=frozenset(roles))

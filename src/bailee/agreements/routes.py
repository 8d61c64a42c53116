"""The legal routes by which data may leave, and the evidence that each needs; exactly one stands in an agreement.

All days are UTC; an `expires_on` day is the first on which the evidence no longer holds.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec


class Evidence(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every kind of evidence has in common: nothing but the tag."""


class Determination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An expert's determination. Source: 45 CFR 164.514(b)(1)."""

    expert: str
    credentials: str
    method: str
    risk_measure: str
    risk_limit: str
    recipients: tuple[str, ...]  # ids of recipients that it covers
    profile_sha256: str  # the released profile must equal it
    determined_on: date
    expires_on: date
    document_sha256: str


class Deidentified(Evidence, frozen=True, kw_only=True, tag="de-identified"):
    """Safe harbor, or an expert's determination. Source: 45 CFR 164.514(a)-(c)."""

    determination: Determination | None = None


class LimitedDataSet(Evidence, frozen=True, kw_only=True, tag="limited-data-set"):
    """A limited data set under a data use agreement. Source: 45 CFR 164.514(e)."""

    document_sha256: str  # the signed data use agreement
    signed_on: date
    expires_on: date
    use: Literal["research", "public-health", "operations"]


class Authorization(Evidence, frozen=True, kw_only=True, tag="authorization"):
    """Each patient's own written authorization on one form. Source: 45 CFR 164.508(b)(2), (c)."""

    form_sha256: str
    elements: tuple[
        Literal["description", "who-discloses", "who-receives", "purpose", "expiry", "signature-and-date"], ...
    ]
    statements: tuple[Literal["right-to-revoke", "conditioning", "redisclosure"], ...]
    expiry: Literal["on-date", "end-of-research", "none"]
    expires_on: date | None = None  # where the expiry is a date
    study_closed_on: date | None = None  # ends an authorization whose expiry is the end of research
    for_research: bool = False  # only research may have an expiry that is not a date
    permits_remuneration: bool = False


class Waiver(Evidence, frozen=True, kw_only=True, tag="waiver"):
    """A review or privacy board's waiver of authorization. Source: 45 CFR 164.512(i)(1)(i), (i)(2)."""

    board: str
    approved_on: date
    expires_on: date
    criteria: tuple[
        Literal[
            "minimal-risk-protection-plan",
            "minimal-risk-destruction-plan",
            "minimal-risk-no-reuse",
            "impracticable-without-waiver",
            "impracticable-without-phi",
        ],
        ...,
    ]
    information_needed: str
    procedure: Literal["normal", "expedited"]
    signed_by: str
    document_sha256: str


class Associate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A business associate agreement's terms. Source: 45 CFR 164.504(e)(2)."""

    document_sha256: str
    signed_on: date
    expires_on: date
    terms: tuple[
        Literal[
            "permitted-uses",
            "no-other-use",
            "safeguards",
            "report-breaches",
            "subcontractors",
            "access-amendment-accounting",
            "books-to-secretary",
            "return-or-destroy",
            "termination",
        ],
        ...,
    ]
    may_deidentify_for_own_use: bool = False


class Operations(Evidence, frozen=True, kw_only=True, tag="operations"):
    """Treatment, payment, operations; a vendor needs a business associate agreement. Source: 45 CFR 164.506, 164.504(e)."""

    role: Literal["provider", "payer", "business-associate"]
    associate: Associate | None = None


class Preparatory(Evidence, frozen=True, kw_only=True, tag="preparatory"):
    """A look to prepare a protocol: nothing leaves, so no release ever passes by it. Source: 45 CFR 164.512(i)(1)(ii)."""

    representations: tuple[Literal["solely-to-prepare", "nothing-leaves", "necessary"], ...]


class Decedents(Evidence, frozen=True, kw_only=True, tag="decedents"):
    """Research on the dead only. Source: 45 CFR 164.512(i)(1)(iii)."""

    representations: tuple[Literal["solely-decedents", "necessary", "proof-of-death-on-request"], ...]


class RequiredByLaw(Evidence, frozen=True, kw_only=True, tag="required-by-law"):
    """A law, public health or oversight. Source: 45 CFR 164.512(a), (b), (d)."""

    citation: str
    requester_checked_by: str
    requester_checked_on: date


Route = Deidentified | LimitedDataSet | Authorization | Waiver | Operations | Preparatory | Decedents | RequiredByLaw

"""An agreement's terms as structures: what `documents` reads from YAML and everything else compares."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from bailee.agreements.routes import Route
from bailee.agreements.vocabulary import LocalUse, Obligation, Prohibition, UsePurpose
from bailee.core.grants import Identifiability

Id = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9.-]{0,62}$")]
Text = Annotated[str, Meta(min_length=1, max_length=4000)]
Name = Annotated[str, Meta(min_length=1, max_length=200)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Region = Annotated[str, Meta(pattern="^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]  # ISO 3166: US, US-MN
DuoCode = Annotated[str, Meta(pattern="^DUO:[0-9]{7}$")]
MondoCode = Annotated[str, Meta(pattern="^MONDO:[0-9]{7}$")]
TypeName = Annotated[str, Meta(pattern="^([A-Z][A-Za-z]{2,63}|all)$")]


# What a dataset may hold: FHIR as NDJSON, the same as tables, OMOP CDM tables.
Format = Literal["fhir-ndjson", "fhir-tables", "omop"]
USUAL_FORMATS: tuple[Format, ...] = ("fhir-ndjson", "fhir-tables")


class Term(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of all parts of an agreement: frozen, and an unknown term refuses the document."""


class Party(Term, frozen=True, kw_only=True):
    """One side. Address and contact are what an accounting of disclosures must name (45 CFR 164.528(b)(2)(ii))."""

    id: Id
    name: Name
    address: Text
    country: Region
    contact: Name
    commercial: bool
    non_profit: bool
    organisation_id: str = ""  # ROR or GRID
    references: tuple[str, ...] = ()  # other names by which a patient's directive may mean it: "Organization/acme"


class Parties(Term, frozen=True, kw_only=True):
    """The hospital gives, the partner receives."""

    hospital: Party
    partner: Party


class Modifier(Term, frozen=True, kw_only=True):
    """One DUO modifier and what it needs: countries, users, institutions, projects, a research type, or months."""

    code: DuoCode
    values: tuple[Name, ...] = ()
    months: Annotated[int, Meta(ge=1, le=600)] | None = None


class Purposes(Term, frozen=True, kw_only=True):
    """What the data may be used for. Source: GA4GH Data Use Ontology; one primary permission and its modifiers."""

    permission: DuoCode
    diseases: tuple[MondoCode, ...] = ()
    modifiers: tuple[Modifier, ...] = ()
    local: tuple[LocalUse, ...] = ()
    reasons: Annotated[tuple[UsePurpose, ...], Meta(min_length=1)] = ("HRESCH",)
    in_words: Text


class Consent(Term, frozen=True, kw_only=True):
    """Which patients take part: all but those who said no, or only those who said yes."""

    regime: Literal["opt-out", "opt-in"]
    registers: tuple[Id, ...] = ()  # opt-out registers that must be fresh
    stores: tuple[Name, ...] = ()  # consent stores whose consents bind, beside those of the hospital's configuration
    special: tuple[Name, ...] = ()  # sensitivity categories that need specific permission, beside the law's


class Cohort(Term, frozen=True, kw_only=True):
    """Whose records: exactly one of the three."""

    search: Annotated[str, Meta(min_length=1, max_length=4000)] | None = None  # a FHIR search: "Condition?code=…"
    sql: Annotated[str, Meta(min_length=1, max_length=20_000)] | None = None  # a query over the vault giving `patient`
    everyone: bool = False


class Scope(Term, frozen=True, kw_only=True):
    """What is asked at most, and why it is necessary. Source: 45 CFR 164.502(b), minimum necessary."""

    types: Annotated[tuple[TypeName, ...], Meta(min_length=1)]
    elements: dict[TypeName, tuple[Name, ...]] = msgspec.field(default_factory=dict)  # type → its top-level elements
    cohort: Cohort
    records_from: date | None = None
    records_until: date | None = None
    patients_at_most: Annotated[int, Meta(ge=1)] | None = None
    leaves_out: tuple[Name, ...] = ()  # sensitivity categories that are not asked for
    justification: Text


class Board(Term, frozen=True, kw_only=True):
    """The review board's approval."""

    board: Name
    number: Name
    approved_on: date
    expires_on: date
    document_sha256: Sha256 | None = None


class Period(Term, frozen=True, kw_only=True):
    """The agreement's term. `ends_on` is the first day on which it no longer holds."""

    starts_on: date
    ends_on: date


class Retention(Term, frozen=True, kw_only=True):
    """How long the partner may keep what it received, and what happens then."""

    days: Annotated[int, Meta(ge=1)]
    then: Literal["destroy", "return"]
    certificate: bool = True


class Recipient(Term, frozen=True, kw_only=True):
    """A system or group that receives, and the public key that it proves itself with or is encrypted to."""

    id: Id
    name: Name
    region: Region
    key: str = ""
    jwks_url: str = ""


class Models(Term, frozen=True, kw_only=True):
    """Whether models may be trained, on what, and whether their weights leave."""

    training: bool
    weights_leave: bool = False
    trained_on: tuple[Name, ...] = ()
    kept_in: tuple[Region, ...] = ()


class Linkage(Term, frozen=True, kw_only=True):
    """Which other sources the data may be joined with."""

    allowed: bool = False
    sources: tuple[Name, ...] = ()


class Payment(Term, frozen=True, kw_only=True):
    """Money or gifts in kind. A sale of identifiable data needs authorization (45 CFR 164.508(a)(4))."""

    remuneration: bool
    summary: Text = "None."


class Public(Term, frozen=True, kw_only=True):
    """What the public register says. Source: UK Health Data Research Alliance, data use register, version 2."""

    lay_summary: Text  # 300 words at most
    public_benefit: Text
    category: Literal["health-research", "public-health", "service-planning", "innovation", "other"] = "health-research"
    applicants: tuple[Name, ...] = ()
    funders: tuple[Name, ...] = ()
    technical_summary: str = ""
    outputs: tuple[str, ...] = ()


class Sensitive(Term, frozen=True, kw_only=True):
    """What look-alikes must not have in common: how many values a class holds, how far it is from the whole."""

    element: Name
    values: Annotated[int, Meta(ge=1)] = 2
    distance_percent: Annotated[int, Meta(ge=0, le=100)] = 100
    ordered: bool = False


class Singling(Term, frozen=True, kw_only=True):
    """How many must look alike in a release, by which elements, and how many must differ from an earlier release."""

    quasi: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=8)]  # FHIR paths: "Patient.birthDate"
    k: Annotated[int, Meta(ge=2)] = 11
    unique: Annotated[int, Meta(ge=0)] | None = None  # patients that may be alone in their class
    least_difference: Annotated[int, Meta(ge=1)] = 11
    coarsen: bool = False  # whether values may be coarsened until it holds; else the release is refused
    leave_out_percent: Annotated[int, Meta(ge=0, le=50)] = 0  # patients that may stay out of the release for it
    sensitive: Annotated[tuple[Sensitive, ...], Meta(max_length=4)] = ()


class Agreement(Term, frozen=True, kw_only=True):
    """Everything that a partner may receive and do; the text that both parties sign."""

    format: Literal["bailee-agreement/1"]
    id: Id
    title: Name
    parties: Parties
    route: Route
    purposes: Purposes
    prohibitions: tuple[Prohibition, ...]
    obligations: tuple[Obligation, ...]
    identifiability: Identifiability
    profile: Name
    profile_sha256: Sha256 | None = None
    consent: Consent
    scope: Scope
    formats: Annotated[tuple[Format, ...], Meta(min_length=1)] = USUAL_FORMATS
    board: Board | None = None
    term: Period
    retention: Retention
    regions: Annotated[tuple[Region, ...], Meta(min_length=1)]
    recipients: Annotated[tuple[Recipient, ...], Meta(min_length=1)]
    models: Models
    linkage: Linkage = Linkage()
    payment: Payment
    risk: Singling | None = None
    public: Public
    request_needed: bool = False  # identified data always needs one

"""A data use as the public register shows it: the fields of the UK's register, in its order, and ours after them.

Source: UK Health Data Research Alliance, data use register specification, version 2 (19 January 2022): 32 fields in
five groups; the recommended core is marked. Nothing here is about a person: small numbers are banded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from bailee.core.errors import Invalid

EXACT_FROM = 1000
SUMMARY_WORDS = 300
READING_GRADE = 8.0
FORMAT = "bailee-use/1"


@dataclass(frozen=True)
class Field:
    """One column: its group, its attribute of Use, its title, and whether it is in the recommended core."""

    group: str
    name: str
    title: str
    core: bool = False


def _fields(group: str, *names: str) -> tuple[Field, ...]:
    return tuple(
        Field(group, name.strip("*"), title.strip(), core=name.endswith("*"))
        for name, title in (item.split(" ", 1) for item in names)
    )


HDR_FIELDS = (
    *_fields(
        "Safe people",
        "organisation* Lead applicant organisation name",
        "organisation_id Lead applicant organisation ID",
        "sector Organisation sector",
        "applicants Applicant names",
        "applicant_ids Applicant IDs",
        "funders Funders or sponsors",
        "accredited Accredited researcher status",
        "sublicence Sub-licence arrangements",
    ),
    *_fields(
        "Safe projects",
        "project_id Project ID",
        "title* Project title",
        "lay_summary* Lay summary",
        "public_benefit* Public benefit statement",
        "category Request category type",
        "technical_summary Technical summary",
        "committees Other approval committees",
        "starts_on Project start date",
        "ends_on Project end date",
        "approved_on* Latest approval date",
    ),
    *_fields(
        "Safe data",
        "datasets* Dataset names",
        "sensitivity Data sensitivity level",
        "article_6 Legal basis for provision of data under Article 6",
        "article_9 Lawful conditions for provision of data under Article 9",
        "confidentiality Common law duty of confidentiality",
        "opt_out_applied National data opt-out applied",
        "frequency Request frequency",
        "linkage Description of how the data will be processed, for linked datasets",
        "linked_assets Description of the handling of linked assets",
        "confidential_data Description of the confidential data being used",
        "released_on Release or access date",
    ),
    *_fields("Safe setting", "access_type* Access type", "privacy Privacy enhancements"),
    *_fields("Safe outputs", "outputs Link to research outputs"),
)
OWN_FIELDS = _fields(
    "Agreement and evidence",
    "agreement Agreement",
    "agreement_sha256 Agreement's SHA-256",
    "status Status",
    "permitted Permitted uses",
    "prohibited Prohibited uses",
    "route Legal route",
    "patients Number of patients",
    "opt_outs Opt-outs honoured",
    "elements Fields released",
    "profile De-identification profile",
    "profile_sha256 Profile's SHA-256",
    "risk Measured risk of re-identification",
    "regions Regions of processing",
    "model_training Model training",
    "payment Value to the hospital, in money or kind",
    "retention Retention",
    "destroyed_on Destruction certified on",
    "incidents Incidents",
)


class Use(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry. Lists are texts in order; a field that does not apply is empty. Days are ISO 8601."""

    organisation: str
    title: str
    lay_summary: str
    public_benefit: str
    agreement: str
    agreement_sha256: str
    format: str = FORMAT
    organisation_id: str = ""
    sector: str = ""
    applicants: tuple[str, ...] = ()
    applicant_ids: tuple[str, ...] = ()
    funders: tuple[str, ...] = ()
    accredited: str = ""
    sublicence: str = ""
    project_id: str = ""
    category: str = ""
    technical_summary: str = ""
    committees: tuple[str, ...] = ()
    starts_on: str = ""
    ends_on: str = ""
    approved_on: str = ""
    datasets: tuple[str, ...] = ()
    sensitivity: str = ""
    article_6: str = ""
    article_9: str = ""
    confidentiality: str = ""
    opt_out_applied: str = ""
    frequency: str = ""
    linkage: str = ""
    linked_assets: str = ""
    confidential_data: str = ""
    released_on: tuple[str, ...] = ()
    access_type: str = ""
    privacy: str = ""
    outputs: tuple[str, ...] = ()
    status: str = ""
    permitted: tuple[str, ...] = ()
    prohibited: tuple[str, ...] = ()
    route: str = ""
    patients: str = ""
    opt_outs: str = ""
    elements: tuple[str, ...] = ()
    profile: str = ""
    profile_sha256: str = ""
    risk: str = ""
    regions: tuple[str, ...] = ()
    model_training: str = ""
    payment: str = ""
    retention: str = ""
    destroyed_on: str = ""
    incidents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.lay_summary.split()) > SUMMARY_WORDS:
            raise Invalid(f"a lay summary of more than {SUMMARY_WORDS} words", where=self.agreement)


@dataclass(frozen=True)
class Refusal:
    """A request or a release that the hospital refused, stopped or ended."""

    on: str
    what: str
    about: str
    reasons: tuple[str, ...]


def cell(use: Use, field: Field) -> str:
    """Write one field as text."""
    value: Any = getattr(use, field.name)
    return "; ".join(value) if isinstance(value, tuple) else str(value)


def banded(count: int) -> str:
    """Say a number of people without giving away a small one: exact from 1,000."""
    if count >= EXACT_FROM:
        return f"{count:,}"
    return next(
        words for limit, words in ((10, "fewer than 10"), (100, "10 to 99"), (1000, "100 to 999")) if count < limit
    )


def reading_grade(text: str) -> float:
    """Estimate the school grade that a text asks for. Source: Flesch-Kincaid; syllables are groups of vowels."""
    words = re.findall(r"[^\W\d_]+", text)
    sentences = max(1, len(re.findall(r"[.!?]+", text)))
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", word.lower().removesuffix("e")))) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / max(1, len(words)) - 15.59


def advice(use: Use) -> list[str]:
    """Say what would make an entry better: hard words, missing core fields."""
    grade = reading_grade(use.lay_summary)
    missing = [field.title for field in HDR_FIELDS if field.core and not cell(use, field)]
    hard = [f"the lay summary reads at grade {grade:.0f}; aim at {READING_GRADE:.0f}"] if grade > READING_GRADE else []
    return [*hard, *(f"{title} is empty" for title in missing)]

"""How Bailee's profiles are said in DICOM's terms: which options of PS3.15 Annex E they take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bailee.core.errors import UserError

# Source: PS3.16 CID 7050, De-identification Method.
BASIC: Final = ("113100", "Basic Application Confidentiality Profile")
OPTIONS: Final = {
    "pixels": ("113101", "Clean Pixel Data Option"),
    "graphics": ("113103", "Clean Graphics Option"),
    "structured": ("113104", "Clean Structured Content Option"),
    "descriptors": ("113105", "Clean Descriptors Option"),
    "full-dates": ("113106", "Retain Longitudinal Temporal Information Full Dates Option"),
    "modified-dates": ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    "patient": ("113108", "Retain Patient Characteristics Option"),
    "device": ("113109", "Retain Device Identity Option"),
    "uids": ("113110", "Retain UIDs Option"),
    "private": ("113111", "Retain Safe Private Option"),
    "institution": ("113112", "Retain Institution Identity Option"),
}
_CLEANED: Final = ("descriptors", "structured", "graphics", "patient")


@dataclass(frozen=True, kw_only=True)
class DicomProfile:
    """A profile. `kept` names attributes that leave as they are whatever the table says; `times` is what becomes of dates.

    `times` is a value of Longitudinal Temporal Information Modified: REMOVED, MODIFIED or UNMODIFIED.
    """

    name: str
    options: tuple[str, ...]
    times: str
    identified: bool = False
    fold_ages: bool = True
    kept: tuple[str, ...] = ()


PROFILES: Final = {
    each.name: each
    for each in (
        DicomProfile(name="safe-harbor", options=_CLEANED, times="REMOVED"),
        DicomProfile(
            name="limited-data-set",
            options=(*_CLEANED, "full-dates"),
            times="UNMODIFIED",
            fold_ages=False,
            kept=("PatientBirthDate",),  # 45 CFR 164.514(e)(2) lets birth dates stay
        ),
        DicomProfile(name="expert-determination", options=(*_CLEANED, "modified-dates"), times="MODIFIED"),
        DicomProfile(name="research-identified", options=(), times="UNMODIFIED", identified=True, fold_ages=False),
    )
}


def dicom_profile(name: str) -> DicomProfile:
    """Give what a profile means for DICOM files. Raises: UserError for a name that is none of Bailee's own profiles."""
    if name not in PROFILES:
        raise UserError(
            "a profile that does not say what becomes of DICOM files",
            where=name,
            remedy="Use one of " + ", ".join(PROFILES) + ", or leave the DICOM files out.",
        )
    return PROFILES[name]

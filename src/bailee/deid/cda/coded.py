"""Codes with their systems and words (CD, CE, CV, CO): a code leaves if its system is known and it looks like one of its."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from bailee.deid.formats.codes import is_code, is_version, system_of_oid

WORDS: Final = "displayName"
_VALUE_SET: Final = re.compile(
    r"2\.16\.840\.1\.(?:113883\.(?:1\.11|3\.88\.12|3\.526|11|13)|113762\.1\.4)(?:\.\d{1,6}){0,6}", re.ASCII
)
SYSTEM_NAMES: Final = frozenset(
    [
        "LOINC",
        "SNOMED CT",
        "SNOMED-CT",
        "SNOMED",
        "RxNorm",
        "RXNORM",
        "RxNORM",
        "ICD-9-CM",
        "ICD-9CM",
        "ICD9",
        "ICD-10-CM",
        "ICD-10",
        "ICD10",
        "ICD10CM",
        "ICD-10-PCS",
        "CVX",
        "CPT",
        "CPT-4",
        "HCPCS",
        "NDC",
        "UCUM",
        "NCI",
        "NCI Thesaurus",
        "UNII",
        "FDA UNII",
        "CDC Race and Ethnicity",
        "Race & Ethnicity - CDC",
        "Race and Ethnicity - CDC",
        "AdministrativeGender",
        "MaritalStatus",
        "ActCode",
        "ActClass",
        "ActStatus",
        "ActPriority",
        "ActReason",
        "ActMood",
        "Confidentiality",
        "RoleCode",
        "RoleClass",
        "RouteOfAdministration",
        "ObservationInterpretation",
        "HL7 ActClass",
        "HL7 ActCode",
        "HL7ActCode",
        "HL7ActClass",
        "HL7 RoleCode",
        "HL7 RoleClass",
        "HL7 Role code",
        "LanguageAbilityMode",
        "LanguageAbilityProficiency",
        "ReligiousAffiliation",
        "HL7 Religious Affiliation",
        "NullFlavor",
        "NUCC",
        "NUCC Health Care Provider Taxonomy",
        "Provider Codes",
        "Health Care Provider Taxonomy",
        "ParticipationFunction",
        "MaritalStatusCode",
        "ConfidentialityCode",
        "HL7 Marital Status",
        "HL7 Confidentiality",
        "FIPS",
        "ISO 3166",
        "Healthcare Service Location",
        "HealthcareServiceLocation",
    ]
)


def coded_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Decide a code's attributes, but for its words. Shape: name → value, what leaves of it."""
    out: dict[str, str] = {}
    oid = attributes.get("codeSystem", "")
    system = system_of_oid(oid)
    if system:
        out["codeSystem"] = oid
        if attributes.get("codeSystemName") in SYSTEM_NAMES:
            out["codeSystemName"] = attributes["codeSystemName"]
        if is_version(attributes.get("codeSystemVersion", "")):
            out["codeSystemVersion"] = attributes["codeSystemVersion"]
        if is_code(system, attributes.get("code", "")):
            out["code"] = attributes["code"]
    if _VALUE_SET.fullmatch(attributes.get("sdtc:valueSet", "")):
        out["sdtc:valueSet"] = attributes["sdtc:valueSet"]
        if is_version(attributes.get("sdtc:valueSetVersion", "")):
            out["sdtc:valueSetVersion"] = attributes["sdtc:valueSetVersion"]
    return out

"""Reason codes of refusals, each with words for people. Codes are never reused; governance is in docs/reasons.md."""

from __future__ import annotations

REASONS = {
    "P-PERMIT": "Every rule allows it.",
    "E-INPUT": "Something that the decision needs is missing or cannot be read.",
    "E-VOCAB": "A term that this version does not know.",
    "E-UNMAPPED": "It cannot be tied to exactly one patient of this hospital.",
    "E-AGREEMENT": "The agreement is not in force.",
    "E-AGREEMENT-HASH": "The agreement was changed after it was approved.",
    "E-REQUEST": "There is no approved request.",
    "E-REQUEST-HASH": "The request was changed after it was approved.",
    "E-SCOPE": "The agreement does not cover it.",
    "E-SCOPE-FIELD": "The agreement does not cover this type of record.",
    "E-SCOPE-PURPOSE": "The agreement does not cover this purpose.",
    "E-SCOPE-REGION": "The agreement does not cover this region.",
    "E-SCOPE-RECIPIENT": "The agreement does not name this recipient.",
    "E-SCOPE-COHORT": "The patient is not in the agreement's cohort.",
    "E-ROUTE": "The legal route or its evidence is missing.",
    "E-IRB-EXPIRED": "The review board's approval is not valid on this day.",
    "E-DUA": "The data use agreement lacks a required term.",
    "E-AUTHZ-DEFECTIVE": "The patient's authorization is incomplete, expired or revoked.",
    "E-DENY": "A rule of law, of the hospital or of the patient forbids it.",
    "E-NOCONSENT": "The patient has not agreed.",
    "E-SPECIAL": "It belongs to a specially protected category that needs its own consent.",
    "E-OPTOUT": "The patient has opted out.",
    "E-OPTOUT-STALE": "The opt-out register is older than allowed.",
    "E-DEID-PROFILE": "The de-identification profile has no rule for it.",
    "E-MODIFIER": "It carries a modifier that this version does not know, so its meaning is uncertain.",
    "E-TEXT": "Its text cannot be read with certainty.",
    "E-LANGUAGE": "Its language is not supported.",
    "E-SURVIVOR": "After cleaning, its text still held something from the patient's chart.",
    "E-OUTPUT-RISK": "Too few others look the same: the risk of being singled out is above the threshold.",
    "E-DIFFERENCING": "Together with an earlier release it would single somebody out.",
    "E-CLOCK": "The machine's clock contradicts the ledger.",
    "E-AUDIT-DOWN": "The ledger cannot be written.",
    "E-INTERNAL": "Something went wrong while deciding.",
}


def plain_words(code: str) -> str:
    """Say a reason code in words; a code with a suffix (`E-DENY:<rule>`) is said by its stem."""
    return REASONS.get(code.partition(":")[0], "A rule refuses it.")

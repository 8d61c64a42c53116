"""The words that an agreement may use, beside GA4GH DUO; an unknown word refuses the document."""

from __future__ import annotations

from typing import Literal

Prohibition = Literal[
    "re-identification",  # no attempt to learn who a person is
    "contact",  # no contact with a person
    "onward-transfer",  # nobody else receives it
    "linkage",  # not joined with other data about persons
    "sale",
    "advertising",
    "insurance-decisions",
    "employment-decisions",
    "law-enforcement",
    "model-training",
    "model-export",  # weights do not leave the named regions
]
Obligation = Literal[
    "report-breach-within-24-hours",
    "report-use-outside-terms",
    "bind-agents",
    "safeguards",
    "publish-results",
    "publication-moratorium",
    "collaborate",
    "return-results",
    "acknowledge-source",
    "certify-destruction",
    "accept-audit",
    "answer-recall-within-14-days",
]
LocalUse = Literal[
    "AI-TRAIN", "AI-TRAIN-NO-EXPORT-WEIGHTS", "NO-LINK", "NO-ADS", "NO-INSURANCE", "NO-LAW-ENFORCEMENT", "RECONTACT"
]
"""Our own use terms, in a namespace of their own: DUO identifiers are not ours to mint."""

UsePurpose = Literal[
    "HRESCH", "CLINTRCH", "PUBHLTH", "HOPERAT", "HQUALIMP", "HPAYMT", "TREAT", "HMARKT", "HSYSADMIN", "LEGAL"
]
"""Why data is used, as a patient's directive says it. Source: HL7 v3 ActReason, PurposeOfUse."""

ALWAYS_PROHIBITED: frozenset[str] = frozenset({"re-identification", "contact"})
"""What every agreement on data that is not identified must prohibit. Source: 45 CFR 164.514(e)(4)(ii)(C)(5)."""

DATA_USE_DUTIES: frozenset[str] = frozenset({"safeguards", "report-use-outside-terms", "bind-agents"})
"""Duties that a data use agreement must hold beside those prohibitions. Source: 45 CFR 164.514(e)(4)(ii)(C)."""

"""Consents that somebody else gave: a guardian's permission ends when the child comes of age; a refusal does not."""

from __future__ import annotations

from typing import Any

import msgspec

from bailee.consent.facts import reference_token
from bailee.consent.moments import stretch
from bailee.consent.rules import Rule

AGE_OF_MAJORITY = 18


def given_by_proxy(consent: dict[str, Any]) -> bool:
    """Tell whether only somebody else gave a Consent: performers, and none of them the patient."""
    performers = [one.get("reference") for one in consent.get("performer") or []]
    tokens = [reference_token(one) if isinstance(one, str) else None for one in performers]
    return bool(tokens) and not any(token and token.startswith("Patient/") for token in tokens)


def until_majority(rule: Rule, consent: dict[str, Any], birth: str | None) -> Rule | None:
    """End a proxy's permission at the patient's majority; None where no permission is left.

    A proxy of somebody who was of age already keeps it. Where the birth date is not known, no permission is left.
    Shape: `birth` is a FHIR date; of a year or a month, its first day counts. Raises: ValueError if it is none.
    """
    if rule.effect == "deny":
        inner = [until_majority(one, consent, birth) for one in rule.exceptions]
        return msgspec.structs.replace(rule, exceptions=tuple(one for one in inner if one is not None))
    if birth is None:
        return None
    of_age_ms = majority_ms(birth)
    signed = consent.get("dateTime")
    if isinstance(signed, str) and stretch(signed)[0] >= of_age_ms:
        return rule
    if of_age_ms <= rule.not_before:
        return None
    return msgspec.structs.replace(rule, not_after=min(rule.not_after, of_age_ms))


def majority_ms(birth: str) -> int:
    """Give the first moment of somebody's eighteenth birthday; of 29 February, where it lacks, 1 March.

    Units: milliseconds since the epoch, UTC. Raises: ValueError.
    """
    year, *rest = birth.split("-")
    of_age = "-".join([f"{int(year) + AGE_OF_MAJORITY:04d}", *rest])
    try:
        return stretch(of_age)[0]
    except ValueError:
        if rest == ["02", "29"]:
            return stretch(f"{int(year) + AGE_OF_MAJORITY:04d}-03-01")[0]
        raise

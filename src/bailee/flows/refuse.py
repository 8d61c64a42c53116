"""Refuse: write a patient's no, in force at once, and tell the partners of earlier releases that it speaks of."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection

from bailee.agreements.check import ask_of
from bailee.consent.rules import Rule, reach
from bailee.core.grants import Ask
from bailee.flows.hospital import Hospital
from bailee.stores.sql.agreements import find_agreement
from bailee.stores.sql.consents import put_rule
from bailee.stores.sql.database import write
from bailee.stores.sql.ledger_people import disclosures_of
from bailee.stores.sql.recalls import open_recalls

_ANY_PROFILE = "0" * 64  # a directive does not speak of profiles


def refuse(hospital: Hospital, patient: str, rule: Rule, *, by: str, source: str = "desk") -> int:
    """Set a directive and open recall notices, in one transaction. Gives how many notices are new."""
    at_ms = hospital.clock.now_ms()
    with write(hospital.engine) as connection:
        put_rule(connection, patient, rule, source=source, actor=by, at_ms=at_ms)
        return recall_for(connection, patient, [rule], actor=by, at_ms=at_ms)


def recall_for(connection: Connection, patient: str, rules: Iterable[Rule], *, actor: str, at_ms: int) -> int:
    """Open a notice for each earlier release that one of these rules would now leave the patient out of, or in part.

    For directives that came some other way, such as Consents taken in from an export. Runs in the caller's
    transaction. Units: milliseconds since the epoch.
    """
    said = list(rules)
    releases = []
    for one in disclosures_of(connection, patient):
        ask = _ask(connection, one.agreement)
        if ask is None or any(_refuses(rule, ask, at_ms) for rule in said):
            releases.append((one.release, one.agreement))
    return open_recalls(connection, patient, releases, actor=actor, at_ms=at_ms)


def _ask(connection: Connection, agreement: str) -> Ask | None:
    """Give what the agreement asks for; None where it cannot be found any more, and then everything speaks of it."""
    stored = find_agreement(connection, agreement)
    return None if stored is None else ask_of(stored.agreement, profile_sha256=_ANY_PROFILE)


def _refuses(rule: Rule, ask: Ask, at_ms: int) -> bool:
    """Tell whether a rule refuses anything of this ask, outright or of some records."""
    found = reach(rule, ask, at_ms)
    if found.whole == "deny":
        return True
    return found.depends and _has_refusal(rule)


def _has_refusal(rule: Rule) -> bool:
    return rule.effect == "deny" or any(_has_refusal(one) for one in rule.exceptions)


def rule_against(
    name: str, *, partners: Iterable[str] = (), purposes: Iterable[str] = (), types: Iterable[str] = ()
) -> Rule:
    """Make the rule of a plain no: to some partners, purposes and types of record, or to all."""
    bare = Rule(id=name, effect="deny", layer="patient")
    return msgspec.structs.replace(
        bare, recipients=frozenset(partners), purposes=frozenset(purposes), classes=frozenset(types)
    )

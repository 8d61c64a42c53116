"""Refuse: write a patient's no, in force at once, and tell the partners of earlier releases that it speaks of."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pyarrow as pa

from bailee.consent.rules import Rule
from bailee.flows.hospital import Hospital
from bailee.flows.recall import recalling
from bailee.stores.sql.consents import Change, load_register, put_rule, register_patients, take_back
from bailee.stores.sql.database import write


def refuse(hospital: Hospital, patient: str, rule: Rule, *, by: str, source: str = "desk") -> int:
    """Set a directive and open recall notices, in one transaction. Gives how many notices are new."""
    at_ms = hospital.clock.now_ms()
    with write(hospital.engine) as connection, recalling(hospital, connection, [patient], actor=by, at_ms=at_ms) as led:
        put_rule(connection, patient, rule, source=source, actor=by, at_ms=at_ms)
    return led.opened


def withdraw(hospital: Hospital, patient: str, name: str, *, by: str) -> int:
    """Take a directive back; where it was a permission that a release rests on, notices open. Gives how many."""
    at_ms = hospital.clock.now_ms()
    with write(hospital.engine) as connection, recalling(hospital, connection, [patient], actor=by, at_ms=at_ms) as led:
        take_back(connection, patient, name, actor=by, at_ms=at_ms)
    return led.opened


def replace_register(hospital: Hospital, name: str, patients: pa.Array, sha256: str, *, by: str) -> tuple[Change, int]:
    """Replace an opt-out register; whoever is new in it is recalled. Gives the change, and how many notices are new."""
    at_ms = hospital.clock.now_ms()
    with write(hospital.engine) as connection:
        concerned = sorted({*register_patients(connection, name), *patients.to_pylist()})
        with recalling(hospital, connection, concerned, actor=by, at_ms=at_ms) as led:
            change = load_register(connection, name, patients, sha256, actor=by, at_ms=at_ms)
    return change, led.opened


def rule_against(
    name: str, *, partners: Iterable[str] = (), purposes: Iterable[str] = (), types: Iterable[str] = ()
) -> Rule:
    """Make the rule of a plain no: to some partners, purposes and types of record, or to all."""
    bare = Rule(id=name, effect="deny", layer="patient")
    return msgspec.structs.replace(
        bare, recipients=frozenset(partners), purposes=frozenset(purposes), classes=frozenset(types)
    )

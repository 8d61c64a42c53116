"""The request that a release rests on: held while it is made, and spent when it is done."""

from __future__ import annotations

from sqlalchemy import Connection

from bailee.agreements.people import Person
from bailee.agreements.requests import hold_within
from bailee.core.decisions import Decision
from bailee.core.errors import Denied
from bailee.flows.hospital import Hospital
from bailee.flows.release.plan import ReleasePlan
from bailee.flows.standing import Basis
from bailee.stores.sql.agreements import find_request, hold_agreement, hold_request, move_request
from bailee.stores.sql.database import write

READY = "OUTPUT_CHECKED"


def hold(hospital: Hospital, connection: Connection, plan: ReleasePlan) -> None:
    """Hold, in the transaction that writes disclosures, that agreement and request are what was decided on. Raises: Denied."""
    hold_agreement(connection, plan.agreement, plan.agreement_sha256)
    if plan.request:
        hold_request(connection, plan.request, plan.request_sha256, hospital.clock.now_ms())


def check_ready(basis: Basis) -> None:
    """Hold that a request has come as far as it must: prepared by one person and checked by another. Raises: Denied."""
    if basis.asked is None:
        return
    hold_within(basis.asked.request, basis.agreement, basis.stored.sha256)
    state = basis.asked.progress.state
    if state != READY:
        raise Denied(
            f"the request is {state.lower().replace('_', ' ')}",
            reasons=("E-REQUEST",),
            remedy="It is released once it was approved, prepared and its output checked: see `bailee request move --help`.",
        )


def spend(hospital: Hospital, plan: ReleasePlan, decision: Decision) -> None:
    """Note that a request's release is out; another needs another request. A run that goes on finds it noted."""
    if not plan.request:
        return
    engineer = Person(id=hospital.actor, roles=frozenset({"data-engineer"}))
    with write(hospital.engine) as connection:
        stored = find_request(connection, plan.request)
        if stored is not None and stored.progress.state == READY:
            move_request(connection, plan.request, "release", engineer, hospital.clock.now_ms(), decision=decision)

"""Whom a change in a consent store concerns: the patients whose earlier releases it may recall."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bailee.consent.policies import PATIENT
from bailee.flows.hospital import Hospital
from bailee.flows.recall import recalling
from bailee.stores.sql import consent_stores as stores
from bailee.web.consent_calls import Call, Route


def run_call(hospital: Hospital, route: Route, call: Call) -> object:
    """Run a call; where it changes what somebody said, with the recall notices that it leads to, in one transaction."""
    concerned = _CONCERNED.get(route.operation)
    if concerned is None:
        return route.run(call)
    actor, patients = call.actor, concerned(call)
    with recalling(hospital, call.connection, patients, actor=actor.name, at_ms=actor.at_ms):
        return route.run(call)


def _of_consent(call: Call) -> list[str]:
    known = stores.revisions_of(call.connection, call.store, call.name)
    users = {known[-1].content.user_id} if known else set()
    named = getattr(call.body, "user_id", "")
    return stores.patients_of_users(call.connection, call.store, sorted(users | ({named} if named else set())))


def _of_mapping(call: Call) -> list[str]:
    known = stores.mappings_of(call.connection, call.store, name=call.name)
    mappings = [*known.values(), *([call.body] if call.body is not None else [])]
    users = stores.patients_of_users(call.connection, call.store, sorted({one.user_id for one in mappings}))
    named = {one.data_id.removeprefix(PATIENT) for one in mappings if one.data_id.startswith(PATIENT)}
    return sorted(named.union(users))


def _of_everybody(call: Call) -> list[str]:
    return stores.patients_of_users(call.connection, call.store, None)


_CONCERNED: Mapping[str, Callable[[Call], list[str]]] = {
    "createConsent": _of_consent,
    "patchConsent": _of_consent,
    "activateConsent": _of_consent,
    "revokeConsent": _of_consent,
    "createUserDataMapping": _of_mapping,
    "patchUserDataMapping": _of_mapping,
    "archiveUserDataMapping": _of_mapping,
    "createAttributeDefinition": _of_everybody,
    "patchAttributeDefinition": _of_everybody,
}

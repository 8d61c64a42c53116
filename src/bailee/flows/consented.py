"""What a consent store answers: may this data be used, what may be done with this person's, which data may be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import pyarrow as pa
from sqlalchemy import Connection

from bailee.consent.management import (
    MOST_LISTED,
    Consent,
    Form,
    UserDataMapping,
    Verdict,
    check_request,
    evaluate,
    is_consented,
    with_default_values,
    with_defaults,
)
from bailee.core.errors import Invalid
from bailee.stores.sql import consent_stores as store_

ACCESSIBLE = pa.schema(
    [
        pa.field("data_id", pa.string(), nullable=False),
        pa.field("user_id", pa.string(), nullable=False),
        pa.field("resource_attributes", pa.map_(pa.string(), pa.string()), nullable=False),
    ]
)


class Answer(Form, frozen=True, kw_only=True):
    """One piece of data: whether it may be used, and what each consent says where all were asked for."""

    data_id: str
    consented: bool
    consent_details: dict[str, str] = msgspec.field(default_factory=dict)


def check_data_access(
    connection: Connection,
    store: str,
    data: str,
    request: Mapping[str, str],
    at_ms: int,
    *,
    consents: Sequence[str] = (),
    full: bool = False,
) -> Answer:
    """Answer for one piece of data; `consents` chooses up to 100 of them, drafts too.

    Units: milliseconds since the epoch. Raises: Invalid for an ask that is not in the store's words; Absent.
    """
    desk = _Desk(connection, store, request, at_ms)
    mappings = store_.mappings_of(connection, store, data=data)
    if len(mappings) != 1:  # nobody's, or two persons': not consented, and nothing about why
        return Answer(data_id=data, consented=False)
    return desk.answer(next(iter(mappings.values())), consents=consents, full=full)


def evaluate_user(
    connection: Connection,
    store: str,
    user: str,
    request: Mapping[str, str],
    at_ms: int,
    *,
    consents: Sequence[str] = (),
    full: bool = False,
) -> list[Answer]:
    """Answer for everything that is one person's, by name of the mapping. Units: milliseconds since the epoch."""
    desk = _Desk(connection, store, request, at_ms)
    mappings = store_.mappings_of(connection, store, user=user)
    return [desk.answer(one, consents=consents, full=full) for one in mappings.values()]


def query_accessible(connection: Connection, store: str, request: Mapping[str, str], at_ms: int) -> pa.Table:
    """List everything that may be used for an ask. Shape: → ACCESSIBLE[n]. Units: milliseconds since the epoch."""
    desk = _Desk(connection, store, request, at_ms)
    rows = [
        {
            "data_id": one.data_id,
            "user_id": one.user_id,
            "resource_attributes": [(it.attribute_definition_id, it.values[0]) for it in one.resource_attributes],
        }
        for one in store_.mappings_of(connection, store).values()
        if desk.answer(one).consented
    ]
    return pa.Table.from_pylist(rows, schema=ACCESSIBLE)


def preview(connection: Connection, store: str, name: str, request: Mapping[str, str], at_ms: int) -> list[Answer]:
    """Say what would change if a draft were active, or an active consent revoked: only data whose answer changes.

    `consented` is the answer afterwards. Units: milliseconds since the epoch. Raises: Absent, Invalid.
    """
    found = store_.find_consent(connection, store, name)
    desk = _Desk(connection, store, request, at_ms)
    mappings = store_.mappings_of(connection, store, user=found.content.user_id).values()
    to = "ACTIVE" if found.content.state == "DRAFT" else "REVOKED"
    after = msgspec.structs.replace(found.content, state=to, consent_artifact=found.content.consent_artifact or "none")
    changed = []
    for mapping in mappings:
        now, then = desk.answer(mapping), desk.answer(mapping, instead={name: after})
        if now.consented != then.consented:
            changed.append(then)
    return changed


class _Desk:
    """One store, one ask, one moment."""

    def __init__(self, connection: Connection, store: str, request: Mapping[str, str], at_ms: int) -> None:
        store_.find_store(connection, store)
        self._connection, self._store, self._request, self._at_ms = connection, store, request, at_ms
        self._definitions = store_.definitions_of(connection, store)
        self._known: dict[str, dict[str, Consent]] = {}
        check_request(request, self._definitions)

    def answer(
        self,
        mapping: UserDataMapping,
        *,
        consents: Sequence[str] = (),
        full: bool = False,
        instead: Mapping[str, Consent] | None = None,
    ) -> Answer:
        candidates = {**self._of(mapping.user_id), **(instead or {})}
        if consents:
            candidates = self._chosen(candidates, consents)
        filled = {name: with_default_values(one, self._definitions) for name, one in candidates.items()}
        whole = with_defaults(mapping, self._definitions)
        verdicts = evaluate(filled, whole, self._request, self._at_ms, drafts=frozenset(consents))
        details = dict(_texts(verdicts)) if full else {}
        return Answer(data_id=mapping.data_id, consented=is_consented(verdicts.values()), consent_details=details)

    def _of(self, user: str) -> dict[str, Consent]:
        if user not in self._known:
            found = store_.consents_of(self._connection, self._store, user=user)
            self._known[user] = {name: one.content for name, one in found.items()}
        return self._known[user]

    # a list chooses among permissions; it is no way around a refusal
    def _chosen(self, candidates: Mapping[str, Consent], names: Sequence[str]) -> dict[str, Consent]:
        if len(names) > MOST_LISTED:
            raise Invalid(f"more than {MOST_LISTED} consents listed", remedy="List fewer, or none for all.")
        refusing = {name for name, one in candidates.items() if any(it.effect == "DENY" for it in one.policies)}
        return {name: one for name, one in candidates.items() if name in names or name in refusing}


def _texts(verdicts: Mapping[str, Verdict]) -> Iterator[tuple[str, str]]:
    return ((name, str(verdict)) for name, verdict in verdicts.items())

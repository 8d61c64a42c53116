"""Consent stores in the relational store: definitions, artifacts, revisions that nobody can destroy, mappings.

Functions run in the caller's transaction; those that change something append their ledger leaf there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
from sqlalchemy import Connection, Select, Table, and_, func, insert, select, update

from bailee.consent.management import (
    MOST_ATTRIBUTES,
    AttributeDefinition,
    Consent,
    ConsentArtifact,
    ConsentStore,
    Form,
    UserDataMapping,
    check_consent,
    check_definition_change,
    check_mapping,
    step_consent,
)
from bailee.consent.policies import CLAIMS, CONSENTS, PATIENT
from bailee.core.canonical import sha256_hex
from bailee.core.errors import Conflict, Invalid, UserError
from bailee.core.grants import FOREVER_MS
from bailee.ledger.entries import Entry
from bailee.stores.sql import consent_tables as tables
from bailee.stores.sql.consents import HOUSE, note_change
from bailee.stores.sql.ledger_append import append

Kept = TypeVar("Kept", bound=Form)
_CHUNK = 400
_KINDS = {"activate": "consent.granted", "revoke": "consent.revoked", "reject": "consent.rejected"}


@dataclass(frozen=True)
class Actor:
    """Who changes something, and when. Units: milliseconds since the epoch."""

    name: str
    at_ms: int


@dataclass(frozen=True)
class Revision:
    """One revision of a consent."""

    consent: str
    n: int
    content: Consent
    at_ms: int

    @property
    def revision_id(self) -> str:
        """Name the revision. Shape: 8 hexadecimal digits."""
        return sha256_hex(f"{self.n}".encode() + msgspec.json.encode(self.content))[:8]


class Absent(UserError):
    """There is no such thing in this store."""

    code = "E-ABSENT"
    http_status = 404


def create_store(connection: Connection, name: str, store: ConsentStore, actor: Actor) -> None:
    """Make a store. Raises: Conflict if there is one of that name."""
    _insert(connection, tables.store, {"id": name}, store)
    _leaf(connection, actor, "config.changed", "consent store made", name)


def change_store(connection: Connection, name: str, store: ConsentStore, actor: Actor) -> None:
    """Change a store's settings; consents that exist keep their expiry. Raises: Absent."""
    find_store(connection, name)
    _replace(connection, tables.store, {"id": name}, store)
    _leaf(connection, actor, "config.changed", "consent store changed", name)


def find_store(connection: Connection, name: str) -> ConsentStore:
    """Find a store. Raises: Absent."""
    return _find(connection, tables.store, {"id": name}, ConsentStore)


def has_store(connection: Connection, name: str) -> bool:
    """Tell whether there is a store of that name."""
    return connection.execute(select(tables.store.c.id).where(tables.store.c.id == name)).first() is not None


def create_definition(connection: Connection, store: str, name: str, one: AttributeDefinition, actor: Actor) -> None:
    """Define an attribute. Raises: Absent; Conflict if it is defined; Invalid beyond 200 of them."""
    find_store(connection, store)
    if len(definitions_of(connection, store)) >= MOST_ATTRIBUTES:
        raise Invalid(f"more than {MOST_ATTRIBUTES} attributes", remedy="Use another store.")
    _check_defaults(one)
    _insert(connection, tables.attribute, {"store": store, "id": name}, one)
    _log(connection, store, name, [HOUSE], actor, body="attribute", narrows=True)
    _leaf(connection, actor, "config.changed", "attribute defined", store, name)


def change_definition(connection: Connection, store: str, name: str, one: AttributeDefinition, actor: Actor) -> None:
    """Let an attribute grow. Raises: Absent; Conflict if it would shrink."""
    before = _find(connection, tables.attribute, {"store": store, "id": name}, AttributeDefinition)
    check_definition_change(before, one)
    _check_defaults(one)
    _replace(connection, tables.attribute, {"store": store, "id": name}, one)
    _log(connection, store, name, [HOUSE], actor, body="attribute", narrows=True)
    _leaf(connection, actor, "config.changed", "attribute changed", store, name)


def definitions_of(connection: Connection, store: str) -> dict[str, AttributeDefinition]:
    """Give a store's attributes by name."""
    rows = connection.execute(select(tables.attribute).where(tables.attribute.c.store == store))
    return {row.id: msgspec.json.decode(row.content, type=AttributeDefinition) for row in rows}


def create_artifact(connection: Connection, store: str, name: str, one: ConsentArtifact, actor: Actor) -> None:
    """Keep the proof of a consent; it can never be changed. Raises: Absent; Conflict if it exists."""
    find_store(connection, store)
    _insert(connection, tables.artifact, {"store": store, "id": name}, one, at_ms=actor.at_ms)
    _leaf(connection, actor, "consent.artifact", "artifact kept", store, name)


def find_artifact(connection: Connection, store: str, name: str) -> ConsentArtifact:
    """Find an artifact. Raises: Absent."""
    return _find(connection, tables.artifact, {"store": store, "id": name}, ConsentArtifact)


def create_consent(connection: Connection, store: str, name: str, consent: Consent, actor: Actor) -> Revision:
    """Write a consent's first revision. Raises: Absent; Conflict if it exists or begins at its end; Invalid."""
    settings = find_store(connection, store)
    if consent.state not in {"DRAFT", "ACTIVE"}:
        raise Conflict("a consent begins as DRAFT or ACTIVE")
    if consent.expire_time_ms is None and settings.default_consent_ttl_ms is not None:
        consent = msgspec.structs.replace(consent, expire_time_ms=actor.at_ms + settings.default_consent_ttl_ms)
    kind = "consent.granted" if consent.state == "ACTIVE" else "policy.added"
    return _revise(connection, store, name, consent, actor, kind=kind, n=0)


def change_consent(connection: Connection, store: str, name: str, consent: Consent, actor: Actor) -> Revision:
    """Write a changed revision; whose it is and its state stay. Raises: Absent, Conflict, Invalid."""
    before = find_consent(connection, store, name)
    step_consent(before.content, "patch")
    if consent.user_id != before.content.user_id:
        raise Conflict("a consent cannot become another person's")
    fresh = msgspec.structs.replace(consent, state=before.content.state)
    return _revise(connection, store, name, fresh, actor, kind="policy.added", n=before.n + 1)


def move_consent(
    connection: Connection, store: str, name: str, call: str, actor: Actor, *, artifact: str | None = None
) -> Revision:
    """Activate, revoke or reject a consent. Raises: Absent; Conflict where its state forbids it; Invalid."""
    before = find_consent(connection, store, name)
    after = step_consent(before.content, call, artifact=artifact)
    if after is before.content:
        return before
    return _revise(connection, store, name, after, actor, kind=_KINDS[call], n=before.n + 1)


def find_consent(connection: Connection, store: str, name: str) -> Revision:
    """Find a consent's latest revision. Raises: Absent."""
    found = revisions_of(connection, store, name)
    if not found:
        raise Absent("there is no such consent")
    return found[-1]


def revisions_of(connection: Connection, store: str, name: str) -> list[Revision]:
    """Give every revision of a consent, oldest first."""
    table = tables.revision
    query = select(table).where(table.c.store == store, table.c.consent == name).order_by(table.c.n)
    return [_revision(row) for row in connection.execute(query).mappings()]


def consents_of(connection: Connection, store: str, *, user: str | None = None) -> dict[str, Revision]:
    """Give the latest revision of every consent, or of one person's, by name."""
    table = tables.revision
    last = select(table.c.consent, func.max(table.c.n).label("n")).where(table.c.store == store)
    if user is not None:
        last = last.where(table.c.user == user)
    newest = last.group_by(table.c.consent).subquery()
    query = select(table).join(newest, and_(table.c.consent == newest.c.consent, table.c.n == newest.c.n))
    rows = connection.execute(query.where(table.c.store == store).order_by(table.c.consent)).mappings()
    return {row["consent"]: _revision(row) for row in rows}


def create_mapping(connection: Connection, store: str, name: str, mapping: UserDataMapping, actor: Actor) -> None:
    """Say whose a piece of data is. Raises: Absent, Conflict, Invalid."""
    find_store(connection, store)
    check_mapping(mapping, definitions_of(connection, store))
    columns = {"store": store, "id": name}
    _insert(connection, tables.mapping, columns, mapping, data=mapping.data_id, user=mapping.user_id)
    _log_mapping(connection, store, name, actor, mapping)
    _leaf(connection, actor, "config.changed", "data mapped", store)


def change_mapping(connection: Connection, store: str, name: str, mapping: UserDataMapping, actor: Actor) -> None:
    """Correct a mapping. Raises: Absent, Conflict if it is archived, Invalid."""
    before = find_mapping(connection, store, name)
    if before.archived_ms is not None:
        raise Conflict("an archived mapping cannot change")
    check_mapping(mapping, definitions_of(connection, store))
    columns = {"store": store, "id": name}
    _replace(connection, tables.mapping, columns, mapping, data=mapping.data_id, user=mapping.user_id)
    _log_mapping(connection, store, name, actor, before, mapping)
    _leaf(connection, actor, "config.changed", "data mapped again", store)


def archive_mapping(connection: Connection, store: str, name: str, actor: Actor) -> None:
    """Put a mapping out of use; nothing is accessible by it any more. Raises: Absent."""
    mapping = find_mapping(connection, store, name)
    if mapping.archived_ms is None:
        archived = msgspec.structs.replace(mapping, archived_ms=actor.at_ms)
        _replace(connection, tables.mapping, {"store": store, "id": name}, archived)
        _log_mapping(connection, store, name, actor, mapping)
        _leaf(connection, actor, "config.changed", "mapping archived", store)


def _log_mapping(connection: Connection, store: str, name: str, actor: Actor, *mappings: UserDataMapping) -> None:
    """A mapping says who a user is or what a permission covers: whoever it is about may now be out."""
    users = sorted({one.user_id for one in mappings})
    named = {one.data_id.removeprefix(PATIENT) for one in mappings if one.data_id.startswith(PATIENT)}
    patients = sorted(named.union(patients_of_users(connection, store, users)))
    _log(connection, store, name, patients, actor, body="mapping", narrows=True)


def find_mapping(connection: Connection, store: str, name: str) -> UserDataMapping:
    """Find a mapping. Raises: Absent."""
    return _find(connection, tables.mapping, {"store": store, "id": name}, UserDataMapping)


def mappings_of(
    connection: Connection, store: str, *, name: str | None = None, data: str | None = None, user: str | None = None
) -> dict[str, UserDataMapping]:
    """Give a store's mappings by name: all, one, those of one piece of data, or of one person."""
    table = tables.mapping
    query = select(table.c.id, table.c.content).where(table.c.store == store).order_by(table.c.id)
    if name is not None:
        query = query.where(table.c.id == name)
    if data is not None:
        query = query.where(table.c.data == data)
    if user is not None:
        query = query.where(table.c.user == user)
    return {row.id: msgspec.json.decode(row.content, type=UserDataMapping) for row in connection.execute(query)}


def live_consents(connection: Connection, store: str, users: Sequence[str] | None = None) -> pa.Table:
    """Read the consents in force, of all users or of these; expiry is left to whoever evaluates. Shape: → CONSENTS[n].

    One that cannot be read is in force with policies that cannot be read either, which refuses everything.
    """
    table = tables.revision
    last = select(table.c.consent, func.max(table.c.n).label("n")).where(table.c.store == store)
    newest = last.group_by(table.c.consent).subquery()
    query = select(table.c.consent, table.c.user, table.c.content).where(table.c.store == store)
    query = query.join(newest, and_(table.c.consent == newest.c.consent, table.c.n == newest.c.n))
    rows = [row for part in _by_users(query, table, users) for row in connection.execute(part)]
    heads = [_head(row.content) for row in rows]
    live = [(row.consent, row.user, head) for row, head in zip(rows, heads, strict=True) if head.state == "ACTIVE"]
    policies = pa.array([bytes(head.policies).decode() for _, _, head in live], pa.string()).dictionary_encode()
    ends = [FOREVER_MS if head.expire_time_ms is None else head.expire_time_ms for _, _, head in live]
    columns = [[consent for consent, _, _ in live], [user for _, user, _ in live]]
    arrays = [*(pa.array(column, pa.string()) for column in columns), policies, pa.array(ends, pa.int64())]
    return pa.Table.from_arrays(arrays, schema=CONSENTS)


def claims_of(connection: Connection, store: str, users: Sequence[str] | None = None) -> pa.Table:
    """Read which patients users are, by the mappings of data `Patient/…`. Shape: → CLAIMS[n]."""
    table = tables.mapping
    query = select(table.c.user, table.c.data, table.c.content)
    query = query.where(table.c.store == store, table.c.data.startswith(PATIENT, autoescape=True))
    rows = [row for part in _by_users(query, table, users) for row in connection.execute(part)]
    live = [msgspec.json.decode(row.content, type=UserDataMapping).archived_ms is None for row in rows]
    names = [row.data.removeprefix(PATIENT) for row in rows]
    arrays = [
        pa.array([row.user for row in rows], pa.string()),
        pa.array(names, pa.string()),
        pa.array(live, pa.bool_()),
    ]
    return pa.Table.from_arrays(arrays, schema=CLAIMS)


def users_of(connection: Connection, store: str, patients: Sequence[str]) -> list[str]:
    """Name the users who are these patients, by bearing the id or by a mapping."""
    table = tables.mapping
    found = set(patients)
    for start in range(0, len(patients), _CHUNK):
        data = [f"{PATIENT}{patient}" for patient in patients[start : start + _CHUNK]]
        query = select(table.c.user).where(table.c.store == store, table.c.data.in_(data))
        found |= set(connection.execute(query).scalars())
    return sorted(found)


def patients_of_users(connection: Connection, store: str, users: Sequence[str] | None) -> list[str]:
    """Name the patients that a change about these users, or about everybody, concerns."""
    everybody = select(tables.revision.c.user).where(tables.revision.c.store == store).distinct()
    names = list(connection.execute(everybody).scalars()) if users is None else list(users)
    claims = claims_of(connection, store, users)
    return sorted({*names, *claims.column("patient").to_pylist()})


def names_of(connection: Connection, table: Table, store: str | None, after: str, count: int) -> list[str]:
    """Give up to `count` names after one, in order; for pages of a list."""
    column = table.c.consent if table is tables.revision else table.c.id
    query = select(column).where(column > after).distinct().order_by(column).limit(count)
    if store is not None:
        query = query.where(table.c.store == store)
    return [str(name) for name in connection.execute(query).scalars()]


class _Head(msgspec.Struct, rename="camel"):
    """What of a consent's content decides whether it counts; its policies as they were written."""

    policies: msgspec.Raw
    state: str
    expire_time_ms: int | None = None


def _head(content: str) -> _Head:
    try:
        return msgspec.json.decode(content, type=_Head)
    except msgspec.DecodeError:
        return _Head(msgspec.Raw(b""), "ACTIVE")


def _by_users(query: Select[Any], table: Table, users: Sequence[str] | None) -> Iterator[Select[Any]]:
    if users is None:
        yield query
        return
    for start in range(0, len(users), _CHUNK):
        yield query.where(table.c.user.in_(users[start : start + _CHUNK]))


def _log(
    connection: Connection, store: str, name: str, patients: Sequence[str], actor: Actor, *, body: str, narrows: bool
) -> None:
    """Enter a change into the log of consent, which a release that began before it asks when it commits."""
    note_change(
        connection,
        patients,
        name=f"{store}/{name}",
        source="consent-store",
        body=body,
        narrows=narrows,
        at_ms=actor.at_ms,
    )


def _revise(
    connection: Connection, store: str, name: str, consent: Consent, actor: Actor, *, kind: str, n: int
) -> Revision:
    check_consent(consent, definitions_of(connection, store))
    if consent.consent_artifact is not None:
        find_artifact(connection, store, consent.consent_artifact)
    key = {"store": store, "consent": name, "n": n}
    before = find_consent(connection, store, name).content if n else None
    _insert(connection, tables.revision, key, consent, user=consent.user_id, at_ms=actor.at_ms)
    held = before is not None and before.state == "ACTIVE"
    if held or consent.state == "ACTIVE":
        patients = patients_of_users(connection, store, [consent.user_id])
        narrows = held or len(patients) > 1 or any(policy.effect == "DENY" for policy in consent.policies)
        body = _text(consent) if consent.state == "ACTIVE" else ""
        _log(connection, store, name, patients, actor, body=body, narrows=narrows)
    _leaf(connection, actor, kind, f"revision {n}", store, name)
    return Revision(name, n, consent, actor.at_ms)


def _revision(row: Mapping[Any, Any]) -> Revision:
    return Revision(row["consent"], row["n"], msgspec.json.decode(row["content"], type=Consent), row["at_ms"])


def _check_defaults(one: AttributeDefinition) -> None:
    defaults = {
        *one.consent_default_values,
        *([one.data_mapping_default_value] if one.data_mapping_default_value else []),
    }
    if not defaults <= set(one.allowed_values):
        raise Invalid("a default that is not allowed", remedy="Add it to allowedValues.")
    if one.category == "REQUEST" and one.data_mapping_default_value is not None:
        raise Invalid("a REQUEST attribute with a default of mappings", remedy="Only RESOURCE attributes have one.")


def _find(connection: Connection, table: Table, key: Mapping[str, Any], kind: type[Kept]) -> Kept:
    content = connection.execute(select(table.c.content).where(*_where(table, key))).scalar()
    if content is None:
        raise Absent(f"there is no such {kind.__name__}")
    return msgspec.json.decode(content, type=kind)


def _insert(connection: Connection, table: Table, key: Mapping[str, Any], content: Form, **more: Any) -> None:
    exists = connection.execute(select(func.count()).select_from(table).where(*_where(table, key))).scalar_one()
    if exists:
        raise Conflict("there is one of that name already")
    connection.execute(insert(table).values(**key, content=_text(content), **more))


def _replace(connection: Connection, table: Table, key: Mapping[str, Any], content: Form, **more: Any) -> None:
    connection.execute(update(table).where(*_where(table, key)).values(content=_text(content), **more))


def _where(table: Table, key: Mapping[str, Any]) -> Iterator[Any]:
    return (table.c[name] == value for name, value in key.items())


def _text(content: Form) -> str:
    return msgspec.json.encode(content, order="deterministic").decode()


def _leaf(connection: Connection, actor: Actor, kind: str, action: str, *names: str) -> None:
    objects = (f"policy:{'/'.join(names)}"[:200],)
    append(connection, [Entry(t_ms=actor.at_ms, kind=kind, actor=actor.name, action=action, objects=objects)])

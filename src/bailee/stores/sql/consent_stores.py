"""Consent stores in the relational store: definitions, artifacts, revisions that nobody can destroy, mappings.

Functions run in the caller's transaction; those that change something append their ledger leaf there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Table, and_, func, insert, select, update

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
from bailee.core.canonical import sha256_hex
from bailee.core.errors import Conflict, Invalid, UserError
from bailee.ledger.entries import Entry
from bailee.stores.sql import consent_tables as tables
from bailee.stores.sql.ledger_append import append

Kept = TypeVar("Kept", bound=Form)
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


def create_definition(connection: Connection, store: str, name: str, one: AttributeDefinition, actor: Actor) -> None:
    """Define an attribute. Raises: Absent; Conflict if it is defined; Invalid beyond 200 of them."""
    find_store(connection, store)
    if len(definitions_of(connection, store)) >= MOST_ATTRIBUTES:
        raise Invalid(f"more than {MOST_ATTRIBUTES} attributes", remedy="Use another store.")
    _check_defaults(one)
    _insert(connection, tables.attribute, {"store": store, "id": name}, one)
    _leaf(connection, actor, "config.changed", "attribute defined", store, name)


def change_definition(connection: Connection, store: str, name: str, one: AttributeDefinition, actor: Actor) -> None:
    """Let an attribute grow. Raises: Absent; Conflict if it would shrink."""
    before = _find(connection, tables.attribute, {"store": store, "id": name}, AttributeDefinition)
    check_definition_change(before, one)
    _check_defaults(one)
    _replace(connection, tables.attribute, {"store": store, "id": name}, one)
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
    _leaf(connection, actor, "config.changed", "data mapped", store)


def change_mapping(connection: Connection, store: str, name: str, mapping: UserDataMapping, actor: Actor) -> None:
    """Correct a mapping. Raises: Absent, Conflict if it is archived, Invalid."""
    if find_mapping(connection, store, name).archived_ms is not None:
        raise Conflict("an archived mapping cannot change")
    check_mapping(mapping, definitions_of(connection, store))
    columns = {"store": store, "id": name}
    _replace(connection, tables.mapping, columns, mapping, data=mapping.data_id, user=mapping.user_id)
    _leaf(connection, actor, "config.changed", "data mapped again", store)


def archive_mapping(connection: Connection, store: str, name: str, actor: Actor) -> None:
    """Put a mapping out of use; nothing is accessible by it any more. Raises: Absent."""
    mapping = find_mapping(connection, store, name)
    if mapping.archived_ms is None:
        archived = msgspec.structs.replace(mapping, archived_ms=actor.at_ms)
        _replace(connection, tables.mapping, {"store": store, "id": name}, archived)
        _leaf(connection, actor, "config.changed", "mapping archived", store)


def find_mapping(connection: Connection, store: str, name: str) -> UserDataMapping:
    """Find a mapping. Raises: Absent."""
    return _find(connection, tables.mapping, {"store": store, "id": name}, UserDataMapping)


def mappings_of(
    connection: Connection, store: str, *, data: str | None = None, user: str | None = None
) -> dict[str, UserDataMapping]:
    """Give a store's mappings by name: all, those of one piece of data, or of one person."""
    table = tables.mapping
    query = select(table.c.id, table.c.content).where(table.c.store == store).order_by(table.c.id)
    if data is not None:
        query = query.where(table.c.data == data)
    if user is not None:
        query = query.where(table.c.user == user)
    return {row.id: msgspec.json.decode(row.content, type=UserDataMapping) for row in connection.execute(query)}


def names_of(connection: Connection, table: Table, store: str | None, after: str, count: int) -> list[str]:
    """Give up to `count` names after one, in order; for pages of a list."""
    column = table.c.consent if table is tables.revision else table.c.id
    query = select(column).where(column > after).distinct().order_by(column).limit(count)
    if store is not None:
        query = query.where(table.c.store == store)
    return [str(name) for name in connection.execute(query).scalars()]


def _revise(
    connection: Connection, store: str, name: str, consent: Consent, actor: Actor, *, kind: str, n: int
) -> Revision:
    check_consent(consent, definitions_of(connection, store))
    if consent.consent_artifact is not None:
        find_artifact(connection, store, consent.consent_artifact)
    key = {"store": store, "consent": name, "n": n}
    _insert(connection, tables.revision, key, consent, user=consent.user_id, at_ms=actor.at_ms)
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

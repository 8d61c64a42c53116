"""What each call of the consent API does, as one table: method, path, who may, body, answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from msgspec import Meta
from sqlalchemy import Connection

from bailee.consent.management import (
    AttributeDefinition,
    Consent,
    ConsentArtifact,
    ConsentStore,
    DataId,
    Form,
    Name,
    UserDataMapping,
    Value,
)
from bailee.core.errors import Conflict, Invalid
from bailee.flows import consented
from bailee.flows.consented import Answer
from bailee.stores.sql import consent_stores as stores
from bailee.stores.sql import consent_tables as tables
from bailee.stores.sql.consent_stores import Actor, Revision

Ask = dict[Name, Value]
MOST_A_PAGE = 1000


class CheckDataAccess(Form, frozen=True, kw_only=True):
    """May this data be used for this ask?"""

    data_id: DataId
    request_attributes: Ask
    consent_list: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    full: bool = False


class EvaluateUserConsents(Form, frozen=True, kw_only=True):
    """What of this person's may be used for this ask?"""

    user_id: Name
    request_attributes: Ask
    consent_list: Annotated[tuple[Name, ...], Meta(max_length=100)] = ()
    full: bool = False


class QueryAccessibleData(Form, frozen=True, kw_only=True):
    """Which data may be used for this ask?"""

    request_attributes: Ask


class Step(Form, frozen=True, kw_only=True):
    """A step of a consent, with the artifact that proves it."""

    consent_artifact: Name | None = None


class FindConsents(Form, frozen=True, kw_only=True):
    """Whose consents to list; in a body, since an address is logged."""

    user_id: Name


class Names(Form, frozen=True, kw_only=True):
    """A page of names, and where the next one begins."""

    names: tuple[str, ...]
    next_page_token: str = ""


class Revised(Form, frozen=True, kw_only=True):
    """A revision of a consent."""

    consent_id: str
    revision_id: str
    revision_create_time_ms: int
    content: Consent


class Revisions(Form, frozen=True, kw_only=True):
    """Revisions of one consent, newest first, or the newest of several."""

    consents: tuple[Revised, ...]


class Answers(Form, frozen=True, kw_only=True):
    """Answers about several pieces of data."""

    results: tuple[Answer, ...]


class Parquet:
    """An answer that is a Parquet file."""


@dataclass(frozen=True)
class Call:
    """One call: what it runs on, what it names, what it says."""

    connection: Connection
    names: Mapping[str, str]
    body: Any
    actor: Actor
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def store(self) -> str:
        """Name the consent store."""
        return self.names["store"]

    @property
    def name(self) -> str:
        """Name the thing: in the path, or as an id in the query for a new one."""
        found = self.names.get("name") or self.query.get("id", "")
        try:
            return msgspec.convert(found, Name)
        except msgspec.ValidationError:
            raise Invalid("an id of another form", remedy="Use letters, digits, dot, underscore, hyphen.") from None


CONFIGURES = frozenset({"privacy-officer", "data-engineer"})
CONSENTS = frozenset({"privacy-officer", "clinician"})
READS = frozenset({"privacy-officer", "data-engineer", "auditor", "clinician"})
DECIDES = frozenset({"privacy-officer", "data-engineer", "auditor"})


@dataclass(frozen=True)
class Route:
    """One row of the table."""

    method: str
    path: str
    operation: str
    summary: str
    roles: frozenset[str]
    answer: Any
    run: Callable[[Call], Any]
    body: Any = None
    named: bool = False  # a new thing, whose id is in the query
    writes: bool = False
    status: int = 200


def _page(call: Call, table: Any, store: str | None) -> Names:
    size = call.query.get("pageSize", "100")
    if not size.isascii() or not size.isdigit() or not 1 <= int(size[:6]) <= MOST_A_PAGE:
        raise Invalid("a pageSize of another form", remedy=f"Use 1 to {MOST_A_PAGE}.")
    found = stores.names_of(call.connection, table, store, call.query.get("pageToken", ""), int(size[:6]) + 1)
    page = found[: int(size[:6])]
    return Names(names=tuple(page), next_page_token=page[-1] if len(found) > len(page) else "")


def _list_of(table: Any) -> Callable[[Call], Names]:
    def run(call: Call) -> Names:
        stores.find_store(call.connection, call.store)
        return _page(call, table, call.store)

    return run


def _create_store(call: Call) -> ConsentStore:
    stores.create_store(call.connection, call.name, call.body, call.actor)
    return stores.find_store(call.connection, call.name)


def _patch_store(call: Call) -> ConsentStore:
    stores.change_store(call.connection, call.store, call.body, call.actor)
    return stores.find_store(call.connection, call.store)


def _create_definition(call: Call) -> AttributeDefinition:
    stores.create_definition(call.connection, call.store, call.name, call.body, call.actor)
    return _definition(call)


def _patch_definition(call: Call) -> AttributeDefinition:
    stores.change_definition(call.connection, call.store, call.name, call.body, call.actor)
    return _definition(call)


def _definition(call: Call) -> AttributeDefinition:
    found = stores.definitions_of(call.connection, call.store).get(call.name)
    if found is None:
        raise stores.Absent("there is no such AttributeDefinition")
    return found


def _create_artifact(call: Call) -> ConsentArtifact:
    stores.create_artifact(call.connection, call.store, call.name, call.body, call.actor)
    return stores.find_artifact(call.connection, call.store, call.name)


def _create_consent(call: Call) -> Revised:
    return _revised(stores.create_consent(call.connection, call.store, call.name, call.body, call.actor))


def _patch_consent(call: Call) -> Revised:
    return _revised(stores.change_consent(call.connection, call.store, call.name, call.body, call.actor))


def _step(verb: str) -> Callable[[Call], Revised]:
    def run(call: Call) -> Revised:
        artifact = call.body.consent_artifact
        return _revised(
            stores.move_consent(call.connection, call.store, call.name, verb, call.actor, artifact=artifact)
        )

    return run


def _revisions(call: Call) -> Revisions:
    found = stores.revisions_of(call.connection, call.store, call.name)
    if not found:
        raise stores.Absent("there is no such Consent")
    return Revisions(consents=tuple(_revised(one) for one in reversed(found)))


def _find_consents(call: Call) -> Revisions:
    stores.find_store(call.connection, call.store)
    found = stores.consents_of(call.connection, call.store, user=call.body.user_id)
    return Revisions(consents=tuple(_revised(one) for one in found.values()))


def _revised(one: Revision) -> Revised:
    return Revised(
        consent_id=one.consent, revision_id=one.revision_id, revision_create_time_ms=one.at_ms, content=one.content
    )


def _create_mapping(call: Call) -> UserDataMapping:
    stores.create_mapping(call.connection, call.store, call.name, call.body, call.actor)
    return stores.find_mapping(call.connection, call.store, call.name)


def _patch_mapping(call: Call) -> UserDataMapping:
    stores.change_mapping(call.connection, call.store, call.name, call.body, call.actor)
    return stores.find_mapping(call.connection, call.store, call.name)


def _archive_mapping(call: Call) -> UserDataMapping:
    stores.archive_mapping(call.connection, call.store, call.name, call.actor)
    return stores.find_mapping(call.connection, call.store, call.name)


def _check(call: Call) -> Answer:
    body: CheckDataAccess = call.body
    return consented.check_data_access(
        call.connection,
        call.store,
        body.data_id,
        body.request_attributes,
        call.actor.at_ms,
        consents=body.consent_list,
        full=body.full,
    )


def _evaluate(call: Call) -> Answers:
    body: EvaluateUserConsents = call.body
    found = consented.evaluate_user(
        call.connection,
        call.store,
        body.user_id,
        body.request_attributes,
        call.actor.at_ms,
        consents=body.consent_list,
        full=body.full,
    )
    return Answers(results=tuple(found))


def _query(call: Call) -> bytes:
    table = consented.query_accessible(call.connection, call.store, call.body.request_attributes, call.actor.at_ms)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue())


def _preview(call: Call) -> Answers:
    ask: QueryAccessibleData = call.body
    found = consented.preview(call.connection, call.store, call.name, ask.request_attributes, call.actor.at_ms)
    return Answers(results=tuple(found))


def _never(call: Call) -> Any:
    raise Conflict(f"{call.store}: nothing of consent is ever deleted; revoke, reject or archive it")


_S = "/v1/consentStores/{store}"
_A, _P, _C, _M = (
    f"{_S}/attributeDefinitions",
    f"{_S}/consentArtifacts",
    f"{_S}/consents",
    f"{_S}/userDataMappings",
)


def _rows() -> tuple[Route, ...]:
    return (
        Route("POST", f"{_S}:checkDataAccess", "checkDataAccess", "May this data be used?", DECIDES, Answer, _check, CheckDataAccess),
        Route("POST", f"{_S}:evaluateUserConsents", "evaluateUserConsents", "What of a person's may be used?", DECIDES, Answers, _evaluate, EvaluateUserConsents),
        Route("POST", f"{_S}:queryAccessibleData", "queryAccessibleData", "Which data may be used?", DECIDES, Parquet, _query, QueryAccessibleData),
        Route("GET", "/v1/consentStores", "listConsentStores", "List stores", READS, Names, lambda call: _page(call, tables.store, None)),
        Route("POST", "/v1/consentStores", "createConsentStore", "Make a store", CONFIGURES, ConsentStore, _create_store, ConsentStore, named=True, writes=True),
        Route("GET", _S, "getConsentStore", "Show a store", READS, ConsentStore, lambda call: stores.find_store(call.connection, call.store)),
        Route("PATCH", _S, "patchConsentStore", "Change a store", CONFIGURES, ConsentStore, _patch_store, ConsentStore, writes=True),
        Route("DELETE", _S, "deleteConsentStore", "Refused: history stays", CONFIGURES, Names, _never),
        Route("GET", _A, "listAttributeDefinitions", "List attributes", READS, Names, _list_of(tables.attribute)),
        Route("POST", _A, "createAttributeDefinition", "Define an attribute", CONFIGURES, AttributeDefinition, _create_definition, AttributeDefinition, named=True, writes=True),
        Route("GET", f"{_A}/{{name}}", "getAttributeDefinition", "Show an attribute", READS, AttributeDefinition, _definition),
        Route("PATCH", f"{_A}/{{name}}", "patchAttributeDefinition", "Let an attribute grow", CONFIGURES, AttributeDefinition, _patch_definition, AttributeDefinition, writes=True),
        Route("DELETE", f"{_A}/{{name}}", "deleteAttributeDefinition", "Refused: consents rest on it", CONFIGURES, Names, _never),
        Route("GET", _P, "listConsentArtifacts", "List artifacts", CONSENTS, Names, _list_of(tables.artifact)),
        Route("POST", _P, "createConsentArtifact", "Keep the proof of a consent", CONSENTS, ConsentArtifact, _create_artifact, ConsentArtifact, named=True, writes=True),
        Route("GET", f"{_P}/{{name}}", "getConsentArtifact", "Show an artifact", CONSENTS, ConsentArtifact, lambda call: stores.find_artifact(call.connection, call.store, call.name)),
        Route("DELETE", f"{_P}/{{name}}", "deleteConsentArtifact", "Refused: history stays", CONSENTS, Names, _never),
        Route("POST", f"{_C}:search", "searchConsents", "List one person's consents", CONSENTS, Revisions, _find_consents, FindConsents),
        Route("GET", _C, "listConsents", "List consents", READS, Names, _list_of(tables.revision)),
        Route("POST", _C, "createConsent", "Write a consent", CONSENTS, Revised, _create_consent, Consent, named=True, writes=True),
        Route("POST", f"{_C}/{{name}}:activate", "activateConsent", "Put a consent in force", CONSENTS, Revised, _step("activate"), Step, writes=True),
        Route("POST", f"{_C}/{{name}}:revoke", "revokeConsent", "Take a consent back", CONSENTS, Revised, _step("revoke"), Step, writes=True),
        Route("POST", f"{_C}/{{name}}:reject", "rejectConsent", "Turn a draft down", CONSENTS, Revised, _step("reject"), Step, writes=True),
        Route("POST", f"{_C}/{{name}}:preview", "previewConsent", "What would change?", CONSENTS, Answers, _preview, QueryAccessibleData),
        Route("GET", f"{_C}/{{name}}:listRevisions", "listConsentRevisions", "Show all revisions", READS, Revisions, _revisions),
        Route("DELETE", f"{_C}/{{name}}:deleteRevision", "deleteConsentRevision", "Refused: history stays", CONSENTS, Names, _never),
        Route("GET", f"{_C}/{{name}}", "getConsent", "Show a consent", READS, Revised, lambda call: _revised(stores.find_consent(call.connection, call.store, call.name))),
        Route("PATCH", f"{_C}/{{name}}", "patchConsent", "Write a further revision", CONSENTS, Revised, _patch_consent, Consent, writes=True),
        Route("DELETE", f"{_C}/{{name}}", "deleteConsent", "Refused: history stays", CONSENTS, Names, _never),
        Route("GET", _M, "listUserDataMappings", "List mappings", READS, Names, _list_of(tables.mapping)),
        Route("POST", _M, "createUserDataMapping", "Say whose data it is", CONFIGURES, UserDataMapping, _create_mapping, UserDataMapping, named=True, writes=True),
        Route("POST", f"{_M}/{{name}}:archive", "archiveUserDataMapping", "Put a mapping out of use", CONFIGURES, UserDataMapping, _archive_mapping, writes=True),
        Route("GET", f"{_M}/{{name}}", "getUserDataMapping", "Show a mapping", READS, UserDataMapping, lambda call: stores.find_mapping(call.connection, call.store, call.name)),
        Route("PATCH", f"{_M}/{{name}}", "patchUserDataMapping", "Correct a mapping", CONFIGURES, UserDataMapping, _patch_mapping, UserDataMapping, writes=True),
        Route("DELETE", f"{_M}/{{name}}", "deleteUserDataMapping", "Refused: archive it", CONFIGURES, Names, _never),
    )  # fmt: skip


ROUTES: tuple[Route, ...] = _rows()

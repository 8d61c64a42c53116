"""Calls of the consent API without HTTP: reading a body strictly, and running one call in one transaction."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from bailee.core.canonical import strict_json
from bailee.core.errors import Invalid
from bailee.flows.hospital import Hospital
from bailee.stores.sql.consent_stores import Actor
from bailee.stores.sql.database import read, write
from bailee.web.consent_calls import Call, Route
from bailee.web.consent_concerned import run_call


def call_here(hospital: Hospital, route: Route, actor: Actor, *, store: str, name: str, content: bytes) -> bytes:
    """Run one call; give its answer as JSON, or as Parquet where the call gives that. Raises: whatever it raises."""
    body = read_body(route, content)
    names = {"store": store, **({"name": name} if "{name}" in route.path else {})}
    query = {"id": name or store} if route.named else {}
    with (write if route.writes else read)(hospital.engine) as connection:
        found = run_call(hospital, route, Call(connection, names, body, actor, query))
    return found if isinstance(found, bytes) else msgspec.json.encode(found)


def read_body(route: Route, content: bytes) -> Any:
    """Read a call's body. Raises: Invalid, without quoting it."""
    if route.body is None:
        return None
    document = strict_json(content)
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Invalid("text that is not Unicode", remedy="Mend the escapes.") from None
    try:
        return msgspec.convert(document, route.body)
    except msgspec.ValidationError as error:
        _, _, place = str(error).rpartition(" - at ")
        raise Invalid("a body of another form", where=place.strip("`"), remedy="See /v1/openapi.json.") from None

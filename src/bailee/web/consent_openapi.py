"""The consent API's description, made from its table of calls; docs/consent-api.json is a copy, and a test holds it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from bailee import __version__
from bailee.web.consent_calls import ROUTES, Call, Parquet, Route
from bailee.web.session_forms import LoginForm, Myself, SessionToken

_PROBLEMS = {
    "400": "The ask is not right.",
    "401": "Nobody is logged in.",
    "403": "The role may not do this.",
    "404": "There is no such thing.",
    "409": "The state forbids it.",
    "422": "The ask breaks a rule.",
    "503": "The store is busy: try again.",
}
_NAME = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"}
_PROBLEM = {
    "type": "object",
    "required": ["type", "status", "code", "title"],
    "properties": {
        "type": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "title": {"type": "string"},
        "remedy": {"type": "string"},
        "reasons": {"type": "array", "items": {"type": "string"}},
    },
}


def _elsewhere(_: Call) -> Any:
    raise AssertionError("sessions are not calls of a consent store")


_ANYBODY: frozenset[str] = frozenset()
SESSIONS = (
    Route("POST", "/v1/login", "login", "Log in to a local account", _ANYBODY, SessionToken, _elsewhere, LoginForm),
    Route("POST", "/v1/logout", "logout", "End one's session", _ANYBODY, Myself, _elsewhere),
    Route("GET", "/v1/me", "me", "Say who one is", _ANYBODY, Myself, _elsewhere),
)  # fmt: skip
"""Described with the calls; `login_api` runs them."""


def openapi() -> dict[str, Any]:
    """Describe the API in OpenAPI 3.1."""
    routes = (*ROUTES, *SESSIONS)
    kinds = [
        kind for route in routes for kind in (route.body, route.answer) if kind is not None and kind is not Parquet
    ]
    unique = list(dict.fromkeys(kinds))
    found, components = msgspec.json.schema_components(unique, ref_template="#/components/schemas/{name}")
    schemas = dict(zip(unique, found, strict=True))
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Bailee consent management",
            "version": __version__,
            "description": "Consents, policies, artifacts and what they permit. Nothing is ever deleted.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.operation,
        "summary": route.summary,
        "description": f"Roles: {', '.join(sorted(route.roles)) or 'any'}.",
        "parameters": _parameters(route),
        "responses": {str(route.status): _answer(route, schemas), **_problems()},
    }
    if route.operation == "login":
        operation["security"] = []
        operation["responses"] |= {"429": {**_problems()["401"], "description": "Too many attempts: wait."}}
    if route.body is not None:
        content = {"application/json": {"schema": schemas[route.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": _NAME} for name in re.findall(r"{(\w+)}", route.path)
    ]
    if route.named:
        found.append({"name": "id", "in": "query", "required": True, "schema": _NAME})
    if route.operation.startswith("list") and route.operation != "listConsentRevisions":
        size = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
        found.append({"name": "pageSize", "in": "query", "required": False, "schema": size})
        found.append({"name": "pageToken", "in": "query", "required": False, "schema": {"type": "string"}})
    return found


def _answer(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    if route.answer is Parquet:
        binary = {"schema": {"type": "string", "format": "binary"}}
        return {"description": "The list, as Parquet.", "content": {"application/vnd.apache.parquet": binary}}
    return {"description": "Done.", "content": {"application/json": {"schema": schemas[route.answer]}}}


def _problems() -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": words, "content": content} for status, words in _PROBLEMS.items()}

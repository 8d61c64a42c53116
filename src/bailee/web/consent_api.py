"""The consent API over HTTP: who asks, may they, read the body strictly, one transaction, an answer or a problem.

Shaped like Google Cloud's Consent Management API: `/v1/consentStores/{store}/consents/{name}:revoke` and so on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as HttpRoute

from bailee.agreements.people import Person
from bailee.core.errors import Invalid
from bailee.flows.hospital import Hospital
from bailee.stores.sql.consent_stores import Actor
from bailee.stores.sql.database import read, write
from bailee.web.consent_calls import ROUTES, Call, Parquet, Route
from bailee.web.consent_concerned import run_call
from bailee.web.consent_local import read_body
from bailee.web.consent_openapi import openapi
from bailee.web.problems import problem, problem_of

Identify = Callable[[Request], Awaitable[Person | None]]
MOST_BYTES = 1_000_000


def consent_app(hospital: Hospital, identify: Identify) -> Starlette:
    """Make an application of these calls alone. `identify` says who sends a request, or None; nobody may do nothing."""
    return Starlette(routes=consent_routes(hospital, identify), exception_handlers=PROBLEMS)


def consent_routes(hospital: Hospital, identify: Identify) -> list[HttpRoute]:
    """Make the routes, the description among them."""

    async def description(_: Request) -> Response:
        return JSONResponse(openapi())

    described = HttpRoute("/v1/openapi.json", description)
    return [described, *(_http_route(route, hospital, identify) for route in ROUTES)]


def _http_route(route: Route, hospital: Hospital, identify: Identify) -> HttpRoute:
    async def endpoint(request: Request) -> Response:
        try:
            person = await identify(request)
            if person is None:
                return problem(401, "E-LOGIN", "who are you?")
            if person.is_partner or person.roles.isdisjoint(route.roles):
                return problem(403, "E-DENIED", f"the roles {', '.join(sorted(route.roles))} may do this")
            body = read_body(route, await content_of(request))
            actor = Actor(person.id, hospital.clock.now_ms())
            found = await run_in_threadpool(_run, route, request, body, actor, hospital)
            return _response(route, found)
        except Exception as error:  # noqa: BLE001  # every failure becomes a problem document
            return problem_of(error)

    return HttpRoute(route.path, endpoint, methods=[route.method], name=route.operation)


def _run(route: Route, request: Request, body: Any, actor: Actor, hospital: Hospital) -> Any:
    query = dict(request.query_params)
    _check_query(route, query, request)
    with (write if route.writes else read)(hospital.engine) as connection:
        return run_call(hospital, route, Call(connection, request.path_params, body, actor, query))


def _check_query(route: Route, query: dict[str, str], request: Request) -> None:
    allowed = {"id"} if route.named else {"pageSize", "pageToken"} if route.operation.startswith("list") else set()
    if set(query) - allowed or len(request.query_params.multi_items()) != len(query):
        raise Invalid("a parameter that this call does not have", remedy="See /v1/openapi.json.")
    if any("\x00" in value for value in (*query.values(), *request.path_params.values())):
        raise Invalid("a name with a zero in it", remedy="Use letters, digits, dot, underscore, hyphen.")


async def content_of(request: Request) -> bytes:
    """Read a request's body. Raises: Invalid beyond a megabyte."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise Invalid(f"a body of more than {MOST_BYTES} bytes", remedy="Send less.")
    return bytes(content)


def _response(route: Route, found: Any) -> Response:
    if route.answer is Parquet:
        return Response(found, media_type="application/vnd.apache.parquet")
    return Response(msgspec.json.encode(found), route.status, media_type="application/json")


async def _http_problem(_: Request, error: HTTPException) -> Response:
    found = problem(error.status_code, "E-HTTP", error.detail)
    found.headers.update(error.headers or {})
    return found


async def _any_problem(_: Request, error: Exception) -> Response:
    return problem_of(error)


PROBLEMS: Any = {HTTPException: _http_problem, Exception: _any_problem}

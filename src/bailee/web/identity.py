"""Who sends a request: a session of a local account, or a token of the hospital's own provider; else nobody."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from bailee.agreements.people import Person
from bailee.flows.accounts import who_is
from bailee.flows.hospital import Hospital
from bailee.web.consent_api import Identify
from bailee.web.oidc import MOST_CHARACTERS, Tokens, provider_of


def identify_by(hospital: Hospital) -> Identify:
    """Make the function that says who sends a request. Raises: UserError for half a provider in the configuration."""
    provider = provider_of(hospital.home.configuration)
    tokens = Tokens(provider, hospital.clock) if provider else None

    def known(token: str) -> Person | None:
        return tokens.person(token) if tokens and token.count(".") == 2 else who_is(hospital, token)

    async def identify(request: Request) -> Person | None:
        token = bearer_of(request)
        return await run_in_threadpool(known, token) if token else None

    return identify


def bearer_of(request: Request) -> str | None:
    """Read the one bearer token of a request; None for none, several, or one of another form."""
    values = request.headers.getlist("authorization")
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    fits = scheme.lower() == "bearer" and token.isascii() and 0 < len(token) <= MOST_CHARACTERS and " " not in token
    return token if fits else None

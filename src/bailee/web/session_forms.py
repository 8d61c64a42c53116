"""What is sent and answered where somebody logs in."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from bailee.consent.management import Form


class LoginForm(Form, frozen=True, kw_only=True):
    """A name and its secret."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    secret: Annotated[str, Meta(min_length=1, max_length=256)]


class SessionToken(Form, frozen=True, kw_only=True):
    """The token to send as `Authorization: Bearer …`, and when it ends. Units: milliseconds since the epoch."""

    token: str
    ends_ms: int
    roles: tuple[str, ...]


class Myself(Form, frozen=True, kw_only=True):
    """Who somebody is, and in which roles."""

    id: str
    roles: tuple[str, ...]

"""`bailee serve`: the one application, and the server that runs it on this machine's own address."""

from __future__ import annotations

import ipaddress
import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from bailee.core.errors import Unavailable, UserError
from bailee.flows.hospital import Hospital
from bailee.web.consent_api import PROBLEMS, consent_routes
from bailee.web.identity import identify_by
from bailee.web.login_api import login_routes
from bailee.web.why_api import why_route

MOST_AT_ONCE = 64


def hospital_app(hospital: Hospital) -> Starlette:
    """Make the application: login, consent management, `why`. Everything but login and the description needs somebody."""
    identify = identify_by(hospital)
    routes = [*login_routes(hospital, identify), why_route(hospital, identify), *consent_routes(hospital, identify)]
    return Starlette(routes=routes, exception_handlers=PROBLEMS)


def make_server(
    hospital: Hospital, *, host: str, port: int, certificate: Path | None = None, key: Path | None = None
) -> tuple[uvicorn.Server, socket.socket]:
    """Make a server with its open socket; `run` it with that. Port 0 takes a free one.

    Raises: UserError for another address than this machine's own without a certificate, since tokens would be readable;
    Unavailable if the address is taken.
    """
    if not _is_loopback(host) and (certificate is None or key is None):
        remedy = "Name --certificate and --key, or serve on 127.0.0.1 behind a proxy that has them."
        raise UserError("tokens would cross the network in the clear", where=host, remedy=remedy)
    config = uvicorn.Config(
        hospital_app(hospital),
        log_level="warning",
        access_log=False,  # addresses name stores and agreements
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_AT_ONCE,
        timeout_graceful_shutdown=5,
        ssl_certfile=certificate,
        ssl_keyfile=str(key) if key else None,
    )
    return uvicorn.Server(config), _bound(host, port)


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}, port {port}: {error.strerror}") from None
    return listening


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

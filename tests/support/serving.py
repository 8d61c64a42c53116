"""A real server on this machine's own address, in a thread, that ends with its block."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from bailee.flows.hospital import Hospital
from bailee.web.server import make_server

SECRET = "correct horse battery staple"
POSTS = {
    "ruth": ("hospital-admin",),
    "olga": ("privacy-officer",),
    "bob": ("board-member",),
    "egon": ("data-engineer",),
    "anna": ("patient",),
    "petra": ("partner",),
    "cleo": ("clinician",),
    "otto": ("auditor",),
}


@contextmanager
def serving(hospital: Hospital) -> Iterator[str]:
    """Serve a hospital; give the address."""
    server, listening = make_server(hospital, host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive()
            assert time.monotonic() < until
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
        assert not thread.is_alive()


def logged_in(address: str, name: str, secret: str = SECRET) -> httpx2.Client:
    """Log in, and give a client that bears the session's token."""
    answer = httpx2.post(f"{address}/v1/login", json={"name": name, "secret": secret}, timeout=30)
    assert answer.status_code == 200, answer.text
    return httpx2.Client(base_url=address, headers={"Authorization": f"Bearer {answer.json()['token']}"}, timeout=30)

"""Logging in and out of a local account, and who one is; guessing is slowed down by name and in all."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bailee.core.canonical import sha256_hex, strict_json
from bailee.core.clock import Clock
from bailee.core.errors import Invalid
from bailee.flows.accounts import log_in, log_out
from bailee.flows.hospital import Hospital
from bailee.web.consent_api import Identify, content_of
from bailee.web.identity import bearer_of
from bailee.web.problems import problem, problem_of
from bailee.web.session_forms import LoginForm, Myself, SessionToken

MOST_OF_A_NAME, OF_A_NAME_MS = 5, 15 * 60 * 1000
MOST_IN_ALL, IN_ALL_MS = 60, 60 * 1000
_MOST_NAMES = 10_000


@dataclass
class Throttle:
    """Counts failures of this process: some of one name, and some of all, and then it is a matter of time."""

    clock: Clock
    _by_name: dict[str, deque[int]] = field(default_factory=dict)
    _all: deque[int] = field(default_factory=deque)
    _lock: Lock = field(default_factory=Lock)

    def wait_ms(self, name: str) -> int:
        """Tell how long this name must wait; 0 if it need not. Units: milliseconds."""
        now = self.clock.now_ms()
        with self._lock:
            mine = self._by_name.get(sha256_hex(name.encode()), deque())
            return max(_wait(mine, now, MOST_OF_A_NAME, OF_A_NAME_MS), _wait(self._all, now, MOST_IN_ALL, IN_ALL_MS))

    def failed(self, name: str) -> None:
        """Note a failure."""
        now = self.clock.now_ms()
        with self._lock:
            if len(self._by_name) >= _MOST_NAMES:
                self._by_name.pop(next(iter(self._by_name)))
            self._by_name.setdefault(sha256_hex(name.encode()), deque(maxlen=MOST_OF_A_NAME)).append(now)
            self._all.append(now)
            while len(self._all) > MOST_IN_ALL:
                self._all.popleft()


def login_routes(hospital: Hospital, identify: Identify) -> list[Route]:
    """Make the routes."""
    throttle = Throttle(hospital.clock)

    async def enter(request: Request) -> Response:
        try:
            form = _form(await content_of(request))
            return await run_in_threadpool(_enter, hospital, throttle, form)
        except Exception as error:  # noqa: BLE001  # every failure becomes a problem document
            return problem_of(error)

    async def leave(request: Request) -> Response:
        try:
            person, token = await identify(request), bearer_of(request)
            if person is None or token is None:
                return problem(401, "E-LOGIN", "who are you?")
            await run_in_threadpool(log_out, hospital, token)
            return _json(Myself(id=person.id, roles=tuple(sorted(person.roles))))
        except Exception as error:  # noqa: BLE001  # every failure becomes a problem document
            return problem_of(error)

    async def myself(request: Request) -> Response:
        try:
            person = await identify(request)
            if person is None:
                return problem(401, "E-LOGIN", "who are you?")
            return _json(Myself(id=person.id, roles=tuple(sorted(person.roles))))
        except Exception as error:  # noqa: BLE001  # every failure becomes a problem document
            return problem_of(error)

    return [
        Route("/v1/login", enter, methods=["POST"], name="login"),
        Route("/v1/logout", leave, methods=["POST"], name="logout"),
        Route("/v1/me", myself, methods=["GET"], name="me"),
    ]


def _enter(hospital: Hospital, throttle: Throttle, form: LoginForm) -> Response:
    wait_ms = throttle.wait_ms(form.name)
    if wait_ms:
        slow = problem(429, "E-LOGIN", "too many attempts: wait")
        slow.headers["Retry-After"] = str(wait_ms // 1000 + 1)
        return slow
    found = log_in(hospital, form.name, form.secret)
    if found is None:
        throttle.failed(form.name)
        return problem(401, "E-LOGIN", "not an account's name and its secret")
    roles = tuple(sorted(found.person.roles))
    return _json(SessionToken(token=found.token, ends_ms=found.ends_ms, roles=roles))


def _wait(failures: deque[int], now: int, most: int, within_ms: int) -> int:
    recent = [at for at in failures if now - at < within_ms]
    return recent[-most] + within_ms - now if len(recent) >= most else 0


def _form(content: bytes) -> LoginForm:
    try:
        return msgspec.convert(strict_json(content), LoginForm)
    except msgspec.ValidationError:
        raise Invalid("a body of another form", remedy='Send {"name": "…", "secret": "…"}.') from None


def _json(answer: Any) -> Response:
    return Response(msgspec.json.encode(answer), media_type="application/json", headers={"Cache-Control": "no-store"})

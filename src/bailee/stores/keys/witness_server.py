"""A witness to run at a partner, a peer hospital or a patient council: small, and bound to this machine by default.

It remembers the largest tree of each log that it knows, and cosigns only what continues it. Put a web server with
TLS before it where others are to reach it. Source: c2sp.org/tlog-witness, `add-checkpoint`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bailee.core.clock import Clock
from bailee.core.errors import Invalid
from bailee.ledger.checkpoint import NoteKey, VerifierKey, signature_time
from bailee.ledger.guard import Forked, Stale
from bailee.ledger.witness import AddCheckpoint
from bailee.stores.keys.guarded import SeenFile
from bailee.stores.keys.witness import SIZE_TYPE

MOST_BYTES = 65_536
Answer = tuple[int, str, str]  # status, content type, content
_TEXT = "text/plain; charset=utf-8"


class Witnessing:
    """What a witness knows and does, without its network."""

    def __init__(self, key: NoteKey, logs: Sequence[VerifierKey], state: Path, clock: Clock) -> None:
        self._key, self._state, self._clock = key, state, clock
        self._logs = {log.name: [other for other in logs if other.name == log.name] for log in logs}

    def add_checkpoint(self, content: bytes) -> Answer:
        """Answer a request to cosign: 200 with the signature line, or the status that says why not."""
        try:
            request = AddCheckpoint.parse(content.decode())
            head = request.checkpoint
        except (Invalid, UnicodeDecodeError):
            return 400, _TEXT, "not a request\n"
        if head.origin not in self._logs:
            return 404, _TEXT, "an unknown log\n"
        if not self._signed(request):
            return 403, _TEXT, "not signed by that log\n"
        if request.old_size > head.size:
            return 400, _TEXT, "the old size is beyond the checkpoint\n"
        return self._advance(request)

    def _signed(self, request: AddCheckpoint) -> bool:
        try:
            return any(signature_time(request.note, key) is not None for key in self._logs[request.checkpoint.origin])
        except Invalid:
            return False

    def _advance(self, request: AddCheckpoint) -> Answer:
        head = request.checkpoint
        seen = SeenFile(self._state / sha256(head.origin.encode()).hexdigest())
        try:
            seen.advance(request.old_size, request.proof, head)
        except Stale as error:
            return 409, SIZE_TYPE, f"{error.size}\n"
        except Forked:
            return 409, _TEXT, "fork\n"
        except Invalid:
            return 422, _TEXT, "the proof does not hold\n"
        return 200, _TEXT, self._key.cosignature_line(request.note.body, self._clock.now_ms() // 1000)


class WitnessServer(ThreadingHTTPServer):
    """Serves one witness over HTTP."""

    def __init__(self, witnessing: Witnessing, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.witnessing = witnessing
        super().__init__((host, port), _Handler)

    @property
    def url(self) -> str:
        """Give the address that it listens on."""
        return f"http://{self.server_address[0]!s}:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    timeout = 20
    server_version, sys_version = "bailee-witness", ""

    def do_POST(self) -> None:
        """Answer `add-checkpoint`."""
        length = int(self.headers.get("content-length") or 0)
        if self.path != "/add-checkpoint" or not 0 < length <= MOST_BYTES:
            self._answer((404 if self.path != "/add-checkpoint" else 400, _TEXT, "no\n"))
            return
        assert isinstance(self.server, WitnessServer)
        self._answer(self.server.witnessing.add_checkpoint(self.rfile.read(length)))

    def _answer(self, answer: Answer) -> None:
        status, kind, text = answer
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """Write no log: there is nothing in it that the state does not say."""

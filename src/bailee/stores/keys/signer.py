"""A signer in a process of its own, asked through a Unix socket; the asking process never holds the key.

One question a connection, in text, ended by closing the writing side:
`key` → verifier key · `last` → size · `sign` + an add-checkpoint request without signatures → a signature line.
An answer begins with `ok`, `stale`, `forked` or `invalid` on a line of its own.
"""

from __future__ import annotations

import os
import socket
import socketserver
from collections.abc import Sequence
from pathlib import Path

from bailee.core.errors import BaileeError, Conflict, Invalid, Unavailable
from bailee.ledger.checkpoint import Checkpoint, VerifierKey, base64_bytes, base64_text, read_checkpoint
from bailee.ledger.guard import Forked, Signer, Stale

SOCKET = "signer.sock"
MOST_BYTES = 16_384
_TIMEOUT_SECONDS = 20


class SocketSigner:
    """A signer that is another process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._verifier = VerifierKey.parse(self._ask("key"))

    @property
    def verifier(self) -> VerifierKey:
        """Give the public key, as told at the first connection."""
        return self._verifier

    def last_size(self) -> int:
        """Give the size of the last tree signed."""
        return int(self._ask("last"))

    def sign(self, checkpoint: Checkpoint, old_size: int, proof: Sequence[bytes]) -> str:
        """Ask for a signature."""
        lines = "".join(f"{base64_text(item)}\n" for item in proof)
        return self._ask(f"sign\n{old_size}\n{lines}\n{checkpoint.body()}") + "\n"

    def _ask(self, question: str) -> str:
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
                peer.settimeout(_TIMEOUT_SECONDS)
                peer.connect(str(self._path))
                peer.sendall(question.encode())
                peer.shutdown(socket.SHUT_WR)
                answer = _received(peer)
        except OSError:
            raise Unavailable("the signer cannot be reached: start it with `bailee ledger signer`") from None
        return _answered(answer)


class _Question(socketserver.StreamRequestHandler):
    """One question and its answer."""

    timeout = _TIMEOUT_SECONDS

    def handle(self) -> None:
        signer = self.server.signer  # type: ignore[attr-defined]
        try:
            answer = "ok\n" + _answer(signer, self.rfile.read(MOST_BYTES).decode())
        except Stale as error:
            answer = f"stale\n{error.size}"
        except Forked as error:
            answer = f"forked\n{error}"
        except (BaileeError, ValueError) as error:
            answer = f"invalid\n{error}"
        self.wfile.write(answer.encode())


class SignerServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves one signer on a socket that only this account and its group can open."""

    daemon_threads = True

    def __init__(self, path: Path, signer: Signer) -> None:
        self.signer = signer
        path.unlink(missing_ok=True)
        old = os.umask(0o117)
        try:
            super().__init__(str(path), _Question)
        finally:
            os.umask(old)


def _answer(signer: Signer, question: str) -> str:
    if question == "key":
        return str(signer.verifier)
    if question == "last":
        return str(signer.last_size())
    head, blank, body = question.partition("\n\n")
    word, old, *proof = head.split("\n")
    if word != "sign" or not blank or not old.isdecimal():
        raise Invalid("not a question")
    return signer.sign(read_checkpoint(body), int(old), [base64_bytes(line) for line in proof]).removesuffix("\n")


def _received(peer: socket.socket) -> str:
    parts = []
    while part := peer.recv(MOST_BYTES):
        parts.append(part)
    return b"".join(parts).decode()


def _answered(answer: str) -> str:
    word, _, rest = answer.partition("\n")
    match word:
        case "ok":
            return rest
        case "stale":
            raise Stale(int(rest))
        case "forked":
            raise Forked(rest)
        case "invalid":
            raise Conflict(f"the signer refused: {rest}")
        case _:
            raise Unavailable("the signer closed the connection: try again")

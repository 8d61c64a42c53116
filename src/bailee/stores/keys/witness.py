"""Witnesses across the network: the client that asks them, and the list of those that a hospital has.

The list is a c2sp.org/tlog-policy file, `witnesses.policy` in the folder of keys; the same file, handed out, is
what auditors and patients verify with.
"""

from __future__ import annotations

from pathlib import Path

from bailee.core.errors import Conflict, Invalid, Unavailable
from bailee.ledger.checkpoint import WITNESS_KEY, VerifierKey
from bailee.ledger.guard import Forked, Stale

POLICY = "witnesses.policy"
SIZE_TYPE = "text/x.tlog.size"
_TIMEOUT_SECONDS = 10


class HttpWitness:
    """A witness at a URL. Source: c2sp.org/tlog-witness."""

    def __init__(self, verifier: VerifierKey, url: str) -> None:
        self._verifier, self._url = verifier, url.rstrip("/")

    @property
    def verifier(self) -> VerifierKey:
        """Give the witness's public key, as configured."""
        return self._verifier

    def add_checkpoint(self, request: str) -> str:
        """Ask for a cosignature. Raises: Stale, Forked, Conflict for another refusal, Unavailable if it is away."""
        import httpx2

        try:
            answer = httpx2.post(f"{self._url}/add-checkpoint", content=request.encode(), timeout=_TIMEOUT_SECONDS)
        except httpx2.HTTPError:
            raise Unavailable(f"the witness {self._verifier.name} cannot be reached") from None
        return self._answered(answer.status_code, answer.headers.get("content-type", ""), answer.text)

    def _answered(self, status: int, kind: str, content: str) -> str:
        if status == 200:
            return content
        if status == 409 and kind == SIZE_TYPE and content.strip().isdecimal():
            raise Stale(int(content))
        if status == 409:
            raise Forked(f"the witness {self._verifier.name} saw another ledger than this one")
        if status >= 500:
            raise Unavailable(f"the witness {self._verifier.name} is not well: HTTP {status}")
        raise Conflict(f"the witness {self._verifier.name} refused: HTTP {status}")


def read_witnesses(keys: Path) -> tuple[HttpWitness, ...]:
    """Read the witnesses that have a URL from the policy in a folder of keys; none without the file.

    Raises: Invalid for a line whose key is not a witness's.
    """
    path = keys / POLICY
    lines = path.read_text("utf-8").split("\n") if path.exists() else []
    return tuple(
        HttpWitness(_witness_key(words[2]), words[3])
        for words in map(str.split, lines)
        if words[:1] == ["witness"] and len(words) > 3
    )


def _witness_key(text: str) -> VerifierKey:
    key = VerifierKey.parse(text)
    if key.kind != WITNESS_KEY:
        raise Invalid("a log's key where a witness's belongs", where=POLICY)
    return key

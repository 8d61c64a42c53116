"""Secrets of people and tokens of sessions, as they may be stored: slow salted hashes of the former, hashes of the latter."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from bailee.core.entropy import Entropy
from bailee.core.errors import Invalid

LEAST_CHARACTERS = 12
_MOST_CHARACTERS = 256
_LOG_N, _R, _P = 15, 8, 1  # 32 MiB and some 80 ms; RFC 7914
_SALT_BYTES, _HASH_BYTES, _TOKEN_BYTES = 16, 32, 32
_MOST_LOG_N = 20


def check_secret(secret: str) -> None:
    """Hold that a secret is long enough. Raises: Invalid."""
    if not LEAST_CHARACTERS <= len(secret) <= _MOST_CHARACTERS:
        remedy = f"Choose {LEAST_CHARACTERS} to {_MOST_CHARACTERS} characters; four words are easy to keep in mind."
        raise Invalid("a secret that is too short or too long", remedy=remedy)


def hashed_secret(secret: str, entropy: Entropy) -> str:
    """Hash a secret for keeping. Shape: scrypt$log n$r$p$salt$hash. Source: RFC 7914. Cost: 32 MiB, some 80 ms."""
    salt = entropy.token_bytes(_SALT_BYTES)
    found = _scrypt(secret, salt, _LOG_N, _R, _P)
    return "$".join(
        ["scrypt", str(_LOG_N), str(_R), str(_P), *(base64.b64encode(part).decode() for part in (salt, found))]
    )


def is_secret(secret: str, kept: str) -> bool:
    """Tell whether a secret is the one of a hash; a hash of another form is nobody's. Cost: as for hashing."""
    try:
        kind, log_n, r, p, salt, wanted = kept.split("$")
        if kind != "scrypt" or int(log_n) > _MOST_LOG_N or len(secret) > _MOST_CHARACTERS:
            return False
        found = _scrypt(secret, base64.b64decode(salt), int(log_n), int(r), int(p))
        return hmac.compare_digest(found, base64.b64decode(wanted))
    except ValueError:
        return False


def fresh_token() -> str:
    """Draw a session's token from the operating system. Shape: 43 characters."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> str:
    """Hash a token for keeping: whoever reads the store cannot use it. Shape: 64 hexadecimal digits."""
    return hashlib.sha256(token.encode()).hexdigest()


def _scrypt(secret: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    n = 1 << log_n
    return hashlib.scrypt(secret.encode(), salt=salt, n=n, r=r, p=p, maxmem=256 * n * r, dklen=_HASH_BYTES)

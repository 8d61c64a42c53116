"""Who a token of the hospital's own OpenID Connect provider says that somebody is; whatever is not right is nobody.

Only signatures by public keys count, of an issuer, for an audience and in a time that the configuration names. Keys are
fetched from one address, kept for ten minutes, and fetched again for a key id that is not among them, at most once a
minute. Source: RFC 7519, RFC 8725, OpenID Connect Core 1.0 §3.1.3.7.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from bailee.agreements.people import POSTS, Person, person_of
from bailee.core.canonical import sha256_hex
from bailee.core.clock import Clock
from bailee.core.errors import Unavailable, UserError
from bailee.stores.home import Configuration

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
SKEW_SECONDS = 60
LONGEST_SECONDS = 12 * 3600
KEEP_MS, ASK_AGAIN_MS, LONGEST_KEEP_MS = 600_000, 60_000, 3_600_000
MOST_CHARACTERS = 8192
_MOST_BYTES = 1 << 20
_PLAIN = re.compile(r"[A-Za-z0-9._@-]{1,128}")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Fetch = Callable[[str], Any]


@dataclass(frozen=True)
class Provider:
    """What is believed of a provider."""

    issuer: str
    audience: str
    keys_url: str
    roles_claim: str = "roles"
    patient_claim: str = "patient"


def provider_of(configuration: Configuration) -> Provider | None:
    """Read the provider from the configuration; None where none is named. Raises: UserError where half of it is."""
    settings = (configuration.oidc_issuer, configuration.oidc_audience, configuration.oidc_keys_url)
    if not any(settings):
        return None
    if not all(settings):
        remedy = "Set oidc_issuer, oidc_audience and oidc_keys_url, or none of them."
        raise UserError("half a provider in the configuration", remedy=remedy)
    address = urlsplit(configuration.oidc_keys_url)
    if address.scheme != "https" and address.hostname not in _LOOPBACK:
        raise UserError("keys of a provider come by https", where="oidc_keys_url", remedy="Name an https URL.")
    return Provider(*settings, roles_claim=configuration.oidc_roles_claim)


@dataclass
class Tokens:
    """Reads tokens of one provider."""

    provider: Provider
    clock: Clock
    fetch: Fetch = field(default_factory=lambda: fetch_json)
    _keys: KeySet = field(default_factory=lambda: KeySet([]))
    _fetched_ms: int = -LONGEST_KEEP_MS
    _asked_ms: int = -LONGEST_KEEP_MS
    _lock: Lock = field(default_factory=Lock)

    def person(self, token: str) -> Person | None:
        """Tell who a token is, or None. Raises: Unavailable where the provider's keys cannot be had."""
        try:
            claims = self._claims(token)
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        posts = claims.get(self.provider.roles_claim)
        held = [one for one in posts if one in POSTS] if isinstance(posts, list) and _are_texts(posts) else []
        patient = claims.get(self.provider.patient_claim, "")
        name = _name_of(claims["sub"], is_patient="patient" in held)
        try:
            own = patient if isinstance(patient, str) and "patient" in held else ""
            return person_of(name, held, patient=own)
        except UserError:
            return None

    def _claims(self, token: str) -> dict[str, Any]:
        if len(token) > MOST_CHARACTERS:
            raise ValueError("too long")
        found = jwt.decode(token, self._key_of, algorithms=ALGORITHMS)
        provider, now = self.provider, self.clock.now_ms() // 1000
        registry = jwt.JWTClaimsRegistry(
            now=now,
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": provider.issuer},
            aud={"essential": True, "value": provider.audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        registry.validate(found.claims)
        if found.claims["exp"] - found.claims["iat"] > LONGEST_SECONDS:
            raise ValueError("valid for too long")
        return found.claims

    def _key_of(self, token: Any) -> Any:
        """Choose the key that the header names by its id; a header's own key is never looked at."""
        kid = token.headers().get("kid")
        if not isinstance(kid, str) or not kid:
            raise ValueError("no key id")
        return self._keys_with(kid).get_by_kid(kid)

    def _keys_with(self, kid: str) -> KeySet:
        with self._lock:
            now, age = self.clock.now_ms(), self.clock.now_ms() - self._fetched_ms
            known = any(key.kid == kid for key in self._keys)
            wanted = not 0 <= age < KEEP_MS or not known
            if wanted and not 0 <= now - self._asked_ms < ASK_AGAIN_MS:
                self._asked_ms = now
                try:
                    self._keys, self._fetched_ms = public_keys(self.fetch(self.provider.keys_url)), now
                except Unavailable:
                    if not known or age >= LONGEST_KEEP_MS:
                        raise
            elif not known and self._fetched_ms < 0:
                raise Unavailable("the provider's keys cannot be fetched: try again")
            elif age >= LONGEST_KEEP_MS:
                raise Unavailable("the provider's keys are too old: try again")
            return self._keys


def public_keys(document: Any) -> KeySet:
    """Read the public signing keys of a JWK set; any other is left out. Raises: Unavailable for another form."""
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        raise Unavailable("the provider's keys are of another form")
    return KeySet([key for one in keys if isinstance(one, dict) for key in _public_key(one)])


def _public_key(one: dict[str, Any]) -> list[RSAKey | ECKey | OKPKey]:
    if one.get("use", "sig") != "sig" or "d" in one or not isinstance(one.get("kid"), str):
        return []
    try:
        match one.get("kty"):
            case "RSA":
                return [RSAKey.import_key(one)]
            case "EC":
                return [ECKey.import_key(one)]
            case "OKP":
                return [OKPKey.import_key(one)]
            case _:
                return []
    except (JoseError, ValueError, TypeError, KeyError):
        return []


def fetch_json(url: str) -> Any:
    """Fetch a small JSON document; no redirect is followed. Raises: Unavailable."""
    import httpx2

    try:
        with httpx2.stream("GET", url, timeout=5, follow_redirects=False) as response:
            response.raise_for_status()
            content = bytearray()
            for chunk in response.iter_bytes():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise Unavailable("the provider's keys are too many")
        return httpx2.Response(200, content=bytes(content)).json()
    except (httpx2.HTTPError, ValueError):
        raise Unavailable("the provider's keys cannot be fetched: try again") from None


def _name_of(subject: str, *, is_patient: bool) -> str:
    """Name somebody in the ledger: as the provider does, by a hash where that is a patient or has another form."""
    if not is_patient and _PLAIN.fullmatch(subject):
        return f"oidc-{subject}"
    return f"oidc-{sha256_hex(subject.encode())[:24]}"


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(one, str) for one in values)

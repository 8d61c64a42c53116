"""Tokens of the hospital's own provider: each known trap is nobody, and its keys are fetched as seldom as they may be."""

import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from bailee.core.clock import FixedClock
from bailee.core.errors import Unavailable, UserError
from bailee.stores.home import Configuration
from bailee.web.oidc import (
    ASK_AGAIN_MS,
    KEEP_MS,
    LONGEST_KEEP_MS,
    Provider,
    Tokens,
    fetch_json,
    provider_of,
    public_keys,
)

NOW_S = 1_800_000_000
RSA = RSAKey.generate_key(2048, {"kid": "r1"})
EC = ECKey.generate_key("P-256", {"kid": "e1"})
OTHER = RSAKey.generate_key(2048, {"kid": "r1"})  # another key under the same id
PROVIDER = Provider("https://id.example", "bailee", "https://id.example/keys")
GOOD = {
    "iss": "https://id.example",
    "aud": "bailee",
    "sub": "olga",
    "iat": NOW_S,
    "exp": NOW_S + 600,
    "roles": ["privacy-officer"],
}


class Source:
    """What stands at the provider's address, and how often it was asked."""

    def __init__(self, *keys: Any) -> None:
        self.keys, self.asked, self.away = keys, 0, False

    def __call__(self, url: str) -> Any:
        assert url == PROVIDER.keys_url
        self.asked += 1
        if self.away:
            raise Unavailable("away")
        return {"keys": [key.as_dict(private=False) for key in self.keys]}


def tokens(source: Source | None = None, clock: FixedClock | None = None) -> Tokens:
    return Tokens(PROVIDER, clock or FixedClock(NOW_S * 1000), source or Source(RSA, EC))


def signed(claims: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", **header: Any) -> str:
    return jwt.encode({"alg": algorithm, "kid": key.kid, **header}, claims, key, algorithms=[algorithm])


def packed(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def test_a_good_token_is_somebody() -> None:
    for token in (signed(GOOD), signed(GOOD, EC, "ES256"), signed({**GOOD, "aud": ["x", "bailee"]})):
        found = tokens().person(token)
        assert found is not None
        assert (found.id, found.roles) == ("oidc-olga", {"privacy-officer"})


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


@pytest.mark.parametrize(
    "claims",
    [
        *(without(name) for name in ("iss", "aud", "sub", "exp", "iat", "roles")),
        {**GOOD, "iss": "https://id.example/"},
        {**GOOD, "iss": "https://evil.example"},
        {**GOOD, "aud": "other"},
        {**GOOD, "aud": []},
        {**GOOD, "aud": {"bailee": 1}},
        {**GOOD, "exp": NOW_S - 60},
        {**GOOD, "exp": str(NOW_S + 600)},
        {**GOOD, "nbf": NOW_S + 61},
        {**GOOD, "iat": NOW_S + 61},
        {**GOOD, "exp": NOW_S + 12 * 3600 + 1},
        {**GOOD, "sub": ""},
        {**GOOD, "sub": 7},
        {**GOOD, "roles": "privacy-officer"},
        {**GOOD, "roles": []},
        {**GOOD, "roles": ["king"]},
        {**GOOD, "roles": ["clock"]},
        {**GOOD, "roles": [7]},
        {**GOOD, "roles": ["privacy-officer", "partner"]},
    ],
)
def test_any_claim_that_is_not_right_is_nobody(claims: dict[str, Any]) -> None:
    assert tokens().person(signed(claims)) is None


@pytest.mark.parametrize(
    "claims", [{**GOOD, "exp": NOW_S - 59}, {**GOOD, "nbf": NOW_S + 60}, {**GOOD, "iat": NOW_S + 60}]
)
def test_a_minute_of_skew_is_allowed(claims: dict[str, Any]) -> None:
    assert tokens().person(signed(claims)) is not None


def _none() -> str:
    return f"{packed({'alg': 'none', 'kid': 'r1'})}.{packed(GOOD)}."


def _hmac_with_public_key() -> str:
    text = f"{packed({'alg': 'HS256', 'kid': 'r1'})}.{packed(GOOD)}"
    mac = hmac.digest(RSA.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _key_in_header() -> str:
    return jwt.encode(
        {"alg": "RS256", "jwk": OTHER.as_dict(private=False), "kid": "r1"}, GOOD, OTHER, algorithms=["RS256"]
    )


def _altered() -> str:
    head, _, signature = signed(GOOD).split(".")
    return f"{head}.{packed({**GOOD, 'sub': 'root'})}.{signature}"


TRAPS: dict[str, Callable[[], str]] = {
    "alg none": _none,
    "no signature": lambda: signed(GOOD).rpartition(".")[0] + ".",
    "HMAC with the public key": _hmac_with_public_key,
    "a key in the header": _key_in_header,
    "another key under the same id": lambda: signed(GOOD, OTHER),
    "altered claims": _altered,
    "no key id": lambda: jwt.encode({"alg": "RS256"}, GOOD, RSA, algorithms=["RS256"]),
    "a key of another kind": lambda: jwt.encode({"alg": "RS256", "kid": "e1"}, GOOD, RSA, algorithms=["RS256"]),
    "a critical header": lambda: f"{packed({'alg': 'RS256', 'kid': 'r1', 'crit': ['x'], 'x': 1})}.{packed(GOOD)}.AAAA",
    "encrypted": lambda: "a.b.c.d.e",
    "no JSON": lambda: "a.b.c",
    "very long": lambda: signed({**GOOD, "more": "x" * 9000}),
    "claims in a list": lambda: f"{packed({'alg': 'RS256', 'kid': 'r1'})}.{packed([GOOD])}.AAAA",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_known_trap_is_nobody(trap: str) -> None:
    assert tokens().person(TRAPS[trap]()) is None


def test_a_key_for_encryption_or_a_secret_one_is_not_taken() -> None:
    document = {
        "keys": [
            {**RSA.as_dict(private=False), "use": "enc"},
            EC.as_dict(private=True),
            OctKey.generate_key(256, {"kid": "o1"}).as_dict(private=True),
            {"kty": "RSA", "kid": "broken"},
            "text",
        ]
    }
    assert not public_keys(document)
    for wrong in ([], {"keys": {}}, None, "x"):
        with pytest.raises(Unavailable):
            public_keys(wrong)


def test_keys_are_kept_and_fetched_again_seldom() -> None:
    clock, source = FixedClock(NOW_S * 1000), Source(RSA)
    reading = tokens(source, clock)
    for _ in range(5):
        assert reading.person(signed(GOOD)) is not None
    assert source.asked == 1
    for _ in range(5):
        assert reading.person(signed(GOOD, EC, "ES256")) is None  # an unknown id asks again, once a minute
    assert source.asked == 1
    source.keys = (RSA, EC)
    clock.advance(ASK_AGAIN_MS)
    assert reading.person(signed(GOOD, EC, "ES256")) is not None
    assert source.asked == 2
    source.keys = (EC,)  # a key that was withdrawn
    clock.advance(KEEP_MS - 1)
    assert reading.person(signed({**GOOD, "exp": NOW_S + 4000})) is not None
    clock.advance(1)
    assert reading.person(signed({**GOOD, "exp": NOW_S + 4000})) is None
    assert source.asked == 3


def test_a_provider_that_is_away_is_told_from_nobody() -> None:
    clock, source = FixedClock(NOW_S * 1000), Source(RSA)
    source.away = True
    reading = tokens(source, clock)
    for _ in range(3):
        with pytest.raises(Unavailable):
            reading.person(signed(GOOD))
    assert source.asked == 1
    source.away = False
    clock.advance(ASK_AGAIN_MS)
    assert reading.person(signed(GOOD)) is not None
    source.away = True
    clock.advance(KEEP_MS)
    later = {**GOOD, "exp": NOW_S + 12 * 3600}
    assert reading.person(signed(later)) is not None
    clock.advance(LONGEST_KEEP_MS)
    with pytest.raises(Unavailable):
        reading.person(signed(later))


def test_a_patient_is_named_by_a_hash_and_knows_its_own_records() -> None:
    found = tokens().person(signed({**GOOD, "sub": "anna@mail.example", "roles": ["patient"], "patient": "p1"}))
    assert found is not None
    assert found.id.startswith("oidc-")
    assert "anna" not in found.id
    assert found.patient == "p1"
    other = tokens().person(signed({**GOOD, "patient": "p1"}))
    assert other is not None
    assert other.patient == ""


def test_half_a_provider_or_one_in_the_clear_is_refused() -> None:
    def made(**settings: str) -> Configuration:
        return Configuration(hospital="h", origin="o", **settings)  # type: ignore[arg-type]

    whole = {"oidc_issuer": "https://i", "oidc_audience": "a", "oidc_keys_url": "https://i/keys"}
    assert provider_of(made()) is None
    assert provider_of(made(**whole)) is not None
    for name in whole:
        with pytest.raises(UserError):
            provider_of(made(**{**whole, name: ""}))
    with pytest.raises(UserError):
        provider_of(made(**{**whole, "oidc_keys_url": "http://i.example/keys"}))


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        fetch_json("http://127.0.0.1:9/keys")


def test_a_set_of_public_keys_is_read() -> None:
    assert {key.kid for key in public_keys(KeySet([RSA, EC]).as_dict(private=False))} == {"r1", "e1"}

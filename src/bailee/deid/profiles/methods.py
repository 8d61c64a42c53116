"""The rare methods of profiles: mask, encrypt, generalise, perturb, substitute; for Action.METHOD of a plan.

What a rule's `argument` may say:

    mask         "" all characters · "last 4", "first 2": these stay, the others become *
    encrypt      "" AES-SIV under the agreement's key, base64url; the hospital turns it back (`decrypted`)
    generalise   "10" numbers down to a multiple of 10 · "prefix 3" the first three characters of a string
    perturb      "5" up to 2.5 more or less · "10%" up to 5 % more or less; the same value of the same patient, always
    substitute   a JSON list: one of them, by the agreement's key, the same for the same value

A value that a method cannot take (a word to generalise by 10) does not leave. Nothing depends on order or batch.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from bailee.core.errors import Invalid
from bailee.core.keys import AgreementKeys

NAMES = frozenset({"mask", "encrypt", "generalise", "perturb", "substitute"})
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
Change = Callable[[Any, str], Any]


class Number(str):
    """A JSON number as it was written, so that its digits stay."""

    __slots__ = ()


class Methods:
    """The rare methods under one agreement's keys; `pseudonyms` are those of a batch's people, by row.

    It is the `method` of `Engine.deidentify`.
    """

    def __init__(self, keys: AgreementKeys, pseudonyms: pa.StringArray) -> None:
        self._keys, self._pseudonyms = keys, pseudonyms

    def __call__(self, named: str, values: pa.StringArray, rows: npt.NDArray[np.int32]) -> pa.StringArray:
        """Change JSON values by a method. Shape: string[n], int32[n] → string[n]; null: does not leave."""
        change = method_of(named, self._keys)
        people = [self._pseudonyms[int(row)].as_py() if row >= 0 else "" for row in rows]
        done = (_changed(change, text, who) for text, who in zip(values.to_pylist(), people, strict=True))
        return pa.array(done, pa.string())


def check_argument(method: str, argument: str) -> None:
    """Accept what a rule says to a rare method. Raises: ValueError saying what it should say."""
    method_of(f"{method}:{argument}", None)


def decrypted(keys: AgreementKeys, text: str) -> str:
    """Turn an encrypted value back. Raises: Invalid if it was not made under this agreement."""
    try:
        return (
            AESSIV(keys.secret.derive("encrypt", length=64).reveal())
            .decrypt(base64.urlsafe_b64decode(text), None)
            .decode()
        )
    except (InvalidTag, ValueError):
        raise Invalid("not a value encrypted under this agreement", remedy="Name the agreement it came with.") from None


def method_of(named: str, keys: AgreementKeys | None) -> Change:
    """Make the function of a method as a plan names it ("mask:last 4"). Raises: ValueError if it says nothing known."""
    method, _, argument = named.partition(":")
    match method:
        case "mask":
            return _mask(argument)
        case "encrypt" if not argument:
            return _encrypt(keys)
        case "generalise":
            return _generalise(argument)
        case "perturb":
            return _perturb(argument, keys)
        case "substitute":
            return _substitute(argument, keys)
    raise ValueError(f"{method} takes no argument" if method == "encrypt" else f"no method {method}")


def _changed(change: Change, text: str, who: str) -> str | None:
    done = change(json.loads(text, parse_float=Number, parse_int=Number), who)
    if done is None:
        return None
    return str(done) if isinstance(done, Number) else json.dumps(done, ensure_ascii=False)


def _mask(argument: str) -> Change:
    found = re.fullmatch(r"(first|last) (\d+)|", argument)
    if found is None:
        raise ValueError('mask says "", "last 4" or "first 2"')
    first, count = found[1] == "first", int(found[2] or 0)

    def mask(value: Any, _who: str) -> Any:
        if not _is_text(value):
            return None
        hidden = max(len(value) - count, 0)
        return value[:count] + "*" * hidden if first else "*" * hidden + value[hidden:]

    return mask


def _encrypt(keys: AgreementKeys | None) -> Change:
    cipher = AESSIV(keys.secret.derive("encrypt", length=64).reveal()) if keys else None

    def encrypt(value: Any, _who: str) -> Any:
        if not _is_text(value) or not value or cipher is None:
            return None
        return base64.urlsafe_b64encode(cipher.encrypt(value.encode(), None)).decode()

    return encrypt


def _generalise(argument: str) -> Change:
    if found := re.fullmatch(r"prefix ([1-9]\d*)", argument):
        return lambda value, _who: value[: int(found[1])] if _is_text(value) else None
    if not _NUMBER.fullmatch(argument) or Decimal(argument) <= 0:
        raise ValueError('generalise says a width such as "10", or "prefix 3"')
    width = Decimal(argument)

    def generalise(value: Any, _who: str) -> Any:
        return _number((Decimal(value) / width).to_integral_value(ROUND_FLOOR) * width) if _is_number(value) else None

    return generalise


def _perturb(argument: str, keys: AgreementKeys | None) -> Change:
    span, share = argument.removesuffix("%"), argument.endswith("%")
    if not _NUMBER.fullmatch(span) or Decimal(span) <= 0:
        raise ValueError('perturb says a span such as "5", or a share such as "10%"')

    def perturb(value: Any, who: str) -> Any:
        if not _is_number(value) or keys is None:
            return None
        drawn = int.from_bytes(keys.keyed("perturb", f"{who}/{value}".encode())[:8], "big")
        noise = (Decimal(drawn) / Decimal(2**64) - Decimal("0.5")) * Decimal(span)
        moved = Decimal(value) + (noise * abs(Decimal(value)) / 100 if share else noise)
        rounded = moved.quantize(Decimal(1).scaleb(Decimal(value).as_tuple().exponent), ROUND_HALF_EVEN)  # type: ignore[arg-type]
        return _number(max(rounded, Decimal(0)) if Decimal(value) >= 0 else rounded)

    return perturb


def _substitute(argument: str, keys: AgreementKeys | None) -> Change:
    try:
        choices = msgspec.json.decode(argument, type=list[str])
    except msgspec.DecodeError:
        choices = []
    if not choices:
        raise ValueError('substitute says a list such as ["a", "b"]')

    def substitute(value: Any, _who: str) -> Any:
        if keys is None:
            return None
        drawn = int.from_bytes(keys.keyed("substitute", json.dumps(value).encode())[:8], "big")
        return choices[drawn % len(choices)]

    return substitute


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, Number)


def _is_number(value: Any) -> bool:
    return isinstance(value, Number) and _NUMBER.fullmatch(value) is not None


def _number(value: Decimal) -> Number:
    return Number(format(value + 0, "f"))

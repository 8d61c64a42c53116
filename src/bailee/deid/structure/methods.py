"""The rare methods of profiles, asked by the engine for each different value of a patient once.

    mask        every letter and digit becomes *          argument: "", "first 3", "last 4"
    encrypt     AES-SIV under the agreement's key, which the hospital can turn back; hexadecimal
    generalise  a number to the multiple of a width       argument: "10", "0.5"
                a date to a precision                     "year", "month"
                a code to its beginning                   "first 3"
    perturb     uniform noise, keyed by patient and value argument: "5" to either side, "10%" of the value
    substitute  other values                              argument: JSON; an object maps texts, "*" the rest

What a method cannot be applied to does not leave. The same value of the same patient always becomes the same.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Sequence
from decimal import ROUND_FLOOR, Decimal, InvalidOperation, localcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from bailee.core.errors import Invalid
from bailee.core.keys import AgreementKeys

Method = Callable[[Any, bytes], Any]  # value, patient's secret → value, or None; numbers are Decimal
_DIGITS = 60
_PLACES = 30  # of a number, before and after its point; longer ones do not leave
_DATE = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T.*)?)?)?", re.ASCII)
_PRECISION = {"year": 4, "month": 7}


class RareMethods:
    """The methods under one agreement's keys, for the patients of one batch: row i of People has roots[i]."""

    def __init__(self, keys: AgreementKeys, roots: Sequence[bytes]) -> None:
        self._keys = keys
        self._cipher = AESSIV(keys.secret.derive("encrypt", length=64).reveal())
        self._nobody = keys.subkey("perturb")
        self._secrets = [keys.keyed("perturb", root) for root in roots]

    def __call__(self, name: str, values: pa.StringArray, patients: npt.NDArray[np.int32]) -> pa.StringArray:
        """Apply a method, "mask:first 3", to JSON values. Shape: string[n], int32[n] → string[n], null to remove.

        Raises: Invalid if the method or its argument is not known.
        """
        method = self._method(name)
        done = []
        for value, patient in zip(values.to_pylist(), patients.tolist(), strict=True):
            secret = self._nobody if patient < 0 else self._secrets[patient]
            done.append(_written(method(json.loads(value, parse_float=Decimal, parse_int=Decimal), secret)))
        return pa.array(done, pa.string())

    def decrypted(self, text: str) -> str:
        """Turn an encrypted value back. Raises: Invalid if it was not made under this agreement."""
        try:
            return self._cipher.decrypt(bytes.fromhex(text), None).decode()
        except (InvalidTag, ValueError):
            raise Invalid("not a value of this agreement", remedy="Name the agreement it came with.") from None

    def _method(self, name: str) -> Method:
        kind, _, argument = name.partition(":")
        return self._encrypt if kind == "encrypt" and not argument else method_of(kind, argument)

    def _encrypt(self, value: Any, _secret: bytes) -> Any:
        text = _text(value)
        return self._cipher.encrypt(text.encode(), None).hex() if text else None


def method_of(kind: str, argument: str) -> Method:
    """Read a method and its argument. Raises: Invalid if there is none, or it does not take the argument."""
    maker = _MAKERS.get(kind)
    method = maker(argument.strip()) if maker else None
    if method is None:
        raise Invalid(f"a profile with a method that is not known: {kind}, {argument!r}", remedy="See the handbook.")
    return method


def check_argument(kind: str, argument: str) -> None:
    """Accept what a profile's rule says to a method. Raises: ValueError saying what it should say."""
    if kind == "encrypt" and not argument:
        return
    try:
        method_of(kind, argument)
    except Invalid:
        raise ValueError(_SHOULD_SAY.get(kind, f"there is no method {kind}")) from None


_SHOULD_SAY = {
    "mask": 'mask says "", "last 4" or "first 2"',
    "encrypt": "encrypt takes no argument",
    "generalise": 'generalise says a width such as "10", "year", "month", or "first 3"',
    "perturb": 'perturb says a span such as "5", or a share such as "10%"',
    "substitute": 'substitute says JSON: a value, or an object such as {"a": "b", "*": "other"}',
}


def _written(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return format(value, "f") if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)


def _text(value: Any) -> str:
    """Read a scalar as text; "" for others."""
    return value if isinstance(value, str) else format(value, "f") if isinstance(value, Decimal) else ""


def _ends(argument: str) -> tuple[int, int] | None:
    """Read "first 3" or "last 4" as how many characters stay at either end."""
    found = re.fullmatch(r"(first|last) (\d{1,4})", argument)
    if not found:
        return (0, 0) if not argument else None
    return (int(found[2]), 0) if found[1] == "first" else (0, int(found[2]))


def _mask(argument: str) -> Method | None:
    ends = _ends(argument)
    if ends is None:
        return None
    first, last = ends

    def mask(value: Any, _secret: bytes) -> Any:
        text = _text(value)
        stop = max(len(text) - last, first)
        return text[:first] + re.sub(r"[^\W_]", "*", text[first:stop]) + text[stop:]

    return mask


def _generalise(argument: str) -> Method | None:
    if argument in _PRECISION:
        return lambda value, _secret: _cut_date(value, _PRECISION[argument])
    ends = _ends(argument)
    if ends is not None and ends[0]:
        return lambda value, _secret: _text(value)[: ends[0]] if isinstance(value, str) else None
    width = _number(argument)
    if width is None or width <= 0:
        return None
    return lambda value, _secret: _floored(value, width) if _is_plain(value) else None


def _cut_date(value: Any, length: int) -> str | None:
    return value[:length] if isinstance(value, str) and _DATE.fullmatch(value) else None


def _floored(value: Decimal, width: Decimal) -> Decimal:
    with localcontext(prec=_DIGITS):
        return (value / width).to_integral_value(ROUND_FLOOR) * width


def _perturb(argument: str) -> Method | None:
    span = _number(argument.removesuffix("%"))
    if span is None or span < 0:
        return None
    share = span / 100 if argument.endswith("%") else None

    def perturb(value: Any, secret: bytes) -> Any:
        if not _is_plain(value):
            return None
        drawn = int.from_bytes(hmac.digest(secret, format(value, "f").encode(), "sha256")[:16], "big")
        with localcontext(prec=_DIGITS):
            side = Decimal(drawn) / Decimal(2**127) - 1
            noisy = value + side * (abs(value) * share if share is not None else span)
            return noisy.quantize(Decimal(1).scaleb(min(value.as_tuple().exponent, 0)))

    return perturb


def _substitute(argument: str) -> Method | None:
    try:
        given = json.loads(argument, parse_float=Decimal, parse_int=Decimal)
    except ValueError:
        return None
    if isinstance(given, dict):
        return lambda value, _secret: given.get(_text(value), given.get("*"))
    return lambda _value, _secret: given


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _is_plain(value: Any) -> bool:
    """Tell whether a value is a number of reasonable length."""
    return isinstance(value, Decimal) and value.adjusted() < _PLACES and int(value.as_tuple().exponent) > -_PLACES


_MAKERS: dict[str, Callable[[str], Method | None]] = {
    "mask": _mask,
    "generalise": _generalise,
    "perturb": _perturb,
    "substitute": _substitute,
}

"""What a rule does to one node: redact, dateShift, cryptoHash, encrypt, generalize, perturb. Gives what to record."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from functools import cache

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.padding import PKCS7

from bailee.core.entropy import Entropy
from bailee.core.errors import Invalid
from bailee.deid.structure.microsoft import dates
from bailee.deid.structure.microsoft.config import Parameters, Rule, Settings
from bailee.deid.structure.microsoft.errors import ConfigurationInvalid, ProcessingFailed
from bailee.deid.structure.microsoft.fhirpath import Misfit, predicate, scalar
from bailee.deid.structure.microsoft.labels import Operation
from bailee.deid.structure.microsoft.tree import Element, Number, Value, text_of
from bailee.records import r4

_INTEGERS = frozenset({"integer", "unsignedInt", "positiveInt"})
_QUANTITIES = frozenset(
    {"Age", "Count", "Duration", "Distance", "Money", "MoneyQuantity", "Quantity", "SimpleQuantity"}
)


@dataclass(frozen=True)
class Context:
    """What methods need besides the node. `offset_days` gives a node's date offset."""

    parameters: Parameters
    today: date
    now: str
    entropy: Entropy
    offset_days: Callable[[Element], int]


Records = frozenset[Operation]
NOTHING: Records = frozenset()


def keep(_node: Element, _rule: Rule, _context: Context) -> Records:
    """Leave the node as it is."""
    return NOTHING


def redact(node: Element, _rule: Rule, context: Context) -> Records:
    """Remove a value, or what partial dates, ages and ZIP codes demand of it."""
    text, parameters = text_of(node.value), context.parameters
    if not text:
        return NOTHING
    if node.type in {"date", "dateTime", "instant"}:
        node.value = dates.year_or_nothing(text, context.today) if parameters.partial_dates else None
    elif node.type == "decimal" and node.parent is not None and node.parent.type == "Age":
        node.value = _partial_age(node, text) if parameters.partial_ages else None
    elif node.name.lower() == "postalcode" and parameters.partial_zips:
        node.value = _partial_zip(text, parameters.restricted_zips)
        return frozenset({Operation.ABSTRACT})
    else:
        node.value = None
    return frozenset({Operation.REDACT})


def _partial_age(node: Element, text: str) -> Value:
    """Keep an age of at most 89 whole or fractional; what is no number goes."""
    try:
        return node.value if Decimal(text) <= dates.OLDEST_AGE else None
    except InvalidOperation:
        return None


def _partial_zip(text: str, restricted: tuple[str, ...]) -> str:
    kept = 0 if text.startswith(restricted) else min(3, len(text))
    return text[:kept] + re.sub(r"\d", "0", text[kept:])


def date_shift(node: Element, rule: Rule, context: Context) -> Records:
    """Move a date; one without a day, or more than 89 years ago, is redacted."""
    text = text_of(node.value)
    if not text or node.type not in {"date", "dateTime", "instant"}:
        return NOTHING
    moved = dates.shifted(text, context.offset_days(node), context.today, has_time=node.type != "date")
    if moved is None:
        return redact(node, rule, context)
    node.value = moved
    return frozenset({Operation.PERTURB})


def crypto_hash(node: Element, _rule: Rule, context: Context) -> Records:
    """Replace a value by its HMAC; of a reference only the id."""
    text = text_of(node.value)
    if not text:
        return NOTHING
    of_reference = node.name == "reference" and node.parent is not None and node.parent.type == "Reference"
    change = hashed_reference if of_reference else hashed
    node.value = change(text, context.parameters.hash_key)
    return frozenset({Operation.CRYPTO_HASH})


def hashed(text: str, key: str) -> str:
    """Give the HMAC-SHA-256 of a text. Shape: 64 hexadecimal digits."""
    return hmac.digest(key.encode(), text.encode(), "sha256").hex() if text else text


@cache
def _literals() -> tuple[re.Pattern[str], ...]:
    types = "|".join(r4.resource_types())
    url = rf"((?:https?://[A-Za-z0-9\\/.:%$]*)?(?:{types})/)([A-Za-z0-9\-.]{{1,64}})(/_history/[A-Za-z0-9\-.]{{1,64}})?"
    hexes = "-".join(f"[0-9a-fA-F]{{{count}}}" for count in (8, 4, 4, 4, 12))
    return (
        re.compile(url),
        re.compile(r"(urn:oid:)([0-2](?:\.(?:0|[1-9][0-9]*))+)()"),
        re.compile(rf"(urn:uuid:)({hexes})()"),
    )


def hashed_reference(text: str, key: str) -> str:
    """Hash the id in a literal reference, and the whole text of any other."""
    if text.startswith("#"):
        return "#" + hashed(text[1:], key)
    for pattern in _literals():
        found = pattern.fullmatch(text)
        if found:
            return found[1] + hashed(found[2], key) + (found[3] or "")
    return hashed(text, key)


def encrypt(node: Element, _rule: Rule, context: Context) -> Records:
    """Replace a value by its ciphertext: base64 of a fresh vector and AES-CBC."""
    text = text_of(node.value)
    if not text:
        return NOTHING
    vector = context.entropy.token_bytes(16)
    padder = PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    cipher = Cipher(AES(context.parameters.encrypt_key.encode()), CBC(vector)).encryptor()
    node.value = base64.b64encode(vector + cipher.update(padded) + cipher.finalize()).decode()
    return frozenset({Operation.ENCRYPT})


def generalize(node: Element, rule: Rule, context: Context) -> Records:
    """Replace a value by that of the first case that holds; others are removed or kept."""
    if not node.is_primitive:
        raise ConfigurationInvalid(f"generalize on {node.type}, which has no value of its own", where=rule.where)
    if node.value is None:
        return NOTHING
    try:
        node.value = _general_value(node, rule.settings, context.now)
    except (Misfit, ArithmeticError):
        raise ProcessingFailed("a case of generalize that does not fit a value", where=rule.where) from None
    return frozenset({Operation.GENERALIZE})


def _general_value(node: Element, settings: Settings, now: str) -> Value:
    for case in settings.cases:
        if predicate(case.condition, node, now=now):
            value = scalar(case.value, node, now=now)
            if value is None or isinstance(value, bool | str):
                return value
            return Number(format(value, "f")) if isinstance(value, Decimal) else _plain(value)
    return node.value if settings.keeps_others else None


def _plain(value: object) -> Value:
    return Number(value) if isinstance(value, int) else str(value)


def perturb(node: Element, rule: Rule, context: Context) -> Records:
    """Add uniform noise to a number, or to the value of a quantity; the rest of that quantity is left alone."""
    value = node if node.type in _INTEGERS | {"decimal"} else node.first("value") if node.type in _QUANTITIES else None
    if value is None or value.value is None or value.touched:
        return NOTHING
    value.value = _noisy(value, rule, context.entropy)
    for below in node.descendants(into_resources=True):
        below.touched = True
    return frozenset({Operation.PERTURB})


def _noisy(node: Element, rule: Rule, entropy: Entropy) -> Number:
    settings = rule.settings
    if not isinstance(node.value, Number):
        raise Invalid("a number that is written as a text", where=rule.where)
    with localcontext(prec=60):
        original = Decimal(node.value)
        span = float(original) * settings.span if settings.proportional else settings.span
        share = int.from_bytes(entropy.token_bytes(7), "big") / 2**56
        noisy = original + Decimal(f"{(share - 0.5) * span:.15g}")
        places = 0 if node.type in _INTEGERS else settings.round_to
        if int(noisy.as_tuple().exponent) < -places:
            noisy = noisy.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN)
        if node.type == "positiveInt":
            noisy = max(noisy, Decimal(1))
        elif node.type == "unsignedInt":
            noisy = max(noisy, Decimal(0))
        return Number(format(noisy, "f"))

"""Checksums of identifiers that carry one. A find that fails its check is believed less, never dropped."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final


def _digits(text: str) -> list[int]:
    return [int(sign) for sign in text if sign in "0123456789"]


def luhn(text: str) -> bool:
    """Check a card number. Source: ISO/IEC 7812-1 annex B.

    Example:
    >>> luhn("4111 1111 1111 1111"), luhn("4111 1111 1111 1112")
    (True, False)

    """
    digits = _digits(text)[::-1]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(digits) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def iban(text: str) -> bool:
    """Check a bank account number. Source: ISO 13616 (ISO 7064 mod 97-10)."""
    plain = re.sub(r"[^A-Z0-9]", "", text.upper())
    moved = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def dni(text: str) -> bool:
    """Check the letter of a Spanish identity number. Source: Real Decreto 1553/2005."""
    digits, letter = "".join(map(str, _digits(text))), text.strip()[-1:].upper()
    return len(digits) == 8 and "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == letter


def nie(text: str) -> bool:
    """Check the letter of a Spanish foreigner's number: X, Y, Z stand for 0, 1, 2."""
    plain = text.strip().upper()
    return plain[:1] in {"X", "Y", "Z"} and dni(str("XYZ".index(plain[0])) + plain[1:])


def nir(text: str) -> bool:
    """Check the key of a French social security number. Source: INSEE, 97 minus the number modulo 97."""
    plain = re.sub(r"\W", "", text.upper()).replace("2A", "19").replace("2B", "18")
    return len(plain) == 13 or (len(plain) == 15 and plain.isdigit() and 97 - int(plain[:13]) % 97 == int(plain[13:]))


def kvnr(text: str) -> bool:
    """Check a German health insurance number. Source: section 290 SGB V, letter as two digits, weights 1 and 2."""
    plain = text.strip().upper()
    digits = _digits(f"{ord(plain[0]) - 64:02d}{plain[1:]}")
    products = (digit * (1 + place % 2) for place, digit in enumerate(digits[:-1]))
    return len(digits) == 11 and sum(sum(divmod(product, 10)) for product in products) % 10 == digits[-1]


def steuer(text: str) -> bool:
    """Check a German tax number of persons. Source: ISO 7064 mod 11,10."""
    digits, product = _digits(text), 10
    for digit in digits[:-1]:
        total = (digit + product) % 10 or 10
        product = total * 2 % 11
    return len(digits) == 11 and digits[0] > 0 and (11 - product) % 10 == digits[-1]


def nhs(text: str) -> bool:
    """Check an NHS number. Source: NHS Data Dictionary, modulus 11."""
    digits = _digits(text)
    left = 11 - sum(digit * (10 - place) for place, digit in enumerate(digits[:9])) % 11
    return len(digits) == 10 and left % 11 == digits[9]


def dea(text: str) -> bool:
    """Check a prescriber's number of the United States' Drug Enforcement Administration."""
    digits = _digits(text)
    return len(digits) == 7 and (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 == digits[6]


def vin(text: str) -> bool:
    """Check a vehicle's number. Source: 49 CFR 565.15(c)."""
    plain = text.strip().upper()
    if not re.fullmatch(r"[A-HJ-NPR-Z0-9]{17}", plain):
        return False
    values = dict(
        zip(
            "ABCDEFGHJKLMNPRSTUVWXYZ",
            (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9),
            strict=True,
        )
    )
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum(
        weight * (int(sign) if sign.isdigit() else values[sign]) for weight, sign in zip(weights, plain, strict=True)
    )
    return "0123456789X"[total % 11] == plain[8]


def digits7(text: str) -> bool:
    """Seven digits or more."""
    return len(_digits(text)) >= 7


def digits8(text: str) -> bool:
    """Eight digits or more."""
    return len(_digits(text)) >= 8


def digits9(text: str) -> bool:
    """Nine digits or more."""
    return len(_digits(text)) >= 9


def digits3(text: str) -> bool:
    """Three digits or more."""
    return len(_digits(text)) >= 3


def digits4(text: str) -> bool:
    """Four digits or more."""
    return len(_digits(text)) >= 4


CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    check.__name__: check
    for check in (luhn, iban, dni, nie, nir, kvnr, steuer, nhs, dea, vin, digits7, digits8, digits9, digits3, digits4)
}
# Checks that only count: what fails one is hardly an identifier, what passes is not proved to be one.
SIZES: Final = frozenset({"digits3", "digits4", "digits7", "digits8", "digits9"})

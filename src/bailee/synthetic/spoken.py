"""Identifiers said or spelled instead of written: digits as words, letters one by one, dates in full words; English."""

from __future__ import annotations

from datetime import date
from random import Random

from bailee.synthetic.calendar import MONTHS

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_FIRST = {1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth"}
_LEET = str.maketrans("aeioslt", "4310517")
_RADIO = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu".split(),  # noqa: SIM905
        strict=True,
    )
)


def digits(value: str, rng: Random) -> str:
    """Say digits one by one.

    Example:
        >>> digits("50-1", Random(1)).split()[0]
        'five'

    """
    oh = rng.random() < 0.3
    return " ".join("oh" if oh and sign == "0" else _DIGITS[int(sign)] for sign in value if sign.isdigit())


def number(value: int) -> str:
    """Say a whole number below a hundred.

    Example:
        >>> number(47)
        'forty-seven'

    """
    if value < 10:
        return _DIGITS[value]
    if value < 20:
        return _TEENS[value - 10]
    tens = _TENS[value // 10]
    return tens if value % 10 == 0 else f"{tens}-{_DIGITS[value % 10]}"


def old_age(years: int) -> str:
    """Say an age of ninety and more.

    Example:
        >>> old_age(101)
        'one hundred and one'

    """
    if years < 100:
        return number(years)
    return "one hundred" if years == 100 else f"one hundred and {number(years - 100)}"


def ordinal(value: int) -> str:
    """Say a whole number below forty as a place in order.

    Example:
        >>> ordinal(22)
        'twenty-second'

    """
    if value in _FIRST:
        return _FIRST[value]
    if value < 20:
        return number(value) + "th"
    if value % 10 == 0:
        return number(value)[:-1] + "ieth"
    return f"{_TENS[value // 10]}-{ordinal(value % 10)}"


def year(value: int, rng: Random) -> str:
    """Say a year of the last or of this century."""
    if value < 2000:
        return f"nineteen {number(value % 100) if value % 100 > 9 else 'oh ' + number(value % 100)}"
    if value < 2010 or rng.random() < 0.5:
        return "two thousand" + (rng.choice((" ", " and ")) + number(value % 100) if value % 100 else "")
    return f"twenty {number(value % 100)}"


def day(moment: date, rng: Random) -> str:
    """Say a date."""
    month = MONTHS["en"][moment.month - 1]
    month = month.lower() if rng.random() < 0.5 else month
    return rng.choice(
        (
            f"{month} {ordinal(moment.day)} {year(moment.year, rng)}",
            f"{month} {ordinal(moment.day)}, {year(moment.year, rng)}",
            f"{month} the {ordinal(moment.day)}",
            f"the {ordinal(moment.day)} of {month}",
            f"{month} of {year(moment.year, rng)}",
            f"{number(moment.month)} {number(moment.day)} {number(moment.year % 100)}",
            f"{month} {moment.day} '{moment.year % 100:02d}",
            f"{month} {ordinal(moment.day)}",
        )
    )


def spelled(name: str, rng: Random) -> str:
    """Spell a name letter by letter, or disguise its letters."""
    letters = [sign for sign in name if sign.isalpha()]
    way = rng.randrange(5)
    if way == 0:
        return "-".join(sign.upper() for sign in letters)
    if way == 1:
        return " ".join(sign.lower() for sign in letters)
    if way == 2:
        return ". ".join(sign.upper() for sign in letters)
    if way == 3:
        return " ".join(_RADIO.get(sign.lower(), sign) for sign in letters)
    return name.lower().translate(_LEET)


def address(email: str, rng: Random) -> str:
    """Say an e-mail address."""
    at = rng.choice((" at ", " (at) ", "[at]", " AT ", " @ "))
    dot = rng.choice((" dot ", " (dot) ", "[dot]", " DOT ", "."))
    return email.replace("@", at).replace(".", dot)


def parted(value: str, rng: Random) -> str:
    """Write a number with unusual signs between its digits."""
    sign = rng.choice((" ", ".", "/", " - ", "_", "\u2011", "\u2013", ",", "  "))
    shown = "".join(letter if letter.isalnum() else sign for letter in value)
    return " ".join(shown) if rng.random() < 0.2 else shown

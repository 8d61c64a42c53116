"""Dates for dates: moved by the patient's offset in the same format, or reduced to the year. What cannot be read gives None."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Final

from bailee.deid.notes.chart.words import read_lines
from bailee.deid.notes.surrogates.names import in_case_of
from bailee.deid.notes.surrogates.persons import Subject

Lines = tuple[tuple[str, ...], ...]

# One alternative a format, the fullest first. Years are y, months m, days d, months by name n, numbers of unknown order a, b.
_PATTERN: Final = r"""
    (?P<ymd> (?P<ymd_y>(?:18|19|20|21)\d\d) (?P<ymd_s>[-/.\ ]?) (?P<ymd_m>0[1-9]|1[0-2]|[1-9]) (?P=ymd_s)
             (?P<ymd_d>0[1-9]|[12]\d|3[01]|[1-9]) (?!\d) )
  | (?P<num> (?<!\d) (?P<num_a>\d{1,2}) (?P<num_s>\s?[-/.]\s?|\ ) (?P<num_b>\d{1,2}) (?P=num_s) (?P<num_y>\d{4}|\d{2}) (?!\d) )
  | (?P<solid> (?<!\d) (?P<solid_a>\d\d) (?P<solid_s>) (?P<solid_b>\d\d) (?P<solid_y>(?:18|19|20)\d\d|\d\d) (?!\d) )
  | (?P<dmy> (?<!\d) (?P<dmy_d>\d{1,2}) (?P<dmy_o>\s?(?:st|nd|rd|th|º|er)\b)? (?P<dmy_g>[\s.,/-]*(?:(?:of|de)\s+)?)
             (?P<dmy_n>%(month)s) (?![^\W\d_])
             (?: (?P<dmy_h>[\s.,/'’-]*(?:(?:of|de|del)\s+)?) (?P<dmy_y>\d{4}|\d{2}) (?!\d) (?!\s?:) )? )
  | (?P<mdy> (?P<mdy_n>%(month)s) (?![^\W\d_]) (?P<mdy_g>[\s.,/-]*) (?P<mdy_d>\d{1,2}) (?!\d) (?P<mdy_o>\s?(?:st|nd|rd|th)\b)?
             (?: (?P<mdy_h>[\s.,/'’-]+(?:of\s+)?) (?P<mdy_y>\d{4}|\d{2}) (?!\d) (?!\s?:) )? )
  | (?P<my> (?P<my_n>%(month)s) (?![^\W\d_]) (?P<my_g>[\s.,/'’-]*(?:(?:of|de|del)\s+)?) (?P<my_y>(?:18|19|20)\d\d) (?!\d) )
  | (?P<nmy> (?<!\d) (?P<nmy_m>0?[1-9]|1[0-2]) (?P<nmy_s>[-/.]) (?P<nmy_y>(?:18|19|20)\d\d) (?!\d) )
  | (?P<ym> (?<!\d) (?P<ym_y>(?:18|19|20)\d\d) (?P<ym_s>[-/]) (?P<ym_m>0[1-9]|1[0-2]) (?!\d) )
  | (?P<ab> (?<!\d) (?P<ab_a>\d{1,2}) (?P<ab_s>[-/.]) (?P<ab_b>\d{1,2}) (?!\d) )
  | (?P<time> (?<![\d]) \d{1,2} [:.h] \d{2} (?: : \d{2} (?:\.\d+)? )? (?!\d) )
  | (?P<year> (?<!\d) (?:18|19|20|21)\d\d (?!\d) )
  | (?P<month> (?P<month_n>%(month)s) (?![^\W\d_]) )
  | (?P<weekday> (?P<weekday_n>%(weekday)s) (?![^\W\d_]) )
"""
_LETTER: Final = re.compile(r"[^\W\d_]")
_TOKEN: Final = re.compile(r"[^\W_]+")
_NO_YEAR: Final = 2001  # not a leap year
_MIDDLE: Final = 15  # of a month


@dataclass(frozen=True)
class Order:
    """How 4/5/2020 is read: as the chart's birth date if it may be that, else by the language's habit."""

    day_first: bool = False
    births: frozenset[tuple[int, int, int]] = frozenset()  # year, month, day

    def puts_day_first(self, a: int, b: int, year: int | None) -> bool:
        """Tell whether the first of two numbers is the day."""
        if a > 12 or b > 12:
            return a > 12
        births = {(month, day) for born, month, day in self.births if year is None or (born - year) % 100 == 0}
        return (b, a) in births or (self.day_first and (a, b) not in births)


def date_for(subject: Subject, text: str, *, day_first: bool = False) -> str | None:
    """Rewrite the dates in a text; None if anything in it was not understood. `day_first`: 4/5 is in May.

    Dates move by `subject.shift_days`, or leave their year only where that is None. A year of birth does not stay where the
    patient is 90 or older. Source: 45 CFR 164.514(b)(2)(i)(C).
    """
    form = forms(named=_LETTER.search(text) is not None)
    found = list(form.finditer(text))
    whole = len(found) == 1 and found[0].end() - found[0].start() == len(text)
    if not whole and any(word.lower() not in between() for word in _TOKEN.findall(form.sub(" ", text))):
        return None
    order = Order(day_first, subject.birth_days)
    try:
        if subject.shift_days is None:
            return _years(subject, found, order)
        shift = timedelta(days=subject.shift_days)
        pieces = [_moved(match, shift, order) for match in found]
    except (ValueError, OverflowError):
        return None
    out, last = [], 0
    for match, piece in zip(found, pieces, strict=True):
        out += [text[last : match.start()], piece]
        last = match.end()
    return "".join([*out, text[last:]]) if found else None


def _years(subject: Subject, found: list[re.Match[str]], order: Order) -> str | None:
    years: dict[int, None] = {}
    for match in found:
        if match.lastgroup in {"time", "weekday"}:
            continue
        read = _read(match, order)
        if read is not None:
            years[read.year] = None
    if not years or (subject.ninety and not subject.birth_years.isdisjoint(years)):
        return None
    return "-".join(map(str, years))


def _read(match: re.Match[str], order: Order) -> date | None:
    """Read the date of a match; None where its year is not told."""
    kind = str(match.lastgroup)
    part = _parts(match, kind)
    if kind == "year":
        return date(int(match[0]), 7, 1)
    if not part.get("y"):
        _order(part, order)
        return None
    year = full_year(part["y"])
    if kind in {"num", "solid"}:
        month, day, _ = _order(part, order)
        return date(year, month, day)
    month = int(part["m"]) if part.get("m") else _place(part["n"], months())[1] + 1
    return date(year, month, int(part["d"]) if part.get("d") else _MIDDLE)


def _parts(match: re.Match[str], kind: str) -> dict[str, str]:
    return {short: match[number] for short, number in _fields()[kind] if match[number] is not None}


@cache
def _fields() -> dict[str, tuple[tuple[str, int], ...]]:
    """List each format's fields by their short names, with the numbers of their groups."""
    groups = [(name.partition("_"), number) for name, number in forms().groupindex.items()]
    kinds = {kind for (kind, _, _), _ in groups}
    return {
        kind: tuple((field, number) for (own, _, field), number in groups if own == kind and field) for kind in kinds
    }


def full_year(written: str) -> int:
    """Read a year of two or four digits; two mean 1950 to 2049."""
    year = int(written)
    return year if len(written) == 4 else 2000 + year if year < 50 else 1900 + year


def _order(part: dict[str, str], order: Order) -> tuple[int, int, bool]:
    """Tell month and day of two numbers, and whether the day comes first. Raises: ValueError if there is no such day."""
    if "a" not in part:
        return 1, 1, False
    a, b = int(part["a"]), int(part["b"])
    year = full_year(part["y"]) if "y" in part else None
    day_first = order.puts_day_first(a, b, year)
    month, day = (b, a) if day_first else (a, b)
    date(_NO_YEAR - 1, month, day)
    return month, day, day_first


def _moved(match: re.Match[str], shift: timedelta, order: Order) -> str:
    kind = str(match.lastgroup)
    part = _parts(match, kind)
    match kind:
        case "time":
            return match[0]
        case "year":
            return str((date(int(match[0]), 7, 1) + shift).year)
        case "weekday":
            line, at = _place(part["n"], weekdays())
            return _named(part["n"], weekdays()[line][(at + shift.days) % 7])
        case "num" | "solid" | "ab":
            return _moved_numbers(part, shift, order)
        case "ymd" | "nmy" | "ym":
            return _moved_plain(kind, part, shift)
        case _:
            return _moved_named(kind, part, shift)


def _moved_numbers(part: dict[str, str], shift: timedelta, order: Order) -> str:
    month, day, day_first = _order(part, order)
    moved = date(full_year(part["y"]) if "y" in part else _NO_YEAR, month, day) + shift
    width = 2 if part["a"][0] == "0" or part["b"][0] == "0" or len(part["a"] + part["b"]) == 4 else 1
    pair = (moved.day, moved.month) if day_first else (moved.month, moved.day)
    numbers = [f"{number:0{width}d}" for number in pair]
    if "y" in part:
        numbers.append(f"{moved.year:04d}"[-len(part["y"]) :])
    return part["s"].join(numbers)


def _moved_plain(kind: str, part: dict[str, str], shift: timedelta) -> str:
    moved = date(int(part["y"]), int(part["m"]), int(part.get("d", _MIDDLE))) + shift
    fields = {
        "y": f"{moved.year:04d}",
        "m": _as_wide(part["m"], moved.month),
        "d": _as_wide(part.get("d", ""), moved.day),
    }
    order = {"ymd": "ymd", "nmy": "my", "ym": "ym"}[kind]
    return part["s"].join(fields[name] for name in order)


def _as_wide(model: str, number: int) -> str:
    return f"{number:02d}" if len(model) == 2 else str(number)


def _moved_named(kind: str, part: dict[str, str], shift: timedelta) -> str:
    line, at = _place(part["n"], months())
    year = full_year(part["y"]) if "y" in part else _NO_YEAR
    moved = date(year, at + 1, int(part.get("d", _MIDDLE))) + shift
    name = _named(part["n"], months()[line][moved.month - 1])
    tail = part.get("h", "") + f"{moved.year:04d}"[-len(part["y"]) :] if "y" in part else ""
    padded = part.get("d", "")[:1] == "0" or (len(part.get("d", "")) == 2 and part.get("g", " ") in {"", "-"})
    day = f"{moved.day:02d}" if padded else str(moved.day) if "d" in part else ""
    day += _ordinal(part.get("o", ""), moved.day)
    match kind:
        case "dmy":
            return day + part["g"] + name + tail
        case "mdy":
            return name + part["g"] + day + tail
        case "my":
            return name + part["g"] + tail
        case _:
            return name


def _ordinal(model: str, day: int) -> str:
    if model.strip().lower() not in {"st", "nd", "rd", "th"}:
        return model
    ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return model[: len(model) - len(model.strip())] + in_case_of(model.strip(), ending)


def _named(model: str, name: str) -> str:
    return in_case_of(model.rstrip("."), name) + ("." if model.endswith(".") else "")


def _place(word: str, lines: Lines) -> tuple[int, int]:
    """Find the first line that has a word. Returns the line and the place in it."""
    plain = word.rstrip(".").lower()
    return next((at, line.index(plain)) for at, line in enumerate(lines) if plain in line)


@cache
def forms(*, named: bool = True) -> re.Pattern[str]:
    """Give the pattern of all formats; where no letter stands, names of months need not be looked for."""
    if not named:
        return re.compile(_PATTERN % {"month": "(?!)", "weekday": "(?!)"}, re.VERBOSE | re.IGNORECASE)
    names = {"month": _any_of(months()), "weekday": _any_of(weekdays())}
    return re.compile(_PATTERN % names, re.VERBOSE | re.IGNORECASE)


def _any_of(lines: Lines) -> str:
    words = sorted({word for line in lines for word in line}, key=lambda word: (-len(word), word))
    return r"(?<![^\W\d_])(?:" + "|".join(words) + r")(?:\.|\b|(?=\d))"


@cache
def _sections() -> dict[str, list[list[str]]]:
    return read_lines((files(__package__) / "months.txt").read_text(encoding="utf-8"))


@cache
def months() -> Lines:
    """Give the names of the months, a language and length a line."""
    return tuple(map(tuple, _sections()["MONTHS"]))


@cache
def weekdays() -> Lines:
    """Give the names of the days of the week, Monday first."""
    return tuple(map(tuple, _sections()["WEEKDAYS"]))


@cache
def between() -> frozenset[str]:
    """Give the words that may stand in a date or between two."""
    return frozenset(word for line in _sections()["BETWEEN"] for word in line)

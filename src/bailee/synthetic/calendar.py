"""Dates as people write them, in four languages: formats only, no clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

MONTHS = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "es": [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    "fr": [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    "de": [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
}
DAYS = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "es": ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    "fr": ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
    "de": ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
}
HOLIDAYS = {
    "en": ["Christmas", "Christmas Eve", "Thanksgiving", "New Year's Day", "New Year's Eve", "Easter", "Memorial Day", "Labor Day", "the Fourth of July", "July 4th", "Halloween", "Valentine's Day", "Mother's Day", "Father's Day", "Passover", "Ramadan", "Yom Kippur", "Diwali", "MLK Day", "Good Friday", "Veterans Day", "Rosh Hashanah", "St. Patrick's Day", "Columbus Day", "Presidents' Day", "Hanukkah", "Eid", "Cinco de Mayo", "Super Bowl Sunday", "Boxing Day", "Juneteenth", "Ash Wednesday"],
    "es": ["Navidad", "Nochebuena", "Nochevieja", "Año Nuevo", "Reyes", "Semana Santa", "Viernes Santo", "la Virgen del Pilar", "San José", "Todos los Santos"],
    "fr": ["Noël", "la veille de Noël", "Pâques", "la Toussaint", "le 14 juillet", "la Pentecôte", "l'Ascension", "le jour de l'An", "l'Assomption"],
    "de": ["Weihnachten", "Heiligabend", "Ostern", "Karfreitag", "Pfingsten", "Silvester", "Neujahr", "Allerheiligen", "Fronleichnam"],
}  # fmt: skip
Format = Callable[[datetime, str], str]


def _ordinal(day: int) -> str:
    return f"{day}{'th' if 10 < day % 100 < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def _month(moment: datetime, language: str) -> str:
    return MONTHS[language][moment.month - 1]


def _short(moment: datetime, language: str) -> str:
    return _month(moment, language)[: 4 if language == "en" and moment.month == 9 else 3]


def _day(moment: datetime, language: str) -> str:
    return DAYS[language][moment.weekday()]


_FULL: dict[str, list[Format]] = {
    "en": [
        lambda d, _: f"{d:%m/%d/%Y}",
        lambda d, _: f"{d:%m/%d/%Y}",
        lambda d, _: f"{d.month}/{d.day}/{d.year}",
        lambda d, _: f"{d.month}/{d.day}/{d:%y}",
        lambda d, _: f"{d:%m/%d/%y}",
        lambda d, _: f"{d:%m-%d-%Y}",
        lambda d, _: f"{d.month}-{d.day}-{d:%y}",
        lambda d, _: f"{d:%Y-%m-%d}",
        lambda d, _: f"{d:%Y-%m-%d}",
        lambda d, _: f"{d:%Y/%m/%d}",
        lambda d, t: f"{_month(d, t)} {d.day}, {d.year}",
        lambda d, t: f"{_month(d, t)} {d.day}, {d.year}",
        lambda d, t: f"{_month(d, t)} {_ordinal(d.day)}, {d.year}",
        lambda d, t: f"{_month(d, t)} {_ordinal(d.day)} {d.year}",
        lambda d, t: f"{_month(d, t)} {d.day} {d.year}",
        lambda d, t: f"{_short(d, t)} {d.day}, {d.year}",
        lambda d, t: f"{_short(d, t)}. {d.day}, {d.year}",
        lambda d, t: f"{d.day} {_month(d, t)} {d.year}",
        lambda d, t: f"{d.day} {_short(d, t)} {d.year}",
        lambda d, t: f"{d:%d}-{_short(d, t)[:3]}-{d.year}",
        lambda d, t: f"{d:%d}-{_short(d, t)[:3].upper()}-{d:%y}",
        lambda d, t: f"{d:%d}{_short(d, t)[:3].upper()}{d.year}",
        lambda d, t: f"the {_ordinal(d.day)} of {_month(d, t)}, {d.year}",
        lambda d, t: f"{_day(d, t)}, {_month(d, t)} {d.day}, {d.year}",
        lambda d, _: f"{d:%m.%d.%Y}",
        lambda d, _: f"{d:%m.%d.%y}",
        lambda d, _: f"{d:%Y%m%d}",
        lambda d, _: f"{d:%d/%m/%Y}",
    ],
    "es": [
        lambda d, _: f"{d:%d/%m/%Y}",
        lambda d, _: f"{d:%d/%m/%Y}",
        lambda d, _: f"{d:%d/%m/%Y}",
        lambda d, _: f"{d.day}/{d.month}/{d.year}",
        lambda d, _: f"{d:%d/%m/%y}",
        lambda d, _: f"{d:%d-%m-%Y}",
        lambda d, _: f"{d:%d-%m-%y}",
        lambda d, _: f"{d:%d.%m.%Y}",
        lambda d, _: f"{d:%Y-%m-%d}",
        lambda d, t: f"{d.day} de {_month(d, t)} de {d.year}",
        lambda d, t: f"{d.day} de {_month(d, t)} de {d.year}",
        lambda d, t: f"{d.day} de {_month(d, t)} del {d.year}",
        lambda d, t: f"{d.day}-{_month(d, t)}-{d.year}",
        lambda d, t: f"{d:%d} {_short(d, t)} {d.year}",
        lambda d, t: f"{_day(d, t)}, {d.day} de {_month(d, t)} de {d.year}",
        lambda d, _: f"{d:%d/%m /%Y}",
    ],
    "fr": [
        lambda d, _: f"{d:%d/%m/%Y}",
        lambda d, _: f"{d:%d/%m/%Y}",
        lambda d, _: f"{d:%d/%m/%y}",
        lambda d, _: f"{d:%d.%m.%Y}",
        lambda d, _: f"{d:%d-%m-%Y}",
        lambda d, _: f"{d:%Y-%m-%d}",
        lambda d, t: f"{'1er' if d.day == 1 else d.day} {_month(d, t)} {d.year}",
        lambda d, t: f"{d.day} {_month(d, t)} {d.year}",
        lambda d, t: f"{d:%d} {_month(d, t).upper()} {d.year}",
        lambda d, t: f"{_day(d, t)} {d.day} {_month(d, t)} {d.year}",
        lambda d, t: f"{d.day} {_short(d, t)}. {d.year}",
        lambda d, _: f"{d:%d / %m / %Y}",
    ],
    "de": [
        lambda d, _: f"{d:%d.%m.%Y}",
        lambda d, _: f"{d:%d.%m.%Y}",
        lambda d, _: f"{d:%d.%m.%y}",
        lambda d, _: f"{d.day}.{d.month}.{d.year}",
        lambda d, _: f"{d.day}.{d.month}.{d:%y}",
        lambda d, t: f"{d.day}. {_month(d, t)} {d.year}",
        lambda d, t: f"{d:%d}. {_month(d, t)} {d.year}",
        lambda d, t: f"{_day(d, t)}, den {d:%d.%m.%Y}",
        lambda d, _: f"{d:%Y-%m-%d}",
        lambda d, _: f"{d:%d/%m/%Y}",
        lambda d, t: f"{d.day}. {_short(d, t)}. {d.year}",
        lambda d, _: f"{d:%d-%m-%Y}",
    ],
}
_PART: dict[str, list[Format]] = {
    "en": [
        lambda d, _: f"{d.month}/{d.day}",
        lambda d, _: f"{d:%m/%d}",
        lambda d, t: f"{_month(d, t)} {d.day}",
        lambda d, t: f"{_month(d, t)} {_ordinal(d.day)}",
        lambda d, t: f"{_short(d, t)} {d.day}",
        lambda d, t: f"the {_ordinal(d.day)} of {_month(d, t)}",
        lambda d, t: f"{d.day} {_month(d, t)}",
        lambda d, t: f"{_month(d, t)} {d.year}",
        lambda d, t: f"{_month(d, t)} of {d.year}",
        lambda d, t: f"{_short(d, t)} {d.year}",
        lambda d, _: f"{d:%m/%Y}",
        lambda d, _: f"{d.month}/{d:%y}",
        lambda d, t: f"{_short(d, t)}-{d:%y}",
        lambda d, t: f"{_month(d, t)}",
    ],
    "es": [
        lambda d, t: f"{d.day} de {_month(d, t)}",
        lambda d, t: f"{_month(d, t)} de {d.year}",
        lambda d, t: f"{_month(d, t)} de {d.year}",
        lambda d, t: f"{_month(d, t)} del {d.year}",
        lambda d, t: f"{_month(d, t).capitalize()} {d.year}",
        lambda d, _: f"{d:%d/%m}",
        lambda d, _: f"{d:%m/%Y}",
        lambda d, t: f"{_month(d, t)} {d:%y}",
        lambda d, t: f"{_month(d, t)}",
    ],
    "fr": [
        lambda d, t: f"{d.day} {_month(d, t)}",
        lambda d, t: f"{_month(d, t)} {d.year}",
        lambda d, t: f"{_month(d, t)} {d.year}",
        lambda d, _: f"{d:%d/%m}",
        lambda d, _: f"{d:%m/%Y}",
        lambda d, t: f"{_month(d, t)}",
    ],
    "de": [
        lambda d, _: f"{d:%d.%m.}",
        lambda d, t: f"{_month(d, t)} {d.year}",
        lambda d, t: f"{d.day}. {_month(d, t)}",
        lambda d, _: f"{d:%m/%Y}",
        lambda d, _: f"{d:%m/%y}",
        lambda d, t: f"{_month(d, t)}",
    ],
}
_STAMP: list[Format] = [
    lambda d, _: f"{d:%Y-%m-%dT%H:%M:%S}",
    lambda d, _: f"{d:%Y-%m-%dT%H:%M}",
    lambda d, _: f"{d:%Y-%m-%dT%H:%M:%SZ}",
    lambda d, _: f"{d:%Y-%m-%dT%H:%M:%S}.{d.microsecond // 1000:03d}Z",
    lambda d, _: f"{d:%Y-%m-%dT%H:%M:%S}-05:00",
    lambda d, _: f"{d:%Y%m%d%H%M}",
    lambda d, _: f"{d:%Y%m%d%H%M%S}",
]


def full(moment: datetime, language: str, rng: Random) -> str:
    """Write day, month and year in one of the language's ways."""
    return rng.choice(_FULL[language])(moment, language)


def part(moment: datetime, language: str, rng: Random) -> str:
    """Write a date with its year or its day left out."""
    return rng.choice(_PART[language])(moment, language)


def stamp(moment: datetime, rng: Random) -> str:
    """Write an instant as machines do."""
    return rng.choice(_STAMP)(moment, "en")


def iso(moment: datetime) -> str:
    """Write a date in ISO 8601."""
    return f"{moment:%Y-%m-%d}"


def span_of_days(moment: datetime, language: str, rng: Random) -> str:
    """Write a range of dates."""
    later = moment + timedelta(days=rng.randint(1, 20))
    form = rng.choice(_FULL[language])
    between = rng.choice(
        {
            "en": ("-", " - ", " to ", " through ", "–"),
            "es": ("-", " a ", " al "),
            "fr": (" - ", " au "),
            "de": ("-", " bis ", " – "),
        }[language]
    )
    if language == "en" and moment.month == later.month and rng.random() < 0.4:
        return (
            f"{_month(moment, language)} {moment.day}{between.strip() or '-'}{later.day}"
            if len(between) < 3
            else f"{moment.month}/{moment.day}{between}{later.month}/{later.day}"
        )
    return form(moment, language) + between + form(later, language)

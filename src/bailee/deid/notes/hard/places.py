"""Employers, churches, shelters, prisons, street corners, dates and plates for the sentences of this folder. All invented."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from bailee.deid.notes.hard.pools import pools, shaped
from bailee.deid.notes.lexica.categories import Category

Maker = Callable[[Random], str]


def _parts(text: str) -> list[str]:
    return text.split("|")


_CHURCHES: Final = (
    "{o} Zion AME", "{o} Zion Baptist", "St. {w}", "St {w} Parish", "First {d}", "{d} Church of {c}", "{w} {d} Church", "Iglesia {w}",
    "Temple Beth {w}", "Masjid {w}", "Our Lady of {w}", "{o} Bible Church", "{w} Chapel", "Holy {t}", "{o} Covenant", "Gurdwara {w}",
)  # fmt: skip
_SHELTERS: Final = (
    "{w} House", "{o} Rescue Mission", "the {o} shelter", "{w} Center", "Casa {w}", "{o} Haven", "Salvation Army", "{o} Covenant House",
    "{w} Place", "St. {w}'s shelter", "{o} Family Shelter", "Harbor Lights", "{n} Oaks", "{w} sober living", "{o} Recovery House",
    "{o} Village", "{w} Residence", "{n} {o} SNF",
)  # fmt: skip
_JAILS: Final = (
    "{c} County Jail", "{c} County jail", "{w} Island", "{c} State Penitentiary", "{w} State Prison", "FCI {c}", "{c} Correctional",
    "{c} Detention Center", "{w} Correctional Institution", "{c} Juvenile Hall", "USP {c}", "{c} city jail",
)  # fmt: skip
_CORNERS: Final = (
    "{k}th and {w}", "{w} and {x}", "{w} & {x}", "{k}th & {k2}th", "corner of {w} and {x}", "Rt {k} near the old mill", "I-{k} near exit {k2}",
    "exit {k2}", "Hwy {k}", "mile marker {k2}", "US-{k}", "SR {k}", "{w} Ave", "{k}th St", "County Rd {k}", "the {w} bridge",
    "{w} Park", "{w} Field", "{w} Lake", "the {w} projects", "{w} Towers", "the {w} apartments", "{w} trailer park",
)  # fmt: skip
_OPENERS: Final = _parts(
    "Mt|Mount|New|Open|Grace|Calvary|Sunrise|Hope|Bethel|Ebenezer|Living|Faith|Union|Cornerstone|Pacific|Harbor|Liberty|First|Good News"
)
_DENOMINATIONS: Final = _parts(
    "Baptist|Methodist|Lutheran|Presbyterian|Reformed|AME|Congregational|Assembly of God|Nazarene|Adventist|Unitarian|Covenant"
)
_ENDS: Final = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}
_MONTHS: Final = _parts(
    "january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept|sep|oct|nov|dec"
)
_HOLIDAYS: Final = _parts(
    "thanksgiving|christmas|christmas eve|xmas|new year's|new years eve|easter|easter sunday|labor day|memorial day|the 4th of july|halloween|mlk day|"
    "valentine's day|st patrick's day|groundhog day|flag day|ash wednesday|good friday|palm sunday|passover|yom kippur|rosh hashanah|hanukkah|ramadan|"
    "eid|diwali|lunar new year|chinese new year|tet|cinco de mayo|mother's day|father's day|juneteenth|columbus day|veterans day|michaelmas|"
    "boxing day|black friday|super bowl sunday|presidents day|kwanzaa|holi|orthodox easter|mardi gras|pentecost|all saints day"
)
_DAYS: Final = _parts("mon|tue|tues|wed|thu|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday")


_PARTICLES: Final = _parts(
    "de|de la|de los|del|dos|da|do|van|van der|van den|von|bin|bint|ibn|al|el|abu|ter|ten|di|della|le|la|wa|ole|ap|mac|ben|bar|av|af|ou|ait|o|ng|thi|van|e"
)


def _ordinal(number: int) -> str:
    return f"{number}{_ENDS.get(number, 'th')}"


def _bare(rng: Random) -> str:
    return f"{rng.randint(1, 12)}{rng.choice('///-')}{rng.randint(1, 30)}{rng.choice(('', '', '', '', f'/{rng.randint(9, 29):02d}'))}"


def _monthish(rng: Random) -> str:
    month, year = rng.choice(_MONTHS), rng.randint(2005, 2027)
    return rng.choice((
        f"{month} of last year", f"{month} of this year", f"last {month}", f"this past {month}", f"mid-{month}", f"early {month}", f"late {month}",
        f"{month} '{year % 100:02d}", f"{month} {year}", f"{month} of '{year % 100:02d}", f"end of {month}", f"beginning of {month}",
        f"spring of {year}", f"fall {year}", f"summer '{year % 100:02d}", f"winter {year}", f"q{rng.randint(1, 4)} {year}", f"Q{rng.randint(1, 4)} FY{year % 100:02d}",
        f"next {month}", f"{rng.randint(1, 12)}/{year}",
    ))  # fmt: skip


def _holiday(rng: Random) -> str:
    day, year = rng.choice(_HOLIDAYS), rng.randint(1995, 2027)
    day = day.title() if rng.random() < 0.4 else day
    return rng.choice(
        (day, day, day, f"last {day}", f"{day} {year}", f"{day} '{year % 100:02d}", f"{day} of {year}", f"this {day}")
    )


def _compact(rng: Random) -> str:
    day = f"{rng.randint(1940, 2027)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    iso = f"{day[:4]}-{day[4:6]}-{day[6:]}"
    clock = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
    return rng.choice((day, day, iso, f"{iso}T{clock}", f"{iso}T{clock}:{rng.randint(0, 59):02d}Z", f"{iso} {clock}", f"{day[6:]}{day[4:6]}{day[:4]}",
                       f"{day[4:6]}.{day[6:]}.{day[2:4]}", f"{int(day[4:6])}.{int(day[6:])}.{day[2:4]}"))  # fmt: skip


def _day_month(rng: Random) -> str:
    month, day, year = rng.choice(_MONTHS), rng.randint(1, 30), rng.randint(1990, 2027)
    short = month[:3]
    return rng.choice((
        f"{day} {month}", f"{month} {day}", f"{day:02d}-{short.upper()}-{year % 100:02d}", f"{day:02d}-{short}-{year}", f"{day} {short} {year % 100:02d}",
        f"{short} {_ordinal(day)}", f"{day:02d}{short.upper()}{year}", f"{day:02d}{short.upper()}{year % 100:02d}", f"{short}-{day:02d}-{year}",
        f"{_ordinal(day)} {month} {year}", f"the {_ordinal(day)} of {month}", f"{month} the {_ordinal(day)}", f"{short}. {day}", f"{day}/{short}/{year}",
        f"{rng.choice(_DAYS)} {day} {month}", f"{rng.choice(_DAYS)}, {short} {day}", f"{rng.choice(_DAYS)} the {_ordinal(day)}",
    ))  # fmt: skip


def _plate(rng: Random) -> str:
    shape = rng.choice(
        (
            "AAA 9999",
            "9AAA999",
            "AAA-999",
            "AA 99 AAA",
            "AAA999",
            "999 AAA",
            "9999 AA",
            "A99-AAA",
            "AA-99999",
            "99-9999",
        )
    )
    return shaped(shape, rng, "ABCDEFGHJKLMNPRSTVWXYZ")


def place_makers(language: str) -> dict[str, Maker]:
    """Give what fills the slots of employers, places of stay, corners, informal dates and plates."""
    source = pools(language)
    companies, cities = source.of(Category.COMPANY), source.of(Category.CITY)
    regions = source.of(Category.REGION)

    def word(rng: Random) -> str:
        return source.name(rng).capitalize()

    def city(rng: Random) -> str:
        return source.draw(cities if rng.random() < 0.6 else regions, rng).title()

    def filled(forms: tuple[str, ...]) -> Maker:
        return lambda rng: rng.choice(forms).format(
            w=word(rng), x=word(rng), c=city(rng), o=rng.choice(_OPENERS), d=rng.choice(_DENOMINATIONS), k=rng.randint(1, 99), k2=rng.randint(4, 260),
            n=rng.choice(("Twelve", "Seven", "Three", "Four", "12")), t=rng.choice(("Trinity", "Cross", "Family", "Redeemer", "Spirit", "Name")),
        )  # fmt: skip

    def chain(rng: Random) -> str:
        made = source.draw(companies, rng)
        return made.upper() if len(made) < 5 and rng.random() < 0.4 else made.title().replace("'S", "'s")

    return {
        "chain": chain, "church": filled(_CHURCHES), "shelter": filled(_SHELTERS), "jail": filled(_JAILS), "cross": filled(_CORNERS),
        "st": lambda rng: rng.choice(("AK", "AZ", "CA", "FL", "IL", "MN", "NC", "NE", "NY", "OH", "TX", "WA", "WI")),
        "bare": _bare, "monthish": _monthish, "holidayish": _holiday, "compact": _compact, "daymon": _day_month, "plate": _plate,
        "dowdate": lambda rng: f"{rng.choice(_DAYS)}{rng.choice((' ', ', '))}{_bare(rng)}",
        "ordinalday": lambda rng: rng.choice((f"{_ordinal(rng.randint(1, 31))} of {rng.choice(_MONTHS)}", _ordinal(rng.randint(1, 31)))),
        "oldw": lambda rng: rng.choice(("ninety", "ninety-one", "ninety two", "ninety-four", "ninety seven", "a hundred and two", "one hundred and one", "one hundred")),
        "clock24": lambda rng: f"{rng.randint(0, 23):02d}{rng.choice((0, 5, 10, 15, 20, 30, 35, 40, 45, 50, rng.randint(0, 59))):02d}",
        "smallletter": lambda rng: rng.choice("abcdefghjklmnprstvw"),
        "caret": lambda rng: f"{word(rng).upper()}{rng.choice(('', '', '-' + word(rng).upper()))}^{word(rng).upper()}{rng.choice(('', '', '^' + word(rng).upper(), '^' + word(rng)[0], '^^'))}",
        "particled": lambda rng: f"{word(rng)} {rng.choice(_PARTICLES)} {word(rng)}{rng.choice(('', '', ' ' + word(rng)))}",
        "mac": lambda rng: rng.choice((":", "-")).join(f"{rng.randint(0, 255):02x}" for _ in range(6)),
        "vin": lambda rng: "".join(rng.choice("0123456789ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(17)),
        "handleword": _handle(source.name), "n1": lambda rng: str(rng.randint(1, 8)),
    }  # fmt: skip


def _handle(name: Maker) -> Maker:
    def made(rng: Random) -> str:
        first, last, number = (
            name(rng),
            name(rng),
            rng.choice(("", "", str(rng.randint(1, 99)), str(rng.randint(1950, 2010)))),
        )
        return rng.choice((f"{first[0]}{last}{number}", f"{first}.{last}{number}", f"{first}_{last[0]}{number}", f"{first}{last[0]}{number or 7}", f"{last}{first[0]}{number or 3}",
                           f"{first[0]}.{last}", f"{first}{number or 88}", f"{last}_rn", f"{first[0]}{last}_md"))  # fmt: skip

    return made

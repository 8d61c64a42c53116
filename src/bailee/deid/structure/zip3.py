"""Which three-digit ZIP prefixes may stay: a whitelist with its vintage, from the Census; unknown prefixes never do.

Source: 45 CFR 164.514(b)(2)(i)(B): the area of all ZIP codes with the same first three digits must have more than
20,000 people "according to the current publicly available data from the Bureau of the Census".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec

from bailee.core.errors import Invalid

FILE = Path(__file__).with_name("zip3.tsv")
MORE_THAN = 20_000
NATION = range(280_000_000, 450_000_000)  # people of the USA that a national table may have
PREFIXES = range(880, 960)  # prefixes that a national table may have: 891 without Puerto Rico in 2013, 894 in 2020
ZIP_CODE = re.compile(r"\d{5}(?:-?\d{4})?", re.ASCII)


class Zip3Table(msgspec.Struct, frozen=True, kw_only=True):
    """People by ZIP prefix, and the census that counted them."""

    vintage: int
    populations: Mapping[str, int]

    def whitelist(self) -> frozenset[str]:
        """Give the prefixes that may stay: those of more than 20,000 people."""
        return frozenset(prefix for prefix, people in self.populations.items() if people > MORE_THAN)

    def three_digits(self, code: str) -> str:
        """Give what may stay of a ZIP code: three digits, or "000"; "" for what is no ZIP code of the USA.

        Example:
            >>> [zip3_table().three_digits(code) for code in ("02139-1234", "05901", "K1A 0B1")]
            ['021', '000', '']

        """
        return three_digits(code, self.whitelist())

    def is_outdated(self, year: int) -> bool:
        """Tell whether a later census has been published: ten years on, and three more for its tables by area."""
        return year >= self.vintage + 13

    def words(self, year: int) -> str:
        """Say which census the table is of, and whether it is time for a newer one."""
        said = f"{self.vintage} Census: {len(self.whitelist())} of {len(self.populations)} prefixes may stay"
        return f"{said}. A later census has been published: its table is due" if self.is_outdated(year) else said


def three_digits(code: str, whitelist: frozenset[str]) -> str:
    """Give what a whitelist lets stay of a ZIP code; "" for what is no ZIP code of the USA."""
    if not ZIP_CODE.fullmatch(code):
        return ""
    return code[:3] if code[:3] in whitelist else "000"


@cache
def zip3_table() -> Zip3Table:
    """Read the table that comes with Bailee."""
    lines = [line for line in FILE.read_text("utf-8").splitlines() if not line.startswith("#")]
    rows = (line.split("\t") for line in lines[1:])
    vintage = int(lines[0].removeprefix("vintage "))
    return checked({prefix: int(people) for prefix, people in rows}, vintage=vintage)


def table_from_areas(areas: Iterable[tuple[str, int]], *, vintage: int) -> Zip3Table:
    """Sum the people of ZIP Code Tabulation Areas by prefix, for a newer census.

    Raises: Invalid if an area is no five digits, or occurs twice, or the sums are not those of the whole nation.
    """
    sums: Counter[str] = Counter()
    seen: set[str] = set()
    for code, people in areas:
        if not re.fullmatch(r"\d{5}", code, re.ASCII) or people < 0:
            raise Invalid(
                "an area that is no five digits with a count", remedy="Give ZCTA5 codes and total population."
            )
        if code in seen:
            raise Invalid("an area that occurs twice", remedy="Give each ZCTA once, for the nation, not by state.")
        seen.add(code)
        sums[code[:3]] += people
    return checked(sums, vintage=vintage)


def checked(populations: Mapping[str, int], *, vintage: int) -> Zip3Table:
    """Accept a national table and nothing less. Raises: Invalid if total or number of prefixes is not plausible."""
    total = sum(populations.values())
    if total not in NATION:
        raise Invalid(f"{total} people are not the USA", remedy="Give the areas of all States.")
    if len(populations) not in PREFIXES:
        raise Invalid(f"{len(populations)} prefixes are not the USA", remedy="Give the areas of all States.")
    return Zip3Table(vintage=vintage, populations=MappingProxyType(dict(populations)))

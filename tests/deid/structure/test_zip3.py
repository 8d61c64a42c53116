"""Three digits of a ZIP code stay where, and only where, they stand for more than 20,000 people."""

from __future__ import annotations

import pytest

from bailee.core.errors import Invalid
from bailee.deid.structure.zip3 import Zip3Table, checked, table_from_areas, zip3_table

HHS_2000 = [
    "036",
    "059",
    "063",
    "102",
    "203",
    "556",
    "692",
    "790",
    "821",
    "823",
    "830",
    "831",
    "878",
    "879",
    "884",
    "890",
    "893",
]
SURVEY_2013 = [
    "036",
    "059",
    "102",
    "202",
    "203",
    "204",
    "205",
    "369",
    "556",
    "692",
    "753",
    "772",
    "821",
    "823",
    "878",
    "879",
    "884",
    "893",
]


def test_the_shipped_table_is_the_whole_nation_of_the_2020_census():
    table = zip3_table()
    assert table.vintage == 2020
    assert (len(table.populations), sum(table.populations.values())) == (894, 334_726_586)
    assert len(table.whitelist()) == 876


def test_the_2020_census_restricts_the_eighteen_prefixes_of_the_2013_survey():
    table = zip3_table()
    assert sorted(set(table.populations) - table.whitelist()) == SURVEY_2013


def test_prefixes_of_the_2000_list_that_have_grown_may_stay_now():
    grown = set(HHS_2000) & zip3_table().whitelist()
    assert grown == {"063", "790", "830", "831", "890"}


def test_twenty_thousand_people_are_too_few_and_one_more_is_enough():
    table = Zip3Table(vintage=2020, populations={"001": 20_000, "002": 20_001})
    assert table.whitelist() == {"002"}
    assert (table.three_digits("00199"), table.three_digits("00299")) == ("000", "002")


@pytest.mark.parametrize(
    ("code", "stays"),
    [
        ("02139", "021"),
        ("02139-1234", "021"),
        ("021391234", "021"),
        ("05901", "000"),
        ("00001", "000"),  # no such prefix
        ("96201", "000"),  # armed forces: no area
        ("2139", ""),
        ("K1A 0B1", ""),
        ("SW1A 1AA", ""),
        ("02139-12", ""),
        ("٠٢١٣٩", ""),
        ("", ""),
    ],
)
def test_a_code_keeps_three_digits_or_becomes_zeros_or_goes(code, stays):
    assert zip3_table().three_digits(code) == stays


def test_a_table_is_outdated_once_the_next_census_is_out():
    assert not zip3_table().is_outdated(2032)
    assert zip3_table().is_outdated(2033)


def test_a_table_says_its_census_and_when_it_is_due():
    assert zip3_table().words(2030) == "2020 Census: 876 of 894 prefixes may stay"
    assert zip3_table().words(2040).endswith("its table is due")


def test_a_new_table_is_summed_from_areas():
    table = zip3_table()
    areas = [(prefix + "01", people - 1) for prefix, people in table.populations.items() if people]
    areas += [(prefix + "02", min(people, 1)) for prefix, people in table.populations.items()]
    assert table_from_areas(areas, vintage=2020) == table


@pytest.mark.parametrize(
    "areas",
    [
        [("02139", 40_000), ("02138", 38_000)],
        [(f"{prefix:03}01", 5) for prefix in range(894)],
        [("02139", 300_000_000)],
        [("02139", 1), ("02139", 1)],
        [("2139", 1)],
        [("02139", -1)],
    ],
)
def test_a_table_that_is_not_the_nation_is_refused(areas):
    with pytest.raises(Invalid):
        table_from_areas(areas, vintage=2020)


def test_a_state_by_state_export_that_counts_areas_twice_is_refused():
    with pytest.raises(Invalid, match="people are not the USA"):
        checked({prefix: 2 * people for prefix, people in zip3_table().populations.items()}, vintage=2020)

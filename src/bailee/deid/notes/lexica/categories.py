"""The categories of words, one bit each, and the folding under which words are kept. No lists here."""

from __future__ import annotations

import unicodedata
from enum import IntFlag


class Category(IntFlag):
    """What a word may be. A word often is several things: `will` is a name and an English word."""

    NONE = 0
    GIVEN = 1 << 0  # a given name that many bear
    GIVEN_RARE = 1 << 1
    FAMILY = 1 << 2  # a family name that many bear
    FAMILY_RARE = 1 << 3
    CITY = 1 << 4  # a town of note
    CITY_RARE = 1 << 5  # a small town, or part of the name of a town
    REGION = 1 << 6  # state, province, county, department
    REGION_CODE = 1 << 7  # CA, NSW
    COUNTRY = 1 << 8
    DEMONYM = 1 << 9  # nationalities and languages
    STREET_AFTER = 1 << 10  # Street, Avenue: follow the name
    STREET_BEFORE = 1 << 11  # calle, rue: stand before it
    UNIT = 1 << 12  # apartment, suite, piso
    FACILITY = 1 << 13  # hospital, clinic
    ORGANIZATION = 1 << 14  # company, university: heads of names
    COMPANY = 1 << 15  # names of insurers, employers, companies
    TITLE = 1 << 16  # Dr, Mrs, Herr
    CREDENTIAL = 1 << 17  # MD, RN
    ROLE = 1 << 18  # physician, radiologist: a name may follow
    KIN = 1 << 19
    PARTICLE = 1 << 20  # de, van, bin inside names
    NICKNAME = 1 << 21
    MONTH = 1 << 22
    WEEKDAY = 1 << 23
    HOLIDAY = 1 << 24
    NUMBER = 1 << 25  # numbers in words
    FUNCTION = 1 << 26  # the, of, and their like in the four languages
    COMMON_EN = 1 << 27
    COMMON_ES = 1 << 28
    COMMON_FR = 1 << 29
    COMMON_DE = 1 << 30
    KNOWN_EN = 1 << 31  # in a dictionary, seldom met
    MEDICAL = 1 << 32
    DRUG = 1 << 33
    EPONYM = 1 << 34  # a person's name inside a term of medicine
    GENE = 1 << 35
    ANATOMY = 1 << 36
    TEST = 1 << 37  # laboratory tests, vitals, scores and scales
    MEASURE = 1 << 38  # units of measurement
    SHORTHAND = 1 << 39  # clinical abbreviations
    SECTION = 1 << 40  # words of section headings
    DEVICE = 1 << 41  # devices and their makers
    EPONYM_HEAD = 1 << 42  # sign, disease, catheter: what an eponym stands before
    PROFESSION = 1 << 43
    HOUSE = 1 << 44  # names of hospitals, health systems, pharmacies, laboratories


COMMON = Category.COMMON_EN | Category.COMMON_ES | Category.COMMON_FR | Category.COMMON_DE
CLINICAL = (
    Category.MEDICAL
    | Category.DRUG
    | Category.EPONYM
    | Category.GENE
    | Category.ANATOMY
    | Category.TEST
    | Category.MEASURE
    | Category.SHORTHAND
    | Category.SECTION
    | Category.DEVICE
)
NAME = Category.GIVEN | Category.GIVEN_RARE | Category.FAMILY | Category.FAMILY_RARE

_LETTERS = str.maketrans({
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
    "ŋ": "n", "ŧ": "t", "ə": "e", "’": "'", "ʼ": "'", "`": "'", "´": "'",
})  # fmt: skip


def fold(word: str) -> str:
    """Fold case, accents and joined letters to plain lower-case Latin, as words are kept here.

    Example:
    >>> fold("Muñoz-Łukasz"), fold("Straße")
    ('munoz-lukasz', 'strasse')

    """
    if word.isascii() and "`" not in word:
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.lower().translate(_LETTERS))
    return "".join(letter for letter in plain if not unicodedata.combining(letter))

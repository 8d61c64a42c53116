"""Invented people: names of many cultures from the word list, nicknames, initials; nobody real is meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from random import Random

from bailee.core.errors import Invalid

_NICKNAMES = {
    "William": "Bill", "Robert": "Bob", "Richard": "Dick", "James": "Jim", "John": "Jack", "Elizabeth": "Liz", "Margaret": "Peggy",
    "Katherine": "Kate", "Patricia": "Pat", "Michael": "Mike", "Thomas": "Tom", "Edward": "Ted", "Charles": "Chuck", "Joseph": "Joe",
    "Daniel": "Dan", "Christopher": "Chris", "Jennifer": "Jen", "Susan": "Sue", "Deborah": "Deb", "Barbara": "Barb", "Matthew": "Matt",
    "Anthony": "Tony", "Steven": "Steve", "Timothy": "Tim", "Kenneth": "Ken", "Gregory": "Greg", "Samuel": "Sam", "Rebecca": "Becky",
    "Victoria": "Vicky", "Alexander": "Alex", "Benjamin": "Ben", "Theodore": "Teddy", "Dorothy": "Dottie", "Francisco": "Paco",
    "José": "Pepe", "Guadalupe": "Lupita", "Jesús": "Chuy", "Dolores": "Lola", "Josephine": "Josie", "Abigail": "Abby", "Nicholas": "Nick",
    "Jonathan": "Jon", "Stephanie": "Steph", "Kimberly": "Kim", "Jessica": "Jess", "Amanda": "Mandy", "Lawrence": "Larry", "Gerald": "Jerry",
}  # fmt: skip
_ONSETS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "dr",
    "f",
    "fr",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "kl",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "th",
    "tr",
    "v",
    "w",
    "z",
    "kw",
    "gh",
    "ts",
    "zh",
    "ny",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ee", "ia", "oa", "ei", "ou", "y", "ae"]
_ENDS = [
    "n",
    "r",
    "l",
    "s",
    "th",
    "ck",
    "nd",
    "rt",
    "ski",
    "vic",
    "son",
    "man",
    "ley",
    "ton",
    "ez",
    "ini",
    "elli",
    "enko",
    "ov",
    "ian",
    "ak",
    "wala",
    "dottir",
    "quist",
    "berg",
    "oglu",
]
_MIX = {
    "en": {"american": 40, "african-american": 6, "wordlike": 12, "mexican": 8, "british": 5, "irish": 2, "indian": 3},
    "es": {"spanish": 75, "mexican": 10, "quebecois": 1, "arabic": 3, "romanian": 3, "chinese": 2, "british": 2, "german": 1},
    "fr": {"french": 55, "quebecois": 12, "arabic": 12, "portuguese": 4, "italian": 3, "haitian": 4, "polish": 2, "vietnamese": 3, "german": 2},
    "de": {"german": 68, "turkish": 9, "polish": 5, "russian": 4, "italian": 3, "croatian": 2, "arabic": 4, "dutch": 2, "czech": 2},
}  # fmt: skip
_DOUBLE = {"spanish", "mexican"}


@dataclass(frozen=True)
class Person:
    """Somebody invented. `gender` is f or m; `family` may be of two words."""

    given: str
    middle: str
    family: str
    gender: str
    born: date
    culture: str
    nick: str

    def full(self) -> str:
        """Write given and family name."""
        return f"{self.given} {self.family}"

    def initials(self) -> str:
        """Write the initials of given, middle and family name."""
        return "".join(word[0] for word in (self.given, self.middle, self.family) if word)

    def __repr__(self) -> str:
        return f"Person({self.culture}, {self.gender})"


@cache
def names() -> dict[str, dict[str, tuple[str, ...]]]:
    """Read the word list: culture → f, m, l → names."""
    lists: dict[str, dict[str, tuple[str, ...]]] = {}
    source = (files("bailee.synthetic") / "words" / "names.txt").read_text(encoding="utf-8")
    for line in source.splitlines():
        if line and not line.startswith("#"):
            culture, kind, values = line.split(" ", 2)
            lists.setdefault(culture, {})[kind] = tuple(values.split(","))
    return lists


@cache
def _weights(language: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    if language not in _MIX:
        raise Invalid("no names for that language", remedy="Use en, es, fr or de.")
    mix = _MIX[language]
    rest = [culture for culture in names() if culture not in mix]
    share = (30 if language == "en" else 8) / len(rest)
    sums, total = [], 0.0
    for weight in [*mix.values(), *[share] * len(rest)]:
        total += weight
        sums.append(total)
    return (*mix, *rest), tuple(sums)


def culture_of(rng: Random, language: str) -> str:
    """Draw a culture as it would be met in a hospital of that language, foreign ones more often than in reality."""
    cultures, sums = _weights(language)
    return rng.choices(cultures, cum_weights=sums)[0]


def coined(rng: Random) -> str:
    """Coin a family name that no list holds.

    Example:
        >>> coined(Random(4)).istitle()
        True

    """
    syllables = rng.choice((1, 1, 2))
    return (
        "".join(rng.choice(_ONSETS) + rng.choice(_VOWELS) for _ in range(syllables)) + rng.choice(_ENDS)
    ).capitalize()


def family_name(rng: Random, language: str, culture: str = "") -> str:
    """Draw a family name: listed, hyphenated, double or coined."""
    own = culture or culture_of(rng, language)
    chance = rng.random()
    if chance < 0.06:
        return coined(rng)
    family = rng.choice(names()[own]["l"])
    if own in _DOUBLE and rng.random() < (0.8 if language == "es" else 0.25):
        return f"{family} {rng.choice(names()[own]['l'])}"
    if chance < 0.10:
        return f"{family}-{rng.choice(names()[own]['l'])}"
    if chance < 0.12:
        return rng.choice(("O'", "Mc", "Mac", "D'", "De ", "Van ", "St. ", "von ", "de la ", "Le")) + family
    return family


def given_name(rng: Random, gender: str, culture: str) -> str:
    """Draw a given name."""
    if rng.random() < 0.03:
        return coined(rng)
    return rng.choice(names()[culture][gender])


def person(
    rng: Random, language: str, *, gender: str = "", born: date | None = None, family: str = "", culture: str = ""
) -> Person:
    """Invent somebody.

    Example:
        >>> person(Random(1), "en", gender="f").gender
        'f'

    """
    own = culture or culture_of(rng, language)
    sex = gender or ("f" if rng.random() < 0.51 else "m")
    given = given_name(rng, sex, own)
    if language in {"fr", "es"} and rng.random() < 0.1:
        given = f"{given}{'-' if language == 'fr' else ' '}{rng.choice(names()[own][sex])}"
    middle = given_name(rng, sex, own) if rng.random() < 0.5 else ""
    birthday = born or date(1924, 1, 1) + timedelta(days=rng.randrange(36_500))
    nick = _NICKNAMES.get(given) or given[: rng.choice((3, 4))] + rng.choice(("", "ie", "y", "o"))
    return Person(given, middle, family or family_name(rng, language, own), sex, birthday, own, nick)

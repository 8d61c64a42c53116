"""Fills the sentences of this folder from the word lists, with the spans that are identifiers, or may be."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from random import Random
from typing import Final, TypeAlias

import numpy as np

from bailee.deid.notes.hard.people import people_makers
from bailee.deid.notes.hard.places import place_makers
from bailee.deid.notes.lexica.categories import Category
from bailee.deid.notes.lexica.load import words

Span: TypeAlias = tuple[int, int, str]

_SLOT: Final = re.compile(r"\{(?:([A-Z_0-9]+)=)?(\w+)\}")
_NAMED: Final = (
    Category.GIVEN | Category.GIVEN_RARE | Category.FAMILY | Category.FAMILY_RARE | Category.CITY | Category.CITY_RARE
)
_COMMON: Final = {
    "en": Category.COMMON_EN, "es": Category.COMMON_ES, "fr": Category.COMMON_FR, "de": Category.COMMON_DE,
}  # fmt: skip
_POOLS: Final = {
    "med": Category.MEDICAL, "anat": Category.MEDICAL, "drug": Category.DRUG, "test": Category.TEST, "sh": Category.SHORTHAND,
    "epo": Category.EPONYM, "head": Category.EPONYM_HEAD, "dev": Category.DEVICE, "dem": Category.DEMONYM,
    "country": Category.COUNTRY, "unit": Category.MEASURE, "known": Category.KNOWN_EN,
}  # fmt: skip
_GENUS: Final = """Staphylococcus Streptococcus Escherichia Klebsiella Pseudomonas Neisseria Candida Aspergillus Borrelia Brucella
    Bartonella Listeria Salmonella Shigella Legionella Mycoplasma Chlamydia Enterococcus Bacteroides Clostridium Haemophilus
    Moraxella Proteus Serratia Treponema Rickettsia Coxiella Toxoplasma Plasmodium Giardia Cryptococcus""".split()  # noqa: SIM905
_SPECIES: Final = """aureus pyogenes coli pneumoniae aeruginosa meningitidis albicans fumigatus burgdorferi melitensis henselae
    monocytogenes typhi sonnei pneumophila trachomatis faecalis fragilis difficile influenzae catarrhalis mirabilis marcescens
    pallidum gondii falciparum vivax lamblia neoformans epidermidis agalactiae viridans""".split()  # noqa: SIM905
_AMINO: Final = "ARNDCQEGHILKMFPSTWYV"
_THREE: Final = (
    "Ala",
    "Arg",
    "Asn",
    "Asp",
    "Cys",
    "Gln",
    "Glu",
    "Gly",
    "His",
    "Ile",
    "Leu",
    "Lys",
    "Met",
    "Phe",
    "Pro",
    "Ser",
    "Thr",
    "Trp",
    "Tyr",
    "Val",
)
_ALPHA: Final = ("alpha", "beta", "gamma", "delta", "anti", "non", "pre", "post", "hyper", "5-HT", "IL-6", "TNF")
_TENS: Final = {
    "en": ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty"),
    "es": ("veinte", "treinta", "cuarenta", "cincuenta", "sesenta", "setenta", "ochenta"),
    "fr": ("vingt", "trente", "quarante", "cinquante", "soixante", "soixante-dix", "quatre-vingts"),
    "de": ("zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig"),
}
_ONES: Final = {
    "en": ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "fifteen"),
    "es": ("uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "doce", "quince"),
    "fr": ("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "douze", "quinze"),
    "de": ("ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "zwölf", "fünfzehn"),
}


OFTEN: Final = 0.45  # how often an ordinary word is one that everybody uses


class Sentences:
    """The sentences of a language with their pools of words. Invariant: every slot has a filler."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.groups = dict(_groups((files("bailee.deid.notes") / "hard" / f"{language}.txt").read_text("utf-8")))
        listed = words()
        self._text, self._start, self._end = bytes(listed.text), listed.start, listed.end
        lengths, mask = listed.end - listed.start, listed.mask
        free = (mask & np.uint64(int(_NAMED))) == 0
        usable = (lengths >= 2) & (lengths <= 18)
        self._pools = {
            name: np.flatnonzero(
                usable & ((mask & np.uint64(int(kind))) != 0) & (free | (name in {"epo", "dev", "country"}))
            )
            for name, kind in _POOLS.items()
        }
        common = (mask & np.uint64(int(_COMMON[language] | Category.FUNCTION))) != 0
        self._pools["com"] = np.flatnonzero(usable & common & free)
        self._pools["doubtful"] = np.flatnonzero(usable & common & ~free)
        self._frequent = " ".join(self.groups.pop("frequent", [])).split()
        self._made = _makers(language) | people_makers(language) | place_makers(language)

    def sentence(self, group: str, rng: Random, *, apart: bool = False) -> tuple[str, list[Span]]:
        """Write one sentence of a group, with its spans; `apart` as transcripts are written."""
        template = rng.choice(self.groups[group])
        template = _apart(template) if apart else template
        parts: list[str] = []
        spans: list[Span] = []
        last = size = 0
        for match in _SLOT.finditer(template):
            inner: list[Span] = []
            word = self._fill(match[2], rng, inner, apart=apart)
            parts += [template[last : match.start()], word]
            size += match.start() - last
            spans += [(start + size, end + size, label) for start, end, label in inner]
            if match[1] and word:
                spans.append((size, size + len(word), match[1]))
            size += len(word)
            last = match.end()
        parts.append(template[last:])
        return "".join(parts), spans

    def _fill(self, slot: str, rng: Random, spans: list[Span], *, apart: bool = False) -> str:
        key = slot.lower()
        if key in self.groups:
            text, inner = self.sentence(key, rng, apart=apart)
            spans += inner
            return _cased(text, slot)
        if key == "frequentword":
            return rng.choice(self._frequent)
        made = self._made.get(key)
        if made:
            return made(rng)
        if key == "com" and self._frequent and rng.random() < OFTEN:
            return _cased(rng.choice(self._frequent), slot)
        if key == "com" and rng.random() < 0.2:
            key = "doubtful"
        if key in {"med", "anat"} and self.language != "en" and rng.random() < 0.5:
            key = "com"
        elif key == "com" and self.language in {"en", "de"} and rng.random() < 0.2:
            key = "known" if self.language == "en" else "med"
        pool = self._pools[key] if len(self._pools[key]) else self._pools["com"]
        place = pool[int(rng.random() * len(pool))]
        word = self._text[self._start[place] : self._end[place]].decode()
        return (
            word.upper()
            if key == "sh"
            else word.capitalize()
            if key in {"epo", "dem", "country"}
            else _cased(word, slot)
        )


def _cased(word: str, like: str) -> str:
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[0].isupper() else word


def _groups(source: str) -> Iterator[tuple[str, list[str]]]:
    name, lines = "", list[str]()
    for line in [*source.splitlines(), "[end]"]:
        if re.fullmatch(r"\[[a-z]+\]", line):
            if name:
                yield name, lines
            name, lines = line[1:-1], []
        elif line and not line.startswith("#"):
            lines.append(line)


def _letters(rng: Random, least: int, most: int) -> str:
    return "".join(rng.choice("ABCDEFGHIKLMNOPRSTUV") for _ in range(rng.randint(least, most)))


def _variant(rng: Random) -> str:
    first, second = rng.choice(_AMINO), rng.choice(_AMINO)
    number = rng.randint(2, 2800)
    forms = (
        f"{first}{number}{second}", f"{number}del{_letters(rng, 1, 2)}", f"c.{number}A>G", f"p.{rng.choice(_THREE)}{number}{rng.choice(_THREE)}",
        f"{number}ins{rng.choice('ACGT')}", f"{first}{number}X", f"{number}+1G>A", f"IVS{rng.randint(1, 20)}-2A>G", f"rs{rng.randint(10**4, 10**8)}",
        f"{rng.choice(_THREE)}{number}{rng.choice(_THREE)}", f"{number} {rng.choice('ACGT')}--> {rng.choice('ACGT')}",
    )  # fmt: skip
    return rng.choice(forms)


def _number(low: int, high: int) -> Callable[[Random], str]:
    return lambda rng: str(rng.randint(low, high))


def _number_word(language: str) -> Callable[[Random], str]:
    def written(rng: Random) -> str:
        if rng.random() < 0.4:
            return rng.choice(_ONES[language])
        ten, one = rng.choice(_TENS[language]), rng.choice(_ONES[language][:9])
        joined = {"en": f"{ten} {one}", "es": f"{ten} y {one}", "fr": f"{ten} {one}", "de": f"{one}und{ten}"}[language]
        return rng.choice((ten, joined, joined.replace(" ", "-") if language == "en" else joined))

    return written


def _decimal(rng: Random, language: str) -> str:
    made = f"{rng.uniform(0, rng.choice((2, 10, 150))):.{rng.randint(1, 2)}f}"
    return made if language == "en" or rng.random() < 0.3 else made.replace(".", ",")


def _apart(text: str) -> str:
    """Write as transcripts are: marks and endings as words of their own."""
    return re.sub(r"n't\b", " n't", re.sub(r"(?<=\w)([,.?!])", r" \1", text)).replace("  n't", " n't")


def _makers(language: str) -> dict[str, Callable[[Random], str]]:
    return {
        "acr": lambda rng: _letters(rng, 2, 5),
        "gene": lambda rng: _letters(rng, 2, 5) + rng.choice(("", "", str(rng.randint(1, 19)), f"-{rng.randint(1, 9)}", rng.choice("ABCDR"))),
        "variant": _variant,
        "base": lambda rng: rng.choice("ACGT"),
        "l": lambda rng: rng.choice("ABCDEFGHKLNORSTVX"),
        "latin": lambda rng: rng.choice((f"{rng.choice(_GENUS)} {rng.choice(_SPECIES)}", f"{rng.choice(_GENUS)[0]}. {rng.choice(_SPECIES)}", f"{rng.choice(_GENUS)} spp.")),
        "chr": lambda rng: f"{rng.randint(1, 22)}{rng.choice('pq')}{rng.randint(11, 36)}{rng.choice(('', f'.{rng.randint(1, 4)}', '-qter'))}",
        "band": lambda rng: f"{rng.choice('pq')}{rng.randint(11, 36)}",
        "roman": lambda rng: rng.choice(("I", "II", "III", "IV", "V", "IIA", "IIIB", "IVb")),
        "pct": lambda rng: rng.choice((f"{rng.randint(1, 99)}%", f"{rng.uniform(0, 99):.1f}%", f"{rng.randint(1, 99)} %")),
        "p": lambda rng: rng.choice((f"0.{rng.randint(0, 999):03d}", f".{rng.randint(0, 99):02d}", f". {rng.randint(0, 999):03d}", "<0.001")),
        "f": lambda rng: _decimal(rng, language),
        "d": _number(0, 9), "n2": _number(10, 99), "n3": _number(100, 999), "n4": _number(1000, 9999), "n5": _number(10000, 99999),
        "numw": _number_word(language),
        "alpha": lambda rng: rng.choice(_ALPHA),
        "animal": lambda rng: rng.choice(("rats", "mice", "rabbits", "dogs", "Wistar rats", "Sprague-Dawley rats", "BALB/c mice")),
        "freq": lambda rng: rng.choice(("BID", "TID", "QD", "QHS", "q6h", "q4h PRN", "daily", "qAM", "once", "x 7 days")),
        "flag": lambda rng: rng.choice(("H", "L", "", "HIGH", "(L)", "*")),
        "icd": lambda rng: f"{rng.choice('ABCDEFGHIJKLMNRSTZ')}{rng.randint(0, 99):02d}.{rng.randint(0, 99)}",
        "tnm": lambda rng: f"T{rng.randint(1, 4)}{rng.choice(('', 'a', 'b'))}N{rng.randint(0, 3)}M{rng.randint(0, 1)}",
    }  # fmt: skip


@cache
def sentences(language: str) -> Sentences:
    """Give the sentences of a language, read once."""
    return Sentences(language)

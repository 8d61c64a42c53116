"""Invents people, places, numbers and dates for the sentences of this folder. None of them is real."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Final

from bailee.deid.notes.hard.pools import pools, shaped
from bailee.deid.notes.lexica.categories import Category

Maker = Callable[[Random], str]

MONTHS: Final = {
    "en": "January February March April May June July August September October November December",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}
_STREETS: Final = {
    "en": (
        "{n} {w} Street",
        "{n} {w} Ave",
        "{n} {w} {x} Road",
        "{n} W {w} St Apt {k}",
        "PO Box {n}",
        "{n} {w} Ln, Unit {k}",
        "{w} House, {n} {x} Lane",
    ),
    "es": (
        "Calle {w}, {k}",
        "C/ Dr. {w} {k}",
        "Doctor {w}, {k}",
        "Avda. {w} {x}, s/n",
        "{w} {x}, {k}",
        "Pza. de {w}, {k}, {d}ºC",
        "Ctra. {w} km. {k}",
        "Paseo {w} {x} {k}",
    ),
    "fr": (
        "{k} rue {w}",
        "{k} avenue du Dr {w}",
        "{k} RUE DU DOCTEUR {w}",
        "{k} bis, allée des {w}",
        "{k} passage {w} {x}",
        "lieu-dit {w}",
        "{k} bd {w} de {x}",
        "{k} place {w}",
    ),
    "de": (
        "{w}straße {k}",
        "{w}str. {k}a",
        "Am {w} {k}",
        "{w}weg {k}",
        "{w}-{x}-Platz {k}",
        "Straße des {d}. Juni {k}",
        "{w} Allee {k}",
    ),
}
_FACILITIES: Final = {
    "en": (
        "{w} Hospital",
        "{w} Medical Center",
        "St. {w}'s",
        "{w} {x} Clinic",
        "{w} Rehab Hospital",
        "{w} General",
        "University of {w} Hospital",
        "{w} Nursing Home",
        "{w} Family Practice",
    ),
    "es": (
        "Hospital {w}",
        "Hospital Universitario {w} {x}",
        "Hospital Dr. {w} {x}",
        "Clínica {w}",
        "Centro de Salud {w}",
        "Complejo Hospitalario {w}",
        "Hospital de {w}",
        "Instituto {w} de {x}",
    ),
    "fr": (
        "Hôpital {w}",
        "CHU de {w}",
        "Clinique {w}",
        "EHPAD {w}",
        "Centre hospitalier de {w}",
        "Hôpital {w}-{x}",
        "{w}",
    ),
    "de": (
        "Klinikum {w}",
        "{w}-Klinik",
        "Krankenhaus {w}",
        "St. {w}-Hospital",
        "Universitätsklinikum {w}",
        "Praxis Dr. {w}",
        "Seniorenheim {w}",
    ),
}
_DEPARTMENTS: Final = {
    "en": ("Cardiology", "Neurology", "General Surgery", "Emergency Medicine", "Pediatrics", "Oncology", "Radiology"),
    "es": (
        "Oftalmología",
        "Microbiología Clínica",
        "Cirugía Oral y Maxilofacial",
        "Endocrinología y Nutrición",
        "Medicina Interna",
        "Urología",
        "Pediatría",
        "Anatomía Patológica",
    ),
    "fr": (
        "cardiologie",
        "Gériatrie",
        "médecine interne",
        "Chirurgie digestive",
        "réanimation",
        "oncologie médicale",
        "Pédiatrie",
    ),
    "de": (
        "Innere Medizin",
        "Unfallchirurgie",
        "Neurologie",
        "Kinderheilkunde",
        "Urologie",
        "Frauenheilkunde",
        "Radiologie",
    ),
}
_COMPANIES: Final = (
    "{w} Packaging",
    "{w} {x} Trucking",
    "{w}'s",
    "{w} Foods",
    "{w} School District",
    "{w} Motors",
    "{w}, {x} and {w}",
    "{w}-{x}",
    "{w} Inc",
    "{w} {x} Group",
    "{w} Technologies",
    "{w} & Sons",
    "{w} GmbH",
    "{w} S.A.",
    "{w} LLC",
    "{w} Airlines",
    "{w} Insurance",
    "{w} University",
)


def people_makers(language: str) -> dict[str, Maker]:
    """Give what fills the slots that identify somebody."""
    source = pools(language)
    listed = source.of(Category.EPONYM)
    families = (source.of(Category.FAMILY), source.of(Category.FAMILY_RARE))
    cities = (source.of(Category.CITY), source.of(Category.CITY_RARE))

    def name(rng: Random) -> str:
        drawn = source.name(rng).capitalize()
        return drawn.upper() if rng.random() < 0.06 else drawn

    def family(rng: Random) -> str:
        chance = rng.random()
        if chance < 0.08:
            return f"{name(rng)}-{name(rng)}"
        if chance < 0.14:
            return f"{rng.choice(('de', 'van', 'Al', 'El', 'von', 'di', 'Mc', 'Ben', 'Saint'))} {name(rng)}"
        return f"{name(rng)} {name(rng)}" if language == "es" and chance < 0.5 else name(rng)

    def full(rng: Random) -> str:
        middle = rng.choice(("", "", "", f"{rng.choice('ABCDEFGJKLMNPRST')}. ", f"{name(rng)} "))
        made = f"{name(rng)} {middle}{family(rng)}"
        return made.upper() if rng.random() < 0.12 else made

    def reverse(rng: Random) -> str:
        last = family(rng)
        return f"{last.upper() if rng.random() < 0.6 else last}{rng.choice((', ', ' ', ',', ' '))}{name(rng)}"

    def city(rng: Random) -> str:
        if rng.random() < 0.1:
            return name(rng)
        return source.draw(cities[rng.random() < 0.5], rng).title()

    def filled(forms: tuple[str, ...]) -> Maker:
        return lambda rng: rng.choice(forms).format(
            w=name(rng), x=name(rng), n=rng.randint(1, 9999), k=rng.randint(1, 240), d=rng.randint(1, 9)
        )

    return {
        "fam": lambda rng: source.draw(families[rng.random() < 0.5], rng).capitalize(),
        "dept": lambda rng: rng.choice(_DEPARTMENTS[language]),
        "spacedname": lambda rng: " ".join(name(rng)[:9]),
        "school": lambda rng: f"{name(rng)} {rng.choice(('Elementary', 'High School', 'Middle School', 'Academy', 'University', 'College'))}",
        "bigini": lambda rng: "".join(rng.choice("ABCDEFGHJKLMNPRSTW") for _ in range(rng.randint(2, 3))),
        "smallini": lambda rng: "".join(rng.choice("abcdefghjklmnprstw") for _ in range(rng.randint(2, 3))),
        "handle": lambda rng: f"@{name(rng).lower()}{rng.choice(('', '_', '.'))}{rng.randint(1, 99)}",
        "old": lambda rng: str(rng.randint(90, 108)),
        "given": name, "family": family, "full": full, "reverse": reverse, "city": city,
        "epo": lambda rng: source.draw(listed, rng).capitalize(),
        "inifull": lambda rng: f"{rng.choice('ABCDEFGHIJKLMNOPQRSTUVWYZ')}.{rng.choice((' ', '', ' '))}{family(rng)}",
        "street": filled(_STREETS[language]), "facility": filled(_FACILITIES[language]), "company": filled(_COMPANIES),
        **number_makers(language),
    }  # fmt: skip


def number_makers(language: str) -> dict[str, Maker]:
    """Give what fills the slots of numbers and dates."""
    return {
        "zip": lambda rng: {"en": f"{rng.randint(501, 99950):05d}", "fr": rng.choice((f"{rng.randint(1000, 95999):05d}", f"{rng.randint(10, 95)} {rng.randint(0, 999):03d}"))}.get(language, f"{rng.randint(1000, 52999):05d}"),
        "phone": _phone, "id": _identifier,
        "spaced": lambda rng: " ".join(str(rng.randint(0, 9)) for _ in range(rng.randint(9, 15))),
        "spaceddate": lambda rng: " ".join(f"{rng.randint(1, 28):02d}{rng.randint(1, 12):02d}{rng.randint(1925, 2025)}"),
        "numdate": _numeric_date,
        "shortdate": lambda rng: f"{rng.randint(1, 28):02d}{rng.choice(('/', '.', ' / ', '/ '))}{rng.randint(1, 12):02d}",
        "datew": lambda rng: _written_date(language, rng),
        "year": lambda rng: str(rng.randint(1950, 2025)),
        "yearw": lambda rng: {"es": "año ", "fr": "en ", "de": "Jahr "}.get(language, "") + str(rng.randint(1950, 2025)),
        "clock": lambda rng: f"{rng.randint(0, 23):02d}{rng.choice((':', 'h', '.'))}{rng.randint(0, 59):02d}",
    }  # fmt: skip


def _phone(rng: Random) -> str:
    shape = rng.choice(
        (
            "(999) 999-9999",
            "999-999-9999",
            "999.999.9999",
            "99 99 99 99 99",
            "99.99.99.99.99",
            "+49 999 9999999",
            "999 999 999",
            "99 9999 9999",
            "+34 999999999",
            "999 99 99 99",
        )
    )
    return shaped(shape, rng)


def _identifier(rng: Random) -> str:
    shape = rng.choice(
        (
            "9999999",
            "99999999",
            "A9999999",
            "AA-999999",
            "999-99-9999",
            "99-99999",
            "9999999999",
            "A99-99999",
            "AA9999-99",
            "99 99 99999",
            "999999",
        )
    )
    return shaped(shape, rng, "ABCDEFGHKLMNPRSTXZ")


def _numeric_date(rng: Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1930, 2026)
    mark = rng.choice(("/", "-", ".", "/", "|", " "))
    forms = (
        f"{month}{mark}{day}{mark}{year}",
        f"{day:02d}{mark}{month:02d}{mark}{year}",
        f"{year}-{month:02d}-{day:02d}",
        f"{day}{mark}{month}{mark}{year % 100:02d}",
        f"{day:02d}{month:02d}{year}" if mark == " " else f"{day:02d}/{month:02d}/{year}",
    )
    return rng.choice(forms)


_UNITS: Final = {
    "en": "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen",
    "es": "uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve",
    "fr": "un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf",
    "de": "eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn",
}
_TENS: Final = {
    "en": "twenty thirty forty fifty sixty seventy eighty ninety", "es": "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    "fr": "vingt trente quarante cinquante soixante soixante-dix quatre-vingt quatre-vingt-dix",
    "de": "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
}  # fmt: skip


def _in_words(language: str, number: int) -> str:
    """Say a number below 100."""
    units, tens = _UNITS[language].split(), _TENS[language].split()
    if number < 20:
        return units[number - 1] if number else ""
    ten, one = tens[number // 10 - 2], units[number % 10 - 1] if number % 10 else ""
    if language == "de":
        return f"{one.removesuffix('s') if one == 'eins' else one}und{ten}" if one else ten
    return (f"{ten} y {one}" if language == "es" else f"{ten} {one}") if one else ten


def _year_in_words(language: str, year: int) -> str:
    rest = _in_words(language, year % 100)
    start = {
        "en": ("two thousand", "nineteen"), "es": ("dos mil", "mil novecientos"), "fr": ("deux mille", "mille neuf cent"), "de": ("zweitausend", "neunzehnhundert"),
    }[language][year < 2000]  # fmt: skip
    return f"{start}{'' if language == 'de' else ' '}{rest}".strip()


def _written_date(language: str, rng: Random) -> str:
    """Say a day in words, wholly or in part."""
    month, day, year = rng.choice(MONTHS[language].split()), rng.randint(1, 28), rng.randint(1930, 2025)
    if rng.random() < 0.5:
        forms = {
            "en": f"{month} {day}, {year}",
            "es": f"{day} de {month} de {year}",
            "fr": f"{day} {month} {year}",
            "de": f"{day}. {month} {year}",
        }
        return forms[language]
    spoken, said = _in_words(language, day), _year_in_words(language, year)
    if language == "en":
        return f"{month} {spoken} {said}"
    return f"{spoken} de {month} de {said}" if language == "es" else f"{rng.choice((spoken, str(day)))} {month} {said}"

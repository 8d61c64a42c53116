"""One note's cast and time: the patient, relatives, clinicians and dates that its slots write, each marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import cast

from bailee.synthetic import calendar, spoken
from bailee.synthetic.grammar import Chart, Node, Slots, Writer, shape
from bailee.synthetic.people import Person, person

_FOLDED = str.maketrans("áàâäãåéèêëíìîïóòôöõúùûüñçżźśłćęąřšžčě", "aaaaaaeeeeiiiiooooouuuunczzslceaerszce"[:37])


@dataclass(frozen=True)
class Cast:
    """Who and when a note is about. `clinicians[0]` writes it."""

    patient: Person
    relatives: tuple[Person, ...]
    clinicians: tuple[Person, ...]
    at: datetime
    chart: Chart = field(default_factory=dict)


class Story(Writer):
    """A writer that knows its cast. `language` chooses formats."""

    __slots__ = ("cast", "language")

    def __init__(self, rng: Random, language: str, members: Cast | None = None) -> None:
        super().__init__(rng)
        self.language = language
        self.decimal = "." if language == "en" or rng.random() < 0.3 else ","
        self.cast = members or cast_of(rng, language)
        self.chart = self.cast.chart

    def age(self) -> int:
        """Tell the patient's age at the note's time. Units: years."""
        born, at = self.cast.patient.born, self.cast.at
        return at.year - born.year - ((at.month, at.day) < (born.month, born.day))


def cast_of(rng: Random, language: str) -> Cast:
    """Invent the cast of a note."""
    at = datetime(2009, 1, 1) + timedelta(minutes=rng.randrange(17 * 365 * 1440))  # noqa: DTZ001  # a wall clock
    years = rng.choice(
        (rng.randint(0, 17), rng.randint(18, 60), rng.randint(40, 89), rng.randint(50, 89), rng.randint(88, 104))
    )
    born = at.date() - timedelta(days=int(years * 365.25) + rng.randrange(365))
    patient = person(rng, language, born=born)
    relatives = tuple(
        person(
            rng, language, gender=gender, family=patient.family if rng.random() < 0.6 else "", culture=patient.culture
        )
        for gender in ("f", "m", "f", "m")
    )
    clinicians = tuple(person(rng, language) for _ in range(6))
    return Cast(patient, relatives, clinicians, at)


def _said(make: Callable[[Story], str]) -> Node:
    def say(writer: Writer) -> None:
        writer.say(make(cast("Story", writer)))

    return say


def _marked(label: str, make: Callable[[Story], str]) -> Node:
    def mark(writer: Writer) -> None:
        writer.mark(make(cast("Story", writer)), label)

    return mark


def _formal(who: Person, rng: Random) -> str:
    middle = who.middle
    return rng.choice(
        (
            who.full(),
            who.full(),
            f"{who.given} {middle[:1]}. {who.family}" if middle else who.full(),
            f"{who.given} {middle} {who.family}" if middle else who.full(),
            f"{who.given[0]}. {who.family}",
            f"{who.given[0]}.{middle[:1]}. {who.family}" if middle else who.full(),
        )
    )


def _listed(who: Person, rng: Random) -> str:
    middle = who.middle
    return rng.choice(
        (
            f"{who.family}, {who.given}",
            f"{who.family}, {who.given}",
            f"{who.family.upper()}, {who.given.upper()}",
            f"{who.family.upper()}, {who.given}",
            f"{who.family},{who.given}",
            f"{who.family}, {who.given} {middle[:1]}." if middle else f"{who.family}, {who.given}",
            f"{who.family.upper()},{who.given.upper()} {middle[:1].upper()}".rstrip(),
            f"{who.family}, {who.given[0]}.",
            f"{who.family.upper()} {who.given}",
        )
    )


def _nick(story: Story) -> None:
    who, rng = story.cast.patient, story.rng
    story.mark(who.given, "NAME")
    opening, closing = rng.choice(((' "', '" '), (" (", ") "), (" ‘", "’ "), (" “", "” ")))
    story.say(opening)
    story.mark(who.nick, "NAME")
    story.say(closing)
    story.mark(who.family, "NAME")


def _dotted(initials: str, rng: Random) -> str:
    return rng.choice((initials, f"{'.'.join(initials)}.", initials))


def _age(story: Story) -> None:
    years = story.age()
    story.mark(str(max(years, 1)), "AGE" if years > 89 else "AGE_UNDER_90")


def _older(story: Story) -> None:
    story.mark(str(story.rng.randint(90, 106)), "AGE")


def handle(who: Person, rng: Random, *, separators: str = "._-") -> str:
    """Make the part of an address or handle that comes from a name."""
    given = plain(who.given)
    family = plain(who.family)
    sign = rng.choice((*separators, ""))
    digits = rng.choice(("", "", str(rng.randint(1, 99)), str(who.born.year), f"{who.born.year % 100:02d}"))
    return (
        rng.choice(
            (
                f"{given}{sign}{family}",
                f"{given[:1]}{family}",
                f"{family}{sign}{given[:1]}",
                f"{given}{family[:1]}",
                family,
            )
        )
        + digits
    )


def plain(name: str) -> str:
    """Fold a name to small ASCII letters."""
    return "".join(sign for sign in name.lower().translate(_FOLDED) if sign.isascii() and sign.isalnum())


def _email(story: Story) -> str:
    rng = story.rng
    who = rng.choice((story.cast.patient, *story.cast.relatives, *story.cast.clinicians))
    hosts = {
        "en": "gmail.com|yahoo.com|hotmail.com|outlook.com|aol.com|icloud.com|comcast.net|mercyhealth.org|stlukes-clinic.org|example.com|partners.org|proton.me|verizon.net|med.umich.edu|sbcglobal.net|nhs.net|hospital.example.org",
        "es": "gmail.com|hotmail.com|yahoo.es|hotmail.es|telefonica.net|salud.madrid.org|outlook.es|sespa.princast.es|gva.es|hospital.es|comb.cat|ono.com|terra.es",
        "fr": "gmail.com|orange.fr|wanadoo.fr|free.fr|laposte.net|aphp.fr|chu-lyon.fr|hotmail.fr|sfr.fr|yahoo.fr|chu-toulouse.fr|medecin.fr",
        "de": "gmx.de|web.de|t-online.de|gmail.com|klinikum.de|uniklinik.de|praxis-mueller.de|freenet.de|charite.de|posteo.de|outlook.de",
    }[story.language].split("|")  # fmt: skip
    address = f"{handle(who, rng)}@{rng.choice(hosts)}"
    return address.upper() if rng.random() < 0.05 else address


def _near(story: Story, least: int, most: int) -> datetime:
    return story.cast.at + timedelta(days=story.rng.randint(least, most), minutes=story.rng.randrange(1440))


def _when(label: str, write: Callable[[datetime, str, Random], str], least: int, most: int) -> Node:
    return _marked(label, lambda s: write(_near(s, least, most), s.language, s.rng))


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001  # a wall clock


def _clock(story: Story) -> str:
    moment = _near(story, 0, 0)
    if story.language == "en":
        return story.rng.choice(
            (
                f"{moment:%H:%M}",
                f"{moment:%H%M}",
                f"{moment:%I:%M %p}",
                f"{moment:%I:%M%p}".lower(),
                f"{moment:%H:%M}",
                f"{moment.hour % 12 or 12} {moment:%p}".lower(),
            )
        )
    if story.language == "fr":
        return story.rng.choice((f"{moment:%Hh%M}", f"{moment:%H:%M}", f"{moment.hour}h"))
    return story.rng.choice((f"{moment:%H:%M}", f"{moment:%H.%M}"))


def _stars(story: Story) -> str:
    return calendar.stamp(_near(story, -400, 30), story.rng)


def _people() -> dict[str, Node]:
    slots: dict[str, Node] = {
        "pt.nick": cast("Node", _nick),
        "age": cast("Node", _age),
        "age.older": cast("Node", _older),
        "email": _marked("CONTACT", _email),
        "handle": _marked(
            "CONTACT", lambda s: "@" + handle(s.rng.choice((s.cast.patient, *s.cast.relatives)), s.rng, separators="_.")
        ),
        "login": _marked("ID", lambda s: handle(s.rng.choice((s.cast.patient, *s.cast.clinicians)), s.rng)),
        "patient.slug": _said(lambda s: plain(s.cast.patient.family)),
    }
    pools: dict[str, Callable[[Story], Person]] = {
        "pt": lambda s: s.cast.patient,
        "dr1": lambda s: s.cast.clinicians[0],
        "dr2": lambda s: s.cast.clinicians[1],
        "dr": lambda s: s.cast.clinicians[int(s.rng.random() * len(s.cast.clinicians))],
        "rel.f": lambda s: s.cast.relatives[0],
        "rel.m": lambda s: s.cast.relatives[1],
        "rel2.f": lambda s: s.cast.relatives[2],
        "rel2.m": lambda s: s.cast.relatives[3],
        "any": lambda s: person(s.rng, s.language),
        "any.f": lambda s: person(s.rng, s.language, gender="f"),
        "any.m": lambda s: person(s.rng, s.language, gender="m"),
    }
    for name, pick in pools.items():
        slots |= _forms(name, pick)
    return slots


def _forms(name: str, pick: Callable[[Story], Person]) -> dict[str, Node]:
    def named(make: Callable[[Person, Random], str]) -> Node:
        return _marked("NAME", lambda s: make(pick(s), s.rng))

    return {
        f"{name}.full": named(lambda p, _: p.full()),
        f"{name}.formal": named(_formal),
        f"{name}.given": named(lambda p, _: p.given),
        f"{name}.family": named(lambda p, _: p.family),
        f"{name}.listed": named(_listed),
        f"{name}.middle": named(lambda p, _: p.middle or p.given),
        f"{name}.nickname": named(lambda p, _: p.nick),
        f"{name}.initials": named(lambda p, r: _dotted(p.initials(), r)),
        f"{name}.initial": named(lambda p, _: p.given[0]),
        f"{name}.caps": named(lambda p, _: p.full().upper()),
        f"{name}.lower": named(lambda p, _: p.full().lower()),
        f"{name}.givenlower": named(lambda p, _: p.given.lower()),
        f"{name}.familylower": named(lambda p, _: p.family.lower()),
        f"{name}.familycaps": named(lambda p, _: p.family.upper()),
        f"{name}.slugged": named(handle),
    }


def _either(feminine: str, masculine: str) -> Node:
    return _said(lambda s: feminine if s.cast.patient.gender == "f" else masculine)


_GENDERED = {
    "en": {
        "he": "she|he", "his": "her|his", "him": "her|him", "himself": "herself|himself", "man": "woman|man", "male": "female|male",
        "gentleman": "lady|gentleman", "His": "Her|His", "Mr": "Ms.|Mr.", "boy": "girl|boy", "M": "F|M", "husband": "husband|wife", "guy": "gal|guy",
    },
    "es": {
        "el": "la|el", "o": "a|o", "El": "La|El", "varón": "mujer|varón", "H": "M|H", "hombre": "mujer|hombre", "D": "Dña.|D.", "Sr": "Sra.|Sr.",
        "niño": "niña|niño", "al": "a la|al", "del": "de la|del", "sexo": "femenino|masculino", "un": "una|un",
    },
    "fr": {
        "il": "elle|il", "e": "e|", "M": "Mme|M.", "Monsieur": "Madame|Monsieur", "homme": "femme|homme", "sexe": "F|M", "né": "née|né",
        "le": "la|le", "patient": "patiente|patient", "un": "une|un", "masc": "féminin|masculin", "fils": "fille|garçon",
    },
    "de": {
        "er": "sie|er", "Herr": "Frau|Herr", "Herrn": "Frau|Herrn", "Patient": "Patientin|Patient", "der": "die|der", "dem": "der|dem",
        "den": "die|den", "des": "der|des", "sein": "ihr|sein", "seine": "ihre|seine", "geehrter": "geehrte|geehrter", "e": "e|er", "in": "in|", "w": "w|m", "weiblich": "weiblich|männlich",
    },
}  # fmt: skip


def _times() -> dict[str, Node]:
    return {
        "date": _when("DATE", calendar.full, -40, 10),
        "date.today": _when("DATE", calendar.full, 0, 0),
        "date.past": _when("DATE", calendar.full, -4000, -20),
        "date.future": _when("DATE", calendar.full, 2, 200),
        "date.part": _when("DATE", calendar.part, -500, 60),
        "date.range": _when("DATE", calendar.span_of_days, -30, 0),
        "date.any": _marked(
            "DATE",
            lambda s: (calendar.full if s.rng.random() < 0.7 else calendar.part)(_near(s, -900, 60), s.language, s.rng),
        ),
        "dob": _marked("DATE", lambda s: calendar.full(_moment(s.cast.patient.born), s.language, s.rng)),
        "dob.iso": _marked("DATE", lambda s: s.cast.patient.born.isoformat()),
        "dob.compact": _marked("DATE", lambda s: f"{s.cast.patient.born:%Y%m%d}"),
        "date.iso": _when("DATE", lambda d, _l, _r: calendar.iso(d), -300, 60),
        "stamp": _marked("DATE", _stars),
        "month": _when("DATE", lambda d, t, _r: calendar.MONTHS[t][d.month - 1], -300, 60),
        "holiday": _marked("DATE", lambda s: s.rng.choice(calendar.HOLIDAYS[s.language])),
        "year": _when("YEAR", lambda d, _l, _r: str(d.year), -9000, -200),
        "weekday": _marked("WEEKDAY", lambda s: s.rng.choice(calendar.DAYS[s.language])),
        "time": _marked("TIME", _clock),
    }


def _said_aloud() -> dict[str, Node]:
    return {
        "phone.words": _marked(
            "CONTACT", lambda s: spoken.digits(shape(s.rng.choice(("9999999", "9999999999")), s.rng), s.rng)
        ),
        "phone.parted": _marked("CONTACT", lambda s: spoken.parted(shape("999-999-9999", s.rng), s.rng)),
        "email.words": _marked("CONTACT", lambda s: spoken.address(_email(s), s.rng)),
        "id.words": _marked(
            "ID", lambda s: spoken.digits(shape(s.rng.choice(("9999", "999999", "9999999", "999999999")), s.rng), s.rng)
        ),
        "id.parted": _marked(
            "ID", lambda s: spoken.parted(shape(s.rng.choice(("999-99-9999", "99-99-99", "9999-9999")), s.rng), s.rng)
        ),
        "date.words": _marked("DATE", lambda s: spoken.day(_near(s, -9000, 60), s.rng)),
        "zip.words": _marked("LOCATION", lambda s: spoken.digits(shape("99999", s.rng), s.rng)),
        "pt.spelled": _marked("NAME", lambda s: spoken.spelled(s.cast.patient.family, s.rng)),
        "any.spelled": _marked("NAME", lambda s: spoken.spelled(s.rng.choice(s.cast.relatives).given, s.rng)),
        "age.words": _marked("AGE_UNDER_90", lambda s: spoken.number(s.rng.randint(1, 89))),
        "age.old.words": _marked("AGE", lambda s: spoken.old_age(s.rng.randint(90, 105))),
    }


def slots(language: str) -> Slots:
    """Give the slots of a language, by name."""
    gendered = {name: _either(*forms.split("|")) for name, forms in _GENDERED[language].items()}
    said = _said_aloud() if language == "en" else {}
    return gendered | _people() | _times() | said

"""Who lives around the synthetic hospital and who works in it: people, homes, numbers; consistent for a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from random import Random

from bailee.synthetic.codes import table
from bailee.synthetic.grammar import Chart, Grammar, Writer, shape
from bailee.synthetic.people import Person, family_name, person
from bailee.synthetic.story import handle

AS_OF = date(2026, 1, 31)
_STREETS = "Oak Street|Maple Ave|Main St|Washington Street|Elm Drive|Hawthorn Lane|Cedar Court|Park Avenue|River Road|School Street|Mill Road|Lincoln Blvd|Kessler Way|Tamarack Trail|Sunset Terrace|High Street|Church St|Orchard Place|Valley View Dr|Pleasant Street|Juniper Circle|Prospect Ave|3rd Street|W 14th St|County Road 12".split("|")  # fmt: skip  # noqa: SIM905
_MAIL = ("gmail.com", "yahoo.com", "outlook.com", "comcast.net", "icloud.com", "aol.com")
_EMPLOYERS = "Whitaker Logistics|Calloway Roofing|Norwood Middle School|Sutter & Sons|Hanley Industries|Bright Acorn Preschool|Quigley Insurance|Ferris Auto Body|Lowell Transit|Dawson Bakery|Pruitt Electric|Keating Law Group|Valley Farms Co-op|Thayer Manufacturing|Gilmore Elementary School".split("|")  # fmt: skip  # noqa: SIM905
_PAYERS = ("Aetna", "Blue Cross Blue Shield", "Cigna", "UnitedHealthcare", "Humana", "Medicare", "Medicaid")


@dataclass(frozen=True, repr=False)
class Facility:
    """A place of care, with its id as Organization and as Location."""

    organization_id: str
    location_id: str
    name: str
    street: str
    city: str
    state: str
    postal_code: str
    phone: str
    npi: str


@dataclass(frozen=True, repr=False)
class Clinician:
    """Somebody who works there."""

    id: str
    role_id: str
    who: Person
    npi: str
    phone: str
    email: str
    facility: Facility
    title: str
    specialty: tuple[str, str]


@dataclass(frozen=True, repr=False)
class Resident:
    """A patient: who, where, every number, relatives and the people who care for them."""

    number: int
    id: str
    who: Person
    street: str
    unit: str
    city: str
    state: str
    postal_code: str
    phones: tuple[str, ...]
    email: str
    mrn: str
    ssn: str
    licence: str
    member: str
    employer: str
    payer: str
    former_family: str
    relatives: tuple[Person, ...]
    relative_phones: tuple[str, ...]
    clinicians: tuple[Clinician, ...]
    facilities: tuple[Facility, ...]
    deceased: date | None

    def chart(self) -> Chart:
        """Give what a note about this patient writes where a stranger's value would stand."""
        lines = f"{self.street}{', ' + self.unit if self.unit else ''}"
        home = [
            (lines, "LOCATION"),
            (", ", ""),
            (self.city, "LOCATION"),
            (", ", ""),
            (self.state, "LOCATION"),
            (" ", ""),
            (self.postal_code, "LOCATION"),
        ]
        return {
            "mrn.value": [[(self.mrn, "ID")]],
            "ssn": [[(self.ssn, "ID")]],
            "phone": [
                [(phone, "CONTACT")]
                for phone in (*self.phones, *self.phones, *self.relative_phones, *(c.phone for c in self.clinicians))
            ],
            "email": [
                [(self.email, "CONTACT")],
                [(self.email, "CONTACT")],
                *([(c.email, "CONTACT")] for c in self.clinicians),
            ],
            "address": [home],
            "street": [[(self.street, "LOCATION")]],
            "city": [[(self.city, "LOCATION")]],
            "zip": [[(self.postal_code, "LOCATION")]],
            "hospital": [[(facility.name, "FACILITY")] for facility in self.facilities],
            "organization": [[(self.employer, "ORGANIZATION")]],
        }

    def planted(self) -> list[list[str]]:
        """List the identifiers of this patient's chart as [kind, value]."""
        rows = [
            ["name-given", self.who.given],
            ["name-family", self.who.family],
            ["date-birth", self.who.born.isoformat()],
        ]
        rows += [["name-middle", self.who.middle]] if self.who.middle else []
        rows += [["name-family", self.former_family]] if self.former_family else []
        rows += [["street", self.street], ["city", self.city], ["postal-code", self.postal_code], ["email", self.email]]
        rows += [["phone", phone] for phone in (*self.phones, *self.relative_phones)]
        rows += [
            ["mrn", self.mrn],
            ["ssn", self.ssn],
            ["licence", self.licence],
            ["member", self.member],
            ["employer", self.employer],
        ]
        rows += [["relative", relative.full()] for relative in self.relatives]
        rows += [["clinician", clinician.who.full()] for clinician in self.clinicians]
        return rows + [["facility", facility.name] for facility in self.facilities]


def identifier(rng: Random) -> str:
    """Draw a logical id in the form of a UUID."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def npi(rng: Random) -> str:
    """Draw a National Provider Identifier with its Luhn check digit.

    Source: CMS, NPI check digit, prefix 80840.
    """
    body = "1" + shape("99999999", rng)
    total = 24
    for position, sign in enumerate(reversed(body)):
        doubled = int(sign) * (1 if position % 2 else 2)
        total += doubled - 9 if doubled > 9 else doubled
    return body + str(-total % 10)


def _home(rng: Random) -> tuple[str, str, str, str, str]:
    city, state, zone = rng.choice(table("town"))
    unit = f"Apt {rng.randint(1, 40)}{rng.choice(('', 'A', 'B'))}" if rng.random() < 0.3 else ""
    return f"{rng.randint(1, 2400)} {rng.choice(_STREETS)}", unit, city, state, zone + shape("99", rng)


class Town:
    """The facilities, the staff and, by number, the patients. Invariant: everything follows from the seed."""

    def __init__(self, seed: int, patients: int, rules: Grammar) -> None:
        self.seed = seed
        rng = self._rng("town")
        self.facilities = tuple(self._facility(rng, rules) for _ in range(min(40, 6 + patients // 200)))
        self.clinicians = tuple(self._clinician(rng) for _ in range(min(1500, 24 + patients // 12)))
        self._home_of = lru_cache(maxsize=64)(self._drawn)

    def _rng(self, *parts: object) -> Random:
        return Random("/".join(map(str, (self.seed, *parts))))  # noqa: S311  # text, not keys

    def _facility(self, rng: Random, rules: Grammar) -> Facility:
        writer = Writer(rng)
        rules.write("hospital.name", writer)
        street, _, city, state, postal_code = _home(rng)
        return Facility(
            identifier(rng), identifier(rng), writer.text().strip(), street, city, state, postal_code,
            shape("(999) 999-9999", rng), npi(rng),
        )  # fmt: skip

    def _clinician(self, rng: Random) -> Clinician:
        who = person(rng, "en", born=date(1950, 1, 1) + timedelta(days=rng.randrange(17_000)))
        title = rng.choice(("MD", "MD", "MD", "DO", "NP", "RN", "PA-C"))
        specialty = rng.choice(
            (("207R00000X", "Internal Medicine"), ("207RC0000X", "Cardiology"), ("207RH0003X", "Hematology & Oncology"), ("208600000X", "Surgery"), ("207Q00000X", "Family Medicine"), ("2084P0800X", "Psychiatry"))
        )  # fmt: skip
        return Clinician(
            identifier(rng), identifier(rng), who, npi(rng), shape("(999) 999-9999", rng),
            f"{handle(who, rng)}@hospital.example.org", rng.choice(self.facilities), title, specialty,
        )  # fmt: skip

    def _drawn(self, number: int) -> tuple[Person, tuple[str, str, str, str, str]]:
        rng = self._rng("patient", number)
        years = rng.choice(
            (rng.uniform(0, 18), rng.uniform(18, 65), rng.uniform(40, 90), rng.uniform(55, 90), rng.uniform(88, 104))
        )
        born = AS_OF - timedelta(days=int(years * 365.25) + 1)
        return person(rng, "en", born=born), _home(rng)

    def resident(self, number: int) -> Resident:
        """Invent patient `number`: every ninth shares home and family name with the one before, every 61st is a twin, every 71st works here."""
        who, home = self._home_of(number)
        rng = self._rng("chart", number)
        if number % 9 == 1:
            other, home = self._home_of(number - 1)
            who = replace(who, family=other.family, born=other.born if number % 61 == 1 else who.born)
        if number % 71 == 7:
            who = self.clinicians[number % len(self.clinicians)].who
        return self._settled(rng, number, who, home)

    def _settled(self, rng: Random, number: int, who: Person, home: tuple[str, str, str, str, str]) -> Resident:
        street, unit, city, state, postal_code = home
        relatives = tuple(
            person(rng, "en", gender=gender, culture=who.culture, family=who.family if rng.random() < 0.7 else "")
            for gender in ("f", "m", "f", "m")
        )
        dies = who.born < date(1960, 1, 1) and rng.random() < 0.14
        return Resident(
            number=number, id=identifier(rng), who=who, street=street, unit=unit, city=city, state=state, postal_code=postal_code,
            phones=tuple(shape(rng.choice(("(999) 999-9999", "999-999-9999")), rng) for _ in range(2)),
            email=f"{handle(who, rng)}@{rng.choice(_MAIL)}",
            mrn=shape(rng.choice(("9999999", "99999999", "E9999999")), rng), ssn=shape("999-99-9999", rng), licence=shape("@99999999", rng),
            member=shape("@@@999999999", rng), employer=rng.choice(_EMPLOYERS), payer=rng.choice(_PAYERS),
            former_family=family_name(rng, "en") if rng.random() < (0.12 if who.gender == "f" else 0.02) else "",
            relatives=relatives, relative_phones=tuple(shape("999-999-9999", rng) for _ in range(2)),
            clinicians=tuple(rng.sample(self.clinicians, 6)), facilities=tuple(rng.sample(self.facilities, 3)),
            deceased=AS_OF - timedelta(days=rng.randint(1, 900)) if dies else None,
        )  # fmt: skip

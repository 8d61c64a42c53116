"""Names that are words, and initials, where case tells nothing: their company tells; and no form of a chart is left out."""

import numpy as np
import pyarrow as pa
import pytest
from tests.support.chart_oracle import Hospital, Known, Person, survivors

from bailee.core.errors import Invalid
from bailee.deid.notes import match
from bailee.deid.notes.chart import charts_from_columns
from bailee.deid.notes.text import Text

ROWS = [
    (0, "name-given", "Case"),
    (0, "name-given", "Robert"),
    (0, "name-given", "Samuel"),
    (0, "name-family", "Irons"),
    (0, "city", "Miami"),
    (1, "clinician-given", "Dorothea"),
    (1, "clinician-family", "Little"),
    (2, "clinician-given", "Anton"),
    (2, "clinician-family", "Marks"),
    (3, "relative-given", "Judge"),
    (3, "relative-family", "Valavanis"),
    (4, "clinician-given", "Thorsten"),
    (4, "clinician-family", "Benz"),
    (5, "facility", "Sunrise Health"),
    (6, "street", "955 Elmwood St"),
    (7, "city", "Providence"),
]


def found_in(text, rows=ROWS, point="balanced"):
    charts = charts_from_columns(
        1,
        [0] * len(rows),
        [kind for _, kind, _ in rows],
        [value for *_, value in rows],
        person=[who for who, *_ in rows],
    )
    notes = Text(pa.array([text], pa.large_string()))
    spans = match.find(notes, charts, np.zeros(1, np.int32), operating_point=point)
    return [text[a:b] for a, b in zip(spans.start.tolist(), spans.end.tolist(), strict=True)]


NAMED = r"""
case understands and agrees with the plan | case
met with case and his grandfather today | case
IRONS NO SHOWED AND HER PAIN IS BETTER | IRONS
irons, irons, and again irons: he answers | irons irons irons
case irons here for refill | case irons
i explained to d. little that it helps | d little
primary care is dr. a. marks today | a marks
d/w marks and valavanis, both agree | marks valavanis
drs. valavanis, little and others concur | valavanis little
his father judge had a stroke | judge
vicks | little | february 24 | little
recently moved to miami with friends | miami
mail to 955 elmwood st., providence on file | 955 elmwood providence
prior care at sunrise health was fine | sunrise health
Valavanis PIN 8292 | Valavanis
seen by cards (little) in am | little
referring: little, crna today | little
note forwarded to marks, a.. homeless | marks a
case is a 67 y/o man with a cough | case
ICU FLOW 12-AUG-24\nIRONS 4S-7 DAY 3: IRONS IS WELL KNOWN | IRONS
baby case is feeding well | case
his wife case can be reached | case
his brother-in-law case can be reached | case
she asked that case not be told | case
i explained to case that it helps | case
case was in good spirits | case
a call was placed to case who did not pick up | case
orders per v . o .  little/am rn | little
seen by d .  little today | d little
irons was accompanied by his aunt | irons
ThOrSsten came today | ThOrSsten
"""

INITIALS = r"""
CI is a 96 yo male here for a cough | CI
Pt. CRI c/o rash overnight | CRI
patient ci (77m) tolerated it | ci
Per DL, hold metoprolol | DL
DL notified. Labs sent | DL
12/4 - TB: patient seen | TB
Dictated by others, am/tb\nd: 12may2020 | am tb
RSI was seen today for a cough | RSI
Reviewed TB\n\nLabs fine | TB
per d.l.  hold metoprolol | d.l
"""

KEPT = """
the case was discussed and little changed
case reports were reviewed, and marks faded
he will need a little more time, no marks
TB test negative; TB was ruled out
CT of the chest, AM labs, in miami collar
the judge asked nothing
"""


def lines(block):
    return [line for line in block.strip().split("\n") if line]


@pytest.mark.parametrize("line", lines(NAMED) + lines(INITIALS))
def test_company_tells_a_name(line):
    *text, wanted = line.replace("\\n", "\n").split(" | ")
    found = " ".join(found_in(" | ".join(text)))
    assert [word for word in wanted.split() if word not in found] == []


@pytest.mark.parametrize("text", lines(KEPT))
def test_words_without_such_company_stay(text):
    assert [found for found in found_in(text) if found != "miami"] == []


def test_strict_takes_a_name_that_is_a_word_in_small_letters_too():
    text = "the bed was given to little, hand pain will stay"
    assert found_in(text) == []
    assert found_in(text, point="strict") == ["little"]


def test_middle_initials_count_though_nicknames_stand_between():
    rows = [(0, "name-given", "William"), (0, "name-given", "James"), (0, "name-family", "Okonkwo")]
    assert found_in("WJO was seen today", rows) == ["WJO"]


def test_a_chart_with_thousands_of_people_is_looked_for_whole():
    rows = [
        (number, f"clinician-{part}", name)
        for number in range(3000)
        for part, name in (
            ("given", "William"),
            ("family", f"Quork{number:04d}".translate(str.maketrans("0123456789", "abcdefghij"))),
        )
    ]
    last = rows[-1][2]
    assert found_in(f"seen by w{last.lower()} and bill{last.lower()}", rows) == [
        f"w{last.lower()}",
        f"bill{last.lower()}",
    ]


def test_names_of_many_people_under_one_person_are_refused():
    rows = [(0, "clinician-given", f"Given{chr(97 + n // 26)}{chr(97 + n % 26)}") for n in range(400)]
    rows += [(0, "clinician-family", f"Family{chr(97 + n // 26)}{chr(97 + n % 26)}") for n in range(400)]
    with pytest.raises(Invalid, match="more than 65,536 pairs"):
        found_in("nobody", rows)


def test_the_oracle_sees_every_form():
    """The slow reader that checks whole hospitals is checked itself: what it is given is what it tells."""
    known = Known(
        [Person(["William"], ["O'Brien-Lopez"])],
        numbers=["(617) 555-0123", "123-45-6789"],
        places=["123 Kilback Street"],
        days=[],
    )
    for text in (
        "BILL",
        "brien",
        "Wi11iam",
        "Willaim",
        "W I L L I A M",
        "Will-\niam",
        "wobrien",
        "617.555.0123",
        "123 45 6789",
        "W.O. seen",
    ):
        assert survivors(known, text, [], fuzzy=True), text
    assert not survivors(known, "Wilma has a bill-board 617 555 99", [(0, 5, "NAME"), (12, 16, "NAME")], fuzzy=False)


def test_the_oracle_reads_records_by_itself():
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "birthDate": "1961-03-02",
        "name": [{"given": ["Ana"], "family": "Ruiz"}],
    }
    visit = {
        "resourceType": "Encounter",
        "id": "e",
        "subject": {"reference": "Patient/p"},
        "participant": [{"individual": {"reference": "Practitioner/d"}}],
    }
    doctor = {"resourceType": "Practitioner", "id": "d", "name": [{"given": ["Joan"], "family": "Shaw"}]}
    known = Hospital([patient, visit, doctor]).known("p")
    rules = {rule for rule, *_ in survivors(known, "Shaw saw her; born 2 March 1961", [], fuzzy=False)}
    assert rules == {"exact", "day"}

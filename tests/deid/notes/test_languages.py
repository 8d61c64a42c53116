import numpy as np
import pyarrow as pa
import pytest

from bailee.core.errors import UserError
from bailee.deid.notes.languages import LANGUAGES, UNSUPPORTED, languages
from bailee.deid.notes.text import Text
from bailee.synthetic.notes import notes as synthetic

NOTES = {
    "en": "The patient was seen for a follow up and has no pain.",
    "es": "El paciente refiere dolor en la rodilla desde hace tres días.",
    "fr": "La patiente est suivie dans le service pour une douleur de la hanche.",
    "de": "Der Patient wurde wegen Schmerzen in der Hüfte vorgestellt und ist entlassen.",
}


def told(*notes: str) -> list[int]:
    return languages(Text(pa.array(notes))).tolist()


@pytest.mark.parametrize("name", LANGUAGES)
def test_each_supported_language_is_told(name):
    assert told(NOTES[name]) == [LANGUAGES.index(name)]


@pytest.mark.parametrize(
    "note",
    [
        "O paciente não tem dor e foi para casa com a sua mãe.",
        "Il paziente è stato ricoverato per dolore alla gamba e non ha febbre.",
        "De patiënt heeft pijn en is niet meer in het ziekenhuis.",
        "Пациент поступил в отделение с жалобами на боль в груди.",
        "患者は胸の痛みで来院した。",
        "Ο ασθενής προσήλθε με πόνο στο στήθος και πυρετό.",
    ],
)
def test_an_unsupported_language_is_not_guessed(note):
    assert told(note) == [UNSUPPORTED]


@pytest.mark.parametrize("note", ["", "Smith, J. 12/3/2011", "BP 120/80", "ＪＯＨＮ ＳＭＩＴＨ was seen in the clinic"])
def test_what_is_too_short_or_disguised_is_english(note):
    assert told(note) == [0]


def test_a_batch_does_not_change_what_a_note_is():
    assert told(*NOTES.values()) == [told(note)[0] for note in NOTES.values()]


def test_a_given_language_counts_for_all_and_an_unknown_one_is_refused():
    text = Text(pa.array(["x", "y"]))
    assert (languages(text, "fr") == np.int8(2)).all()
    with pytest.raises(UserError, match="de-identified"):
        languages(text, "tlh")


@pytest.mark.parametrize(
    "note",
    [
        "Ｔｙｒｏｎｅ Ｋｗａｉｌｅｙ ｓｅｅｎ ｏｎ ２／８",
        "S\u200be\u200be\u200bn \u200bb\u200by \u200bO\u200bt\u200bi\u200be\u200bn\u200bo",
        "ph 399\u2011863\u20119575",
        "a o e. Dx: A/O x3, E coli, o/w ok",
    ],
)  # fmt: skip
def test_wide_and_invisible_signs_make_no_note_foreign(note):
    assert told(note) == [0]


@pytest.mark.parametrize(
    ("language", "note"),
    [
        ("es", "Fecha | Médico | Diagnóstico\n24-10-2012 | Daniela Chaves | anemia"),
        ("fr", "Date | Médecin | Motif\n18.09.2010 | Dr Devaux | dysurie"),
        ("de", "servus Brian, kannst du Boleslav Talan ansehen? danke"),
    ],
)
def test_tables_and_short_messages_have_a_language_too(language, note):
    assert told(note) == [LANGUAGES.index(language)]


def test_no_synthetic_note_is_withheld_for_its_language():
    for language in LANGUAGES:
        notes = [note.text for note in synthetic(250, seed=77, language=language, difficulty=1.0)]
        assert UNSUPPORTED not in languages(Text(pa.array(notes))).tolist()

"""Which language a note is in, from its small words and its script. Says "unsupported" rather than guess."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from bailee.core.errors import UserError
from bailee.deid.notes.lexicon import Lexicon, lexicon_from_words
from bailee.deid.notes.text import WORD, Text

LANGUAGES: Final = ("en", "es", "fr", "de")
UNSUPPORTED: Final = -1
LOOKED_AT: Final = 2000  # signs of a note whose script is in doubt

# Small words, folded. Those of languages that are not supported are here to be told apart.
_SMALL: Final = {
    "en": """the of and to in is was with for on she he his her at by this that from are as an be has had have not were no
        or but it they which who will been patient if there over since without after before per denies history today normal
        name doctor hospital phone address born age exam report labs room days years mg daily seen note call
        left right pain my your you me can what please i we us our do does did am""",
    "es": """el la los las de del y en que un una con por para se su al lo como mas pero sus le ha no es fue sin sobre este
        esta desde hasta anos paciente durante tras muy ante presenta refiere dias segun ingreso alta derecha izquierda dolor
        fecha medico diagnostico nombre apellidos pais movil localidad provincia centro calle telefono servicio edad sexo cama
        buenas hola gracias puedes anos historia nacimiento enfermedad tratamiento""",
    "fr": """le la les des du de et en un une dans pour par sur au aux est que qui avec ce cette il elle pas ne son sa ses a
        ete sans depuis ans patient patiente chez apres nous vous plus sous lors jours traitement douleur droite gauche
        medecin motif docteur chef secretariat bonjour bonsoir coucou merci peux voir numero adresse telephone naissance nom
        prenom sexe chambre hopital clinique maladie compte rendu""",
    "de": """der die das und in den von zu mit dem des im ist ein eine einer eines nicht auf fur sich bei wurde es als auch am
        an aus nach wird sowie patient patientin jahre seit keine ohne uber zum zur vom haben hat war sind unter rechts links
        datum arzt grund praxis zi zimmer station hallo servus danke kannst nummer ansehen geb geboren einsender
        krankenhaus klinikum adresse telefon alter herr frau befund kollegen strasse""",
    "pt": """o os a as do da dos das em no na nos nas um uma com por para nao que se ao sua seu foi mais e ou pelo pela ha anos
        apos paciente sem uso dor""",
    "it": """il lo gli della dello dei delle nel nella che un una con per non si di del al alla sono stato stata anni paziente
        dal dalla piu ha e senza dopo presso""",
    "nl": """de het een van en in is dat op te met voor niet aan er bij als door naar heeft werd wordt zijn ook geen jaar
        patient sinds over uit of""",
    "pl": """w i na z do nie sie jest od przez po za oraz lat pacjent pacjentka u bez ze dla jako lub przy byl byla""",
    "sv": """och att det som pa ar av for med den till inte har om ett en han hon vid fran ej sedan patienten utan""",
    "da": """og at det er som pa af for med den til ikke har om et en han hun ved fra der siden patienten uden""",
    "tr": """ve bir bu icin ile da de olarak olan hasta yil var yok sonra gibi daha cok""",
    "ro": """si in de la cu pe din este un o ani pentru nu care a fost pacient pacienta fara dupa prin""",
    "cs": """a v na se je ze s do z pro byl byla pacient pacientka let od bez po nebo""",
    "hu": """es a az nem hogy egy is volt van beteg ev miatt utan vagy""",
    "fi": """ja on ei se etta oli potilas vuotta mutta kun joka sekä""",
    "id": """dan yang di ke dari pasien dengan tidak untuk pada tahun adalah ini nama umur""",
    "vi": """va cua la co khong benh nhan tuoi cho voi nam duoc""",
    "sw": """na ya wa kwa ni mgonjwa katika jina miaka""",
}
_ALL: Final = tuple(_SMALL)


@cache
def _small_words() -> Lexicon:
    pairs = [(word, 1 << place) for place, text in enumerate(_SMALL.values()) for word in text.split()]
    return lexicon_from_words([word for word, _ in pairs], np.array([bit for _, bit in pairs], np.uint64))


def languages(text: Text, given: str | None = None) -> npt.NDArray[np.int8]:
    """Tell each note's language as an index into LANGUAGES, or UNSUPPORTED.

    A note too short to tell is taken as English.

    Raises: UserError for a given language that is not supported.
    """
    if given is not None:
        return np.full(len(text), language_number(given), np.int8)
    tokens = text.tokens
    masks = _small_words().lookup(tokens.hash)
    hits = np.flatnonzero(masks)
    evidence = np.zeros((len(text), len(_ALL)), np.float64)
    bits = masks[hits]
    shared = np.bitwise_count(bits).astype(np.float64)
    long = (tokens.end - tokens.start)[hits] > 1  # initials and the marks of a list are no Portuguese
    for place in range(len(_ALL)):
        chosen = ((bits >> np.uint64(place) & np.uint64(1)) != 0) & (long | (place < len(LANGUAGES)))
        evidence[:, place] = np.bincount(tokens.note[hits[chosen]], 1 / shared[chosen], len(text))
    words = np.bincount(tokens.note[tokens.kind == WORD], minlength=len(text))
    foreign = np.asarray(text.high > 0.3 * np.maximum(np.diff(text.at), 1))
    for note in np.flatnonzero(foreign).tolist():
        foreign[note] = _strange(text.original(note)[:LOOKED_AT])
    return _decide(evidence, words, foreign)


def _strange(sample: str) -> bool:
    """Tell whether a third of the letters are of another script: wide and invisible signs are none."""
    letters = [sign for sign in unicodedata.normalize("NFKC", sample) if sign.isalpha()]
    other = sum(sign > "\u024f" and not unicodedata.name(sign, "").startswith("LATIN") for sign in letters)
    return other * 3 > len(letters)


def _decide(
    evidence: npt.NDArray[np.float64], words: npt.NDArray[np.int64], foreign: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int8]:
    """Choose by evidence; ties and too little of it are English, a strange script without small words is none."""
    known = evidence[:, : len(LANGUAGES)]
    best, other = known.max(1), evidence[:, len(LANGUAGES) :].max(1)
    chosen: npt.NDArray[np.int8] = known.argmax(1).astype(np.int8)
    chosen[(best < 1) | (known[:, 0] >= best)] = 0
    unknown = (other > 1.5 * best) & (other >= 3) & (other > 0.06 * words)
    unknown |= foreign & (best < 0.12 * words) & (words > 0)
    chosen[unknown] = UNSUPPORTED
    return chosen


def language_number(name: str) -> int:
    """Give a language's place in LANGUAGES. Raises: UserError if it is not supported."""
    if name not in LANGUAGES:
        raise UserError(
            "notes in this language cannot be de-identified", remedy=f"Supported are {', '.join(LANGUAGES)}."
        )
    return LANGUAGES.index(name)

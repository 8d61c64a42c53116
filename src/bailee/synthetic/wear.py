"""Wear and tear on a note: case, typos, scanning errors, broken lines, Unicode disguises; spans follow every change."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeAlias

from bailee.synthetic.grammar import Span

Edit: TypeAlias = tuple[int, int, str]
Worn: TypeAlias = tuple[str, list[Span]]

_OCR = {
    "l": "1",
    "1": "l",
    "O": "0",
    "0": "O",
    "I": "l",
    "S": "5",
    "5": "S",
    "B": "8",
    "8": "B",
    "m": "rn",
    "rn": "m",
    "e": "c",
    "g": "9",
    "Z": "2",
    "i": "j",
    "h": "b",
}
_CONFUSED = {
    "l": "1",
    "i": "1",
    "o": "0",
    "O": "0",
    "0": "O",
    "1": "l",
    "S": "5",
    "5": "S",
    "B": "8",
    "I": "l",
    "m": "rn",
    "g": "q",
    "s": "5",
    "t": "f",
}
_LOOKALIKE = {
    "a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "x": "х", "y": "у", "i": "і", "A": "А", "B": "В", "E": "Е", "H": "Н", "K": "К",
    "M": "М", "O": "О", "P": "Р", "C": "С", "T": "Т", "X": "Х", "s": "ѕ", "j": "ј",
}  # fmt: skip
_BROKEN = {
    "á": "Ã¡",
    "é": "Ã©",
    "í": "Ã­",
    "ó": "Ã³",
    "ú": "Ãº",
    "ñ": "Ã±",
    "ü": "Ã¼",
    "ö": "Ã¶",
    "ä": "Ã¤",
    "è": "Ã¨",
    "ç": "Ã§",
    "ß": "ÃŸ",
    "’": "â€™",
}
_ZERO = "\u200b\u200c\u200d\u2060\ufeff\u00ad"
_KEYS = {a: b for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm") for a, b in zip(row, row[1:] + row[-2], strict=True)}


def edited(text: str, spans: list[Span], edits: list[Edit]) -> Worn:
    """Apply replacements (in order, apart) and move the spans with them; a change inside a span stays inside it."""
    if not edits:
        return text, spans
    parts: list[str] = []
    last = 0
    for start, end, new in edits:
        parts += (text[last:start], new)
        last = end
    parts.append(text[last:])
    return "".join(parts), [
        (_moved(start, edits, is_end=False), _moved(end, edits, is_end=True), label) for start, end, label in spans
    ]


def _moved(position: int, edits: list[Edit], *, is_end: bool) -> int:
    shift = 0
    for start, end, new in edits:
        if end <= position and not (start == end == position and is_end):
            shift += len(new) - (end - start)
        elif start < position:
            return start + shift + (len(new) if is_end else 0)
        else:
            break
    return position + shift


def worn(text: str, spans: list[Span], rng: Random, difficulty: float) -> Worn:
    """Wear a note with probability `difficulty`, by one or two of the ways."""
    if rng.random() >= difficulty:
        return text, spans
    for _ in range(1 if rng.random() < 0.75 else 2):
        text, spans = _pick(rng)(text, spans, rng)
    return text, spans


def _cased(change: Callable[[str], str]) -> Callable[[str, list[Span], Random], Worn]:
    def cased(text: str, spans: list[Span], _rng: Random) -> Worn:
        return "".join(new if len(new := change(sign)) == 1 else sign for sign in text), spans

    return cased


def _lower_names(text: str, spans: list[Span], rng: Random) -> Worn:
    edits = [
        (a, b, text[a:b].lower())
        for a, b, label in spans
        if label in {"NAME", "LOCATION", "FACILITY", "ORGANIZATION"} and rng.random() < 0.7
    ]
    return edited(text, spans, [edit for edit in edits if len(edit[2]) == edit[1] - edit[0]])


def _upper_names(text: str, spans: list[Span], rng: Random) -> Worn:
    edits = [(a, b, text[a:b].upper()) for a, b, label in spans if label in {"NAME", "FACILITY"} and rng.random() < 0.7]
    return edited(text, spans, edits)


def _typos(text: str, spans: list[Span], rng: Random) -> Worn:
    edits: list[Edit] = []
    position = rng.randrange(60)
    while position < len(text) - 2:
        here, after = text[position], text[position + 1]
        if here.isalpha() and after.isalpha() and text[position - 1 : position].isalpha():
            new = rng.choice((after + here, here, here + here + after, _KEYS.get(here.lower(), here) + after))
            edits.append((position, position + 2, new))
        position += rng.randint(15, 160)
    return edited(text, spans, edits)


def _scanned(text: str, spans: list[Span], rng: Random) -> Worn:
    edits: list[Edit] = []
    position = rng.randrange(30)
    while position < len(text):
        sign = text[position]
        if sign in _OCR:
            edits.append((position, position + 1, _OCR[sign]))
        elif sign == " " and rng.random() < 0.3:
            edits.append((position, position + 1, rng.choice(("  ", "", " . ", "   "))))
        position += rng.randint(8, 70)
    return edited(text, spans, edits)


def _badly_scanned(text: str, spans: list[Span], rng: Random) -> Worn:
    """Confuse letters and digits all over the page: a poor fax, an old scan."""
    rate = rng.choice((0.15, 0.3, 0.6))
    pairs = dict(rng.sample(sorted(_CONFUSED.items()), rng.randint(3, len(_CONFUSED))))
    edits = [(i, i + 1, pairs[sign]) for i, sign in enumerate(text) if sign in pairs and rng.random() < rate]
    return edited(text, spans, edits)


def _wrapped(text: str, spans: list[Span], rng: Random) -> Worn:
    width, edits, column = rng.choice((40, 60, 72, 80)), [], 0
    margin = rng.choice(("", "", "    ", "  ", "> "))
    for position, sign in enumerate(text):
        column = 0 if sign == "\n" else column + 1
        if sign == " " and column > width:
            edits.append((position, position + 1, "\n" + margin))
            column = 0
    return edited(text, spans, edits)


def _unlined(text: str, spans: list[Span], rng: Random) -> Worn:
    gap = rng.choice((" ", "  ", " | ", " / "))
    return edited(text, spans, [(i, i + 1, gap) for i, sign in enumerate(text) if sign == "\n"])


def _unpunctuated(text: str, spans: list[Span], _rng: Random) -> Worn:
    ends = [
        (i, i + 1, " ")
        for i, sign in enumerate(text)
        if sign in ".,;:!?" and (i + 1 == len(text) or text[i + 1].isspace())
    ]
    text, spans = edited(text, spans, ends)
    return text.lower() if len(text.lower()) == len(text) else text, spans


def _spaced(text: str, spans: list[Span], rng: Random) -> Worn:
    """Tokenised speech: blanks around every sign, small letters."""
    edits = [
        (i, i + 1, f" {sign} ")
        for i, sign in enumerate(text)
        if sign in ".,!?" and not (text[i - 1 : i].isdigit() and text[i + 1 : i + 2].isdigit())
    ]
    text, spans = edited(text, spans, edits)
    return text.lower() if len(text.lower()) == len(text) and rng.random() < 0.8 else text, spans


def _disguised(
    change: Callable[[str, Random], str], labels: frozenset[str]
) -> Callable[[str, list[Span], Random], Worn]:
    def disguised(text: str, spans: list[Span], rng: Random) -> Worn:
        edits = [(a, b, change(text[a:b], rng)) for a, b, label in spans if label in labels and rng.random() < 0.5]
        return edited(text, spans, edits)

    return disguised


def _zero_width(text: str, rng: Random) -> str:
    if rng.random() < 0.3:
        return rng.choice(_ZERO).join(text)
    spot = rng.randint(1, max(1, len(text) - 1))
    return text[:spot] + rng.choice(_ZERO) + text[spot:]


def _full_width(text: str, _rng: Random) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


def _lookalikes(text: str, rng: Random) -> str:
    return "".join(_LOOKALIKE.get(sign, sign) if rng.random() < 0.5 else sign for sign in text)


def _combining(text: str, rng: Random) -> str:
    return "".join(
        sign + rng.choice("\u0301\u0308\u0327\u0303") if sign.isalpha() and rng.random() < 0.25 else sign
        for sign in text
    )


def _sentence_runs(text: str, spans: list[Span], rng: Random) -> Worn:
    """Lose the blank after some full stops and commas."""
    inside = {i for a, b, _ in spans for i in range(a, b)}
    edits = [
        (i + 1, i + 2, "")
        for i in range(len(text) - 2)
        if text[i] in ".,:;" and text[i + 1] == " " and i not in inside and i + 1 not in inside and rng.random() < 0.35
    ]
    return edited(text, spans, edits)


def _mojibake(text: str, spans: list[Span], _rng: Random) -> Worn:
    return edited(text, spans, [(i, i + 1, _BROKEN[sign]) for i, sign in enumerate(text) if sign in _BROKEN])


def _unaccented(text: str, spans: list[Span], _rng: Random) -> Worn:
    table = str.maketrans("áàâäéèêëíìîïóòôöúùûüñçÁÉÍÓÚÑÄÖÜ", "aaaaeeeeiiiioooouuuuncAEIOUNAOU")
    return text.translate(table), spans


_ALL = frozenset({"NAME", "ID", "CONTACT", "DATE", "LOCATION", "FACILITY", "ORGANIZATION"})
_NAMES = frozenset({"NAME", "LOCATION"})
_WAYS: list[tuple[int, Callable[[str, list[Span], Random], Worn]]] = [
    (8, _cased(str.lower)), (8, _cased(str.upper)), (5, _lower_names), (5, _upper_names), (10, _typos), (7, _scanned), (5, _badly_scanned), (8, _wrapped),
    (4, _unlined), (6, _unpunctuated), (4, _spaced), (4, _sentence_runs), (3, _unaccented), (2, _mojibake),
    (3, _disguised(_zero_width, _ALL)), (2, _disguised(_full_width, _ALL)), (2, _disguised(_lookalikes, _NAMES)), (1, _disguised(_combining, _NAMES)),
]  # fmt: skip


def _pick(rng: Random) -> Callable[[str, list[Span], Random], Worn]:
    return rng.choices([way for _, way in _WAYS], weights=[weight for weight, _ in _WAYS])[0]

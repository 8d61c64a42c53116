"""Names for names: same culture and gender where the name tells them, same case, order and initials, same misspelling."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from bailee.deid.notes.chart.spellings import name_parts, nicknames
from bailee.deid.notes.chart.words import read_lines
from bailee.deid.notes.surrogates.edits import edit_between
from bailee.deid.notes.surrogates.persons import WORD, Subject, folded

INITIALS: Final = "abcdefghijklmnprstvw"  # letters with which enough names begin
TRIES: Final = 64
_PARTED: Final = re.compile(r"([^\W\d_]+)")
_UNUSUAL: Final = re.compile(r"\d|['’]s\b|[^\x00-\x7f]")  # what takes more than words one by one


@dataclass(frozen=True)
class Names:
    """Lists by (culture, "female" | "male" | "family") and initial, and where each name stands."""

    lists: dict[tuple[str, str], tuple[str, ...]]
    by_initial: dict[tuple[str, str, str], tuple[str, ...]]
    places: dict[str, tuple[tuple[str, str], ...]]


@cache
def names() -> Names:
    """Read the lists once."""
    text = (files(__package__) / "names.txt").read_text(encoding="utf-8")
    lists: dict[tuple[str, str], tuple[str, ...]] = {}
    by_initial: dict[tuple[str, str, str], list[str]] = {}
    places: dict[str, list[tuple[str, str]]] = {}
    for section, words in read_lines(text).items():
        culture, _, kind = section.partition("-")
        lists[culture, kind] = tuple(word for line in words for word in line)
        for word in lists[culture, kind]:
            plain = folded(word)
            places.setdefault(plain, []).append((culture, kind))
            by_initial.setdefault((culture, kind, plain[0]), []).append(word)
    return Names(
        lists,
        {key: tuple(some) for key, some in by_initial.items()},
        {key: tuple(some) for key, some in places.items()},
    )


def name_for(subject: Subject, text: str) -> str | None:
    """Rewrite a name. None where it is written in another script, so that a tag must stand for it."""
    return _at_once(subject, text) or _word_by_word(subject, text)


def _at_once(subject: Subject, text: str) -> str:
    """Put words in that stand for the same wherever they are: titles, and names that the chart has. Nothing if others are there."""
    parts = _PARTED.split(text)
    initials, heavy = [], False
    for at in range(1, len(parts), 2):
        word = parts[at]
        known = subject.said.get(word)
        if known is None and len(word) == 1:
            initials.append(at)
        elif known is None:
            return ""
        else:
            parts[at], heavy = known, heavy or known is not word
    if len(parts) == 1 or _UNUSUAL.search(text) or (initials and not heavy):
        return ""
    for at in initials:
        parts[at] = _word_for(subject, parts[at], "initial")
    return "".join(parts)


def _word_by_word(subject: Subject, text: str) -> str | None:
    words = list(WORD.finditer(text))
    if not words or any(not folded(word[0]).isascii() for word in words):
        return None
    roles = _roles(subject, text, [folded(word[0]) for word in words])
    out, last = [], 0
    for word, role in zip(words, roles, strict=True):
        made = _word_for(subject, word[0], role)
        out += [_between(subject, text[last : word.start()]), made]
        if len(word[0]) > 1 and _is_settled(subject, folded(word[0])):
            subject.said[word[0]] = word[0] if role == "kept" else made
        last = word.end()
    return "".join([*out, _between(subject, text[last:])])


def _is_settled(subject: Subject, word: str) -> bool:
    """Whether what a word is does not depend on the words beside it."""
    if (word in subject.given) != (word in subject.family):
        return True
    return _is_kept(word) and word not in subject.given


def _between(subject: Subject, text: str) -> str:
    """Keep what stands between words, but for digits."""
    if not any(map(str.isdigit, text)):
        return text
    return re.sub(r"\d+", lambda run: subject.draws.digits(len(run[0]), "name-digits", run[0]), text)


def _roles(subject: Subject, text: str, words: list[str]) -> list[str]:
    """Tell what each word is: kept, an initial, a given or a family name."""
    comma = "," in text
    heavy = [
        at
        for at, word in enumerate(words)
        if len(word) > 1 and (not _is_kept(word) or word in subject.given or word in subject.family)
    ]
    roles = []
    for at, word in enumerate(words):
        if (_is_kept(word) and word not in subject.given and word not in subject.family) or (
            word == "s" and at and re.search(r"['’]s\b", text)
        ):
            roles.append("kept")
        elif len(word) == 1:
            last_of_initials = not heavy and at == len(words) - 1 and at > 0
            roles.append("family-initial" if last_of_initials else "initial")
        else:
            roles.append(
                _role_of(
                    subject, word, alone=len(heavy) == 1, last=at == heavy[-1], first_of_comma=comma and at == heavy[0]
                )
            )
    return roles


def _is_kept(word: str) -> bool:
    return len(word) > 1 and (word in name_parts("TITLES") or word in name_parts("PARTICLES"))


def _role_of(subject: Subject, word: str, *, alone: bool, last: bool, first_of_comma: bool) -> str:
    if word in subject.given and word not in subject.family:
        return "given"
    if word in subject.family and word not in subject.given:
        return "family"
    for role in ("given", "family"):
        if subject.meant_by(word, role):
            return role
    kinds = {kind for _, kind in names().places.get(word, ())}
    if kinds == {"family"} or (not kinds and (first_of_comma or (last and not alone))):
        return "family"
    if kinds and "family" not in kinds:
        return "given"
    if word in nicknames():
        return "given"
    return "family" if alone or first_of_comma or last else "given"


def _word_for(subject: Subject, word: str, role: str) -> str:
    if role == "kept":
        return word
    plain = folded(word)
    key = (role, plain)
    made = subject.memory.get(key)
    if made is None:
        made = subject.memory[key] = (
            _initial(subject, plain, role) if role.endswith("initial") else _spelt(subject, plain, role)
        )
    return in_case_of(word, made)


def _initial(subject: Subject, letter: str, role: str) -> str:
    return _initial_map(subject, "family" if role == "family-initial" else "given").get(letter, "x").upper()


def _initial_map(subject: Subject, role: str) -> dict[str, str]:
    key = f"initials-{role}"
    if key not in subject.tables:
        subject.tables[key] = subject.draws.others(INITIALS, key)
    return subject.tables[key]


def _spelt(subject: Subject, word: str, role: str) -> str:
    """Follow what the writer did to the chart's name: a nickname, or one wrong letter."""
    known = subject.given if role == "given" else subject.family
    if word in known:
        return whole_name(subject, word, role)
    if role == "given":
        for full in nicknames().get(word, ()):
            if full in known:
                return _nick_of(subject, whole_name(subject, full, role))
    meant = subject.meant_by(word, role)
    change = edit_between(meant, word) if meant else None
    if change is None:
        return whole_name(subject, word, role)
    edited = change.applied_to(whole_name(subject, meant, role))
    return edited if subject.allows(edited) else whole_name(subject, meant, role)


def _nick_of(subject: Subject, name: str) -> str:
    for nick in nicknames().get(folded(name), ()):
        if nick[0] == folded(name)[0] and subject.allows(nick):
            return nick.capitalize()
    return name


def whole_name(subject: Subject, word: str, role: str) -> str:
    """Choose the name that stands for one name of a patient. Two names of the chart get two different ones."""
    assigned = _assigned(subject, role)
    return assigned[word] if word in assigned else _choose(subject, word, role, frozenset(assigned.values()))


def _assigned(subject: Subject, role: str) -> dict[str, str]:
    if role not in subject.tables:
        table: dict[str, str] = {}
        for word in subject.given if role == "given" else subject.family:
            table[word] = _choose(subject, word, role, frozenset(table.values()))
        subject.tables[role] = table
    return subject.tables[role]


def _choose(subject: Subject, word: str, role: str, taken: frozenset[str]) -> str:
    culture, kind = _kind_of(subject, word, role)
    initial = _initial_map(subject, role).get(word[0], "m")
    pools = [names().by_initial.get((culture, kind, initial), ()), names().by_initial.get(("en", kind, initial), ())]
    for pool in [pools[0] if len(pools[0]) >= 4 else pools[1], pools[1], names().lists["en", kind]]:
        for attempt in range(TRIES if pool else 0):
            name = subject.draws.choice(pool, f"name-{role}", word, attempt)
            if name not in taken and folded(name) != word and subject.allows(name):
                return name
    return subject.draws.choice(
        [name for name in names().lists["en", kind] if subject.allows(name)], f"name-{role}", word
    )


def _kind_of(subject: Subject, word: str, role: str) -> tuple[str, str]:
    """Tell the list to choose from: culture by the name, gender by the chart, else by the name."""
    found = names().places.get(word, ())
    if not found and role == "given":
        found = next((names().places[full] for full in nicknames().get(word, ()) if full in names().places), ())
    if role == "family":
        families = [culture for culture, kind in found if kind == "family"]
        foreign = [culture for culture in families if culture != "en"]
        return (foreign[0] if len(foreign) == 1 else "en", "family")
    gendered = [place for place in found if place[1] != "family"]
    gender = subject.genders.get(word) or (gendered[0][1] if gendered else _gender(subject, word))
    return (gendered[0][0] if gendered else "en", gender)


def _gender(subject: Subject, word: str) -> str:
    drawn = subject.draws.number("gender", word) % 2
    return "female" if word[-1] == "a" or (word[-1] != "o" and drawn) else "male"


def in_case_of(model: str, word: str) -> str:
    """Write a word in the case of another: lower, UPPER, Capitalised."""
    if model.isupper() and (len(model) > 1 or len(word) == 1):
        return word.upper()
    if model.islower():
        return word.lower()
    return word[:1].upper() + word[1:].lower() if model[:1].isupper() else word.lower()

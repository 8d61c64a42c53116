"""Numbers for numbers: identifiers of the same shape, telephone numbers, addresses on the net, ages. None of them is real."""

from __future__ import annotations

import re
from typing import Final

from bailee.deid.notes.surrogates.names import in_case_of, names
from bailee.deid.notes.surrogates.persons import Subject, folded

TRIES: Final = 8
OLDEST: Final = 90  # 45 CFR 164.514(b)(2)(i)(C): one category of age 90 or older
_HOST: Final = re.compile(r"(?i)\b(?:https?://|www\.|ftp://)|[a-z0-9-]+\.(?:com|org|net|edu|gov|io|es|fr|de|uk)\b")
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz"  # without those that look like digits
_HEX: Final = "abcdef"
_EXTENSION: Final = re.compile(r"(?i)^(?:x|ext\.?|extension)\s*\d{1,6}$")
_IP: Final = re.compile(r"^(?:\d{1,3}\.){3}\d{1,3}$")
_SOCIAL: Final = re.compile(r"\d{3}([- ]?)\d{2}\1\d{4}")
_LABEL: Final = re.compile(
    r"(?i)^(?:mrn|ssn|id|no|nr|acct|account|csn|har|fin|npi|dea|lic|vin|enc|visit|case|ref|num|number)\b[\s:#.]*|^(?:mrn|ssn)(?=\d)"
)


def number_for(subject: Subject, text: str) -> str:
    """Write an identifier of the same shape: digits for digits, letters for letters, separators and label kept.

    The last four characters depend on the last four only, so that a shortened number still agrees with the whole one.
    A number in the form of a social security number gets an area that is never given out (9xx).
    """
    label = _LABEL.match(text)
    kept = label[0] if label and len(label[0]) < len(text) else ""
    body = text[len(kept) :]
    plain = "".join(filter(str.isalnum, folded(body)))
    if not plain:
        return text
    for attempt in range(TRIES):
        drawn = _drawn(subject, plain, attempt)
        if _SOCIAL.fullmatch(body):
            drawn = "9" + drawn[1:3] + str(1 + int(drawn[3]) % 4) + drawn[4:]
        if drawn != plain and drawn not in subject.numbers:
            break
    return kept + _in_shape(body, drawn)


def _drawn(subject: Subject, plain: str, attempt: int) -> str:
    """Draw from the right, so that a number agrees with itself without its leading zeros."""
    zeros = len(plain) - len(plain.lstrip("0")) if plain.isdigit() and plain.strip("0") else 0
    body = plain[zeros:]
    letters = _HEX if len(plain) >= 16 and not set(plain) - set("0123456789abcdef") else _LETTERS
    head = max(len(body) - 4, 0)
    drawn = _stream(subject, "id", body, head, attempt) + _stream(
        subject, "id-end", body[head:], len(body) - head, attempt
    )
    made = [
        str(new % 10) if old.isdigit() else letters[new % len(letters)] for old, new in zip(body, drawn, strict=True)
    ]
    return "0" * zeros + "".join(made)


def _stream(subject: Subject, purpose: str, content: str, count: int, attempt: int) -> list[int]:
    digits = subject.draws.digits(2 * count, purpose, content, attempt)
    return [int(digits[at : at + 2]) for at in range(0, 2 * count, 2)]


def _in_shape(model: str, characters: str) -> str:
    """Put characters where the model has letters and digits, in the model's case."""
    stream = iter(characters)
    out = []
    for letter in model:
        if not letter.isalnum():
            out.append(letter)
            continue
        new = next(stream, "0")
        out.append(new.upper() if letter.isupper() else new)
    return "".join(out)


def phone_for(subject: Subject, text: str) -> str:
    """Write a telephone number of the same format that belongs to nobody: North American ones become 555-01xx.

    The local part depends on the last seven digits only, so that short and long forms agree.
    """
    digits = "".join(filter(str.isdigit, folded(text)))
    extension = re.search(r"(?i)(?:ext\.?|x|#)\s*(\d{1,6})\s*$", text)
    tail = extension[1] if extension else ""
    core = digits[: len(digits) - len(tail)] if tail else digits
    for attempt in range(TRIES):
        made = _phone_digits(subject, core, international=text.strip().startswith("+"), attempt=attempt)
        if made != core and made not in subject.numbers:
            break
    return _digits_in(text, made + subject.draws.digits(len(tail), "extension", tail))


def _phone_digits(subject: Subject, core: str, *, international: bool, attempt: int) -> str:
    american = len(core) == 10 or (len(core) == 11 and core[0] == "1") or len(core) == 7
    if american and not (international and not core.startswith("1")):
        line = "55501" + subject.draws.digits(2, "line", core[-7:], attempt)
        area = core[-10:-7]
        if area:
            drawn = subject.draws.digits(3, "area", area, attempt)
            area = str(2 + int(drawn[0]) % 8) + "0" + drawn[2] if drawn != area else "201"
        return core[: max(len(core) - 10, 0)] + area + line
    kept = 2 if international and len(core) > 9 else 0
    return core[:kept] + subject.draws.digits(len(core) - kept, "phone", core[kept:], attempt)


def _digits_in(model: str, digits: str) -> str:
    stream = iter(digits)
    return "".join(next(stream, "0") if letter.isdigit() else letter for letter in model)


def contact_for(subject: Subject, text: str) -> str:
    """Write a contact of the same kind: mailbox, web address, network address, telephone number or handle."""
    stripped = text.strip()
    if "@" in stripped.strip("@"):
        return _mailbox(subject, text)
    if _IP.match(stripped):
        return "192.0.2." + str(1 + subject.draws.number("ip", stripped) % 254)
    if _HOST.search(stripped):
        scheme = re.match(r"(?i)https?://|", stripped)
        return (
            f"{scheme[0] if scheme else ''}www.example.org/{subject.draws.number('url', folded(stripped)) % 16**8:08x}"
        )
    if sum(map(str.isdigit, text)) >= 5 and not any(
        letter.isalpha() for letter in re.sub(r"(?i)\b(ext|x|tel|fax|phone|cell)\b", "", text)
    ):
        return phone_for(subject, text)
    if stripped.isdigit() or ":" in stripped or _EXTENSION.match(stripped):
        return number_for(subject, text)
    return re.sub(r"\w+", lambda word: _handle(subject, word[0]), text)


def _mailbox(subject: Subject, text: str) -> str:
    local = text.partition("@")[0]
    return re.sub(r"\w+", lambda word: _handle(subject, word[0]), local) + "@example.org"


def _handle(subject: Subject, word: str) -> str:
    """A handle is made of a family name, and of as many digits as before."""
    plain, digits = folded(word), "".join(filter(str.isdigit, word))
    new = "" if plain.isdigit() else folded(_free_name(subject, plain))
    return in_case_of(word, new) + subject.draws.digits(len(digits), "handle", plain)


def _free_name(subject: Subject, plain: str) -> str:
    pool = names().lists["en", "family"]
    for attempt in range(TRIES):
        name = subject.draws.choice(pool, "handle", plain, attempt)
        if folded(name) != plain and subject.allows(name):
            return name
    return "guest"


def age_for(text: str) -> str | None:
    """Fold ages of 90 and more into 90; others stay. None where no age was read."""
    spelt = re.search(r"(?i)\b(ninety|one hundred|a hundred|hundred)\b", text)
    if spelt:
        return re.sub(r"(?i)\b(ninety(?:[\s-]\w+)?|(?:one |a )?hundred(?: and \w+| \w+)?)", _ninety, text)
    if not any(map(str.isdigit, text)):
        return text if re.search(r"[^\W\d_]", text) else None
    return re.sub(
        r"(?<![\d.])\d{2,3}(?:\.\d+)?(?![\d])", lambda age: str(OLDEST) if float(age[0]) >= OLDEST else age[0], text
    )


def _ninety(said: re.Match[str]) -> str:
    words = re.split(r"([\s-]+)", said[0])
    numbers = {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "and"}
    rest = words[1:] if words[0].lower() == "ninety" else []
    tail = "".join(rest) if rest and rest[-1].lower() not in numbers else ""
    return in_case_of(said[0], "ninety") + tail

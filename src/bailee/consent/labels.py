"""Security labels and sensitivity categories as tokens, and the site's own table of which code is sensitive.

Tokens: `confidentiality:R`, `category:substance-use`, or `system|code` for any other label. A record without a
confidentiality label counts as normal, or as restricted where it belongs to a category.
Source: HL7 v3 Confidentiality (ordered) and ActCode, InformationSensitivityPolicy (DS4P).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

import msgspec

from bailee.core.canonical import sha256_hex
from bailee.core.errors import Invalid

CATEGORY = "category:"
LEVEL = "confidentiality:"
LEVELS = ("U", "L", "M", "N", "R", "V")
WITHOUT_LABEL: frozenset[str] = frozenset({f"{LEVEL}N"})
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_ALWAYS_READ = r"""\\u|"security|"meta"\s*:\s*[^{\s]"""  # escapes, labels, and a `meta` that is not an object
_REMEDY = "See docs/consent.md for the form of this table."


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """One sensitivity category: its name, the labels that mean it, and the codes that imply it."""

    name: str
    labels: frozenset[str]  # ActCode codes
    codes: frozenset[str] = frozenset()  # "system|code"
    prefixes: tuple[str, ...] = ()  # "system|F10"


class Sensitivity:
    """A site's table of categories."""

    def __init__(self, categories: Iterable[Category], *, sha256: str) -> None:
        self.categories: Mapping[str, Category] = {item.name: item for item in categories}
        self.sha256 = sha256
        self._by_label = {label: item.name for item in self.categories.values() for label in item.labels}
        self._by_code = {code: item.name for item in self.categories.values() for code in item.codes}
        self._prefixes = tuple((one, item.name) for item in self.categories.values() for one in item.prefixes)
        self._begins = tuple(one for one, _ in self._prefixes)

    def category_of_label(self, code: str) -> str | None:
        """Name the category that an ActCode label means, if any."""
        return self._by_label.get(code)

    def categories_of(self, codes: Iterable[str]) -> frozenset[str]:
        """Name the categories that codes imply. Shape: "system|code"."""
        found = {self._by_code[code] for code in codes if code in self._by_code}
        begun = [code for code in codes if code.startswith(self._begins)]
        found |= {name for code in begun for prefix, name in self._prefixes if code.startswith(prefix)}
        return frozenset(found)

    def pattern(self, names: Iterable[str]) -> str:
        """Give a regular expression (RE2) that finds every record whose JSON could belong to these categories.

        It may find more: whatever it finds is read in full. JSON that writes letters as escapes is always found.
        """
        chosen = [self.categories[name] for name in names if name in self.categories]
        exact = {code.partition("|")[2] for item in chosen for code in item.codes}
        exact |= {label for item in chosen for label in item.labels}
        starts = {prefix.partition("|")[2] for item in chosen for prefix in item.prefixes}
        options = [f'{re.escape(code)}"' for code in sorted(exact)] + [re.escape(code) for code in sorted(starts)]
        return "|".join([_ALWAYS_READ, *([f'"(?:{"|".join(options)})'] if options else [])])


def label_tokens(labels: Iterable[tuple[str, str]], sensitivity: Sensitivity, *, effect: str = "") -> frozenset[str]:
    """Turn (system, code) labels into tokens.

    For a rule, `effect` widens a level: a refusal of R refuses V as well, a permission of R permits N as well.
    """
    found: set[str] = set()
    for system, code in labels:
        category = sensitivity.category_of_label(code) if system == ACT_CODE else None
        if category is not None:
            found.add(f"{CATEGORY}{category}")
        elif system == CONFIDENTIALITY and code in LEVELS:
            found.update(f"{LEVEL}{level}" for level in _levels(code, effect))
        else:
            found.add(f"{system}|{code}")
    return frozenset(found)


def record_tokens(
    labels: Iterable[tuple[str, str]], mentions: frozenset[str], sensitivity: Sensitivity
) -> frozenset[str]:
    """Give a record's tokens: its own labels, the categories that its codes imply, and a level in any case."""
    found = set(label_tokens(labels, sensitivity))
    found |= {f"{CATEGORY}{name}" for name in sensitivity.categories_of(mentions)}
    if not any(token.startswith(LEVEL) for token in found):
        found.add(f"{LEVEL}R" if any(token.startswith(CATEGORY) for token in found) else f"{LEVEL}N")
    return frozenset(found)


def is_high(tokens: frozenset[str]) -> bool:
    """Tell whether a permission's labels reach restricted data, whatever its category."""
    return f"{LEVEL}R" in tokens or f"{LEVEL}V" in tokens


def sensitivity_from_text(text: str, *, name: str) -> Sensitivity:
    """Read a table of categories: a line `name<TAB>labels`, then `<TAB>system<TAB>codes`, where `F10*` is a prefix.

    Raises: Invalid naming the line.
    """
    found: list[Category] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        first, *rest = line.split("\t")
        if first and len(rest) == 1 and re.fullmatch(r"[a-z][a-z-]*", first):
            found.append(Category(name=first, labels=frozenset(rest[0].split())))
        elif not first and len(rest) == 2 and found:
            found[-1] = _with_codes(found[-1], rest[0], rest[1].split())
        else:
            raise Invalid("a line of another form", where=f"{name}, line {number}", remedy=_REMEDY)
    return Sensitivity(found, sha256=sha256_hex(text.encode()))


@cache
def built_in_sensitivity() -> Sensitivity:
    """Give the built-in table; a site edits a copy of it and loads that."""
    text = (files("bailee.consent") / "sensitivity.txt").read_text("utf-8")
    return sensitivity_from_text(text, name="sensitivity.txt")


def _levels(code: str, effect: str) -> tuple[str, ...]:
    place = LEVELS.index(code)
    if effect == "deny":
        return LEVELS[place:]
    return LEVELS[: place + 1] if effect == "permit" else (code,)


def _with_codes(category: Category, system: str, codes: list[str]) -> Category:
    exact = {f"{system}|{code}" for code in codes if not code.endswith("*")}
    starts = tuple(f"{system}|{code[:-1]}" for code in codes if code.endswith("*"))
    return msgspec.structs.replace(
        category, codes=category.codes | exact, prefixes=tuple(dict.fromkeys((*category.prefixes, *starts)))
    )

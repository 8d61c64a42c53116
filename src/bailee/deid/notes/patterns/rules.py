"""The table of rules: read from the `.rules` files beside this module, one rule a paragraph. No matching is done here.

    name  LABEL strength languages [option ...] = pattern  ;; why

LABEL is a label of notes, or KEEP for clinical language that must stay; strength is sure, fair or weak; languages are
`*` or a list; options are `free` (may touch a digit over a point or slash), `firm` (the marked part is not
yielded to clinical language that reaches further), `check:NAME` (a checksum) and `ask:NAME` (only
where the profile asks for it). A line that begins with a blank goes on with the pattern before it. `$name = pattern` defines a macro.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from bailee.core.errors import Invalid
from bailee.deid.notes.found import FAIR, LABELS, SURE, WEAK

FOLDER: Final = Path(__file__).parent / "rules"
KEEP: Final = len(LABELS)
_STRENGTHS = {"weak": WEAK, "fair": FAIR, "sure": SURE}
_RULE = re.compile(
    r"([a-z][\w.-]*) +([A-Z]+) (weak|fair|sure) (\*|[a-z]{2}(?:,[a-z]{2})*)((?: (?:free|firm|check:\w+|ask:\w+))*) *= *(.*)",
    re.DOTALL,
)
_MACRO = re.compile(r"\$(\w+) *= *(.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One line of the table."""

    name: str
    label: int
    strength: int
    languages: frozenset[str]  # empty: all
    pattern: str
    why: str
    free: bool
    firm: bool
    check: str
    ask: str  # empty: always
    where: str

    def speaks(self, languages: frozenset[str], asked: frozenset[str]) -> bool:
        """Tell whether the rule is for one of these languages and asked for."""
        spoken = not self.languages or not languages or bool(self.languages & languages)
        return spoken and (not self.ask or self.ask in asked)


@dataclass(frozen=True)
class Table:
    """All rules in their order (an earlier one wins where two match the same) and the macros."""

    rules: tuple[Rule, ...]
    macros: dict[str, str]


@cache
def table(folder: Path = FOLDER) -> Table:
    """Read all rule files. Raises: Invalid with file and line."""
    rules: list[Rule] = []
    macros: dict[str, str] = {}
    for path in sorted(folder.glob("*.rules")):
        for number, paragraph in _paragraphs(path):
            where = f"{path.name}, line {number}"
            if macro := _MACRO.fullmatch(paragraph):
                macros[macro[1]] = macro[2].partition(";;")[0]
            else:
                rules.append(_rule(paragraph, where))
    names = [rule.name for rule in rules]
    if len(set(names)) < len(names):
        raise Invalid("two rules have the same name", where=next(name for name in names if names.count(name) > 1))
    return Table(tuple(rules), macros)


def _paragraphs(path: Path) -> Iterator[tuple[int, str]]:
    begun, text = 0, ""
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.startswith((" ", "\t")) and text:
            text += "\n" + line
            continue
        if text:
            yield begun, text
        begun, text = number, "" if line.startswith("#") else line.strip()
    if text:
        yield begun, text


def _rule(paragraph: str, where: str) -> Rule:
    parts = _RULE.fullmatch(paragraph)
    if not parts or (parts[2] != "KEEP" and parts[2] not in LABELS):
        raise Invalid("not a rule", where=where, remedy="Write: name LABEL strength languages = pattern ;; why")
    pattern, _, why = parts[6].partition(";;")
    options = parts[5].split()
    return Rule(
        name=parts[1],
        label=KEEP if parts[2] == "KEEP" else LABELS.index(parts[2]),
        strength=_STRENGTHS[parts[3]],
        languages=frozenset() if parts[4] == "*" else frozenset(parts[4].split(",")),
        pattern=pattern,
        why=" ".join(why.split()),
        free="free" in options,
        firm="firm" in options,
        check=next((option[6:] for option in options if option.startswith("check:")), ""),
        ask=next((option[4:] for option in options if option.startswith("ask:")), ""),
        where=where,
    )

r"""The language in which rules are written: patterns over words, digits, marks and blanks, parsed and compiled.

word  days?     that word, in any case and with or without accents; with or without its last letter
0 1 \d [2-9]    one digit
/ - : , \. \(   that mark (marks with a meaning here carry a backslash; a point alone is a point)
_  ~  =         blanks or one line end; the same or nothing; one blank
^  \n           a line's or note's edge; a line end
<cap&!common>   a word by its look and its lists: & and, | or, ! not
(a | b) ? * + {2,4}   groups and repetition
$name           a macro
«...»           the part that is the identifier; all of it where nothing is marked
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid
from bailee.deid.notes.lexica import CLINICAL, COMMON, NAME, Category

# Classes of symbols that are always there, as in kernels/patterns.c.
ONE_BLANK, WIDE_BLANK, LINE_END, PARAGRAPH, EDGE = range(10, 15)
MARKS: Final = 16
WORDS: Final = 144

_LOOKS = (
    "lower",
    "cap",
    "upper",
    "letter",
    "mixed",
    "foreign",
    "four",
    "hex",
    "roman",
    "two",
    "three",
    "five",
    "vowel",
    "streetish",
    "careish",
    "nameish",
    "termish",
    "numberish",
    "diseasish",
)
GROUPS: dict[str, int] = {
    **{category.name.lower(): category.value for category in Category if category.name},
    **{look: 1 << 44 + bit for bit, look in enumerate(_LOOKS)},
    "clinical": (CLINICAL & ~Category.EPONYM).value,  # eponyms are names too; rules of their own keep them
    "name": NAME.value,
    "any": 0,
}
GROUPS |= {
    "capital": GROUPS["cap"] | GROUPS["mixed"],
    "capup": GROUPS["cap"] | GROUPS["upper"],
    "big": GROUPS["cap"] | GROUPS["mixed"] | GROUPS["upper"],
    "start": GROUPS["cap"] | GROUPS["mixed"] | GROUPS["upper"] | GROUPS["letter"],
    "given_any": (Category.GIVEN | Category.GIVEN_RARE).value,
    "family_any": (Category.FAMILY | Category.FAMILY_RARE).value,
    "town": (Category.CITY | Category.CITY_RARE).value,
    "dull": (
        Category.FUNCTION
        | Category.MONTH
        | Category.WEEKDAY
        | Category.SECTION
        | Category.ROLE
        | Category.FACILITY
        | Category.TITLE
        | Category.CREDENTIAL
        | Category.UNIT
        | Category.ORGANIZATION
    ).value,
}
_BLANKS = {
    "_": (ONE_BLANK, WIDE_BLANK, LINE_END),
    "=": (ONE_BLANK,),
    "^": (LINE_END, PARAGRAPH, EDGE),
    "\\n": (LINE_END, PARAGRAPH),
}
_TOKEN = re.compile(
    r"\s+|(?P<word>[a-z]+\??)|(?P<macro>\$\w+)|(?P<look><[^>]+>)|(?P<set>\[(?:[^\]\\]|\\.)+\])|(?P<times>\{\d+(?:,\d*)?\})|(?P<escape>\\.)|(?P<mark>.)"
)
MOST: Final = 64  # the most that * and + repeat; everything is bounded, so that no input is slow

Node: TypeAlias = "tuple[str, Any]"
# A test of a word: any of these terms, each of which is all of (mask, literal, wanted).
Look: TypeAlias = "tuple[tuple[tuple[int, int, bool], ...], ...]"
Test: TypeAlias = "frozenset[int] | int | Look"  # classes of symbols, a literal, or a look


@dataclass
class Atoms:
    """The tests of single symbols that rules make, each kept once. `common` is the mask of the languages' usual words."""

    common: int = COMMON.value
    keys: dict[Test, int] = field(default_factory=dict)
    literals: dict[str, int] = field(default_factory=dict)

    def of(self, key: Test) -> int:
        """Number a test."""
        return self.keys.setdefault(key, len(self.keys))

    def literal(self, word: str) -> int:
        """Number a word, from 1."""
        return self.literals.setdefault(word, len(self.literals) + 1)

    def truth(
        self, features: npt.NDArray[np.uint64], literals: npt.NDArray[np.uint64], first: int
    ) -> npt.NDArray[np.uint8]:
        """Tell which tests hold for words of these features and literals. Shape: uint8[classes, tests]."""
        out = np.zeros((len(features), len(self.keys)), np.uint8)
        for key, column in self._sets.items():
            if max(key) >= first:
                out[:, column] = np.isin(np.arange(first, first + len(features)), list(key))
        numbers, columns = self._literals
        out[:, columns] = literals[:, None] == numbers
        if first >= WORDS:
            out[:, self._looks.columns] = self._looks.hold(features, literals)
        return out

    @cached_property
    def _sets(self) -> dict[frozenset[int], int]:
        return {key: column for key, column in self.keys.items() if isinstance(key, frozenset) and key}

    @cached_property
    def _literals(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        chosen = {key: column for key, column in self.keys.items() if isinstance(key, int)}
        return np.array(list(chosen), np.uint64), np.array(list(chosen.values()), np.int64)

    @cached_property
    def _looks(self) -> _Looks:
        """Lay out the looks, once all rules are read."""
        return _Looks.of({column: key for key, column in self.keys.items() if isinstance(key, tuple) and key})


class _Looks(NamedTuple):
    """All looks as columns, so that many words are tested at once.

    Shape: a condition is (mask uint64, literal uint64, wanted); term t is all of `conditions[term_first[t]:term_first[t + 1]]`,
    look l any of the terms from look_first[l] on, and the test of number columns[l].
    """

    columns: npt.NDArray[np.int64]
    mask: npt.NDArray[np.uint64]
    literal: npt.NDArray[np.uint64]
    wanted: npt.NDArray[np.bool_]
    conditions: npt.NDArray[np.int64]
    term_first: npt.NDArray[np.int64]
    look_first: npt.NDArray[np.int64]

    @classmethod
    def of(cls, looks: dict[int, Look]) -> _Looks:
        """Lay looks out, by their numbers. A term without a condition holds."""
        terms = [term or ((0, 0, True),) for look in looks.values() for term in look]
        known: dict[tuple[int, int, bool], int] = {}
        conditions = [known.setdefault(condition, len(known)) for term in terms for condition in term]
        masks, literals, wanted = zip(*known, strict=True) if known else ((), (), ())
        return cls(
            np.array(list(looks), np.int64),
            np.array(masks, np.uint64),
            np.array(literals, np.uint64),
            np.array(wanted, np.bool_),
            np.array(conditions, np.int64),
            np.cumsum([0, *map(len, terms)])[:-1],
            np.cumsum([0, *map(len, looks.values())])[:-1],
        )

    def hold(self, features: npt.NDArray[np.uint64], literals: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
        """Tell which looks hold. Shape: bool[words, looks]."""
        if not len(self.columns) or not len(features):
            return np.zeros((len(features), len(self.columns)), np.bool_)
        has = ((features[:, None] & self.mask) != 0) | (self.mask == 0)
        has = np.where(self.literal != 0, literals[:, None] == self.literal, has) == self.wanted
        terms = np.logical_and.reduceat(has[:, self.conditions], self.term_first, axis=1)
        return np.asarray(np.logical_or.reduceat(terms, self.look_first, axis=1))


class Parser:
    """Reads one pattern into a tree. Raises: Invalid with the rule's name."""

    def __init__(self, source: str, macros: dict[str, str], atoms: Atoms, where: str) -> None:
        self.atoms, self.where, self.macros = atoms, where, macros
        self.tokens = [match for match in _TOKEN.finditer(source) if not match[0].isspace()]
        self.place = 0

    def parse(self) -> Node:
        """Read the whole pattern."""
        tree = self._alternatives()
        if self.place != len(self.tokens):
            raise self._wrong(f"nothing opens the {self.tokens[self.place][0]!r}")
        return tree

    def _wrong(self, what: str) -> Invalid:
        return Invalid(what, where=self.where)

    def _peek(self) -> str:
        return self.tokens[self.place][0] if self.place < len(self.tokens) else ""

    def _alternatives(self) -> Node:
        branches = [self._sequence()]
        while self._peek() == "|":
            self.place += 1
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else ("or", branches)

    def _sequence(self) -> Node:
        items: list[Node] = []
        while self._peek() not in {"", "|", ")", "»"}:
            items.append(self._repeated(self._item()))
        return ("then", items)

    def _repeated(self, node: Node) -> Node:
        while True:
            sign = self._peek()
            if sign in {"?", "*", "+"}:
                least, most = {"?": (0, 1), "*": (0, MOST), "+": (1, MOST)}[sign]
            elif sign.startswith("{") and len(sign) > 1:
                low, comma, high = sign[1:-1].partition(",")
                least, most = int(low), int(high or MOST) if comma else int(low)
            else:
                return node
            self.place += 1
            node = ("times", (node, least, most))

    def _item(self) -> Node:
        match = self.tokens[self.place]
        self.place += 1
        text, kind = match[0], match.lastgroup
        if kind == "word":
            return self._word(text)
        if kind == "macro":
            if text[1:] not in self.macros:
                raise self._wrong(f"no macro {text}")
            return Parser(self.macros[text[1:]], self.macros, self.atoms, f"{self.where}, {text}").parse()
        if kind == "look":
            return ("atom", self.atoms.of(self._look(text[1:-1])))
        if kind == "set":
            return self._class(self._members(text[1:-1]))
        if text in {"(", "«"}:
            return self._group(text)
        return self._sign(text)

    def _word(self, text: str) -> Node:
        """A word, or with `?` at its end the word with and without its last letter (one letter: with and without it)."""
        word = text.rstrip("?")
        atom: Node = ("atom", self.atoms.of(self.atoms.literal(word)))
        if word == text:
            return atom
        if len(word) == 1:
            return ("times", (atom, 0, 1))
        return ("or", [atom, ("atom", self.atoms.of(self.atoms.literal(word[:-1])))])

    def _group(self, opening: str) -> Node:
        inside = self._alternatives()
        if self._peek() != {"(": ")", "«": "»"}[opening]:
            raise self._wrong(f"{opening} is not closed")
        self.place += 1
        return inside if opening == "(" else ("mark", inside)

    def _sign(self, text: str) -> Node:
        if text == "~":
            return ("times", (self._class(_BLANKS["_"]), 0, 1))
        if text in _BLANKS:
            return self._class(_BLANKS[text])
        if text == "\\d":
            return self._class(range(10))
        if text in {"?", "*", "+", ")", "»", "{", "<", "["}:
            raise self._wrong(f"nothing for {text!r} to work on")
        return self._class(self._members(text))

    def _class(self, members: Iterable[int]) -> Node:
        return ("atom", self.atoms.of(frozenset(members)))

    def _members(self, text: str) -> list[int]:
        signs = re.sub(
            r"\\(.)", r"\1", re.sub(r"(\d)-(\d)", lambda m: "".join(map(str, range(int(m[1]), int(m[2]) + 1))), text)
        )
        if not signs.isascii():
            raise self._wrong("only plain marks can be met: text is folded")
        return [int(sign) if sign.isdigit() else MARKS + ord(sign) for sign in signs]

    def _look(self, text: str) -> Look:
        return tuple(tuple(self._test(name.strip()) for name in term.split("&")) for term in text.split("|"))

    def _test(self, name: str) -> tuple[int, int, bool]:
        wanted, name = not name.startswith("!"), name.lstrip("!")
        if name.startswith("="):
            return 0, self.atoms.literal(name[1:]), wanted
        if name == "common":
            return self.atoms.common, 0, wanted
        if name not in GROUPS:
            raise self._wrong(f"no list or look {name!r}")
        return GROUPS[name], 0, wanted


TAKE, SPLIT, JUMP, SAVE, ACCEPT = range(5)


@dataclass
class Program:
    """Instructions of all rules, for the kernel: op, x, y; `entry` tells where each rule begins."""

    op: list[int] = field(default_factory=list)
    x: list[int] = field(default_factory=list)
    y: list[int] = field(default_factory=list)
    entry: list[int] = field(default_factory=list)

    def _put(self, op: int, x: int = 0, y: int = 0) -> int:
        self.op.append(op)
        self.x.append(x)
        self.y.append(y)
        return len(self.op) - 1

    def reserve(self, rules: int) -> None:
        """Make the root: a chain of splits into every rule."""
        for rule in range(rules):
            self._put(SPLIT if rule + 1 < rules else JUMP, 0, rule + 1)

    def add(self, rule: int, tree: Node) -> None:
        """Compile one rule."""
        self.entry.append(len(self.op))
        self.x[rule] = len(self.op)
        self._emit(tree)
        self._put(ACCEPT, rule)

    def _emit(self, node: Node) -> None:
        kind, value = node
        if kind == "atom":
            self._put(TAKE, value)
        elif kind == "then":
            for item in value:
                self._emit(item)
        elif kind == "mark":
            self._put(SAVE, 0)
            self._emit(value)
            self._put(SAVE, 1)
        elif kind == "or":
            self._branch(value)
        else:
            self._times(*value)

    def _branch(self, branches: list[Node]) -> None:
        ends = []
        for branch in branches[:-1]:
            split = self._put(SPLIT)
            self.x[split] = len(self.op)
            self._emit(branch)
            ends.append(self._put(JUMP))
            self.y[split] = len(self.op)
        self._emit(branches[-1])
        for end in ends:
            self.x[end] = len(self.op)

    def _times(self, node: Node, least: int, most: int) -> None:
        for _ in range(least):
            self._emit(node)
        if most == MOST:
            split = self._put(SPLIT)
            self.x[split] = split + 1
            self._emit(node)
            self._put(JUMP, split)
            self.y[split] = len(self.op)
            return
        splits = []
        for _ in range(most - least):
            splits.append(self._put(SPLIT))
            self.x[splits[-1]] = len(self.op)
            self._emit(node)
        for split in splits:
            self.y[split] = len(self.op)


def has_mark(node: Node) -> bool:
    """Tell whether a pattern marks a part of itself."""
    kind, value = node
    if kind == "mark":
        return True
    if kind in {"then", "or"}:
        return any(map(has_mark, value))
    return kind == "times" and has_mark(value[0])

"""All rules of some languages as one automaton, run by the kernel over a batch's symbols. Finds; does not judge."""

from __future__ import annotations

import ctypes
import threading
from functools import cache
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid
from bailee.core.kernels import library
from bailee.deid.notes import lexica
from bailee.deid.notes.lexicon import Masks, lexicon
from bailee.deid.notes.patterns.language import WORDS, Atoms, Parser, Program, has_mark
from bailee.deid.notes.patterns.rules import KEEP, Rule, table
from bailee.deid.notes.text import Text, at, whole

LIMIT: Final = 160  # symbols that one match may have; bounds the work on hostile text
STATES: Final = 32000  # numbered in 16 bits
TABLE: Final = 1 << 17  # places for the hashes of states; a power of two, as every open table of the kernel
POOL: Final = 1 << 22
CLASSES: Final = 1 << 14
DENSE: Final = 512  # as in kernels/patterns.c
SPARSE: Final = 1 << 20
MEMO: Final = 1 << 16


class Hits(NamedTuple):
    """Where rules matched: places in `Text.folded`, and the rule. Sorted, not overlapping."""

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    rule: npt.NDArray[np.int32]


class Hashed(NamedTuple):
    """An open table from the hash of a word to a mask or number."""

    keys: npt.NDArray[np.uint64]
    values: npt.NDArray[np.uint64]
    bits: int


@cache
def _kernels() -> Any:
    loaded = library()
    for name in ("patterns_fill", "patterns_symbols", "patterns_scan"):
        getattr(loaded, name).restype = ctypes.c_int64
    return loaded


def _hashed(words: lexica.Words) -> Hashed:
    bits = max(4, (len(words) * 3 // 2).bit_length())
    keys, values = np.zeros(1 << bits, np.uint64), np.zeros(1 << bits, np.uint64)
    _kernels().patterns_fill(
        at(words.text), at(words.start), at(words.end), at(words.mask), whole(len(words)), at(keys), at(values), bits
    )
    return Hashed(keys, values, bits)


def _numbered(literals: dict[str, int]) -> Hashed:
    encoded = [word.encode() for word in literals]
    lengths = np.array([len(word) for word in encoded], np.int64)
    ends = np.cumsum(lengths)
    text = np.frombuffer(b"".join(encoded) + b"\0", np.uint8)
    numbers = np.array(list(literals.values()), np.uint64)
    return _hashed(lexica.Words(text, ends - lengths, ends, numbers))


class Compiled(NamedTuple):
    """The rules' program and what it needs; the same for every thread."""

    rules: tuple[Rule, ...]
    atoms: Atoms
    literals: Hashed
    op: npt.NDArray[np.uint8]
    x: npt.NDArray[np.int32]
    y: npt.NDArray[np.int32]
    entry: npt.NDArray[np.int32]
    traits: npt.NDArray[np.uint8]
    numbers: npt.NDArray[np.uint32]  # even, from the rules' names, so that they outlive edits of the table


@cache
def compiled(languages: frozenset[str], asked: frozenset[str]) -> Compiled:
    """Compile the rules of some languages (none named: of all), and those asked for."""
    known = table()
    rules = tuple(rule for rule in known.rules if rule.speaks(languages, asked))
    usual = [lexica.Category[f"COMMON_{language.upper()}"].value for language in languages]
    atoms, program = Atoms(sum(usual) or lexica.COMMON.value), Program()
    program.reserve(len(rules))
    traits = np.zeros(len(rules), np.uint8)
    for number, rule in enumerate(rules):
        tree = Parser(rule.pattern, known.macros, atoms, f"{rule.where}: {rule.name}").parse()
        program.add(number, tree)
        traits[number] = rule.free | has_mark(tree) << 1 | rule.firm << 2 | (rule.label == KEEP) << 3
    entry = np.array([*program.entry, len(program.op)], np.int32)
    numbers = np.array([crc32(rule.name.encode()) & 0x7FFFFFFE | 2 for rule in rules], np.uint32)
    return Compiled(rules, atoms, _numbered(atoms.literals), np.array(program.op, np.uint8), np.array(program.x, np.int32),
                    np.array(program.y, np.int32), entry, traits, numbers)  # fmt: skip


class Automaton:
    """The room in which one thread runs the rules of some languages; keeps what it has built between batches."""

    def __init__(self, languages: frozenset[str], asked: frozenset[str]) -> None:
        self.compiled = compiled(languages, asked)
        size = len(self.compiled.op)
        self._features, self._literals = np.zeros(CLASSES, np.uint64), np.zeros(CLASSES, np.uint64)
        self._slots, self._classes = np.zeros(CLASSES * 4, np.int32), np.zeros(1, np.int64)
        self._memo, self._memo_class = np.zeros(MEMO, np.uint64), np.zeros(MEMO, np.int32)
        self._columns: dict[bytes, int] = {}
        self._column = np.zeros(WORDS + CLASSES, np.uint16)
        self._truth = np.zeros((DENSE, len(self.compiled.atoms.keys)), np.uint8)
        self._seen_classes = 0
        self._next = np.zeros(STATES * DENSE, np.int16)
        self._state: list[npt.NDArray[Any]] = [np.empty(STATES, np.int32) for _ in range(3)]
        self._table, self._pool = np.zeros(TABLE, np.int32), np.empty(POOL, np.int32)
        self._stack, self._mark, self._list = (
            np.empty(2 * size + 8, np.int32),
            np.zeros(size + 1, np.int32),
            np.empty(size + 1, np.int32),
        )
        self._sparse, self._used = np.zeros(SPARSE, np.uint64), np.zeros(5, np.int64)
        longest = int(np.diff(self.compiled.entry).max())
        self._seen = np.zeros(longest * (LIMIT + 2) // 8 + 8, np.uint8)
        self._touched, self._jobs = (
            np.empty(len(self._seen), np.int32),
            np.empty(4 * longest * (LIMIT + 2) + 16, np.int64),
        )
        self._learn(np.zeros(WORDS, np.uint64), np.zeros(WORDS, np.uint64), 0)

    def _learn(self, features: npt.NDArray[np.uint64], literals: npt.NDArray[np.uint64], first: int) -> None:
        """Give a column to each new class; classes that no rule can tell apart share one."""
        truth = self.compiled.atoms.truth(features, literals, first)
        for number, row in enumerate(truth):
            column = self._columns.setdefault(row.tobytes(), len(self._columns))
            if column >= len(self._truth):
                self._truth = np.concatenate((self._truth, np.zeros_like(self._truth)))
            self._truth[column] = row
            self._column[first + number] = column

    def _forget(self) -> None:
        """Start the tables of classes and states anew; only text of very many odd words fills them."""
        self._slots[:] = 0
        self._memo[:] = 0
        self._classes[:] = 0
        self._used[:2] = 0
        self._seen_classes = 0
        self._columns.clear()
        self._learn(np.zeros(WORDS, np.uint64), np.zeros(WORDS, np.uint64), 0)

    def run(self, text: Text, masks: Masks | None = None) -> Hits:
        """Find every match in a batch; `masks` are the word lists' of its tokens. Cost: linear in the text, whatever it is."""
        symbol, from_, to = self._symbols(text, lexicon().of(text) if masks is None else masks)
        column = self._column[symbol]
        for capacity in (len(symbol) // 8 + 64, len(symbol) + 8):
            hits = [np.empty(capacity, np.int32) for _ in range(3)]
            found = self._scan(symbol, column, hits, capacity)
            if found >= 0:
                break
        start, end, rule = (column[:found] for column in hits)
        return Hits(from_[start].astype(np.int64), to[end - 1].astype(np.int64), rule)

    def _symbols(
        self, text: Text, masks: Masks
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        tokens, literals = text.tokens, self.compiled.literals
        digits = tokens.kind == 1
        numerals = int((tokens.end[digits] - tokens.start[digits]).sum())
        capacity = 2 * len(tokens) + numerals + 2 * len(text) + 64
        symbol, from_, to = np.empty(capacity, np.uint16), np.empty(capacity, np.int32), np.empty(capacity, np.int32)
        begin = np.empty(len(text) + 1, np.int64)
        for _ in range(2):
            found = _kernels().patterns_symbols(
                at(text.folded), at(text.at), whole(len(text)), at(tokens.first), at(tokens.start), at(tokens.end), at(tokens.kind),
                at(tokens.shape), at(tokens.hash), at(masks), at(literals.keys), at(literals.values), literals.bits,
                at(self._features), at(self._literals), at(self._slots), whole(len(self._slots)), whole(CLASSES),
                at(self._classes), at(self._memo), at(self._memo_class), whole(MEMO), whole(capacity), at(symbol), at(from_), at(to), at(begin),
            )  # fmt: skip
            if found != -2:
                break
            self._forget()
        if found < 0:
            raise Invalid("a batch of notes has too many kinds of words: pass fewer at a time")
        old, new = self._seen_classes, int(self._classes[0])
        if new > old:
            self._learn(self._features[old:new], self._literals[old:new], WORDS + old)
            self._seen_classes = new
        return symbol[:found], from_[:found], to[:found]

    def _scan(
        self,
        symbol: npt.NDArray[np.uint16],
        column: npt.NDArray[np.uint16],
        hits: list[npt.NDArray[np.int32]],
        capacity: int,
    ) -> int:
        code, size = self.compiled, len(self.compiled.op)
        found = _kernels().patterns_scan(
            at(code.op), at(code.x), at(code.y), whole(size), at(self._truth), whole(self._truth.shape[1]),
            at(code.entry), at(code.traits), at(self._next), at(self._sparse), *map(at, self._state), at(self._table), at(self._pool), at(self._stack),
            at(self._mark), at(self._list), whole(STATES), whole(POOL), whole(len(self._table)), whole(SPARSE), at(self._used), whole(LIMIT),
            at(symbol), at(column), whole(len(symbol)), at(self._seen), at(self._touched), at(self._jobs), whole(capacity), *map(at, hits),
        )  # fmt: skip
        assert found > -2, "one state of the automaton is larger than its room, or its tables are of a wrong size"
        return int(found)


_rooms = threading.local()


def automaton(languages: frozenset[str], asked: frozenset[str]) -> Automaton:
    """Give this thread's automaton for some languages and wishes, made at first use."""
    rooms: dict[object, Automaton] = _rooms.__dict__.setdefault("rooms", {})
    if (languages, asked) not in rooms:
        rooms[languages, asked] = Automaton(languages, asked)
    return rooms[languages, asked]

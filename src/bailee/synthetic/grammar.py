r"""A grammar of text with marked spans: templates are data files, this reads and compiles them; it knows no medicine.

A file holds rules. `% name` is followed by one alternative a line, `%% name` by one alternative of many lines;
a rule named again gains alternatives. Lines that begin with `//` are remarks. Inside an alternative:

    {name}          the rule or slot of that name          {^name}      the same, first letter raised
    {!name}         the same text each time in one note    {a|b|c}      one of these
    {?text}         present half of the time               {2-5*name}   so many, joined by a blank
    {2-5+name}      joined by a line end                   {2-5,name}   joined by comma and blank
    {n:3-17}        a whole number                         {f:0.5-9.5}  a number with one decimal
    {LABEL=text}    the text marked as LABEL               {LABEL#99-@} a shape: 9 digit, @ letter, % small letter, & either
    {#99}           a shape that is not marked             \n \t        a line end, a tab
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from random import Random
from typing import TypeAlias

from bailee.core.errors import Invalid

Span: TypeAlias = tuple[int, int, str]
Pieces: TypeAlias = Sequence[tuple[str, str]]  # text and its label, "" for none
Chart: TypeAlias = Mapping[str, Sequence[Pieces]]  # the name of a rule → what a known person has for it

_LABELLED = re.compile(r"([A-Z_0-9]+)=(.*)", re.DOTALL)
_SHAPED = re.compile(r"([A-Z_0-9]*)#(.*)", re.DOTALL)
_NAME = re.compile(r"[\w.-]+")
_NUMBER = re.compile(r"([nf]):(-?[\d.]+)-([\d.]+)")
_REPEATED = re.compile(r"(\d+)-(\d+)([*+,;])(.+)", re.DOTALL)
_JOINERS = {"*": " ", "+": "\n", ",": ", ", ";": "; "}
_UPPER = "ABCDEFGHJKLMNPRSTUVWXYZ"
_LOWER = "abcdefghijkmnprstuvwxyz"
_EITHER = "0123456789ABCDEFGHJKLMNPRSTUVWXYZ"


class Writer:
    """Text as it grows, with the spans marked so far. Invariant: spans are in order and do not overlap."""

    __slots__ = ("capital", "chart", "decimal", "length", "memory", "muted", "parts", "rng", "spans")

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.decimal = "."
        self.chart: Chart = {}
        self.parts: list[str] = []
        self.spans: list[Span] = []
        self.memory: dict[str, tuple[str, list[Span]]] = {}
        self.length = 0
        self.muted = False
        self.capital = False

    def say(self, text: str) -> None:
        """Write text that identifies nobody."""
        if self.capital and text:
            text = text[0].upper() + text[1:] if len(text[0].upper()) == 1 else text
            self.capital = False
        self.parts.append(text)
        self.length += len(text)

    def mark(self, text: str, label: str) -> None:
        """Write text that is one span of `label`."""
        start = self.length
        self.say(text)
        if not self.muted and text:
            self.spans.append((start, self.length, label))

    def text(self) -> str:
        """Give the whole text."""
        return "".join(self.parts)


Node: TypeAlias = Callable[[Writer], None]
Slots: TypeAlias = Mapping[str, Callable[[Writer], None]]


class Grammar:
    """Compiled rules. `slots` are rules written in Python; they win over rules of the same name.

    The rules named in `charted` give way, mostly, to what the writer's chart holds for them.
    """

    def __init__(
        self, sources: Iterable[tuple[str, str]], slots: Slots, *, charted: Mapping[str, float] | None = None
    ) -> None:
        self._rules: dict[str, list[Node]] = {}
        self._slots = slots
        self._charted = charted or {}
        self._wanted: dict[str, str] = {}
        self._bare: dict[str, str] = {}
        for name, source in sources:
            for rule, template in _alternatives(source):
                self._rules.setdefault(rule, []).append(self._compile(template, f"{name}, rule {rule}"))
        for wanted, where in self._wanted.items():
            if not self._rules.get(wanted) and wanted not in slots:
                raise Invalid(f"a template names “{wanted}”, which is no rule and no slot", where=where)
        for bare, where in self._bare.items():
            if self._rules.get(bare) or bare in slots:
                raise Invalid(
                    f"a choice offers “{bare}” as text, though a rule has that name", where=where, remedy="Brace it."
                )

    def names(self, prefix: str) -> list[str]:
        """List the rules whose names begin so, in the order of their first appearance."""
        return [name for name, nodes in self._rules.items() if name.startswith(prefix) and nodes]

    def size(self, name: str) -> int:
        """Count the alternatives of a rule."""
        return len(self._rules.get(name, ()))

    def write(self, name: str, writer: Writer) -> None:
        """Write one alternative of a rule."""
        self._reference(name, "")(writer)

    def _compile(self, template: str, where: str) -> Node:
        nodes = [self._piece(piece, where) for piece in _pieces(template, where)]
        if len(nodes) == 1:
            return nodes[0]

        def sequence(writer: Writer) -> None:
            for node in nodes:
                node(writer)

        return sequence

    def _piece(self, piece: tuple[bool, str], where: str) -> Node:
        is_slot, text = piece
        if not is_slot:
            return lambda writer: writer.say(text)
        branches = _split(text)
        self._bare |= {
            branch: where for branch in branches if len(branches) > 1 and "." in branch and _NAME.fullmatch(branch)
        }
        if len(branches) > 1 and not text.startswith(("^", "?")) and not _LABELLED.fullmatch(text):
            return _choice([self._compile(branch, where) for branch in branches])
        if text.startswith("^"):
            return _raised(self._piece((True, text[1:]), where))
        if text.startswith("?"):
            return _perhaps(
                self._piece((True, text[1:]), where) if len(branches) > 1 else self._compile(text[1:], where)
            )
        if text.startswith("!"):
            return _remembered(text[1:], self._piece((True, text[1:]), where))
        if special := self._special(text, where):
            return special
        return self._reference(text, where) if _NAME.fullmatch(text) else self._compile(text, where)

    def _special(self, text: str, where: str) -> Node | None:
        if found := _SHAPED.fullmatch(text):
            return _shaped(found[2], found[1])
        if found := _LABELLED.fullmatch(text):
            return _labelled(
                self._piece((True, found[2]), where) if len(_split(found[2])) > 1 else self._compile(found[2], where),
                found[1],
            )
        if found := _NUMBER.fullmatch(text):
            return _number(found[1], found[2], found[3])
        if found := _REPEATED.fullmatch(text):
            return self._repeated(int(found[1]), int(found[2]), _JOINERS[found[3]], found[4], where)
        return None

    def _reference(self, name: str, where: str) -> Node:
        self._wanted.setdefault(name, where)
        if name in self._charted:
            return _from_chart(name, self._charted[name], self._free(name))
        return self._free(name)

    def _free(self, name: str) -> Node:
        if name in self._slots:
            return self._slots[name]
        nodes = self._rules.setdefault(name, [])

        def one_of(writer: Writer) -> None:
            nodes[int(writer.rng.random() * len(nodes))](writer)

        return one_of

    def _repeated(self, least: int, most: int, joiner: str, name: str, where: str) -> Node:
        one = self._reference(name, where)
        nodes = self._rules.get(name, [])

        def several(writer: Writer) -> None:
            count = writer.rng.randint(least, most)
            distinct = name not in self._slots and len(nodes) >= count
            for position, node in enumerate(writer.rng.sample(nodes, count) if distinct else [one] * count):
                if position:
                    writer.say(joiner)
                node(writer)

        return several


def shape(pattern: str, rng: Random) -> str:
    """Fill a shape: 9 becomes a digit, @ a capital letter, % a small letter, & a digit or capital letter."""
    draw = rng.random
    filled = []
    for sign in pattern:
        if sign == "9":
            filled.append("0123456789"[int(draw() * 10)])
        elif sign == "@":
            filled.append(_UPPER[int(draw() * len(_UPPER))])
        elif sign == "%":
            filled.append(_LOWER[int(draw() * len(_LOWER))])
        elif sign == "&":
            filled.append(_EITHER[int(draw() * len(_EITHER))])
        else:
            filled.append(sign)
    return "".join(filled)


@cache
def template_files(language: str) -> tuple[tuple[str, str], ...]:
    """Read the template files of a language, in the order of their names. Raises: Invalid if there are none."""
    folder = files("bailee.synthetic") / "templates" / language
    if not folder.is_dir():
        raise Invalid("no templates in that language", remedy="Use en, es, fr or de.")
    entries = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".txt")), key=lambda entry: entry.name)
    return tuple((f"{language}/{entry.name}", entry.read_text(encoding="utf-8")) for entry in entries)


def _alternatives(source: str) -> Iterable[tuple[str, str]]:
    rule, block = "", False
    lines: list[str] = []
    for line in [*source.split("\n"), "% end"]:
        if line.startswith("//"):
            continue
        if not line.startswith("%"):
            lines.append(line)
            continue
        if block:
            yield rule, "\n".join(lines).strip("\n")
        elif rule:
            yield from ((rule, entry.replace("\\n", "\n").replace("\\t", "\t")) for entry in lines if entry.strip())
        block, rule, lines = line.startswith("%%"), line.strip("% "), []


def _pieces(template: str, where: str) -> Iterable[tuple[bool, str]]:
    depth, start = 0, 0
    for position, sign in enumerate(template):
        if sign == "{":
            if depth == 0 and position > start:
                yield False, template[start:position]
            start = position + 1 if depth == 0 else start
            depth += 1
        elif sign == "}":
            depth -= 1
            if depth == 0:
                yield True, template[start:position]
                start = position + 1
            if depth < 0:
                break
    if depth != 0:
        raise Invalid("braces of a template do not match", where=where)
    if start < len(template) or not template:
        yield False, template[start:]


def _split(text: str) -> list[str]:
    depth, start, branches = 0, 0, []
    for position, sign in enumerate(text):
        depth += (sign == "{") - (sign == "}")
        if sign == "|" and depth == 0:
            branches.append(text[start:position])
            start = position + 1
    return [*branches, text[start:]]


def _choice(nodes: list[Node]) -> Node:
    return lambda writer: nodes[int(writer.rng.random() * len(nodes))](writer)


def _from_chart(name: str, share: float, node: Node) -> Node:
    def charted(writer: Writer) -> None:
        known = writer.chart.get(name)
        if not known or writer.rng.random() >= share:
            node(writer)
            return
        for text, label in known[int(writer.rng.random() * len(known))]:
            if label:
                writer.mark(text, label)
            else:
                writer.say(text)

    return charted


def _raised(node: Node) -> Node:
    def raised(writer: Writer) -> None:
        writer.capital = True
        node(writer)
        writer.capital = False

    return raised


def _perhaps(node: Node) -> Node:
    def perhaps(writer: Writer) -> None:
        if writer.rng.random() < 0.5:
            node(writer)

    return perhaps


def _remembered(name: str, node: Node) -> Node:
    def remembered(writer: Writer) -> None:
        if name not in writer.memory:
            first_part, first_span, start = len(writer.parts), len(writer.spans), writer.length
            node(writer)
            spans = [(first - start, last - start, label) for first, last, label in writer.spans[first_span:]]
            writer.memory[name] = "".join(writer.parts[first_part:]), spans
            return
        text, spans = writer.memory[name]
        start = writer.length
        writer.say(text)
        if not writer.muted:
            writer.spans.extend((start + first, start + last, label) for first, last, label in spans)

    return remembered


def _shaped(pattern: str, label: str) -> Node:
    if label:
        return lambda writer: writer.mark(shape(pattern, writer.rng), label)
    return lambda writer: writer.say(shape(pattern, writer.rng))


def _labelled(node: Node, label: str) -> Node:
    def labelled(writer: Writer) -> None:
        start, outer = writer.length, writer.muted
        writer.muted = True
        node(writer)
        writer.muted = outer
        if not outer and writer.length > start:
            writer.spans.append((start, writer.length, label))

    return labelled


def _number(kind: str, least: str, most: str) -> Node:
    if kind == "n":
        low, high = int(least), int(most)
        return lambda writer: writer.say(str(writer.rng.randint(low, high)))
    first, last = float(least), float(most)
    decimals = max(1, len(most.partition(".")[2]))
    return lambda writer: writer.say(f"{writer.rng.uniform(first, last):.{decimals}f}".replace(".", writer.decimal))

"""Find identifiers by rules in a batch of notes. What a rule may not decide alone is left to the fusion of finders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bailee.deid.notes.found import SURE, WEAK, Spans
from bailee.deid.notes.lexicon import Masks
from bailee.deid.notes.patterns.automaton import Hits, automaton
from bailee.deid.notes.patterns.checks import CHECKS, SIZES
from bailee.deid.notes.patterns.rules import KEEP, Rule
from bailee.deid.notes.text import Text, Tokens


class Scan(NamedTuple):
    """What the rules say of a batch.

    Shape: found: identifiers; kept: clinical language that must stay (their label means nothing); rule: each found
    span's place in `rules`; hits: all matches, in order.
    """

    found: Spans
    kept: Spans
    rule: npt.NDArray[np.int32]
    rules: tuple[Rule, ...]
    hits: Hits
    numbers: npt.NDArray[np.uint32]

    def __repr__(self) -> str:
        """Tell the sizes only."""
        return f"Scan({len(self.found)} found, {len(self.kept)} kept)"

    def said(self, tokens: Tokens) -> npt.NDArray[np.uint32]:
        """Tell the model which rule matched at each token, as the rule's number, odd where the match begins; 0 for none."""
        touched, first, sizes = tokens.all_touched(self.hits.start, self.hits.end)
        said = np.zeros(len(tokens), np.uint32)
        said[touched] = np.repeat(self.numbers[self.hits.rule], sizes)
        said[first[sizes > 0]] |= 1
        return said


def find(text: Text, language: str | None = None, *, asked: Iterable[str] = ()) -> Spans:
    """Find identifiers by rules, as places in `text.folded`, sorted and apart.

    `language` is en, es, fr or de; None runs the rules of all four. `asked` adds rules that only some profiles want:
    `ages` (all ages, not only those over 89), `weekdays`, `relative` (yesterday, two weeks ago).

    Cost: linear in the text; a lone core reads some 20 MB a second.
    """
    return scan(text, language, asked=asked).found


def scan(text: Text, language: str | None = None, *, asked: Iterable[str] = (), masks: Masks | None = None) -> Scan:
    """Run the rules, keeping which rule found what and what is clinical language.

    `masks`: what the word lists say of each token, where the caller knows it.
    """
    machine = automaton(frozenset({language} if language else ()), frozenset(asked))
    rules, hits = machine.compiled.rules, machine.run(text, masks)
    label = np.array([rule.label for rule in rules], np.int8)[hits.rule]
    strength = _checked(text, hits, rules, np.array([rule.strength for rule in rules], np.int8)[hits.rule])
    spans = Spans(hits.start, hits.end, label, strength)
    kept = label == KEEP
    return Scan(spans.take(~kept), spans.take(kept), hits.rule[~kept], rules, hits, machine.compiled.numbers)


def _checked(text: Text, hits: Hits, rules: tuple[Rule, ...], strength: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Raise what passes its checksum, lower what fails."""
    tested = np.array([bool(rule.check) for rule in rules], np.bool_)
    for hit in np.flatnonzero(tested[hits.rule]).tolist():
        written = bytes(text.folded[hits.start[hit] : hits.end[hit]]).decode("utf-8", "replace")
        check = rules[hits.rule[hit]].check
        if not CHECKS[check](written):
            strength[hit] = WEAK if check in SIZES else max(strength[hit] - 1, WEAK)
        elif check not in SIZES:
            strength[hit] = SURE
    return strength

"""Imported by the fork server alone: what every worker looks things up in is built once, before it forks, and shared."""

from __future__ import annotations

from contextlib import suppress

from bailee.consent.labels import built_in_sensitivity
from bailee.core.errors import BaileeError
from bailee.deid.notes.chart.spellings import nicknames
from bailee.deid.notes.chart.words import word_table
from bailee.deid.notes.lexicon import lexicon
from bailee.deid.notes.model import weights
from bailee.deid.notes.patterns.automaton import automaton
from bailee.flows.release import task
from bailee.flows.release.texts import LABEL_LANGUAGE

__all__ = ["task", "warm"]


def warm() -> None:
    """Build the tables. What is wrong with them a worker tells when it needs them."""
    with suppress(BaileeError):
        lexicon()
        word_table()
        weights()
        nicknames()
        built_in_sensitivity()
        automaton(frozenset({LABEL_LANGUAGE}), frozenset())


warm()

"""Word lists of the notes engine: which words may be names, places, drugs, grammar. Finding is not done here."""

from bailee.deid.notes.lexica.categories import CLINICAL, COMMON, NAME, Category, fold
from bailee.deid.notes.lexica.load import Words, listed, phrases, words

__all__ = ["CLINICAL", "COMMON", "NAME", "Category", "Words", "fold", "listed", "phrases", "words"]

"""Cutting text into the pieces that BERT-like models know (WordPiece), with the places where they stand. Runs no model."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid

LONGEST: Final = 100  # characters of a word; longer ones are unknown
# A run of letters and digits, one sign, or one letter of a script without blanks.
_WORD: Final = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W_\u2e80-\u9fff\uf900-\ufaff]+|[^\w\s]|_")


@dataclass(frozen=True, repr=False)
class Pieces:
    """One text in pieces. Shape: ids, word int64[pieces]; start, end int64[words], places in the text's UTF-8."""

    ids: npt.NDArray[np.int64]
    word: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Pieces({len(self)})"

    @property
    def words(self) -> int:
        """Count the words."""
        return len(self.start)


class WordPiece:
    """A vocabulary of pieces. Source: the greedy longest match of BERT's tokeniser."""

    def __init__(self, vocabulary: dict[str, int], *, lower: bool, unknown: str = "[UNK]", inner: str = "##") -> None:
        missing = {unknown, "[CLS]", "[SEP]", "[PAD]"} - vocabulary.keys()
        if missing:
            raise Invalid(
                "a vocabulary without its special pieces", remedy="It needs " + ", ".join(sorted(missing)) + "."
            )
        self._vocabulary, self._lower, self._inner = vocabulary, lower, inner
        self._unknown = vocabulary[unknown]
        self.first, self.last, self.padding = (vocabulary[name] for name in ("[CLS]", "[SEP]", "[PAD]"))
        self._known: dict[str, tuple[int, ...]] = {}

    def __repr__(self) -> str:
        return f"WordPiece({len(self._vocabulary)} pieces)"

    def cut(self, text: str) -> Pieces:
        """Cut a text."""
        ids: list[int] = []
        word: list[int] = []
        spans = []
        for number, match in enumerate(_WORD.finditer(text)):
            pieces = self.pieces_of(match[0])
            ids += pieces
            word += [number] * len(pieces)
            spans.append(match.span())
        places = _byte_places(text, np.array(spans, np.int64).reshape(-1, 2))
        return Pieces(np.array(ids, np.int64), np.array(word, np.int64), places[:, 0], places[:, 1])

    def pieces_of(self, word: str) -> tuple[int, ...]:
        """Give the ids of one word's pieces; one unknown piece where the vocabulary cannot spell it."""
        found = self._known.get(word)
        if found is None:
            found = self._spell(word.lower() if self._lower else word)
            if len(self._known) < 1 << 16:
                self._known[word] = found
        return found

    def _spell(self, word: str) -> tuple[int, ...]:
        if len(word) > LONGEST:
            return (self._unknown,)
        out: list[int] = []
        start = 0
        while start < len(word):
            prefix = self._inner if start else ""
            for end in range(len(word), start, -1):
                number = self._vocabulary.get(prefix + word[start:end])
                if number is not None:
                    break
            else:
                return (self._unknown,)
            out.append(number)
            start = end
        return tuple(out)


def _byte_places(text: str, spans: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if text.isascii():
        return spans
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    widths = 1 + (points > 0x7F).astype(np.int64) + (points > 0x7FF) + (points > 0xFFFF)
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])
    return np.asarray(ends[spans])


def wordpiece_from_json(content: bytes) -> WordPiece:
    """Read a `tokenizer.json`. Raises: Invalid for another kind of tokeniser than WordPiece."""
    try:
        document: dict[str, Any] = json.loads(content)
        model = document["model"]
        kind, vocabulary = model.get("type"), model["vocab"]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Invalid("a tokenizer.json that cannot be read", remedy="Export it again.") from None
    if kind != "WordPiece" or not isinstance(vocabulary, dict):
        raise Invalid("a tokeniser of another kind", remedy="Only WordPiece (BERT and its like) is supported.")
    normalizer = document.get("normalizer") or {}
    return WordPiece(
        vocabulary,
        lower=bool(normalizer.get("lowercase", False)),
        unknown=str(model.get("unk_token", "[UNK]")),
        inner=str(model.get("continuing_subword_prefix", "##")),
    )

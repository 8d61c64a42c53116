"""Free text and notes on their way out: read, searched, replaced, checked again; withheld where anything is doubtful."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of, keyed_hashes
from bailee.core.keys import AgreementKeys
from bailee.deid.notes import leaks
from bailee.deid.notes.chart.charts import Charts
from bailee.deid.notes.find import find
from bailee.deid.notes.found import AGE, DATE, LABELS, MODEL, Found
from bailee.deid.notes.pieces import Places, cut_at_pieces, pieces_of
from bailee.deid.notes.scrub import Scrubbed, Subjects, scrub
from bailee.flows.release.apart import Cleaned, Rows, clean_apart
from bailee.flows.release.evidence import NoteSample, Piece
from bailee.flows.release.plan import ReleasePlan
from bailee.records.text import attachment_texts, attachments_from_texts

SAMPLES_A_PART = 3
LABEL_CHARACTERS = 200
LABEL_LANGUAGE = "en"  # labels come from terminologies; too short to tell a language by
FINDERS = ("patterns", "model", "chart", "spread", "strangers", "second")
# What a limited data set may keep in text, too: dates and ages (45 CFR 164.514(e)(2)).
KEPT = {"limited-data-set": (DATE, AGE)}


@dataclass
class TextCounts:
    """What happened to texts; adds up over batches of one part."""

    in_elements: int = 0
    found: Counter[str] = field(default_factory=Counter)
    finders: Counter[str] = field(default_factory=Counter)
    agreeing: Counter[str] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    samples: list[tuple[int, NoteSample]] = field(default_factory=list)


class TextCleaner:
    """Cleans one batch's texts. Chart i, subject i and row i of the batch's People are one patient."""

    def __init__(
        self,
        charts: Charts,
        subjects: Subjects,
        keys: AgreementKeys,
        counts: TextCounts,
        *,
        plan: ReleasePlan,
    ) -> None:
        self._charts, self._subjects, self._keys, self._counts = charts, subjects, keys, counts
        self._second_look = leaks.SecondLook(charts)
        self._point, self._method = plan.operating_point, plan.text_method
        self._kept = KEPT.get(plan.identifiability, ())

    def texts(self, texts: pa.StringArray, patients: npt.NDArray[np.int32]) -> pa.StringArray:
        """Clean texts of elements: displays, comments, answers. Null where one may not leave.

        A label of a few words has no context that a model could read, so it is held against known words alone, and
        what is unknown becomes a tag; a longer text is read like a note.
        """
        short = pc.less(pc.utf8_length(texts), LABEL_CHARACTERS).to_numpy(zero_copy_only=False)
        parts = [self._element(texts, patients, np.flatnonzero(short == label), label=label) for label in (True, False)]
        order = np.argsort(np.concatenate([np.flatnonzero(short), np.flatnonzero(~short)]), kind="stable")
        return pa.concat_arrays(parts).take(pa.array(order))

    def _element(
        self, texts: pa.StringArray, patients: npt.NDArray[np.int32], which: npt.NDArray[np.int64], *, label: bool
    ) -> pa.StringArray:
        chosen, owners = texts.take(pa.array(which)), patients[which]
        cleaned, found = self._clean(chosen, owners, label=label)
        self._counts.in_elements += len(found)
        return cleaned.texts.cast(pa.string())

    def attachments(self, objects: pa.StringArray, patients: npt.NDArray[np.int32]) -> pa.StringArray:
        """Clean Attachments: text is read out of them, cleaned, and put back as plain text; null withholds one."""
        texts, reasons = attachment_texts(objects)
        self._counts.withheld.update(["E-TEXT"] * int(texts.null_count))
        del reasons
        cleaned, found = self._clean(texts, patients, label=False)
        self._count(found)
        self._sample(texts, cleaned, found)
        return attachments_from_texts(objects, cleaned.texts)

    def passages(
        self, texts: pa.StringArray, patients: npt.NDArray[np.int32], places: Places, *, label: bool
    ) -> list[list[str] | None]:
        """Clean texts that stand in pieces; `places` of each, in code points. None where one may not leave.

        `label`: words beside a code. A longer text is read like a note, whatever it is.
        """
        cleaned, found = self._clean(texts, patients, label=label, places=places)
        if label:
            self._counts.in_elements += len(found)
        else:
            self._count(found)
        return pieces_of(cleaned, places)

    def _clean(
        self, texts: Any, patients: npt.NDArray[np.int32], *, label: bool, places: Places | None = None
    ) -> Cleaned:
        def clean(rows: Rows) -> Cleaned:
            whole = len(rows) == len(texts)
            chosen = places if places is None or whole else [places[row] for row in rows.tolist()]
            return self._together(texts if whole else texts.take(pa.array(rows)), patients[rows], chosen, label=label)

        cleaned, failed = clean_apart(clean, len(texts))
        self._counts.withheld["E-TEXT"] += failed
        return cleaned

    def _together(self, texts: Any, patients: npt.NDArray[np.int32], places: Places | None, *, label: bool) -> Cleaned:
        point, language, without = ("strict", LABEL_LANGUAGE, MODEL) if label else (self._point, None, 0)
        found = find(
            texts,
            charts=self._charts,
            chart_of=patients,
            language=language,
            operating_point=point,
            without=without,
        )
        found = _without(found, self._kept)
        if places is not None:
            found = cut_at_pieces(found, places)
        cleaned = scrub(texts, found, self._subjects, patients, method="tag" if label else self._method)
        withheld = self._withheld(cleaned, found, patients)
        return _with_texts(cleaned, _null(cleaned.texts, withheld)), found

    def _withheld(self, cleaned: Scrubbed, found: Found, patients: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
        unsupported = found.language < 0
        survived = self._second_look.survivors(cleaned.texts, patients)
        self._counts.withheld["E-LANGUAGE"] += int(unsupported.sum())
        self._counts.withheld["E-SURVIVOR"] += int((survived & ~unsupported).sum())
        return unsupported | survived

    def _count(self, found: Found) -> None:
        for label, count in zip(*np.unique(found.label, return_counts=True), strict=True):
            self._counts.found[LABELS[int(label)]] += int(count)
        for mask, count in zip(*np.unique(found.finder, return_counts=True), strict=True):
            self._counts.agreeing[str(int(mask))] += int(count)
            for bit, name in enumerate(FINDERS):
                if int(mask) >> bit & 1:
                    self._counts.finders[name] += int(count)

    def _sample(self, texts: pa.Array, cleaned: Scrubbed, found: Found) -> None:
        """Keep the notes whose keyed hash is least: a fair sample that nobody chose, whatever the order."""
        if len(texts) == 0:
            return
        ranks = keyed_hashes(*buffer_of(texts.fill_null("")), self._keys.subkey("sample"))[:, 0]
        usable = np.flatnonzero(cleaned.texts.is_valid().to_numpy(zero_copy_only=False))
        for note in usable[np.argsort(ranks[usable])][:SAMPLES_A_PART].tolist():
            self._counts.samples.append((int(ranks[note]), _sample_of(note, texts, cleaned, found)))
        self._counts.samples.sort(key=lambda pair: pair[0])
        del self._counts.samples[SAMPLES_A_PART:]


def _sample_of(note: int, texts: pa.Array, cleaned: Scrubbed, found: Found) -> NoteSample:
    low, high = np.searchsorted(found.note, [note, note + 1])
    labels = [LABELS[label] for label in found.label[low:high].tolist()]
    low, high = np.searchsorted(cleaned.note, [note, note + 1])
    before = _pieces(texts[note].as_py(), cleaned.start[low:high], cleaned.end[low:high], labels)
    after = _pieces(cleaned.texts[note].as_py(), cleaned.new_start[low:high], cleaned.new_end[low:high], labels)
    return NoteSample(kind="Note", before=before, after=after)


def _pieces(text: str, starts: npt.NDArray[Any], ends: npt.NDArray[Any], labels: Sequence[str]) -> tuple[Piece, ...]:
    pieces, last = [], 0
    for start, end, label in zip(starts.tolist(), ends.tolist(), labels, strict=True):
        pieces += [Piece(text=text[last:start]), Piece(text=text[start:end], label=label)]
        last = end
    return tuple(piece for piece in (*pieces, Piece(text=text[last:])) if piece.text)


def _without(found: Found, labels: Sequence[int]) -> Found:
    if not labels:
        return found
    keep = ~np.isin(found.label, labels)
    return Found(
        found.note[keep], found.start[keep], found.end[keep], found.label[keep], found.finder[keep], found.language
    )


def _null(texts: pa.LargeStringArray, mask: npt.NDArray[np.bool_]) -> pa.LargeStringArray:
    return pc.if_else(pa.array(mask), None, texts) if mask.any() else texts


def _with_texts(cleaned: Scrubbed, texts: pa.LargeStringArray) -> Scrubbed:
    """Give the notes other texts."""
    return Scrubbed(texts, cleaned.note, cleaned.start, cleaned.end, cleaned.new_start, cleaned.new_end)

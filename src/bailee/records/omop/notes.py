"""Notes: the cleaned texts of documents and reports."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.batches import ReleaseBatch
from bailee.records.omop.cdm import finish
from bailee.records.omop.coding import coded
from bailee.records.omop.context import Context
from bailee.records.omop.dates import days, moments
from bailee.records.omop.elements import CODINGS, Elements
from bailee.records.omop.fates import Fates
from bailee.records.omop.ids import names_of
from bailee.records.text.attached import attached_text

# Where a type keeps its text, its kind, its time, its visit, its author.
_WHERE = {
    "DocumentReference": (
        "content.attachment.data",
        "type",
        ("date", "context.period.start"),
        ("context.encounter.reference",),
        ("author.reference", "authenticator.reference"),
    ),
    "DiagnosticReport": (
        "presentedForm.data",
        "code",
        ("effectiveDateTime", "effectivePeriod.start", "issued"),
        ("encounter.reference",),
        ("resultsInterpreter.reference", "performer.reference"),
    ),
}
NOTE_KINDS = tuple(sorted(_WHERE))
_CONCLUSION = "conclusion"
_TYPE, _UTF8, _ENGLISH = 32831, 32678, 4180186


def notes(kind: str, batch: ReleaseBatch, context: Context) -> tuple[list[tuple[str, pa.Table]], Fates]:
    """Make a note of each text. Shape: n records → tables by name, n fates."""
    text, code, when, visit, author = _WHERE[kind]
    paths = (
        text,
        _CONCLUSION,
        "status",
        "language",
        *(f"{code}.{member}" for member in CODINGS),
        *when,
        *visit,
        *author,
    )
    elements = Elements.of(kind, batch, paths)
    fates = Fates(len(batch))
    fates.stop(elements.any_of("status", ("entered-in-error",)), "entered-in-error")
    place = context.first(elements, visit, context.visits.place)
    start = pc.coalesce(days(elements.first(*when)), context.visits.start.take(place))
    person = context.person(batch.rows["patient"])
    fates.stop(person.is_null().to_numpy(zero_copy_only=False), "no-person")
    record, texts = _texts(elements, text)
    has_text = np.bincount(record, minlength=len(batch)) > 0
    fates.stop(~has_text, "no-text")
    fates.stop(start.is_null().to_numpy(zero_copy_only=False), "no-date")
    kept = fates.going[record]
    record, texts = record[kept], texts.filter(pa.array(kept))
    fates.land(record, "note")
    kinds = coded(elements.codings(code), elements.count, context.vocabulary)
    english = pc.fill_null(pc.starts_with(elements.first("language"), "en"), fill_value=False)
    by_record = {
        "person_id": person,
        "note_date": start,
        "note_datetime": moments(elements.first(*when)),
        "note_class_concept_id": pc.fill_null(kinds.first, 0),
        "language_concept_id": pc.if_else(english, pa.scalar(_ENGLISH, pa.int32()), pa.scalar(0, pa.int32())),
        "provider_id": context.first(elements, author, context.shared.providers),
        "visit_occurrence_id": context.visits.visit.take(place),
        "visit_detail_id": context.visits.detail.take(place),
        "note_source_value": kinds.code,
    }
    at = pa.array(record)
    columns = {name: column.take(at) for name, column in by_record.items()} | {
        "note_id": _ids(names_of(kind, batch.rows["id"]).take(at), record, context),
        "note_text": texts,
        "note_type_concept_id": pa.array([_TYPE] * len(record), pa.int32()),
        "encoding_concept_id": pa.array([_UTF8] * len(record), pa.int32()),
    }
    return [("note", finish("note", columns, len(record)))], fates


def _texts(elements: Elements, path: str) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], pa.Array]:
    """Give the attached texts, and of a report without one its conclusion, in order of record."""
    record, encoded = elements.texts(path)
    decoded = pa.array([attached_text(text) for text in encoded.to_pylist()], pa.string())
    readable = decoded.is_valid()
    record, decoded = record[readable.to_numpy(zero_copy_only=False)], decoded.drop_null()
    other, conclusions = elements.texts(_CONCLUSION)
    alone = ~np.isin(other, record)
    rows = np.concatenate([record, other[alone]])
    order = np.argsort(rows, kind="stable")
    texts = pa.concat_arrays([decoded, conclusions.filter(pa.array(alone))])
    return rows[order], texts.take(pa.array(order))


def _ids(names: pa.Array, record: np.ndarray[tuple[int], np.dtype[np.int64]], context: Context) -> pa.Array:
    ordinal = np.arange(len(record)) - np.searchsorted(record, record)
    rank = pc.binary_join_element_wise("/", pa.array(ordinal).cast(pa.string()), "")
    return context.ids.of(pc.binary_join_element_wise(names, pc.if_else(pa.array(ordinal > 0), rank, ""), ""))

"""The `notes` table: one row a released text, for people who want text and not FHIR."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of
from bailee.records.text.attached import attached_text
from bailee.records.walk import Bytes, Kind, Numbers, Paths, collect

# Where a type keeps its texts and its encounter, and the flat columns that say what kind of note it is, and when.
NOTE_TYPES = {
    "DocumentReference": (
        "content.attachment.data",
        "context.encounter.reference",
        "type_code",
        "type_display",
        "date",
    ),
    "DiagnosticReport": (
        "presentedForm.data",
        "encounter.reference",
        "code_code",
        "code_display",
        "effectiveDateTime",
    ),
}
NOTES_SCHEMA = pa.schema(
    [
        ("id", pa.string()),  # of the record that holds the note
        ("patient", pa.string()),
        ("type", pa.string()),
        ("type_display", pa.string()),
        ("date", pa.string()),
        ("encounter", pa.string()),
        ("text", pa.string()),
    ]
)
_TEXT, _ENCOUNTER = 0, 1


def notes_of(kind: str, flat: pa.Table, buffer: Bytes, offsets: Numbers) -> pa.Table:
    """Take the texts out of records of one type. Shape: m texts of the n records → at most m rows of NOTES_SCHEMA.

    An attachment that is no text, which only identified data can have, is in the FHIR records alone.
    """
    text, encounter, *columns = NOTE_TYPES[kind]
    found = collect(buffer, offsets, Paths({(kind, text): _TEXT, (kind, encounter): _ENCOUNTER}))
    notes = found.tagged(_TEXT, kind=Kind.STRING)
    found_texts = [attached_text(buffer[start:end].data) for start, end in zip(notes.start, notes.end, strict=True)]
    texts = pa.array(found_texts, pa.string())
    legible = texts.is_valid()
    record = pa.array(notes.record.astype(np.int64)).filter(legible)
    rows = flat.select(["id", "patient", *columns]).take(record)
    encounters = found.tagged(_ENCOUNTER, kind=Kind.STRING).first_texts(buffer, len(offsets) - 1)
    return pa.table(
        [*rows.columns, encounters.take(record), texts.filter(legible)],
        NOTES_SCHEMA,
    )


def count_notes(rows: pa.RecordBatch) -> int:
    """Count the texts that records carry."""
    paths = Paths({(kind, columns[0]): _TEXT for kind, columns in NOTE_TYPES.items()})
    noted = rows.filter(pc.is_in(rows["type"], pa.array(list(NOTE_TYPES))))
    return len(collect(*buffer_of(noted["json"]), paths))

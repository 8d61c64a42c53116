"""The patients of one partition as a release sees them: pseudonym, date offset, whether ninety or older."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of
from bailee.core.keys import AgreementKeys
from bailee.deid.structure.people import People
from bailee.records.walk import Collected, Paths, collect

_ID, _BIRTH, _DEATH = range(3)
_PATHS = Paths({("Patient", "id"): _ID, ("Patient", "birthDate"): _BIRTH, ("Patient", "deceasedDateTime"): _DEATH})
_YEAR = r"^(?P<year>\d{4})(?:-|$)"


def people_of(
    patients: pa.StringArray, records: pa.RecordBatch, roots: dict[str, bytes], keys: AgreementKeys, *, as_of: str
) -> People:
    """Make the table of a partition's patients. Shape: distinct ids string[n], records of whole charts → n rows."""
    known = [roots[patient] for patient in patients.to_pylist()]
    return People(
        ids=patients,
        pseudonyms=pa.array([keys.pseudonym(root) for root in known], pa.string()),
        shift_days=np.array([keys.shift_days(root) for root in known], np.int32),
        ninety=ninety_or_more(patients, records, as_of=as_of),
    )


def ninety_or_more(patients: pa.StringArray, records: pa.RecordBatch, *, as_of: str) -> npt.NDArray[np.bool_]:
    """Tell who reaches ninety in the year of death, or by `as_of`; a birth date that cannot be read counts as yes.

    Whole years are compared, since a year is all that may leave: a birth year that could mean ninety does not.
    Source: 45 CFR 164.514(b)(2)(i)(C).
    """
    rows = records.filter(pc.equal(records["type"], "Patient"))
    buffer, offsets = buffer_of(rows["json"])
    found = collect(buffer, offsets, _PATHS)
    born, died = (_years(found.tagged(tag), buffer, len(rows)) for tag in (_BIRTH, _DEATH))
    until = np.where(died > 0, died, int(as_of[:4]))
    stated = np.zeros(len(rows), np.bool_)
    stated[found.tagged(_BIRTH).record] = True
    old = stated & ((born <= 0) | (until - born >= 90))
    at = pc.fill_null(pc.index_in(patients, value_set=rows["id"].cast(pa.string())), -1).to_numpy()
    return np.where(at >= 0, np.append(old, True)[at], True)


def _years(found: Collected, buffer: npt.NDArray[np.uint8], count: int) -> npt.NDArray[np.int64]:
    texts = pc.struct_field(pc.extract_regex(found.texts(buffer), _YEAR), "year")
    years = np.zeros(count, np.int64)
    years[found.record] = pc.fill_null(texts.cast(pa.int64()), 0).to_numpy(zero_copy_only=False)
    return years

"""Whose a record is: the patient that it refers to by its surest path. FHIR R4's Patient compartment, and no guess."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.r4 import patient_paths
from bailee.records.walk import Bytes, Collected

_PATIENT: Final = r"(?:^|/)Patient/(?P<id>[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?$"


def owner_paths(kind: str) -> tuple[str, ...]:
    """Give the paths to the references that tell whose a record of a type is, the surest first."""
    return tuple(f"{path}.reference" for path in patient_paths(kind))


def patients_of(referring: Collected, rank: npt.NDArray[np.integer], buffer: Bytes, count: int) -> pa.StringArray:
    """Tell each record's patient by its surest path; null where there is none, or more than one.

    Shape: values at `owner_paths`, int[m] (which of the paths), of `count` records → string[count].
    Source: FHIR R4 Patient compartment. Cost: one expression for each different reference.
    """
    said = referring.texts(buffer).dictionary_encode()
    coded = pc.struct_field(pc.extract_regex(said.dictionary, _PATIENT), "id").dictionary_encode()
    number = pc.fill_null(coded.indices, -1).to_numpy().astype(np.int64)[said.indices.to_numpy()]
    known = number >= 0
    record, ranks, code = referring.record[known], rank[known], number[known]
    best = np.full(count, np.iinfo(np.int32).max, np.int64)
    np.minimum.at(best, record, ranks)
    surest = ranks == best[record]
    least, most = np.full(count, np.iinfo(np.int64).max), np.full(count, -1, np.int64)
    np.minimum.at(least, record[surest], code[surest])
    np.maximum.at(most, record[surest], code[surest])
    at = np.where(least == most, most, -1)
    return coded.dictionary.take(pa.array(at, mask=at < 0)).cast(pa.string())

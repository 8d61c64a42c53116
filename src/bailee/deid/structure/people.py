"""The patients of a batch: what their ids become, how far their dates move, who is ninety or older."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import buffer_of
from bailee.core.errors import Invalid
from bailee.core.kernels import address
from bailee.records.names import NameSpaceView, NameTable, TextIndex


class PeopleView(ctypes.Structure):
    """Addresses of a People table. Mirrors `rewrite_people`."""

    _fields_ = (
        ("ids", NameSpaceView),
        ("table", NameTable),
        ("pseudonyms", ctypes.c_void_p),
        ("pseudonym_offsets", ctypes.c_void_p),
        ("shift_days", ctypes.c_void_p),
        ("ninety", ctypes.c_void_p),
    )


@dataclass(frozen=True, repr=False)
class People:
    """Patients by logical id, each once. A profile that keeps references to other patients needs those here, too.

    Shape: ids string[n], pseudonyms string[n] (plain ASCII, a FHIR id), shift_days int32[n], ninety bool[n].
    `ninety`: 90 or older at any time of the record, so that the year of birth may not leave.
    Raises: Invalid for a repeated id, columns of other lengths, nulls, or a pseudonym that is no FHIR id.
    """

    ids: pa.StringArray
    pseudonyms: pa.StringArray
    shift_days: npt.NDArray[np.int32]
    ninety: npt.NDArray[np.bool_]

    def __post_init__(self) -> None:
        if len({len(self.ids), len(self.pseudonyms), len(self.shift_days), len(self.ninety)}) != 1:
            raise Invalid("a table of patients whose columns differ in length")
        if self.ids.null_count or self.pseudonyms.null_count:
            raise Invalid("a table of patients with missing ids or pseudonyms")
        if not pc.all(pc.match_substring_regex(self.pseudonyms, r"^[A-Za-z0-9.\-]{1,64}$"), min_count=0).as_py():
            raise Invalid("a pseudonym that is not a FHIR id", remedy="Use 1 to 64 letters, digits, dots or hyphens.")

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"People({len(self)})"

    def rows_of(self, patients: pa.StringArray) -> npt.NDArray[np.int32]:
        """Find patients by id. Shape: string[m] → int32[m]: rows of this table, -1 for null.

        Raises: Invalid if a patient is not in the table.
        """
        rows = np.asarray(pc.fill_null(pc.index_in(patients, value_set=self.ids), -1), np.int32)
        strangers = int(np.count_nonzero(rows < 0)) - patients.null_count
        if strangers:
            raise Invalid(f"{strangers} records of patients who are not in the table of patients")
        return rows


class PeopleTable:
    """A People table laid out for the rewriter; keeps the memory that `view` points into."""

    def __init__(self, people: People) -> None:
        self._index = TextIndex(people.ids)
        self._pseudonyms, self._offsets = buffer_of(people.pseudonyms)
        self._shift = np.ascontiguousarray(people.shift_days, np.int32)
        self._ninety = np.ascontiguousarray(people.ninety, np.uint8)
        columns: tuple[npt.NDArray[Any], ...] = (self._pseudonyms, self._offsets, self._shift, self._ninety)
        self.view = PeopleView(self._index.view(), self._index.table(), *[address(column) for column in columns])

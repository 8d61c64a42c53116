"""Values that the rewriter hands out: free text, attachments, rare methods. Each different one is asked once a patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.columns import Bytes, Offsets, buffer_of, column_of, gather
from bailee.core.errors import Invalid
from bailee.deid.structure.plan import Action
from bailee.records.walk import strings

Patients = npt.NDArray[np.int32]
Clean = Callable[[pa.StringArray, Patients], pa.StringArray]
Method = Callable[[str, pa.StringArray, Patients], pa.StringArray]


@dataclass(frozen=True, repr=False)
class Holes:
    """Where values were taken out, in the records' order. `patient` is a row of People, or -1."""

    kind: npt.NDArray[np.uint8]  # Action
    argument: npt.NDArray[np.int32]
    patient: Patients
    start: Offsets
    end: Offsets

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, repr=False)
class Filled:
    """What came back: for each hole the number of a value, -1 for none; and the values, end to end."""

    value: npt.NDArray[np.int32]
    content: Bytes
    offsets: Offsets


def fill(
    holes: Holes,
    buffer: Bytes,
    arguments: Callable[[int], str],
    *,
    clean_text: Clean,
    clean_attachment: Clean,
    method: Method,
) -> Filled:
    """Ask for every hole's value: by kind and method, for each different (value, patient) once, first met first."""
    value = np.full(len(holes), -1, np.int32)
    answers: list[pa.StringArray] = []
    first = 0
    for kind, argument in sorted(set(zip(holes.kind.tolist(), _method_of(holes).tolist(), strict=True))):
        mask = (holes.kind == kind) & (_method_of(holes) == argument)
        values = _texts(holes, mask, buffer) if kind == Action.TEXT else _slices(holes, mask, buffer)
        distinct, patients, which = _unique(values, holes.patient[mask])
        if kind == Action.TEXT:
            answer = clean_text(distinct, patients)
        elif kind == Action.ATTACHMENT:
            answer = clean_attachment(distinct, patients)
        else:
            answer = method(arguments(argument), distinct, patients)
        if len(answer) != len(distinct):
            raise Invalid("a cleaner that gave back another number of values")
        value[mask] = np.where(np.asarray(answer.is_valid())[which], which + first, -1)
        answers.append(answer.cast(pa.large_string()))
        first += len(answer)
    content, offsets = buffer_of(pa.concat_arrays(answers) if answers else pa.array([], pa.large_string()))
    return Filled(value, np.ascontiguousarray(content), np.ascontiguousarray(offsets))


def _method_of(holes: Holes) -> npt.NDArray[np.int32]:
    return np.where(holes.kind == Action.METHOD, holes.argument, -1).astype(np.int32)


def _texts(holes: Holes, mask: npt.NDArray[np.bool_], buffer: Bytes) -> pa.StringArray:
    return strings(buffer, holes.start[mask], holes.end[mask])


def _slices(holes: Holes, mask: npt.NDArray[np.bool_], buffer: Bytes) -> pa.StringArray:
    """Copy raw JSON out of the records."""
    content, offsets = gather(buffer, holes.start[mask], holes.end[mask])
    return column_of(content, offsets, pa.large_string()).cast(pa.string())


def _unique(values: pa.StringArray, patients: Patients) -> tuple[pa.StringArray, Patients, npt.NDArray[np.int32]]:
    """Find different (value, patient) pairs. Shape: m → k values, k patients, int32[m] numbers of pairs."""
    coded = values.dictionary_encode()
    people = int(patients.max(initial=-1)) + 2
    pairs = np.asarray(coded.indices).astype(np.int64) * people + patients + 1
    pair_coded = pa.array(pairs).dictionary_encode()
    pair = np.asarray(pair_coded.dictionary)
    return (
        coded.dictionary.take(pa.array(pair // people)),
        (pair % people - 1).astype(np.int32),
        np.asarray(pair_coded.indices),
    )

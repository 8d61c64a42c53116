"""Disclosures: which patients a leaf concerns, committed to without naming them; rows lie in the stores.

commitment  = SHA-256("bailee/subj/v1" ‖ salt ‖ patient)     salt = BLAKE2b(key of the month, secret of the row)
subject leaf = commitment ‖ n ‖ prev ‖ mask                   n-th leaf of that patient, hash of the one before

The Merkle root of the subject leaves stands in the ledger's leaf. Without a row's secret, or without the
month's key, a commitment says nothing, and all proofs stay valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.errors import Invalid
from bailee.ledger.merkle import HASH_BYTES, hash_at, leaf_hash

PREFIX = b"bailee/subj/v1"
SECRET_BYTES = 32
FIRST = bytes(HASH_BYTES)
MOST_DATA_TYPES = 62


class SaltKeys(Protocol):
    """Gives the erasable key of a month."""

    def key(self, month: str) -> bytes:
        """Give 32 bytes for a month like 2026-11, made at first use. Raises: Unavailable if it was shredded."""
        ...


@dataclass(frozen=True, repr=False)
class Subjects:
    """The subject leaves of one ledger leaf, as columns. Shape: n rows; commitments, prevs and hashes are packed."""

    commitments: bytes
    numbers: npt.NDArray[np.int64]
    prevs: bytes
    masks: npt.NDArray[np.int64]
    hashes: bytes

    def __len__(self) -> int:
        return len(self.numbers)


def month_of(at_ms: int) -> str:
    """Name the month of a time, in UTC. Example: `month_of(0)` is '1970-01'."""
    return f"{datetime.fromtimestamp(at_ms / 1000, tz=UTC):%Y-%m}"


def salt_of(key: bytes, secret: bytes) -> bytes:
    """Derive a row's salt; give it to the patient and to nobody else."""
    return blake2b(secret, digest_size=32, key=key).digest()


def commitment(salt: bytes, patient: str) -> bytes:
    """Commit to a patient. Source: 32 random bytes of salt make it hiding, SHA-256 makes it binding."""
    return sha256(PREFIX + salt + patient.encode()).digest()


def subject_leaf(committed: bytes, number: int, prev: bytes, mask: int) -> bytes:
    """Write a subject leaf. Shape: 80 bytes; integers big-endian."""
    return committed + number.to_bytes(8, "big") + prev + mask.to_bytes(8, "big")


def subjects_of(
    patients: Sequence[str],
    secrets: bytes,
    key: bytes,
    *,
    numbers: npt.NDArray[np.int64],
    prevs: bytes,
    masks: npt.NDArray[np.int64],
) -> Subjects:
    """Commit to many patients. Shape: all of n rows, in the order given. Cost: three hashes a row."""
    size = SECRET_BYTES
    salts = [blake2b(secrets[at : at + size], digest_size=32, key=key).digest() for at in range(0, len(secrets), size)]
    committed = [
        sha256(PREFIX + salt + patient.encode()).digest() for salt, patient in zip(salts, patients, strict=True)
    ]
    counts = numbers.astype(">i8").tobytes()
    marks = masks.astype(">i8").tobytes()
    hashes = [
        sha256(
            b"\x00" + item + counts[8 * at : 8 * at + 8] + prevs[32 * at : 32 * at + 32] + marks[8 * at : 8 * at + 8]
        ).digest()
        for at, item in enumerate(committed)
    ]
    return Subjects(b"".join(committed), numbers, prevs, masks, b"".join(hashes))


def next_link(committed: bytes, number: int, prev: bytes, mask: int) -> tuple[int, bytes]:
    """Give the number and the link that the patient's next subject leaf carries."""
    return number + 1, leaf_hash(subject_leaf(committed, number, prev, mask))


def patient_column(patients: pa.Table) -> pa.Array:
    """Take the patients of a table. Raises: Invalid without a `patient` column of text without nulls or blanks."""
    if "patient" not in patients.column_names:
        raise Invalid("disclosures without a column `patient`", remedy="Give a table with patient: string.")
    column = patients["patient"].combine_chunks().cast(pa.string())
    if column.null_count or (len(column) and pc.any(pc.equal(column, "")).as_py()):
        raise Invalid("disclosures with rows that name no patient", remedy="Every row needs its patient.")
    return column


def data_masks(patients: pa.Table, data: Sequence[str]) -> npt.NDArray[np.int64]:
    """Turn each patient's types of data into bits of `data`; without a column, every patient has them all.

    Raises: Invalid for more than 62 types or a type that `data` does not name.
    """
    if len(data) > MOST_DATA_TYPES:
        raise Invalid(f"more than {MOST_DATA_TYPES} types of data", remedy="Group them, like `laboratory`.")
    if "data" not in patients.column_names:
        return np.full(patients.num_rows, (1 << len(data)) - 1, np.int64)
    column = patients["data"].combine_chunks()
    masks = np.zeros(len(column), np.int64)
    positions = pc.index_in(column.flatten(), pa.array(list(data), pa.string()))
    if positions.null_count:
        raise Invalid("a type of data that the release does not name", remedy="List it in the release's data.")
    rows = pc.list_parent_indices(column).to_numpy(zero_copy_only=False)
    np.bitwise_or.at(masks, rows, np.int64(1) << positions.to_numpy(zero_copy_only=False).astype(np.int64))
    return masks


def data_of(mask: int, data: Sequence[str]) -> tuple[str, ...]:
    """Turn bits back into names."""
    return tuple(name for bit, name in enumerate(data) if mask >> bit & 1)


def row_of(rows: Subjects, index: int) -> tuple[bytes, int, bytes, int]:
    """Take one row: commitment, number, link, bits."""
    return (
        hash_at(rows.commitments, index),
        int(rows.numbers[index]),
        hash_at(rows.prevs, index),
        int(rows.masks[index]),
    )

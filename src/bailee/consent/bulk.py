"""The same decisions for millions of patients at once: set operations, and the one evaluator for each distinct body.

`decide_patients` is `evaluate.decide_patient` of every row; a test holds it.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.directives import check_directives, check_owned, rule_of
from bailee.consent.evaluate import Snapshot, refuse_by
from bailee.consent.rules import Rule, has_permission, reach
from bailee.core.grants import Ask

PATIENT_ANSWERS = pa.schema(
    [
        pa.field("patient", pa.string()),
        pa.field("permitted", pa.bool_(), nullable=False),
        pa.field("reasons", pa.list_(pa.string())),  # null where permitted
    ]
)
UNMAPPED = ("E-UNMAPPED",)
NO_CONSENT = ("E-NOCONSENT",)
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int32]


class Said(IntEnum):
    """What one directive says of all of its patient's records."""

    NOTHING = 0
    PERMITS = 1
    REFUSES = 2
    DEPENDS = 3  # on the record


def decide_patients(
    patients: pa.Array, directives: pa.Table | Spoken, ask: Ask, snapshot: Snapshot, at_ms: int
) -> pa.Table:
    """Decide for each patient whether anything at all may leave.

    Shape: string[n], DIRECTIVES[m] → PATIENT_ANSWERS[n], same order. `snapshot` holds the grants and the house
    rules; patients' rules are the directives, which may be given evaluated (`Spoken.of`) where patients come in
    batches. Units: milliseconds since the epoch. Raises: Invalid for directives of another schema; Denied if a directive names no patient.
    Cost: O(n + m), and one evaluation per distinct body.
    """
    spoken = directives if isinstance(directives, Spoken) else Spoken.of(directives, ask, at_ms)
    lists, place = spoken.lists, np.full(len(patients), -1, np.int32)
    gate = snapshot.gate(ask)
    if not gate.opens.holds(at_ms):
        place[:] = lists.of(gate.refusal(at_ms).reasons)
    else:
        house = house_refusal(snapshot.house, ask, at_ms)
        place = spoken.place(patients, needs_permit=gate.needs_permit)
        if house:
            place[:] = lists.of(house)
        place[is_blank(patients)] = lists.of(UNMAPPED)
    return pa.Table.from_arrays([patients, pa.array(place < 0), lists.take(place)], schema=PATIENT_ANSWERS)


def house_refusal(house: tuple[Rule, ...], ask: Ask, at_ms: int) -> tuple[str, ...]:
    """Give the reasons for which the house refuses every record of everybody; none where it does not."""
    denies = [rule for rule in house if reach(rule, ask, at_ms).whole == "deny"]
    return refuse_by(denies).reasons if denies else ()


def is_blank(patients: pa.Array) -> Mask:
    """Tell which rows name no patient. Shape: string[n] → bool[n]."""
    found: Mask = pc.fill_null(pc.equal(patients, ""), fill_value=True).to_numpy(zero_copy_only=False)
    return found


class Spoken:
    """What a table of directives says about one ask at one moment, by patient."""

    def __init__(self, directives: pa.Table, said: npt.NDArray[np.int8]) -> None:
        own = _permitting(directives)
        self.lists = ReasonLists(directives.filter(pa.array(said == Said.REFUSES)))
        self._permitting = self._names(directives, own & ((said == Said.PERMITS) | (said == Said.DEPENDS)))
        self._depending = self._names(directives, said == Said.DEPENDS)

    @classmethod
    def of(cls, directives: pa.Table, ask: Ask, at_ms: int) -> Spoken:
        """Evaluate the directives. Raises: Invalid for another schema; Denied if one names no patient."""
        directives = check_directives(directives)
        check_owned(directives)
        return cls(directives, what_is_said(directives, ask, at_ms))

    def place(self, patients: pa.Array, *, needs_permit: bool) -> Places:
        """Point each patient to the reasons of a refusal, -1 where there is none. Shape: string[n] → int32[n]."""
        place = self.lists.place_of(patients)
        if needs_permit:
            permitted: Mask = pc.is_in(patients, value_set=self._permitting).to_numpy(zero_copy_only=False)
            place[(place < 0) & ~permitted] = self.lists.of(NO_CONSENT)
        return place

    def depends(self, patients: pa.Array) -> Mask:
        """Tell whose records must be looked at one by one. Shape: string[n] → bool[n]."""
        found: Mask = pc.is_in(patients, value_set=self._depending).to_numpy(zero_copy_only=False)
        return found

    @staticmethod
    def _names(directives: pa.Table, keep: Mask) -> pa.Array:
        return pc.unique(directives.filter(pa.array(keep)).column("patient"))


def what_is_said(directives: pa.Table, ask: Ask, at_ms: int) -> npt.NDArray[np.int8]:
    """Tell what each directive says of its patient as a whole. Shape: checked DIRECTIVES[m] → int8[m] of Said."""
    if directives.num_rows == 0:
        return np.zeros(0, np.int8)
    body = directives.column("body").chunk(0)
    by_body = np.array([_said(text, ask, at_ms) for text in body.dictionary.to_pylist()], np.int8)
    said: npt.NDArray[np.int8] = by_body[body.indices.to_numpy()]
    begins = directives.column("not_before").to_numpy()
    ends = directives.column("not_after").to_numpy()
    said[(at_ms < begins) | (at_ms >= ends)] = Said.NOTHING
    return said


def _said(body: str, ask: Ask, at_ms: int) -> Said:
    found = reach(rule_of(body), ask, at_ms)
    if found.depends:
        return Said.DEPENDS
    return {None: Said.NOTHING, "permit": Said.PERMITS, "deny": Said.REFUSES}[found.whole]


def _permitting(directives: pa.Table) -> Mask:
    """Tell which directives may permit: patients' own with a permission in them; the hospital's is not the patient's."""
    if directives.num_rows == 0:
        return np.zeros(0, np.bool_)
    body = directives.column("body").chunk(0)
    rules = [rule_of(text) for text in body.dictionary.to_pylist()]
    may = np.array([rule.layer == "patient" and has_permission(rule) for rule in rules], np.bool_)
    chosen: Mask = may[body.indices.to_numpy()]
    return chosen


class ReasonLists:
    """Lists of reasons, each once; rows point to theirs by its place, -1 for none."""

    def __init__(self, refused: pa.Table) -> None:
        self._patients = pc.unique(refused.column("patient"))
        rows = pc.index_in(refused.column("patient"), value_set=self._patients).to_numpy()
        offsets, tokens = _grouped(rows, _tokens(refused), len(self._patients))
        self._lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), tokens)
        self._others: dict[tuple[str, ...], int] = {}

    def of(self, reasons: tuple[str, ...]) -> int:
        """Give the place of a list, adding it where it is new."""
        return self._others.setdefault(reasons, len(self._lists) + len(self._others))

    def place_of(self, patients: pa.Array) -> Places:
        """Point each patient to what its own directives refuse. Shape: string[n] → int32[n]."""
        found = pc.index_in(patients, value_set=self._patients, skip_nulls=True)
        return np.array(pc.fill_null(found, -1).to_numpy(zero_copy_only=False), np.int32)

    def take(self, place: Places) -> pa.Array:
        """Give the lists at these places, null for -1. Shape: int32[n] → list<string>[n]."""
        others = pa.array([list(one) for one in self._others], pa.list_(pa.string()))
        return pa.concat_arrays([self._lists, others]).take(pa.array(place, mask=place < 0))


def _tokens(refused: pa.Table) -> pa.Array:
    """Write each refusing directive's code, with its id where the code has one."""
    if refused.num_rows == 0:
        return pa.array([], pa.string())
    body = refused.column("body").combine_chunks()
    codes = pa.array([rule_of(text).code for text in body.dictionary.to_pylist()], pa.string()).take(body.indices)
    ids = refused.column("id").combine_chunks()
    return pc.if_else(pc.equal(codes, "E-DENY"), pc.binary_join_element_wise(codes, ids, ":"), codes)


def _grouped(rows: Places, tokens: pa.Array, count: int) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Sort tokens inside their patients, each once. Shape: int32[m], string[m] → offsets[count + 1], string[≤m]."""
    encoded = tokens.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    pairs = np.unique(rows.astype(np.int64) * max(1, len(rank)) + rank[encoded.indices.to_numpy()])
    owner, place = np.divmod(pairs, max(1, len(rank)))
    return np.searchsorted(owner, np.arange(count + 1)), encoded.dictionary.take(order).take(pa.array(place))

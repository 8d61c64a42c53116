"""The same decisions for whole batches of records; only records that something could single out are read one by one.

`decide_records` is `evaluate.decide` of every row; a test holds it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.bulk import UNMAPPED, Mask, Places, ReasonLists, Spoken, house_refusal, is_blank
from bailee.consent.directives import of_patients, rules_from_directives
from bailee.consent.evaluate import Snapshot, belongs_to_nobody, decide
from bailee.consent.facts import item_of, references_of
from bailee.consent.rules import Item, Rule, reach
from bailee.core.canonical import strict_json
from bailee.core.errors import Invalid
from bailee.core.grants import Ask

RECORD_ANSWERS = pa.schema(
    [
        pa.field("permitted", pa.bool_(), nullable=False),
        pa.field("reasons", pa.list_(pa.string())),  # null where permitted
    ]
)
OUTSIDE = ("E-SCOPE-FIELD",)


def decide_records(records: pa.RecordBatch, directives: pa.Table, ask: Ask, snapshot: Snapshot, at_ms: int) -> pa.Table:
    """Decide for each record whether it may leave.

    Shape: RECORDS[n], DIRECTIVES[m] → RECORD_ANSWERS[n], same order. All records of a patient come in one batch,
    and each has passed `records.walk.check`. Units: milliseconds since the epoch.
    Raises: Invalid for directives of another schema; Denied if a directive names no patient.
    Cost: O(n + m); beside that, only records that a rule or a protected category may single out are read.
    """
    spoken = Spoken.of(directives, ask, at_ms)
    gate = snapshot.gate(ask)
    if not gate.opens.holds(at_ms):
        place = np.full(records.num_rows, spoken.lists.of(gate.refusal(at_ms).reasons), np.int32)
        return _answers(place, spoken.lists)
    place, closed, nobodys = _by_patient(records, spoken, ask, snapshot, at_ms)
    singled = _singled_out(records, place, spoken, ask, snapshot, at_ms) & ~closed
    rows = np.flatnonzero(singled)
    if len(rows):
        chosen = with_rules(snapshot, records, rows, directives)
        for row, item in zip(rows.tolist(), items_of(records, rows, chosen), strict=True):
            answer = decide(None if nobodys[row] else item.patients[0], item, ask, chosen, at_ms)
            place[row] = -1 if answer.permit else spoken.lists.of(answer.reasons)
    return _answers(place, spoken.lists)


def with_rules(snapshot: Snapshot, records: pa.RecordBatch, rows: Iterable[int], directives: pa.Table) -> Snapshot:
    """Give the snapshot with the rules of the patients of these rows, taken from the directives."""
    patients = pc.unique(records.column("patient").take(pa.array(list(rows), pa.int64())))
    rules: dict[str, tuple[Rule, ...]] = {}
    for patient, rule in rules_from_directives(of_patients(directives, patients)):
        assert patient is not None  # a table with orphans was refused
        rules[patient] = (*rules.get(patient, ()), rule)
    return Snapshot(grants=snapshot.grants, rules=rules, house=snapshot.house, sensitivity=snapshot.sensitivity)


def items_of(records: pa.RecordBatch, rows: Iterable[int], snapshot: Snapshot) -> list[Item]:
    """Read some records of a batch as rules see them; who refers to whom is looked up in the whole batch.

    Shape: RECORDS[n], row numbers[k] → k items. `snapshot` holds the rules of their patients.
    """
    targets = _targets(rule for rules in (*snapshot.rules.values(), snapshot.house) for rule in rules)
    referring = _references_of(records, targets)
    house = _targets(snapshot.house)
    found = []
    for row in records.take(pa.array(list(rows), pa.int64())).to_pylist():
        own = house | _targets(snapshot.rules.get(row["patient"], ()))
        referred_by: frozenset[str] | None = None
        if own <= referring.keys():
            reference = f"{row['type']}/{row['id']}"
            referred_by = frozenset(target for target in own if reference in referring[target])
        item = item_of(
            row["json"],
            type_=row["type"],
            id_=row["id"],
            patient=row["patient"],
            sensitivity=snapshot.sensitivity,
            referred_by=referred_by,
        )
        found.append(item)
    return found


def _by_patient(
    records: pa.RecordBatch, spoken: Spoken, ask: Ask, snapshot: Snapshot, at_ms: int
) -> tuple[Places, Mask, Mask]:
    """Decide by patient and type. Gives places, rows that nothing can change any more, rows that are nobody's."""
    patients, lists = records.column("patient"), spoken.lists
    types = records.column("type").dictionary_encode()
    names, kind = types.dictionary.to_pylist(), types.indices.to_numpy()
    blank = is_blank(patients)
    nobodys = blank & np.array([belongs_to_nobody(name) for name in names], np.bool_)[kind]
    outside = ~np.array([name in ask.types for name in names], np.bool_)[kind]
    place = spoken.place(patients, needs_permit=snapshot.gate(ask).needs_permit)
    place[nobodys] = -1
    house = house_refusal(snapshot.house, ask, at_ms)
    if house:
        place[:] = lists.of(house)
    place[outside] = lists.of(OUTSIDE)
    place[blank & ~nobodys] = lists.of(UNMAPPED)
    return place, outside | (blank & ~nobodys), nobodys


def _singled_out(
    records: pa.RecordBatch, place: Places, spoken: Spoken, ask: Ask, snapshot: Snapshot, at_ms: int
) -> Mask:
    """Tell which records must be read: something in them may change the answer."""
    if any(reach(rule, ask, at_ms).depends for rule in snapshot.house):
        return np.full(records.num_rows, fill_value=True)
    found = spoken.depends(records.column("patient"))
    protected = snapshot.gate(ask).protected
    if protected:
        pattern = snapshot.sensitivity.pattern(protected)
        hits: Mask = pc.match_substring_regex(records.column("json"), pattern).to_numpy(zero_copy_only=False)
        found = found | (hits & (place < 0))
    return found


def _targets(rules: Iterable[Rule]) -> frozenset[str]:
    """Give the records that rules mean together with all that these refer to, exceptions' too."""
    found: set[str] = set()
    for rule in rules:
        found |= {token.removeprefix("related:") for token in rule.data if token.startswith("related:")}
        found |= _targets(rule.exceptions)
    return frozenset(found)


def _references_of(records: pa.RecordBatch, targets: frozenset[str]) -> dict[str, frozenset[str]]:
    """Give what each target refers to; a target that is not in the batch, or cannot be read, is left out."""
    if not targets:
        return {}
    names = pc.binary_join_element_wise(records.column("type"), records.column("id"), "/")
    wanted = sorted(targets)
    places = pc.index_in(pa.array(wanted), value_set=names).to_pylist()
    found = {}
    for target, place in zip(wanted, places, strict=True):
        if place is None:
            continue
        try:
            found[target] = references_of(strict_json(records.column("json")[place].as_py()))
        except (Invalid, ValueError):
            continue
    return found


def _answers(place: Places, lists: ReasonLists) -> pa.Table:
    return pa.Table.from_arrays([pa.array(place < 0), lists.take(place)], schema=RECORD_ANSWERS)

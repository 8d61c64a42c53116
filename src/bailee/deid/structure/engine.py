"""The compiled engine: runs a plan over batches of records. It knows no FHIRPath and no single resource type.

    list    walk every record, find the values that are handed out and the records that do not leave
    fill    ask for those values in bulk, each different (value, patient) once
    write   walk again and write what leaves

The output depends on the records, the plan, the keys and the people only: not on batches, order or workers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from bailee.core.columns import buffer_of, column_of
from bailee.core.errors import Invalid
from bailee.core.kernels import address, library
from bailee.core.keys import AgreementKeys
from bailee.deid.structure.holes import Clean, Filled, Holes, Method, Patients, fill
from bailee.deid.structure.people import People, PeopleTable, PeopleView
from bailee.deid.structure.plan import Plan
from bailee.deid.structure.tables import PlanTables, PlanView
from bailee.deid.structure.tally import Dropped, Refusal, Status, Tally, malformed
from bailee.records.batches import RECORDS, DeidBatch, RawBatch
from bailee.records.walk import strings

_SLOT = np.dtype([("key", np.uint64), ("count", np.int64)])
_DROPPED_SLOTS = 1 << 14
_NO_MEMORY = -1


class _Holes(ctypes.Structure):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("record", "argument", "start", "end", "kind")),
        ("capacity", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("value", "bytes", "offsets")),
    )


class _Counts(ctypes.Structure):
    _fields_ = (
        ("rules", ctypes.c_void_p),
        ("dropped", ctypes.c_void_p),
        ("dropped_mask", ctypes.c_int64),
        ("dropped_rest", ctypes.c_int64),
    )


class _Job(ctypes.Structure):
    _fields_ = (
        ("plan", ctypes.POINTER(PlanView)),
        ("people", ctypes.POINTER(PeopleView)),
        *((name, ctypes.c_void_p) for name in ("zip3", "ids_key", "hash_key", "buffer", "offsets", "patients")),
        ("first", ctypes.c_int64),
        ("count", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("status", "detail", "types", "positions", "hole_first")),
        ("holes", ctypes.POINTER(_Holes)),
        ("counts", ctypes.POINTER(_Counts)),
        ("out", ctypes.c_void_p),
        ("capacity", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("out_offsets", "id_start", "id_end")),
        *((name, ctypes.c_int64) for name in ("counted", "next", "needed")),
    )


class Engine:
    """A plan with its keys, ready to run. Picklable; holds no state between batches.

    `ids_key` and `hash_key` are 32 bytes each; `zip3` are the three-digit ZIP codes that may leave.
    """

    def __init__(self, plan: Plan, *, ids_key: bytes, hash_key: bytes, zip3: Iterable[str] = ()) -> None:
        if len(ids_key) != 32 or len(hash_key) != 32:
            raise Invalid("a key of another length", remedy="Keys of the engine have 32 bytes.")
        self._arguments = (plan, ids_key, hash_key, frozenset(zip3))
        self.plan = plan
        self.tables = PlanTables(plan)
        self.keys = [np.frombuffer(key, np.uint8).copy() for key in (ids_key, hash_key)]
        self.zip3 = np.zeros(1000, np.uint8)
        self.zip3[[int(code) for code in zip3]] = 1

    @classmethod
    def of(cls, plan: Plan, keys: AgreementKeys, *, zip3: Iterable[str] = ()) -> Engine:
        """Make the engine of a plan under an agreement's keys."""
        return cls(plan, ids_key=keys.subkey("ids"), hash_key=keys.subkey("hash"), zip3=zip3)

    def __reduce__(self) -> tuple[Any, ...]:
        plan, ids_key, hash_key, zip3 = self._arguments
        return _remake, (plan, ids_key, hash_key, zip3)

    def __repr__(self) -> str:
        return f"Engine({self.plan.profile})"

    def deidentify(
        self, raw: RawBatch, people: People, *, clean_text: Clean, clean_attachment: Clean, method: Method
    ) -> tuple[DeidBatch, Tally]:
        """Apply the plan to every record; those that do not leave are in the tally, not in the batch.

        Shape: n records → at most n, in the same order. `clean_text` and `clean_attachment` get different values (texts;
        Attachment objects as JSON) with each one's row in `people` (-1: nobody's) and give as many back, null to
        remove; `method` gets the method's name first, and JSON values. Each must depend on value and patient only.
        Raises: Invalid if a callback gives back something that is not JSON, or another number of values.
        Cost: two passes over the bytes; memory in proportion to the batch.
        """
        run = _Run(self, raw, people)
        holes = run.list()
        callbacks = {"clean_text": clean_text, "clean_attachment": clean_attachment, "method": method}
        filled = fill(holes, run.buffer, self.tables.text, **callbacks)  # type: ignore[arg-type]
        run.write(filled)
        return run.batch(), run.tally()


def _remake(plan: Plan, ids_key: bytes, hash_key: bytes, zip3: frozenset[str]) -> Engine:
    return Engine(plan, ids_key=ids_key, hash_key=hash_key, zip3=zip3)


class _Run:
    """One batch on its way through; the arrays that the kernels fill."""

    def __init__(self, engine: Engine, raw: RawBatch, people: People) -> None:
        self.engine, self.raw, self.people = engine, raw, people
        self.buffer, offsets = buffer_of(raw.rows.column("json"))
        self.offsets = np.ascontiguousarray(offsets)
        self.patients: Patients = people.rows_of(raw.rows.column("patient"))
        self.count, self.size = len(raw), int(self.offsets[-1] - self.offsets[0])
        self.status, self.detail, self.types = (np.zeros(self.count, np.int32) for _ in range(3))
        self.types -= 1
        self.positions, self.id_start, self.id_end = (np.zeros(self.count, np.int64) for _ in range(3))
        self.hole_first, self.out_offsets = (np.zeros(self.count + 1, np.int64) for _ in range(2))
        self.rules = np.zeros((max(len(engine.plan.rules), 1), 3), np.int64)
        self.dropped = np.zeros(_DROPPED_SLOTS, _SLOT)
        self.out = np.empty(0, np.uint8)
        self._people = PeopleTable(people)
        self._counts = _Counts(address(self.rules), address(self.dropped), _DROPPED_SLOTS - 1, 0)
        self._job = self._make_job()

    def _make_job(self) -> _Job:
        job = _Job(plan=ctypes.pointer(self.engine.tables.view), people=ctypes.pointer(self._people.view))
        arrays = {
            "zip3": self.engine.zip3,
            "ids_key": self.engine.keys[0],
            "hash_key": self.engine.keys[1],
            "buffer": self.buffer,
            **{name: getattr(self, name) for name in _RECORD_COLUMNS},
        }
        for name, array in arrays.items():
            setattr(job, name, address(array))
        job.counts, job.count, job.counted = ctypes.pointer(self._counts), self.count, -1
        return job

    def list(self) -> Holes:
        """Find what is handed out."""
        capacity = self.size // 64 + 256
        columns: list[Any] = [np.empty(0, kind) for kind in (np.int32, np.int32, np.int64, np.int64, np.uint8)]
        while True:
            found = int(self.hole_first[self._job.first])
            columns = [_grown(column, found, capacity) for column in columns]
            holes = _Holes(*map(address, columns), capacity)
            self._call("bailee_rewrite_list", holes)
            if self._job.next == self.count:
                break
            capacity, self._job.first = 2 * int(self._job.needed), self._job.next
        record, argument, start, end, kind = (column[: int(self.hole_first[-1])] for column in columns)
        return Holes(kind, argument, self.patients[record], start, end)

    def write(self, filled: Filled) -> None:
        """Write what leaves."""
        job, value = self._job, np.ascontiguousarray(filled.value)
        holes = _Holes(capacity=len(value), value=address(value))
        holes.bytes, holes.offsets = address(filled.content), address(filled.offsets)
        job.first, capacity = 0, self.size + len(filled.content) + 256 * self.count + 4096
        while True:
            self.out = _grown(self.out, int(self.out_offsets[job.first]), capacity)
            job.out, job.capacity = address(self.out), capacity
            self._call("bailee_rewrite_write", holes)
            if job.next == self.count:
                return
            done = int(self.out_offsets[job.next])
            ratio = 1 + (self.count - job.next) / (job.next + 1)
            capacity = int(job.needed + (done * ratio - done) * 1.1) + 4096
            job.first = job.counted = job.next

    def _call(self, name: str, holes: _Holes) -> None:
        self._job.holes = ctypes.pointer(holes)
        kernel = library()[name]
        kernel.argtypes, kernel.restype = [ctypes.POINTER(_Job)], ctypes.c_int32
        failed = kernel(ctypes.byref(self._job))
        if failed == _NO_MEMORY:
            raise MemoryError
        if failed:
            raise Invalid("a cleaner that gave back something that is not JSON")

    def batch(self) -> DeidBatch:
        """Gather the records that leave."""
        leaves = self.status == Status.OK
        starts, ends = self.out_offsets[:-1][leaves], self.out_offsets[1:][leaves]
        offsets = np.append(starts, ends[-1:] if len(ends) else 0)
        records = column_of(self.out, offsets, pa.large_binary())
        names = pa.array(
            [self.engine.tables.name(number) for number in range(self.types.max(initial=-1) + 1)], pa.string()
        )
        types = names.take(pa.array(self.types[leaves])) if len(starts) else pa.array([], pa.string())
        ids = strings(self.out, self.id_start[leaves], self.id_end[leaves])
        patients = self.patients[leaves]
        pseudonyms = self.people.pseudonyms.take(pa.array(patients, mask=patients < 0))
        return DeidBatch(pa.RecordBatch.from_arrays([types, ids, pseudonyms, records], schema=RECORDS))

    def tally(self) -> Tally:
        """Count what happened."""
        refused = [self._refusal(int(row)) for row in np.flatnonzero(self.status != Status.OK)]
        tally = Tally(self.rules[: len(self.engine.plan.rules)], statuses=self.status)
        tally.refused.update(refused)
        name = self.engine.tables.name
        for key, count in self.dropped[self.dropped["count"] > 0].tolist():
            kind, node, member = key >> 44, key >> 22 & 0x3FFFFF, (key & 0x3FFFFF) - 2
            where = self.engine.plan.nodes[node].name
            tally.dropped[Dropped(name(kind) if kind < 0xFFFFF else "?", where, name(member))] += count
        if self._counts.dropped_rest:
            tally.dropped[Dropped("?", "?", "?")] += self._counts.dropped_rest
        return tally

    def _refusal(self, row: int) -> Refusal:
        match Status(int(self.status[row])):
            case Status.MALFORMED:
                return malformed(int(self.detail[row]))
            case Status.MODIFIER:
                path = self.engine.plan.rules[int(self.detail[row])].path
                return Refusal(Status.MODIFIER, self.engine.tables.name(int(self.types[row])), path)
            case status:
                named = str(self.raw.rows.column("type")[row].as_py())
                return Refusal(status, named if self.engine.tables.is_type(named) else "?", "")


_RECORD_COLUMNS = (
    "offsets", "patients", "status", "detail", "types", "positions", "hole_first", "out_offsets", "id_start", "id_end",
)  # fmt: skip


def _grown(column: Any, used: int, capacity: int) -> Any:
    fresh = np.empty(capacity, column.dtype)
    fresh[:used] = column[:used]
    return fresh

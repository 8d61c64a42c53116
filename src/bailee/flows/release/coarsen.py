"""Between parts and dataset: quasi-identifiers are coarsened, and patients left out, until enough of them look alike.

count     each part's combinations of values, in workers; no patient is named
choose    the levels of least loss that reach what the agreement asks, never coarser than what was told before
rewrite   each part with its Patients at those levels and without those who stay out, in workers, beside the parts

The same parts and the same earlier releases give the same choice and bytes: a killed run makes or finds them again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.agreements.terms import Agreement, Singling
from bailee.core.errors import Denied, Invalid
from bailee.deid.risk.choice import COUNT, Choice, add_up, choose, is_among
from bailee.deid.risk.gate import OUTPUT_RISK
from bailee.deid.risk.lattice import Goal
from bailee.deid.risk.scales import Scale, coarsen_patient, levels_from_words, scale_of
from bailee.flows.hospital import Hospital
from bailee.flows.release import summary as summaries
from bailee.flows.release.notes_table import count_notes
from bailee.flows.release.part import FINISHED, PATIENTS, PartWriter, read_sealed, read_summary
from bailee.flows.release.plan import ReleasePlan, staging_of
from bailee.flows.release.reread import released
from bailee.flows.release.singling import patients_in, sensitive_of
from bailee.flows.release.summary import PartSummary
from bailee.flows.release.tables import slices_of
from bailee.flows.release.tools import tools_of
from bailee.records.batches import ReleaseBatch
from bailee.records.r4 import patient_paths
from bailee.stores.lake.dataset import read_dataset
from bailee.stores.lake.sealed import PAYLOAD, SealedWriter

PARTS, COARSE, LEFT_OUT = "parts", "coarse", "left_out.sealed"
_MERGED_ROWS = 1 << 20
_DECODER = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode()))


class Engine(Protocol):
    """Runs tasks somewhere; see bailee.engines."""

    def run(self, work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterator[Any]:
        """Run `work` on every task; results in any order."""
        ...


class CoarseTask(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a release, and the levels that its Patients are told at."""

    home: str
    release: str
    partition: str
    columns: tuple[str, ...]
    levels: Mapping[str, int] = {}


@dataclass(frozen=True)
class Coarsened:
    """What a dataset is made from: a folder of parts, what they count, and what was done, in words."""

    summary: PartSummary
    parts: Path
    levels: Mapping[str, str]  # element → step, where it is not as it is
    words: Mapping[str, str]


def coarsen(hospital: Hospital, plan: ReleasePlan, terms: Agreement, summary: PartSummary, engine: Engine) -> Coarsened:
    """Coarsen a release's parts as its agreement asks; without the term, or the need, they stay what they are.

    Raises: Denied if nothing that the agreement allows is enough. Cost: one pass over Patients; a second over the parts
    that change. Memory: one slice a worker, and the different combinations of values.
    """
    staging, asked = staging_of(hospital.home, plan.release), terms.risk
    if asked is None or not (asked.coarsen or asked.leave_out_percent):
        return Coarsened(summary, staging / PARTS, {}, {})
    scales = _scales(hospital, plan, asked)
    counted = _count(hospital, plan, asked, engine)
    if not counted.num_rows:
        return Coarsened(summary, staging / PARTS, {}, {})
    choice, out = _choose(counted, scales, asked)
    levels = {column: words for column, words in choice.words.items() if choice.levels[column]}
    if not levels and not out.num_rows:
        return Coarsened(summary, staging / PARTS, {}, _words(choice))
    _seal_left_out(hospital, staging, out)
    tasks = [
        CoarseTask(
            home=str(hospital.home.folder),
            release=plan.release,
            partition=place.name,
            columns=_columns(asked),
            levels=choice.levels,
        )
        for place in sorted((staging / PARTS).glob(FINISHED))
    ]
    (staging / COARSE).mkdir(exist_ok=True)
    done = summaries.add_up(sorted(engine.run(coarsen_part, tasks), key=lambda part: part.partition))
    return Coarsened(done, staging / COARSE, levels, _words(choice))


def earlier_levels(hospital: Hospital, plan: ReleasePlan, scales: Sequence[Scale]) -> dict[str, int]:
    """Give the finest level at which each element was told in the agreement's earlier releases; the coarsest if none.

    A partner joins releases by pseudonym: whatever was told once stays told, and a coarser value tells nothing less.
    """
    finest = {scale.column: len(scale.levels) - 1 for scale in scales}
    for place in sorted((hospital.home.releases / plan.agreement).glob("v[0-9]*")):
        if int(place.name[1:]) < plan.version:
            told = levels_from_words(scales, read_dataset(place).coarsened)
            finest = {column: min(level, told[column]) for column, level in finest.items()}
    return finest


def _scales(hospital: Hospital, plan: ReleasePlan, asked: Singling) -> list[Scale]:
    scales = [scale_of(column) for column in asked.quasi]
    highest = earlier_levels(hospital, plan, scales)
    return [scale.up_to(highest[scale.column] if asked.coarsen else 0) for scale in scales]


def _columns(asked: Singling) -> tuple[str, ...]:
    return (*asked.quasi, *(each.element for each in asked.sensitive))


def _count(hospital: Hospital, plan: ReleasePlan, asked: Singling, engine: Engine) -> pa.Table:
    columns, home = _columns(asked), str(hospital.home.folder)
    tasks = [
        CoarseTask(home=home, release=plan.release, partition=place.name, columns=columns)
        for place in sorted((staging_of(hospital.home, plan.release) / PARTS).glob(FINISHED))
    ]
    tables: list[pa.Table] = [_empty(columns)]
    for table in engine.run(count_part, tasks):
        tables.append(table)
        if sum(each.num_rows for each in tables[1:]) > _MERGED_ROWS:
            tables = [add_up(tables, columns)]
    return add_up(tables, columns)


def _empty(columns: Sequence[str]) -> pa.Table:
    return pa.schema([*((column, pa.string()) for column in columns), (COUNT, pa.int64())]).empty_table()


def _choose(counted: pa.Table, scales: Sequence[Scale], asked: Singling) -> tuple[Choice, pa.Table]:
    goal = Goal(k=asked.k, suppression=asked.leave_out_percent / 100, sensitive=sensitive_of(asked))
    try:
        return choose(counted, scales, goal)
    except Invalid:
        raise Denied(
            f"no coarsening that the agreement allows makes {asked.k} patients look alike",
            reasons=[OUTPUT_RISK],
            remedy="Widen the cohort, allow more patients to stay out, or name fewer elements. "
            "What earlier releases told cannot be taken back: a new agreement has new pseudonyms.",
        ) from None


def _seal_left_out(hospital: Hospital, staging: Path, combinations: pa.Table) -> None:
    """Write down whose values are too rare to leave; sealed, since they nearly name somebody."""
    path = staging / LEFT_OUT
    path.unlink(missing_ok=True)
    writer = SealedWriter(path, hospital.master.derive("parts"), label=f"{staging.name}/{LEFT_OUT}")
    writer.write(PAYLOAD, combinations)
    writer.close()


def _words(choice: Choice) -> dict[str, str]:
    share = 100 * choice.loss / choice.most if choice.most else 0.0
    told = {f"Told of {column}": step for column, step in choice.words.items()}
    return told | {
        "Left out because too few look like them": f"{choice.suppressed:,} of {choice.records:,} patients",
        "Information lost by coarsening": f"{choice.loss:,.0f} of {choice.most:,.0f} bits ({share:.1f} %)",
        "Combinations of levels tried": f"{choice.tried:,} of {choice.nodes:,}",
    }


# ---- what workers run ------------------------------------------------------------------------------------------------


def count_part(task: CoarseTask) -> pa.Table:
    """Count the combinations of values in one part. Shape: the columns, and `n`; each combination once, sorted."""
    place = tools_of(task.home, task.release).staging / PARTS / task.partition
    tables = [_empty(task.columns)]
    for rows in _records(place / "ndjson" / "Patient.ndjson"):
        values = patients_in(rows, task.columns).drop_columns(["patient"])
        tables.append(values.append_column(COUNT, pa.array(np.ones(values.num_rows, np.int64))))
    return add_up(tables, task.columns)


def coarsen_part(task: CoarseTask) -> PartSummary:
    """Write one part anew, or find it written. Files that nothing changes in are linked."""
    tools = tools_of(task.home, task.release)
    place = tools.staging / COARSE / task.partition
    done = read_summary(place)
    return done if done is not None else _Coarse(task, place).run()


class _Coarse:
    """One part on its way."""

    def __init__(self, task: CoarseTask, place: Path) -> None:
        tools = tools_of(task.home, task.release)
        self.source, self.seal = tools.staging / PARTS / task.partition, tools.seal
        self.columns = task.columns
        self.levels = [(scale_of(column), level) for column, level in task.levels.items() if level]
        self.combinations = read_sealed(tools.staging, LEFT_OUT, tools.seal)
        self.writer = PartWriter(place, tools.seal)
        self.removed: Counter[str] = Counter()
        self.notes = 0

    def run(self) -> PartSummary:
        before = read_summary(self.source)
        if before is None:
            raise AssertionError("a part that is not finished")
        out = self._left_out()
        for path in sorted((self.source / "ndjson").glob("*.ndjson")):
            if path.stem == "Patient" or len(out):
                self._rewrite(path, out)
            else:
                self.writer.take(path)
        who = read_sealed(self.source, PATIENTS, self.seal)
        stays = who.filter(pc.invert(pc.is_in(who["pseudonym"], value_set=out)))
        self.writer.seal(PATIENTS, stays)
        return self.writer.finish(self._summary(before, who.num_rows - stays.num_rows))

    def _left_out(self) -> pa.Array:
        """Find the pseudonyms of those whose values are too rare. Shape: string[m]."""
        found = [pa.array([], pa.string())]
        for rows in _records(self.source / "ndjson" / "Patient.ndjson"):
            values = patients_in(rows, self.columns)
            found.append(values["patient"].combine_chunks().filter(is_among(values, self.combinations)))
        return pa.concat_arrays(found)

    def _rewrite(self, path: Path, out: pa.Array) -> None:
        for rows in _records(path):
            gone = pc.is_in(rows["patient"], value_set=out)
            if len(out) and patient_paths(path.stem):
                gone = pc.or_(gone, rows["patient"].is_null())  # nobody can tell any more whose it is
            stays = rows.filter(pc.invert(gone))
            self.removed[path.stem] += len(rows) - len(stays)
            self.notes += count_notes(rows) - count_notes(stays)
            self.writer.add(ReleaseBatch(self._coarsened(stays) if path.stem == "Patient" else stays))

    def _coarsened(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        if not self.levels:
            return rows
        json = [_patient(record, self.levels) for record in rows["json"].to_pylist()]
        place = rows.schema.get_field_index("json")
        columns = [*rows.columns[:place], pa.array(json, rows.schema.field("json").type), *rows.columns[place + 1 :]]
        return pa.RecordBatch.from_arrays(columns, schema=rows.schema)

    def _summary(self, before: PartSummary, patients: int) -> PartSummary:
        removed = +self.removed
        return msgspec.structs.replace(
            before,
            patients_left=before.patients_left - patients,
            left=dict(Counter(before.left) - removed),
            refused=dict(Counter(before.refused) + Counter({OUTPUT_RISK: removed.total()})),
            refused_patients=dict(Counter(before.refused_patients) + Counter({OUTPUT_RISK: patients})),
            notes_left=before.notes_left - self.notes,
        )


def _patient(record: bytes, levels: Sequence[tuple[Scale, int]]) -> bytes:
    """Coarsen one Patient's text; numbers stay as they are written."""
    return msgspec.json.encode(coarsen_patient(_DECODER.decode(record), levels))


def _records(path: Path) -> Iterator[pa.RecordBatch]:
    """Read a part's records of one type in slices. Shape: RECORDS, nothing if there is no such file."""
    if path.is_file():
        for content in slices_of(path):
            yield released(content).rows

"""The first step of a release: one partition of the vault, through every gate, into a part; what workers run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.directives import of_patients
from bailee.consent.merges import directives_in
from bailee.consent.records import decide_records
from bailee.core.columns import buffer_of
from bailee.core.lean import give_back
from bailee.deid.notes.chart.records import charts_from_records
from bailee.deid.notes.scrub import Subjects
from bailee.deid.structure.methods import RareMethods
from bailee.deid.structure.people import People
from bailee.deid.structure.tally import Status, Tally
from bailee.flows.release.categories import category_of
from bailee.flows.release.evidence import NoteSample
from bailee.flows.release.gate import Gate, stop_out_of_scope, stop_outside_cohort, stop_unmapped
from bailee.flows.release.notes_table import NOTE_TYPES, count_notes
from bailee.flows.release.part import (
    PATIENTS,
    PATIENTS_SCHEMA,
    SAMPLES,
    SAMPLES_SCHEMA,
    PartWriter,
    read_summary,
)
from bailee.flows.release.people import people_of
from bailee.flows.release.summary import PartSummary
from bailee.flows.release.texts import TextCleaner, TextCounts
from bailee.flows.release.tools import Tools, tools_of
from bailee.records.batches import DeidBatch, RawBatch, ReleaseBatch
from bailee.records.walk import Paths, collect
from bailee.stores.lake.manifest import Partition
from bailee.stores.lake.vault import Content, one_chunk

BATCH_BYTES = 8 << 20
_REFUSALS = {Status.MALFORMED: "E-INPUT", Status.TYPE: "E-DEID-PROFILE", Status.MODIFIER: "E-MODIFIER"}


class PartTask(msgspec.Struct, frozen=True, kw_only=True):
    """Which partition of which release; everything else is read from the hospital's folder."""

    home: str
    release: str
    partition: str


def release_part(task: PartTask) -> PartSummary:
    """Make one part, or find it made."""
    tools = tools_of(task.home, task.release)
    place = tools.staging / "parts" / task.partition
    place.parent.mkdir(exist_ok=True)
    done = read_summary(place)
    if done is not None:
        return done
    partition = tools.partitions[task.partition]
    summary = _made(tools, partition, PartWriter(place, tools.seal))
    give_back()
    return summary


def _made(tools: Tools, partition: Partition, writer: PartWriter) -> PartSummary:
    content = tools.hospital.vault.read(partition)
    return _Part(tools, partition.name, content, writer).run(partition.size_bytes)


class _Part:
    """One partition on its way through."""

    def __init__(self, tools: Tools, name: str, content: Content, writer: PartWriter) -> None:
        self.tools, self.name, self.content, self.writer = tools, name, content, writer
        self.gate = Gate(content.records.rows)
        self.counts = TextCounts()
        self.tally: Tally | None = None
        self.refused: Counter[str] = Counter()
        self.left: Counter[str] = Counter()
        self.notes_taken, self.notes_left = count_notes(content.records.rows), 0
        self.disclosed: list[pa.Table] = []

    def run(self, size_bytes: int) -> PartSummary:
        patients = stop_unmapped(self.gate)
        for terms in (self.tools.agreement, *([self.tools.asked] if self.tools.plan.request else [])):
            stop_out_of_scope(self.gate, terms)
            stop_outside_cohort(self.gate, terms, patients)
        self._stop_without_consent()
        self.refused.update(self.gate.refused())
        for raw in _batches(self.gate.rows, self.gate.passed):
            self._release(raw)
        self._seal()
        return self.writer.finish(self._summary(size_bytes, len(patients)))

    def _stop_without_consent(self) -> None:
        """Ask the consent evaluator for every record that is still in; it sees whole charts."""
        rows, plan = self.gate.rows, self.tools.plan
        given = of_patients(self.tools.directives, pc.unique(rows["patient"].drop_null()))
        directives = directives_in(rows, stored=given)
        answers = decide_records(rows, directives, self.tools.given.ask, self.tools.snapshot, plan.as_of_ms)
        denied = np.flatnonzero(~answers["permitted"].to_numpy())
        first = pc.list_element(one_chunk(answers["reasons"]).take(pa.array(denied)), 0)
        codes = pc.list_element(pc.split_pattern(first, ":"), 0).dictionary_encode()
        for number, code in enumerate(codes.dictionary.to_pylist()):
            stopped = np.zeros(len(rows), np.bool_)
            stopped[denied[codes.indices.to_numpy() == number]] = True
            self.gate.stop(stopped, code)
            self._count_patients(stopped, code)

    def _count_patients(self, stopped: npt.NDArray[np.bool_], code: str) -> None:
        """Count patients whose own Patient record is refused by consent: they are out as a whole."""
        own = pc.equal(self.gate.rows["type"], "Patient").to_numpy(zero_copy_only=False)
        count = int((stopped & own & (self.gate.reasons == code)).sum())
        if count:
            self.gate.patient_reasons[code] += count

    def _release(self, raw: RawBatch) -> None:
        tools, plan = self.tools, self.tools.plan
        patients = pc.unique(raw.rows["patient"].drop_null())
        charted = self._charted(patients)
        people = people_of(patients, charted.rows, self.content.roots, tools.keys, as_of=plan.as_of)
        roots = [self.content.roots[patient] for patient in people.ids.to_pylist()]
        cleaner = self._cleaner(charted, people, roots)
        cleaned, tally = tools.engine.deidentify(
            raw,
            people,
            clean_text=cleaner.texts,
            clean_attachment=cleaner.attachments,
            method=RareMethods(tools.keys, roots),
        )
        self.tally = tally if self.tally is None else self.tally + tally
        for refusal, count in tally.refused.items():
            self.refused[_REFUSALS[refusal.status]] += count
        self._write(self._readable(cleaned), people)

    def _charted(self, patients: pa.Array) -> RawBatch:
        """Take whole charts, refused records too: what must not be found is in all of them.

        Records are sorted by patient, so that the charts of a batch are a stretch; charts between them do no harm.
        """
        rows = self.content.records.rows
        theirs = np.flatnonzero(pc.is_in(rows["patient"], patients).to_numpy(zero_copy_only=False))
        return RawBatch(rows.slice(theirs[0], theirs[-1] + 1 - theirs[0]) if len(theirs) else rows.slice(0, 0))

    def _cleaner(self, charted: RawBatch, people: People, roots: list[bytes]) -> TextCleaner:
        tools, plan = self.tools, self.tools.plan
        charts = charts_from_records(charted, tools.directory, patients=people.ids)
        shift = plan.identifiability == "expert-determination"
        subjects = Subjects.of(tools.keys, roots, shift=shift, ninety=people.ninety, charts=charts)
        return TextCleaner(charts, subjects, tools.keys, self.counts, plan=plan)

    def _readable(self, batch: DeidBatch) -> ReleaseBatch:
        """Leave out records that exist for their note and have lost it: a note that cannot be read does not leave."""
        rows = batch.rows
        kept = np.ones(len(rows), np.bool_)
        of_kind = pc.equal(rows["type"], "DocumentReference").to_numpy(zero_copy_only=False)
        documents = rows.filter(pa.array(of_kind))
        found = collect(
            *buffer_of(documents["json"]), Paths({("DocumentReference", NOTE_TYPES["DocumentReference"][0]): 0})
        )
        with_text = np.zeros(len(documents), np.bool_)
        with_text[found.record] = True
        kept[np.flatnonzero(of_kind)] = with_text
        if not kept.all():
            self.refused["E-TEXT"] += int((~kept).sum())
            rows = rows.filter(pa.array(kept))
        return ReleaseBatch(rows)

    def _write(self, batch: ReleaseBatch, people: People) -> None:
        self.writer.add(batch)
        self.notes_left += count_notes(batch.rows)
        for pair in batch.rows["type"].value_counts().to_pylist():
            self.left[pair["values"]] += pair["counts"]
        self.disclosed.append(_disclosures(batch, people))

    def _seal(self) -> None:
        who = pa.concat_tables([PATIENTS_SCHEMA.empty_table(), *self.disclosed])
        self.writer.seal(PATIENTS, who)
        ranks, samples = zip(*self.counts.samples, strict=True) if self.counts.samples else ((), ())
        encoded = [msgspec.json.encode(sample) for sample in samples]
        self.writer.seal(
            SAMPLES, pa.table([pa.array(ranks, pa.uint64()), pa.array(encoded, pa.binary())], SAMPLES_SCHEMA)
        )

    def _summary(self, size_bytes: int, patients: int) -> PartSummary:
        counts, tally = self.counts, self.tally
        taken = {pair["values"]: pair["counts"] for pair in self.gate.rows["type"].value_counts().to_pylist()}
        changed = tally.rules[:, 1:].sum(axis=1) if tally else np.zeros(0, np.int64)
        unknown = (
            {f"{each.type}: {each.node}.{each.key}": count for each, count in tally.dropped.items()} if tally else {}
        )
        return PartSummary(
            partition=self.name,
            size_bytes=size_bytes,
            patients_taken=patients,
            patients_left=sum(table.num_rows for table in self.disclosed),
            taken=taken,
            left=self.left,
            refused=self.refused,
            refused_patients=self.gate.patient_reasons,
            rules={str(rule): int(changed[rule]) for rule in np.flatnonzero(changed).tolist()},
            unknown=unknown,
            notes_taken=self.notes_taken,
            notes_left=self.notes_left,
            in_elements=counts.in_elements,
            withheld=counts.withheld,
            found=counts.found,
            finders=counts.finders,
            agreeing=counts.agreeing,
        )


def _disclosures(batch: ReleaseBatch, people: People) -> pa.Table:
    """List who is in a batch, by their own ids, and with what kinds of data. Shape: PATIENTS_SCHEMA."""
    own = batch.rows.filter(batch.rows["patient"].is_valid())
    kinds = own["type"].dictionary_encode()
    words = pa.array([category_of(kind) for kind in kinds.dictionary.to_pylist()], pa.string())
    ids = people.ids.take(pc.index_in(own["patient"], value_set=people.pseudonyms))
    named = pa.table({"patient": ids, "data": words.take(kinds.indices)})
    grouped = named.group_by("patient", use_threads=False).aggregate([("data", "distinct")])
    pseudonyms = people.pseudonyms.take(pc.index_in(grouped["patient"], value_set=people.ids))
    return pa.table([grouped["patient"], grouped["data_distinct"], pseudonyms], PATIENTS_SCHEMA)


def read_sample(content: bytes) -> NoteSample:
    """Read a sealed sample back."""
    return msgspec.json.decode(content, type=NoteSample)


def _batches(rows: pa.RecordBatch, passed: npt.NDArray[np.bool_]) -> Iterator[RawBatch]:
    """Cut a partition, sorted by patient, into batches of whole charts of some 8 MiB."""
    chosen = rows.filter(pa.array(passed))
    if not len(chosen):
        return
    sizes = np.cumsum(pc.binary_length(chosen["json"]).to_numpy())
    patients = chosen["patient"].fill_null("")
    starts = np.flatnonzero(np.append(True, pc.not_equal(patients[1:], patients[:-1]).to_numpy(zero_copy_only=False)))
    begun = np.append(sizes[starts] // BATCH_BYTES, -1)
    cuts = [*starts[np.flatnonzero(np.diff(begun[:-1], prepend=-1))].tolist(), len(chosen)]
    for low, high in pairwise(cuts):
        yield RawBatch(chosen.slice(low, high - low))

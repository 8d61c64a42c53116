"""The third step of a release whose agreement asks for it: released parts into OMOP CDM tables, a group of parts a task."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from bailee.core.errors import Conflict
from bailee.flows.release.omop_check import check_omop
from bailee.flows.release.omop_shared import read_shared, write_shared
from bailee.flows.release.part import FINISHED
from bailee.flows.release.plan import OMOP
from bailee.flows.release.reread import released
from bailee.flows.release.tables import WRITING
from bailee.flows.release.tools import Tools, tools_of
from bailee.records.batches import ReleaseBatch
from bailee.records.omop.cdm import VERSION, finish, schema, tables
from bailee.records.omop.context import Context
from bailee.records.omop.ids import PURPOSE, Ids
from bailee.records.omop.part import part_tables
from bailee.records.omop.places import SHARED_KINDS, shared_tables
from bailee.records.omop.vocabulary import Vocabulary
from bailee.stores.lake.dataset import DatasetFile, OmopSummary, hash_file
from bailee.stores.lake.delta import write_log
from bailee.stores.vocabulary import open_vocabulary

GROUP_BYTES = 128 << 20
# The CDM's version as a concept; the site's vocabulary says it itself where it has it.
_CDM_CONCEPT = 756265
_DATES = (
    "Dates are days: where only a year was released it is that year's first of January, where only a month its first "
    "day, and the datetime is null. Datetimes are the hospital's wall clock."
)


class OmopTask(msgspec.Struct, frozen=True, kw_only=True):
    """Some parts of a release, and the number that their files get."""

    home: str
    release: str
    number: int
    folder: str  # of the parts, in the release's
    parts: tuple[str, ...]


class OmopResult(msgspec.Struct, frozen=True, kw_only=True):
    """The files that a task is answerable for, and what became of its records: by type, by table or reason."""

    files: tuple[DatasetFile, ...]
    counts: Mapping[str, Mapping[str, int]]


Run = Callable[[Callable[[OmopTask], OmopResult], Sequence[OmopTask]], Iterator[OmopResult]]


def export_omop(tools: Tools, parts: Path, run: Run) -> tuple[list[DatasetFile], OmopSummary]:
    """Write the `omop` folder of a dataset; give its files, in order of path, and what became of every record.

    Raises: Conflict if two records have one key, or the tables do not hold together: nothing is published then.
    """
    folder = tools.staging / "dataset" / OMOP
    shutil.rmtree(folder, ignore_errors=True)
    results = [_export_shared(tools, parts, folder), *run(make_omop, _tasks(tools, parts))]
    files = [file for result in results for file in result.files]
    made = {file.path.split("/")[1] for file in files}
    files += [
        _write_rows(folder, name, "part-00000", [schema(name).empty_table()]) for name in tables() if name not in made
    ]
    logs = [_log(tools, folder, name, files) for name in tables()]
    for table, what in check_omop(folder):
        raise Conflict(
            f"the OMOP tables do not hold together: {table}: {what}. Leave `omop` out of the agreement's formats"
        )
    return sorted([*files, *logs], key=lambda file: file.path), _summary(tools, files, results)


def make_omop(task: OmopTask) -> OmopResult:
    """Write the tables of some parts, one after the other. Cost: one part's tables in memory, and one type's records."""
    tools = tools_of(task.home, task.release)
    vocabulary = open_vocabulary(tools.hospital.home, tools.plan.vocabulary_sha256, tools.plan.vocabulary)
    ids = Ids(tools.keys.subkey(PURPOSE))
    context = Context(ids, vocabulary, read_shared(tools.staging / "shared"), pa.array([], pa.string()))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    rows: Counter[str] = Counter()
    folder = tools.staging / "dataset" / OMOP
    with ExitStack() as stack:
        writers: dict[str, pq.ParquetWriter] = {}
        for part in task.parts:
            place = tools.staging / task.folder / part / "ndjson"
            made = part_tables(_kinds(place), _reader(place), context, as_of=date.fromisoformat(tools.plan.as_of))
            for kind, count in made.counts.items():
                counts[kind] += count
            for name, table in made.tables.items():
                if name not in writers:
                    writers[name] = stack.enter_context(_writer(folder, name, f"part-{task.number:05d}"))
                writers[name].write_table(table)
                rows[name] += table.num_rows
    files = [_file(folder, folder / name / f"part-{task.number:05d}.parquet", rows[name]) for name in sorted(rows)]
    return OmopResult(files=tuple(files), counts=counts)


def _tasks(tools: Tools, parts: Path) -> list[OmopTask]:
    """Group parts, in the order of their names, by the size of their records."""
    groups: list[list[str]] = [[]]
    size = 0
    for place in sorted(parts.glob(FINISHED)):
        own = sum(path.stat().st_size for path in place.glob("ndjson/*.ndjson") if path.stem not in SHARED_KINDS)
        if own and groups[-1] and size + own > GROUP_BYTES:
            groups.append([])
            size = 0
        if own:
            groups[-1].append(place.name)
            size += own
    home, release = str(tools.hospital.home.folder), tools.plan.release
    return [
        OmopTask(home=home, release=release, number=number, folder=parts.name, parts=tuple(group))
        for number, group in enumerate(groups)
        if group
    ]


def _export_shared(tools: Tools, parts: Path, folder: Path) -> OmopResult:
    """Write what no patient owns, and what describes the tables as a whole."""
    plan = tools.plan
    vocabulary = open_vocabulary(tools.hospital.home, plan.vocabulary_sha256, plan.vocabulary)
    made = shared_tables(_shared_batches(parts), Ids(tools.keys.subkey(PURPOSE)), vocabulary)
    write_shared(tools.staging / "shared", made.shared)
    described = [*made.tables, ("cdm_source", _cdm_source(tools, vocabulary))]
    files = tuple(_write_rows(folder, name, "shared-00000", [table]) for name, table in described)
    return OmopResult(files=files, counts=made.counts)


def _shared_batches(parts: Path) -> Iterator[tuple[str, ReleaseBatch]]:
    for path in sorted(parts.glob(f"{FINISHED}/ndjson/*.ndjson")):
        if path.stem in SHARED_KINDS:
            yield path.stem, released(path.read_bytes())


def _cdm_source(tools: Tools, vocabulary: Vocabulary) -> pa.Table:
    plan = tools.plan
    hospital, day = tools.hospital.home.configuration.hospital, date.fromisoformat(plan.as_of)
    row = {
        "cdm_source_name": f"{hospital}, {plan.release}",
        "cdm_source_abbreviation": plan.release,
        "cdm_holder": hospital,
        "source_description": f"FHIR R4 records, de-identified by the profile {plan.profile}. {_DATES}",
        "cdm_etl_reference": f"bailee {plan.software}",
        "source_release_date": day,
        "cdm_release_date": day,
        "cdm_version": VERSION,
        "cdm_version_concept_id": vocabulary.standard("CDM\tCDM v5.4.0") or _CDM_CONCEPT,
        "vocabulary_version": vocabulary.version,
    }
    return finish("cdm_source", {name: pa.array([value]) for name, value in row.items()}, 1)


def _kinds(place: Path) -> list[str]:
    return [path.stem for path in sorted(place.glob("*.ndjson"))]


def _reader(place: Path) -> Callable[[str], ReleaseBatch | None]:
    def read(kind: str) -> ReleaseBatch | None:
        path = place / f"{kind}.ndjson"
        return released(path.read_bytes()) if path.is_file() else None

    return read


def _writer(folder: Path, name: str, stem: str) -> pq.ParquetWriter:
    path = folder / name / f"{stem}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    return pq.ParquetWriter(path, schema(name), **WRITING)


def _write_rows(folder: Path, name: str, stem: str, rows: Sequence[pa.Table]) -> DatasetFile:
    with _writer(folder, name, stem) as out:
        for table in rows:
            out.write_table(table)
    return _file(folder, folder / name / f"{stem}.parquet", sum(table.num_rows for table in rows))


def _file(folder: Path, path: Path, rows: int) -> DatasetFile:
    digest, size = hash_file(path)
    return DatasetFile(path=path.relative_to(folder.parent).as_posix(), sha256=digest, size_bytes=size, rows=rows)


def _log(tools: Tools, folder: Path, name: str, files: Sequence[DatasetFile]) -> DatasetFile:
    own = sorted(
        (msgspec.structs.replace(file, path=Path(file.path).name) for file in files if file.path.split("/")[1] == name),
        key=lambda file: file.path,
    )
    log = write_log(folder / name, schema(name), own, name=f"{OMOP}/{name}", at_ms=tools.plan.as_of_ms)
    return _file(folder, log, 0)


def _summary(tools: Tools, files: Sequence[DatasetFile], results: Sequence[OmopResult]) -> OmopSummary:
    rows: Counter[str] = Counter(dict.fromkeys(tables(), 0))
    for file in files:
        rows[file.path.split("/")[1]] += file.rows
    fates: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        for kind, counts in result.counts.items():
            fates[kind].update(counts)
    told = {kind: dict(sorted((+counts).items())) for kind, counts in sorted(fates.items()) if counts.total()}
    return OmopSummary(
        version=VERSION,
        vocabulary=tools.plan.vocabulary,
        vocabulary_sha256=tools.plan.vocabulary_sha256,
        rows=dict(sorted(rows.items())),
        records=told,
    )

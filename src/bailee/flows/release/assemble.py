"""From parts to a dataset: NDJSON by type, Delta logs, manifest; built anew if it is interrupted."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from bailee.core.canonical import sha256_hex
from bailee.flows.release.notes_table import NOTES_SCHEMA
from bailee.flows.release.part import FINISHED
from bailee.flows.release.plan import ReleasePlan
from bailee.flows.release.tables import TableResult, TableTask
from bailee.records.flat import schema
from bailee.stores.lake.dataset import MANIFEST, DatasetFile, DatasetManifest, hash_file, manifest_bytes
from bailee.stores.lake.delta import write_log

NDJSON_BYTES = 256 << 20
LEAST_BYTES = 32 << 20
FILES = 16  # that a small dataset is cut into at least, as far as its types are large: there is work for all cores


def table_tasks(parts: Path) -> list[TableTask]:
    """Say which parts' NDJSON is joined into which file, by type; give the table tasks, in a fixed order."""
    dataset = parts.parent / "dataset"
    shutil.rmtree(dataset, ignore_errors=True)
    (dataset / "ndjson").mkdir(parents=True)
    by_type: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(parts.glob(f"{FINISHED}/ndjson/*.ndjson")):
        by_type[path.stem].append(path)
    sizes = {path: path.stat().st_size for paths in by_type.values() for path in paths}
    most = min(NDJSON_BYTES, max(LEAST_BYTES, sum(sizes.values()) // FILES))
    return [
        TableTask(
            dataset=str(dataset),
            type=kind,
            name=f"{kind}.{number:05d}.ndjson",
            number=number,
            parts=tuple(map(str, group)),
            size_bytes=sum(sizes[path] for path in group),
        )
        for kind in sorted(by_type)
        for number, group in enumerate(_groups(by_type[kind], sizes, most))
    ]


def _groups(paths: Sequence[Path], sizes: Mapping[Path, int], most: int) -> Iterator[list[Path]]:
    group: list[Path] = []
    size = 0
    for path in paths:
        if group and size + sizes[path] > most:
            yield group
            group, size = [], 0
        group.append(path)
        size += sizes[path]
    if group:
        yield group


def write_logs(staging: Path, plan: ReleasePlan, results: Sequence[TableResult]) -> list[DatasetFile]:
    """Write each table's Delta log; give every data file of the dataset, logs included, in order of path."""
    dataset = staging / "dataset"
    tables: dict[str, list[DatasetFile]] = defaultdict(list)
    for result in results:
        tables[result.task.type].append(result.table)
        if result.notes is not None:
            tables["notes"].append(result.notes)
    logs = [_log(dataset, plan, name, files) for name, files in sorted(tables.items())]
    files = [file for result in results for file in (result.ndjson, result.table, result.notes) if file is not None]
    return sorted([*files, *logs], key=lambda file: file.path)


def _log(dataset: Path, plan: ReleasePlan, name: str, files: Sequence[DatasetFile]) -> DatasetFile:
    table = dataset / "tables" / name
    relative = sorted(
        (msgspec.structs.replace(file, path=Path(file.path).name) for file in files), key=lambda file: file.path
    )
    columns = NOTES_SCHEMA if name == "notes" else schema(name)
    log = write_log(table, columns, relative, name=name, at_ms=plan.as_of_ms)
    digest, size = hash_file(log)
    return DatasetFile(path=log.relative_to(dataset).as_posix(), sha256=digest, size_bytes=size, rows=0)


def write_manifest(staging: Path, manifest: DatasetManifest) -> str:
    """Write the manifest; give its SHA-256, which names the dataset in the ledger."""
    content = manifest_bytes(manifest)
    (staging / "dataset" / MANIFEST).write_bytes(content)
    return sha256_hex(content)

"""How fast the structure engine is: one core, beside msgspec parse-and-dump and a plain copy of the same bytes.

Run: python benchmarks/structure.py [SHARED]. Prints one JSON document: MB/s of CPU time, best of several turns each.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from bailee.deid.profiles.compile import shipped_plan
from bailee.deid.structure.engine import Engine
from bailee.deid.structure.people import People
from bailee.records import walk
from bailee.records.batches import RECORDS, RawBatch

TURNS = 7
BATCH_BYTES = 16_000_000
SUBJECTS = ("subject.reference", "patient.reference", "beneficiary.reference", "individual.reference")


def bulk(shared: Path) -> list[bytes]:
    files = sorted((shared / "data" / "synthea_bulk_10").glob("*.000.ndjson"))
    return [line for file in files for line in file.read_bytes().splitlines()]


def entries(shared: Path) -> list[bytes]:
    files = sorted((shared / "data" / "ms_anonymizer_samples" / "samples_r4").glob("*.json"))
    bundles = (json.loads(file.read_text("utf-8-sig")) for file in files)
    return [msgspec.json.encode(entry["resource"]) for bundle in bundles for entry in bundle["entry"]]


def batches(records: list[bytes]) -> list[tuple[RawBatch, People]]:
    """Cut records into batches by size, as a release does."""
    cuts, size = [0], 0
    for at, record in enumerate(records):
        size += len(record)
        if size > BATCH_BYTES:
            cuts.append(at)
            size = 0
    return [_batch(records[first:last]) for first, last in zip(cuts, [*cuts[1:], len(records)], strict=True)]


def _batch(records: list[bytes]) -> tuple[RawBatch, People]:
    buffer, offsets = np.frombuffer(b"".join(records), np.uint8), np.cumsum([0, *map(len, records)])
    found = walk.collect(buffer, offsets, walk.Paths({("Patient", "id"): 0, **{("*", path): 1 for path in SUBJECTS}}))
    patients: list[str | None] = [None] * len(records)
    for row, text in zip(found.record.tolist(), found.texts(buffer).to_pylist(), strict=True):
        patients[row] = text.removeprefix("urn:uuid:").split("/")[-1]
    known = sorted({patient for patient in patients if patient})
    people = People(
        pa.array(known, pa.string()),
        pa.array([f"{number:064x}" for number in range(len(known))], pa.string()),
        np.arange(1, len(known) + 1, dtype=np.int32),
        np.zeros(len(known), np.bool_),
    )
    arrays = [["?"] * len(records), [""] * len(records), patients, records]
    columns = [pa.array(column, kind) for column, kind in zip(arrays, RECORDS.types, strict=True)]
    return RawBatch(pa.RecordBatch.from_arrays(columns, schema=RECORDS)), people


def engine(profile: str) -> Engine:
    return Engine(shipped_plan(profile), ids_key=b"i" * 32, hash_key=b"h" * 32, zip3=["021"])


def run_engine(ready: Engine, cut: list[tuple[RawBatch, People]], *, keep: bool) -> int:
    """Run all batches; texts come back as they are, or not at all."""

    def clean(values: pa.Array, _: Any) -> pa.Array:
        return values if keep else pa.nulls(len(values), pa.string())

    size = 0
    for raw, people in cut:
        batch, _ = ready.deidentify(
            raw, people, clean_text=clean, clean_attachment=clean, method=lambda _, v, p: clean(v, p)
        )
        size += batch.rows.nbytes
    return size


def parse_and_dump(records: list[bytes]) -> None:
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    for record in records:
        encode(decode(record))


def copy(records: list[bytes]) -> None:
    np.frombuffer(b"".join(records), np.uint8).copy()


def rate(size: int, work: Callable[[], Any]) -> float:
    """Units: MB/s of CPU time, the best of several turns."""
    best = float("inf")
    for _ in range(TURNS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return round(size / 1e6 / best, 1)


def measure(records: list[bytes], profile: str) -> dict[str, Any]:
    size, cut, ready = sum(map(len, records)), batches(records), engine(profile)
    kept = rate(size, lambda: run_engine(ready, cut, keep=True))
    removed = rate(size, lambda: run_engine(ready, cut, keep=False))
    parse, plain = rate(size, lambda: parse_and_dump(records)), rate(size, lambda: copy(records))
    return {
        "MB": round(size / 1e6, 1),
        "records": len(records),
        "engine, texts come back": kept,
        "engine, texts removed": removed,
        "msgspec parse and dump": parse,
        "join and copy": plain,
        "engine / parse and dump": round(kept / parse, 2),
        "records a second": round(len(records) * kept * 1e6 / size),
    }


def _worker(shared: str, profile: str, start: Any, turns: int, spent: Any) -> None:
    cut, ready = batches(bulk(Path(shared))), engine(profile)
    run_engine(ready, cut, keep=True)
    start.wait()
    began = time.process_time()
    for _ in range(turns):
        run_engine(ready, cut, keep=True)
    spent.put(time.process_time() - began)


def side_by_side(shared: Path, profile: str, workers: int, turns: int) -> tuple[float, float]:
    """Run `workers` processes of `turns` turns each. Units: wall seconds; CPU seconds of the slowest."""
    context = multiprocessing.get_context("spawn")
    start, spent = context.Barrier(workers + 1), context.Queue()
    pool = [context.Process(target=_worker, args=(str(shared), profile, start, turns, spent)) for _ in range(workers)]
    for process in pool:
        process.start()
    start.wait()
    began = time.perf_counter()
    slowest = max(spent.get() for _ in pool)
    seconds = time.perf_counter() - began
    for process in pool:
        process.join()
    return seconds, slowest


def peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def main(shared: Path) -> None:
    report: dict[str, Any] = {"profile": "safe-harbor", "synthea_bulk_10": measure(bulk(shared), "safe-harbor")}
    report["ms samples, by entry"] = measure(entries(shared), "safe-harbor")
    report["synthea_bulk_10, notes aside"] = measure(
        [r for r in bulk(shared) if b'"DocumentReference"' not in r], "safe-harbor"
    )
    (wall_one, cpu_one), (wall_two, cpu_two) = (side_by_side(shared, "safe-harbor", workers, 40) for workers in (1, 2))
    report["two processes / one, by the clock"] = round(2 * wall_one / wall_two, 2)
    report["two processes / one, by CPU time (a busy machine aside)"] = round(2 * cpu_one / cpu_two, 2)
    cut, ready = batches(bulk(shared)), engine("safe-harbor")
    run_engine(ready, cut, keep=True)
    before = peak_mb()
    for _ in range(30):
        run_engine(ready, cut, keep=True)
    report["peak MB after 1 and after 31 rounds"] = [before, peak_mb()]
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BAILEE_SHARED", "../shared")))

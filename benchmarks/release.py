"""End to end: export → vault → release, beside a plain copy and orjson parse-and-dump of the same bytes in the same run.

    python benchmarks/release.py --patients 1000
    python benchmarks/release.py --memory 1000,5000,20000

Rates are MB of NDJSON a second of CPU time, all processes counted; `within` is how many times parse-and-dump it takes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import Measured, bailee, run, size_of, table

COPY = "import shutil,sys; shutil.copytree(sys.argv[1], sys.argv[2])"
PARSE_AND_DUMP = """
import orjson, sys
from pathlib import Path
for path in Path(sys.argv[1]).glob("*.ndjson"):
    with path.open("rb") as lines, open(sys.argv[2], "wb") as out:
        for line in lines:
            out.write(orjson.dumps(orjson.loads(line)))
            out.write(b"\\n")
"""
NOTES = ("DocumentReference", "DiagnosticReport")


def main() -> None:
    """Measure speed, or memory over growing hospitals."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--patients", type=int, default=1000)
    options.add_argument("--memory", default="", help="numbers of patients, with commas between")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bailee-benchmark-") as folder:
        if given.memory:
            memory([int(number) for number in given.memory.split(",")], Path(folder))
        else:
            speed(given.patients, Path(folder))


def speed(patients: int, folder: Path) -> None:
    """Measure each step on one hospital."""
    export = hospital(patients, folder)
    megabytes = size_of(export) / 1e6
    copied = run([sys.executable, "-c", COPY, str(export), str(folder / "copy")])
    parsed = run([sys.executable, "-c", PARSE_AND_DUMP, str(export), str(folder / "dumped")])
    taken = bailee("--home", folder / "home", "ingest", export)
    rows = [row("plain copy", megabytes, copied, parsed), row("orjson parse and dump", megabytes, parsed, parsed)]
    rows.append(row("ingest", megabytes, taken, parsed))
    for name, types, workers in (
        ("structure only", True, 1),
        ("structure only", True, 2),
        ("with notes", False, 1),
        ("with notes", False, 2),
    ):
        rows.append(
            row(f"release, {name}, {workers} workers", megabytes, release(folder, workers, structure=types), parsed)
        )
    print(f"{patients:,} patients, {megabytes:,.0f} MB of NDJSON")
    table(rows, ["step", "CPU s", "wall s", "MB/CPU s", "MB/s", "within", "peak MiB"])


def memory(sizes: list[int], folder: Path) -> None:
    """Measure the peak memory of releases of growing hospitals."""
    rows = []
    for patients in sizes:
        place = folder / str(patients)
        place.mkdir()
        export = hospital(patients, place)
        taken = bailee("--home", place / "home", "ingest", export)
        done = release(place, 2, structure=False)
        rows.append([f"{patients:,} patients", size_of(export) / 1e6, taken.peak_mib, done.peak_mib, done.wall])
    table(rows, ["hospital", "MB", "ingest MiB", "release MiB", "release s"])


def hospital(patients: int, folder: Path) -> Path:
    """Make a synthetic hospital's export and an empty home for it."""
    export = folder / "export"
    bailee("synthetic", export, "--patients", str(patients))
    bailee("init", folder / "home", "--name", "Benchmark")
    return export


def release(folder: Path, workers: int, *, structure: bool) -> Measured:
    """Release under a new agreement, so that nothing is reused."""
    name = f"{'structure' if structure else 'notes'}-{workers}"
    terms = folder / f"{name}.yaml"
    bailee("synthetic", "--agreement", terms, "--id", name, *(("--without", ",".join(NOTES)) if structure else ()))
    bailee("--home", folder / "home", "agreement", "add", terms, "--signed-hospital", "A", "--signed-partner", "B")
    return bailee("--home", folder / "home", "release", name, "--workers", str(workers))


def row(name: str, megabytes: float, measured: Measured, floor: Measured) -> list[object]:
    """Make a row of the table."""
    return [
        name,
        measured.cpu,
        measured.wall,
        megabytes / measured.cpu,
        megabytes / measured.wall,
        measured.cpu / floor.cpu,
        measured.peak_mib,
    ]


if __name__ == "__main__":
    main()

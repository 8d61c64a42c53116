"""End to end: export → vault → release, beside a plain copy and orjson parse-and-dump of the same bytes in the same run.

    python benchmarks/release.py --patients 1000
    python benchmarks/release.py --memory 1000,5000,20000

Rates are MB of NDJSON a second of CPU time, all processes counted; `within` is how many times parse-and-dump it takes.
"""

from __future__ import annotations

import argparse
import shutil
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
    """Measure each step on one hospital: its structured records alone, then all of them with their notes."""
    export = hospital(patients, folder)
    structured = folder / "structured"
    shutil.copytree(export, structured, ignore=shutil.ignore_patterns(*(f"{kind}.*" for kind in NOTES)))
    for name, files in (("structured records", structured), ("with notes", export)):
        place = folder / name.replace(" ", "-")
        place.mkdir()
        print(f"{patients:,} patients, {name}: {size_of(files) / 1e6:,.0f} MB of NDJSON")
        table(steps(files, place), ["step", "CPU s", "wall s", "MB/CPU s", "MB/s", "within", "peak MiB"])


def steps(export: Path, folder: Path) -> list[list[object]]:
    """Measure each step on one export; `within` compares with parse-and-dump of the very same bytes."""
    megabytes = size_of(export) / 1e6
    bailee("init", folder / "home", "--name", "Benchmark")
    copied = run([sys.executable, "-c", COPY, str(export), str(folder / "copy")])
    parsed = run([sys.executable, "-c", PARSE_AND_DUMP, str(export), str(folder / "dumped")])
    taken = bailee("--home", folder / "home", "ingest", export)
    done = [("plain copy", copied), ("orjson parse and dump", parsed), ("ingest", taken)]
    done += [(f"release, {workers} workers", release(folder, workers)) for workers in (1, 2)]
    return [row(name, megabytes, measured, parsed) for name, measured in done]


def memory(sizes: list[int], folder: Path) -> None:
    """Measure the peak memory of releases of growing hospitals."""
    rows = []
    for patients in sizes:
        place = folder / str(patients)
        place.mkdir()
        export = hospital(patients, place)
        bailee("init", place / "home", "--name", "Benchmark")
        taken = bailee("--home", place / "home", "ingest", export)
        done = release(place, 2)
        rows.append([f"{patients:,} patients", size_of(export) / 1e6, taken.peak_mib, done.peak_mib, done.wall])
    table(rows, ["hospital", "MB", "ingest MiB", "release MiB", "release s"])


def hospital(patients: int, folder: Path) -> Path:
    """Make a synthetic hospital's export."""
    export = folder / "export"
    bailee("synthetic", export, "--patients", str(patients))
    return export


def release(folder: Path, workers: int) -> Measured:
    """Release under a new agreement, so that nothing is reused."""
    name = f"workers-{workers}"
    terms = folder / f"{name}.yaml"
    bailee("synthetic", "--agreement", terms, "--id", name)
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

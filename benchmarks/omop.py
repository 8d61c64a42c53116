"""Released NDJSON into OMOP CDM tables, beside a plain DuckDB scan of the same files in the same run.

    python benchmarks/omop.py --patients 2000

The scan reads two fixed columns of each line, which is the least that any reader of NDJSON does. Rates are MB of NDJSON
a second of CPU time, all processes counted. The tables are written, hashed, and checked for keys that join.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from measure import Measured, bailee, run, size_of, table

NOTES = ("DocumentReference", "DiagnosticReport")
SCAN = """
import duckdb, sys
duckdb.execute("set threads=1")
print(duckdb.execute(f"select count(distinct id) from read_ndjson('{sys.argv[1]}/*/ndjson/*.ndjson', "
      "columns={resourceType: 'VARCHAR', id: 'VARCHAR'}, maximum_object_size=16777216)").fetchone())
"""
EXPORT = """
import sys
from pathlib import Path
from bailee.engines.local import LocalEngine
from bailee.flows.release.omop import export_omop
from bailee.flows.release.tools import tools_of
tools = tools_of(sys.argv[1], sys.argv[2])
export_omop(tools, tools.staging / "parts", LocalEngine(int(sys.argv[3])).run)
"""


def main() -> None:
    """Measure the scan and the tables."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--patients", type=int, default=2000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="bailee-benchmark-") as folder:
        home = released(given.patients, Path(folder))
        staging = home / "staging" / "bench-v0001"
        megabytes = size_of(staging / "parts") / 1e6
        scan = run([sys.executable, "-c", SCAN, str(staging / "parts")])
        rows = [row("DuckDB scan, two columns", megabytes, scan, scan)]
        for workers in (1, 2):
            done = run([sys.executable, "-c", EXPORT, str(home), "bench-v0001", str(workers)])
            written = size_of(staging / "dataset" / "omop") / 1e6
            rows.append(row(f"OMOP tables, {workers} worker{'s' * (workers > 1)}", megabytes, done, scan))
        print(f"{given.patients:,} patients, {megabytes:,.0f} MB of NDJSON, {written:,.1f} MB of tables")
        table(rows, ["step", "CPU s", "wall s", "MB/CPU s", "MB/s", "times the scan", "peak MiB"])


def released(patients: int, folder: Path) -> Path:
    """Release a synthetic hospital without its notes, and lay its parts out again as they were before publishing."""
    export, home, terms = folder / "export", folder / "home", folder / "bench.yaml"
    bailee("synthetic", export, "--patients", str(patients))
    bailee("init", home, "--name", "Benchmark")
    bailee("--home", home, "ingest", export)
    bailee("synthetic", "--agreement", terms, "--id", "bench", "--without", ",".join(NOTES))
    bailee("--home", home, "agreement", "add", terms, "--signed-hospital", "A", "--signed-partner", "B")
    kept = [sys.executable, "-c", KEEP_PARTS, str(home)]
    run(kept)
    return home


# A release whose last step keeps its parts, so that the tables can be made of them again and again.
KEEP_PARTS = """
import shutil, sys
from pathlib import Path
from bailee.engines.local import LocalEngine
from bailee.flows.hospital import Hospital
from bailee.flows.release import run
from bailee.stores.home import open_home
hospital = Hospital(open_home(Path(sys.argv[1])))
kept = Path(sys.argv[1]) / "kept"
publish = run.publish
def keep(dataset, target):
    shutil.copytree(dataset.parent, kept, ignore=shutil.ignore_patterns("dataset"))
    publish(dataset, target)
run.publish = keep
run.release(hospital, "bench", LocalEngine(2))
kept.rename(Path(sys.argv[1]) / "staging" / "bench-v0001")
hospital.close()
"""


def row(name: str, megabytes: float, measured: Measured, scan: Measured) -> list[object]:
    """Make a row of the table."""
    speed = [megabytes / measured.cpu, megabytes / measured.wall]
    return [name, measured.cpu, measured.wall, *speed, measured.cpu / scan.cpu, measured.peak_mib]


if __name__ == "__main__":
    main()

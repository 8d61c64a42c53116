"""The optimal generalisation of Adult (30,162 records, nine columns, ARX's hierarchies), beside ARX's own optimum.

BAILEE_SHARED=../shared python benchmarks/risk.py
"""

from __future__ import annotations

import csv
import os
import time
from pathlib import Path

import pyarrow as pa

from bailee.deid.risk.classes import count_classes
from bailee.deid.risk.hierarchies import hierarchy
from bailee.deid.risk.lattice import Goal, best_levels
from bailee.deid.risk.measures import risk_of

DATA = Path(os.environ.get("BAILEE_SHARED", "../shared")) / "data" / "arx_microdata"
ARX = {
    (5, 0.04): 255559.85455731067,
    (100, 0.04): 379417.3460570988,
    (5, 0.0): 407289.5388925293,
    (100, 0.0): 453196.8932458743,
}


def rows_of(name):
    with (DATA / name).open(encoding="utf-8") as file:
        return list(csv.reader(file, delimiter=";"))


def main():
    head, *rows = rows_of("adult.csv")
    table = pa.table({name: [row[number] for row in rows] for number, name in enumerate(head)})
    hierarchies = [hierarchy(name, rows_of(f"adult_hierarchy_{name}.csv")) for name in head]
    print(f"{'k':>4} {'suppression':>11} {'CPU s':>6} {'tried':>6} {'nodes':>6} {'loss':>14} {'loss of ARX':>14}")
    for (k, suppression), published in ARX.items():
        start = time.process_time()
        found = best_levels(table, hierarchies, Goal(k=k, suppression=suppression))
        spent = time.process_time() - start
        print(
            f"{k:>4} {suppression:>11} {spent:>6.1f} {found.tried:>6} {found.nodes:>6} {found.loss:>14.3f} {published:>14.3f}"
        )
    many = pa.concat_tables([table] * 100)
    start = time.process_time()
    risk = risk_of(count_classes(many, head).sizes)
    print(f"classes of {risk.records} records by {len(head)} columns: {time.process_time() - start:.1f} CPU s")


if __name__ == "__main__":
    main()

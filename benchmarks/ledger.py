"""How fast the ledger is: durable actions, batches, proofs, verification, accounting, a million disclosures.

Run: python benchmarks/ledger.py [--quick]. Prints one JSON document; each figure with what was asked of it.
SQLite as configured for use: write-ahead log, synchronous=FULL, on the disk that TMPDIR names.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, text
from tests.support.ledger import AGREEMENT, entry, intent, new_log, policy_of

import bailee_verify
from bailee.core.clock import FixedClock
from bailee.ledger.accounting import account
from bailee.stores.sql.database import migrate, open_database, read, write
from bailee.stores.sql.ledger import CheckpointPolicy, Log
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.ledger_egress import Egress
from bailee.stores.sql.ledger_export import export_ledger
from bailee.stores.sql.ledger_people import disclosures_of, proof_of

QUICK = "--quick" in sys.argv
SCALE = 10 if QUICK else 1
BATCH = 500


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="bailee-bench-") as folder:
        place = Path(folder)
        figures = {
            "durable_actions": durable_actions(fresh(place / "a.db")),
            "batches_and_proofs": batches_and_proofs(place),
            "accounting": accounting(fresh(place / "c.db")),
            "million_disclosures": million_disclosures(place),
        }
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
    }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"machine": machine, "quick": QUICK, **figures, "peak_memory_mb": peak}, indent=2))


def fresh(path: Path) -> Log:
    engine = open_database(path)
    migrate(engine)
    log = new_log(engine, policy=CheckpointPolicy(every_leaves=4096, every_ms=10**9))
    log.clock = FixedClock(log.clock.now_ms())
    log.commit([entry("agreement.activated", agreement=AGREEMENT)])
    return log


def timed(work: Callable[..., Any], *given: Any) -> float:
    start = time.perf_counter()
    work(*given)
    return time.perf_counter() - start


def cpu(work: Callable[..., Any], *given: Any) -> float:
    start = time.process_time()
    work(*given)
    return time.process_time() - start


def durable_actions(log: Log) -> dict[str, Any]:
    """A business row and its leaf in one transaction, one at a time; beside it, the disk's own fdatasync."""
    with write(log.engine) as connection:
        connection.execute(text("CREATE TABLE deed (name INTEGER PRIMARY KEY)"))

    def act(number: int) -> None:
        with write(log.engine) as connection:
            connection.execute(text("INSERT INTO deed VALUES (:name)"), {"name": number})
            append(connection, [entry("access.read", objects=(f"dataset:d{number}",))])

    processor = time.process_time()
    times = [timed(act, number) for number in range(2000 // SCALE)]
    processor = time.process_time() - processor
    with tempfile.TemporaryFile() as file:
        syncs = [timed(one_sync, file) for _ in range(200)]
    return {
        "per_second": round(len(times) / sum(times)),
        "per_second_of_processor": round(len(times) / processor),
        "p50_ms": round(1000 * statistics.median(times), 2),
        "p99_ms": round(1000 * sorted(times)[int(0.99 * len(times))], 2),
        "aim": "200/s, p99 15 ms",
        "fdatasync_of_4_kb_p50_ms": round(1000 * statistics.median(syncs), 3),
    }


def one_sync(file: Any) -> None:
    os.pwrite(file.fileno(), bytes(4096), 0)
    os.fdatasync(file.fileno())


def batches_and_proofs(place: Path) -> dict[str, Any]:
    """A log that doubles: leaves a second, proofs at each size, then one full verification."""
    log = fresh(place / "b.db")
    kinds = ("access.read", "decision.permit", "decision.deny", "access.search")
    entries = [
        entry(
            kinds[at % 4],
            actor_org="Partner Ltd",
            objects=(f"dataset:d{at}",),
            reasons=("P-PERMIT",),
            rules=("rule-1", "rule-2"),
            machine="machine-0123456789ab",
        )
        for at in range(BATCH)
    ]
    doublings, spent, size = [], 0.0, 1
    for target in [10_000 // SCALE * 2**power for power in range(6)]:
        while size < target:
            spent += timed(log.commit, entries[: target - size])
            size = log.size()
        log.checkpoint()
        doublings.append(proofs_at(log, size))
    export_ledger(log.engine, place / "export")
    report, seconds, processor = verified(log, place)
    return {
        "batched_leaves_per_second": round(size / spent),
        "batch": BATCH,
        "aim_batched": 15_000,
        "proofs_by_size": doublings,
        "aim_proofs": "p99 10 ms, one hash for each doubling",
        "verified": report["ok"],
        "verified_leaves": report["size"],
        "verified_leaves_per_second": round(report["size"] / seconds),
        "verified_leaves_per_second_of_processor": round(report["size"] / processor),
        "aim_verified": 250_000,
    }


def proofs_at(log: Log, size: int) -> dict[str, Any]:
    step = max(1, size // 200)
    times = [timed(log.inclusion, seq) for seq in range(0, size, step)]
    processor = cpu(lambda: [log.inclusion(seq) for seq in range(0, size, step)]) / len(times)
    longest = max(len(log.inclusion(seq)[0]) for seq in range(0, size, step * 10))
    return {
        "leaves": size,
        "hashes": longest,
        "processor_ms": round(1000 * processor, 2),
        "p50_ms": round(1000 * statistics.median(times), 2),
        "p99_ms": round(1000 * sorted(times)[int(0.99 * len(times))], 2),
    }


def verified(log: Log, place: Path) -> tuple[dict[str, Any], float, float]:
    policy = bailee_verify.Policy(policy_of(log, place).read_text())
    verifiers = [bailee_verify.Verifier(place / "export", policy) for _ in range(6)]
    seconds = min(timed(verifier.run, [], None) for verifier in verifiers[:3])
    processor = min(cpu(verifier.run, [], None) for verifier in verifiers[3:5])
    return verifiers[5].run([], None), seconds, processor


def accounting(log: Log) -> dict[str, Any]:
    """One patient with 100,000 disclosures in as many releases."""
    count = 100_000 // SCALE
    people = pa.table({"patient": ["p1"]})
    with write(log.engine) as connection:
        for number in range(count):
            name = f"r{number}"
            append(connection, [intent(name)])
            leaf = entry("release.disclosed", release=name, agreement=AGREEMENT, data=("notes",))
            log.disclose(connection, leaf, people)
    log.checkpoint()

    def answer() -> None:
        with read(log.engine) as connection:
            assert len(account(disclosures_of(connection, "p1"), asked_ms=log.clock.now_ms()).rows) == count

    seconds, processor = min(timed(answer) for _ in range(3)), min(cpu(answer) for _ in range(3))
    return {"events": count, "seconds": round(seconds, 3), "processor_seconds": round(processor, 3), "aim": 1.0}


def million_disclosures(place: Path) -> dict[str, Any]:
    """A release of a million patients, in tables of 100,000, durable and signed; then the same people again."""
    log, count, part = fresh(place / "d.db"), 1_000_000 // SCALE, 100_000 // SCALE
    egress = Egress(log, actor="a")
    results = {}
    for release in ("first", "again"):
        egress.intent(intent(release))
        tables = (people(start, part) for start in range(0, count, part))
        processor = time.process_time()
        results[f"{release}_seconds"] = round(timed(egress.record_disclosures, release, tables), 2)
        results[f"{release}_processor_seconds"] = round(time.process_time() - processor, 2)
    patient = people(count // 2, 1)["patient"][0].as_py()
    results["proof_for_one_of_them_ms"] = round(1000 * timed(proof_of, log, patient, newest(log.engine)), 1)
    export_ledger(log.engine, place / "million")
    policy = bailee_verify.Policy(policy_of(log, place).read_text())
    with redirect_stdout(StringIO()):
        start = time.perf_counter()
        ok = bailee_verify.Verifier(place / "million", policy).run([], None)["ok"]
    return {
        "patients": count,
        **results,
        "aim_seconds": 60,
        "verified": ok,
        "verify_seconds": round(time.perf_counter() - start, 1),
    }


def people(start: int, count: int) -> pa.Table:
    """Patients' ids in an order that is not that of any index."""
    ids = [f"{at * 2654435761 % 2**32:08x}-{at:08x}" for at in range(start, start + count)]
    return pa.table({"patient": ids})


def newest(engine: Engine) -> int:
    """Find the leaf of the second release's middle part."""
    with read(engine) as connection:
        seqs = [
            seq
            for (seq,) in connection.execute(text("SELECT seq FROM ledger_batch WHERE release = 'again' ORDER BY seq"))
        ]
    return int(seqs[len(seqs) // 2])


if __name__ == "__main__":
    main()

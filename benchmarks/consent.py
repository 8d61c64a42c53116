"""Consent: single decisions a second, and 32 million patients at once, beside a plain DuckDB anti-join.

Run: `nice -n 10 python benchmarks/consent.py [--patients 32000000]`. Prints one line of JSON for each measure.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.bulk import Spoken, decide_patients
from bailee.consent.directives import DIRECTIVES, body_of
from bailee.consent.evaluate import Snapshot, decide
from bailee.consent.management import AttributeDefinition
from bailee.consent.policies import CLAIMS, CONSENTS, directives_from_store
from bailee.consent.rules import Item, Rule
from bailee.core.grants import ALWAYS, FOREVER_MS, Ask, Grant, Window

AT_MS = 1_800_000_000_000
BATCH = 2_000_000
ASK = Ask(
    agreement="a1",
    agreement_sha256="a" * 64,
    recipient="acme",
    aliases=frozenset({"acme", "Organization/acme"}),
    purposes=frozenset({"HRESCH"}),
    regions=frozenset({"US"}),
    identifiability="safe-harbor",
    types=frozenset({"Patient", "Condition", "Observation"}),
    profile="safe-harbor",
    profile_sha256="b" * 64,
)
GRANT = Grant(
    agreement="a1",
    agreement_sha256="a" * 64,
    signed_sha256="a" * 64,
    in_force=Window(0, FOREVER_MS),
    purposes=frozenset({"HRESCH"}),
    types=frozenset({"Patient", "Condition", "Observation"}),
    recipients=frozenset({"acme"}),
    regions=frozenset({"US"}),
    identifiability="safe-harbor",
    profile="safe-harbor",
    route="de-identified",
    route_holds=ALWAYS,
    needs_permit=False,
    obligations=("publish-results",),
)


def forms() -> list[Rule]:
    """The forms that patients of one hospital sign: some say yes, some no, some in part, some for others."""
    common = {"id": "form", "layer": "patient"}
    return [
        Rule(**common, effect="permit", purposes=frozenset({"HRESCH"})),
        Rule(**common, effect="deny"),
        Rule(**common, effect="deny", purposes=frozenset({"HMARKT"})),
        Rule(**common, effect="deny", purposes=frozenset({"HRESCH"}), classes=frozenset({"DocumentReference"})),
        Rule(**common, effect="deny", recipients=frozenset({"Organization/other"})),
        Rule(**common, effect="deny", purposes=frozenset({"HRESCH"})),
        Rule(
            **common, effect="permit", exceptions=(Rule(**common, effect="deny", labels=frozenset({"category:hiv"})),)
        ),
        Rule(**common, effect="permit", regions=frozenset({"US"}), identifiability=frozenset({"safe-harbor"})),
    ]


def report(measure: str, **figures: float | str) -> None:
    """Print one measure."""
    print(json.dumps({"measure": measure, **figures}), flush=True)


def best(work: Callable[[], object], times: int = 3) -> float:
    """Give the shortest of several runs, in seconds of this process's CPU."""
    found = []
    for _ in range(times):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def singles() -> None:
    """Decide one by one: 5 % of patients with one to five rules, as in the bulk."""
    count, rules = 100_000, forms()
    chance = np.random.default_rng(1)
    said = {
        f"p{number}": tuple(rules[one] for one in chance.integers(0, len(rules), chance.integers(1, 6)))
        for number in range(0, count, 20)
    }
    items = [
        Item(
            reference=f"Condition/{number}",
            type="Condition",
            patients=(f"p{number}",),
            codes=frozenset({"s|1"}),
            mentions=frozenset({"s|1"}),
            labels=frozenset({"confidentiality:N"}),
            happened=(1, 2),
            refers_to=frozenset(),
            referred_by=frozenset(),
        )
        for number in range(count)
    ]
    for name, snapshot in (
        ("no rules", Snapshot(grants={"a1": GRANT}, rules={})),
        ("5 % of patients with 1 to 5 rules", Snapshot(grants={"a1": GRANT}, rules=said)),
        (
            "every patient with 1 to 5 rules",
            Snapshot(grants={"a1": GRANT}, rules=dict.fromkeys((f"p{n}" for n in range(count)), tuple(rules[2:5]))),
        ),
    ):
        pairs = [(item.patients[0], item) for item in items]

        def work(pairs: list[tuple[str, Item]] = pairs, snapshot: Snapshot = snapshot) -> None:
            for subject, item in pairs:
                decide(subject, item, ASK, snapshot, AT_MS)

        report(
            "single decisions", patients=name, per_second_per_core=round(count / best(work)), **latency(pairs, snapshot)
        )


def latency(pairs: list[tuple[str, Item]], snapshot: Snapshot) -> dict[str, float]:
    """Time each of many decisions by itself, in microseconds."""
    spent = []
    for subject, item in pairs[:50_000]:
        start = time.perf_counter_ns()
        decide(subject, item, ASK, snapshot, AT_MS)
        spent.append(time.perf_counter_ns() - start)
    return {f"p{rank}_us": round(float(np.percentile(spent, rank)) / 1000, 2) for rank in (50, 99)}


def names(start: int, count: int) -> pa.Array:
    """Make patient ids of 16 characters, as FHIR servers give."""
    numbers = pa.array(np.arange(start, start + count))
    return pc.binary_join_element_wise("patient-", pc.utf8_lpad(pc.cast(numbers, pa.string()), 8, padding="0"), "")


def directives(patients: int) -> pa.Table:
    """Let 5 % of the patients say one to five things, each with its own date."""
    chance = np.random.default_rng(2)
    who = chance.choice(patients, patients // 20, replace=False)
    counts = chance.integers(1, 6, len(who))
    rows = np.repeat(who, counts)
    bodies = pa.array([body_of(rule) for rule in forms()])
    weights = np.array([60, 8, 10, 4, 6, 4, 4, 4]) / 100
    body = pa.DictionaryArray.from_arrays(
        pa.array(chance.choice(len(bodies), len(rows), p=weights).astype(np.int32)), bodies
    )
    patient = pc.binary_join_element_wise(
        "patient-", pc.utf8_lpad(pc.cast(pa.array(rows), pa.string()), 8, padding="0"), ""
    )
    ids = pc.binary_join_element_wise("consent-", pc.cast(pa.array(np.arange(len(rows))), pa.string()), "")
    signed = pa.array(AT_MS - chance.integers(0, 10**11, len(rows)))
    ends = pa.array(np.where(chance.random(len(rows)) < 0.1, AT_MS - 1, FOREVER_MS))
    return pa.Table.from_arrays([patient, ids, signed, ends, body], schema=DIRECTIVES)


def store(consents: int) -> None:
    """Read a store's consents, of 50 different forms with two policies each, as directives about one ask."""
    chance = np.random.default_rng(3)
    forms_ = [
        f'[{{"authorizationRule":"purpose == \\"HRESCH\\" && partner in [\\"acme\\", \\"p{n}\\"]","effect":"PERMIT"}},'
        f'{{"authorizationRule":"purpose == \\"HMARKT\\" || partner == \\"p{n + 1}\\"","effect":"DENY"}}]'
        for n in range(50)
    ]
    policies = pa.DictionaryArray.from_arrays(
        pa.array(chance.integers(0, 50, consents).astype(np.int32)), pa.array(forms_)
    )
    users = names(0, consents)
    table = pa.Table.from_arrays([users, users, policies, pa.array(np.full(consents, FOREVER_MS))], schema=CONSENTS)
    definitions = {
        "purpose": AttributeDefinition(category="REQUEST", allowed_values=("HRESCH", "HMARKT")),
        "partner": AttributeDefinition(category="REQUEST", allowed_values=("acme",)),
    }
    watch = Watch()
    with watch:
        found = directives_from_store("s", table, CLAIMS.empty_table(), ASK, definitions, lambda _: [])
    report("consents of a store as directives", consents=consents, directives=found.num_rows, **watch.figures())


class Watch:
    """Adds up wall-clock and CPU seconds, all threads', of the blocks that it is around."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0
        self._started = (0.0, 0.0)

    def __enter__(self) -> None:
        self._started = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        self.wall += time.perf_counter() - self._started[0]
        self.cpu += time.process_time() - self._started[1]

    def figures(self) -> dict[str, float]:
        """Give both, rounded."""
        return {"wall_seconds": round(self.wall, 2), "cpu_seconds": round(self.cpu, 2)}


def bulk(patients: int) -> None:
    """Decide all patients, and anti-join the same tables in DuckDB, in this one run."""
    pa.set_cpu_count(2)
    said = directives(patients)
    snapshot = Snapshot(grants={"a1": GRANT}, rules={})
    ours, permitted = Watch(), 0
    with ours:
        spoken = Spoken.of(said, ASK, AT_MS)
    for first in range(0, patients, BATCH):
        asked = names(first, min(BATCH, patients - first))  # making them is not measured
        with ours:
            answers = decide_patients(asked, spoken, ASK, snapshot, AT_MS)
        permitted += pc.sum(answers.column("permitted")).as_py()
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2)
    figures = ours.figures()
    report("bulk", patients=patients, directives=said.num_rows, permitted=permitted, **figures, peak_gib=peak)
    plain, theirs = anti_join(patients, said)
    ratios = {"ratio_wall": round(ours.wall / theirs.wall, 2), "ratio_cpu": round(ours.cpu / theirs.cpu, 2)}
    report("plain DuckDB anti-join", permitted=plain, **theirs.figures(), **ratios)


def anti_join(patients: int, said: pa.Table) -> tuple[int, Watch]:
    """Leave out, in DuckDB, everybody with a body that refuses now; the bodies are chosen by hand."""
    refusing = [body_of(rule) for rule in (forms()[1], forms()[5])]
    connection = duckdb.connect()
    connection.sql("SET threads = 2")
    connection.register("said", said.set_column(4, "body", said.column("body").cast(pa.string())))
    refused = (
        "CREATE TEMP TABLE refused AS SELECT DISTINCT patient FROM said "
        "WHERE body IN (?, ?) AND not_before <= ? AND ? < not_after"
    )
    query = "SELECT patient, NOT EXISTS (SELECT 1 FROM refused r WHERE r.patient = a.patient) AS permitted FROM asked a"
    watch, total = Watch(), 0
    with watch:
        connection.sql(refused, params=[*refusing, AT_MS, AT_MS])
    for first in range(0, patients, BATCH):
        asked = pa.table({"patient": names(first, min(BATCH, patients - first))})
        with watch:
            connection.register("asked", asked)
            answers = connection.sql(query).to_arrow_table()
        total += pc.sum(answers.column("permitted")).as_py()
        connection.unregister("asked")
    connection.close()
    return total, watch


def main() -> None:
    """Measure each part in a process of its own, so that memory is that part's."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=32_000_000)
    parser.add_argument("--part", choices=["singles", "bulk", "store"])
    given = parser.parse_args()
    if given.part == "singles":
        singles()
    elif given.part == "bulk":
        bulk(given.patients)
    elif given.part == "store":
        store(given.patients // 32)
    else:
        report("machine", cores=os.cpu_count() or 0, load=round(os.getloadavg()[0], 1))
        for part in ("singles", "bulk", "store"):
            subprocess.run([sys.executable, __file__, "--part", part, "--patients", str(given.patients)], check=True)


if __name__ == "__main__":
    main()

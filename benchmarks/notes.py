"""How fast identifiers are found in notes: one core, beside a plain RE2 scan and the peers of PyPI, in the same run.

Run: python benchmarks/notes.py [--notes FILE.jsonl] [--peers VENV/bin/python] > report.json

Notes: lines {"id", "text"}; without a file, notes of a synthetic hospital. Peers live in an environment of their own, made with
`python -m venv V && V/bin/pip install -r benchmarks/notes_peers.txt`; one that is not there is skipped with its reason.
Every figure is kB of text for each second of CPU time, the best of several turns, on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import re2

from bailee.deid.notes.find import find
from bailee.deid.notes.patterns import find as find_by_rules
from bailee.deid.notes.text import Text

TURNS = 5
PEERS = ("scrubadub", "presidio-analyzer, blank model", "philter-lite")
# Twenty patterns of the kinds that every tool has: the floor that a regular expression engine sets.
TWENTY = [
    r"\b\d{3}-\d{2}-\d{4}\b", r"\b\(?\d{3}\)?[-. ]\d{3}[-. ]\d{4}\b", r"\b\d{1,2}/\d{1,2}/\d{2,4}\b", r"\b\d{4}-\d{2}-\d{2}\b",
    r"\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{1,2},? \d{4}\b", r"\b[\w.+-]+@[\w-]+\.[\w.]+\b",
    r"\bhttps?://\S+", r"\b(?:\d{1,3}\.){3}\d{1,3}\b", r"\b(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}\b", r"\bMRN:? ?\d{5,}\b",
    r"\b\d{5}(?:-\d{4})?\b", r"\b(?:9\d|1\d\d)[- ]year", r"\b(?:Dr|Mr|Mrs|Ms)\. [A-Z][a-z]+\b", r"\b\d{4}[- ]\d{4}[- ]\d{4}[- ]\d{4}\b",
    r"\b[A-Z]{2}\d{7}\b", r"\b\d{1,5} [A-Z][a-z]+ (?:St|Ave|Rd|Blvd)\b", r"\b[A-HJ-NPR-Z0-9]{17}\b", r"\bP\.?O\.? Box \d+\b",
    r"\b[A-Z][a-z]+ (?:Hospital|Clinic)\b", r"\b[A-Z]{2}\d{2}(?: ?\d{4}){3,7}\b",
]  # fmt: skip
TABLE = "Sodium 138 mmol/L (135-145)\nPotassium 4.1 mmol/L (3.5-5.1)\nCreatinine 1.2 mg/dL (0.6-1.3)\n"
HOSTILE = {
    "one letter": "A" * 20_000, "one digit": "7" * 20_000, "1/2/1/2": "1/2/" * 5_000, "1-1-1": "1-" * 10_000,
    "a.a.a@": "a." * 10_000 + "@", "Dr. Dr.": "Dr. " * 5_000, "Aa Aa": "Aa " * 6_667, "blanks": " " * 20_000,
    "laboratory table": TABLE * 230, "base64": "QUJDREVGR0hJSktM" * 1_250, "Name: Name:": "Name: " * 3_334,
    "John John": "John " * 4_000, "line ends": "\n" * 20_000, "brackets": "(" * 20_000,
}  # fmt: skip


def rate(size: int, work: Callable[[], Any]) -> float:
    """Units: kB a CPU second, the best of several turns; the first, which warms up, does not count."""
    work()
    best = float("inf")
    for _ in range(TURNS):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return round(size / 1e3 / max(best, 1e-6), 1)


def plain_scan(texts: list[bytes]) -> Callable[[], int]:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    pattern = re2.compile("|".join(f"(?:{one})" for one in TWENTY).encode(), options=options)
    return lambda: sum(1 for text in texts for _ in pattern.finditer(text))


def ours(notes: list[str]) -> dict[str, Callable[[], Any]]:
    array = pa.array(notes, pa.large_string())
    return {
        "rules alone": lambda: find_by_rules(Text(array), "en"),
        "find, balanced": lambda: find(array, language="en"),
        "find, strict": lambda: find(array, language="en", operating_point="strict"),
    }


def peers(python: str | None, notes: list[str]) -> dict[str, Any]:
    """Run each peer in its own process, on the same notes."""
    if not python:
        return dict.fromkeys(PEERS, "skipped: no --peers given")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(notes, file)
        file.flush()
        return {name: _peer(python, name, file.name) for name in PEERS}


def _peer(python: str, name: str, notes: str) -> Any:
    script = Path(__file__).with_name("notes_peers.py")
    done = subprocess.run([python, str(script), name, notes], capture_output=True, text=True, check=False, timeout=900)
    if done.returncode:
        return f"skipped: {(done.stderr.strip().splitlines() or ['it failed'])[-1][:160]}"
    return float(done.stdout.split()[-1])


def start_up() -> float:
    """Seconds of CPU from nothing to the first note read."""
    code = "import pyarrow as pa; from bailee.deid.notes.find import find; find(pa.array(['Seen by Dr. Smith']), language='en')"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)


def lengths(notes: list[str]) -> dict[str, float]:
    """The same text as notes of some 3 kB and as notes of some 44 kB."""
    glued = ["\n\n".join(notes[at : at + 16]) for at in range(0, len(notes), 16)]
    size = sum(len(note.encode()) for note in glued)
    return {
        "as they are": rate(size, ours(notes)["find, balanced"]),
        "glued by 16": rate(size, ours(glued)["find, balanced"]),
    }


def hospital(size: int) -> list[str]:
    """Synthetic notes, until there are `size` bytes."""
    from bailee.synthetic.notes import notes as written

    texts: list[str] = []
    for note in written(size, seed=20, difficulty=0.2):
        texts.append(note.text)
        size -= len(note.text)
        if size <= 0:
            break
    return texts


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--notes", type=Path)
    options.add_argument("--peers")
    options.add_argument("--limit", type=int, default=2_000_000, help="bytes of notes to read")
    args = options.parse_args()
    lines = args.notes.read_text("utf-8").splitlines() if args.notes else []
    notes = [json.loads(line)["text"] for line in lines] if lines else hospital(args.limit)
    kept, size = [], 0
    for note in notes:
        kept.append(note)
        size += len(note.encode())
        if size >= args.limit:
            break
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    scan = rate(size, plain_scan([note.encode() for note in kept]))
    report: dict[str, Any] = {
        "kB": round(size / 1e3),
        "notes": len(kept),
        "kB a CPU second": {"RE2, twenty patterns": scan},
    }
    for name, work in ours(kept).items():
        report["kB a CPU second"][name] = rate(size, work)
    report["kB a CPU second"] |= peers(args.peers, kept[:200])
    balanced = report["kB a CPU second"]["find, balanced"]
    report["find, balanced / each"] = {
        name: round(balanced / value, 2)
        for name, value in report["kB a CPU second"].items()
        if isinstance(value, float)
    }
    report["by length"] = lengths(kept[:640])
    report["hostile, find balanced"] = {
        name: rate(len(text), ours([text])["find, balanced"]) for name, text in HOSTILE.items()
    }
    report["start-up, CPU seconds"] = start_up()
    report["peak MB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

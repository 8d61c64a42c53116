"""Kills, failing disks and power cuts under a writer: nothing acknowledged is lost, nothing is invented.

A sample by default, every system call with BAILEE_DEEP=1.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.support import fault_writer
from tests.support.faults import WRITING, Disk, Writers, recorded_calls, why_no_strace, writers

import bailee_verify
from bailee.stores.sql.database import read
from bailee.stores.sql.ledger_egress import Egress
from bailee.stores.sql.ledger_export import export_ledger

DEEP = bool(os.environ.get("BAILEE_DEEP"))
FAULTS = ("signal=KILL", "error=EIO", "error=ENOSPC")
SMALL_LOG = ("wal_autocheckpoint=8",)  # so that pages move into the database often

pytestmark = pytest.mark.skipif(bool(why_no_strace()), reason=str(why_no_strace()))


@pytest.fixture(scope="module")
def process() -> Iterator[Writers]:
    with writers() as process:
        yield process


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """A folder in memory where there is one: the calls are the same, and syncing costs nothing."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="bailee-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def template(room: Path) -> Path:
    folder = room / "template"
    folder.mkdir()
    fault_writer.prepare(folder)
    return folder


@pytest.fixture(scope="module")
def trace(process: Writers, template: Path, room: Path) -> Path:
    """Everything that a writer does to its files, when nothing goes wrong."""
    return record(process, template, room / "traced", SMALL_LOG)


def record(process: Writers, template: Path, folder: Path, pragmas: tuple[str, ...]) -> Path:
    shutil.copytree(template, folder)
    options = ["-y", "-xx", "-s", "70000", "-e", "trace=" + ",".join(WRITING), "-o", str(folder / "trace")]
    outcome = process.run(folder, options, pragmas)
    assert (outcome.status, len(outcome.acks)) == (0, 4 * fault_writer.RELEASES)
    return folder / "trace"


class Violation(AssertionError):
    """A promise that was broken."""


def check(folder: Path, acks: list[str], *, verify: bool = True) -> None:
    """Open what a crash left behind and compare it with what was acknowledged."""
    log = fault_writer.open_log(folder)
    try:
        with read(log.engine) as connection:
            _sound(connection)
            _acknowledged(connection, acks)
        Egress(log, actor="a").recover()
        log.checkpoint()
        if verify:
            _verified(log, folder)
    finally:
        log.engine.dispose()


def _sound(connection) -> None:
    _hold(connection.execute(text("PRAGMA integrity_check")).scalar() == "ok", "the database is corrupt")
    seqs = [seq for (seq,) in connection.execute(text("SELECT seq FROM ledger_leaf ORDER BY seq"))]
    _hold(seqs == list(range(len(seqs))), "leaves are missing")
    deeds = {name for (name,) in connection.execute(text("SELECT name FROM deed"))}
    bodies = [bytes(body) for (body,) in connection.execute(text("SELECT body FROM ledger_leaf"))]
    written = {
        f"r{at}" for at in range(fault_writer.RELEASES) if any(b'"artifact:r%d"' % at in body for body in bodies)
    }
    _hold(deeds == written, "a change without its leaf, or a leaf without its change")


def _acknowledged(connection, acks: list[str]) -> None:
    kinds = Counter(tuple(row) for row in connection.execute(text("SELECT release, kind FROM ledger_mark")))
    deeds = {name for (name,) in connection.execute(text("SELECT name FROM deed"))}
    people = {
        tuple(row)
        for row in connection.execute(
            text("SELECT b.release, s.patient FROM ledger_subject s JOIN ledger_batch b ON b.seq = s.seq")
        )
    }
    for ack in acks:
        step, release = ack.split()
        present = release in deeds if step == "deed" else kinds[release, f"release.{step}"] == 1
        _hold(present, f"{step} of {release} was acknowledged and is lost")
        if step == "disclosed":
            named = {patient for name, patient in people if name == release}
            _hold(named == {f"p{release[1:]}", "p-all"}, f"patients of {release} are lost or invented")
    begun = {ack.split()[1] for ack in acks}
    following = f"r{len(begun)}" if len(acks) % 4 == 0 else ""
    _hold({release for release, _ in people} <= begun | {following}, "a disclosure was invented")


def _verified(log, folder: Path) -> None:
    export_ledger(log.engine, folder / "export")
    policy = bailee_verify.Policy(f"log {log.signer.verifier}\nquorum none\n")
    report = bailee_verify.Verifier(folder / "export", policy).run([], None)
    _hold(report["ok"], "the verifier finds something")


def _hold(promise: bool, what: str) -> None:
    if not promise:
        raise Violation(what)


def faults(trace: Path) -> list[tuple[str, int, str]]:
    counts = Counter(call.name for call in recorded_calls(trace) if not call.path.endswith("acks"))
    every = [
        (name, at, fault) for name, count in sorted(counts.items()) for at in range(1, count + 1) for fault in FAULTS
    ]
    return every if DEEP else random.Random(7).sample(every, 24)


def test_a_fault_at_any_system_call_loses_nothing_acknowledged_and_invents_nothing(
    process: Writers, template: Path, trace: Path, room: Path
):
    hit = 0
    for number, (call, at, fault) in enumerate(faults(trace)):
        folder = room / f"f{number}"
        shutil.copytree(template, folder)
        options = ["-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={at}", "-o", os.devnull]
        outcome = process.run(folder, options, SMALL_LOG)
        hit += outcome.status != 0
        check(folder, outcome.acks)
        shutil.rmtree(folder)
    assert hit > 10


def crashes(trace: Path, template: Path, count: int, seed: int) -> Iterator[tuple[dict[str, bytes], list[str]]]:
    """Cut the power at random moments of a recorded run."""
    calls = recorded_calls(trace)
    chance = random.Random(seed)
    moments = sorted(chance.choices(range(len(calls) + 1), k=count))
    disk = Disk({name: (template / name).read_bytes() for name in ("x.db", "seen")})
    acks: list[str] = []
    done = 0
    for moment in moments:
        for call in calls[done:moment]:
            if call.path.endswith("acks"):
                acks += call.data.decode().splitlines()
            else:
                disk.apply(call)
        done = moment
        yield disk.cut(chance), list(acks)


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_power_cut_at_any_moment_loses_nothing_acknowledged_and_invents_nothing(
    template: Path, trace: Path, room: Path
):
    for number, (files, acks) in enumerate(crashes(trace, template, 10_000 if DEEP else 150, seed=1)):
        folder = lay_out(room / f"c{number}", files)
        check(folder, acks, verify=number % 10 == 0)
        shutil.rmtree(folder)


def test_the_simulated_power_cut_finds_a_store_that_does_not_wait_for_the_disk(
    process: Writers, template: Path, room: Path
):
    careless = record(process, template, room / "off", ("synchronous=OFF", *SMALL_LOG))
    broken: Counter[str] = Counter()
    for number, (files, acks) in enumerate(crashes(careless, template, 60, seed=2)):
        folder = lay_out(room / f"o{number}", files)
        try:
            check(folder, acks, verify=False)
        except Exception as error:  # noqa: BLE001 -- a corrupt database fails in many ways
            broken[type(error).__name__] += 1
        shutil.rmtree(folder)
    assert broken["Violation"] > 20

"""Small hospitals for tests: a synthetic export taken in, with an agreement in force."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bailee.agreements.documents import read_agreement
from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.flows.demonstrate import ORIGIN
from bailee.flows.hospital import Hospital, create_hospital
from bailee.flows.ingest.run import ingest
from bailee.stores.home import open_home
from bailee.stores.sql.agreements import Signatories, attest_agreement
from bailee.stores.sql.database import write
from bailee.synthetic.agreement import agreement_text

AT_MS = 1_900_000_000_000
AGREEMENT = "cancer-notes"


def opened(folder: Path) -> Hospital:
    """Open a hospital's folder at a fixed time."""
    return Hospital(open_home(folder), clock=FixedClock(AT_MS))


@contextmanager
def copied(template: Path, folder: Path) -> Iterator[Hospital]:
    """Open a copy of a hospital's folder at a fixed time, and close it afterwards."""
    shutil.copytree(template, folder)
    ready = opened(folder)
    yield ready
    ready.close()


def hospital_with(folder: Path, export: Path, *, terms: str | None = None, partition_bytes: int = 0) -> Hospital:
    """Make a hospital that has taken `export` in, with an agreement in force; small partitions make several of them."""
    hospital = create_hospital(folder, "Test", ORIGIN, entropy=SeededEntropy(b"a test"))
    hospital.clock = FixedClock(AT_MS)
    with pytest.MonkeyPatch.context() as patch:
        if partition_bytes:
            patch.setattr("bailee.stores.lake.intake.PARTITION_BYTES", partition_bytes)
        ingest(hospital.home, [export], hospital.master)
    agree(hospital, terms or agreement_text(hospital.today(), name=AGREEMENT))
    return hospital


def agree(hospital: Hospital, terms: str) -> None:
    """Put an agreement in force."""
    names = Signatories(drafted_by="a", hospital="b", partner="c", activated_by="d")
    with write(hospital.engine) as connection:
        attest_agreement(connection, read_agreement(terms), names, hospital.clock.now_ms())


def digests(folder: Path) -> dict[str, str]:
    """Hash every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

"""`bailee demo`: the whole main job on a synthetic hospital, from nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bailee.cli.progress import progress_bar

AGREEMENT = "oncology-notes"


@click.command("demo")
@click.option("--patients", type=click.IntRange(min=1), default=1000, show_default=True, help="How many patients.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="A new folder."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes. Default: all cores.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same hospital.")
def command(patients: int, folder: Path, workers: int | None, seed: int) -> int:
    """Make a synthetic hospital and run the main job on it: intake, agreement, release, proof. No real person is in it."""
    from bailee.cli.release import account
    from bailee.core.errors import UserError
    from bailee.core.lean import start_lean
    from bailee.engines.local import LocalEngine
    from bailee.flows.demonstrate import begin, take_in
    from bailee.flows.release.run import release
    from bailee.flows.synthesize import write_hospital
    from bailee.flows.verify import verify

    if folder.exists() and any(folder.iterdir()):
        raise UserError("the demo's folder is not empty", where=str(folder), remedy="Name a new one with --folder.")
    start_lean()
    began = time.monotonic()
    with _step("A synthetic hospital") as said, progress_bar("write") as progress:
        size = write_hospital(
            folder / "export", patients=patients, seed=seed, progress=lambda done: progress(done, patients * 175_000)
        )
        said(f"{patients:,} patients, {size / 1e6:,.0f} MB of FHIR R4 in {folder / 'export'}")
    hospital = begin(folder / "hospital", AGREEMENT)
    try:
        with _step("Taken into the vault") as said, progress_bar("ingest") as progress:
            taken = take_in(hospital, folder / "export", progress=progress)
            said(f"{taken.read:,} records, {taken.troubles + taken.conflicts:,} in quarantine")
        with _step("Released under the agreement") as said, progress_bar("release") as progress:
            done = release(hospital, AGREEMENT, LocalEngine(workers), progress=progress)
            said(f"{folder / 'hospital' / 'agreements' / AGREEMENT}.yaml")
        for line in account(done):
            click.echo(f"  {line}")
        with _step("Verified") as said:
            findings = list(verify(hospital))
            said(f"{len(findings)} things do not hold" if findings else "files, manifest, disclosures and ledger agree")
    finally:
        hospital.close()
    click.echo(f"\nDone in {time.monotonic() - began:,.0f} s. Open the evidence report: {done.report}")
    return 1 if findings else 0


@contextmanager
def _step(title: str) -> Iterator[Callable[[str], None]]:
    """Say what was done and how long it took."""
    began = time.monotonic()
    said: list[str] = []
    yield said.append
    click.echo(f"{title:<30}{time.monotonic() - began:>7.1f} s  {' '.join(said)}")

"""`bailee ingest PATH…`."""

from __future__ import annotations

from pathlib import Path

import click

from bailee.cli.progress import progress_bar
from bailee.cli.shared import open_hospital

# Something was read and not taken: the run is whole, but not everything is in.
EXIT_QUARANTINED = 65


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.pass_obj
def command(home: str | None, paths: tuple[Path, ...]) -> int:
    """Take FHIR R4 exports into the vault: NDJSON or Bundles, plain or gzip, files or folders of them.

    What cannot be taken is quarantined and named; the rest goes on. Run it again after an interruption: whole files
    are not read twice. Ends with 65 if anything was quarantined.
    """
    from bailee.core.lean import start_lean
    from bailee.flows.ingest.run import ingest

    start_lean()
    hospital = open_hospital(home)
    with progress_bar("ingest") as progress:
        account = ingest(hospital.home, paths, hospital.master, progress=progress, hospital=hospital)
    hospital.close()
    click.echo(f"{account.read:,} records read from {account.files:,} files ({account.size_bytes / 1e6:,.1f} MB)")
    if account.files_known:
        click.echo(f"{account.files_known:,} files were in already")
    for kind, count in sorted(account.by_type.items()):
        click.echo(f"  {kind:<28}{count:>12,}")
    click.echo(
        f"{account.current:,} are current, {account.superseded:,} superseded by newer ones, "
        f"{account.duplicates:,} duplicates"
    )
    if account.recalls:
        click.echo(f"{account.recalls:,} recall notices opened; `bailee consent recalls` lists them")
    lost = account.troubles + account.conflicts + account.damages
    if not lost:
        return 0
    click.echo(f"{lost:,} were not taken; `bailee quarantine` lists them:", err=True)
    for each in account.shown:
        click.echo(f"  {each.shown}, line {each.line}: {each.what}. {each.remedy}", err=True)
    return EXIT_QUARANTINED

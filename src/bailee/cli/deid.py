"""`bailee deid IN OUT`."""

from __future__ import annotations

from pathlib import Path

import click

from bailee.cli.progress import progress_bar


@click.command("deid")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path, exists=True))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--ms-config",
    "configuration",
    metavar="FILE",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A configuration file of Microsoft's FHIR anonymizer; carried out with its semantics.",
)
@click.option(
    "--ms-linear-date-shift",
    "linear_shift",
    is_flag=True,
    help="Shift dates as the original tool does. Not secure: one true date reveals all others. Default: by patient.",
)
def command(source: Path, target: Path, configuration: Path, *, linear_shift: bool) -> None:
    """De-identify FHIR files without a vault: NDJSON (a resource a line) or JSON (a resource or Bundle a file)."""
    from bailee.flows.deidentify.microsoft import anonymize_files

    with progress_bar("deid") as progress:
        account = anonymize_files(source, target, configuration, linear_shift=linear_shift, progress=progress)
    for warning in account.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{account.resources:,} resources in {account.files:,} files ({account.size_bytes / 1e6:,.1f} MB)")
    if account.emptied:
        click.echo(f"{account.emptied:,} of them failed and were replaced by empty ones", err=True)

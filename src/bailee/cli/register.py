"""`bailee register …`: the public register of data uses."""

from __future__ import annotations

from pathlib import Path

import click

from bailee.cli.shared import open_hospital


@click.group("register")
def command() -> None:
    """Publish the public register of data uses."""


@command.command("publish")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.pass_obj
def publish(home: str | None, folder: Path) -> None:
    """Write the register into FOLDER as static HTML, JSON, CSV and RSS, each entry with its proof.

    Point any web server at the folder. New and changed entries are written to the ledger first.
    """
    from bailee.flows.register import write_register

    hospital = open_hospital(home)
    advice = write_register(hospital, folder)
    hospital.close()
    click.echo(f"The register is in {folder}: open {folder / 'index.html'}")
    for line in advice:
        click.echo(f"  could be better: {line}", err=True)

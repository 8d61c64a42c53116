"""`bailee init`."""

from __future__ import annotations

import re
from pathlib import Path

import click


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--name", prompt="The hospital's name", help="As it stands in agreements and manifests.")
@click.option("--origin", help="Names the ledger in checkpoints. Default: made of the hospital's name.")
def command(folder: Path, name: str, origin: str | None) -> None:
    """Make a hospital's folder: configuration, keys, database, an empty vault."""
    from bailee.flows.hospital import create_hospital

    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "hospital"
    hospital = create_hospital(folder, name, origin or f"{slug}.example/bailee/ledger")
    hospital.close()
    click.echo(f"Made {hospital.home.folder}")
    click.echo(f"Back up {hospital.home.keys} to a safe place now: without the master key the vault cannot be opened.")
    click.echo("Next: bailee ingest PATH…, then bailee agreement add FILE.yaml")

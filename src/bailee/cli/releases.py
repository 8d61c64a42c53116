"""`bailee releases`."""

from __future__ import annotations

import click

from bailee.cli.shared import open_hospital


@click.command("releases")
@click.pass_obj
def command(home: str | None) -> None:
    """List what was published: release, day, patients, records, notes, size, recall notices."""
    from bailee.flows.verify import published
    from bailee.stores.sql.database import read
    from bailee.stores.sql.recalls import counts_of

    hospital = open_hospital(home)
    rows = list(published(hospital.home))
    with read(hospital.engine) as connection:
        recalls = counts_of(connection)
    hospital.close()
    if not rows:
        click.echo("Nothing was published. Make a dataset: bailee release AGREEMENT")
    for _, manifest in rows:
        size = sum(file.size_bytes for file in manifest.files)
        whole, waiting = recalls.get(manifest.release, (0, 0))
        recalled = f"  {whole:,} recalled, {waiting:,} unanswered" if whole else ""
        click.echo(
            f"{manifest.release:<36}{manifest.as_of}  {manifest.patients:>10,} patients  "
            f"{sum(manifest.records.values()):>12,} records  {manifest.notes:>10,} notes  {size / 1e6:>10,.1f} MB{recalled}"
        )

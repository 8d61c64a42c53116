"""`bailee quarantine`."""

from __future__ import annotations

import click


@click.command("quarantine")
@click.option("--paths", "with_paths", is_flag=True, help="Show files by their own paths, which may hold names.")
@click.pass_obj
def command(home: str | None, *, with_paths: bool) -> None:
    """List input that was not taken: file, line, reason, remedy."""
    from bailee.flows.ingest.quarantine import read_quarantine
    from bailee.stores.home import find_home
    from bailee.stores.keys.ring import read_master_key

    place = find_home(home)
    count = 0
    for each in read_quarantine(place.quarantine, read_master_key(place.keys)):
        click.echo(f"{each.path if with_paths else each.shown}:{each.line}: {each.what}. {each.remedy}")
        count += 1
    click.echo(f"{count:,} in quarantine" if count else "Nothing is in quarantine.", err=True)

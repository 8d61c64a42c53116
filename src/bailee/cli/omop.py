"""`bailee omop …`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bailee.stores.vocabulary import Loaded


@click.group("omop")
def command() -> None:
    """What releases in the OMOP CDM need."""


@command.command("vocabulary")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.pass_obj
def vocabulary(home: str | None, folder: Path | None) -> None:
    """Use the vocabulary in FOLDER, as athena.ohdsi.org gives it; without FOLDER, tell which one is in use.

    Without a vocabulary every clinical concept in OMOP tables is 0, and only the source codes tell what is meant.
    """
    from bailee.stores.home import find_home
    from bailee.stores.vocabulary import load_vocabulary, loaded_vocabulary

    found = find_home(home)
    loaded = load_vocabulary(found, folder) if folder else loaded_vocabulary(found)
    click.echo(_account(loaded) if loaded else "No vocabulary. Load one: bailee omop vocabulary FOLDER")


def _account(loaded: Loaded) -> str:
    return f"{loaded.version}: {loaded.codes:,} codes, {loaded.mapped:,} of them with a standard concept"

"""What several commands share: the hospital that `--home` names, and how the steps of a thing are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bailee.flows.hospital import Hospital


def open_hospital(home: str | None) -> Hospital:
    """Open the hospital at `home`, else where BAILEE_HOME or the working folder says; the caller closes it."""
    from bailee.flows.hospital import Hospital
    from bailee.stores.home import find_home

    return Hospital(find_home(home))


def say_steps(steps: Iterable[Mapping[str, Any]]) -> None:
    """Print a line for each step that an agreement or a request took: when, what, by whom, and what it became."""
    from bailee.core.clock import iso_from_ms

    for one in steps:
        click.echo(f"  {iso_from_ms(one['at_ms'])}  {one['action']:14} by {one['person']} → {one['state']}")


def state_in_words(state: str) -> str:
    """Give a state as people say it: `PENDING_SIGNATURE` is "pending signature"."""
    return state.lower().replace("_", " ")

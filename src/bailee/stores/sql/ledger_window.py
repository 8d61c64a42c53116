"""From an incident to the releases that it concerns: by agreement, by key, by machine, by time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from bailee.core.errors import UserError
from bailee.ledger.breach import Affected, merged
from bailee.ledger.entries import entry_from_bytes
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.ledger_egress import progress
from bailee.stores.sql.ledger_people import patients_of


@dataclass(frozen=True)
class Window:
    """What is known of an incident; at least one of the first four. Units: milliseconds; the end does not belong."""

    release: str = ""
    agreement: str = ""
    key: str = ""
    machine: str = ""
    from_ms: int = 0
    until_ms: int = 2**53


def releases_in(connection: Connection, window: Window) -> list[str]:
    """Find the releases whose bytes were moved, or read, as the window says; in order of their first leaf.

    A machine is named by any leaf of the release; a key by `key:NAME` among a leaf's objects.
    Raises: UserError for a window that names nothing.
    """
    if not (window.release or window.agreement or window.key or window.machine):
        raise UserError("an incident that names nothing", remedy="Name a release, an agreement, a key or a machine.")
    mark, leaf = tables.mark.c, tables.leaf.c
    query = select(mark.release, leaf.body).join(tables.leaf, leaf.seq == mark.seq).where(mark.release != "")
    query = query.where(mark.t_ms >= window.from_ms, mark.t_ms < window.until_ms).order_by(mark.seq)
    if window.release:
        query = query.where(mark.release == window.release)
    if window.agreement:
        query = query.where(mark.agreement == window.agreement)
    found: dict[str, None] = {}
    for release, body in connection.execute(query):
        entry = entry_from_bytes(bytes(body))
        named = (not window.machine or entry.machine == window.machine) and (
            not window.key or f"key:{window.key}" in entry.objects
        )
        if named and entry.kind != "release.failed":
            found.setdefault(release)
    return [release for release in found if progress(connection, release).state != "failed"]


def affected_by(connection: Connection, releases: list[str]) -> list[Affected]:
    """List the patients of releases exactly, each once. Cost: O(patients), in memory: a list to act on."""
    return merged(
        (row["patient"], release, tuple(row["data"]))
        for release in releases
        for table in patients_of(connection, release)
        for row in table.to_pylist()
    )


def forms_of(connection: Connection, releases: list[str]) -> list[str]:
    """Give the identifiability of each release, as its intent says."""
    mark, leaf = tables.mark.c, tables.leaf.c
    query = select(leaf.body).join(tables.mark, mark.seq == leaf.seq).where(mark.kind == "release.intent")
    bodies = connection.execute(query.where(mark.release.in_(releases)))
    return [entry_from_bytes(bytes(row[0])).identifiability for row in bodies]

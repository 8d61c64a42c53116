"""Output files that lie as their input does, and appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bailee.core.errors import UserError
from bailee.flows.ingest.sources import DOCUMENTS, LINES, Source, find_sources

Write = Callable[[bytes], object]


def planned(source: Path, target: Path) -> list[tuple[Source, Path]]:
    """Pair each FHIR file with its place in the output. A single file goes to `target`, or into it if it is a folder.

    Raises: UserError if there is no FHIR file, or the output would lie on or inside the input.
    """
    sources = find_sources([source])
    if not source.is_dir():
        place = target / _unpacked(source.name) if target.is_dir() else target
        return [(sources[0], _apart(source, place))]
    if target.resolve() == source.resolve() or source.resolve() in target.resolve().parents:
        raise UserError("the output would lie inside the input", remedy="Name another folder.")
    return [(each, target / each.path.relative_to(source).with_name(_unpacked(each.path.name))) for each in sources]


def _apart(source: Path, place: Path) -> Path:
    if place.resolve() == source.resolve():
        raise UserError("the output would replace the input", remedy="Name another file.")
    return place


def _unpacked(name: str) -> str:
    return name[:-3] if name.lower().endswith(tuple(end for end in LINES + DOCUMENTS if end.endswith(".gz"))) else name


@contextmanager
def whole_file(place: Path) -> Iterator[Write]:
    """Write a file that appears under its name when all of it is there; on an error nothing is left."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with fresh.open("wb") as file:
            yield file.write
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(place)
    finally:
        fresh.unlink(missing_ok=True)

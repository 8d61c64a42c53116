"""Writes a synthetic hospital's export to a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bailee.core.errors import UserError
from bailee.synthetic.hospital import hospital_files

_EXPORT, _TRUTH = "fhir/", "truth/"


def write_hospital(
    folder: Path, *, patients: int, seed: int, truth: bool = False, progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write an export; give its size in bytes. With `truth`, what was planted goes to `<folder>-truth`.

    Raises: UserError if the folder holds anything. Cost: some 12 ms and 150 kB a patient; memory does not grow.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UserError("the folder is not empty", where=str(folder), remedy="Choose a new one.")
    places = {_EXPORT: folder, _TRUTH: folder.with_name(f"{folder.name}-truth")}
    written = 0
    for name, content in hospital_files(patients, seed, truth=truth):
        kind = _TRUTH if name.startswith(_TRUTH) else _EXPORT
        path = places[kind] / name.removeprefix(kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(content)
        written += len(content)
        progress(written)
    return written

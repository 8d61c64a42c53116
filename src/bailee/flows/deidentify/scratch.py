"""A folder beside the output that holds sealed records while a run lasts; what a killed run left is removed by the next.

Each has an `owner` file that its run keeps locked. The lock goes with the process, however that ends, so a folder whose
owner can be locked by another is nobody's.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

PREFIX: Final = ".vault-"
OWNER: Final = "owner"


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Make a folder in `beside` that is gone afterwards, and remove those that killed runs left there."""
    sweep(beside)
    folder = Path(mkdtemp(prefix=PREFIX, dir=beside))
    try:
        fresh = folder / f".{OWNER}"
        with fresh.open("wb") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            fresh.rename(folder / OWNER)  # it is never seen unlocked while the run lasts
            yield folder
    finally:
        shutil.rmtree(folder)


def sweep(beside: Path) -> int:
    """Remove what killed runs left; tell how many folders that were."""
    removed = 0
    for owner in beside.glob(f"{PREFIX}*/{OWNER}"):
        try:
            with owner.open("rb") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(owner.parent)
        except (BlockingIOError, FileNotFoundError):  # in use, or another run removes it
            continue
        removed += 1
    return removed

"""Making what was written survive a power cut; every store that renames files needs it."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    sync_path(folder, os.O_DIRECTORY)


def sync_path(path: Path, flags: int = 0) -> None:
    """Make a file's content, or with O_DIRECTORY a folder's names, durable."""
    handle = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

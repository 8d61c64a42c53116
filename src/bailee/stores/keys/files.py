"""Secret files: made once, for their owner only, durable before they are used; what is in them is no affair of this file."""

from __future__ import annotations

import os
from pathlib import Path

from bailee.core.errors import Conflict, Unavailable, UserError
from bailee.stores.durable import sync_folder

_OTHERS = 0o077


def create_secret(path: Path, content: bytes) -> None:
    """Write a new file that only its owner can read, durable on return. Raises: Conflict if it exists."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise Conflict(f"{path.name} exists already: a key is never overwritten") from None
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)


def read_secret(path: Path) -> bytes:
    """Read a secret file. Raises: Unavailable if it is not there; UserError if others than its owner may read it."""
    try:
        with open(path, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise UserError(
                    "a key file that others may read", where=path.name, remedy=f"Run: chmod 600 {path.name}"
                )
            return file.read()
    except FileNotFoundError:
        raise Unavailable(f"the key file {path.name} is not there: run `bailee init`, or restore it") from None
    except PermissionError:
        raise Unavailable(f"the key file {path.name} may not be read by this account") from None


def replace_file(path: Path, content: bytes) -> None:
    """Put new content in a file's place in one step, durable on return: a reader sees the old or the new."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(path.parent)

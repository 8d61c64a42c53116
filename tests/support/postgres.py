"""A PostgreSQL server of our own for tests: Debian's binaries, a private folder, a Unix socket, no network."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FAST = "-c fsync=off -c listen_addresses='' -c unix_socket_directories={folder} -c shared_buffers=32MB"


def postgres_binaries() -> Path | None:
    """Find the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


def why_no_postgres() -> str | None:
    """Say why the server cannot be started here, or None."""
    if postgres_binaries() is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if os.geteuid() == 0 and not (shutil.which("runuser") and _has_account("postgres")):
        return "PostgreSQL refuses to run as root, and there is no account 'postgres' with runuser"
    return None


@contextmanager
def running_postgres() -> Iterator[str]:
    """Start a server and give the URL of an empty database; stop it and remove its folder afterwards."""
    binaries = postgres_binaries()
    assert binaries is not None
    folder = Path(tempfile.mkdtemp(prefix="bailee-pg-"))
    prefix: list[str] = []
    user = getpass.getuser()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
        prefix, user = ["runuser", "-u", "postgres", "--"], "postgres"

    def run(*command: str) -> None:
        subprocess.run([*prefix, *command], check=True, cwd="/", capture_output=True, timeout=120)

    try:
        run(
            str(binaries / "initdb"),
            "-D",
            str(folder / "d"),
            "-A",
            "trust",
            "-U",
            user,
            "-N",
            "--no-locale",
            "-E",
            "UTF8",
        )
        options = FAST.format(folder=folder)
        # the server's log must not hold our pipe open, so it goes to a file
        run(str(binaries / "pg_ctl"), "-D", str(folder / "d"), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://{user}@/postgres?host={folder}"
        finally:
            run(str(binaries / "pg_ctl"), "-D", str(folder / "d"), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _has_account(name: str) -> bool:
    import pwd

    return name in {entry.pw_name for entry in pwd.getpwall()}

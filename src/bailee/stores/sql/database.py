"""The relational store: one SQLite file by default, PostgreSQL by a URL; transactions, not tables.

`write(engine)` is the only way to change anything: one writer at a time on either store, so that what a
transaction reads is still true when it commits. `read(engine)` cannot change anything.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, OperationalError
from sqlalchemy.pool import StaticPool

from bailee.core.errors import Conflict, Unavailable, UserError

LOCK_SECONDS = 30
WRITER_LOCK = 0x6261696C6565  # "bailee": PostgreSQL's advisory lock of the one writer


def open_database(url: str | Path, *, lock_seconds: float = LOCK_SECONDS) -> Engine:
    """Open a database by its URL, or a SQLite file by its path; nothing is created but an empty file.

    Units: seconds to wait for another writer. Raises: UserError for a URL of another kind of database.
    Source: sqlite.org/wal.html; `synchronous=FULL`, since NORMAL loses acknowledged commits on power loss.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address, lock_seconds)
    if address.get_backend_name() == "postgresql":
        return _open_postgresql(address, lock_seconds)
    raise UserError(
        "not a database that this runs on",
        where=address.get_backend_name(),
        remedy="Use sqlite:///path/to/file or postgresql://host/name.",
    )


@contextmanager
def write(engine: Engine) -> Iterator[Connection]:
    """Change things in one transaction, alone: committed at the end of the block, undone by any exception.

    Raises: Unavailable if another writer holds on too long or the store is away; Conflict if a rule of the
    database refuses the change.
    """
    with _translated(), engine.connect().execution_options(bailee_write=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})
        yield connection


@contextmanager
def read(engine: Engine) -> Iterator[Connection]:
    """Read one consistent state; any change inside the block is an error of the database."""
    with _translated(), engine.connect() as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            yield connection
            return
        connection.exec_driver_sql("PRAGMA query_only=ON")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("PRAGMA query_only=OFF")


def migrate(engine: Engine) -> None:
    """Bring a database up to date with this version of the software; a second call changes nothing.

    Cost: one query where it is up to date; Alembic is imported only where it is not.
    """
    if _step_of(engine) == newest_step():
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    with write(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newest_step() -> str:
    """Name the newest step of the migrations: each file begins with its own."""
    return max(path.name[:4] for path in Path(__file__).with_name("migrations").glob("versions/[0-9]*.py"))


def _step_of(engine: Engine) -> str | None:
    """Name the step that a database is at, None for an empty one."""
    with read(engine) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _address(url: str | Path) -> URL:
    if isinstance(url, Path):
        return URL.create("sqlite", database=str(url))
    try:
        return make_url(url)
    except ArgumentError:
        raise UserError("not a database URL", remedy="Use sqlite:///path/to/file or postgresql://host/name.") from None


def _open_sqlite(address: URL, lock_seconds: float) -> Engine:
    in_memory = address.database in {None, "", ":memory:"}
    if not in_memory:
        _create_private(Path(str(address.database)))
    pool: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
    options = {"timeout": lock_seconds, "check_same_thread": False}
    engine = create_engine(address, connect_args=options, hide_parameters=True, **pool)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _create_private(path: Path) -> None:
    """Create the file for its owner only, before SQLite would create it for everybody."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unavailable(f"the database file cannot be opened: {error.strerror}") from None


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where the driver guesses
    # temporary tables may hold patients' ids: never in a file outside of the database
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("bailee_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _open_postgresql(address: URL, lock_seconds: float) -> Engine:
    options = f"-c lock_timeout={int(lock_seconds * 1000)} -c timezone=UTC"
    try:
        return create_engine(address, connect_args={"options": options}, hide_parameters=True, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise UserError(
            "the PostgreSQL driver is not installed", remedy="Run: pip install 'bailee[postgres]'"
        ) from None


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors into ours; the driver's own text may quote values and stays inside."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"a rule of the database refuses the change: {_rule(error)}") from None
    except OperationalError as error:
        if _is_read_only(error):
            raise
        raise Unavailable("the database is busy or away: try again") from None


def _rule(error: DBAPIError) -> str:
    if isinstance(error.orig, sqlite3.Error):
        return str(error.orig)  # names tables and columns, never values
    diagnosis = getattr(error.orig, "diag", None)
    return str(getattr(diagnosis, "constraint_name", None) or getattr(diagnosis, "sqlstate", None) or "unnamed")


def _is_read_only(error: OperationalError) -> bool:
    return "readonly" in str(error.orig)

"""Both stores for one test: `database` runs a test on SQLite and on PostgreSQL, each empty and up to date."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from tests.support.postgres import running_postgres, why_no_postgres

from bailee.stores.sql.database import migrate, open_database

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    reason = why_no_postgres()
    if reason:
        pytest.skip(reason)
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without tables."""
    engine = (
        open_database(tmp_path / "bailee.db", lock_seconds=20)
        if request.param == "sqlite"
        else _new_postgres(request.getfixturevalue("postgres_server"))
    )
    yield engine
    engine.dispose()


@pytest.fixture
def database(empty_database: Engine) -> Engine:
    """A database with all tables."""
    migrate(empty_database)
    return empty_database


def _new_postgres(server: str) -> Engine:
    name = f"test_{next(_numbers)}"
    admin = open_database(server)
    with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    admin.dispose()
    return open_database(make_url(server).set(database=name).render_as_string(hide_password=False), lock_seconds=20)

"""Both databases keep the same promises about transactions."""

import stat
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from bailee.core.errors import Conflict, Unavailable, UserError
from bailee.stores.sql import database
from bailee.stores.sql.database import migrate, newest_step, open_database, read, write


def _make_table(engine: Engine) -> None:
    with write(engine) as connection:
        connection.execute(text("CREATE TABLE box (name VARCHAR PRIMARY KEY, n INTEGER NOT NULL CHECK (n >= 0))"))
        connection.execute(text("INSERT INTO box VALUES ('a', 0)"))


def _number(engine: Engine) -> int:
    with read(engine) as connection:
        return connection.execute(text("SELECT n FROM box")).scalar_one()


def test_a_write_is_kept(empty_database: Engine) -> None:
    _make_table(empty_database)
    assert _number(empty_database) == 0


def test_an_exception_undoes_the_whole_write(empty_database: Engine) -> None:
    _make_table(empty_database)

    def change_and_fail() -> None:
        with write(empty_database) as connection:
            connection.execute(text("UPDATE box SET n = 7"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert _number(empty_database) == 0


def test_a_read_cannot_change_anything_and_writing_goes_on_afterwards(empty_database: Engine) -> None:
    _make_table(empty_database)
    with pytest.raises((DBAPIError, Unavailable)), read(empty_database) as connection:
        connection.execute(text("UPDATE box SET n = 7"))
    with write(empty_database) as connection:
        connection.execute(text("UPDATE box SET n = 3"))
    assert _number(empty_database) == 3


def test_concurrent_read_then_write_loses_no_update(empty_database: Engine) -> None:
    _make_table(empty_database)

    def add() -> None:
        for _ in range(10):
            with write(empty_database) as connection:
                n = connection.execute(text("SELECT n FROM box")).scalar_one()
                connection.execute(text("UPDATE box SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _number(empty_database) == 40


def test_a_reader_keeps_its_state_while_a_writer_commits(empty_database: Engine) -> None:
    _make_table(empty_database)
    with read(empty_database) as reading:
        assert reading.execute(text("SELECT n FROM box")).scalar_one() == 0
        with write(empty_database) as writing:
            writing.execute(text("UPDATE box SET n = 5"))
        assert reading.execute(text("SELECT n FROM box")).scalar_one() == 0
    assert _number(empty_database) == 5


def test_a_broken_rule_is_a_conflict_that_quotes_no_value(empty_database: Engine) -> None:
    _make_table(empty_database)
    with pytest.raises(Conflict) as caught, write(empty_database) as connection:
        connection.execute(text("INSERT INTO box VALUES ('CANARY-BOX', 1), ('CANARY-BOX', 2)"))
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_writer_that_never_lets_go_is_unavailable(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.db", lock_seconds=0.05)
    with write(engine), pytest.raises(Unavailable), write(engine):
        pass
    engine.dispose()


@pytest.mark.postgres
def test_a_postgres_writer_that_never_lets_go_is_unavailable(postgres_server: str) -> None:
    engine = open_database(postgres_server, lock_seconds=0.05)
    with write(engine), pytest.raises(Unavailable), write(engine):
        pass
    engine.dispose()


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.db")
    _make_table(engine)
    engine.dispose()
    assert stat.S_IMODE((tmp_path / "a.db").stat().st_mode) == 0o600


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    return config


def test_the_newest_step_is_the_one_that_alembic_would_go_to() -> None:
    assert ScriptDirectory.from_config(_alembic()).get_current_head() == newest_step()


def test_a_database_of_an_older_step_is_brought_up_to_date(empty_database: Engine) -> None:
    config = _alembic()
    with write(empty_database) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    migrate(empty_database)
    with read(empty_database) as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == newest_step()


def test_migrating_twice_changes_nothing(empty_database: Engine) -> None:
    migrate(empty_database)
    migrate(empty_database)


def test_the_file_is_written_through_to_the_disk(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "a.db")
    with read(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
    engine.dispose()


@pytest.mark.parametrize("url", ["mysql://host/name", "no url", ""])
def test_another_kind_of_database_is_refused_with_the_remedy(url: str) -> None:
    with pytest.raises(UserError, match="sqlite:///"):
        open_database(url)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        open_database(tmp_path / "absent" / "a.db")

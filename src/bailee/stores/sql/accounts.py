"""Local accounts in the relational store, and the sessions that they open."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from bailee.core.errors import Conflict, UserError
from bailee.stores.sql import account_tables as tables


@dataclass(frozen=True)
class Account:
    """One person's account, without its secret."""

    name: str
    id: str  # who it is in the ledger
    posts: tuple[str, ...]
    patient: str  # whose records are its own, for a patient's
    disabled: bool
    made_ms: int


@dataclass(frozen=True)
class OpenSession:
    """A session as it is kept. Units: milliseconds since the epoch."""

    account: Account
    seen_ms: int
    ends_ms: int


def put_account(connection: Connection, account: Account, secret: str) -> None:
    """Add an account with its hashed secret. Raises: Conflict if there is one of that name."""
    if find_account(connection, account.name) is not None:
        raise Conflict("there is an account of that name already")
    connection.execute(
        insert(tables.account).values(
            name=account.name,
            id=account.id,
            posts=msgspec.json.encode(account.posts).decode(),
            secret=secret,
            patient=account.patient,
            disabled=int(account.disabled),
            made_ms=account.made_ms,
        )
    )


def find_account(connection: Connection, name: str) -> Account | None:
    """Find an account by its name."""
    row = connection.execute(select(tables.account).where(tables.account.c.name == name)).first()
    return None if row is None else _account(row)


def list_accounts(connection: Connection) -> list[Account]:
    """Give all accounts by name."""
    return [_account(row) for row in connection.execute(select(tables.account).order_by(tables.account.c.name))]


def secret_of(connection: Connection, name: str) -> str | None:
    """Give an account's hashed secret."""
    return connection.execute(select(tables.account.c.secret).where(tables.account.c.name == name)).scalar()


def switch_account(connection: Connection, name: str, *, disabled: bool) -> None:
    """Disable or enable an account; its sessions end. Raises: UserError if there is none."""
    changed = connection.execute(
        update(tables.account).where(tables.account.c.name == name).values(disabled=int(disabled))
    )
    if not changed.rowcount:
        raise UserError("there is no such account", remedy="`bailee account list` names them.")
    connection.execute(delete(tables.session).where(tables.session.c.account == name))


def replace_secret(connection: Connection, name: str, secret: str) -> None:
    """Give an account another secret; its sessions end. Raises: UserError if there is none."""
    changed = connection.execute(update(tables.account).where(tables.account.c.name == name).values(secret=secret))
    if not changed.rowcount:
        raise UserError("there is no such account", remedy="`bailee account list` names them.")
    connection.execute(delete(tables.session).where(tables.session.c.account == name))


def open_session(connection: Connection, name: str, token_sha256: str, *, at_ms: int, ends_ms: int) -> None:
    """Open a session, and remove those that have ended. Units: milliseconds since the epoch."""
    connection.execute(delete(tables.session).where(tables.session.c.ends_ms <= at_ms))
    connection.execute(
        insert(tables.session).values(token_sha256=token_sha256, account=name, seen_ms=at_ms, ends_ms=ends_ms)
    )


def find_session(connection: Connection, token_sha256: str) -> OpenSession | None:
    """Find a session with its account."""
    table = tables.session
    query = select(tables.account, table.c.seen_ms, table.c.ends_ms)
    query = query.join(table, table.c.account == tables.account.c.name).where(table.c.token_sha256 == token_sha256)
    row = connection.execute(query).first()
    return None if row is None else OpenSession(_account(row), row.seen_ms, row.ends_ms)


def see_session(connection: Connection, token_sha256: str, at_ms: int) -> None:
    """Note that a session is in use. Units: milliseconds since the epoch."""
    table = tables.session
    connection.execute(update(table).where(table.c.token_sha256 == token_sha256).values(seen_ms=at_ms))


def close_session(connection: Connection, token_sha256: str) -> None:
    """End a session."""
    connection.execute(delete(tables.session).where(tables.session.c.token_sha256 == token_sha256))


def _account(row: object) -> Account:
    name, id_, posts, patient, disabled, made_ms = (
        getattr(row, field) for field in ("name", "id", "posts", "patient", "disabled", "made_ms")
    )
    return Account(name, id_, msgspec.json.decode(posts, type=tuple[str, ...]), patient, bool(disabled), made_ms)

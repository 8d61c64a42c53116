"""Accounts: the built-in identity provider. Who logs in, who a token is, and what of it stands in the ledger.

For a demo and a small hospital; a hospital's own provider comes in by OpenID Connect (`web.oidc`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore

from sqlalchemy import Connection

from bailee.agreements.people import Person, person_of
from bailee.consent.registers import check_patient
from bailee.core.credentials import check_secret, fresh_token, hashed_secret, is_secret, token_hash
from bailee.core.errors import UserError
from bailee.flows.hospital import Hospital
from bailee.ledger.entries import Entry
from bailee.stores.sql import accounts
from bailee.stores.sql.accounts import Account
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger_append import append

SESSION_MS = 12 * 3600 * 1000
IDLE_MS = 15 * 60 * 1000
_SEEN_EVERY_MS = 60 * 1000
_NOBODY = "scrypt$15$8$1$AAAAAAAAAAAAAAAAAAAAAA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
_hashing = BoundedSemaphore(2)  # each takes 32 MiB


@dataclass(frozen=True)
class Login:
    """A session that was just opened. Units: milliseconds since the epoch."""

    token: str
    person: Person
    ends_ms: int


def add_account(
    hospital: Hospital, name: str, posts: Sequence[str], secret: str, *, patient: str = "", by: str
) -> Account:
    """Add an account. Raises: UserError for posts that do not exist or do not go together; Conflict; Invalid."""
    check_secret(secret)
    if secret == name:
        raise UserError("the secret is the account's name", remedy="Choose another one.")
    if bool(patient) != ("patient" in posts):
        raise UserError(
            "a patient's account names its patient, and no other does", remedy="Use --patient with the role."
        )
    if patient:
        check_patient(patient)
    at_ms = hospital.clock.now_ms()
    handle = f"patient-account-{hospital.entropy.token_bytes(8).hex()}" if patient else name
    account = Account(name, handle, tuple(sorted(posts)), patient, disabled=False, made_ms=at_ms)
    person_of(account.id, account.posts)
    kept = hashed_secret(secret, hospital.entropy)
    with write(hospital.engine) as connection:
        accounts.put_account(connection, account, kept)
        _leaf(connection, "config.changed", by, at_ms, f"account added: {', '.join(account.posts)}")
    return account


def switch_account(hospital: Hospital, name: str, *, disabled: bool, by: str) -> None:
    """Disable or enable an account; its sessions end at once. Raises: UserError if there is none."""
    with write(hospital.engine) as connection:
        accounts.switch_account(connection, name, disabled=disabled)
        what = "account disabled" if disabled else "account enabled"
        _leaf(connection, "config.changed", by, hospital.clock.now_ms(), what)


def replace_secret(hospital: Hospital, name: str, secret: str, *, by: str) -> None:
    """Give an account another secret; its sessions end at once. Raises: UserError, Invalid."""
    check_secret(secret)
    kept = hashed_secret(secret, hospital.entropy)
    with write(hospital.engine) as connection:
        accounts.replace_secret(connection, name, kept)
        _leaf(connection, "config.changed", by, hospital.clock.now_ms(), "an account's secret replaced")


def log_in(hospital: Hospital, name: str, secret: str) -> Login | None:
    """Open a session, or None: for an unknown name, a disabled account and a wrong secret alike, at the same cost.

    Either way it is a leaf of the ledger; that of a failure names nobody, since people type secrets as names.
    """
    with read(hospital.engine) as connection:
        account, kept = accounts.find_account(connection, name), accounts.secret_of(connection, name)
    with _hashing:
        right = is_secret(secret, kept or _NOBODY)
    at_ms = hospital.clock.now_ms()
    token = fresh_token()
    with write(hospital.engine) as connection:
        account = accounts.find_account(connection, name)
        if not right or account is None or account.disabled or accounts.secret_of(connection, name) != kept:
            _leaf(connection, "login.fail", "nobody", at_ms, "")
            return None
        accounts.open_session(connection, name, token_hash(token), at_ms=at_ms, ends_ms=at_ms + SESSION_MS)
        _leaf(connection, "login.ok", account.id, at_ms, "")
    return Login(token, person_of(account.id, account.posts, patient=account.patient), at_ms + SESSION_MS)


def who_is(hospital: Hospital, token: str) -> Person | None:
    """Tell who a session's token is; nobody once it has ended, was idle too long, or the account is disabled."""
    at_ms, digest = hospital.clock.now_ms(), token_hash(token)
    with read(hospital.engine) as connection:
        found = accounts.find_session(connection, digest)
    if found is None or found.account.disabled or not found.seen_ms <= at_ms < found.ends_ms:
        return None
    if at_ms - found.seen_ms >= IDLE_MS:
        return None
    if at_ms - found.seen_ms >= _SEEN_EVERY_MS:
        with write(hospital.engine) as connection:
            accounts.see_session(connection, digest, at_ms)
    return person_of(found.account.id, found.account.posts, patient=found.account.patient)


def log_out(hospital: Hospital, token: str) -> None:
    """End a session."""
    with write(hospital.engine) as connection:
        accounts.close_session(connection, token_hash(token))


def list_accounts(hospital: Hospital) -> list[Account]:
    """Give all accounts by name."""
    with read(hospital.engine) as connection:
        return accounts.list_accounts(connection)


def _leaf(connection: Connection, kind: str, actor: str, at_ms: int, action: str) -> None:
    append(connection, [Entry(t_ms=at_ms, kind=kind, actor=actor, action=action)])

"""Directives: all that the hospital's stores hold of what patients said, as one evaluator reads it for one ask."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from sqlalchemy import Connection

from bailee.agreements.terms import Agreement
from bailee.consent.directives import DIRECTIVES, check_owned
from bailee.consent.management import UserDataMapping
from bailee.consent.policies import directives_from_store
from bailee.consent.rules import Rule
from bailee.core.grants import Ask
from bailee.stores.home import Configuration
from bailee.stores.sql import consent_stores, consents


def bound_stores(configuration: Configuration, agreement: Agreement) -> tuple[str, ...]:
    """Name the consent stores whose consents bind under an agreement: the hospital's and the agreement's own."""
    return tuple(sorted({*configuration.consent_stores, *agreement.consent.stores}))


def stored_directives(
    connection: Connection, stores: Sequence[str], ask: Ask, patients: pa.Array | None = None
) -> pa.Table:
    """Read what the database holds now about an ask, of all patients or of these. Shape: → DIRECTIVES[n].

    Raises: Denied where all are asked for and somebody refused of whom nobody knows which patient that is.
    """
    found = [consents.directives_of(connection, patients)]
    found += [_of_store(connection, name, ask, patients) for name in stores]
    whole = pa.concat_tables(found).unify_dictionaries()
    if patients is None:
        check_owned(whole)
    return whole


def house_of(connection: Connection, agreement: Agreement, stores: Sequence[str], at_ms: int) -> tuple[Rule, ...]:
    """Read what speaks of everybody: law and house, stale registers, a bound store that is not there.

    Units: milliseconds since the epoch.
    """
    absent = tuple(
        Rule(id=f"consent-store-{name}", effect="deny", layer="admin", code="E-INPUT")
        for name in stores
        if not consent_stores.has_store(connection, name)
    )
    registers = consents.register_rules(connection, agreement.consent.registers, at_ms)
    return consents.house_rules(connection) + registers + absent


def _of_store(connection: Connection, store: str, ask: Ask, patients: pa.Array | None) -> pa.Table:
    if not consent_stores.has_store(connection, store):
        return DIRECTIVES.empty_table()  # its absence is a rule of the house
    users = None if patients is None else consent_stores.users_of(connection, store, patients.to_pylist())

    def mapped(user: str) -> list[UserDataMapping]:
        return list(consent_stores.mappings_of(connection, store, user=user).values())

    return directives_from_store(
        store,
        consent_stores.live_consents(connection, store, users),
        consent_stores.claims_of(connection, store, users),
        ask,
        consent_stores.definitions_of(connection, store),
        mapped,
    )

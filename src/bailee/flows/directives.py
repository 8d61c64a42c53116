"""Directives: all that the relational store holds of what patients said, as one evaluator reads it for one ask."""

from __future__ import annotations

import pyarrow as pa
from sqlalchemy import Connection

from bailee.core.grants import Ask
from bailee.flows.hospital import Hospital
from bailee.stores.sql import consents


def stored_directives(
    hospital: Hospital, connection: Connection, ask: Ask, patients: pa.Array | None = None
) -> pa.Table:
    """Read what the store holds now about an ask, of all patients or of these. Shape: → DIRECTIVES[n]."""
    del hospital, ask
    return consents.directives_of(connection, patients)

"""From a patient to what left about them, and from a release to its patients: the ledger read by persons.

Only the hospital can do this: the links lie in `ledger_subject`, and nothing of it is in the log.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa
from sqlalchemy import Connection, select, text

from bailee.core.errors import Invalid
from bailee.ledger.accounting import Disclosure, Suspension
from bailee.ledger.checkpoint import base64_text
from bailee.ledger.disclosures import SaltKeys, data_of, month_of, salt_of
from bailee.ledger.entries import Entry
from bailee.ledger.merkle import inclusion_proof
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import read
from bailee.stores.sql.ledger import Log
from bailee.stores.sql.ledger_append import leaf_entry
from bailee.stores.sql.ledger_subjects import subject_nodes


class _Id(msgspec.Struct, gc=False):
    id: str


class _Party(msgspec.Struct, gc=False):
    name: str
    address: str = ""
    phone: str = ""


class _Terms(msgspec.Struct, gc=False):
    """What an accounting needs of an intent; the rest is skipped. One of these is read for each disclosure."""

    partner: _Party
    agreement: _Id
    route: str
    purpose: tuple[str, ...]
    identifiability: str


class _Disclosed(msgspec.Struct, gc=False):
    t_ms: int
    data: tuple[str, ...] = ()


_TERMS, _DISCLOSED = msgspec.json.Decoder(_Terms), msgspec.json.Decoder(_Disclosed)

_OF_PATIENT = text(
    "SELECT s.seq, s.idx, d.n, d.mask, l.body, b.release, b.count, i.body "
    "FROM ledger_subject s JOIN ledger_batch b ON b.seq = s.seq AND b.kind = 'release.disclosed' "
    "JOIN ledger_disclosure d ON d.seq = s.seq AND d.idx = s.idx JOIN ledger_leaf l ON l.seq = s.seq "
    "JOIN ledger_mark m ON m.release = b.release AND m.kind = 'release.intent' JOIN ledger_leaf i ON i.seq = m.seq "
    "WHERE s.patient = :patient ORDER BY s.seq"
)
_ENDS_OF_PATIENT = text(
    "SELECT m.release, m.kind, m.t_ms FROM ledger_subject s JOIN ledger_batch b ON b.seq = s.seq "
    "JOIN ledger_mark m ON m.release = b.release AND m.kind IN ('release.done', 'release.unknown', 'release.failed') "
    "WHERE s.patient = :patient ORDER BY m.seq"
)
_OTHER_PARTS_OF_PATIENT = text(
    "SELECT b.release, SUM(other.count) FROM ledger_subject s JOIN ledger_batch b ON b.seq = s.seq "
    "JOIN ledger_batch other ON other.release = b.release AND other.kind = b.kind AND other.seq <> b.seq "
    "WHERE s.patient = :patient AND b.release <> '' GROUP BY b.release"
)


def disclosures_of(connection: Connection, patient: str) -> list[Disclosure]:
    """Give all that left about a patient, oldest first; a release that failed disclosed nothing. Cost: O(rows)."""
    who = {"patient": patient}
    ends: dict[str, tuple[str, int]] = {}
    for release, kind, at_ms in connection.execute(_ENDS_OF_PATIENT, who):
        ends[release] = (kind.removeprefix("release."), at_ms)
    others = {release: int(count) for release, count in connection.execute(_OTHER_PARTS_OF_PATIENT, who)}
    rows = connection.execute(_OF_PATIENT, who).all()
    kinds: dict[tuple[int, tuple[str, ...]], tuple[str, ...]] = {}
    found = [_disclosure(row, ends, others, kinds) for row in rows]
    return [disclosure for disclosure in found if disclosure.state != "failed"]


def suspensions(connection: Connection) -> list[Suspension]:
    """Give all statements that suspend an accounting, past ones too: they say themselves for how long they hold."""
    marks = select(tables.mark.c.seq).where(tables.mark.c.kind == "accounting.suspended")
    leaves = [leaf_entry(connection, seq) for (seq,) in connection.execute(marks)]
    return [Suspension(leaf.release, leaf.t_ms, leaf.until_ms, oral="oral" in leaf.rules) for leaf in leaves]


def last_delivered_ms(connection: Connection, patient: str) -> int | None:
    """Tell when the patient was last given an accounting."""
    subject, batch, leaf = tables.subject.c, tables.batch.c, tables.leaf.c
    seq = connection.execute(
        select(leaf.seq)
        .join(tables.batch, batch.seq == leaf.seq)
        .join(tables.subject, subject.seq == leaf.seq)
        .where(subject.patient == patient, batch.kind == "accounting.delivered")
        .order_by(leaf.seq.desc())
        .limit(1)
    ).scalar()
    return None if seq is None else leaf_entry(connection, seq).t_ms


def patients_of(connection: Connection, release: str) -> Iterator[pa.Table]:
    """Give the patients of a release. Shape: patient: string, data: list<string>; one table for each leaf.

    Raises: Invalid if the links of some of them were erased, so that the list would not be whole.
    """
    batch = tables.batch.c
    where = (batch.release == release, batch.kind == "release.disclosed")
    for seq, count in connection.execute(select(batch.seq, batch.count).where(*where).order_by(batch.seq)).all():
        data = leaf_entry(connection, seq).data
        row, subject = tables.disclosure.c, tables.subject.c
        joined = select(subject.patient, row.mask).join(
            tables.disclosure, (row.seq == subject.seq) & (row.idx == subject.idx)
        )
        rows = connection.execute(joined.where(subject.seq == seq).order_by(subject.idx)).all()
        if len(rows) != count:
            raise Invalid(f"{count - len(rows)} patients of a release cannot be named: their links were erased")
        kinds = [data_of(mask, data) for _, mask in rows]
        yield pa.table(
            {
                "patient": pa.array([patient for patient, _ in rows], pa.string()),
                "data": pa.array(kinds, pa.list_(pa.string())),
            }
        )


def proof_of(log: Log, patient: str, seq: int) -> str:
    """Prove to a patient that a leaf concerns them: a file that `bailee-verify proof` checks offline.

    The salt that it carries opens this one row and no other. Raises: Invalid if the leaf does not concern the
    patient or is under no checkpoint yet. Source: c2sp.org/tlog-proof.
    """
    with read(log.engine) as connection:
        row, leaf = _own_row(connection, patient, seq), leaf_entry(connection, seq)
        assert leaf.counts
        path = inclusion_proof(subject_nodes(connection, seq), row["index"], leaf.counts.patients)
        own = _opened(row, leaf, log.salts) | {"path": [item.hex() for item in path]}
    proof, note = log.inclusion(seq)
    extra = {"leaf": log.leaf(seq).decode(), "patient": patient, "subject": own}
    lines = [
        "c2sp.org/tlog-proof@v1",
        f"extra {base64_text(json.dumps(extra).encode())}",
        f"index {seq}",
        *(base64_text(item) for item in proof),
    ]
    return "\n".join(lines) + "\n\n" + str(note)


def _own_row(connection: Connection, patient: str, seq: int) -> dict[str, Any]:
    subject, row = tables.subject.c, tables.disclosure.c
    found = connection.execute(
        select(row.idx, row.n, row.prev, row.mask, subject.secret)
        .join(tables.subject, (subject.seq == row.seq) & (subject.idx == row.idx))
        .where(subject.patient == patient, row.seq == seq)
    ).first()
    if not found:
        raise Invalid(f"leaf {seq} does not concern this patient")
    return {"index": found[0], "n": found[1], "prev": bytes(found[2]).hex(), "mask": found[3], "secret": found[4]}


def _opened(row: dict[str, Any], leaf: Entry, salts: SaltKeys) -> dict[str, Any]:
    salt = salt_of(salts.key(month_of(leaf.t_ms)), bytes(row["secret"]))
    return {name: row[name] for name in ("index", "n", "prev", "mask")} | {"salt": salt.hex()}


def _disclosure(
    row: Any,
    ends: dict[str, tuple[str, int]],
    others: dict[str, int],
    kinds: dict[tuple[int, tuple[str, ...]], tuple[str, ...]],
) -> Disclosure:
    seq, index, number, mask, body, release, count, terms_body = row
    disclosed, terms = _DISCLOSED.decode(body), _TERMS.decode(terms_body)
    state, at_ms = ends.get(release) or ("disclosed", disclosed.t_ms)
    data = kinds.get((mask, disclosed.data))
    if data is None:
        data = kinds[mask, disclosed.data] = data_of(mask, disclosed.data)
    return Disclosure(
        seq=seq,
        index=index,
        number=number,
        at_ms=at_ms,
        release=release,
        state=state,
        partner=terms.partner.name,
        address=terms.partner.address,
        phone=terms.partner.phone,
        agreement=terms.agreement.id,
        route=terms.route,
        purpose=terms.purpose,
        identifiability=terms.identifiability,
        data=data,
        patients=count + others.get(release, 0),
    )

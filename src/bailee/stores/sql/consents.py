"""Patients' directives in the relational store: what holds now, and the log of all that was ever said.

A release notes the log's size when it reads directives, and in the transaction in which it commits it asks
`recheck`: whoever took something back in between stops it. Nobody can come in between, since `database.write`
lets one writer in at a time: revocation and release are in one order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection, delete, func, insert, select

from bailee.consent.directives import DIRECTIVES, body_of, check_directives, rule_of
from bailee.consent.registers import MAX_AGE_MS, register_directives, stale_rules
from bailee.consent.rules import Rule
from bailee.core.errors import Conflict, UserError
from bailee.core.grants import FOREVER_MS
from bailee.ledger.entries import Entry
from bailee.stores.sql import consent_tables as tables
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.rows import insert_rows

HOUSE = ""  # in the column `patient`: a rule of law or of the hospital
_COLUMNS = ("patient", "id", "source", "not_before", "not_after", "body")
_CHUNK = 400


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of directives did."""

    set: int
    taken_back: int
    patients: tuple[str, ...]  # whose directives became narrower


def size_of(connection: Connection) -> int:
    """Count what was ever said; a release notes it down when it reads directives."""
    last = connection.execute(select(func.max(tables.log.c.seq))).scalar()
    return 0 if last is None else int(last) + 1


def put_directives(
    connection: Connection,
    directives: pa.Table,
    *,
    source: str,
    actor: str,
    at_ms: int,
    whole_of: pa.Array | None = None,
) -> Change:
    """Set directives, and log each that changes. One leaf each is written for what was given and taken back.

    Shape: DIRECTIVES[n]. `whole_of`: patients of whom the table is all that this source says, so that what it no
    longer says is taken back. Units: milliseconds since the epoch. Raises: Invalid for another schema; UserError
    for a directive that names no patient.
    """
    directives = check_directives(directives)
    if directives.column("patient").null_count or pc.any(pc.equal(directives.column("patient"), HOUSE)).as_py():
        raise UserError("a directive that names no patient", remedy="Mend the Consent's `patient`.")
    wanted = {(row["patient"], row["id"]): row for row in directives.to_pylist()}
    names = sorted({patient for patient, _ in wanted} | set(whole_of.to_pylist() if whole_of is not None else ()))
    present = {(row["patient"], row["id"]): row for row in _rows_of(connection, names)}
    fresh = [row for key, row in wanted.items() if not _same(present.get(key), row)]
    gone = _gone(present, wanted, source, set(whole_of.to_pylist()) if whole_of is not None else set())
    return _write(connection, fresh, gone, present, source=source, actor=actor, at_ms=at_ms)


def put_rule(connection: Connection, patient: str, rule: Rule, *, source: str, actor: str, at_ms: int) -> Change:
    """Set one rule of a patient, or of the house where `patient` is HOUSE. Units: milliseconds since the epoch."""
    row = {
        "patient": patient,
        "id": rule.id,
        "not_before": rule.not_before,
        "not_after": rule.not_after,
        "body": body_of(rule),
    }
    present = {(one["patient"], one["id"]): one for one in _rows_of(connection, [patient])}
    fresh = [] if _same(present.get((patient, rule.id)), row) else [row]
    return _write(connection, fresh, [], present, source=source, actor=actor, at_ms=at_ms)


def take_back(connection: Connection, patient: str, name: str, *, actor: str, at_ms: int) -> Change:
    """Take one directive back; it stays in the log. Raises: UserError if there is none of that name."""
    present = {(one["patient"], one["id"]): one for one in _rows_of(connection, [patient])}
    found = present.get((patient, name))
    if found is None:
        raise UserError("there is no such directive", remedy="`bailee consent list PATIENT` names them.")
    return _write(connection, [], [found], present, source=found["source"], actor=actor, at_ms=at_ms)


def note_change(
    connection: Connection, patients: Sequence[str], *, name: str, source: str, body: str, narrows: bool, at_ms: int
) -> None:
    """Log what was said elsewhere than here, so that a release which was read before it is planned anew.

    `patients` are all that it concerns, HOUSE for everybody; an empty body took it back. Units: milliseconds since the epoch.
    """
    first = size_of(connection)
    rows = (
        [first + at, patient, name, source, 0, FOREVER_MS, body, int(narrows), at_ms]
        for at, patient in enumerate(patients)
    )
    insert_rows(connection, tables.log, ("seq", *_COLUMNS, "tightens", "at_ms"), rows)


def directives_of(connection: Connection, patients: pa.Array | None = None) -> pa.Table:
    """Read what holds now, of all patients or of these. Shape: string[k] or None → DIRECTIVES[n]."""
    if patients is None:
        table = tables.directive
        rows: Iterable[Any] = connection.execute(select(table).where(table.c.patient != HOUSE)).mappings()
    else:
        rows = (row for row in _rows_of(connection, patients.to_pylist()) if row["patient"] != HOUSE)
    columns: dict[str, list[Any]] = {name: [] for name in DIRECTIVES.names}
    for row in rows:
        for name in DIRECTIVES.names:
            columns[name].append(row[name])
    body = pa.array(columns.pop("body"), pa.string()).dictionary_encode()
    arrays = [pa.array(values, DIRECTIVES.field(name).type) for name, values in columns.items()]
    return pa.Table.from_arrays([*arrays, body], schema=DIRECTIVES)


def house_rules(connection: Connection) -> tuple[Rule, ...]:
    """Read the rules of law and of the hospital; one that cannot be read refuses everything."""
    return tuple(
        msgspec.structs.replace(
            rule_of(row["body"]), id=row["id"], not_before=row["not_before"], not_after=row["not_after"]
        )
        for row in _rows_of(connection, [HOUSE])
    )


def history_of(connection: Connection, patient: str) -> list[dict[str, Any]]:
    """Give all that was ever said of a patient, oldest first; an empty body took the directive back."""
    table = tables.log
    return [
        dict(row)
        for row in connection.execute(select(table).where(table.c.patient == patient).order_by(table.c.seq)).mappings()
    ]


def recheck(connection: Connection, evaluated_size: int, patients: pa.Array) -> None:
    """Hold, in the transaction that commits a release, that nobody in it narrowed a directive since it was read.

    Shape: string[n]. Raises: Conflict, counting them; the release must be planned again. Cost: O(changes + n).
    """
    table = tables.log
    changed = connection.execute(
        select(table.c.patient).where(table.c.seq >= evaluated_size, table.c.tightens == 1).distinct()
    ).scalars()
    names = list(changed)
    if HOUSE in names:
        raise Conflict("a rule of the house changed while the release was made: run it again")
    count = pc.sum(pc.is_in(pa.array(names, pa.string()), value_set=patients.cast(pa.string()))).as_py() or 0
    if count:
        raise Conflict(f"{count} patients changed their directives while the release was made: run it again")


def load_register(
    connection: Connection, name: str, patients: pa.Array, sha256: str, *, actor: str, at_ms: int
) -> Change:
    """Replace an opt-out register by what was just read. Shape: string[n]. Units: milliseconds since the epoch."""
    source = f"register:{name}"
    whole = pa.array(sorted({*register_patients(connection, name), *patients.to_pylist()}), pa.string())
    directives = register_directives(name, patients)
    change = put_directives(connection, directives, source=source, actor=actor, at_ms=at_ms, whole_of=whole)
    connection.execute(delete(tables.register).where(tables.register.c.id == name))
    connection.execute(insert(tables.register).values(id=name, loaded_ms=at_ms, sha256=sha256, patients=len(patients)))
    return change


def register_patients(connection: Connection, name: str) -> list[str]:
    """Name the patients who stand in a register now."""
    table = tables.directive
    return list(connection.execute(select(table.c.patient).where(table.c.source == f"register:{name}")).scalars())


def register_rules(
    connection: Connection, needed: Sequence[str], at_ms: int, *, max_age_ms: int = MAX_AGE_MS
) -> tuple[Rule, ...]:
    """Give the rules that refuse everything because a needed register is stale. Units: milliseconds."""
    loaded = connection.execute(select(tables.register.c.id, tables.register.c.loaded_ms))
    return stale_rules(needed, {row.id: row.loaded_ms for row in loaded}, at_ms, max_age_ms=max_age_ms)


def _rows_of(connection: Connection, patients: Sequence[str]) -> Iterator[dict[str, Any]]:
    table = tables.directive
    for start in range(0, len(patients), _CHUNK):
        names = patients[start : start + _CHUNK]
        query = select(table).where(table.c.patient.in_(names)).order_by(table.c.patient, table.c.id)
        yield from (dict(row) for row in connection.execute(query).mappings())


def _same(present: dict[str, Any] | None, row: dict[str, Any]) -> bool:
    return present is not None and all(present[name] == row[name] for name in ("not_before", "not_after", "body"))


def _gone(
    present: dict[tuple[str, str], dict[str, Any]], wanted: Iterable[tuple[str, str]], source: str, whole: set[str]
) -> list[dict[str, Any]]:
    kept = set(wanted)
    return [row for key, row in present.items() if key not in kept and key[0] in whole and row["source"] == source]


def _write(
    connection: Connection,
    fresh: list[dict[str, Any]],
    gone: list[dict[str, Any]],
    present: dict[tuple[str, str], dict[str, Any]],
    *,
    source: str,
    actor: str,
    at_ms: int,
) -> Change:
    fresh = [{**row, "source": source} for row in fresh]
    removed = [{**row, "body": ""} for row in gone]
    old = [row for row in (*fresh, *removed) if (row["patient"], row["id"]) in present]
    table = tables.directive
    for row in old:
        connection.execute(delete(table).where(table.c.patient == row["patient"], table.c.id == row["id"]))
    insert_rows(connection, table, _COLUMNS, ([row[name] for name in _COLUMNS] for row in fresh))
    first = size_of(connection)
    narrower = [_narrows(row, present.get((row["patient"], row["id"]))) for row in (*fresh, *removed)]
    insert_rows(
        connection,
        tables.log,
        ("seq", *_COLUMNS, "tightens", "at_ms"),
        (
            [first + at, *(row[name] for name in _COLUMNS), int(narrow), at_ms]
            for at, (row, narrow) in enumerate(zip((*fresh, *removed), narrower, strict=True))
        ),
    )
    _leaves(connection, len(fresh), len(removed), source=source, actor=actor, at_ms=at_ms, size=first + len(narrower))
    patients = {row["patient"] for row, narrow in zip((*fresh, *removed), narrower, strict=True) if narrow}
    return Change(set=len(fresh), taken_back=len(removed), patients=tuple(sorted(patients)))


def _narrows(row: dict[str, Any], before: dict[str, Any] | None) -> bool:
    """Tell whether a change may take something out: anything but a new permission without exceptions."""
    if before is not None or not row["body"]:
        return True
    rule = rule_of(row["body"])
    return rule.effect == "deny" or bool(rule.exceptions)


def _leaves(connection: Connection, given: int, taken: int, *, source: str, actor: str, at_ms: int, size: int) -> None:
    """Write what happened without saying to whom."""
    what = source.partition(":")[0]
    kinds = [("consent.granted", given), ("consent.revoked", taken)]
    append(
        connection,
        [
            Entry(t_ms=at_ms, kind=kind, actor=actor, action=f"{what}: {count} directives", consent_size=size)
            for kind, count in kinds
            if count
        ],
    )

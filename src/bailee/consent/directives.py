"""Directives as a table: who said what, from when until when; one row a rule.

What a rule says stands in `body`, a dictionary of canonical JSON without id and window. Patients sign the same few
forms, so millions of rows share a few bodies, and a body is evaluated once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.fhir import Reading, rules_from_consent
from bailee.consent.labels import Sensitivity, built_in_sensitivity
from bailee.consent.rules import Rule
from bailee.core.canonical import canonical_bytes, strict_json
from bailee.core.errors import Denied, Invalid

DIRECTIVES = pa.schema(
    [
        pa.field("patient", pa.string()),  # logical id of the Patient; null: a Consent that names none
        pa.field("id", pa.string(), nullable=False),
        pa.field("not_before", pa.int64(), nullable=False),  # ms since the epoch
        pa.field("not_after", pa.int64(), nullable=False),  # the first ms outside
        pa.field("body", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    ]
)
_UNREADABLE = Rule(id="unreadable", effect="deny", layer="patient", code="E-INPUT")


def directives_from_fhir(
    consents: Iterable[bytes] | pa.Array,
    *,
    patients: pa.Array | None = None,
    births: Mapping[str, str] | None = None,
    sensitivity: Sensitivity | None = None,
) -> pa.Table:
    """Read FHIR R4 Consents into directives.

    Shape: binary[n], string[n] or None → DIRECTIVES; an active Consent becomes one row, any other none, and one
    that cannot be understood a row that refuses everything (E-INPUT). `patients` says whose each is, if known;
    `births` gives patients' birth dates, since a guardian's permission ends when the child comes of age.
    """
    table = sensitivity or built_in_sensitivity()
    contents = (item.as_py() for item in consents) if isinstance(consents, pa.Array | pa.ChunkedArray) else consents
    known = patients.to_pylist() if patients is not None else None
    readings = (
        _reading(content or b"", known[number] if known else None, births or {}, table)
        for number, content in enumerate(contents)
    )
    return directives_from_rules((reading.patient, rule) for reading in readings for rule in reading.rules)


def _reading(content: bytes, patient: str | None, births: Mapping[str, str], table: Sensitivity) -> Reading:
    return rules_from_consent(content, table, patient=patient, birth=births.get(patient or ""))


def directives_from_rules(rules: Iterable[tuple[str | None, Rule]]) -> pa.Table:
    """Write rules as directives. Shape: (patient, rule)[n] → DIRECTIVES[n]."""
    columns: dict[str, list[Any]] = {name: [] for name in DIRECTIVES.names}
    for patient, rule in rules:
        columns["patient"].append(patient)
        columns["id"].append(rule.id)
        columns["not_before"].append(rule.not_before)
        columns["not_after"].append(rule.not_after)
        columns["body"].append(body_of(rule))
    body = pa.array(columns["body"], pa.string()).dictionary_encode()
    arrays = [pa.array(columns[name], DIRECTIVES.field(name).type) for name in DIRECTIVES.names[:-1]]
    return pa.Table.from_arrays([*arrays, body], schema=DIRECTIVES)


def rules_from_directives(directives: pa.Table) -> Iterator[tuple[str | None, Rule]]:
    """Read directives back, row by row. Shape: DIRECTIVES[n] → (patient, rule)[n]."""
    for row in directives.to_pylist():
        rule = rule_of(row["body"])
        yield (
            row["patient"],
            msgspec.structs.replace(
                rule, id=row["id"] or "unnamed", not_before=row["not_before"], not_after=row["not_after"]
            ),
        )


def check_directives(directives: pa.Table) -> pa.Table:
    """Give the table back in one chunk with one dictionary. Raises: Invalid for another schema or a null in it."""
    if not directives.schema.equals(DIRECTIVES):
        raise Invalid("a table of directives with other columns", remedy="Use consent.directives.DIRECTIVES.")
    for name in DIRECTIVES.names[1:]:
        if directives.column(name).null_count:
            raise Invalid("a directive with nothing in it", where=name, remedy="Mend the table; nothing may be null.")
    return directives.unify_dictionaries().combine_chunks()


def orphans(directives: pa.Table) -> int:
    """Count the directives that name no patient: a release must not go on while somebody may have said no."""
    return int(directives.column("patient").null_count)


def check_owned(directives: pa.Table) -> None:
    """Hold that each directive names its patient. Raises: Denied, counting those that do not."""
    count = orphans(directives)
    if count:
        remedy = (
            "Set them aside at intake, or map their users to patients; until then nobody knows whose refusal they are."
        )
        raise Denied(f"{count} directives name no patient", reasons=("E-UNMAPPED",), remedy=remedy)


def body_of(rule: Rule) -> str:
    """Write what a rule says, without its id and window, in canonical form."""
    return canonical_bytes(_document(rule, of_root=True)).decode()


@lru_cache(maxsize=65_536)
def rule_of(body: str) -> Rule:
    """Read a body. A body that cannot be read is a rule that refuses everything (E-INPUT)."""
    try:
        return msgspec.convert(strict_json(body), Rule)
    except (Invalid, msgspec.ValidationError):
        return _UNREADABLE


def of_patients(directives: pa.Table, patients: pa.Array) -> pa.Table:
    """Keep the directives of these patients. Shape: DIRECTIVES[n] → DIRECTIVES[≤n]."""
    return directives.filter(pc.is_in(directives.column("patient"), value_set=patients, skip_nulls=True))


def news(after: pa.Table, before: pa.Table) -> pa.Table:
    """Keep what was not said before: the same words in the same window are no news. Shape: DIRECTIVES[n] → [≤n]."""
    return after.filter(pc.invert(pc.is_in(_words(after), value_set=_words(before))))


def _words(directives: pa.Table) -> pa.Array:
    """Write each directive as one string, for comparison."""
    columns = [directives.column(name).cast(pa.string()) for name in DIRECTIVES.names]
    patient, *rest = (pc.fill_null(column, "") for column in columns)
    return pc.binary_join_element_wise(patient, *rest, "\x1f").combine_chunks()


_DEFAULTS: dict[str, Any] = {
    field.name: field.default for field in msgspec.structs.fields(Rule) if field.default is not msgspec.NODEFAULT
}


def _document(rule: Rule, *, of_root: bool) -> dict[str, Any]:
    """Write what differs from the defaults, sets and exceptions in order. A root's window has columns of its own."""
    document: dict[str, Any] = {"id": "-", "effect": rule.effect, "layer": rule.layer}
    for name, default in _DEFAULTS.items():
        value = getattr(rule, name)
        if value == default or (of_root and name in {"not_before", "not_after"}):
            continue
        document[name] = sorted(value) if isinstance(value, frozenset) else value
    if rule.exceptions:
        document["exceptions"] = sorted((_document(one, of_root=False) for one in rule.exceptions), key=canonical_bytes)
    return document

from __future__ import annotations

import json
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.ledger import entry, intent

from bailee.core.canonical import canonical_bytes
from bailee.core.errors import Invalid
from bailee.ledger.entries import KINDS, Bound, Counts, Entry, entry_bytes, entry_from_bytes

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=20).map(
    lambda text: unicodedata.normalize("NFC", text)
)


@given(TEXT, TEXT, st.integers(0, 10**15 - 1))
def test_the_form_is_the_canonical_json_of_the_core(actor: str, place: str, t_ms: int):
    body = entry_bytes(Entry(t_ms=t_ms, kind="login.ok", actor=actor, machine=place))
    assert body == canonical_bytes(json.loads(body))
    assert entry_from_bytes(body) == Entry(t_ms=t_ms, kind="login.ok", actor=actor, machine=place)


def test_fields_without_content_are_left_out_and_the_format_is_named():
    assert entry_bytes(entry()) == b'{"actor":"staff-1","kind":"login.ok","t_ms":1700000000000,"v":1}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"kind":"login.ok","actor":"staff-1","t_ms":1,"v":1}',
        b'{"actor":"staff-1","kind":"login.ok","t_ms":1,"v":1} ',
        b'{"actor":"staff-1","kind":"login.ok","t_ms":1,"v":2}',
        b'{"actor":"staff-1","kind":"login.ok","t_ms":1}',
        b'{"actor":"staff-1","kind":"login.ok","t_ms":1.0,"v":1}',
        b'{"actor":"staff-1","kind":"login.ok","name":"x","t_ms":1,"v":1}',
        b'{"action":"","actor":"staff-1","kind":"login.ok","t_ms":1,"v":1}',
        b'{"actor":"staff\\u002d1","kind":"login.ok","t_ms":1,"v":1}',
        b'{"actor":"e\xcc\x81","kind":"login.ok","t_ms":1,"v":1}',
        b'{"actor":"staff-1","kind":"login.ok","t_ms":1000000000000000,"v":1}',
        b"[]",
    ],
)
def test_any_other_form_is_refused(body: bytes):
    with pytest.raises(Invalid):
        entry_from_bytes(body)


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "patient.viewed"},
        {"objects": ("patient:123",)},
        {"objects": ("Patient/123",)},
        {"objects": ("release:a b",)},
        {"artifact_sha256": "XY"},
        {"subject_commitments_root": "AB" * 32},
        {"t_ms": -1},
        {"reasons": ("",)},
        {"machine": "\ud800"},
        {"machine": "a\nb"},
        {"actor": ""},
    ],
)
def test_an_entry_out_of_form_cannot_be_made(fields: dict[str, object]):
    with pytest.raises(Invalid):
        entry(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize("field", ["agreement", "partner", "route", "purpose", "identifiability"])
def test_an_intent_says_to_whom_why_and_on_what_ground(field: str):
    empty = () if field == "purpose" else "" if field in {"route", "identifiability"} else None
    with pytest.raises(Invalid, match=field):
        intent(**{field: empty})


def test_entries_have_no_field_that_names_a_patient():
    assert not {"patient", "patients", "subject", "mrn", "name"} & set(Entry.__struct_fields__)


def test_all_kinds_are_a_noun_and_a_deed():
    assert all(kind.count(".") == 1 and kind == kind.lower() for kind in KINDS)


def test_parts_are_checked_too():
    with pytest.raises(Invalid):
        Bound(id="a", sha256="short")
    with pytest.raises(Invalid):
        Counts(patients=-1, rows=0, bytes=0)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"patients":1,"rows":1,"bytes":1,"name":"x"}', type=Counts)

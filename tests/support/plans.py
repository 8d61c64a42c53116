"""A small plan that has every action, selections, shadows and checks; and hostile records for it."""

import json

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st
from tests.support import json_model
from tests.support.oracle import Person

from bailee.deid.structure.people import People
from bailee.deid.structure.plan import Action, Check, CheckKind, Node, Plan, Rule, Step
from bailee.records.batches import RECORDS, RawBatch

A = Action
RULES = tuple(Rule(path=f"rule.{action.name}", method=action.name.lower()) for action in Action)
CHECKS = (
    Check(kind=CheckKind.NUMBER),
    Check(kind=CheckKind.BOOLEAN),
    Check(kind=CheckKind.ONE_OF, values=("male", "female", "é")),
    Check(kind=CheckKind.CHARS, chars="abc-", longest=4),
    Check(kind=CheckKind.SHAPE, values=("##-@", "&&", "~x")),
)


def step(action, **options):
    return Step(action=action, rule=int(action), **options)


THING = {
    "keep": step(A.KEEP),
    "number": step(A.KEEP, check=0),
    "flag": step(A.KEEP, check=1),
    "code": step(A.KEEP, check=2),
    "chars": step(A.KEEP, check=3),
    "shape": step(A.KEEP, check=4),
    "year": step(A.YEAR),
    "instant": step(A.YEAR, argument="-01-01T00:00:00Z"),
    "born": step(A.BIRTH_YEAR),
    "when": step(A.SHIFT),
    "zip": step(A.ZIP3),
    "age": step(A.AGE),
    "months": step(A.AGE, argument="1080"),
    "id": step(A.OWN_ID),
    "reference": step(A.REFERENCE),
    "hash": step(A.HASH),
    "constant": step(A.CONSTANT, argument='{"a": "b"}'),
    "text": step(A.TEXT),
    "display": step(A.TEXT, check=2),
    "attachment": step(A.ATTACHMENT),
    "odd": step(A.METHOD, argument="upper"),
    "odder": step(A.METHOD, argument="drop"),
    "gone": step(A.REMOVE),
    "given": step(A.TEXT),
    "_given": step(A.DESCEND, node=1),
    "_when": step(A.DESCEND, node=1),
    "part": step(A.DESCEND, node=0),
    "needed": step(A.DESCEND, node=1, absent='{"code": "masked"}'),
    "asked": step(A.TEXT, absent='"x"'),
    "shadowless": step(A.DESCEND, node=1),
    "selecting": step(A.DESCEND, node=6),
    "extension": step(A.DESCEND, node=2),
    "modifierExtension": step(A.DESCEND, node=3),
    "resource": step(A.RESOURCE),
    "contained": step(A.RESOURCE, argument="contained"),
}
NODES = (
    Node(name="Thing", steps=THING),
    Node(
        name="Element",
        steps={"id": step(A.REMOVE), "extension": step(A.DESCEND, node=2), "keep": step(A.KEEP, check=2)},
    ),
    Node(name="Extension", steps={}, select_on="url", select={"http://a": 4, "": 1}),
    Node(name="Modifier", steps={}, select_on="url", select={"http://a": 4}, refuse=True),
    Node(name="Extension.a", alone="url", steps={"url": step(A.KEEP), "when": step(A.SHIFT), "text": step(A.TEXT)}),
    Node(
        name="Patient",
        steps={"id": step(A.OWN_ID), "part": step(A.DESCEND, node=0), "meta": step(A.KEEP), "born": step(A.BIRTH_YEAR)},
    ),
    Node(
        name="Thing by what lies in it",
        steps={},
        select_on="part.extension.url|needed.extension.url|code",
        select={"http://a": 5, "http://b": 1, "male": 7, "": 0},
        otherwise=0,
    ),
    Node(name="Male", steps={"code": step(A.KEEP), "age": step(A.AGE), "selecting": step(A.DESCEND, node=6)}),
)
ROOTS = {"Observation": 0, "Patient": 5, "Bundle": 0}


def plan(**changes):
    settings = {"profile": "test", "sha256": "0" * 64, "identifiability": "safe-harbor", "nodes": NODES, "roots": ROOTS}
    return Plan(**(settings | {"rules": RULES, "checks": CHECKS} | changes))


PEOPLE = {
    "p1": Person(pseudonym="a" * 64, shift_days=-30, ninety=False),
    "p2": Person(pseudonym="b" * 64, shift_days=364, ninety=True),
    'q"é': Person(pseudonym="c" * 64, shift_days=1, ninety=False),
}


def people(known=PEOPLE):
    return People(
        pa.array(list(known), pa.string()),
        pa.array([person.pseudonym for person in known.values()], pa.string()),
        np.array([person.shift_days for person in known.values()], np.int32),
        np.array([person.ninety for person in known.values()], np.bool_),
    )


def raw_batch(records, patients):
    """Make a batch of raw JSON texts; type and id columns are not read by the engine."""
    encoded = [record if isinstance(record, bytes) else record.encode() for record in records]
    columns = [["?"] * len(encoded), [""] * len(encoded), patients, encoded]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, RECORDS.types)]
    return RawBatch(pa.RecordBatch.from_arrays(arrays, schema=RECORDS))


DATES = st.sampled_from(
    ["2020", "2020-02", "2020-02-29", "2021-02-29", "1999-12-31T23:59:59.123+14:00", "2000-01-01T00:00Z", "0001-01-01", "9999-12-31",
     "2020-13", "2020-1-1", "20200101", "2020-01-01T24:00:00Z", "2020-01-01T10:00:60", "0000-01-01", "1900-02-29", "2020-01-01 10:00"]
)  # fmt: skip
IDS = st.sampled_from(["p1", "p2", "p3", 'q"é', "x", "a.b-c", "a_b", "", "é", "a" * 65])
REFERENCES = st.one_of(
    st.builds("{}{}/{}{}".format, st.sampled_from(["", "", "http://h/r4/", "https://h/", "http://", "/", "ftp://h/", "http://h?x/"]),
              st.sampled_from(["Patient", "Observation", "Nothing", "patient"]), IDS, st.sampled_from(["", "", "/_history/2", "?a=b", "#x", "|1"])),
    st.sampled_from(["#", "#a", "urn:uuid:", "urn:uuid:1234", "urn:oid:1.2", "urn:oid:1", "Patient?identifier=1", "x"]),
)  # fmt: skip
ZIPS = st.sampled_from(
    ["02139", "02139-1234", "021391234", "0213", "02139 ", "0213９", "99999", "SW1A 1AA", "02139-12345"]
)
AGES = st.sampled_from(
    [
        "0",
        "89",
        "89.0",
        "89.01",
        "90",
        "90.5",
        "1e2",
        "-1",
        "89.99999999999999999999",
        "1080",
        "1079.5",
        "99999999999999999999",
    ]
)
URLS = st.sampled_from(["http://a", "http://b", ""])
WORDS = st.sampled_from(
    ["male", "é", "12-A", "A1", "ax", "abc-", "abcd", "", "Ann Smith", "remove me", 'say "hi"\n\x01', "\U0001f600"]
)
TEXTS = st.one_of(WORDS, DATES, REFERENCES, ZIPS, IDS, st.text(max_size=5))
SCALARS = st.one_of(
    st.builds(json_model.spelled, TEXTS, st.sampled_from([False, False, False, True])),
    AGES,
    st.sampled_from(["true", "null", "{}", "[]", "0.10"]),
)
KEYS = st.sampled_from([*THING, "unknown", "Ann Smith", "name", "meta"])
FITTING = {
    "year": DATES, "instant": DATES, "born": DATES, "when": DATES, "zip": ZIPS, "id": IDS, "reference": REFERENCES, "text": WORDS,
    "display": WORDS, "given": WORDS, "asked": WORDS, "code": WORDS, "chars": WORDS, "shape": WORDS,
}  # fmt: skip


@st.composite
def _thing(draw, values, kind=""):
    keys = draw(st.lists(KEYS, max_size=7, unique=True))
    members = [(key, draw(_value(key, values))) for key in keys]
    if kind:
        members.insert(draw(st.integers(0, len(members))), ("resourceType", json.dumps(kind)))
    elif draw(st.booleans()):
        members.append(("url", json_model.spelled(draw(URLS), draw(st.booleans()))))
    blank = draw(json_model.BLANKS)
    written = (
        f"{json_model.spelled(key, draw(st.integers(0, 9)) == 0)}{blank}:{blank}{value}" for key, value in members
    )
    return "{" + f"{blank},".join(written) + "}"


@st.composite
def _value(draw, key, values):
    if draw(st.integers(0, 5)) == 0:
        return draw(values)
    one = values
    if key in FITTING:
        one = st.one_of(
            st.builds(json_model.spelled, FITTING[key], st.just(draw(st.integers(0, 5)) == 0)), st.just("null")
        )
    elif key in {"age", "months", "number"}:
        one = AGES
    elif key in {"resource", "contained"}:
        one = st.one_of(*(_thing(values, kind) for kind in ("Patient", "Observation", "Nothing")))
    elif key in {"part", "needed", "selecting", "extension", "modifierExtension", "_given", "_when", "attachment"}:
        one = _thing(values)
    if draw(st.booleans()):
        return draw(one)
    return "[" + ",".join(draw(st.lists(st.one_of(one, one, st.just("null")), max_size=3))) + "]"


VALUES = st.recursive(SCALARS, lambda inner: st.one_of(inner, _thing(inner)), max_leaves=8)
RECORDS_OF_ALL_KINDS = st.sampled_from(
    ["Observation", "Observation", "Observation", "Bundle", "Patient", "Nothing"]
).flatmap(lambda kind: _thing(VALUES, kind))

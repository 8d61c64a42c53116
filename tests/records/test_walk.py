"""The record walkers: strict about JSON, exact about where values lie."""

import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support import json_model

from bailee.core.columns import buffer_of
from bailee.core.errors import Invalid
from bailee.records import walk
from bailee.records.walk import Kind, Paths, Problem

TAGS = {
    ("*", "id"): 0,
    ("Patient", "name.family"): 1,
    ("Patient", "name.given"): 2,
    ("Observation", "name"): 3,
    ("*", "x.id"): 4,
    ("*", "**.reference"): 5,
}


def batch(*records):
    encoded = [record if isinstance(record, bytes) else record.encode() for record in records]
    offsets = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(record) for record in encoded], out=offsets[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offsets


def problem(record):
    checked = walk.check(*batch(record))
    return Problem(checked.codes[0]), int(checked.positions[0])


@pytest.mark.parametrize(
    "record, expected",
    [
        ("", (Problem.EMPTY, 0)),
        (" \n", (Problem.EMPTY, 2)),
        ('{"a":1}', (Problem.NONE, 0)),
        (' {"a" : [ 1 , {} , [] ] }\r\n', (Problem.NONE, 0)),
        ("[1]", (Problem.NOT_AN_OBJECT, 0)),
        ('"a"', (Problem.NOT_AN_OBJECT, 0)),
        ('{"a":1', (Problem.TRUNCATED, 6)),
        ('{"a":"b', (Problem.TRUNCATED, 7)),
        ('{"a":tru', (Problem.TRUNCATED, 8)),
        ('{"a":"\\u12', (Problem.TRUNCATED, 10)),
        ('{"a":1,}', (Problem.SYNTAX, 7)),
        ('{"a":[1,]}', (Problem.SYNTAX, 8)),
        ('{"a" 1}', (Problem.SYNTAX, 5)),
        ("{'a':1}", (Problem.SYNTAX, 1)),
        ('{"a":1]', (Problem.SYNTAX, 6)),
        ('{"a":nul}', (Problem.SYNTAX, 5)),
        ('{"a":\x00}', (Problem.SYNTAX, 5)),
        ('{"a":1}{"b":2}', (Problem.TRAILING, 7)),
        ('{"a":1,"\\u0061":2}', (Problem.DUPLICATE_KEY, 8)),
        ('{"a":{"b":1,"b":2}}', (Problem.DUPLICATE_KEY, 13)),
        (b'{"a":"\xff"}', (Problem.UTF8, 6)),
        (b'{"a":"\xc0\x80"}', (Problem.UTF8, 6)),
        (b'{"a":"\xed\xa0\x80"}', (Problem.UTF8, 6)),
        (b'{"a":"\xf4\x90\x80\x80"}', (Problem.UTF8, 6)),
        (b'{"\xe2\x82":1}', (Problem.UTF8, 2)),
        ('{"a":"\\x41"}', (Problem.ESCAPE, 6)),
        ('{"a":"\\u00g1"}', (Problem.ESCAPE, 6)),
        ('{"a":"\\ud83d"}', (Problem.SURROGATE, 6)),
        ('{"a":"\\ud83d\\u0041"}', (Problem.SURROGATE, 6)),
        ('{"a":"\\ude00"}', (Problem.SURROGATE, 6)),
        ('{"a":"b\tc"}', (Problem.CONTROL, 7)),
        ('{"a":01}', (Problem.BAD_NUMBER, 5)),
        ('{"a":1.}', (Problem.BAD_NUMBER, 5)),
        ('{"a":-}', (Problem.BAD_NUMBER, 5)),
        ('{"a":1e+}', (Problem.BAD_NUMBER, 5)),
        ('{"a":NaN}', (Problem.NOT_A_NUMBER, 5)),
        ('{"a":-Infinity}', (Problem.NOT_A_NUMBER, 5)),
        ("\ufeff{}", (Problem.BYTE_ORDER_MARK, 0)),
        ('{"a":' + "[" * 63 + "]" * 63 + "}", (Problem.NONE, 0)),
        ('{"a":' + "[" * 64 + "]" * 64 + "}", (Problem.DEPTH, 68)),
    ],
)
def test_each_fault_has_its_code_and_place(record, expected):
    assert problem(record) == expected


def test_every_problem_has_a_sentence():
    assert len({walk.sentence(code) for code in Problem}) == len(Problem)


@pytest.mark.parametrize("count", [24, 25, 26, 1000])
def test_a_repeated_key_is_seen_in_objects_of_any_width(count):
    names = [f'"k{i}":{i}' for i in range(count)]
    assert problem("{" + ",".join(names) + "}")[0] == Problem.NONE
    assert problem("{" + ",".join([*names, '"k7":0']) + "}")[0] == Problem.DUPLICATE_KEY
    assert problem("{" + ",".join([*names, '"\\u006b7":0']) + "}")[0] == Problem.DUPLICATE_KEY


def test_long_keys_that_differ_only_at_the_end_are_different():
    stem = "k" * 300
    assert problem(f'{{"{stem}a":1,"{stem}b":2}}')[0] == Problem.NONE
    assert problem(f'{{"{stem}a":1,"{stem}\\u0061":2}}')[0] == Problem.DUPLICATE_KEY


@given(json_model.OBJECTS)
def test_what_the_model_accepts_is_accepted(record):
    try:
        json_model.read(record.encode())
        expected = True
    except json_model.Refused:
        expected = False
    assert (problem(record)[0] == Problem.NONE) == expected


@given(json_model.OBJECTS, st.data())
@settings(max_examples=300)
def test_a_changed_byte_is_judged_as_the_model_judges_it(record, data):
    content = bytearray(record.encode())
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] = data.draw(st.sampled_from(b'"\\{}[]:,0-.eE \x00\x1f\x80\xc3\xff\xf0ntf'))
    try:
        json_model.read(bytes(content))
        expected = True
    except json_model.Refused:
        expected = False
    assert (problem(bytes(content))[0] == Problem.NONE) == expected


def seen(record, paths):
    buffer, offsets = batch(record)
    out = walk.collect(buffer, offsets, paths)
    texts = out.texts(buffer).to_pylist()
    values = []
    for tag, kind, text, inside in zip(out.tag.tolist(), out.kinds.tolist(), texts, out.inside.tolist(), strict=True):
        raw = {Kind.STRING: lambda t: t, Kind.NUMBER: lambda t: (t,)}.get(Kind(kind))
        values.append((tag, raw(text) if raw else None if kind == Kind.OBJECT else kind == Kind.TRUE, inside))
    return sorted(values, key=repr)


@given(json_model.OBJECTS, st.booleans())
@settings(max_examples=300)
def test_collected_values_are_the_models(record, contained):
    try:
        document = json_model.read(record.encode())
    except json_model.Refused:
        return
    expected = json_model.found(document, TAGS, contained=contained)
    shown = sorted(
        ((tag, None if isinstance(value, dict) else value, inside) for tag, value, inside in expected), key=repr
    )
    assert seen(record, Paths(TAGS, contained=contained)) == shown


def test_members_of_one_object_share_a_parent():
    record = '{"resourceType":"Patient","name":[{"family":"Ash","given":["Bo","Cy"]},{"given":["Di"],"family":"Elm"}]}'
    buffer, offsets = batch(record)
    out = walk.collect(buffer, offsets, Paths({("Patient", "name.family"): 1, ("Patient", "name.given"): 2}))
    groups = {}
    for parent, text in zip(out.parent.tolist(), out.texts(buffer).to_pylist(), strict=True):
        groups.setdefault(parent, []).append(text)
    assert sorted(map(sorted, groups.values())) == [["Ash", "Bo", "Cy"], ["Di", "Elm"]]
    assert len({int(out.up[parent]) for parent in groups}) == 1


def test_slices_point_at_the_bytes():
    buffer, offsets = batch('{"id":"a\\n"}', '{"id":0.10}', '{"id":{"b":[1]}}')
    out = walk.collect(buffer, offsets, Paths({("*", "id"): 7}))
    assert [bytes(buffer[s:e]) for s, e in zip(out.start, out.end, strict=True)] == [b"a\\n", b"0.10", b'{"b":[1]}']
    assert out.record.tolist() == [0, 1, 2]
    assert (out.kind[0] & walk.ESCAPED, out.kinds.tolist()) == (walk.ESCAPED, [Kind.STRING, Kind.NUMBER, Kind.OBJECT])


def test_a_faulty_record_yields_nothing_and_stops_nobody():
    buffer, offsets = batch('{"id":"a"}', '{"id":"b"', '{"id":"c"}')
    out = walk.collect(buffer, offsets, Paths({("*", "id"): 0}))
    assert out.texts(buffer).to_pylist() == ["a", "c"]
    assert out.codes.tolist() == [0, Problem.TRUNCATED, 0]


def test_a_record_with_more_values_than_expected_is_collected_whole():
    record = json.dumps({"id": [1] * 5000}, separators=(",", ":"))
    assert len(walk.collect(*batch(record), Paths({("*", "id"): 0, ("Patient", "id"): 1}))) == 5000


@given(st.lists(json_model.TEXTS, max_size=20), st.booleans())
def test_decoded_strings_are_the_texts(texts, escaped):
    inner = [json_model.spelled(text, escaped)[1:-1] for text in texts]
    buffer, offsets = batch(*inner)
    assert walk.strings(buffer, offsets[:-1], offsets[1:]).to_pylist() == texts


@pytest.mark.parametrize("content", [b"", b"a", b"a\n", b"a\nb", b"\n\n"])
def test_lines_are_cut_after_their_newline(content):
    offsets = walk.lines(np.frombuffer(content, np.uint8))
    cut = [content[a:b] for a, b in pairwise(offsets)]
    assert cut == content.splitlines(keepends=True)


def test_an_arrow_column_is_seen_without_a_copy_even_when_sliced():
    column = pa.array([b"{}", b'{"id":"a"}', b'{"id":"b"}'], pa.large_binary()).slice(1)
    buffer, offsets = buffer_of(column)
    assert walk.collect(buffer, offsets, Paths({("*", "id"): 0})).texts(buffer).to_pylist() == ["a", "b"]


def test_offsets_outside_the_buffer_are_refused():
    with pytest.raises(Invalid):
        walk.check(np.zeros(3, np.uint8), np.array([0, 4]))


def test_a_path_with_an_empty_step_is_refused():
    with pytest.raises(Invalid):
        Paths({("Patient", "name..family"): 0})

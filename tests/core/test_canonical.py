"""Canonical JSON: one form for one document, and nothing ambiguous is read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailee.core.canonical import canonical_bytes, strict_json
from bailee.core.errors import Invalid

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(DOCUMENTS)
def test_the_form_is_a_fixed_point(document):
    once = canonical_bytes(document)
    assert canonical_bytes(json.loads(once)) == once


@pytest.mark.parametrize("document", [1.5, 2**53, {1: "a"}, b"x", {"a": {1, 2}}])
def test_what_has_no_single_form_is_refused(document):
    with pytest.raises(Invalid):
        canonical_bytes(document)


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "NaN", "[Infinity]", "{", "[" * 100_000])
def test_ambiguous_json_is_refused_without_quoting_it(text):
    with pytest.raises(Invalid) as caught:
        strict_json(text)
    assert text not in str(caught.value) or len(text) < 2

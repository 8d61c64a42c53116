"""Keys: derived, separate per agreement, reversible by the hospital only."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailee.core.errors import Invalid
from bailee.core.keys import AgreementKeys, Secret

MASTER = Secret(bytes(range(32)))
ROOTS = st.binary(min_size=16, max_size=16)


@given(ROOTS)
def test_the_hospital_turns_a_pseudonym_back(root):
    keys = AgreementKeys.of(MASTER, "dua-1")
    assert keys.root_of(keys.pseudonym(root)) == root


@given(ROOTS)
def test_two_agreements_share_no_pseudonym(root):
    assert AgreementKeys.of(MASTER, "a").pseudonym(root) != AgreementKeys.of(MASTER, "b").pseudonym(root)


@given(ROOTS)
def test_another_agreement_cannot_turn_a_pseudonym_back(root):
    with pytest.raises(Invalid):
        AgreementKeys.of(MASTER, "b").root_of(AgreementKeys.of(MASTER, "a").pseudonym(root))


@given(ROOTS)
def test_a_shift_is_never_zero_and_stays_within_a_year(root):
    shift = AgreementKeys.of(MASTER, "a").shift_days(root)
    assert shift != 0
    assert -364 <= shift <= 364


def test_a_secret_does_not_show():
    assert "0001" not in repr(MASTER) + str(MASTER) + repr(AgreementKeys.of(MASTER, "a"))


def test_a_short_key_is_refused():
    with pytest.raises(Invalid):
        Secret(b"short")

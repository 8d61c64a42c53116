"""Claims about the synthetic hospital's agreement: it is one, it is in force, it covers what is generated."""

from __future__ import annotations

from datetime import date

from bailee.agreements.documents import read_agreement
from bailee.synthetic.agreement import agreement_text

TODAY = date(2026, 11, 27)


def test_it_reads_as_an_agreement_in_force():
    agreement = read_agreement(agreement_text(TODAY))
    assert agreement.term.starts_on < TODAY < agreement.term.ends_on
    assert agreement.board.approved_on < agreement.term.starts_on
    assert agreement.identifiability == "safe-harbor"
    assert "DocumentReference" in agreement.scope.types


def test_its_cohort_and_name_can_be_chosen():
    agreement = read_agreement(agreement_text(TODAY, name="breast-notes", cohort='search: "Condition?code=254837009"'))
    assert agreement.id == "breast-notes"
    assert agreement.scope.cohort.search == "Condition?code=254837009"
    assert not agreement.scope.cohort.everyone

"""May this leave under this agreement? One term wrong, and the answer is no with that term's code."""

from typing import Any

import msgspec
import pytest
from tests.support.agreements import NOW, active, everything, example

from bailee.agreements.check import Approval, ask_of, check_release, grant_of
from bailee.agreements.documents import agreement_hash
from bailee.core.clock import ms_from_iso
from bailee.core.decisions import SENTENCES, Decision
from bailee.core.errors import Denied
from bailee.core.reasons import REASONS


def _answer(*changes: tuple[str, str], at: str = "2027-01-15", state: str = "ACTIVE", **asked: Any) -> Decision:
    agreement = example(*changes)
    approval = Approval(state=state, signed_sha256=agreement_hash(agreement))  # type: ignore[arg-type]
    ask = msgspec.structs.replace(everything(agreement), **asked)
    return check_release(agreement, ms_from_iso(at), approval=approval, ask=ask)


def test_the_example_is_permitted_with_its_obligations() -> None:
    answer = _answer()
    assert answer.permit
    assert "publish-results" in answer.obligations


@pytest.mark.parametrize(
    "state", ["DRAFT", "LEGAL_REVIEW", "SIGNED_BY_HOSPITAL", "SIGNED", "SUSPENDED", "TERMINATED", "EXPIRED"]
)
def test_only_an_active_agreement_permits(state: str) -> None:
    assert _answer(state=state).reasons == ("E-AGREEMENT",)


@pytest.mark.parametrize(
    "at, permitted",
    [
        ("2026-03-31T23:59:59.999Z", False),
        ("2026-04-01", True),
        ("2028-03-01T23:59:59.999Z", True),
        ("2028-03-02", False),  # the board's approval ends
        ("2028-04-01", False),  # the term ends
    ],
)
def test_days_are_half_open(at: str, permitted: bool) -> None:
    assert _answer(at=at).permit is permitted


ASKED = [
    ({"types": frozenset({"Patient", "Claim"})}, "E-SCOPE-FIELD"),
    ({"types": frozenset()}, "E-INPUT"),
    ({"purposes": frozenset({"HMARKT"})}, "E-SCOPE-PURPOSE"),
    ({"purposes": frozenset()}, "E-INPUT"),
    ({"regions": frozenset({"CN"})}, "E-SCOPE-REGION"),
    ({"regions": frozenset()}, "E-INPUT"),
    ({"recipient": "somebody-else"}, "E-SCOPE-RECIPIENT"),
    ({"recipient": ""}, "E-INPUT"),
    ({"identifiability": "identified"}, "E-DEID-PROFILE"),
    ({"identifiability": "sort-of"}, "E-VOCAB"),
    ({"profile": "limited-data-set"}, "E-DEID-PROFILE"),
    ({"profile_sha256": ""}, "E-INPUT"),
    ({"agreement": "another"}, "E-AGREEMENT"),
    ({"agreement_sha256": "0" * 64}, "E-AGREEMENT-HASH"),
    ({"actions": frozenset()}, "E-INPUT"),
    ({"aliases": frozenset()}, "E-INPUT"),
]


@pytest.mark.parametrize("asked, code", ASKED)
def test_asking_for_what_was_not_agreed_is_refused(asked: dict[str, Any], code: str) -> None:
    answer = _answer(**asked)
    assert not answer.permit
    assert code in answer.reasons
    assert answer.details


def test_terms_changed_after_signing_are_refused() -> None:
    signed, changed = example(), example(("days: 1095", "days: 9999"))
    approval = active(signed)
    answer = check_release(changed, NOW, approval=approval, ask=everything(changed))
    assert answer.reasons == ("E-AGREEMENT-HASH",)


def test_an_unsigned_agreement_is_refused_even_if_it_says_active() -> None:
    agreement = example()
    answer = check_release(agreement, NOW, approval=Approval(state="ACTIVE"), ask=everything(agreement))
    assert answer.reasons == ("E-AGREEMENT-HASH",)


def test_a_pinned_profile_that_changed_is_refused() -> None:
    pinned = ("profile: safe-harbor\n", f"profile: safe-harbor\nprofile_sha256: {'ab' * 32}\n")
    assert _answer(pinned).permit
    assert _answer(pinned, profile_sha256="cd" * 32).reasons == ("E-DEID-PROFILE",)


def test_a_commercial_partner_is_refused_where_the_terms_exclude_commerce() -> None:
    answer = _answer(("- code: DUO:0000019 ", "- code: DUO:0000046 "))
    assert answer.reasons == ("E-SCOPE-PURPOSE",)


def test_training_a_model_is_refused_where_the_terms_exclude_methods() -> None:
    assert _answer(("- code: DUO:0000019 ", "- code: DUO:0000015 ")).reasons == ("E-SCOPE-PURPOSE",)


def test_a_collaboration_needs_a_person() -> None:
    answer = _answer(("- code: DUO:0000019 ", "- code: DUO:0000020 "))
    assert answer.reasons == ("E-SCOPE-PURPOSE",)
    assert "an approved request settles it" in " ".join(answer.details)


def test_an_unknown_recipient_asks_for_nothing() -> None:
    agreement = example()
    ask = ask_of(agreement, profile_sha256="ab" * 32, recipient="nobody")
    assert check_release(agreement, NOW, approval=active(agreement), ask=ask).reasons == ("E-SCOPE-RECIPIENT",)


def test_identified_data_always_needs_a_request() -> None:
    agreement = example(
        ("identifiability: safe-harbor", "identifiability: identified"),
        (
            "  kind: de-identified",
            "  kind: required-by-law\n  citation: 45 CFR 164.512(b)\n  requester_checked_by: A. Person\n  requester_checked_on: 2026-01-01",
        ),
    )
    assert grant_of(agreement, active(agreement)).needs_request
    answer = check_release(agreement, NOW, approval=active(agreement), ask=everything(agreement))
    assert set(answer.reasons) == {"E-REQUEST", "E-REQUEST-HASH"}


def test_every_code_has_words_for_every_reader() -> None:
    assert set(SENTENCES) <= set(REASONS)
    for code, sentences in SENTENCES.items():
        assert sentences.partner
        assert sentences.patient
        assert sentences.remedy or code == "P-PERMIT"


def test_a_refusal_becomes_an_error_with_its_codes_and_remedy() -> None:
    with pytest.raises(Denied) as caught:
        _answer(state="SUSPENDED").raise_if_denied("the release is refused")
    assert caught.value.reasons == ("E-AGREEMENT",)


def test_a_partner_reads_nothing_about_a_person() -> None:
    about_persons = [
        SENTENCES[code].partner for code in ("E-DENY", "E-NOCONSENT", "E-SPECIAL", "E-OPTOUT", "E-UNMAPPED")
    ]
    assert len(set(about_persons)) == 1

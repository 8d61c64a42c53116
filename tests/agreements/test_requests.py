"""Requests: the whole matrix of role, action and state, and what a suspension remembers."""

import itertools
from datetime import date
from typing import Any

import msgspec
import pytest
from tests.support.agreements import NOW, active
from tests.support.requests import identified, person, request_under

from bailee.agreements.check import grant_of
from bailee.agreements.days import first_ms
from bailee.agreements.documents import agreement_document, read_request
from bailee.agreements.people import REQUEST_ROLES, ROLES
from bailee.agreements.requests import Progress, _check_separation, advance, begin, findings, narrowed, request_hash
from bailee.agreements.states import REQUEST_STATES, REQUEST_STEPS, can_step
from bailee.core.errors import BaileeError, Conflict, Denied, Invalid
from bailee.core.grants import Window

AGREEMENT = identified()
REQUEST = request_under(AGREEMENT)
SHA = request_hash(REQUEST)
ENDS = first_ms(date(2028, 1, 1))


def progress(state: str, **changes: Any) -> Progress:
    made = Progress(
        state=state, requester="rosa", sha256=SHA, bound_sha256=SHA, approved=Window(NOW - 1, ENDS), before="APPROVED"
    )
    return msgspec.structs.replace(made, **changes)


def test_every_role_action_and_state() -> None:
    wrong = []
    cells = list(itertools.product(ROLES, REQUEST_ROLES, REQUEST_STATES))
    for role, action, state in cells:
        expected = role in REQUEST_ROLES[action] and can_step(REQUEST_STEPS, state, action)
        at_ms = ENDS if action == "expire" else NOW
        try:
            advance(progress(state), action, person(f"new-{role}", role), REQUEST, at_ms)
            happened = True
        except BaileeError:
            happened = False
        if happened is not expected:
            wrong.append((role, action, state))
    assert wrong == []
    assert len(cells) == 16 * 16 * 14


def test_no_partner_role_may_take_a_reviewing_step_in_any_state() -> None:
    for action, state in itertools.product(
        ("check-evidence", "review-privacy", "decide", "approve", "check-output"), REQUEST_STATES
    ):
        for role in ("partner-admin", "partner-service"):
            with pytest.raises((Denied, Conflict)):
                advance(progress(state), action, person("petra", role), REQUEST, NOW)


@pytest.mark.parametrize("action", ["prepare", "check-output", "release"])
@pytest.mark.parametrize("at_ms, passes", [(ENDS - 1, True), (ENDS, False), (NOW - 2, False)])
def test_an_approval_ends_at_its_last_moment(action: str, at_ms: int, passes: bool) -> None:
    begins = next(one.begins[0] for one in REQUEST_STEPS if one.action == action)
    role = min(REQUEST_ROLES[action])
    if passes:
        advance(progress(begins), action, person("x", role), REQUEST, at_ms)
    else:
        with pytest.raises(Denied, match="expired"):
            advance(progress(begins), action, person("x", role), REQUEST, at_ms)


def test_it_expires_at_its_last_moment_and_not_before() -> None:
    clock = person("clock", "clock")
    with pytest.raises(Conflict):
        advance(progress("APPROVED"), "expire", clock, REQUEST, ENDS - 1)
    assert advance(progress("APPROVED"), "expire", clock, REQUEST, ENDS).state == "EXPIRED"


@pytest.mark.parametrize("state", ["SUBMITTED", "EVIDENCE_CHECKED", "APPROVED", "OUTPUT_CHECKED"])
def test_a_suspension_goes_back_to_where_it_began(state: str) -> None:
    officer = person("olga", "privacy-officer")
    suspended = advance(progress(state), "suspend", officer, REQUEST, NOW)
    assert suspended.state == "SUSPENDED"
    assert advance(suspended, "resume", officer, REQUEST, NOW).state == state


def test_another_document_than_the_reviewed_one_goes_nowhere() -> None:
    other = msgspec.structs.replace(REQUEST, protocol_sha256="9" * 64)
    for state, action, role in (
        ("SUBMITTED", "check-evidence", "irb-coordinator"),
        ("DAC_DECIDED", "approve", "dac-member"),
        ("OUTPUT_CHECKED", "release", "data-engineer"),
    ):
        with pytest.raises(Denied, match="has changed"):
            advance(progress(state), action, person("x", role), other, NOW)


BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"types": ("Claim",)}, "E-SCOPE-FIELD"),
    ({"types": ()}, "E-INPUT"),
    ({"reasons": ("HMARKT",)}, "E-SCOPE-PURPOSE"),
    ({"regions": ("DE",)}, "E-SCOPE-REGION"),
    ({"recipients": ("other",)}, "E-SCOPE-RECIPIENT"),
    ({"identifiability": "safe-harbor"}, "E-DEID-PROFILE"),
    ({"profile": "other"}, "E-DEID-PROFILE"),
    ({"agreement_sha256": "0" * 64}, "E-AGREEMENT-HASH"),
    ({"agreement": "another"}, "E-AGREEMENT-HASH"),
    ({"reasons": ()}, "E-INPUT"),
    ({"recipients": ()}, "E-INPUT"),
    ({"regions": ()}, "E-INPUT"),
]


@pytest.mark.parametrize("change, code", BEYOND, ids=str)
def test_what_goes_beyond_the_agreement_is_found(change: dict[str, Any], code: str) -> None:
    asked = msgspec.structs.replace(REQUEST, **change)
    assert [found for found, _ in findings(asked, AGREEMENT, REQUEST.agreement_sha256)] == [code]
    assert findings(REQUEST, AGREEMENT, REQUEST.agreement_sha256) == []


def test_elements_stay_inside_the_agreements() -> None:
    scope = msgspec.structs.replace(AGREEMENT.scope, elements={"Patient": ("id", "gender")})
    limited = msgspec.structs.replace(AGREEMENT, scope=scope)
    for elements, inside in (
        ({}, False),
        ({"Patient": ("id",)}, True),
        ({"Patient": ("id", "gender")}, True),
        ({"Patient": ("name",)}, False),
    ):
        asked = msgspec.structs.replace(REQUEST, elements=elements)
        assert (findings(asked, limited, REQUEST.agreement_sha256) == []) is inside


def test_all_types_of_the_agreement_or_any_where_it_covers_all_may_be_asked_for() -> None:
    whole = msgspec.structs.replace(REQUEST, types=AGREEMENT.scope.types)
    assert findings(whole, AGREEMENT, REQUEST.agreement_sha256) == []
    anything = msgspec.structs.replace(AGREEMENT, scope=msgspec.structs.replace(AGREEMENT.scope, types=("all",)))
    assert findings(msgspec.structs.replace(REQUEST, types=("Claim",)), anything, REQUEST.agreement_sha256) == []


@pytest.mark.parametrize("role", ROLES)
def test_only_who_may_edit_begins_a_request(role: str) -> None:
    if role in REQUEST_ROLES["edit"]:
        assert begin(REQUEST, person("rosa", role)).state == "DRAFT"
    else:
        with pytest.raises(Denied):
            begin(REQUEST, person("rosa", role))


@pytest.mark.parametrize("name, roles", [("", ("dac-member",)), ("x", ()), ("x", ("dac-member", "king"))])
def test_nobody_and_somebody_in_an_unknown_role_may_do_nothing(name: str, roles: tuple[str, ...]) -> None:
    with pytest.raises(Denied) as denied:
        advance(progress("DAC_DECIDED"), "approve", person(name, *roles), REQUEST, NOW)
    assert denied.value.reasons == ("E-INPUT",)


def test_a_partners_account_approves_nothing_even_if_a_table_would_let_it() -> None:
    """The rule of separation stands by itself, not only on the table of roles."""
    for action in ("check-evidence", "review-privacy", "decide", "approve", "check-output"):
        with pytest.raises(Denied, match="partner's account"):
            _check_separation(progress("SUBMITTED"), action, person("petra", "partner-admin"))


HANDS = (("prepare", "egon"), ("decide", "dana"), ("approve", "olga"))


@pytest.mark.parametrize(
    "state, action, name, role, words",
    [
        ("SUBMITTED", "check-evidence", "rosa", "irb-coordinator", "whoever asked"),
        ("EVIDENCE_CHECKED", "review-privacy", "rosa", "privacy-officer", "whoever asked"),
        ("PRIVACY_REVIEWED", "decide", "rosa", "dac-member", "whoever asked"),
        ("DAC_DECIDED", "approve", "rosa", "dac-member", "whoever asked"),
        ("PREPARED", "check-output", "rosa", "output-checker", "whoever asked"),
        ("PREPARED", "check-output", "olga", "output-checker", "whoever approved"),
        ("PREPARED", "check-output", "dana", "output-checker", "whoever approved"),
        ("PREPARED", "check-output", "egon", "output-checker", "whoever prepared"),
        ("DAC_DECIDED", "approve", "egon", "dac-member", "whoever prepared"),
        ("DAC_DECIDED", "approve", "olga", "dac-member", "same approver twice"),
        ("OUTPUT_CHECKED", "release", "egon", "data-engineer", None),
        ("APPROVED", "prepare", "rosa", "data-engineer", None),
        ("DAC_DECIDED", "approve", "dana", "dac-member", None),
        ("PREPARED", "check-output", "carl", "output-checker", None),
    ],
)
def test_whose_hands_it_was_in_decides_whose_it_may_come_into(
    state: str, action: str, name: str, role: str, words: str | None
) -> None:
    known = progress(state, reviewers=HANDS)
    if words is None:
        advance(known, action, person(name, role), REQUEST, NOW)
    else:
        with pytest.raises(Denied, match=words):
            advance(known, action, person(name, role), REQUEST, NOW)


def test_nobody_is_of_both_sides_and_a_partner_may_have_both_of_its_roles() -> None:
    with pytest.raises(Denied, match="for the partner and for the hospital"):
        advance(progress("DRAFT"), "submit", person("petra", "partner-admin", "researcher-sponsor"), REQUEST, NOW)
    both = person("petra", "partner-admin", "partner-service")
    assert advance(progress("DRAFT"), "submit", both, REQUEST, NOW).state == "SUBMITTED"


def test_a_draft_is_submitted_and_bound_to_what_was_submitted() -> None:
    sponsor = person("rosa", "researcher-sponsor")
    submitted = advance(begin(REQUEST, sponsor), "submit", sponsor, REQUEST, NOW)
    assert (submitted.state, submitted.bound_sha256) == ("SUBMITTED", SHA)


def test_a_step_from_elsewhere_is_told_where_it_begins() -> None:
    with pytest.raises(Conflict, match="it begins in DAC_DECIDED"):
        advance(progress("DRAFT"), "approve", person("x", "dac-member"), REQUEST, NOW)


def test_a_refused_role_is_told_which_role_would_do() -> None:
    with pytest.raises(Denied, match="dac-member or privacy-officer"):
        advance(progress("DAC_DECIDED"), "approve", person("x", "auditor"), REQUEST, NOW)


def test_who_approved_may_still_stop_it_and_a_draft_may_be_withdrawn() -> None:
    officer = person("olga", "privacy-officer")
    approved = progress("APPROVED", reviewers=(("decide", "dana"), ("approve", "olga"), ("approve", "dirk")))
    assert advance(approved, "suspend", officer, REQUEST, NOW).state == "SUSPENDED"
    assert advance(approved, "revoke", officer, REQUEST, NOW).state == "REVOKED"
    draft = begin(REQUEST, person("rosa", "researcher-sponsor"))
    assert advance(draft, "withdraw", person("rosa", "researcher-sponsor"), REQUEST, NOW).state == "REVOKED"


def test_a_changed_request_is_bound_anew_where_it_was_submitted_and_not_as_a_draft() -> None:
    sponsor, other = person("rosa", "researcher-sponsor"), msgspec.structs.replace(REQUEST, protocol_sha256="9" * 64)
    edited = advance(progress("APPROVED", reviewers=(("approve", "olga"),)), "edit", sponsor, other, NOW)
    assert (edited.state, edited.bound_sha256, edited.reviewers) == ("SUBMITTED", request_hash(other), ())
    checked = advance(edited, "check-evidence", person("ivan", "irb-coordinator"), other, NOW)
    assert checked.state == "EVIDENCE_CHECKED"
    assert advance(begin(REQUEST, sponsor), "edit", sponsor, other, NOW).bound_sha256 == ""


@pytest.mark.parametrize("at_ms, passes", [(ENDS - 1, True), (ENDS, False), (ENDS + 1, False)])
def test_what_has_ended_is_not_approved(at_ms: int, passes: bool) -> None:
    once = advance(progress("DAC_DECIDED"), "approve", person("olga", "privacy-officer"), REQUEST, at_ms)
    assert once.state == "DAC_DECIDED"  # identified data needs two
    if passes:
        assert advance(once, "approve", person("dirk", "dac-member"), REQUEST, at_ms).approved == Window(at_ms, ENDS)
    else:
        with pytest.raises(Denied, match="last day is over"):
            advance(once, "approve", person("dirk", "dac-member"), REQUEST, at_ms)


def test_a_grant_is_narrowed_to_what_was_asked() -> None:
    grant = narrowed(grant_of(AGREEMENT, active(AGREEMENT)), REQUEST)
    assert (grant.types, grant.regions, grant.needs_request) == (frozenset(REQUEST.types), frozenset({"US"}), True)


def test_a_request_is_read_from_a_file_with_lines_in_its_errors() -> None:
    import yaml

    document = msgspec.to_builtins(REQUEST)
    text = yaml.safe_dump(document, sort_keys=False).replace("'2028-01-01'", "2028-01-01")
    assert read_request(text) == REQUEST
    with pytest.raises(Invalid, match=r"r\.yaml, line 1"):
        read_request("surprise: 1\n" + text, name="r.yaml")
    assert agreement_document(AGREEMENT)["id"] == REQUEST.agreement

"""Agreements and requests in both databases: steps, roles, separation, and a leaf for each change."""

import itertools
from datetime import date
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, text
from tests.support.agreements import NOW, PROFILE, example
from tests.support.requests import identified, person, request_under

from bailee.agreements.check import ask_of, check_release
from bailee.agreements.documents import agreement_hash
from bailee.agreements.people import AGREEMENT_ROLES, REQUEST_ROLES, ROLES, Person
from bailee.agreements.states import AGREEMENT_STATES, AGREEMENT_STEPS, can_step
from bailee.core.errors import BaileeError, Conflict, Denied
from bailee.ledger.entries import entry_from_bytes
from bailee.stores.sql import account_tables, agreement_tables, consent_tables
from bailee.stores.sql.agreements import (
    Signatories,
    approval_of,
    attest_agreement,
    find_agreement,
    find_request,
    hold_agreement,
    list_agreements,
    move_agreement,
    move_request,
    put_agreement,
    put_request,
    steps_of,
)
from bailee.stores.sql.database import read, write
from bailee.stores.sql.tables import metadata

OFFICER = person("olga", "privacy-officer")
NAMES = Signatories(drafted_by="olga", hospital="hans", partner="petra", activated_by="olga")


def _activate(database: Engine, agreement: Any) -> None:
    with write(database) as connection:
        attest_agreement(connection, agreement, NAMES, NOW)


def test_the_migrated_tables_are_the_tables_of_the_code(database: Engine) -> None:
    ours = {*agreement_tables.APPEND_ONLY, *consent_tables.APPEND_ONLY, account_tables.account.name}
    with read(database) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []
    assert ours <= set(metadata.tables)


def test_an_agreement_goes_from_draft_to_active_and_every_step_is_a_leaf(database: Engine) -> None:
    agreement = example()
    _activate(database, agreement)
    with read(database) as connection:
        found = find_agreement(connection, agreement.id)
        leaves = connection.execute(text("SELECT body FROM ledger_leaf ORDER BY seq")).scalars().all()
        steps = steps_of(connection, f"agreement:{agreement.id}")
    assert found is not None
    assert (found.agreement, found.state, found.signed_sha256) == (agreement, "ACTIVE", agreement_hash(agreement))
    kinds = [entry_from_bytes(bytes(body)).kind for body in leaves]
    assert kinds == ["agreement.drafted"] * 2 + ["agreement.signed"] * 2 + ["agreement.activated"]
    assert [step["person"] for step in steps] == ["olga", "olga", "hans", "petra", "olga"]


def test_an_active_agreement_is_permitted_and_a_suspended_one_is_not(database: Engine) -> None:
    agreement = example()
    _activate(database, agreement)

    def answer() -> bool:
        with read(database) as connection:
            approval = approval_of(connection, agreement.id)
        ask = ask_of(agreement, profile_sha256=PROFILE, approval=approval)
        return check_release(agreement, NOW, approval=approval, ask=ask).permit

    assert answer()
    for action, permitted in (("suspend", False), ("resume", True), ("terminate", False)):
        with write(database) as connection:
            move_agreement(connection, agreement.id, action, OFFICER, NOW)
        assert answer() is permitted


def test_a_commit_is_refused_once_the_agreement_is_suspended_or_changed(database: Engine) -> None:
    _activate(database, example())
    with read(database) as connection:
        hold_agreement(connection, example().id, agreement_hash(example()))
    with write(database) as connection:
        move_agreement(connection, example().id, "suspend", OFFICER, NOW)
    with pytest.raises(Denied, match="no longer active"), read(database) as connection:
        hold_agreement(connection, example().id, agreement_hash(example()))
    with write(database) as connection:
        move_agreement(connection, example().id, "resume", OFFICER, NOW)
    with pytest.raises(Denied, match="has changed"), read(database) as connection:
        hold_agreement(connection, example().id, "0" * 64)


def test_changed_terms_begin_again_as_a_draft_without_signatures(database: Engine) -> None:
    _activate(database, example())
    with write(database) as connection:
        found = put_agreement(connection, example(("days: 1095", "days: 30")), OFFICER, NOW)
    assert (found.state, found.signed_sha256) == ("DRAFT", "")


def test_adding_the_same_terms_again_changes_nothing(database: Engine) -> None:
    _activate(database, example())
    _activate(database, example())
    with read(database) as connection:
        assert [one.state for one in list_agreements(connection)] == ["ACTIVE"]
        assert connection.execute(text("SELECT count(*) FROM ledger_leaf")).scalar_one() == 5


def test_one_person_cannot_sign_for_both_sides(database: Engine) -> None:
    names = msgspec.structs.replace(NAMES, partner="hans")
    with pytest.raises(Denied, match="both sides"), write(database) as connection:
        attest_agreement(connection, example(), names, NOW)
    with read(database) as connection:
        assert list_agreements(connection) == []


def test_texts_and_steps_cannot_be_changed_or_removed(database: Engine) -> None:
    _activate(database, example())
    tables = (*agreement_tables.APPEND_ONLY,)
    for name, change in itertools.product(tables, ("DELETE FROM {}", "UPDATE {} SET sha256 = 'x'")):
        with pytest.raises(Conflict), write(database) as connection:
            connection.execute(text(change.format(name)))


CELLS = [(role, action, state) for role in ROLES for action in AGREEMENT_ROLES for state in AGREEMENT_STATES]


def test_every_role_action_and_state_of_an_agreement(tmp_path: Any) -> None:
    """The whole matrix: allowed exactly where the role may and the state lets it."""
    from bailee.stores.sql.database import migrate, open_database

    database = open_database(tmp_path / "matrix.db")
    migrate(database)
    agreement = example()
    _activate(database, agreement)
    wrong = []
    for role, action, state in CELLS:
        expected = role in AGREEMENT_ROLES[action] and can_step(AGREEMENT_STEPS, state, action) and action != "edit"

        def attempt(role: str = role, action: str = action, state: str = state) -> None:
            with write(database) as connection:
                connection.execute(text("UPDATE agreement SET state = :state"), {"state": state})
                move_agreement(connection, agreement.id, action, person(f"new-{role}", role), NOW)
                raise _Undo

        try:
            attempt()
        except _Undo:
            happened = True
        except BaileeError:
            happened = False
        if happened != expected:
            wrong.append((role, action, state))
    database.dispose()
    assert wrong == []
    assert len(CELLS) == len(ROLES) * len(AGREEMENT_ROLES) * 8


class _Undo(Exception):
    pass


WAY = [
    ("submit", "rosa", "researcher-sponsor"),
    ("check-evidence", "ivan", "irb-coordinator"),
    ("review-privacy", "olga", "privacy-officer"),
    ("decide", "dana", "dac-member"),
    ("approve", "dana", "dac-member"),
    ("approve", "olga", "privacy-officer"),
    ("prepare", "egon", "data-engineer"),
    ("check-output", "carl", "output-checker"),
]


def _walk(database: Engine, name: str, way: list[tuple[str, str, str]]) -> None:
    for action, who, role in way:
        with write(database) as connection:
            move_request(connection, name, action, person(who, role), NOW)


@pytest.fixture
def asked(database: Engine) -> tuple[Engine, str]:
    agreement = identified()
    _activate(database, agreement)
    request = request_under(agreement)
    with write(database) as connection:
        put_request(connection, request, person("rosa", "researcher-sponsor"), NOW)
    return database, request.id


def test_identified_data_needs_two_approvers(asked: tuple[Engine, str]) -> None:
    database, name = asked
    _walk(database, name, WAY[:5])
    with read(database) as connection:
        found = find_request(connection, name)
    assert found is not None
    assert found.progress.state == "DAC_DECIDED"
    with pytest.raises(Denied, match="same approver"):
        _walk(database, name, [("approve", "dana", "dac-member")])
    _walk(database, name, WAY[5:6])
    with read(database) as connection:
        approval = approval_of(connection, identified().id, name)
    ask = ask_of(identified(), profile_sha256=PROFILE, approval=approval)
    assert check_release(identified(), NOW, approval=approval, ask=ask).permit


@pytest.mark.parametrize(
    "steps, action, who, role, words",
    [
        (1, "check-evidence", "rosa", "irb-coordinator", "whoever asked"),
        (4, "approve", "rosa", "dac-member", "whoever asked"),
        (7, "check-output", "rosa", "output-checker", "whoever asked"),
        (7, "check-output", "dana", "output-checker", "whoever approved"),
        (7, "check-output", "egon", "output-checker", "whoever prepared"),
        (4, "approve", "petra", "partner-admin", "role may not"),
        (1, "check-evidence", "petra", "partner-service", "role may not"),
    ],
)
def test_duties_are_separate(
    asked: tuple[Engine, str], steps: int, action: str, who: str, role: str, words: str
) -> None:
    database, name = asked
    _walk(database, name, WAY[:steps])
    with pytest.raises(Denied, match=words):
        _walk(database, name, [(action, who, role)])


def test_nobody_is_of_the_partner_and_of_the_hospital_at_once(asked: tuple[Engine, str]) -> None:
    database, name = asked
    both = Person(id="both", roles=frozenset({"partner-admin", "dac-member"}))
    _walk(database, name, WAY[:4])
    with pytest.raises(Denied, match="partner and for the hospital"), write(database) as connection:
        move_request(connection, name, "approve", both, NOW)


CHANGES: list[dict[str, Any]] = [
    {"protocol_sha256": "9" * 64},
    {"types": ("Patient",)},
    {"elements": {"Patient": ("id",)}},
    {"profile_sha256": "8" * 64},
    {"purpose_in_words": "Something else."},
    {"expires_on": date(2027, 12, 1)},
    {"regions": ("US-MN",)},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_any_change_voids_the_approval(asked: tuple[Engine, str], change: dict[str, Any]) -> None:
    database, name = asked
    _walk(database, name, WAY[:6])
    changed = msgspec.structs.replace(request_under(identified()), **change)
    with write(database) as connection:
        found = put_request(connection, changed, person("rosa", "researcher-sponsor"), NOW)
    assert (found.progress.state, found.progress.reviewers) == ("SUBMITTED", ())
    with read(database) as connection:
        approval = approval_of(connection, identified().id, name)
    ask = ask_of(identified(), profile_sha256=PROFILE, approval=approval)
    assert "E-REQUEST" in check_release(identified(), NOW, approval=approval, ask=ask).reasons


def test_a_changed_agreement_voids_the_release(asked: tuple[Engine, str]) -> None:
    database, name = asked
    _walk(database, name, WAY)
    permit = check_release(
        identified(),
        NOW,
        approval=_approval(database, name),
        ask=ask_of(identified(), profile_sha256=PROFILE, approval=_approval(database, name)),
    )
    assert permit.permit
    with write(database) as connection:
        put_agreement(connection, identified(("days: 1095", "days: 30")), OFFICER, NOW)
    with pytest.raises(Denied, match="not active"), write(database) as connection:
        move_request(connection, name, "release", person("egon", "data-engineer"), NOW, decision=permit)


def _approval(database: Engine, name: str) -> Any:
    with read(database) as connection:
        return approval_of(connection, identified().id, name)


def test_a_request_beyond_its_agreement_is_refused(database: Engine) -> None:
    _activate(database, example())
    beyond = msgspec.structs.replace(request_under(example()), types=("Patient", "Claim"), regions=("CN",))
    with pytest.raises(Denied) as caught, write(database) as connection:
        put_request(connection, beyond, person("rosa", "researcher-sponsor"), NOW)
    assert caught.value.reasons == ("E-SCOPE-FIELD", "E-SCOPE-REGION")


def test_every_action_has_roles_and_every_partner_action_is_no_approval() -> None:
    for action, roles in REQUEST_ROLES.items():
        assert roles <= set(ROLES)
        if action in {"check-evidence", "review-privacy", "decide", "approve", "check-output"}:
            assert not any(role.startswith("partner") for role in roles)

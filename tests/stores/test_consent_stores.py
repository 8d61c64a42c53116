"""Consent stores in both databases: the same answers, an undeletable history, a leaf for each change."""

from typing import Any

import pytest
from sqlalchemy import Engine, text

from bailee.consent.management import (
    AttributeDefinition,
    Consent,
    ConsentArtifact,
    ConsentStore,
    Policy,
    ResourceAttribute,
    UserDataMapping,
)
from bailee.core.errors import Conflict, Invalid
from bailee.flows.consented import check_data_access, evaluate_user, query_accessible
from bailee.ledger.entries import entry_from_bytes
from bailee.stores.sql import consent_stores as stores
from bailee.stores.sql.consent_stores import Absent, Actor
from bailee.stores.sql.consent_tables import APPEND_ONLY
from bailee.stores.sql.database import read, write

WHO = Actor("olga", 1000)
DAY_MS = 86_400_000
ASK = {"purpose": "research"}


def policy(effect: Any = "PERMIT", *kinds: str) -> Policy:
    attributes = (ResourceAttribute(attribute_definition_id="kind", values=kinds),) if kinds else ()
    return Policy(authorization_rule="purpose == 'research'", resource_attributes=attributes, effect=effect)


def consent(*policies: Policy, state: Any = "ACTIVE", **more: Any) -> Consent:
    return Consent(user_id="anna", policies=policies, consent_artifact="proof", state=state, **more)


@pytest.fixture
def filled(database: Engine) -> Engine:
    with write(database) as connection:
        stores.create_store(connection, "s", ConsentStore(default_consent_ttl_ms=DAY_MS), WHO)
        purpose = AttributeDefinition(category="REQUEST", allowed_values=("research", "care"))
        kind = AttributeDefinition(
            category="RESOURCE", allowed_values=("note", "lab"), data_mapping_default_value="lab"
        )
        stores.create_definition(connection, "s", "purpose", purpose, WHO)
        stores.create_definition(connection, "s", "kind", kind, WHO)
        stores.create_artifact(connection, "s", "proof", ConsentArtifact(user_id="anna"), WHO)
        for name, value in (("m1", "note"), ("m2", "lab")):
            attributes = (ResourceAttribute(attribute_definition_id="kind", values=(value,)),)
            mapping = UserDataMapping(data_id=f"data-{value}", user_id="anna", resource_attributes=attributes)
            stores.create_mapping(connection, "s", name, mapping, WHO)
        bare = UserDataMapping(data_id="data-bare", user_id="anna")
        stores.create_mapping(connection, "s", "m3", bare, WHO)
    return database


def put(database: Engine, name: str, one: Consent) -> None:
    with write(database) as connection:
        stores.create_consent(connection, "s", name, one, WHO)


def accessible(database: Engine, at_ms: int = 1000) -> list[str]:
    with read(database) as connection:
        return sorted(query_accessible(connection, "s", ASK, at_ms).column("data_id").to_pylist())


def test_policies_choose_data_and_a_refusal_overrides(filled: Engine) -> None:
    assert accessible(filled) == []
    put(filled, "c1", consent(policy("PERMIT", "lab")))
    assert accessible(filled) == ["data-bare", "data-lab"]  # a mapping that says nothing has the default
    put(filled, "c2", consent(policy()))
    assert accessible(filled) == ["data-bare", "data-lab", "data-note"]
    put(filled, "c3", consent(policy("DENY", "note")))
    assert accessible(filled) == ["data-bare", "data-lab"]
    with read(filled) as connection:
        answers = evaluate_user(connection, "s", "anna", ASK, 1000, full=True)
        assert not check_data_access(connection, "s", "data-note", {"purpose": "care"}, 1000).consented
    assert answers[0].consent_details == {
        "c1": "NO_MATCHING_POLICY",
        "c2": "HAS_SATISFIED_POLICY",
        "c3": "HAS_SATISFIED_DENY_POLICY",
    }


def test_a_consent_ends_when_its_stores_time_is_over(filled: Engine) -> None:
    put(filled, "c1", consent(policy()))
    assert len(accessible(filled, 1000 + DAY_MS - 1)) == 3
    assert accessible(filled, 1000 + DAY_MS) == []


def test_a_revocation_counts_at_once_and_its_history_stays(filled: Engine) -> None:
    put(filled, "c1", consent(policy(), state="DRAFT"))
    for call in ("activate", "activate", "revoke", "revoke"):
        with write(filled) as connection:
            stores.move_consent(connection, "s", "c1", call, WHO)
    assert accessible(filled) == []
    with read(filled) as connection:
        states = [one.content.state for one in stores.revisions_of(connection, "s", "c1")]
        bodies = connection.execute(text("SELECT body FROM ledger_leaf ORDER BY seq")).scalars().all()
    assert states == ["DRAFT", "ACTIVE", "REVOKED"]
    kinds = [entry_from_bytes(bytes(body)).kind for body in bodies]
    assert kinds[-3:] == ["policy.added", "consent.granted", "consent.revoked"]
    for name in APPEND_ONLY[1:]:
        with pytest.raises(Conflict), write(filled) as connection:
            connection.execute(text(f"DELETE FROM {name}"))


def test_a_step_that_fails_leaves_neither_revision_nor_leaf(filled: Engine) -> None:
    put(filled, "c1", consent(policy(), state="DRAFT"))
    with read(filled) as connection:
        before = connection.execute(text("SELECT count(*) FROM ledger_leaf")).scalar_one()
    for error, call in ((Conflict, "revoke"), (Absent, "activate")):
        with pytest.raises(error), write(filled) as connection:
            stores.move_consent(connection, "s", "c1" if call == "revoke" else "absent", call, WHO)
    with pytest.raises(Conflict), write(filled) as connection:
        stores.create_consent(connection, "s", "c1", consent(policy()), WHO)
    wrong = Policy(authorization_rule="colour == 'red'")
    with pytest.raises(Invalid), write(filled) as connection:
        stores.create_consent(connection, "s", "c2", consent(wrong), WHO)
    with read(filled) as connection:
        assert connection.execute(text("SELECT count(*) FROM ledger_leaf")).scalar_one() == before
        assert len(stores.revisions_of(connection, "s", "c1")) == 1


def test_default_values_narrow_permissions_and_no_refusals(filled: Engine) -> None:
    narrow = AttributeDefinition(category="RESOURCE", allowed_values=("note", "lab"), consent_default_values=("lab",))
    with write(filled) as connection:
        stores.change_definition(connection, "s", "kind", narrow, WHO)
    put(filled, "c1", consent(policy()))
    assert accessible(filled) == ["data-lab"]
    put(filled, "c2", consent(policy("DENY")))
    assert accessible(filled) == []


def test_a_consent_stays_its_persons(filled: Engine) -> None:
    put(filled, "c1", consent(policy()))
    other = Consent(user_id="ben", policies=(policy(),), consent_artifact="proof")
    with pytest.raises(Conflict, match="another person"), write(filled) as connection:
        stores.change_consent(connection, "s", "c1", other, WHO)

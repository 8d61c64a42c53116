"""Consents of a store that binds reach `why`, releases and recalls, on either database."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.testclient import TestClient
from tests.flows.test_recall import disclose, open_ones
from tests.support.agreements import NOW, PROFILE, example

from bailee.agreements.check import ask_of
from bailee.agreements.people import Person
from bailee.agreements.terms import Agreement
from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.core.errors import Conflict, Denied
from bailee.flows.directives import house_of, stored_directives
from bailee.flows.hospital import Hospital, create_hospital
from bailee.flows.ingest.run import ingest
from bailee.flows.why import Reasons, why
from bailee.stores.sql.agreements import Signatories, attest_agreement
from bailee.stores.sql.consents import recheck, size_of
from bailee.stores.sql.database import read, write
from bailee.web.consent_api import consent_app

NAMES = Signatories(drafted_by="olga", hospital="hans", partner="petra", activated_by="olga")
S = "/v1/consentStores/portal"
RULE = "purpose == 'HRESCH' && partner == 'acme-health'"


def terms(**consent: Any) -> Agreement:
    changed = msgspec.structs.replace(example().consent, stores=("portal",), **consent)
    return msgspec.structs.replace(example(), id=f"stores-{changed.regime}", consent=changed)


OPT_OUT, OPT_IN = terms(), terms(regime="opt-in")


async def _identify(_: Request) -> Person | None:
    return Person(id="olga", roles=frozenset({"privacy-officer", "data-engineer"}))


@pytest.fixture
def hospital(database: Engine, tmp_path: Path) -> Iterator[Hospital]:
    made = create_hospital(tmp_path / "home", "Test", "test/ledger", entropy=SeededEntropy(b"stores"))
    made.close()
    made.engine, made.clock = database, FixedClock(NOW)
    records = [{"resourceType": "Patient", "id": name} for name in ("p1", "p2", "p3")]
    records += [
        {"resourceType": kind, "id": f"{kind}-p1", "status": "current", "subject": {"reference": "Patient/p1"}}
        for kind in ("Condition", "DocumentReference")
    ]
    (tmp_path / "all.ndjson").write_text("".join(json.dumps(one) + "\n" for one in records))
    ingest(made.home, [tmp_path / "all.ndjson"], made.master, hospital=made)
    with write(database) as connection:
        for one in (OPT_OUT, OPT_IN):
            attest_agreement(connection, one, NAMES, NOW)
    yield made
    made.close()


@pytest.fixture
def client(hospital: Hospital) -> TestClient:
    client = TestClient(consent_app(hospital, _identify), raise_server_exceptions=False)
    partner = sorted(ask_of(OPT_OUT, profile_sha256=PROFILE).aliases)
    call(client, "POST", "/v1/consentStores?id=portal", {})
    for name, category, values in (
        ("purpose", "REQUEST", ["HRESCH", "HMARKT"]),
        ("partner", "REQUEST", ["other", partner[0]]),
        ("resource_type", "RESOURCE", ["Condition", "DocumentReference"]),
    ):
        call(client, "POST", f"{S}/attributeDefinitions?id={name}", {"category": category, "allowedValues": values})
    call(client, "POST", f"{S}/consentArtifacts?id=proof", {"userId": "p1"})
    return client


def call(client: TestClient, method: str, path: str, body: Any) -> Any:
    answer = client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def consent(
    client: TestClient, name: str, user: str, effect: str, *, rule: str = "purpose == 'HRESCH'", types: Any = ()
) -> None:
    attributes = [{"attributeDefinitionId": "resource_type", "values": list(types)}] if types else []
    policy = {"authorizationRule": rule, "effect": effect, "resourceAttributes": attributes}
    body = {"userId": user, "policies": [policy], "consentArtifact": "proof", "state": "ACTIVE"}
    call(client, "POST", f"{S}/consents?id={name}", body)


def asked(hospital: Hospital, patient: str, agreement: Agreement = OPT_OUT) -> Reasons:
    return why(hospital, patient, agreement.id, profile_sha256=PROFILE)


def test_a_refusal_in_a_store_that_binds_refuses(hospital: Hospital, client: TestClient) -> None:
    assert asked(hospital, "p1").decision.permit
    consent(client, "no", "p1", "DENY")
    found = asked(hospital, "p1")
    assert found.decision.reasons == ("E-DENY:portal/no",)
    assert not found.permitted
    call(client, "POST", f"{S}/consents/no:revoke", {})
    assert asked(hospital, "p1").decision.permit


def test_a_refusal_of_a_type_takes_that_type_out(hospital: Hospital, client: TestClient) -> None:
    consent(client, "no-notes", "p1", "DENY", types=["DocumentReference"])
    found = asked(hospital, "p1")
    assert dict(found.permitted) == {"Patient": 1, "Condition": 1}
    assert dict(found.refused) == {("DocumentReference", "E-DENY:portal/no-notes"): 1}


def test_a_permission_in_a_store_permits_where_one_is_needed(hospital: Hospital, client: TestClient) -> None:
    assert asked(hospital, "p1", OPT_IN).decision.reasons == ("E-NOCONSENT",)
    consent(client, "elsewhere", "p1", "PERMIT", rule="partner == 'other'")
    assert asked(hospital, "p1", OPT_IN).decision.reasons == ("E-NOCONSENT",)
    consent(client, "yes", "p1", "PERMIT", types=["Condition"])
    found = asked(hospital, "p1", OPT_IN)
    assert dict(found.permitted) == {"Condition": 1}


def test_a_rule_that_cannot_be_evaluated_refuses(hospital: Hospital, client: TestClient) -> None:
    call(client, "POST", f"{S}/attributeDefinitions?id=colour", {"category": "REQUEST", "allowedValues": ["red"]})
    consent(client, "red", "p1", "DENY", rule="colour == 'red'")
    assert asked(hospital, "p1").decision.reasons == ("E-INPUT",)


def test_a_user_is_who_the_mappings_say(hospital: Hospital, client: TestClient) -> None:
    call(client, "POST", f"{S}/userDataMappings?id=m", {"dataId": "Patient/p2", "userId": "user_7"})
    consent(client, "yes", "user_7", "PERMIT")
    assert asked(hospital, "p2", OPT_IN).decision.permit
    consent(client, "no", "user_7", "DENY")
    assert asked(hospital, "p2").decision.reasons == ("E-DENY:portal/no",)
    assert asked(hospital, "p1").decision.permit


def test_whom_two_users_claim_has_no_permission_and_both_refusals(hospital: Hospital, client: TestClient) -> None:
    for number, user in enumerate(("user_7", "user_8")):
        call(client, "POST", f"{S}/userDataMappings?id=m{number}", {"dataId": "Patient/p2", "userId": user})
    consent(client, "yes", "user_7", "PERMIT")
    assert asked(hospital, "p2", OPT_IN).decision.reasons == ("E-NOCONSENT",)
    consent(client, "no", "user_8", "DENY")
    assert asked(hospital, "p2").decision.reasons == ("E-DENY:portal/no",)


def test_a_refusal_of_nobody_known_stops_the_release(hospital: Hospital, client: TestClient) -> None:
    consent(client, "no", "user_9", "DENY")
    with read(hospital.engine) as connection, pytest.raises(Denied, match="name no patient"):
        stored_directives(connection, ("portal",), ask_of(OPT_OUT, profile_sha256=PROFILE))


def test_a_store_that_binds_and_is_not_there_refuses_everything(hospital: Hospital) -> None:
    assert asked(hospital, "p1").decision.reasons == ("E-INPUT",)
    with read(hospital.engine) as connection:
        assert [rule.id for rule in house_of(connection, OPT_OUT, ("portal",), NOW)] == ["consent-store-portal"]


def test_the_hospitals_configuration_binds_stores_too(hospital: Hospital, client: TestClient) -> None:
    consent(client, "no", "p1", "DENY")
    with write(hospital.engine) as connection:
        attest_agreement(connection, example(), NAMES, NOW)
    assert asked(hospital, "p1", example()).decision.permit
    settings = msgspec.structs.replace(hospital.home.configuration, consent_stores=("portal",))
    object.__setattr__(hospital.home, "configuration", settings)
    assert asked(hospital, "p1", example()).decision.reasons == ("E-DENY:portal/no",)


@pytest.mark.parametrize("effect, stopped", [("DENY", True), ("PERMIT", False)])
def test_a_release_that_began_before_a_refusal_is_planned_anew(
    hospital: Hospital, client: TestClient, effect: str, stopped: bool
) -> None:
    with read(hospital.engine) as connection:
        size = size_of(connection)
    consent(client, "late", "p1", effect)

    def commit(*patients: str) -> None:
        with write(hospital.engine) as connection:
            recheck(connection, size, pa.array(patients))

    commit("p2", "p3")
    if stopped:
        with pytest.raises(Conflict, match="1 patients"):
            commit("p1", "p2")
    else:
        commit("p1", "p2")


def test_each_change_in_a_store_recalls_what_it_speaks_of(hospital: Hospital, client: TestClient) -> None:
    consent(client, "yes", "p1", "PERMIT")
    consent(client, "yes2", "p2", "PERMIT")
    disclose(hospital, "r1", OPT_OUT, ["p1", "p2"])
    disclose(hospital, "r2", OPT_IN, ["p1", "p2"])
    consent(client, "other", "p1", "DENY", rule="partner == 'other'")
    assert open_ones(hospital) == []
    call(client, "POST", f"{S}/consents/yes:revoke", {})
    assert open_ones(hospital) == [("r2", "p1")]
    call(client, "POST", f"{S}/userDataMappings?id=m", {"dataId": "Patient/p2", "userId": "user_7"})
    assert open_ones(hospital) == [("r2", "p1"), ("r2", "p2")]  # whom two users claim, neither permits for
    consent(client, "no", "user_7", "DENY")
    assert open_ones(hospital) == [("r1", "p2"), ("r2", "p1"), ("r2", "p2")]

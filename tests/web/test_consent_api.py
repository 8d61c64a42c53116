"""The consent API: every call by every role, strict bodies, and no answer that its description does not have."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.requests import Request
from starlette.testclient import TestClient

from bailee.agreements.people import ROLES, Person
from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.flows.hospital import Hospital, create_hospital
from bailee.web.consent_api import consent_app
from bailee.web.consent_calls import ROUTES, Route
from bailee.web.consent_openapi import openapi

BEARER = {"authorization": "Bearer token"}
DOCS = Path(__file__).parents[2] / "docs" / "consent-api.json"
S = "/v1/consentStores/s1"
SIGNED = {"userId": "anna", "userSignature": {"userId": "anna", "signatureTimeMs": 5}}
RULE = "purpose == 'research' && partner in ['acme', 'other']"
CONSENT = {"userId": "anna", "policies": [{"authorizationRule": RULE}], "consentArtifact": "proof"}
ASK = {"requestAttributes": {"purpose": "research", "partner": "acme"}}


async def _identify(request: Request) -> Person | None:
    role = request.headers.get("x-role", "privacy-officer,data-engineer")
    known = request.headers.get("authorization") == BEARER["authorization"] and role != "nobody"
    return Person(id="somebody", roles=frozenset(role.split(","))) if known else None


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    made = create_hospital(
        tmp_path_factory.mktemp("api") / "home", "Test", "test/ledger", entropy=SeededEntropy(b"api")
    )
    made.clock = FixedClock(1000)
    _fill(TestClient(consent_app(made, _identify), headers=BEARER))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(hospital: Hospital) -> TestClient:
    return TestClient(consent_app(hospital, _identify), headers=BEARER, raise_server_exceptions=False)


def _fill(client: TestClient) -> None:
    def post(path: str, body: dict[str, Any]) -> None:
        answer = client.post(path, json=body)
        assert answer.status_code == 200, answer.text

    post("/v1/consentStores?id=s1", {"labels": {"site": "main"}})
    for name, category, values in (
        ("purpose", "REQUEST", ["research", "marketing"]),
        ("partner", "REQUEST", ["acme", "other"]),
        ("kind", "RESOURCE", ["note", "lab"]),
    ):
        post(f"{S}/attributeDefinitions?id={name}", {"category": category, "allowedValues": values})
    post(f"{S}/consentArtifacts?id=proof", SIGNED)
    for number, kind in enumerate(["note", "lab"]):
        attributes = [{"attributeDefinitionId": "kind", "values": [kind]}]
        body = {"dataId": f"data-{kind}", "userId": "anna", "resourceAttributes": attributes}
        post(f"{S}/userDataMappings?id=m{number}", body)
    post(f"{S}/consents?id=c1", CONSENT)


def _consented(client: TestClient, data: str = "data-note", **more: Any) -> bool:
    answer = client.post(f"{S}:checkDataAccess", json={"dataId": data, **ASK, **more})
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["consented"])


def test_a_consent_from_draft_to_revoked(client: TestClient) -> None:
    client.post(f"{S}/consents?id=life", json={**CONSENT, "userId": "ben"})
    client.post(f"{S}/userDataMappings?id=ben", json={"dataId": "ben-data", "userId": "ben"})
    assert not _consented(client, "ben-data")
    assert _consented(client, "ben-data", consentList=["life"])
    preview = client.post(f"{S}/consents/life:preview", json=ASK).json()["results"]
    assert [(one["dataId"], one["consented"]) for one in preview] == [("ben-data", True)]
    assert client.post(f"{S}/consents/life:activate", json={}).json()["content"]["state"] == "ACTIVE"
    assert _consented(client, "ben-data")
    refusal = {
        **CONSENT,
        "userId": "ben",
        "state": "ACTIVE",
        "policies": [{"authorizationRule": RULE, "effect": "DENY"}],
    }
    client.post(f"{S}/consents?id=refusal", json=refusal)
    assert not _consented(client, "ben-data")
    assert not _consented(client, "ben-data", consentList=["life"])
    details = client.post(f"{S}:checkDataAccess", json={"dataId": "ben-data", "full": True, **ASK}).json()[
        "consentDetails"
    ]
    assert details == {"life": "HAS_SATISFIED_POLICY", "refusal": "HAS_SATISFIED_DENY_POLICY"}
    client.post(f"{S}/consents/refusal:revoke", json={})
    assert _consented(client, "ben-data")
    client.post(f"{S}/consents/life:revoke", json={})
    assert not _consented(client, "ben-data")
    revisions = client.get(f"{S}/consents/life:listRevisions").json()["consents"]
    assert [one["content"]["state"] for one in revisions] == ["REVOKED", "ACTIVE", "DRAFT"]
    assert len({one["revisionId"] for one in revisions}) == 3


@pytest.mark.parametrize(
    "state, call, status",
    [
        ("DRAFT", "activate", 200),
        ("DRAFT", "revoke", 409),
        ("DRAFT", "reject", 200),
        ("ACTIVE", "activate", 200),
        ("ACTIVE", "revoke", 200),
        ("ACTIVE", "reject", 409),
        ("REVOKED", "activate", 409),
        ("REVOKED", "revoke", 200),
        ("REVOKED", "reject", 409),
        ("REJECTED", "activate", 409),
        ("REJECTED", "revoke", 409),
        ("REJECTED", "reject", 200),
    ],
)
def test_every_call_in_every_state(client: TestClient, state: str, call: str, status: int) -> None:
    name = f"t-{state}-{call}"
    client.post(f"{S}/consents?id={name}", json=CONSENT)
    for step in {"ACTIVE": ["activate"], "REVOKED": ["activate", "revoke"], "REJECTED": ["reject"]}.get(state, []):
        assert client.post(f"{S}/consents/{name}:{step}", json={}).status_code == 200
    assert client.post(f"{S}/consents/{name}:{call}", json={}).status_code == status
    patched = client.patch(f"{S}/consents/{name}", json=CONSENT).status_code
    now = client.get(f"{S}/consents/{name}").json()["content"]["state"]
    assert (patched == 200) == (now in {"DRAFT", "ACTIVE"})


def test_an_unnamed_state_is_a_draft_and_an_activation_needs_proof(client: TestClient) -> None:
    bare = {key: value for key, value in CONSENT.items() if key != "consentArtifact"}
    made = client.post(f"{S}/consents?id=bare", json=bare).json()
    assert made["content"]["state"] == "DRAFT"
    assert client.post(f"{S}/consents/bare:activate", json={}).status_code == 422
    assert client.post(f"{S}/consents/bare:activate", json={"consentArtifact": "absent"}).status_code == 404
    assert client.post(f"{S}/consents/bare:activate", json={"consentArtifact": "proof"}).status_code == 200


def test_nothing_of_consent_is_ever_deleted(client: TestClient) -> None:
    for route in ROUTES:
        if route.method == "DELETE":
            path = route.path.replace("{store}", "s1").replace("{name}", "c1")
            assert client.delete(path).status_code == 409
    assert client.get(f"{S}/consents/c1").status_code == 200


def test_accessible_data_comes_as_parquet(client: TestClient) -> None:
    policies = [
        {"authorizationRule": RULE, "resourceAttributes": [{"attributeDefinitionId": "kind", "values": ["lab"]}]}
    ]
    body = {**CONSENT, "userId": "cleo", "state": "ACTIVE", "policies": policies}
    client.post(f"{S}/consents?id=cleo", json=body)
    for kind in ("note", "lab"):
        attributes = [{"attributeDefinitionId": "kind", "values": [kind]}]
        mapping = {"dataId": f"cleo-{kind}", "userId": "cleo", "resourceAttributes": attributes}
        client.post(f"{S}/userDataMappings?id=cleo-{kind}", json=mapping)
    answer = client.post(f"{S}:queryAccessibleData", json=ASK)
    rows = pq.read_table(pa.BufferReader(answer.content)).column("data_id").to_pylist()
    assert "cleo-lab" in rows
    assert "cleo-note" not in rows
    client.post(f"{S}/userDataMappings/cleo-lab:archive")
    assert not _consented(client, "cleo-lab")


def test_data_of_two_persons_or_of_nobody_is_not_consented(client: TestClient) -> None:
    client.post(f"{S}/consents?id=dora", json={**CONSENT, "userId": "dora", "state": "ACTIVE"})
    client.post(f"{S}/userDataMappings?id=d1", json={"dataId": "shared", "userId": "dora"})
    assert _consented(client, "shared")
    client.post(f"{S}/userDataMappings?id=d2", json={"dataId": "shared", "userId": "eve"})
    assert not _consented(client, "shared")
    assert not _consented(client, "absent")


def test_an_expired_consent_does_not_count(client: TestClient) -> None:
    for name, ends in (("soon", 1001), ("over", 1000)):
        client.post(
            f"{S}/consents?id={name}", json={**CONSENT, "userId": name, "state": "ACTIVE", "expireTimeMs": ends}
        )
        client.post(f"{S}/userDataMappings?id={name}", json={"dataId": name, "userId": name})
    assert _consented(client, "soon")
    assert not _consented(client, "over")


@pytest.mark.parametrize(
    "ask",
    [{"purpose": "research"}, {"partner": "acme"}, {}, {"purpose": "marketing", "partner": "acme"}],
)
def test_a_missing_or_other_attribute_does_not_permit(client: TestClient, ask: dict[str, str]) -> None:
    client.post(f"{S}/consents?id=fay", json={**CONSENT, "userId": "fay", "state": "ACTIVE"})
    client.post(f"{S}/userDataMappings?id=fay", json={"dataId": "fay", "userId": "fay"})
    answer = client.post(f"{S}:checkDataAccess", json={"dataId": "fay", "requestAttributes": ask})
    assert answer.json()["consented"] is False


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"dataId":"x","requestAttributes":{},"dataId":"y"}',
        b'{"dataId":"x","requestAttributes":{},"surprise":1}',
        b'{"dataId":NaN,"requestAttributes":{}}',
        b'{"dataId":"\\ud800","requestAttributes":{}}',
        b'{"dataId":"x","requestAttributes":{"purpose":"fishing"}}',
        b'{"dataId":"x","requestAttributes":{"colour":"red"}}',
        b'{"dataId":"x\\u0000","requestAttributes":{}}',
    ],
)
def test_a_body_of_another_form_is_refused_without_being_quoted(client: TestClient, body: bytes) -> None:
    answer = client.post(f"{S}:checkDataAccess", content=body)
    assert answer.status_code == 422
    assert "fishing" not in answer.text


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "purpose",
        "!purpose",
        "f(purpose)",
        "colour == 'red'",
        "purpose ==",
        "purpose == 'a' || " * 12 + "purpose == 'a'",
    ],
)
def test_a_rule_that_is_more_than_comparisons_is_refused(client: TestClient, rule: str) -> None:
    answer = client.post(f"{S}/consents?id=bad-rule", json={**CONSENT, "policies": [{"authorizationRule": rule}]})
    assert answer.status_code == (200 if rule == "purpose" else 422)


def test_an_attribute_grows_and_never_shrinks(client: TestClient) -> None:
    path = f"{S}/attributeDefinitions/purpose"
    more = {"category": "REQUEST", "allowedValues": ["research", "marketing", "care"]}
    assert client.patch(path, json=more).status_code == 200
    assert client.patch(path, json={**more, "allowedValues": ["care"]}).status_code == 409
    assert client.patch(path, json={**more, "category": "RESOURCE"}).status_code == 409


def test_a_list_comes_in_pages(client: TestClient) -> None:
    names: list[str] = []
    token = ""
    while True:
        page = client.get(f"{S}/attributeDefinitions", params={"pageSize": 2, "pageToken": token}).json()
        names += page["names"]
        token = page["nextPageToken"]
        if not token:
            break
    assert names == sorted(names) == ["kind", "partner", "purpose"]


MATRIX = [(route, role) for route in ROUTES for role in (*ROLES, "nobody", "partner-admin,privacy-officer")]


@pytest.mark.parametrize(
    "route, role", MATRIX, ids=lambda value: value.operation if isinstance(value, Route) else value
)
def test_every_call_by_every_role(client: TestClient, route: Route, role: str) -> None:
    path = route.path.replace("{store}", "matrix-absent").replace("{name}", "x")
    answer = client.request(route.method, path, json={}, headers={"x-role": role})
    if role == "nobody":
        assert answer.status_code == 401
    elif role in route.roles:
        assert answer.status_code not in {401, 403}
    else:
        assert answer.status_code == 403
    assert answer.status_code < 500


def test_the_description_in_the_documentation_is_the_apis() -> None:
    assert json.loads(DOCS.read_text("utf-8")) == json.loads(json.dumps(openapi()))


@pytest.mark.parametrize(
    "call",
    [
        "createConsentStore",
        "checkDataAccess",
        "evaluateUserConsents",
        "queryAccessibleData",
        "activateConsent",
        "revokeConsent",
        "rejectConsent",
        "listConsentRevisions",
        "deleteConsentRevision",
        "archiveUserDataMapping",
    ],
)
def test_whoever_knows_googles_api_finds_its_calls(call: str) -> None:
    assert call in {route.operation for route in ROUTES}


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.fixture(scope="module")
def described(hospital: Hospital) -> Any:
    return schemathesis.openapi.from_asgi("/v1/openapi.json", consent_app(hospital, _identify))


@pytest.mark.parametrize("operation", [route.operation for route in ROUTES])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_answer_is_an_error_inside_or_undescribed(described: Any, operation: str, mode: GenerationMode) -> None:
    found = described.find_operation_by_id(operation)

    @given(found.as_strategy(generation_mode=mode))
    @settings(max_examples=6, suppress_health_check=list(HealthCheck), database=None)
    def try_one(case: Any) -> None:
        if mode is GenerationMode.POSITIVE:
            case.headers.update(BEARER)
            case.path_parameters.update({"store": "s1"} if "store" in case.path_parameters else {})
        case.call_and_validate(checks=CHECKS)

    try_one()

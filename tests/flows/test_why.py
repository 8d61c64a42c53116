"""Why: the answer of the gate about one patient, from vault, store and agreement together."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient
from tests.support.agreements import EXAMPLE, NOW, PROFILE, example, example_text
from tests.support.consents import rule

from bailee.agreements.documents import read_agreement
from bailee.agreements.people import Person
from bailee.cli.main import group
from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.flows.hospital import Hospital, create_hospital
from bailee.flows.ingest.run import ingest
from bailee.flows.refuse import refuse, rule_against
from bailee.flows.why import why
from bailee.ledger.entries import Bound, Entry, Party
from bailee.stores.sql.agreements import Signatories, attest_agreement
from bailee.stores.sql.consents import put_rule
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.recalls import list_recalls
from bailee.web.why_api import why_route

NAMES = Signatories(drafted_by="olga", hospital="hans", partner="petra", activated_by="olga")
DENY_NOTES = {
    "resourceType": "Consent",
    "id": "no-notes",
    "status": "active",
    "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
    "patient": {"reference": "Patient/p2"},
    "provision": {
        "type": "deny",
        "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "DocumentReference"}],
    },
}


def _records() -> list[dict[str, object]]:
    made: list[dict[str, object]] = [DENY_NOTES]
    for patient in ("p1", "p2"):
        subject = {"reference": f"Patient/{patient}"}
        made.append({"resourceType": "Patient", "id": patient})
        made += [
            {"resourceType": kind, "id": f"{kind}-{patient}", "status": "current", "subject": subject}
            for kind in ("Condition", "DocumentReference")
        ]
        made.append({"resourceType": "Claim", "id": f"claim-{patient}", "patient": subject})
    return made


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    made = create_hospital(tmp_path / "home", "St Elsewhere", "test/ledger", entropy=SeededEntropy(b"why"))
    made.clock = FixedClock(NOW)
    lines = "\n".join(json.dumps(record) for record in _records())
    (tmp_path / "all.ndjson").write_text(lines + "\n")
    ingest(made.home, [tmp_path / "all.ndjson"], made.master)
    with write(made.engine) as connection:
        attest_agreement(connection, example(), NAMES, NOW)
    yield made
    made.close()


def test_each_record_gets_its_own_reason(hospital: Hospital) -> None:
    found = why(hospital, "p2", example().id, profile_sha256=PROFILE)
    assert found.decision.permit
    assert dict(found.permitted) == {"Patient": 1, "Condition": 1}
    assert dict(found.refused) == {
        ("Claim", "E-SCOPE-FIELD"): 1,
        ("Consent", "E-SCOPE-FIELD"): 1,
        ("DocumentReference", "E-DENY:no-notes"): 1,
    }
    assert [(one.id, speaks) for one, speaks in found.rules] == [("no-notes", True)]


def test_it_tells_where_a_release_may_still_leave_a_patient_out(hospital: Hospital) -> None:
    assert why(hospital, "p2", example().id, profile_sha256=PROFILE).look_alikes == 0
    terms = read_agreement(example_text() + "\nrisk: {quasi: [Patient.gender], k: 7, leave_out_percent: 5}\n")
    with write(hospital.engine) as connection:
        attest_agreement(connection, terms, NAMES, NOW)
    assert why(hospital, "p2", terms.id, profile_sha256=PROFILE).look_alikes == 7


def test_a_refusal_in_the_store_holds_at_once(hospital: Hospital) -> None:
    assert why(hospital, "p1", example().id, profile_sha256=PROFILE).decision.permit
    with write(hospital.engine) as connection:
        put_rule(connection, "p1", rule("deny", "own"), source="desk", actor="olga", at_ms=NOW)
    found = why(hospital, "p1", example().id, profile_sha256=PROFILE)
    assert found.decision.reasons == ("E-DENY:own",)
    assert not found.permitted


def test_the_api_gives_the_same_answer(hospital: Hospital) -> None:
    async def identify(request: Request) -> Person | None:
        role = request.headers.get("x-role")
        return Person(id="x", roles=frozenset({role})) if role else None

    client = TestClient(Starlette(routes=[why_route(hospital, identify)]), raise_server_exceptions=False)
    path, body = f"/v1/agreements/{example().id}:why", {"patient": "p2"}
    answer = client.post(path, json=body, headers={"x-role": "privacy-officer"}).json()
    assert answer["permitted"] is True
    assert answer["records"]["permitted"] == {"Condition": 1, "Patient": 1}
    assert {"type": "DocumentReference", "reason": "E-DENY:no-notes", "count": 1} in answer["records"]["refused"]
    assert answer["rules"][0]["criteria"] == ["classes: DocumentReference"]
    for role, status in ((None, 401), ("partner-admin", 403), ("patient", 403), ("auditor", 200)):
        assert client.post(path, json=body, headers={"x-role": role} if role else {}).status_code == status
    for wrong in ({}, {"patient": ""}, {"patient": 3}, {"patient": "p2", "surprise": 1}):
        assert client.post(path, json=wrong, headers={"x-role": "auditor"}).status_code == 422
    absent = client.post("/v1/agreements/absent:why", json=body, headers={"x-role": "auditor"})
    assert absent.status_code == 400


def test_a_refusal_recalls_the_releases_that_it_speaks_of(hospital: Hospital) -> None:
    partner = Party(name="Acme", address="Street 1")
    agreement = Bound(id=example().id, sha256="a" * 64)
    intent = Entry(
        t_ms=NOW, kind="release.intent", actor="t", release="r1", agreement=agreement, partner=partner,
        route="de-identified", purpose=("HRESCH",), identifiability="safe-harbor",
    )  # fmt: skip
    disclosed = Entry(t_ms=NOW, kind="release.disclosed", actor="t", release="r1", agreement=agreement)
    with write(hospital.engine) as connection:
        append(connection, [intent])
        hospital.log.disclose(connection, disclosed, pa.table({"patient": ["p1", "p2"]}))
    assert refuse(hospital, "p1", rule_against("a", partners=["Organization/other"]), by="olga") == 0
    assert refuse(hospital, "p1", rule_against("b", purposes=["HMARKT"]), by="olga") == 0
    assert refuse(hospital, "p1", rule_against("c", types=["Condition"]), by="olga") == 1
    assert refuse(hospital, "p1", rule_against("d"), by="olga") == 0  # the notice is open already
    with read(hospital.engine) as connection:
        assert [(row["release"], row["patient"], row["state"]) for row in list_recalls(connection)] == [
            ("r1", "p1", "OPEN")
        ]
    assert [row["release"] for row in why(hospital, "p1", example().id, profile_sha256=PROFILE).recalls] == ["r1"]
    hospital.close()
    home = str(hospital.home.folder)
    told = CliRunner().invoke(group, ["--home", home, "why", "p1", "--agreement", example().id]).output
    assert "Recalled from r1 on 2027-01-15: open" in told
    told = CliRunner().invoke(group, ["--home", home, "patient", "recalls", "p1"]).output
    assert told == "r1  opened 2027-01-15  open\n"


def test_the_commands_tell_the_same_story(tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    reading = "DENY"
    (tmp_path / "consent.json").write_text(json.dumps(DENY_NOTES))
    (tmp_path / "register.csv").write_text("patient\np1\n")

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(group, ["--home", home, *words], catch_exceptions=True)
        assert result.exit_code == code, (words, result.output, result.exception)
        return result.output

    run("init", home, "--name", "St Elsewhere")
    signed = ("--signed-hospital", "hans", "--signed-partner", "petra", "--by", "olga")
    assert "active" in run("agreement", "add", str(EXAMPLE), *signed)
    assert "sha256" in run("agreement", "check", str(EXAMPLE))
    assert "ACTIVE" in run("agreement", "list")
    assert "petra" in run("agreement", "show", example().id)
    assert "own-choice" not in run("why", "p1", "--agreement", example().id)
    assert "recall notices" in run("consent", "deny", "p1", "--by", "olga")
    assert run("why", "p1", "--agreement", example().id).startswith("No: E-DENY:own-choice")
    assert "not shared" in run("why", "p1", "--agreement", example().id, "--for-patient")
    assert "own-choice: deny" in run("consent", "list", "p1")
    run("consent", "withdraw", "p1", "own-choice", "--by", "olga")
    assert "taken back" in run("consent", "list", "p1", "--history")
    assert "1 patients opted out" in run("consent", "register", "state", str(tmp_path / "register.csv"))
    assert run("why", "p1", "--agreement", example().id).startswith("No: E-OPTOUT")
    assert "no-notes: deny" in run("consent", "read", str(tmp_path / "consent.json"))
    assert "None." in run("consent", "recalls")
    assert "suspended" in run("agreement", "suspend", example().id, "--by", "olga")
    assert "E-AGREEMENT" in run("why", "p9", "--agreement", example().id)
    assert "active" in run("agreement", "resume", example().id, "--by", "olga")
    assert "terminated" in run("agreement", "terminate", example().id, "--by", "olga")
    assert run("request", "list").startswith("No requests")
    (tmp_path / "definition.json").write_text('{"category":"REQUEST","allowedValues":["research"]}')
    run("consent", "api", "createConsentStore", "--name", "s1", "--by", "olga")
    definition = ("--store", "s1", "--name", "purpose", "--body", str(tmp_path / "definition.json"))
    assert "research" in run("consent", "api", "createAttributeDefinition", *definition, "--by", "olga")
    assert "purpose" in run("consent", "api", "listAttributeDefinitions", "--store", "s1")
    run("consent", "api", "nonsense", code=2)
    run("agreement", "show", "absent", code=1)
    run("consent", "deny", "p1", "--purpose", reading, code=2)

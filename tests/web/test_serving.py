"""`bailee serve` with accounts: real requests over a real socket, by whoever is logged in and by nobody else."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from sqlalchemy import text
from tests.support.agreements import NOW, example
from tests.support.serving import POSTS, SECRET, logged_in, serving
from tests.web.test_consent_api import CHECKS, CONSENT, SIGNED, S

from bailee.agreements import people
from bailee.agreements.people import AGREEMENT_ROLES, REQUEST_ROLES, check_role, person_of
from bailee.cli.main import group
from bailee.core.clock import FixedClock
from bailee.core.credentials import hashed_secret, is_secret
from bailee.core.entropy import SeededEntropy
from bailee.core.errors import Conflict, Denied, Invalid, UserError
from bailee.flows import accounts
from bailee.flows.hospital import Hospital, create_hospital
from bailee.stores.sql.agreements import Signatories, attest_agreement
from bailee.stores.sql.database import read, write
from bailee.web.consent_calls import ROUTES, Route
from bailee.web.login_api import MOST_IN_ALL, MOST_OF_A_NAME, OF_A_NAME_MS, Throttle
from bailee.web.server import make_server
from bailee.web.why_api import ROLES as WHY_ROLES

NAMES = Signatories(drafted_by="olga", hospital="hans", partner="petra", activated_by="olga")


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    made = create_hospital(
        tmp_path_factory.mktemp("serve") / "home", "Test", "test/ledger", entropy=SeededEntropy(b"s")
    )
    made.clock = FixedClock(NOW)
    for name, posts in POSTS.items():
        accounts.add_account(made, name, posts, SECRET, patient="p1" if "patient" in posts else "", by="root")
    with write(made.engine) as connection:
        attest_agreement(connection, example(), NAMES, NOW)
    yield made
    made.close()


@pytest.fixture(scope="module")
def address(hospital: Hospital) -> Iterator[str]:
    with serving(hospital) as found:
        yield found


@pytest.fixture(scope="module")
def clients(address: str) -> Iterator[dict[str, httpx2.Client]]:
    found = {name: logged_in(address, name) for name in POSTS}
    yield found
    for client in found.values():
        client.close()


def path_of(route: Route, name: str = "x") -> str:
    return route.path.replace("{store}", "absent").replace("{name}", name)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.operation)
def test_every_call_by_everybody_and_by_nobody(address: str, clients: dict[str, httpx2.Client], route: Route) -> None:
    assert httpx2.request(route.method, address + path_of(route), json={}).status_code == 401
    for name, posts in POSTS.items():
        roles = person_of(name, posts).roles
        answer = clients[name].request(route.method, path_of(route), json={})
        allowed = not roles.isdisjoint(route.roles) and "partner" not in posts
        assert (answer.status_code == 403) == (not allowed), (name, answer.status_code)
        assert answer.status_code < 500
        assert answer.status_code != 401


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("patient", ["p1", "p2"])
def test_why_is_answered_to_the_hospitals_own_and_to_patients_about_themselves(
    clients: dict[str, httpx2.Client], name: str, patient: str
) -> None:
    answer = clients[name].post(f"/v1/agreements/{example().id}:why", json={"patient": patient})
    staff = not person_of(name, POSTS[name]).roles.isdisjoint(WHY_ROLES)
    assert answer.status_code == (200 if staff or (name, patient) == ("anna", "p1") else 403)
    assert ("rules" in answer.json()) == staff


def test_a_consent_through_its_states_by_who_may(clients: dict[str, httpx2.Client]) -> None:
    def post(name: str, path: str, body: Any, status: int) -> None:
        answer = clients[name].post(path, json=body)
        assert answer.status_code == status, (name, path, answer.text)

    post("egon", "/v1/consentStores?id=s1", {}, 200)
    for name, values in (("purpose", ["research"]), ("partner", ["acme", "other"])):
        post("egon", f"{S}/attributeDefinitions?id={name}", {"category": "REQUEST", "allowedValues": values}, 200)
    post("egon", f"{S}/consentArtifacts?id=proof", SIGNED, 403)
    post("cleo", f"{S}/consentArtifacts?id=proof", SIGNED, 200)
    post("cleo", f"{S}/consents?id=c1", CONSENT, 200)
    for state, steps in (
        ("DRAFT", {"revoke": 409}),
        ("DRAFT", {"activate": 200}),
        ("ACTIVE", {"reject": 409}),
        ("ACTIVE", {"revoke": 200}),
        ("REVOKED", {"activate": 409}),
    ):
        assert clients["cleo"].get(f"{S}/consents/c1").json()["content"]["state"] == state
        for step, status in steps.items():
            for name in ("petra", "anna", "bob", "ruth", "egon", "otto"):
                post(name, f"{S}/consents/c1:{step}", {}, 403)
            post("cleo", f"{S}/consents/c1:{step}", {}, status)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer x",
        "Basic b2xnYTpvbGdh",
        "Bearer a.b.c",
        "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJvbGdhIn0.",
        "Bearer x y",
        "Bearer " + "x" * 9000,
    ],
)
def test_no_token_of_ours_is_nobody(address: str, header: str | None) -> None:
    answer = httpx2.get(f"{address}/v1/me", headers={} if header is None else {"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_two_tokens_are_nobody(address: str, clients: dict[str, httpx2.Client]) -> None:
    one = clients["olga"].headers["authorization"]
    assert httpx2.get(f"{address}/v1/me", headers=[("Authorization", one), ("Authorization", one)]).status_code == 401


def test_me_says_who_one_is_and_logging_out_ends_it(address: str) -> None:
    with logged_in(address, "bob") as client:
        assert client.get("/v1/me").json() == {"id": "bob", "roles": ["dac-member", "irb-coordinator"]}
        assert client.post("/v1/logout").status_code == 200
        assert client.get("/v1/me").status_code == 401


def test_a_patients_account_is_named_in_the_ledger_by_no_name(address: str, hospital: Hospital) -> None:
    with logged_in(address, "anna") as client:
        assert client.get("/v1/me").json()["id"].startswith("patient-account-")
    with read(hospital.engine) as connection:
        bodies = connection.execute(text("SELECT body FROM ledger_leaf")).scalars().all()
    assert not any(b"anna" in bytes(body) or SECRET.encode() in bytes(body) for body in bodies)
    assert any(b"login.ok" in bytes(body) for body in bodies)


@pytest.mark.parametrize(
    "body, status",
    [
        ({"name": "olga", "secret": "wrong horse battery staple"}, 401),
        ({"name": "nobody", "secret": SECRET}, 401),
        ({"name": "olga"}, 422),
        ({"name": "olga", "secret": SECRET, "more": 1}, 422),
        ({"name": "", "secret": SECRET}, 422),
    ],
)
def test_a_wrong_login_says_nothing_of_what_was_wrong(address: str, body: Any, status: int) -> None:
    answer = httpx2.post(f"{address}/v1/login", json=body, timeout=30)
    assert answer.status_code == status
    assert "staple" not in answer.text
    if status == 401:
        assert answer.json()["title"] == "not an account's name and its secret"


def test_a_session_ends_by_time_by_idleness_and_with_its_account(hospital: Hospital) -> None:
    clock = hospital.clock
    assert isinstance(clock, FixedClock)
    begun = clock.at_ms
    accounts.add_account(hospital, "temp", ["auditor"], SECRET, by="root")

    def token() -> str:
        found = accounts.log_in(hospital, "temp", SECRET)
        assert found is not None
        return found.token

    idle = token()
    clock.advance(accounts.IDLE_MS - 1)
    assert accounts.who_is(hospital, idle) is not None
    clock.advance(accounts.IDLE_MS - 1)
    assert accounts.who_is(hospital, idle) is not None  # the look before it counted as use
    clock.advance(accounts.IDLE_MS)
    assert accounts.who_is(hospital, idle) is None
    long, ends = token(), clock.at_ms + accounts.SESSION_MS
    while clock.at_ms + accounts.IDLE_MS - 1 < ends:
        clock.advance(accounts.IDLE_MS - 1)
        assert accounts.who_is(hospital, long) is not None
    clock.at_ms = ends
    assert accounts.who_is(hospital, long) is None
    for end in (
        lambda: accounts.switch_account(hospital, "temp", disabled=True, by="root"),
        lambda: accounts.replace_secret(hospital, "temp", SECRET + "!", by="root"),
    ):
        accounts.switch_account(hospital, "temp", disabled=False, by="root")
        ended = token()
        end()
        assert accounts.who_is(hospital, ended) is None
    assert accounts.log_in(hospital, "temp", SECRET) is None
    accounts.switch_account(hospital, "temp", disabled=True, by="root")
    assert accounts.log_in(hospital, "temp", SECRET + "!") is None
    clock.at_ms = max(begun, clock.at_ms)


def test_guessing_is_slowed_down() -> None:
    clock = FixedClock(0)
    throttle = Throttle(clock)
    for _ in range(MOST_OF_A_NAME):
        assert throttle.wait_ms("olga") == 0
        throttle.failed("olga")
    assert throttle.wait_ms("olga") == OF_A_NAME_MS
    assert throttle.wait_ms("hans") == 0
    clock.advance(OF_A_NAME_MS)
    assert throttle.wait_ms("olga") == 0
    for number in range(MOST_IN_ALL):
        throttle.failed(f"n{number}")
    assert throttle.wait_ms("hans") > 0


def test_guessing_over_http_is_answered_with_429(hospital: Hospital) -> None:
    with serving(hospital) as address:
        tries = [
            httpx2.post(f"{address}/v1/login", json={"name": "ruth", "secret": f"wrong {n} horses"}, timeout=30)
            for n in range(MOST_OF_A_NAME + 1)
        ]
        right = httpx2.post(f"{address}/v1/login", json={"name": "ruth", "secret": SECRET}, timeout=30)
    assert [one.status_code for one in tries] == [401] * MOST_OF_A_NAME + [429]
    assert right.status_code == 429
    assert int(right.headers["retry-after"]) > 0


APPROVING = (
    "check-evidence",
    "review-privacy",
    "decide",
    "approve",
    "check-output",
    "release",
    "sign-hospital",
    "activate",
)


@pytest.mark.parametrize("action", APPROVING)
def test_a_partners_account_never_approves(action: str) -> None:
    for table in (AGREEMENT_ROLES, REQUEST_ROLES):
        with pytest.raises(Denied):
            check_role(table, action, person_of("petra", ["partner"]))


def test_posts_of_both_sides_or_of_a_patient_and_others_do_not_go_together(hospital: Hospital) -> None:
    for posts in (["partner", "privacy-officer"], ["patient", "auditor"], ["clock"], ["king"], []):
        with pytest.raises(UserError):
            accounts.add_account(
                hospital, "wrong", posts, SECRET, patient="p1" if "patient" in posts else "", by="root"
            )
    with pytest.raises(UserError):
        accounts.add_account(hospital, "wrong", ["patient"], SECRET, by="root")
    with pytest.raises(Invalid):
        accounts.add_account(hospital, "wrong", ["auditor"], "short", by="root")
    with pytest.raises(Conflict):
        accounts.add_account(hospital, "olga", ["auditor"], SECRET, by="root")
    assert set().union(*people.POSTS.values()) == set(people.ROLES) - {"clock"}


def test_a_secret_is_kept_as_a_slow_salted_hash() -> None:
    one, other = (hashed_secret(SECRET, SeededEntropy(seed)) for seed in (b"a", b"b"))
    assert one != other
    assert is_secret(SECRET, one)
    assert is_secret(SECRET, other)
    for kept in (other.replace("$15$", "$14$"), "", "plain", f"plain${SECRET}", one[:-4], "scrypt$99$8$1$AA==$AA=="):
        assert not is_secret(SECRET, kept)
    assert not is_secret(SECRET + " ", one)


def test_another_address_than_ones_own_needs_a_certificate(hospital: Hospital) -> None:
    for host in ("0.0.0.0", "192.0.2.1", "hospital.example"):
        with pytest.raises(UserError, match="in the clear"):
            make_server(hospital, host=host, port=0)


@pytest.fixture(scope="module")
def described(address: str) -> Any:
    return schemathesis.openapi.from_url(f"{address}/v1/openapi.json")


@pytest.mark.parametrize("operation", [route.operation for route in ROUTES] + ["login", "logout", "me"])
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_no_answer_is_an_error_inside_or_undescribed(
    described: Any, clients: dict[str, httpx2.Client], operation: str, mode: GenerationMode
) -> None:
    found = described.find_operation_by_id(operation)
    bearer = clients["olga"].headers["authorization"]

    @given(found.as_strategy(generation_mode=mode))
    @settings(max_examples=3, suppress_health_check=list(HealthCheck), database=None, deadline=None)
    def try_one(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and operation not in {"login", "logout"}:
            case.headers.update({"Authorization": bearer})
        case.call_and_validate(checks=CHECKS)

    try_one()


def test_the_commands_make_an_account_that_can_log_in_and_the_server_ends_by_itself(tmp_path: Path) -> None:
    home = str(tmp_path / "home")

    def run(*words: str, given: str | None = None, code: int = 0) -> str:
        result = CliRunner().invoke(group, ["--home", home, *words], input=given, catch_exceptions=True)
        assert result.exit_code == code, (words, result.output, result.exception)
        return result.output

    run("init", home, "--name", "St Elsewhere")
    assert "None." in run("account", "list")
    added = run("account", "add", "olga", "--role", "privacy-officer", "--by", "root", given=f"{SECRET}\n{SECRET}\n")
    assert SECRET not in added
    assert "privacy-officer" in run("account", "list")
    run("account", "add", "otto", "--role", "auditor", "--secret-file", "-", "--by", "root", given=f"{SECRET}\n")
    run("account", "disable", "otto", "--by", "root")
    assert "disabled" in run("account", "list")
    command = [sys.executable, "-m", "bailee.cli.main", "--home", home, "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            address = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert address
            _wait_for(address[0])
            with logged_in(address[0], "olga") as client:
                assert client.get("/v1/consentStores").json() == {"names": [], "nextPageToken": ""}
            wrong = httpx2.post(f"{address[0]}/v1/login", json={"name": "otto", "secret": SECRET}, timeout=30)
            assert wrong.status_code == 401
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()


def _wait_for(address: str) -> None:
    transport = httpx2.HTTPTransport(retries=8)
    with httpx2.Client(transport=transport, timeout=30) as client:
        assert client.get(f"{address}/v1/me").status_code == 401

"""Whatever people do in whatever order: nothing is released unless everything held at that instant."""

import os
from datetime import date
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.stores.test_consents import migrate_once
from tests.support.agreements import NOW, PROFILE
from tests.support.requests import identified, person, request_under

from bailee.agreements.check import ask_of, check_release
from bailee.agreements.days import DAY_MS, first_ms
from bailee.agreements.documents import agreement_hash
from bailee.agreements.people import AGREEMENT_ROLES, REQUEST_ROLES, Person
from bailee.agreements.requests import request_hash
from bailee.agreements.states import AGREEMENT_STEPS, REQUEST_STEPS
from bailee.core.errors import BaileeError
from bailee.stores.sql.agreements import (
    approval_of,
    find_agreement,
    find_request,
    move_agreement,
    move_request,
    put_agreement,
    put_request,
)
from bailee.stores.sql.database import open_database, read, write

TERMS = (identified(), identified(("days: 1095", "days: 30")))
ENDS = date(2028, 1, 1)
PEOPLE = ("rosa", "ivan", "olga", "dana", "dirk", "egon", "carl", "hans", "petra")
WAY = {
    "DRAFT": ("submit", "rosa", "researcher-sponsor"),
    "SUBMITTED": ("check-evidence", "ivan", "irb-coordinator"),
    "EVIDENCE_CHECKED": ("review-privacy", "olga", "privacy-officer"),
    "PRIVACY_REVIEWED": ("decide", "dana", "dac-member"),
    "DAC_DECIDED": ("approve", "dana", "dac-member"),
    "APPROVED": ("prepare", "egon", "data-engineer"),
    "PREPARED": ("check-output", "carl", "output-checker"),
    "SUSPENDED": ("resume", "olga", "privacy-officer"),
}
AGREEMENT_WAY = {
    "DRAFT": ("submit", "olga", "privacy-officer"),
    "LEGAL_REVIEW": ("sign-hospital", "hans", "hospital-signatory"),
    "SIGNED_BY_HOSPITAL": ("sign-partner", "petra", "partner-admin"),
    "SIGNED": ("activate", "olga", "privacy-officer"),
    "SUSPENDED": ("resume", "olga", "privacy-officer"),
}


class Releases(RuleBasedStateMachine):
    """People act on one agreement and one request; a second account is kept of what was accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.database = open_database("sqlite://")
        migrate_once(self.database)
        self.now = NOW
        self.terms = TERMS[0]
        self.protocol = "1" * 64
        self.agreement_events: list[tuple[str, str, str]] = []  # action, person, sha256 of the terms
        self.request_events: list[tuple[str, str, str, int]] = []  # action, person, sha256 of the request, when
        self.released = False

    def teardown(self) -> None:
        self.database.dispose()

    @property
    def request(self) -> Any:
        made = request_under(self.terms)
        return msgspec.structs.replace(made, protocol_sha256=self.protocol, expires_on=ENDS)

    @initialize(
        steps=st.sampled_from([0, 4, 4]),
        way=st.sampled_from([0, 5, 8, 8]),
        second=st.sampled_from(["dirk", "dirk", "dana"]),
    )
    def begin(self, steps: int, way: int, second: str) -> None:
        self._put_terms(0)
        self._put_request("1" * 64)
        self.put_agreement_forward(steps)
        self.put_request_forward(way, second)

    @rule(number=st.integers(0, 1))
    def change_terms(self, number: int) -> None:
        self._put_terms(number)

    @rule(protocol=st.sampled_from(["1" * 64, "2" * 64]))
    def change_request(self, protocol: str) -> None:
        self._put_request(protocol)

    @rule(days=st.sampled_from([1, 30, 200]))
    def wait(self, days: int) -> None:
        self.now += days * DAY_MS

    @rule(
        action=st.sampled_from(sorted(set(AGREEMENT_ROLES) - {"edit"})),
        who=st.sampled_from(PEOPLE),
        pick=st.integers(0, 5),
    )
    def act_on_agreement(self, action: str, who: str, pick: int) -> None:
        roles = sorted(AGREEMENT_ROLES[action] | {"auditor"})
        self._agreement(action, person(who, roles[pick % len(roles)]))

    @rule(
        action=st.sampled_from(sorted(set(REQUEST_ROLES) - {"edit"})),
        who=st.sampled_from(PEOPLE),
        pick=st.integers(0, 5),
    )
    def act_on_request(self, action: str, who: str, pick: int) -> None:
        roles = sorted(REQUEST_ROLES[action] | {"auditor"})
        self._request(action, person(who, roles[pick % len(roles)]))

    @rule(times=st.sampled_from([1, 4]))
    def put_agreement_forward(self, times: int) -> None:
        for _ in range(times):
            if self._state("agreement") in AGREEMENT_WAY:
                action, who, role = AGREEMENT_WAY[self._state("agreement")]
                self._agreement(action, person(who, role))

    @rule(times=st.sampled_from([1, 3, 8]), second=st.sampled_from(["dirk", "dana", "rosa"]))
    def put_request_forward(self, times: int, second: str) -> None:
        for _ in range(times):
            state = self._state("request")
            if state in WAY:
                action, who, role = WAY[state]
                self._request(action, person(who, role))
                if action == "approve":
                    self._request(action, person(second, role))

    @rule(
        action=st.sampled_from([one[0] for one in WAY.values()]),
        who=st.sampled_from(PEOPLE),
        second=st.sampled_from(["dirk", "dana", "rosa"]),
    )
    @precondition(lambda self: not self.released)
    def go_all_the_way_with_somebody_else_at_one_step(self, action: str, who: str, second: str) -> None:
        self.put_agreement_forward(4)
        for _ in range(8):
            step, usual, role = WAY.get(self._state("request"), ("", "", ""))
            if step:
                self._request(step, person(who if step == action else usual, role))
                if step == "approve":
                    self._request(step, person(second, role))
        self.release("egon")

    @rule(who=st.sampled_from(PEOPLE))
    @precondition(lambda self: not self.released)
    def release(self, who: str) -> None:
        with read(self.database) as connection:
            stored = find_agreement(connection, self.terms.id)
            approval = approval_of(connection, self.terms.id, "request-1")
        assert stored is not None
        ask = ask_of(stored.agreement, profile_sha256=PROFILE, approval=approval)
        decision = check_release(stored.agreement, self.now, approval=approval, ask=ask)
        held = self._everything_held()
        self._request("release", person(who, "data-engineer"), decision=decision)
        if self.request_events and self.request_events[-1][0] == "release":
            assert held
            self.released = True
            RELEASED.append(1)

    @invariant()
    def the_state_released_was_reached_by_a_release(self) -> None:
        if self.request_events and self._state("request") in {"RELEASED", "CLOSED"}:
            assert self.released

    def _everything_held(self) -> bool:
        """Tell from the accepted events alone whether a release may happen now."""
        since = self.request_events[max([0, *(n for n, one in enumerate(self.request_events) if one[0] == "edit")]) :]
        by = {action: [one[1] for one in since if one[0] == action] for action in REQUEST_ROLES}
        approvers = set(by["approve"])
        stopped = [one[0] for one in since if one[0] in {"suspend", "resume", "revoke", "withdraw", "expire", "reject"}]
        document = request_hash(self.request)
        signed = [one[2] for one in self.agreement_events if one[0] in {"sign-hospital", "sign-partner"}][-2:]
        last = [
            one[0]
            for one in self.agreement_events
            if one[0] in {"activate", "resume", "suspend", "terminate", "expire", "edit"}
        ]
        requester = self.request_events[0][1]
        return (
            bool(
                by["check-evidence"] and by["review-privacy"] and by["decide"] and by["prepare"] and by["check-output"]
            )
            and len(approvers) >= 2
            and requester
            not in approvers | set(by["check-evidence"] + by["review-privacy"] + by["decide"] + by["check-output"])
            and not approvers & set(by["check-output"])
            and by["check-output"][-1] not in by["prepare"]
            and (not stopped or stopped[-1] == "resume")
            and all(one[2] == document for one in since)
            and self.now < first_ms(ENDS)
            and last[-1:] in (["activate"], ["resume"])
            and signed == [agreement_hash(self.terms)] * 2
        )

    def _put_terms(self, number: int) -> None:
        try:
            with write(self.database) as connection:
                before = find_agreement(connection, TERMS[number].id)
                put_agreement(connection, TERMS[number], person("olga", "privacy-officer"), self.now)
        except BaileeError:
            return
        if before is None or before.sha256 != agreement_hash(TERMS[number]):
            self.terms = TERMS[number]
            self.agreement_events.append(("edit", "olga", agreement_hash(self.terms)))

    def _put_request(self, protocol: str) -> None:
        before, self.protocol = self.protocol, protocol
        try:
            with write(self.database) as connection:
                found = find_request(connection, "request-1")
                put_request(connection, self.request, person("rosa", "researcher-sponsor"), self.now)
        except BaileeError:
            self.protocol = before
            return
        if found is None or request_hash(found.request) != request_hash(self.request):
            self.request_events.append(("edit", "rosa", request_hash(self.request), self.now))

    def _agreement(self, action: str, who: Person) -> None:
        try:
            with write(self.database) as connection:
                move_agreement(connection, self.terms.id, action, who, self.now)
        except BaileeError:
            return
        self.agreement_events.append((action, who.id, agreement_hash(self.terms)))

    def _request(self, action: str, who: Person, **more: Any) -> None:
        try:
            with write(self.database) as connection:
                found = find_request(connection, "request-1")
                move_request(connection, "request-1", action, who, self.now, **more)
        except BaileeError:
            return
        assert found is not None
        self.request_events.append((action, who.id, request_hash(found.request), self.now))

    def _state(self, kind: str) -> str:
        with read(self.database) as connection:
            if kind == "agreement":
                agreement = find_agreement(connection, self.terms.id)
                return agreement.state if agreement else ""
            request = find_request(connection, "request-1")
            return request.progress.state if request else ""


RELEASED: list[int] = []
DEEP = bool(os.environ.get("BAILEE_DEEP"))
Releases.TestCase.settings = settings(
    max_examples=2000 if DEEP else 40,
    stateful_step_count=40 if DEEP else 12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestReleases = Releases.TestCase


def test_the_machine_above_did_release_sometimes() -> None:
    """The control: a machine that never gets there would prove nothing. It walks the right way once itself."""
    machine = Releases()
    machine.begin(4, 8, "dirk")
    machine.release("egon")
    machine.teardown()
    assert machine.released


def test_the_tables_are_total_and_lead_to_known_states() -> None:
    for table, roles in ((AGREEMENT_STEPS, AGREEMENT_ROLES), (REQUEST_STEPS, REQUEST_ROLES)):
        assert {one.action for one in table} == set(roles)
        arrows = [(one.action, begin) for one in table for begin in one.begins]
        assert len(arrows) == len(set(arrows))

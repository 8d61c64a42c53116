"""Releases in any order of steps, repeats, crashes and time: the store follows a small model, and the verifier agrees."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.ledger import AGREEMENT, entry, export_of, intent, new_log, patients, policy_of

import bailee_verify
from bailee.core.errors import Conflict
from bailee.stores.sql.database import migrate, open_database
from bailee.stores.sql.ledger_egress import Egress

RELEASES = st.sampled_from(["r1", "r2", "r3"])
PEOPLE = st.sets(st.sampled_from(["p1", "p2", "p3", "p4"]), min_size=1)


class Releases(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.log = new_log(open_database("sqlite://"))
        migrate(self.log.engine)
        self.log.commit([entry("agreement.activated", agreement=AGREEMENT)])
        self.egress = Egress(self.log, actor="a")
        self.states: dict[str, str] = {}
        self.people: dict[str, set[str]] = {}

    def tries(self, allowed: bool, step) -> None:
        try:
            step()
        except Conflict:
            assert not allowed
        else:
            assert allowed

    @rule(release=RELEASES)
    def intends(self, release: str) -> None:
        state = self.states.get(release)
        self.tries(state not in {"done", "failed"}, lambda: self.egress.intent(intent(release)))
        self.states.setdefault(release, "intended")

    @rule(release=RELEASES, people=PEOPLE)
    def discloses(self, release: str, people: set[str]) -> None:
        allowed = self.states.get(release) in {"intended", "disclosed", "unknown"}
        self.tries(allowed, lambda: self.egress.record_disclosures(release, patients(*sorted(people))))
        if allowed:
            known = self.people.setdefault(release, set())
            if people - known:
                self.states[release] = "disclosed"
            known |= people

    @rule(release=RELEASES)
    def finishes(self, release: str) -> None:
        allowed = self.states.get(release) in {"disclosed", "unknown", "done"}
        self.tries(allowed, lambda: self.egress.done(release, artifact_sha256="ab" * 32, rows=1, size_bytes=1))
        self.states.update({release: "done"} if allowed else {})

    @rule(release=RELEASES)
    def fails(self, release: str) -> None:
        allowed = self.states.get(release) in {"intended", "disclosed", "failed"}
        self.tries(allowed, lambda: self.egress.failed(release))
        self.states.update({release: "failed"} if allowed else {})

    @rule()
    def starts_again_after_a_crash(self) -> None:
        open_ = {release for release, state in self.states.items() if state in {"intended", "disclosed"}}
        # one that was unknown and went on stays so in the eyes of recovery: it was counted already
        assert set(self.egress.recover()) <= open_
        for release in self.states:
            self.states[release] = self.egress.progress(release).state

    @rule(by_ms=st.integers(0, 10**9))
    def waits(self, by_ms: int) -> None:
        self.log.clock.advance(by_ms)

    @invariant()
    def states_and_counts_are_those_of_the_model(self) -> None:
        for release, state in self.states.items():
            progress = self.egress.progress(release)
            assert progress.state == state
            assert progress.patients == len(self.people.get(release, ()))

    def teardown(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            policy = bailee_verify.Policy(policy_of(self.log, place).read_text())
            self.log.checkpoint()
            report = bailee_verify.Verifier(export_of(self.log, place), policy).run([], None)
            assert report["ok"], [check for check in report["checks"] if check["findings"]]
        self.log.engine.dispose()


TestReleases = Releases.TestCase
TestReleases.settings = settings(settings.default, max_examples=12, stateful_step_count=25)

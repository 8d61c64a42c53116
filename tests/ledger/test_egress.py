from __future__ import annotations

import pytest
from sqlalchemy import Engine, select
from tests.support.ledger import AGREEMENT, entry, intent, new_log, patients

from bailee.core.errors import Conflict, Invalid
from bailee.ledger.checkpoint import read_checkpoint
from bailee.ledger.entries import Bound, entry_from_bytes
from bailee.stores.sql import ledger_tables as tables
from bailee.stores.sql.database import read
from bailee.stores.sql.ledger_append import leaf_entry
from bailee.stores.sql.ledger_egress import Egress

MANIFEST = "cd" * 32


def kinds(engine: Engine) -> list[str]:
    with read(engine) as connection:
        rows = connection.execute(select(tables.leaf.c.body).order_by(tables.leaf.c.seq))
        return [entry_from_bytes(bytes(body)).kind for (body,) in rows]


def egress(database: Engine) -> Egress:
    return Egress(new_log(database), actor="staff-1", machine="node-1")


def finish(release: Egress, name: str = "r1") -> int:
    return release.done(name, artifact_sha256=MANIFEST, rows=10, size_bytes=1000)


def test_a_release_writes_intent_disclosures_and_done(database: Engine):
    release = egress(database)
    assert release.intent(intent()) == 0
    assert release.progress("r1").state == "intended"
    assert release.record_disclosures("r1", patients("p1", "p2")) == 2
    assert release.progress("r1").state == "disclosed"
    assert finish(release) == 2
    assert kinds(database) == ["release.intent", "release.disclosed", "release.done"]
    assert release.progress("r1").patients == 2


def test_each_step_is_signed_before_the_next_may_begin(database: Engine):
    release = egress(database)
    sizes = []
    for step in (
        lambda: release.intent(intent()),
        lambda: release.record_disclosures("r1", patients("p1")),
        lambda: finish(release),
    ):
        step()
        sizes.append(read_checkpoint(release.log.last_checkpoint().body).size)
    assert sizes == [1, 2, 3]


def test_a_release_that_is_run_again_writes_nothing_twice(database: Engine):
    release = egress(database)
    for _ in range(3):
        assert release.intent(intent()) == 0
        release.record_disclosures("r1", patients("p1", "p2"))
    first = finish(release)
    assert finish(release) == first
    assert kinds(database) == ["release.intent", "release.disclosed", "release.done"]


def test_disclosures_may_come_in_parts_each_a_leaf(database: Engine):
    release = egress(database)
    release.intent(intent())
    parts = (patients(f"p{at}", f"p{at + 1}") for at in range(3))
    assert release.record_disclosures("r1", parts) == 4
    assert release.progress("r1").patients == 4
    assert kinds(database).count("release.disclosed") == 3


def test_a_crash_before_the_end_counts_as_disclosed(database: Engine):
    release = egress(database)
    release.intent(intent())
    release.record_disclosures("r1", patients("p1", "p2"))
    assert release.recover() == ["r1"]
    assert release.recover() == []
    assert release.progress("r1").state == "unknown"
    with read(database) as connection:
        last = connection.execute(select(tables.leaf.c.body).order_by(tables.leaf.c.seq.desc())).scalar()
    assert entry_from_bytes(bytes(last)).counts.patients == 2


def test_a_release_that_is_finished_after_all_is_done(database: Engine):
    release = egress(database)
    release.intent(intent())
    release.recover()
    release.intent(intent())
    assert release.record_disclosures("r1", patients("p1")) == 1
    finish(release)
    assert release.progress("r1").state == "done"
    assert release.recover() == []


def test_a_release_that_failed_is_not_recovered_and_does_not_come_back(database: Engine):
    release = egress(database)
    release.intent(intent())
    seq = release.failed("r1", reasons=["E-OUTPUT-RISK"])
    assert release.failed("r1") == seq
    assert release.recover() == []
    with pytest.raises(Conflict):
        release.intent(intent())
    with pytest.raises(Conflict):
        release.record_disclosures("r1", patients("p1"))


@pytest.mark.parametrize(
    "fields", [{"agreement": Bound(id="dua-1", sha256="cd" * 32)}, {"request": Bound(id="q", sha256="cd" * 32)}]
)
def test_a_release_cannot_go_on_under_other_terms(database: Engine, fields: dict):
    release = egress(database)
    release.intent(intent())
    with pytest.raises(Conflict, match="other terms"):
        release.intent(intent(**fields))


def test_an_intent_bears_the_time_at_which_it_was_written(database: Engine):
    release = egress(database)
    release.log.clock.advance(3_600_000)
    release.log.commit([entry(t_ms=release.log.clock.now_ms())])
    release.intent(intent())  # of a plan that is an hour old
    with read(database) as connection:
        assert leaf_entry(connection, 1).t_ms == release.log.clock.now_ms()


def test_steps_out_of_order_are_refused(database: Engine):
    release = egress(database)
    with pytest.raises(Invalid):
        release.intent(entry("release.failed", release="r1"))
    with pytest.raises(Conflict):
        release.record_disclosures("r1", patients("p1"))
    with pytest.raises(Conflict):
        finish(release)
    release.intent(intent())
    with pytest.raises(Conflict, match="disclosures first"):
        finish(release)
    release.record_disclosures("r1", patients("p1"))
    finish(release)
    with pytest.raises(Conflict, match="another artefact"):
        release.done("r1", artifact_sha256="ef" * 32, rows=1, size_bytes=1)
    with pytest.raises(Conflict):
        release.failed("r1")


def test_every_leaf_of_a_release_is_bound_to_the_same_agreement(database: Engine):
    release = egress(database)
    release.intent(intent())
    release.record_disclosures("r1", patients("p1"))
    finish(release)
    with read(database) as connection:
        bodies = [bytes(body) for (body,) in connection.execute(select(tables.leaf.c.body))]
    assert {entry_from_bytes(body).agreement for body in bodies} == {AGREEMENT}

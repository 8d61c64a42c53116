from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DatabaseError
from tests.support.ledger import AGREEMENT, entry, export_of, intent, new_log, patients, policy_of

import bailee_verify
from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.core.errors import Conflict, Invalid, Unavailable
from bailee.stores.keys.ring import SaltFiles
from bailee.stores.sql.database import open_database, read, write
from bailee.stores.sql.ledger_egress import Egress
from bailee.stores.sql.ledger_people import disclosures_of, patients_of, proof_of
from bailee.stores.sql.ledger_retention import certificates, erasable, erase, record_destruction


def ms(text_: str) -> int:
    return int(datetime.fromisoformat(text_).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.fixture
def old(database: Engine, tmp_path: Path):
    """A ledger with releases of 2014, of 29 February 2016, and of now."""
    log = new_log(database)
    log.salts = SaltFiles(tmp_path / "keys", SeededEntropy(b"s"))
    log.clock = FixedClock(ms("2014-05-01"))
    for release, day in (("r1", "2014-05-01"), ("r2", "2016-02-29"), ("r3", "2026-11-01")):
        log.clock.at_ms = ms(day)
        log.commit([entry("agreement.activated", t_ms=ms(day), agreement=AGREEMENT)])
        egress = Egress(log, actor="a")
        egress.intent(intent(release, t_ms=ms(day)))
        egress.record_disclosures(release, patients("p1", "p2"))
        egress.done(release, artifact_sha256="ab" * 32, rows=1, size_bytes=1)
    return log


def links(engine: Engine) -> int:
    with read(engine) as connection:
        return connection.execute(text("SELECT count(*) FROM ledger_subject")).scalar()


@pytest.mark.parametrize(
    ("now", "releases"),
    [("2020-04-30", 0), ("2020-05-01", 1), ("2022-02-28", 1), ("2022-02-28T23:59:59", 1), ("2022-03-01", 2)],
)
def test_links_may_be_erased_after_six_years_to_the_day(old, now: str, releases: int):
    with read(old.engine) as connection:
        due = erasable(connection, ms(now))
    assert len(due.leaves) == releases
    assert due.links == 2 * releases
    assert len(due.months) == releases


def test_after_erasure_nobody_can_be_named_and_every_proof_holds(old, tmp_path: Path):
    old.clock.at_ms = ms("2026-11-02")
    gone = erase(old, old.salts, actor="officer")
    assert (len(gone.leaves), gone.links, gone.months) == (2, 4, ("2014-05", "2016-02"))
    with read(old.engine) as connection:
        assert [row.release for row in disclosures_of(connection, "p1")] == ["r3"]
        with pytest.raises(Invalid, match="erased"):
            list(patients_of(connection, "r1"))
    with pytest.raises(Invalid):
        proof_of(old, "p1", gone.leaves[0])
    with pytest.raises(Unavailable, match="shredded"):
        old.salts.key("2014-05")
    export, policy = export_of(old, tmp_path), policy_of(old, tmp_path)
    assert bailee_verify.main([str(export), "--keys", str(policy)]) == 0


def test_erasing_again_does_nothing(old):
    old.clock.at_ms = ms("2026-11-02")
    erase(old, old.salts, actor="officer")
    size = old.size()
    assert erase(old, old.salts, actor="officer").links == 0
    assert old.size() == size


def test_the_chain_of_a_patient_goes_on_after_its_beginning_was_erased(old, tmp_path: Path):
    old.clock.at_ms = ms("2026-11-02")
    erase(old, old.salts, actor="officer")
    egress = Egress(old, actor="a")
    egress.intent(intent("r4", t_ms=old.clock.now_ms()))
    egress.record_disclosures("r4", patients("p1"))
    with read(old.engine) as connection:
        assert [row.number for row in disclosures_of(connection, "p1")] == [3, 4]
    assert bailee_verify.main([str(export_of(old, tmp_path)), "--keys", str(policy_of(old, tmp_path))]) == 0


def test_the_database_itself_keeps_links_for_six_years(old):
    with pytest.raises((Conflict, DatabaseError), match=r"six years|refuses"), write(old.engine) as connection:
        connection.execute(text("DELETE FROM ledger_subject"))
    assert links(old.engine) == 6


def test_a_clock_set_forward_does_not_get_round_the_lock(old):
    old.clock.at_ms = ms("2040-01-01")
    with pytest.raises((Conflict, DatabaseError)):
        erase(old, old.salts, actor="officer")
    assert links(old.engine) == 6


def test_links_are_never_changed(old):
    with pytest.raises((Conflict, DatabaseError)), write(old.engine) as connection:
        connection.execute(text("UPDATE ledger_subject SET patient = 'p9'"))


def test_nothing_of_an_erased_link_remains_in_the_files(tmp_path: Path):
    from bailee.stores.sql.database import migrate

    engine = open_database(tmp_path / "x.db")
    migrate(engine)
    log = new_log(engine)
    log.salts = SaltFiles(tmp_path / "keys", SeededEntropy(b"s"))
    log.clock = FixedClock(ms("2014-05-01"))
    egress = Egress(log, actor="a")
    egress.intent(intent(t_ms=log.clock.now_ms()))
    egress.record_disclosures("r1", patients(*[f"MRN-CANARY-{at}" for at in range(500)]))
    assert any(b"CANARY" in path.read_bytes() for path in tmp_path.glob("x.db*"))
    log.clock.at_ms = ms("2026-11-02")
    erase(log, log.salts, actor="officer")
    engine.dispose()
    assert not any(b"CANARY" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_a_certificate_of_destruction_is_kept_and_bound_to_its_release(old):
    old.clock.at_ms = ms("2026-11-02")
    seq = record_destruction(old, "r1", b"%PDF certificate", actor="officer")
    assert certificates(old.engine) == {"r1": ms("2026-11-02")}
    assert old.document(_sha(b"%PDF certificate")) == b"%PDF certificate"
    assert seq == old.size() - 1
    with pytest.raises(Conflict):
        record_destruction(old, "r9", b"x", actor="officer")


def _sha(content: bytes) -> str:
    from bailee.core.canonical import sha256_hex

    return sha256_hex(content)

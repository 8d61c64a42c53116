"""Directives in both databases: what holds, what was ever said, and nobody slips past a revocation."""

import os
import random
import threading
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import Engine, text
from tests.support.consents import ASK, rule, snapshot

from bailee.consent.bulk import decide_patients
from bailee.consent.directives import DIRECTIVES, directives_from_rules, rules_from_directives
from bailee.consent.registers import MAX_AGE_MS
from bailee.core.errors import Conflict, UserError
from bailee.ledger.entries import entry_from_bytes
from bailee.stores.sql import consents
from bailee.stores.sql.database import migrate, open_database, read, write
from bailee.stores.sql.recalls import answer_recall, list_recalls, open_recalls

WHO = {"actor": "olga", "at_ms": 1000}


def _put(database: Engine, said: list[tuple[str, Any]], **options: Any) -> consents.Change:
    with write(database) as connection:
        return consents.put_directives(
            connection, directives_from_rules(said), source=options.pop("source", "fhir"), **WHO, **options
        )


def _said(database: Engine, patients: list[str] | None = None) -> list[tuple[str | None, str, str]]:
    with read(database) as connection:
        table = consents.directives_of(connection, pa.array(patients) if patients is not None else None)
    return sorted((patient, one.id, one.effect) for patient, one in rules_from_directives(table))  # type: ignore[type-var]


def test_what_was_put_is_what_is_read(database: Engine) -> None:
    said = [("p1", rule("deny", "c1", classes=frozenset({"Condition"}))), ("p2", rule("permit", "c2", not_before=5))]
    _put(database, said)
    with read(database) as connection:
        back = list(rules_from_directives(consents.directives_of(connection)))
    assert sorted(back, key=repr) == sorted(said, key=repr)
    assert _said(database, ["p2", "p9"]) == [("p2", "c2", "permit")]


def test_putting_the_same_again_says_nothing_new(database: Engine) -> None:
    said = [("p1", rule("deny", "c1"))]
    assert _put(database, said).set == 1
    assert _put(database, said).set == 0
    with read(database) as connection:
        assert consents.size_of(connection) == 1


def test_what_a_source_no_longer_says_is_taken_back_and_stays_in_the_log(database: Engine) -> None:
    _put(database, [("p1", rule("deny", "c1")), ("p1", rule("deny", "c2")), ("p2", rule("deny", "c3"))])
    _put(database, [("p1", rule("deny", "own"))], source="portal")
    change = _put(database, [("p1", rule("deny", "c2"))], whole_of=pa.array(["p1"]))
    assert (change.set, change.taken_back, change.patients) == (0, 1, ("p1",))
    assert [(patient, name) for patient, name, _ in _said(database)] == [("p1", "c2"), ("p1", "own"), ("p2", "c3")]
    with read(database) as connection:
        history = consents.history_of(connection, "p1")
    assert [(row["id"], bool(row["body"])) for row in history] == [
        ("c1", True),
        ("c2", True),
        ("own", True),
        ("c1", False),
    ]


def test_the_log_cannot_be_changed_or_removed(database: Engine) -> None:
    _put(database, [("p1", rule("deny", "c1"))])
    for change in ("DELETE FROM consent_log", "UPDATE consent_log SET body = ''"):
        with pytest.raises(Conflict), write(database) as connection:
            connection.execute(text(change))


def test_every_change_is_a_leaf_that_names_no_patient(database: Engine) -> None:
    _put(database, [("CANARY-PATIENT", rule("deny", "c1"))])
    with write(database) as connection:
        consents.take_back(connection, "CANARY-PATIENT", "c1", **WHO)
    with read(database) as connection:
        bodies = connection.execute(text("SELECT body FROM ledger_leaf ORDER BY seq")).scalars().all()
    assert [entry_from_bytes(bytes(body)).kind for body in bodies] == ["consent.granted", "consent.revoked"]
    assert not any(b"CANARY" in bytes(body) for body in bodies)


def test_a_directive_of_nobody_is_not_taken(database: Engine) -> None:
    for patient in (None, ""):
        with pytest.raises(UserError, match="names no patient"):
            _put(database, [(patient, rule())])  # type: ignore[list-item]


def test_rules_of_the_house_speak_of_everybody(database: Engine) -> None:
    house = rule("deny", "law-1", layer="law", purposes=frozenset({"HMARKT"}))
    with write(database) as connection:
        consents.put_rule(connection, consents.HOUSE, house, source="house", **WHO)
    with read(database) as connection:
        assert consents.house_rules(connection) == (house,)
        assert consents.directives_of(connection).num_rows == 0


@pytest.mark.parametrize(
    "change, stopped",
    [
        ([("p1", rule("deny", "c9"))], True),
        ([("p3", rule("deny", "c9"))], False),
        ([("p1", rule("permit", "c9"))], False),
        ([("p1", rule("permit", "c1"))], True),
        ([("p1", rule("permit", "c9", exceptions=(rule("deny"),)))], True),
        ([("p1", rule("deny", "c1"))], False),
    ],
)
def test_a_release_stops_where_somebody_in_it_narrowed(database: Engine, change: Any, stopped: bool) -> None:
    _put(database, [("p1", rule("deny", "c1"))])
    with read(database) as connection:
        size = consents.size_of(connection)
    _put(database, change)

    def commit() -> None:
        with write(database) as connection:
            consents.recheck(connection, size, pa.array(["p1", "p2"]))

    if stopped:
        with pytest.raises(Conflict, match="1 patients changed"):
            commit()
    else:
        commit()


def test_a_new_rule_of_the_house_stops_every_release(database: Engine) -> None:
    with write(database) as connection:
        consents.put_rule(connection, consents.HOUSE, rule("deny", layer="admin"), source="house", **WHO)
    with pytest.raises(Conflict, match="house"), write(database) as connection:
        consents.recheck(connection, 0, pa.array(["p1"]))


def test_a_register_is_replaced_whole_and_has_an_age(database: Engine) -> None:
    with write(database) as connection:
        consents.load_register(connection, "state", pa.array(["p1", "p2"]), "a" * 64, **WHO)
    with write(database) as connection:
        consents.load_register(connection, "state", pa.array(["p2", "p3"]), "b" * 64, **WHO)
    assert [patient for patient, _, _ in _said(database)] == ["p2", "p3"]
    with read(database) as connection:
        fresh = consents.register_rules(connection, ["state"], 1000 + MAX_AGE_MS - 1)
        stale = consents.register_rules(connection, ["state"], 1000 + MAX_AGE_MS)
        early = consents.register_rules(connection, ["state"], 999)
        missing = consents.register_rules(connection, ["other"], 1000)
        table = consents.directives_of(connection)
    assert fresh == ()
    assert [one.code for one in (*stale, *early, *missing)] == ["E-OPTOUT-STALE"] * 3
    reasons = decide_patients(pa.array(["p1", "p2"]), table, ASK, snapshot(), 50).column("reasons").to_pylist()
    assert reasons == [None, ["E-OPTOUT"]]
    reasons = decide_patients(pa.array(["p1"]), table, ASK, snapshot(house=stale), 50).column("reasons").to_pylist()
    assert reasons == [["E-OPTOUT-STALE"]]


def test_a_recall_is_tracked_to_its_answer(database: Engine) -> None:
    with write(database) as connection:
        assert open_recalls(connection, [("r1", "a1", "p1"), ("r2", "a1", "p1")], **WHO) == 2
        assert open_recalls(connection, [("r1", "a1", "p1")], **WHO) == 0
    with pytest.raises(Conflict), write(database) as connection:
        answer_recall(connection, "r1", "p1", "DESTROYED", certificate_sha256="c" * 64, **WHO)
    with write(database) as connection:
        answer_recall(connection, "r1", "p1", "SENT", **WHO)
        answer_recall(connection, "r1", "p1", "ACKNOWLEDGED", **WHO)
    with pytest.raises(UserError, match="certificate"), write(database) as connection:
        answer_recall(connection, "r1", "p1", "DESTROYED", **WHO)
    with write(database) as connection:
        answer_recall(connection, "r1", "p1", "DESTROYED", certificate_sha256="c" * 64, **WHO)
    with read(database) as connection:
        assert [row["state"] for row in list_recalls(connection, "a1")] == ["DESTROYED", "OPEN"]
        assert [row["release"] for row in list_recalls(connection, unanswered=True)] == ["r2"]


class _World:
    """Releases and revocations of three patients as steps that a schedule puts in any order."""

    def __init__(self, database: Engine, prefix: str = "p") -> None:
        self.database = database
        self.patients = [f"{prefix}{number}" for number in (1, 2, 3)]
        self.released: list[tuple[int, list[str]]] = []

    def revoke(self, number: int, name: str) -> Any:
        yield
        with write(self.database) as connection:
            consents.put_rule(connection, self.patients[number], rule("deny", name), source="portal", **WHO)

    def release(self, *, checks: bool = True) -> Any:
        asked = pa.array(self.patients)
        with read(self.database) as connection:
            size, table = consents.size_of(connection), consents.directives_of(connection, asked)
        yield
        answers = decide_patients(asked, table, ASK, snapshot(), 50)
        chosen = answers.filter(answers.column("permitted")).column("patient").to_pylist()
        yield
        try:
            with write(self.database) as connection:
                if checks:
                    consents.recheck(connection, size, pa.array(chosen, pa.string()))
                self.released.append((consents.size_of(connection), chosen))
        except Conflict:
            return

    def stale(self) -> int:
        """Count patients who left although their refusal came first."""
        with read(self.database) as connection:
            rows = [(row["seq"], name) for name in self.patients for row in consents.history_of(connection, name)]
        return sum(1 for size, chosen in self.released for seq, patient in rows if seq < size and patient in chosen)


def _interleave(database: Engine, seed: int, *, checks: bool) -> int:
    """Run two revocations and two releases in an order drawn from a seed, on patients of their own."""
    world = _World(database, f"{seed}-{checks}-")
    steps = [
        world.revoke(seed % 3, "x"),
        world.revoke(1, "y"),
        world.release(checks=checks),
        world.release(checks=checks),
    ]
    chance = random.Random(seed)
    while steps:
        one = chance.choice(steps)
        if next(one, "done") == "done":
            steps.remove(one)
    return world.stale()


@pytest.fixture
def memory() -> Iterator[Engine]:
    database = open_database("sqlite://")
    migrate_once(database)
    yield database
    database.dispose()


_dump: list[str] = []


def migrate_once(database: Engine) -> None:
    """Give a memory database its tables; migrating each anew would take most of the time."""
    if not _dump:
        model = open_database("sqlite://")
        migrate(model)
        with read(model) as connection:
            raw: Any = connection.connection.driver_connection
            _dump.extend(raw.iterdump())
        model.dispose()
    raw = database.raw_connection()
    raw.executescript("\n".join(_dump))  # type: ignore[attr-defined]
    raw.close()


def test_no_interleaving_releases_somebody_who_refused_first(memory: Engine) -> None:
    rounds = 100_000 if os.environ.get("BAILEE_DEEP") else 150
    assert sum(_interleave(memory, seed, checks=True) for seed in range(rounds)) == 0


def test_without_the_recheck_somebody_would_be_released(memory: Engine) -> None:
    """The control: this test of interleavings can fail."""
    assert sum(_interleave(memory, seed, checks=False) for seed in range(40)) > 0


def test_threads_that_revoke_and_release_at_once_release_nobody_who_refused_first(database: Engine) -> None:
    world = _World(database)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(6):
                for _ in world.revoke(number % 3, f"t{number}-{turn}") if number % 2 else world.release():
                    pass
        except BaseException as error:  # noqa: BLE001  # a thread's failure must fail the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert world.stale() == 0


def test_an_empty_table_changes_nothing(database: Engine) -> None:
    with write(database) as connection:
        change = consents.put_directives(connection, DIRECTIVES.empty_table(), source="fhir", **WHO)
    assert (change.set, change.taken_back) == (0, 0)

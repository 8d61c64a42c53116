"""Whoever says no after a release is recalled from it, however the no arrives, in the step that puts it in force."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from sqlalchemy import Engine, text
from tests.support.agreements import NOW, example
from tests.support.consents import rule

from bailee.agreements.terms import Agreement
from bailee.core.clock import FixedClock
from bailee.core.entropy import SeededEntropy
from bailee.core.errors import Unavailable
from bailee.flows import recall
from bailee.flows.hospital import Hospital, create_hospital
from bailee.flows.ingest.run import ingest
from bailee.flows.refuse import refuse, replace_register, rule_against, withdraw
from bailee.ledger.entries import Bound, Entry, Party
from bailee.stores.sql.agreements import Signatories, attest_agreement
from bailee.stores.sql.consents import put_rule
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.recalls import answer_recall, counts_of, list_recalls

NAMES = Signatories(drafted_by="olga", hospital="hans", partner="petra", activated_by="olga")
OPT_IN = msgspec.structs.replace(
    example(), id="opt-in", consent=msgspec.structs.replace(example().consent, regime="opt-in")
)
RESEARCH = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "research"}]}


def consent(
    name: str, patient: str, effect: str = "deny", *, status: str = "active", version: int = 1, **more: Any
) -> Any:
    return {
        "resourceType": "Consent",
        "id": name,
        "meta": {"lastUpdated": f"2026-01-0{version}T00:00:00Z"},
        "status": status,
        "scope": RESEARCH,
        "patient": {"reference": f"Patient/{patient}"},
        "provision": {"type": effect, **more},
    }


def only(kind: str) -> dict[str, Any]:
    return {"class": [{"system": "http://hl7.org/fhir/resource-types", "code": kind}]}


@pytest.fixture
def hospital(database: Engine, tmp_path: Path) -> Iterator[Hospital]:
    """Patients p1 to p4; p3 permits research in a Consent, p4 in the store. r1 holds all, r2 is of the opt-in agreement."""
    made = create_hospital(tmp_path / "home", "Test", "test/ledger", entropy=SeededEntropy(b"recall"))
    made.close()
    made.engine, made.clock, made.actor = database, FixedClock(NOW), "olga"
    take(
        made,
        tmp_path,
        *({"resourceType": "Patient", "id": f"p{n}"} for n in range(1, 6)),
        consent("yes", "p3", "permit"),
    )
    with write(database) as connection:
        for terms in (example(), OPT_IN):
            attest_agreement(connection, terms, NAMES, NOW)
        put_rule(connection, "p4", rule("permit", "yes"), source="desk", actor="olga", at_ms=NOW)
    disclose(made, "r1", example(), ["p1", "p2", "p3", "p4"])
    disclose(made, "r2", OPT_IN, ["p3", "p4"])
    yield made
    made.close()


def take(hospital: Hospital, folder: Path, *records: dict[str, Any]) -> int:
    """Take records in by a file of their own. Gives how many notices opened."""
    number = len(list(folder.glob("*.ndjson")))
    path = folder / f"x{number}.ndjson"
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    return ingest(hospital.home, [path], hospital.master, hospital=hospital).recalls


def disclose(hospital: Hospital, release: str, terms: Agreement, patients: list[str]) -> None:
    bound = Bound(id=terms.id, sha256="a" * 64)
    intent = Entry(
        t_ms=NOW, kind="release.intent", actor="t", release=release, agreement=bound, partner=Party(name="Acme", address="S"),
        route="de-identified", purpose=("HRESCH",), identifiability="safe-harbor",
    )  # fmt: skip
    disclosed = Entry(t_ms=NOW, kind="release.disclosed", actor="t", release=release, agreement=bound)
    with write(hospital.engine) as connection:
        append(connection, [intent])
        hospital.log.disclose(connection, disclosed, pa.table({"patient": patients}))


def open_ones(hospital: Hospital) -> list[tuple[str, str]]:
    with read(hospital.engine) as connection:
        return [(row["release"], row["patient"]) for row in list_recalls(connection)]


@pytest.mark.parametrize(
    "record, expected",
    [
        (consent("n", "p1"), [("r1", "p1")]),
        (consent("n", "p1", **only("Condition")), [("r1", "p1")]),
        (consent("n", "p1", **only("Appointment")), [("r1", "p1")]),  # a mention of that code may lie in any record
        (consent("n", "p1", "permit"), []),
        (consent("n", "p1", status="draft"), []),
        (consent("n", "p1", actor=[{"role": {}, "reference": {"reference": "Organization/other"}}]), []),
        (consent("n", "p1", purpose=[{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HMARKT"}]), []),
        (consent("n", "p1", "permit", provision=[{"type": "deny", **only("Condition")}]), [("r1", "p1")]),
        (consent("n", "p5"), []),  # was in no release
        ({**consent("n", "p1"), "status": "strange"}, [("r1", "p1")]),  # nobody knows what it says
        ({**consent("n", "p1"), "modifierExtension": [{"url": "u"}]}, [("r1", "p1")]),
        (consent("yes", "p3", "permit", status="inactive", version=2), [("r2", "p3")]),
        (consent("yes", "p3", version=2), [("r1", "p3"), ("r2", "p3")]),
        (consent("yes", "p3", status="inactive", version=0), []),  # older than what is there
        (consent("yes", "p5", "permit", version=2), [("r2", "p3")]),  # the permission went to somebody else
    ],
)  # fmt: skip
def test_a_consent_that_comes_with_an_export_recalls_what_it_speaks_of(
    hospital: Hospital, tmp_path: Path, record: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert take(hospital, tmp_path, record) == len(expected)
    assert open_ones(hospital) == expected


def test_what_was_said_before_a_release_recalls_nothing(hospital: Hospital, tmp_path: Path) -> None:
    take(hospital, tmp_path, consent("part", "p2", **only("Condition")))
    disclose(hospital, "r3", example(), ["p2"])
    before = open_ones(hospital)
    assert take(hospital, tmp_path, consent("other", "p2", "permit"), consent("part", "p2", **only("Condition"))) == 0
    assert refuse(hospital, "p2", rule_against("elsewhere", partners=["Organization/other"]), by="olga") == 0
    assert open_ones(hospital) == before


def test_a_consent_that_cannot_be_read_recalls_whoever_it_names(hospital: Hospital, tmp_path: Path) -> None:
    path = tmp_path / "broken.ndjson"
    path.write_text('{"resourceType":"Consent","patient":{"reference":"Patient/p2"},"status":"act\n')
    assert ingest(hospital.home, [path], hospital.master, hospital=hospital).recalls == 1
    assert open_ones(hospital) == [("r1", "p2")]


def test_a_refusal_follows_a_person_to_another_id(hospital: Hospital, tmp_path: Path) -> None:
    take(hospital, tmp_path, consent("no", "p5"))
    link = [{"other": {"reference": "Patient/p1"}, "type": "replaces"}]
    merged = {"resourceType": "Patient", "id": "p5", "meta": {"lastUpdated": "2026-02-01T00:00:00Z"}, "link": link}
    assert take(hospital, tmp_path, merged) == 1
    assert open_ones(hospital) == [("r1", "p1")]


def _desk(hospital: Hospital) -> int:
    return refuse(hospital, "p4", rule_against("no"), by="olga")


def _end_of_permission(hospital: Hospital) -> int:
    return withdraw(hospital, "p4", "yes", by="olga")


def _register(hospital: Hospital) -> int:
    return replace_register(hospital, "state", pa.array(["p2", "p4", "p5"]), "a" * 64, by="olga")[1]


@pytest.mark.parametrize(
    "change, expected",
    [
        (_desk, [("r1", "p4"), ("r2", "p4")]),
        (_end_of_permission, [("r2", "p4")]),
        (_register, [("r1", "p2"), ("r1", "p4"), ("r2", "p4")]),
    ],
)
def test_each_way_of_saying_no_recalls(
    hospital: Hospital, change: Callable[[Hospital], int], expected: list[tuple[str, str]]
) -> None:
    assert change(hospital) == len(expected)
    assert open_ones(hospital) == expected
    with read(hospital.engine) as connection:
        assert sum(whole for whole, _ in counts_of(connection).values()) == len(expected)


def test_a_permission_in_the_chart_keeps_what_the_store_no_longer_permits(hospital: Hospital, tmp_path: Path) -> None:
    take(hospital, tmp_path, consent("also", "p4", "permit"))
    assert withdraw(hospital, "p4", "yes", by="olga") == 0


def test_a_register_loaded_again_recalls_only_whoever_is_new(hospital: Hospital) -> None:
    assert replace_register(hospital, "state", pa.array(["p1"]), "a" * 64, by="olga")[1] == 1
    assert replace_register(hospital, "state", pa.array(["p1", "p2"]), "b" * 64, by="olga")[1] == 1
    assert replace_register(hospital, "state", pa.array(["p2"]), "c" * 64, by="olga")[1] == 0
    assert open_ones(hospital) == [("r1", "p1"), ("r1", "p2")]


def test_a_release_that_was_given_up_or_noticed_is_not_recalled_again(hospital: Hospital) -> None:
    with write(hospital.engine) as connection:
        append(connection, [Entry(t_ms=NOW, kind="release.failed", actor="t", release="r1")])
    assert refuse(hospital, "p4", rule_against("no"), by="olga") == 1
    assert refuse(hospital, "p4", rule_against("no-again"), by="olga") == 0
    assert open_ones(hospital) == [("r2", "p4")]


def test_a_notice_is_tracked_to_its_answer(hospital: Hospital) -> None:
    refuse(hospital, "p1", rule_against("no"), by="olga")
    refuse(hospital, "p2", rule_against("no"), by="olga")
    for state, proof in (("SENT", ""), ("ACKNOWLEDGED", ""), ("DESTROYED", "c" * 64)):
        with write(hospital.engine) as connection:
            answer_recall(connection, "r1", "p1", state, actor="olga", at_ms=NOW, certificate_sha256=proof)  # type: ignore[arg-type]
    with read(hospital.engine) as connection:
        assert counts_of(connection) == {"r1": (2, 1)}
        assert [row["state"] for row in list_recalls(connection, patient="p1")] == ["DESTROYED"]


def test_notices_are_leaves_that_name_nobody(hospital: Hospital) -> None:
    replace_register(hospital, "state", pa.array(["p1", "p2"]), "a" * 64, by="olga")
    with read(hospital.engine) as connection:
        query = text(
            "SELECT l.body FROM ledger_leaf l JOIN ledger_mark m ON m.seq = l.seq WHERE m.kind = 'release.recalled'"
        )
        bodies = [json.loads(bytes(body)) for body in connection.execute(query).scalars()]
    assert [(body["release"], body["action"]) for body in bodies] == [("r1", "patients recalled: 2")]


def test_if_the_change_fails_no_notice_stands(hospital: Hospital) -> None:
    def change_and_fail() -> None:
        with write(hospital.engine) as connection:
            with recall.recalling(hospital, connection, ["p1"], actor="olga", at_ms=NOW) as led:
                put_rule(connection, "p1", rule("deny"), source="desk", actor="olga", at_ms=NOW)
            assert led.opened == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    assert open_ones(hospital) == []


def test_killed_before_its_records_show_an_intake_has_its_notices_and_ends_the_same(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Notices are durable before the records are seen: the other order would lose one."""
    path = tmp_path / "no.ndjson"
    path.write_text(json.dumps(consent("no", "p1")) + "\n")
    version = hospital.vault.manifest().version

    def killed(*_: object) -> None:
        assert open_ones(hospital) == [("r1", "p1")]
        raise Unavailable("killed")

    monkeypatch.setattr("bailee.stores.lake.intake.write_manifest", killed)
    with pytest.raises(Unavailable):
        ingest(hospital.home, [path], hospital.master, hospital=hospital)
    assert hospital.vault.manifest().version == version
    monkeypatch.undo()
    assert ingest(hospital.home, [path], hospital.master, hospital=hospital).recalls == 0
    assert open_ones(hospital) == [("r1", "p1")]
    assert hospital.vault.manifest().version == version + 1


def test_whoever_left_between_the_look_and_the_step_is_recalled_too(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release that discloses while an intake reads charts is seen by the last look, which nobody can follow."""
    read_charts = recall.charts_of

    def disclosing(*arguments: Any) -> pa.Table:
        monkeypatch.undo()
        disclose(hospital, "r9", example(), ["p1"])
        return read_charts(*arguments)

    monkeypatch.setattr(recall, "charts_of", disclosing)
    assert take(hospital, tmp_path, consent("no", "p1")) == 2
    assert open_ones(hospital) == [("r1", "p1"), ("r9", "p1")]

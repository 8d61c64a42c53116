from __future__ import annotations

import csv
import io
import json
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fhir.resources.R4B.auditevent import AuditEvent
from fhir.resources.R4B.bundle import Bundle
from msgspec.structs import replace
from sqlalchemy import Engine
from tests.support.ledger import REQUEST, START_MS, entry, full_ledger, intent, new_log, patients, policy_of

import bailee_verify
from bailee.core.errors import Invalid
from bailee.ledger.accounting import (
    EXEMPTIONS,
    Disclosure,
    Study,
    Suspension,
    account,
    exemption_of,
    grouped,
    is_free,
    is_large_research,
)
from bailee.ledger.balp import bundle_of
from bailee.ledger.pdf import accounting_pdf
from bailee.ledger.report import csv_of, text_of
from bailee.ledger.retention import accounting_from_ms, days_later_ms, keep_until_ms
from bailee.stores.sql.database import read
from bailee.stores.sql.ledger_egress import Egress
from bailee.stores.sql.ledger_people import disclosures_of, patients_of, proof_of, suspensions

DAY = 86_400_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


ROW = Disclosure(
    seq=5,
    index=0,
    number=1,
    at_ms=ms("2026-03-01"),
    release="r1",
    state="done",
    partner="Partner Ltd",
    address="1 Main Street",
    phone="+1 555 0100",
    agreement="dua-1",
    route="waiver",
    purpose=("HRESCH",),
    identifiability="identified",
    data=("notes",),
    patients=120,
)
ASKED = ms("2026-11-27")
STUDY = Study(
    agreement="dua-1", name="Early cancer", description="We look.", criteria="adults", sponsor="S", contact="1 Road"
)

EXEMPT = {
    "164.502(d)(2)": {"identifiability": "safe-harbor", "route": "de-identified"},
    "164.528(a)(1)(i)": {"route": "operations"},
    "164.528(a)(1)(ii)": {"route": "individual"},
    "164.528(a)(1)(iii)": {"route": "incident"},
    "164.528(a)(1)(iv)": {"route": "authorization"},
    "164.528(a)(1)(v)": {"route": "directory"},
    "164.528(a)(1)(vi)": {"route": "national-security"},
    "164.528(a)(1)(vii)": {"route": "custody"},
    "164.528(a)(1)(viii)": {"identifiability": "limited-data-set", "route": "limited-data-set"},
    "164.528(a)(1)(ix)": {"at_ms": ms("2003-04-13")},
}
REPORTED = {
    "164.502(d)(2)": {"identifiability": "identified", "route": "waiver"},
    "164.528(a)(1)(i)": {"route": "required-by-law"},
    "164.528(a)(1)(ii)": {"route": "decedents"},
    "164.528(a)(1)(iii)": {"route": "waiver"},
    "164.528(a)(1)(iv)": {"route": "waiver"},
    "164.528(a)(1)(v)": {"route": "required-by-law"},
    "164.528(a)(1)(vi)": {"route": "required-by-law"},
    "164.528(a)(1)(vii)": {"route": "required-by-law"},
    "164.528(a)(1)(viii)": {"identifiability": "identified", "route": "waiver"},
    "164.528(a)(1)(ix)": {"at_ms": ms("2003-04-14")},
}


def test_each_exemption_of_the_rule_has_its_test():
    assert EXEMPT.keys() == REPORTED.keys() == {exemption.citation for exemption in EXEMPTIONS}


@pytest.mark.parametrize("citation", EXEMPT)
def test_an_exemption_hides_its_rows_in_the_statutory_view_and_counts_them(citation: str):
    row = replace(ROW, **EXEMPT[citation])
    assert exemption_of(row).citation == citation
    asked = ms("2004-01-01") if "at_ms" in EXEMPT[citation] else ASKED
    statutory = account([row], asked_ms=asked, statutory=True)
    assert (statutory.rows, statutory.left_out) == ((), {citation: 1})
    assert account([row], asked_ms=asked).rows == (row,)


@pytest.mark.parametrize("citation", REPORTED)
def test_an_exemption_hides_nothing_else(citation: str):
    row = replace(ROW, **REPORTED[citation])
    asked = ms("2004-01-01") if "at_ms" in REPORTED[citation] else ASKED
    assert account([row], asked_ms=asked, statutory=True).rows == (row,)


@pytest.mark.parametrize(
    ("asked", "earliest"),
    [
        ("2026-11-27", "2020-11-27"),
        ("2024-02-29", "2018-03-01"),
        ("2026-02-28", "2020-02-28"),
        ("2026-03-01", "2020-03-01"),
    ],
)
def test_an_accounting_covers_six_years_to_the_day(asked: str, earliest: str):
    assert accounting_from_ms(ms(asked)) == ms(earliest)
    rows = [replace(ROW, at_ms=ms(earliest) + shift) for shift in (-1, 0, 1)]
    assert len(account(rows, asked_ms=ms(asked)).rows) == 2


@pytest.mark.parametrize(
    ("made", "until"), [("2020-11-27", "2026-11-27"), ("2020-02-29", "2026-03-01"), ("2018-02-28", "2024-02-28")]
)
def test_records_are_kept_for_six_years_to_the_day(made: str, until: str):
    assert keep_until_ms(ms(made)) == ms(until)


def test_an_answer_is_due_in_sixty_days_and_once_thirty_later():
    answer = account([], asked_ms=ms("2026-01-01T10:00:00"))
    assert answer.answer_by_ms == ms("2026-03-02T10:00:00")
    assert answer.extended_by_ms == ms("2026-04-01T10:00:00")


@pytest.mark.parametrize(
    ("last", "asked", "free"),
    [
        (None, "2026-11-27", True),
        ("2025-11-28", "2026-11-27", False),
        ("2025-11-27", "2026-11-27", True),
        ("2024-02-29", "2025-02-28", False),
        ("2024-02-29", "2025-03-01", True),
    ],
)
def test_the_first_accounting_in_twelve_months_is_free(last: str | None, asked: str, free: bool):
    assert is_free(ms(asked), ms(last) if last else None) is free


@pytest.mark.parametrize(("patients_", "large"), [(49, False), (50, True), (51, True)])
def test_research_with_fifty_people_is_large(patients_: int, large: bool):
    assert is_large_research(replace(ROW, patients=patients_)) is large
    assert is_large_research(replace(ROW, patients=patients_, purpose=("TREAT",))) is False


def test_a_suspension_hides_its_release_for_its_time_and_no_longer():
    held = Suspension("r1", ASKED - DAY, ASKED + DAY)
    rows = [ROW, replace(ROW, release="r2")]
    assert [row.release for row in account(rows, asked_ms=ASKED, suspensions=[held]).rows] == ["r2"]
    for ended in (Suspension("r1", ASKED - DAY, ASKED), Suspension("r1", ASKED + 1, ASKED + DAY)):
        assert len(account(rows, asked_ms=ASKED, suspensions=[ended]).rows) == 2


@pytest.mark.parametrize(("days", "hidden"), [(29, True), (30, False), (31, False)])
def test_an_oral_suspension_ends_after_thirty_days(days: int, hidden: bool):
    held = Suspension("r1", ASKED, ASKED + 400 * DAY, oral=True)
    assert held.hides(ROW, days_later_ms(ASKED, days)) is hidden


def test_repeats_to_one_recipient_are_folded_into_the_first_in_full_with_number_and_last_date():
    rows = [replace(ROW, at_ms=ms(f"2026-0{month}-01")) for month in (3, 1, 2)] + [replace(ROW, partner="Other")]
    series = grouped(rows)
    assert [(item.first.partner, item.count, item.first.at_ms, item.last_ms) for item in series] == [
        ("Partner Ltd", 3, ms("2026-01-01"), ms("2026-03-01")),
        ("Other", 1, ms("2026-03-01"), ms("2026-03-01")),
    ]


def test_what_left_about_a_patient_is_told_with_recipient_purpose_and_data(database: Engine):
    log = full_ledger(database)
    with read(database) as connection:
        found = disclosures_of(connection, "p2")
        nobody = disclosures_of(connection, "p9")
    assert [(row.release, row.state, row.patients) for row in found] == [
        ("r1", "done", 3),
        ("r2", "done", 2),
        ("r3", "unknown", 2),
    ]
    assert found[0].partner == "Partner Ltd"
    assert found[0].address == "1 Main Street, Boston MA"
    assert found[0].data == ("demographics", "notes", "laboratory")
    assert [row.number for row in found] == [2, 3, 4]  # the first was the patient's consent
    assert nobody == []
    assert log.size() > 0


def test_a_failed_release_disclosed_nothing(database: Engine):
    egress = Egress(new_log(database), actor="a")
    egress.intent(intent())
    egress.record_disclosures("r1", patients("p1"))
    egress.failed("r1")
    with read(database) as connection:
        assert disclosures_of(connection, "p1") == []


def test_suspensions_are_read_from_the_ledger(database: Engine):
    log = full_ledger(database)
    log.commit([entry("accounting.suspended", release="r1", until_ms=START_MS + 10 * DAY, rules=("oral",))])
    with read(database) as connection:
        held = suspensions(connection)
        rows = disclosures_of(connection, "p2")
    assert held == [Suspension("r1", START_MS, START_MS + 10 * DAY, oral=True)]
    shown = account(rows, asked_ms=START_MS + DAY, suspensions=held).rows
    assert {row.release for row in shown} == {"r2", "r3"}


def test_the_patients_of_a_release_are_listed_exactly_with_their_data(database: Engine):
    log = new_log(database)
    egress = Egress(log, actor="a")
    egress.intent(intent())
    kinds = __import__("pyarrow").array([["notes"], ["laboratory", "demographics"]])
    egress.record_disclosures("r1", [patients("p1", "p2", data=kinds), patients("p3")])
    with read(database) as connection:
        rows = [row for table in patients_of(connection, "r1") for row in table.to_pylist()]
    assert sorted((row["patient"], row["data"]) for row in rows) == [
        ("p1", ["notes"]),
        ("p2", ["demographics", "laboratory"]),
        ("p3", ["demographics", "notes", "laboratory"]),
    ]


def test_a_proof_is_checked_offline_and_opens_for_its_patient_only(database: Engine, tmp_path: Path, capsys):
    log = full_ledger(database)
    policy = policy_of(log, tmp_path)
    with read(database) as connection:
        rows = disclosures_of(connection, "p2")
    for row in rows:
        path = tmp_path / "x.tlog-proof"
        path.write_text(proof_of(log, "p2", row.seq))
        assert bailee_verify.main(["proof", str(path), "--keys", str(policy)]) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["entry"]["release"] == row.release
        assert tuple(told["data"]) == row.data
        assert told["number"] == row.number
        assert bailee_verify.main(["proof", str(path), "--keys", str(policy), "--patient", "p1"]) == 1
        capsys.readouterr()
    with pytest.raises(Invalid, match="does not concern"):
        proof_of(log, "p3", rows[1].seq)


def test_every_changed_byte_of_a_proof_is_found_or_changes_nothing_that_is_told(database: Engine, tmp_path: Path):
    log = full_ledger(database)
    policy = bailee_verify.Policy(policy_of(log, tmp_path).read_text())
    with read(database) as connection:
        seq = disclosures_of(connection, "p2")[1].seq
    content = proof_of(log, "p2", seq)
    whole = bailee_verify.verify_proof(content, policy)
    for at in range(len(content)):
        changed = content[:at] + chr(ord(content[at]) ^ 1) + content[at + 1 :]
        try:
            told = bailee_verify.verify_proof(changed, policy)
        except (bailee_verify.BadInputError, ValueError, KeyError, TypeError):
            continue
        assert told == whole, at


def test_fhir_audit_events_are_valid_r4_and_of_the_disclosure_profile():
    bundle = bundle_of(
        [ROW, replace(ROW, seq=6, purpose=("DUO:0000042",))], patient="p1", origin="h.example", machine="m"
    )
    read_back = Bundle.model_validate(bundle)
    event = AuditEvent.model_validate(bundle["entry"][0]["resource"])
    assert len(read_back.entry) == 2
    assert event.type.code == "110106"
    assert event.subtype[0].code == "disclose"
    assert [agent.type.coding[0].code for agent in event.agent] == ["110153", "110152"]
    assert all(agent.network.address for agent in event.agent)
    assert sum(entity.role.code == "1" for entity in event.entity) == 1
    assert event.meta.profile[0].endswith("IHE.BasicAudit.PrivacyDisclosure.Source")


def test_csv_has_one_row_a_disclosure_and_no_formula():
    rows = list(csv.DictReader(io.StringIO(csv_of(account([replace(ROW, partner="=HYPERLINK(1)")], asked_ms=ASKED)))))
    assert len(rows) == 1
    assert rows[0]["recipient"] == "'=HYPERLINK(1)"
    assert rows[0]["purpose"] == "health research"
    assert rows[0]["date"] == "2026-03-01"


def test_the_terminal_says_who_when_what_and_what_was_left_out():
    rows = [ROW, replace(ROW, at_ms=ms("2026-04-01")), replace(ROW, route="operations")]
    shown = text_of(account(rows, asked_ms=ASKED, statutory=True, studies=[STUDY]))
    assert re.search(r"2026-03-01\s+2026-04-01\s+2\s+Partner Ltd\s+notes\s+health research\s+disclosed", shown)
    assert "1 left out: they need not be reported under 45 CFR 164.528(a)(1)(i)" in shown
    assert (
        "Research with 50 or more people: Early cancer. We look. Chosen were: adults Data: notes; from 2026-03-01"
        in shown
    )


def test_a_study_is_described_only_to_those_in_it_and_only_if_it_is_large():
    for row in (replace(ROW, patients=49), replace(ROW, agreement="other")):
        assert account([row], asked_ms=ASKED, studies=[STUDY]).studies == ()
    assert account([ROW], asked_ms=ASKED, studies=[STUDY]).studies == (STUDY,)


def test_a_pdf_is_made_with_all_rows_and_the_same_bytes_each_time():
    answer = account([replace(ROW, release=f"r{at}") for at in range(40)], asked_ms=ASKED)
    first = accounting_pdf(answer, hospital="St. Ána <Hospital>", person="patient 7")
    assert first == accounting_pdf(answer, hospital="St. Ána <Hospital>", person="patient 7")
    assert first.startswith(b"%PDF-")
    assert first.count(b"/Type /Page\n") > 1
    assert zlib.crc32(first) != zlib.crc32(accounting_pdf(account([], asked_ms=ASKED), hospital="H", person="p"))


def test_requests_are_bound_to_releases_that_have_one(database: Engine):
    log = full_ledger(database)
    assert REQUEST.id.encode() in log.leaf(_intent_of(database, "r2"))


def _intent_of(engine: Engine, release: str) -> int:
    from bailee.stores.sql.ledger_egress import progress

    with read(engine) as connection:
        return progress(connection, release).kinds["release.intent"]

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from sqlalchemy import Engine
from tests.support.ledger import AGREEMENT, START_MS, entry, full_ledger, intent, new_log, patients

from bailee.core.errors import Invalid, UserError
from bailee.ledger.breach import Affected, Incident, Resident, assess, days_left, merged, yearly_log_by_ms
from bailee.ledger.letters import Notice, letters, patients_csv, plain_text, regulator_form, summary
from bailee.ledger.pdf import document_pdf
from bailee.ledger.residents import resident_of
from bailee.stores.sql.database import read
from bailee.stores.sql.ledger_egress import Egress
from bailee.stores.sql.ledger_window import Window, affected_by, forms_of, releases_in

DAY = 86_400_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def incident(**fields) -> Incident:
    known = {"id": "b1", "what": "A laptop was lost.", "discovered_ms": ms("2026-03-01"), "began_ms": ms("2026-02-20")}
    return Incident(**(known | fields))


def people(**states: int) -> tuple[list[Affected], dict[str, Resident]]:
    names = [(f"{state}-{at}", state) for state, count in states.items() for at in range(count)]
    found = [Affected(name, ("notes",), ("r1",)) for name, _ in names]
    return found, {name: Resident(patient=name, name="N", lines=("L",), city="C", state=state) for name, state in names}


def citations(case) -> list[str]:
    return [duty.citation for duty in case.duties]


@pytest.mark.parametrize(("count", "portal"), [(499, "164.408(c)"), (500, "164.408(b)"), (501, "164.408(b)")])
def test_the_secretary_is_told_at_once_from_five_hundred_individuals(count: int, portal: str):
    assert portal in citations(assess(incident(), *people(MN=count)))


@pytest.mark.parametrize(("count", "media"), [(499, False), (500, False), (501, True)])
def test_the_media_are_told_from_more_than_five_hundred_residents_of_one_state(count: int, media: bool):
    assert ("164.406" in citations(assess(incident(), *people(MN=count)))) is media


def test_states_are_counted_each_for_itself():
    case = assess(incident(), *people(MN=501, WI=500, IA=3))
    assert case.by_state == {"IA": 3, "MN": 501, "WI": 500}
    assert [duty.who for duty in case.duties if duty.citation == "164.406"] == ["prominent media in MN"]
    assert "164.408(b)" in citations(assess(incident(), *people(MN=250, WI=250)))
    assert "164.406" not in citations(assess(incident(), *people(MN=500, WI=500)))


def test_patients_whose_state_is_unknown_are_counted_and_call_no_media():
    found, _ = people(MN=600)
    case = assess(incident(), found, {})
    assert case.by_state == {"unknown": 600}
    assert "164.406" not in citations(case)
    assert "164.408(b)" in citations(case)


def test_individuals_are_told_within_sixty_days_of_discovery():
    (duty, *_) = assess(incident(), *people(MN=1)).duties
    assert duty.by_ms == ms("2026-04-30")
    assert [days_left(duty, ms("2026-03-01") + day * DAY) for day in (59, 60, 61)] == [1, 0, -1]


def test_an_agents_knowledge_is_the_hospitals():
    case = assess(incident(agent_discovered_ms=ms("2026-02-25")), *people(MN=1))
    assert case.duties[0].by_ms == ms("2026-04-26")
    later = assess(incident(agent_discovered_ms=ms("2026-03-05")), *people(MN=1))
    assert later.duties[0].by_ms == ms("2026-04-30")


@pytest.mark.parametrize(
    ("year", "by"), [("2026-03-01", "2027-03-01"), ("2027-12-31", "2028-02-29"), ("2023-06-01", "2024-02-29")]
)
def test_small_breaches_are_logged_sixty_days_after_the_year(year: str, by: str):
    assert yearly_log_by_ms(ms(year)) == ms(by)


@pytest.mark.parametrize(("missing", "citation"), [(9, "164.404(d)(2)(i)"), (10, "164.404(d)(2)(ii)")])
def test_ten_bad_addresses_ask_for_substitute_notice(missing: int, citation: str):
    found, residents = people(MN=20)
    for person in found[:missing]:
        residents[person.patient] = Resident(patient=person.patient, state="MN")
    assert citation in citations(assess(incident(), found, residents))


@pytest.mark.parametrize(
    ("fields", "forms", "why"),
    [
        ({"safe_key": True}, ["limited-data-set"], "encrypted"),
        ({}, ["safe-harbor", "expert-determination"], "de-identified"),
        ({"factors": ("a", "b", "c", "d")}, ["identified"], "low probability"),
    ],
)
def test_what_is_not_unsecured_phi_needs_no_notice_and_says_why(fields, forms, why):
    case = assess(incident(**fields), *people(MN=600), identifiability=forms)
    assert case.duties == ()
    assert why in case.reason
    assert len(case.affected) == 600


def test_one_identified_release_among_others_needs_notice():
    assert assess(incident(), *people(MN=1), identifiability=["safe-harbor", "identified"]).duties


@pytest.mark.parametrize(
    "fields", [{"factors": ("a", "b")}, {"factors": ("a", "", "c", "d")}, {"began_ms": ms("2026-03-02")}]
)
def test_an_incident_that_does_not_fit_together_is_refused(fields):
    with pytest.raises(Invalid):
        incident(**fields)


NOTICE = Notice(
    hospital="St. Mary",
    what_happened="A laptop was stolen.",
    your_steps="Watch your bills.",
    our_steps="We encrypt all laptops.",
    toll_free="0800 1",
    postal="1 Road",
)


def test_a_letter_has_the_five_parts_that_the_rule_asks_for():
    found, residents = people(MN=1)
    case = assess(incident(ended_ms=ms("2026-02-22")), found, residents)
    (story,) = letters(NOTICE, case, residents)
    text = plain_text(story)
    for part in (
        "A laptop was stolen. It happened from 2026-02-20 to 2026-02-22. We learned of it on 2026-03-01.",
        "these parts of your record: notes",
        "Watch your bills.",
        "We encrypt all laptops.",
        "telephone 0800 1",
    ):
        assert part in text
    assert document_pdf(story, title="Notice").startswith(b"%PDF-")


@pytest.mark.parametrize("part", ["what_happened", "your_steps", "our_steps", "toll_free", "postal", "hospital"])
def test_a_letter_without_a_part_is_not_written(part: str):
    import msgspec

    found, residents = people(MN=1)
    with pytest.raises(Invalid, match=part):
        list(letters(msgspec.structs.replace(NOTICE, **{part: " "}), assess(incident(), found, residents), residents))


def test_letters_go_to_those_who_can_be_reached_and_to_next_of_kin():
    found, residents = people(MN=3)
    residents["MN-0"] = Resident(patient="MN-0", state="MN")
    residents["MN-1"] = Resident(patient="MN-1", name="Ann", lines=("L",), city="C", state="MN", deceased=True)
    written = [plain_text(story) for story in letters(NOTICE, assess(incident(), found, residents), residents)]
    assert len(written) == 2
    assert "next of kin of Ann" in written[0]


def test_the_regulators_form_is_filled_in_from_the_ledger():
    form = regulator_form(assess(incident(), *people(MN=501)), NOTICE)
    assert form["individuals_affected"] == 501
    assert form["media_notice"] == ["MN"]
    assert form["types_of_information"] == ["notes"]
    assert (form["breach_start"], form["discovery"], form["notice_to_individuals_by"]) == (
        "2026-02-20",
        "2026-03-01",
        "2026-04-30",
    )


def test_the_list_of_patients_says_whether_a_letter_can_be_posted():
    found, residents = people(MN=1)
    rows = list(
        csv.DictReader(
            io.StringIO(patients_csv(assess(incident(), [*found, Affected("=x", (), ("r1",))], residents), residents))
        )
    )
    assert [(row["patient"], row["letter can be posted"]) for row in rows] == [("MN-0", "yes"), ("'=x", "no")]


def test_the_summary_says_what_is_due_when():
    text = summary(assess(incident(), *people(MN=501)), ms("2026-03-02"))
    assert "501 patients" in text
    assert "by 2026-04-30 (59 days left): tell prominent media in MN" in text


def test_patients_of_several_releases_are_listed_once():
    assert merged([("p2", "r1", ("notes",)), ("p1", "r1", ()), ("p2", "r2", ("notes", "labs"))]) == [
        Affected("p1", (), ("r1",)),
        Affected("p2", ("notes", "labs"), ("r1", "r2")),
    ]


@pytest.fixture
def drill(database: Engine) -> Engine:
    """Three releases from two machines under two keys, at three times."""
    log = new_log(database)
    log.commit([entry("agreement.activated", agreement=AGREEMENT)])
    for release, machine, names in (("r1", "m1", ("p1", "p2")), ("r2", "m2", ("p2", "p3")), ("r3", "m1", ("p4",))):
        egress = Egress(log, actor="a", machine=machine)
        at = log.clock.now_ms()
        egress.intent(intent(release, t_ms=at, machine=machine, objects=(f"key:k-{release}",)))
        egress.record_disclosures(release, patients(*names, data=pa.array([["notes"]] * len(names))))
        egress.done(release, artifact_sha256="ab" * 32, rows=1, size_bytes=1)
        log.clock.advance(DAY)
    return database


@pytest.mark.parametrize(
    ("window", "releases", "names"),
    [
        (Window(release="r2"), ["r2"], ["p2", "p3"]),
        (Window(key="k-r1"), ["r1"], ["p1", "p2"]),
        (Window(machine="m1"), ["r1", "r3"], ["p1", "p2", "p4"]),
        (Window(machine="m1", from_ms=START_MS + DAY, until_ms=START_MS + 3 * DAY), ["r3"], ["p4"]),
        (Window(machine="m1", until_ms=START_MS), [], []),
        (Window(agreement="dua-1"), ["r1", "r2", "r3"], ["p1", "p2", "p3", "p4"]),
        (Window(machine="m9"), [], []),
    ],
)
def test_an_incident_leads_to_its_releases_and_their_exact_patients(drill: Engine, window, releases, names):
    with read(drill) as connection:
        assert releases_in(connection, window) == releases
        assert [person.patient for person in affected_by(connection, releases)] == names
        assert forms_of(connection, releases) == ["limited-data-set"] * len(releases)


def test_an_incident_that_names_nothing_is_refused(database: Engine):
    full_ledger(database)
    with read(database) as connection, pytest.raises(UserError):
        releases_in(connection, Window(from_ms=1))


def test_a_resident_is_read_from_the_patients_record():
    resource = b"""{"resourceType":"Patient","name":[{"use":"old","family":"Old"},{"use":"official","given":["Ann","B"],"family":"Doe"}],
    "address":[{"use":"work","city":"W"},{"use":"home","line":["1 Road"],"city":"Rochester","state":"MN","postalCode":"55901"}],
    "telecom":[{"system":"phone","value":"1"},{"system":"email","value":"a@x.example"}],"deceasedDateTime":"2026-01-01"}"""
    assert resident_of("p1", resource) == Resident(
        patient="p1",
        name="Ann B Doe",
        lines=("1 Road",),
        city="Rochester",
        state="MN",
        postal_code="55901",
        email="a@x.example",
        deceased=True,
    )


@pytest.mark.parametrize("resource", [b"{}", b'{"name":[],"address":"x","telecom":[1]}', b'{"name":[{"text":"A"}]}'])
def test_a_record_without_an_address_gives_nobody_to_write_to(resource: bytes):
    assert not resident_of("p1", resource).reachable


def test_a_resident_abroad_is_counted_by_country():
    assert resident_of("p1", b'{"address":[{"city":"Ulm","country":"DE","state":"BW"}]}').state == "DE"

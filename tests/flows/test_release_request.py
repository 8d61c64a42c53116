"""Releases that rest on a request, and those that an agreement narrows to elements and a number of patients."""

import json

import msgspec
import pytest
from tests.support.hospitals import agree, hospital_with
from tests.support.requests import LAW, person, request_under

from bailee.agreements.documents import read_agreement
from bailee.core.errors import Denied
from bailee.engines.local import LocalEngine
from bailee.flows.profiles import plan_named
from bailee.flows.release.run import release
from bailee.flows.synthesize import write_hospital
from bailee.flows.verify import verify
from bailee.stores.sql.agreements import find_request, move_request, put_request
from bailee.stores.sql.database import read, write
from bailee.synthetic.agreement import agreement_text

NAME = "identified-notes"
ASKER = person("asker", "partner-admin")
REVIEWS = (
    ("check-evidence", person("irb", "irb-coordinator")),
    ("review-privacy", person("officer", "privacy-officer")),
    ("decide", person("first", "dac-member")),
    ("approve", person("first", "dac-member")),
    ("approve", person("second", "dac-member")),
    ("prepare", person("engineer", "data-engineer")),
    ("check-output", person("checker", "output-checker")),
)


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthetic") / "export"
    write_hospital(folder, patients=4, seed=3, truth=False)
    return folder


@pytest.fixture
def hospital(tmp_path, export):
    ready = hospital_with(tmp_path / "hospital", export)
    yield ready
    ready.close()


def terms_of(hospital, *changes):
    text = agreement_text(hospital.today(), name=NAME)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text


def identified(hospital):
    return terms_of(
        hospital,
        ("identifiability: safe-harbor", "identifiability: identified"),
        ("profile: safe-harbor", "profile: research-identified"),
        ("  kind: de-identified", LAW),
    )


def asked(hospital, terms):
    agreement = read_agreement(terms)
    return msgspec.structs.replace(
        request_under(agreement),
        elements={"Condition": ("code", "subject")},
        profile_sha256=plan_named(hospital.home, agreement.profile).sha256,
        recipients=("lumen-enclave",),
        expires_on=hospital.today().replace(year=hospital.today().year + 1),
    )


def rows_of(done, kind):
    """Read the released records of a type; there are some."""
    rows = [
        json.loads(line)
        for path in (done.folder / "ndjson").glob(f"{kind}.*")
        for line in path.read_text().splitlines()
    ]
    assert rows
    return rows


def advance(hospital, steps, request="request-1"):
    for action, who in (("submit", ASKER), *steps):
        with write(hospital.engine) as connection:
            move_request(connection, request, action, who, hospital.clock.now_ms())


@pytest.fixture
def requested(hospital):
    terms = identified(hospital)
    agree(hospital, terms)
    with write(hospital.engine) as connection:
        put_request(connection, asked(hospital, terms), ASKER, hospital.clock.now_ms())
    return hospital


def test_identified_records_do_not_leave_without_a_request(requested):
    with pytest.raises(Denied) as refused:
        release(requested, NAME, LocalEngine(1))
    assert "E-REQUEST" in refused.value.reasons


@pytest.mark.parametrize("done", range(len(REVIEWS)))
def test_a_request_that_has_not_come_all_the_way_releases_nothing(requested, done):
    advance(requested, REVIEWS[:done])
    with pytest.raises(Denied) as refused:
        release(requested, NAME, LocalEngine(1), request="request-1")
    assert "E-REQUEST" in refused.value.reasons
    assert not (requested.home.releases / NAME).exists()


def test_an_approved_request_is_released_narrowed_and_spent(requested):
    advance(requested, REVIEWS)
    done = release(requested, NAME, LocalEngine(1), request="request-1")
    assert set(done.manifest.records) == {"Patient", "Condition"}
    assert any("name" in row for row in rows_of(done, "Patient"))  # identified, as it was approved
    for row in rows_of(done, "Condition"):
        assert set(row) <= {
            "resourceType",
            "id",
            "meta",
            "code",
            "subject",
            "clinicalStatus",
            "verificationStatus",
        }
    with read(requested.engine) as connection:
        assert find_request(connection, "request-1").progress.state == "RELEASED"
    assert list(verify(requested)) == []
    with pytest.raises(Denied):
        release(requested, NAME, LocalEngine(1), request="request-1")


def test_a_request_that_is_revoked_while_its_release_is_made_stops_it(requested, monkeypatch):
    advance(requested, REVIEWS)
    from bailee.flows.release import run

    made = run._hold_counts

    def revoked_meanwhile(*args):
        with write(requested.engine) as connection:
            officer = person("officer", "privacy-officer")
            move_request(connection, "request-1", "revoke", officer, requested.clock.now_ms())
        made(*args)

    monkeypatch.setattr(run, "_hold_counts", revoked_meanwhile)
    with pytest.raises(Denied):
        release(requested, NAME, LocalEngine(1), request="request-1")
    assert not (requested.home.releases / NAME).exists()


def test_only_the_elements_that_an_agreement_names_leave(hospital):
    agree(
        hospital,
        terms_of(hospital, ("  cohort:\n", "  elements:\n    Observation: [code, effectiveDateTime]\n  cohort:\n")),
    )
    done = release(hospital, NAME, LocalEngine(1))
    rows = rows_of(done, "Observation")
    assert {key for row in rows for key in row} <= {
        "resourceType", "id", "meta", "status", "code", "subject", "effectiveDateTime", "_effectiveDateTime",
    }  # fmt: skip
    assert any("class" in row and "period" in row for row in rows_of(done, "Encounter"))


def test_more_patients_than_agreed_are_not_released(hospital):
    agree(hospital, terms_of(hospital, ("  cohort:\n", "  patients_at_most: 1\n  cohort:\n")))
    with pytest.raises(Denied) as refused:
        release(hospital, NAME, LocalEngine(1))
    assert list(refused.value.reasons) == ["E-SCOPE-COHORT"]
    assert not (hospital.home.releases / NAME).exists()

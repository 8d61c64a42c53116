"""A whole release heeds a consent store that the hospital's configuration binds, and the links between a person's ids."""

from pathlib import Path

import pytest
from tests.support.hospitals import AGREEMENT, hospital_with, opened

from bailee.consent.management import AttributeDefinition, Consent, ConsentArtifact, ConsentStore, Policy
from bailee.core.errors import Denied
from bailee.engines.local import LocalEngine
from bailee.flows.hospital import Hospital
from bailee.flows.release.run import release
from bailee.flows.synthesize import write_hospital
from bailee.stores.home import CONFIGURATION
from bailee.stores.sql import consent_stores as stores
from bailee.stores.sql.consent_stores import Actor
from bailee.stores.sql.database import read, write
from bailee.stores.sql.ledger_people import patients_of

RULE = "purpose == 'HRESCH'"


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("with-stores") / "export"
    write_hospital(folder, patients=4, seed=11)
    return folder


def bound(folder: Path, export: Path) -> Hospital:
    """Make a hospital that binds the store `portal`."""
    hospital_with(folder, export).close()
    path = folder / CONFIGURATION
    path.write_text(path.read_text("utf-8").replace("consent_stores = []", 'consent_stores = ["portal"]'))
    return opened(folder)


def put(hospital: Hospital, user: str, rule: str = RULE) -> None:
    """Let a user refuse in the store."""
    actor = Actor("olga", hospital.clock.now_ms())
    refusal = Policy(authorization_rule=rule, effect="DENY")
    with write(hospital.engine) as connection:
        stores.create_store(connection, "portal", ConsentStore(), actor)
        purpose = AttributeDefinition(category="REQUEST", allowed_values=("HRESCH", "HMARKT"))
        stores.create_definition(connection, "portal", "purpose", purpose, actor)
        stores.create_artifact(connection, "portal", "proof", ConsentArtifact(user_id="x"), actor)
        consent = Consent(user_id=user, policies=(refusal,), consent_artifact="proof", state="ACTIVE")
        stores.create_consent(connection, "portal", "no", consent, actor)


def released(hospital: Hospital) -> set[str]:
    done = release(hospital, AGREEMENT, LocalEngine(1))
    with read(hospital.engine) as connection:
        return {name for table in patients_of(connection, done.plan.release) for name in table["patient"].to_pylist()}


def test_who_refuses_in_a_store_that_binds_is_not_in_the_release(tmp_path: Path, export: Path) -> None:
    hospital = bound(tmp_path / "a", export)
    put(hospital, "nobody-here")
    everybody = released(hospital)
    refusing = min(everybody)
    actor = Actor("olga", hospital.clock.now_ms())
    consent = Consent(
        user_id=refusing,
        policies=(Policy(authorization_rule=RULE, effect="DENY"),),
        consent_artifact="proof",
        state="ACTIVE",
    )
    with write(hospital.engine) as connection:
        stores.create_consent(connection, "portal", "late", consent, actor)
    assert released(hospital) == everybody - {refusing}
    hospital.close()


def test_without_the_store_or_with_a_refusal_of_nobody_known_nothing_is_released(tmp_path: Path, export: Path) -> None:
    hospital = bound(tmp_path / "b", export)
    with pytest.raises(Denied) as absent:
        release(hospital, AGREEMENT, LocalEngine(1))
    assert "E-INPUT" in absent.value.reasons
    put(hospital, "user_of_nobody")
    with pytest.raises(Denied, match="name no patient"):
        release(hospital, AGREEMENT, LocalEngine(1))
    hospital.close()

"""The vault gives back what was put in, newest first, and notices every change to a byte."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailee.core.errors import Conflict, Invalid
from bailee.core.keys import Secret
from bailee.stores.lake.intake import ROWS, Intake, one_at_a_time
from bailee.stores.lake.vault import Vault

MASTER = Secret(bytes(range(32)))


def rows(*records):
    """Make rows from (type, id, patient, updated, content) tuples."""
    columns = list(
        zip(*[(t, i, p, u, hash(j) & 0xFFFF, 0, n, j.encode()) for n, (t, i, p, u, j) in enumerate(records)])
    )
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, ROWS)], schema=ROWS)


def put(vault, *batches, expected_bytes=0):
    with Intake(vault, expected_bytes=expected_bytes) as intake:
        for batch in batches:
            intake.add(batch)
        return intake.commit(())


def everything(vault):
    found = []
    for part in vault.manifest().partitions:
        found += vault.read(part).records.rows.select(["type", "id", "json"]).to_pylist()
    return sorted((row["type"], row["id"], row["json"].decode()) for row in found)


@pytest.fixture
def vault(tmp_path):
    made = Vault(tmp_path / "vault", MASTER)
    made.create()
    return made


def test_an_empty_vault_holds_nothing(vault):
    assert everything(vault) == []


def test_a_record_without_a_patient_is_kept_apart(vault):
    put(vault, rows(("Organization", "o", None, 0, "{}"), ("Patient", "p", "p", 0, "{}")))
    shared = [part for part in vault.manifest().partitions if part.shared and part.segments]
    assert [vault.read(part).records.rows["id"].to_pylist() for part in shared] == [["o"]]


def test_every_row_has_one_fate(vault):
    done = put(
        vault,
        rows(
            ("Patient", "p", "p", 1, "first"),
            ("Patient", "p", "p", 1, "first"),
            ("Patient", "p", "p", 1, "other"),
            ("Patient", "p", "p", 0, "older"),
            ("Patient", "q", "q", 5, "q"),
        ),
    )
    assert (done.current, done.duplicates, done.superseded, done.conflicts["line"].to_pylist()) == (2, 1, 1, [2])
    assert everything(vault) == [("Patient", "p", "first"), ("Patient", "q", "q")]


def test_a_newer_version_replaces_an_older_one(vault):
    put(vault, rows(("Patient", "p", "p", 1, "old")))
    put(vault, rows(("Patient", "p", "p", 2, "new")))
    assert everything(vault) == [("Patient", "p", "new")]
    assert vault.read(vault.manifest(1).partitions[0]).records.rows["json"].to_pylist() == [b"old"]


def test_a_patient_keeps_the_root_given_first(vault):
    put(vault, rows(("Patient", "p", "p", 1, "old")))
    before = vault.read(vault.manifest().partitions[0]).roots
    put(vault, rows(("Patient", "p", "p", 2, "new")))
    assert vault.read(vault.manifest().partitions[0]).roots == before


def test_a_partition_that_outgrows_its_size_is_split(vault, monkeypatch):
    monkeypatch.setattr("bailee.stores.lake.intake.PARTITION_BYTES", 200)
    records = [("Patient", f"p{n}", f"p{n}", 0, "x" * 50) for n in range(100)]
    put(vault, rows(*records[:60]))
    done = put(vault, rows(*records[60:]))
    parts = [part for part in done.manifest.partitions if not part.shared]
    assert len(parts) > 8
    assert all(part.size_bytes <= 400 for part in parts)
    assert everything(vault) == sorted((t, i, j) for t, i, _, _, j in records)
    assert sum(len(vault.read(part).roots) for part in parts) == 100


def test_what_is_not_committed_is_never_seen(vault):
    intake = Intake(vault, expected_bytes=0)
    intake.add(rows(("Patient", "p", "p", 1, "x")))
    intake._flush()
    assert everything(vault) == []
    assert vault.sweep() == 1
    intake.abandon()


def test_two_intakes_at_once_conflict(vault):
    first, second = Intake(vault, expected_bytes=0), Intake(vault, expected_bytes=0)
    first.add(rows(("Patient", "p", "p", 1, "x")))
    second.add(rows(("Patient", "q", "q", 1, "x")))
    first.commit(())
    with pytest.raises(Conflict), second:
        second.commit(())
    with one_at_a_time(vault.folder), pytest.raises(Conflict), one_at_a_time(vault.folder):
        pass


def test_no_value_lies_in_the_clear(vault):
    put(vault, rows(("Patient", "p", "canary-id-7391", 1, '{"canary":"Zebedee"}')))
    stored = b"".join(path.read_bytes() for path in vault.folder.rglob("*") if path.is_file())
    assert b"Zebedee" not in stored
    assert b"7391" not in stored


@given(st.data())
def test_any_changed_byte_is_noticed(tmp_path_factory, data):
    vault = Vault(tmp_path_factory.mktemp("v"), MASTER)
    vault.create()
    put(vault, rows(("Patient", "p", "p", 1, "x")))
    part = next(part for part in vault.manifest().partitions if part.segments)
    path = vault.segments / part.segments[0].name
    content = bytearray(path.read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    content[where] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    with pytest.raises(Invalid):
        vault.read(part)


def test_another_key_opens_nothing(vault):
    put(vault, rows(("Patient", "p", "p", 1, "x")))
    other = Vault(vault.folder, Secret(b"o" * 32))
    with pytest.raises(Invalid):
        other.read(next(part for part in other.manifest().partitions if part.segments))


def test_a_record_whose_patient_is_corrected_leaves_its_old_place(vault):
    put(vault, rows(("Observation", "o", "p", 1, "about p"), ("Patient", "p", "p", 0, "p")), expected_bytes=1 << 30)
    done = put(vault, rows(("Observation", "o", "q", 2, "about q"), ("Observation", "n", "q", 0, "n")))
    assert (done.current, done.superseded) == (2, 0)
    assert everything(vault) == [("Observation", "n", "n"), ("Observation", "o", "about q"), ("Patient", "p", "p")]


def test_an_older_version_about_another_patient_does_not_stay(vault):
    put(vault, rows(("Observation", "o", "p", 2, "about p")), expected_bytes=1 << 30)
    done = put(vault, rows(("Observation", "o", "q", 1, "about q")))
    assert (done.current, done.superseded) == (0, 1)
    assert everything(vault) == [("Observation", "o", "about p")]


def test_the_same_id_for_two_patients_at_once_is_a_conflict(vault):
    done = put(vault, rows(("Observation", "o", "p", 1, "about p"), ("Observation", "o", None, 1, "about nobody")))
    assert (done.current, done.conflicts.num_rows) == (1, 1)
    assert len(everything(vault)) == 1


def test_a_corrected_record_may_come_back(vault):
    for day, patient in enumerate("pqp"):
        put(vault, rows(("Observation", "o", patient, 10 * day, f"about {patient} on {day}")), expected_bytes=1 << 30)
    assert everything(vault) == [("Observation", "o", "about p on 2")]


def test_the_shards_split_and_still_know_every_place(vault, monkeypatch):
    monkeypatch.setattr("bailee.stores.lake.relocation.SHARD_KEYS", 20)
    put(vault, rows(*[("Observation", f"o{n}", "p", 1, "p") for n in range(15)]))
    put(vault, rows(*[("Observation", f"n{n}", "p", 1, "p") for n in range(15)]))
    assert len(vault.manifest().keys) == 2
    done = put(vault, rows(*[("Observation", f"o{n}", "q", 2, "q") for n in range(15)]))
    assert done.current == 15
    assert len(everything(vault)) == 30

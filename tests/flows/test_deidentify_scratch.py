"""Identified records lie beside the output only while a run lasts; a person is one person in every file."""

import signal
import subprocess
import sys

import pytest

from bailee.core.errors import UserError
from bailee.core.keys import Secret
from bailee.deid.formats.identities import authority
from bailee.flows.deidentify.kinds import sort_files
from bailee.flows.deidentify.persons import Persons
from bailee.flows.deidentify.scratch import scratch_folder, sweep

KEY = Secret(bytes(range(32)))
KILLED = """
import os, signal, sys
from pathlib import Path
from bailee.flows.deidentify.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "records").write_text("sealed")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_left_is_removed_by_the_next(tmp_path):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".vault-*/records"))) == 1
    with scratch_folder(tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]
    assert list(tmp_path.iterdir()) == []


STOPPED = """
import os, signal, sys
from pathlib import Path
from bailee.cli.deid import _stopped
from bailee.flows.deidentify.scratch import scratch_folder
signal.signal(signal.SIGTERM, _stopped)
with scratch_folder(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGTERM)
    signal.pause()
"""


def test_a_run_that_is_told_to_stop_leaves_nothing(tmp_path):
    assert subprocess.run([sys.executable, "-c", STOPPED, str(tmp_path)], check=False).returncode == 143
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_lasts_keeps_its_folder_and_folders_of_others_stay(tmp_path):
    (tmp_path / ".vault-mine").mkdir()
    with scratch_folder(tmp_path) as folder:
        assert sweep(tmp_path) == 0
        assert folder.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [".vault-mine"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(KeyError), scratch_folder(tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_persons_who_share_an_identifier_are_one_in_whatever_order_they_are_met():
    groups = [[("ns:a", "12"), ("oid:1.2", "34")], [("oid:1.2", "34"), ("ns:b", "56")], [("ns:b", "78")]]
    roots = []
    for order in ((0, 1, 2), (2, 1, 0), (1, 0, 2)):
        persons = Persons(KEY)
        for number in order:
            persons.meet(groups[number])
        roots.append([persons.root(group[:1]) for group in groups])
    assert roots[0] == roots[1] == roots[2]
    assert roots[0][0] == roots[0][1] != roots[0][2]


def test_a_patient_of_fhir_gives_the_root_to_all_who_share_an_identifier():
    persons = Persons(KEY)
    persons.meet([("ns:a", "12"), ("ns:b", "99x")])
    persons.meet([("ns:a", "12")], patient="p1")
    assert persons.root([("ns:b", "99x")]) == persons.root_of_patient("p1")


def test_a_number_that_many_share_makes_no_one_of_many():
    persons = Persons(KEY)
    persons.meet([("ns:a", "12"), ("oid:2.16.840.1.113883.4.1", "123-45-6789")])
    persons.meet([("ns:a", "34"), ("oid:2.16.840.1.113883.4.1", "123-45-6789")])
    persons.meet([("ns:a", "12"), ("ns:c", "0000")])
    persons.meet([("ns:a", "34"), ("ns:c", "0000")])
    assert persons.root([("ns:a", "12")]) != persons.root([("ns:a", "34")])
    assert persons.root([]) is None


def test_an_authority_is_the_same_in_every_format():
    assert authority("urn:oid:2.16.840.1.1") == authority("2.16.840.1.1")
    assert authority("MAIN ") == authority("main") != authority("http://main")


def test_files_are_sorted_by_kind_and_what_is_of_none_is_counted(tmp_path):
    (tmp_path / "Patient.ndjson").write_text("")
    (tmp_path / "letter.docx").write_bytes(b"PK")
    found = sort_files(tmp_path)
    assert [(kind.name, len(files)) for kind, files in found.by_kind.items()] == [("FHIR", 1)]
    assert [each.shown for each in found.unknown] == ["file 1"]
    with pytest.raises(UserError):
        sort_files(tmp_path / "letter.docx")

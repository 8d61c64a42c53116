"""`bailee deid` on C-CDA files: whole documents without the patient, or refused with a reason; one person in every format."""

import hmac
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from tests.formats.test_ccda_rules import DOCUMENT, HOSTILE, NS

from bailee.cli.main import main
from bailee.core.clock import FixedClock, ms_from_iso
from bailee.core.keys import AgreementKeys, Secret
from bailee.deid.cda.engine import Engine
from bailee.deid.cda.plan import shipped_plan
from bailee.deid.formats.passages import Passage
from bailee.deid.formats.persons import Ids, Person
from bailee.deid.formats.tally import FormatTally
from bailee.flows.deidentify import ccda
from bailee.flows.deidentify.profile import deidentify_files
from bailee.records.cda.reading import tree_from_bytes
from bailee.synthetic.canaries import Flock
from bailee.synthetic.traces import Scanner

KEY = Secret(bytes(range(32)))
CLOCK = FixedClock(ms_from_iso("2026-06-15"))
KNOWN = "(?:given|family|streetAddressLine|city)"


def run(tmp_path, files, profile="safe-harbor", key=KEY, name="out"):
    source = tmp_path / f"in-{name}"
    source.mkdir()
    for file, content in files.items():
        (source / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    account = deidentify_files(source, tmp_path / name, profile, key, clock=CLOCK)
    return account, {path.name: path.read_bytes() for path in sorted((tmp_path / name / "ccda").glob("*.xml"))}


def only(outs):
    (content,) = outs.values()
    return content


def test_a_document_comes_out_without_the_patient(tmp_path):
    account, outs = run(tmp_path, {"Jane Doe.xml": DOCUMENT})
    said = only(outs).decode()
    for word in ("Jane", "Doe", "Ames", "Elm", "123456", "5551234567", "555-1234567", "0102"):
        assert word not in said
    assert "cough" in said
    assert "Summary of" in said
    assert account.left["C-CDA document"] == 1
    assert len(tree_from_bytes(only(outs))) > 5


def _names(root):
    """List what a document calls its people, by a reading of its own."""
    found = set()
    for name in ("given", "family", "streetAddressLine", "city"):
        for element in root.iter(f"{{{NS['c']}}}{name}"):
            found.update(word.strip(".,") for word in "".join(element.itertext()).split())
    found.update(each.get("value", "").rpartition(":")[2] for each in root.iter(f"{{{NS['c']}}}telecom"))
    return {word for word in found if len(word) > 4}


def test_no_document_of_the_shared_set_lets_its_people_out(tmp_path, shared):
    files = {
        f"{number}.xml": path.read_bytes()
        for number, path in enumerate(sorted((shared / "ccda_hl7_examples").rglob("*.xml")))
    }
    account, outs = run(tmp_path, files)
    assert account.left["C-CDA document"] == len(outs) == len(files) > 140
    met = 0
    for name, content in files.items():
        known = _names(tree_from_bytes(content))
        met += len(known)
        root = tree_from_bytes(outs[run_name(name)])
        said = " ".join([*root.itertext(), *(value for each in root.iter() for value in each.attrib.values())])
        assert sorted(known & {word.strip(".,;:()") for word in said.split()} - COMMON) == [], name
    assert met > 700


def run_name(name):
    return hmac.digest(AgreementKeys.of(KEY, "files").subkey("file names"), name.encode(), "sha256").hex()[:24] + ".xml"


# Words of institutions' names that are words of medicine, too.
COMMON = {"Health", "Healthcare", "Insurance", "Cardiac", "Rehab", "Suite", "Physicians"}


@pytest.mark.parametrize("profile", ["safe-harbor", "limited-data-set", "expert-determination"])
def test_no_canary_is_in_any_text_that_leaves(tmp_path, profile):
    flock, files = Flock(9), {}
    for _ in range(8):
        name, street, phone, mrn = (flock.make(letter).value for letter in "ABDH")
        given, family = name.split()
        content = (
            DOCUMENT.replace("Jane Doe", name)
            .replace("Jane ", f"{given} ")
            .replace(">Jane<", f">{given}<")
            .replace(">Doe<", f">{family}<")
        )
        content = content.replace("9 Elm St", street).replace("555-1234567", phone).replace("123456", mrn)
        content = content.replace(
            "cough",
            f"cough of {given[:3]}<sub>{given[3:]}</sub> <content ID='{family}'>{family.upper()}</content> ({mrn}, {phone}, {street})",
        )
        files[f"{name}.xml"] = content
    account, outs = run(tmp_path, files, profile)
    scanner = Scanner(flock.canaries)
    for name, content in outs.items():
        assert [(trace.canary, trace.encoding) for trace in scanner.traces(name.encode() + content)] == []
    assert scanner.traces(repr(account).encode()) == []


def test_a_person_is_one_in_fhir_hl7v2_and_ccda(tmp_path):
    patient = {
        "resourceType": "Patient",
        "id": "p1",
        "birthDate": "1980-01-02",
        "identifier": [{"system": "urn:oid:1.2.3.4", "value": "123456"}],
    }
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/p1"},
        "recordedDate": "2026-01-02",
    }
    message = "MSH|^~\\&|A|B||||1|ADT^A01|7|P|2.5\rPID|1||123456^^^&1.2.3.4&ISO^MR||Doe^Jane||19800102\rDG1|1|||Cough|20260102\r"
    files = {"a.ndjson": "\n".join(map(json.dumps, (patient, condition))), "b.hl7": message, "c.xml": DOCUMENT}
    _, outs = run(tmp_path, files, "expert-determination")
    told = json.loads((tmp_path / "out" / "Patient.ndjson").read_text())
    moved = json.loads((tmp_path / "out" / "Condition.ndjson").read_text())["recordedDate"].replace("-", "")
    (path,) = (tmp_path / "out" / "hl7v2").iterdir()
    pid, diagnosis = (
        path.read_text().split("\n")[0].split("\r")[1:3]
        if "\r" in path.read_text()
        else path.read_bytes().decode().split("\r")[1:3]
    )
    root = tree_from_bytes(only(outs))
    assert pid.split("|")[3].split("^")[0] == root.find(".//c:patientRole/c:id", NS).get("extension") == told["id"]
    assert diagnosis.split("|")[5] == root.find(".//c:observation/c:effectiveTime", NS).get("value") == moved


def test_the_same_bytes_come_out_whatever_the_batches_are(tmp_path, monkeypatch):
    files = {f"{number}.xml": DOCUMENT.replace("123456", f"1234{number}") for number in range(5)}
    _, whole = run(tmp_path, files, "expert-determination", name="whole")
    monkeypatch.setattr(ccda, "BATCH_DOCUMENTS", 2)
    _, parts = run(tmp_path, files, "expert-determination", name="parts")
    assert whole == parts
    _, others = run(tmp_path, files, "expert-determination", key=Secret(b"k" * 32), name="others")
    assert not set(others) & set(whole)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_told_by_number_and_never_quoted(tmp_path, capsys, name):
    source, key = tmp_path / "in", tmp_path / "key"
    source.mkdir()
    content = HOSTILE[name]
    (source / "Jane Doe.xml").write_bytes(content if isinstance(content, bytes) else content.encode())
    (source / "good.xml").write_text(DOCUMENT)
    key.write_text("ab" * 32)
    key.chmod(0o600)
    code = main(["deid", str(source), str(tmp_path / "out"), "--profile", "safe-harbor", "--key-file", str(key)])
    said = capsys.readouterr()
    assert "Jane" not in said.out + said.err
    assert len(list((tmp_path / "out" / "ccda").iterdir())) == 1
    if name == "other":
        assert "1 files passed over" in said.err
    else:
        assert code == 65
        assert "C-CDA file 1, document 1: " in said.err


INLINE = st.sampled_from(["content", "sub", "sup", "linkHtml"])
BLOCK = st.sampled_from(["paragraph", "list", "item", "td", "caption"])
WORD = st.sampled_from(["a", "Jane", "cough ", " of", "\n", "  ", "ü", "&amp;"])


def markup(children):
    return st.tuples(INLINE | BLOCK, st.lists(children, max_size=3)).map(
        lambda made: f"<{made[0]}>{''.join(made[1])}</{made[0]}>"
    )


@given(st.lists(st.recursive(WORD, markup, max_leaves=12), max_size=5).map("".join))
@settings(max_examples=150)
def test_a_narrative_that_needs_no_cleaning_is_the_same(body):
    content = f'<section xmlns="urn:hl7-org:v3"><text>{body}</text></section>'
    draft = Engine(shipped_plan("safe-harbor"), Ids(_keys()), zip3=(), pseudonym_of=lambda _: "").draft(
        tree_from_bytes(content.encode()), 0, Person("p", None, ninety=False), FormatTally()
    )
    out = draft.finish([each.pieces for each in draft.passages])
    for passage in draft.passages:
        assert [passage.text()[start:end] for start, end in passage.places()] == passage.pieces
    assert etree.tostring(out.find("c:text", NS), method="c14n") == etree.tostring(
        etree.fromstring(content, etree.XMLParser()).find("c:text", NS), method="c14n"
    ).replace(
        b'<text xmlns="urn:hl7-org:v3">', etree.tostring(out.find("c:text", NS), method="c14n").split(b">")[0] + b">", 1
    )


def _keys():
    return AgreementKeys.of(KEY, "test")


@given(st.lists(st.tuples(st.text(max_size=6), st.sampled_from(["", " ", "\n"])), min_size=1, max_size=6))
def test_pieces_of_a_passage_stand_where_it_says(parts):
    passage = Passage(0)
    for piece, glue in parts:
        passage.add(piece, glue)
    assert [passage.text()[start:end] for start, end in passage.places()] == [piece for piece, _ in parts]

"""`bailee deid` on HL7 v2 files: whole, framed and batched as they came, without the patient, or refused with a reason."""

import json
import re

import pytest

from bailee.cli.main import main
from bailee.core.clock import FixedClock, ms_from_iso
from bailee.core.keys import Secret
from bailee.flows.deidentify import hl7v2
from bailee.flows.deidentify.profile import deidentify_files
from bailee.records.hl7v2.charset import text_of_bytes
from bailee.records.hl7v2.files import parts_of
from bailee.records.hl7v2.message import message_from_text
from bailee.synthetic.canaries import Flock
from bailee.synthetic.traces import Scanner

KEY = Secret(bytes(range(32)))
CLOCK = FixedClock(ms_from_iso("2026-06-15"))
MSH = r"MSH|^~\&|LAB|MAIN|EHR||20260102||ORU^R01^ORU_R01|77|P|2.5.1"
PID = "PID|1||123456^^^MAIN&1.2.3&ISO^MR||Quillfeather^Zebedee||19800517|M|||9 Elm St^^Ames^IA^50010^USA||6175550142"
NOTE = [
    "OBX|1|TX|1^^||Mr. Zebedee",
    "OBX|2|TX|1^^||Quillfeather of Ames was seen on 03/04/2021 for a cough.",
    "NTE|1||Zebedee feels better.",
]


def one(*lines, end="\r"):
    return (end.join(lines) + end).encode()


def run(tmp_path, files, profile="safe-harbor", key=KEY, name="out", **more):
    source = tmp_path / f"in-{name}"
    source.mkdir()
    for file, content in files.items():
        (source / file).write_bytes(content)
    account = deidentify_files(source, tmp_path / name, profile, key, clock=CLOCK, **more)
    return account, outputs(tmp_path / name)


def outputs(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "hl7v2").glob("*.hl7"))}


def only(outs):
    (content,) = outs.values()
    return content


def test_a_message_comes_out_without_the_patient(tmp_path):
    account, outs = run(tmp_path, {"Quillfeather.hl7": one(MSH, PID, *NOTE)})
    said = only(outs).decode()
    for word in ("Quillfeather", "Zebedee", "Ames", "6175550142", "123456", "0517", "03/04", "Elm", "MAIN"):
        assert word not in said
    assert "cough" in said
    assert not any("Quill" in name for name in outs)
    assert account.left["HL7v2 message"] == account.came["HL7v2 message"] == 1
    assert [line.split("|")[0] for line in said.split("\r")] == ["MSH", "PID", "OBX", "OBX", "NTE", ""]


def test_a_name_over_the_end_of_a_line_is_found_though_nobody_knows_it(tmp_path):
    filler = "The patient came to the clinic for a follow-up visit of the cough and fever, which got better with rest and fluids over the last week. "
    lines = [
        MSH,
        "PID|1||123456",
        f"OBX|1|TX|1^^||{filler}Call his daughter Mrs. Henrietta",
        "OBX|2|TX|1^^||Blackwood-Jones at home tonight.",
    ]
    said = only(run(tmp_path, {"a.hl7": one(*lines)})[1]).decode()
    assert "Blackwood" not in said
    assert "Henrietta" not in said


def test_batches_frames_and_line_ends_stay_and_messages_are_counted_anew(tmp_path):
    broken = one(MSH, PID).replace(b"PID", b"\x00ID")
    content = (
        b"FHS|^~\\&|A|B\r\nBHS|^~\\&|A|B\r\n"
        + one(MSH, PID, end="\r\n")
        + broken
        + one(MSH.replace("77", "78"), PID, end="\n")
        + b"BTS|3\r\nFTS|1\r\n"
    )
    account, outs = run(tmp_path, {"a.hl7": content})
    parts = list(parts_of([only(outs)]))
    assert [part.name for part in parts] == ["FHS", "BHS", "MSH", "MSH", "BTS", "FTS"]
    assert parts[4].body == b"BTS|2\r\n"
    assert parts[2].body.endswith(b"\r\n")
    assert not parts[3].body.endswith(b"\r\n")
    assert account.unread.total() == 1
    _, outs = run(
        tmp_path, {"a.hl7": b"\x0b" + one(MSH, PID) + b"\x1c\r\x0b" + one(MSH, PID) + b"\x1c\r"}, name="framed"
    )
    assert [(part.lead, part.tail) for part in parts_of([only(outs)])] == [(b"\x0b", b"\x1c\r")] * 2


def test_the_output_is_read_again_and_is_the_same_in_form(tmp_path, shared):
    source = shared / "hl7v2_fhir_converter"
    files = {path.name: path.read_bytes() for path in source.glob("*.hl7")}
    account, outs = run(tmp_path, files)
    assert account.left["HL7v2 message"] == len(files) == len(outs) > 130
    for content in outs.values():
        for part in parts_of([content]):
            message = message_from_text(text_of_bytes(part.body)[0])
            header = message.segments[0]
            assert all(header.field(number) for number in (2, 9, 10, 11, 12))


def _known(content):
    """List what a message calls its people, by a reading of its own: names, streets, telephones, numbers."""
    known = set()
    for line in re.split(r"[\r\n]+", content.decode("utf-8-sig")):
        fields = line.split("|")
        places = {
            "PID": (3, 5, 6, 9, 11, 13, 14, 18, 19, 20),
            "NK1": (2, 4, 5),
            "GT1": (3, 5, 6),
            "IN1": (16, 19, 36, 49),
            "MRG": (1,),
        }
        for number in places.get(fields[0].lstrip("\ufeff"), ()):
            for repeat in (fields[number] if number < len(fields) else "").split("~"):
                parts = [sub for part in repeat.split("^")[:3] for sub in part.split("&")]
                known.update(word for part in parts for word in re.split(r"[ ,.]+", part))
    return {word for word in known if len(word) > 4 and not word.startswith(('"', "STREET"))}


def test_no_message_of_the_shared_set_lets_its_people_out(tmp_path, shared):
    held = 0
    for number, path in enumerate(sorted((shared / "hl7v2_fhir_converter").glob("*.hl7"))):
        content = path.read_bytes()
        known = _known(content)
        held += len(known)
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / f"{number}.hl7").write_bytes(content)
    deidentify_files(tmp_path / "in", tmp_path / "out", "safe-harbor", KEY, clock=CLOCK)
    said = b"\n".join(outputs(tmp_path / "out").values()).decode()
    words = set(re.findall(r"[\w'-]+", said))
    everyone = set().union(*(_known(path.read_bytes()) for path in (tmp_path / "in").iterdir()))
    assert held > 500
    assert sorted(everyone & words - COMMON) == []


COMMON = {"Hospital"}  # no name by itself


@pytest.mark.parametrize("profile", ["safe-harbor", "limited-data-set", "expert-determination"])
def test_no_canary_is_in_any_text_that_leaves(tmp_path, profile):
    flock = Flock(9)
    files = {}
    for number in range(12):
        name, street, phone, mail, mrn = (flock.make(letter).value for letter in "ABDFH")
        family, given = name.split()[1], name.split()[0]
        lines = [
            MSH, f"PID|1||{mrn}^^^MAIN^MR||{family}^{given}||19800517|F|||{street}^^Ames^IA^50010||{phone}^PRN^PH^{mail}",
            f"OBX|1|TX|1^^||{given}", f"OBX|2|FT|1^^||{family.upper()} lives at {street}.\\.br\\Call {phone} or {mail}.",
            f"NTE|1||{family}, {given} (MRN {mrn}) feels better~seen by \\H\\{given[:4]}\\N\\{given[4:]}",
            f"DG1|1||^Cough of {name}^L|Cough of {family}", f"OBX|3|ED|1^^||^TEXT^^A^{given} {family} was seen",
        ]  # fmt: skip
        files[f"{family} {number}.hl7"] = one(*lines)
    account, outs = run(tmp_path, files, profile)
    scanner = Scanner(flock.canaries)
    for name, content in outs.items():
        assert [(trace.canary, trace.encoding) for trace in scanner.traces(name.encode() + content)] == []
    assert scanner.traces(repr(account).encode()) == []


def test_a_person_is_one_in_fhir_and_hl7v2(tmp_path):
    patient = {
        "resourceType": "Patient", "id": "p1", "birthDate": "1980-05-17",
        "identifier": [{"system": "urn:oid:1.2.3", "value": "123456"}],
    }  # fmt: skip
    condition = {
        "resourceType": "Condition",
        "id": "c",
        "subject": {"reference": "Patient/p1"},
        "recordedDate": "2021-03-04",
    }
    records = "\n".join(map(json.dumps, (patient, condition))).encode()
    message = one(MSH, PID, "DG1|1|||Cough|20210304")
    other = one(MSH, "PID|1||99^^^ELSE~123456^^^MAIN||Quill^Z", "DG1|1|||Cough|20210304")
    _, outs = run(tmp_path, {"a.ndjson": records, "b.hl7": message, "c.hl7": other}, "expert-determination")
    told = json.loads((tmp_path / "out" / "Patient.ndjson").read_text())
    moved = json.loads((tmp_path / "out" / "Condition.ndjson").read_text())["recordedDate"]
    for content in outs.values():
        lines = content.decode().split("\r")
        assert lines[1].split("|")[3].split("^")[0] == told["id"]
        assert lines[2].split("|")[5] == moved.replace("-", "")


@pytest.mark.parametrize("profile", ["safe-harbor", "expert-determination"])
def test_the_same_bytes_come_out_whatever_the_batches_are(tmp_path, profile, monkeypatch):
    files = {f"{number}.hl7": one(MSH, PID.replace("123456", f"1234{number}"), *NOTE) * 3 for number in range(5)}
    _, whole = run(tmp_path, files, profile, name="whole")
    monkeypatch.setattr(hl7v2, "BATCH_MESSAGES", 2)
    _, parts = run(tmp_path, files, profile, name="parts")
    assert whole == parts
    _, others = run(tmp_path, files, profile, key=Secret(b"k" * 32), name="others")
    assert not set(others) & set(whole)


HOSTILE = {
    "cut": one(MSH, PID)[:-40],
    "latin": one(MSH, PID.replace("Zebedee", "Zébédée")).decode().encode("latin-1"),
    "no-header": b"MSH|||\rPID|1\r",
    "nul": one(MSH, PID, "OBX|1|TX|||a\x00b"),
    "utf-16": one(MSH, PID).decode().encode("utf-16"),
    "one-line": b"MSH|^~\\&",
    "bells": b"MSH|^~\\&\x07\rPID|1\r",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_or_cleaned_and_never_quoted(tmp_path, capsys, name):
    source, key = tmp_path / "in", tmp_path / "key"
    source.mkdir()
    (source / "Quillfeather.hl7").write_bytes(HOSTILE[name])
    (source / "good.hl7").write_bytes(one(MSH, PID))
    key.write_text("ab" * 32)
    key.chmod(0o600)
    main(["deid", str(source), str(tmp_path / "out"), "--profile", "safe-harbor", "--key-file", str(key)])
    said = capsys.readouterr()
    everything = (
        said.out + said.err + "".join(content.decode("latin-1") for content in outputs(tmp_path / "out").values())
    )
    assert "Zebedee" not in everything
    assert "Quillfeather" not in everything
    assert "Zébédée" not in everything
    assert "123456" not in everything
    assert "records in" in said.out


def test_a_huge_value_is_cleaned_or_dropped_in_time(tmp_path):
    big = "OBX|1|ED|1^^||^application^pdf^Base64^" + "A" * (10 << 20)
    text = "OBX|2|FT|1^^||" + "Zebedee Quillfeather feels better. \\.br\\" * 3000
    said = only(run(tmp_path, {"a.hl7": one(MSH, PID, big, text)})[1]).decode()
    assert "AAAA" not in said
    assert "Zebedee" not in said
    assert said.count("\\.br\\") == 3000


def test_a_message_says_which_one_could_not_be_read(tmp_path):
    account, _ = run(tmp_path, {"a.hl7": one(MSH, PID) + one(MSH, PID, "OBX|1|TX|||\x00")})
    (unread,) = account.shown
    assert str(unread).startswith("HL7v2 file 1, message 2: control characters")


def test_a_site_profile_needs_one_for_messages(tmp_path):
    from bailee.core.errors import UserError

    site = tmp_path / "site.toml"
    site.write_text('title = "x"\nsummary = "x"\nidentifiability = "safe-harbor"\nextends = "safe-harbor"\n')
    (tmp_path / "a.hl7").write_bytes(one(MSH, PID))
    with pytest.raises(UserError, match=r"site\.hl7v2\.toml"):
        deidentify_files(tmp_path / "a.hl7", tmp_path / "one", str(site), KEY)
    (tmp_path / "site.hl7v2.toml").write_text(
        site.read_text() + '[[rules]]\nmethod = "remove"\nwhy = "x"\npaths = ["PID-8"]\n'
    )
    deidentify_files(tmp_path / "a.hl7", tmp_path / "two", str(site), KEY)
    assert "|M" not in only(outputs(tmp_path / "two")).decode()

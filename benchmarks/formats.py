"""HL7 v2 and C-CDA by a profile: MB per second of CPU time, beside the least that any tool must do, in the same run.

Run: python benchmarks/formats.py [--messages 4000] [--documents 150] [--profile safe-harbor]

    split/join    a message split at its delimiters to the last component, and joined again
    parse/write   lxml reads a document and writes it
    rules         Bailee without the notes engine: read, decide every field, write
    all           `bailee deid` as it is: notes engine, files, durable writes, both passes over the input
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from lxml import etree

from bailee.core.keys import AgreementKeys, Secret
from bailee.deid.cda.engine import Engine as Documents
from bailee.deid.cda.plan import shipped_plan as document_plan
from bailee.deid.formats.persons import Ids, Person
from bailee.deid.formats.tally import FormatTally
from bailee.deid.hl7v2.engine import Engine as Messages
from bailee.deid.hl7v2.people import contexts_of
from bailee.deid.hl7v2.plan import shipped_plan as message_plan
from bailee.deid.structure.zip3 import zip3_table
from bailee.flows.deidentify.profile import deidentify_files
from bailee.records.cda.reading import bytes_from_tree, tree_from_bytes
from bailee.records.hl7v2.charset import text_of_bytes
from bailee.records.hl7v2.files import parts_of
from bailee.records.hl7v2.message import message_from_text

KEY = Secret(bytes(range(32)))
PERSON = Person("ab" * 32, 10, ninety=False)
GIVEN = ["Zebedee", "Henrietta", "Walther", "Ottoline", "Marisol", "Ignatius"]
FAMILY = ["Quillfeather", "Blackwood", "Ostrander", "Villanueva", "Thistlethwaite", "Marchetti"]
TESTS = [
    ("718-7", "Hemoglobin", "g/dL"),
    ("2345-7", "Glucose", "mg/dL"),
    ("6690-2", "Leukocytes", "10*3/uL"),
    ("777-3", "Platelets", "10*3/uL"),
]
NOTES = [
    "{given} {family} was seen on {date} for a persistent cough; no fever. Plan: chest film, return in two weeks.",
    "Patient tolerated the procedure well. Discussed results with daughter. Call {phone} with questions.",
    "No growth after 48 hours. Specimen adequate. Reported to Dr. {family} at {date}.",
]


def message(rng: Random, number: int) -> str:
    """Make a laboratory report with twelve values, a note and a diagnosis."""
    given, family = rng.choice(GIVEN), rng.choice(FAMILY)
    phone, day = f"617-555-{rng.randrange(10_000):04}", f"202503{rng.randrange(1, 29):02}"
    home = f"{rng.randrange(1, 999)} Elm St^^Boston^MA^02139^USA^H"
    lines = [
        f"MSH|^~\\&|LAB|MAIN|EHR|MAIN|{day}1530||ORU^R01^ORU_R01|M{number}|P|2.5.1",
        f"PID|1||{number % 997:06}^^^MAIN^MR||{family}^{given}^A||19{rng.randrange(40, 99)}0517|F||2106-3^White^HL70005|{home}||{phone}",
        f"PV1|1|I|3W^301^A^MAIN||||1234^{rng.choice(FAMILY)}^Ada^^^Dr|||MED||||||||V{number}^^^MAIN^VN",
        f"ORC|RE|P{number}^EHR|F{number}^LAB",
        f"OBR|1|P{number}^EHR|F{number}^LAB|24323-8^Panel^LN|||{day}0700",
    ]
    for at in range(12):
        code, name, unit = rng.choice(TESTS)
        lines.append(
            f"OBX|{at + 1}|NM|{code}^{name}^LN||{rng.randrange(10, 400) / 10}|{unit}|3.5-17.5|N|||F|||{day}0815"
        )
    for at, note in enumerate(rng.sample(NOTES, 3)):
        text = note.format(given=given, family=family, phone=phone, date=f"03/{rng.randrange(1, 29):02}/2025")
        lines.append(f"NTE|{at + 1}||{text}")
    lines.append(f"DG1|1||J20.9^Acute bronchitis^I10C|Acute bronchitis|{day}")
    return "\r".join(lines) + "\r"


def split_join(text: str) -> str:
    """Split a message as far as delimiters go, and join it."""
    lines = []
    for line in text.split("\r"):
        fields = [[part.split("&") for part in field.split("^")] for field in line.split("|")]
        lines.append("|".join("^".join("&".join(part) for part in field) for field in fields))
    return "\r".join(lines)


def rate(name: str, size: int, work: Callable[[], object], *, times: int = 3) -> None:
    """Print the best of some runs."""
    best = min(_seconds(work) for _ in range(times))
    print(f"  {name:<14}{size / best / 1e6:>9.1f} MB/s {best:>8.2f} s")


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def pseudonym(met: object) -> str:
    return "cd" * 32 if met else ""


def messages(count: int, profile: str) -> None:
    rng = Random(7)
    texts = [message(rng, number) for number in range(count)]
    content = "".join(texts).encode()
    print(f"HL7 v2: {count:,} messages, {len(content) / 1e6:.1f} MB")
    ids, zip3 = Ids(AgreementKeys.of(KEY, "files")), zip3_table().whitelist()
    engine = Messages(message_plan(profile), ids, zip3=zip3, pseudonym_of=pseudonym)

    def rules() -> None:
        tally = FormatTally()
        for part in parts_of([content]):
            text, codec = text_of_bytes(part.body)
            read = message_from_text(text)
            contexts = contexts_of(read, codec)
            draft = engine.draft(read, codec, contexts, [(0, PERSON)] * len(contexts), tally)
            draft.finished([each.pieces for each in draft.passages])

    rate("split/join", len(content), lambda: [split_join(text) for text in texts])
    rate("rules", len(content), rules)
    rate("all", len(content), lambda: whole({"a.hl7": content}, profile), times=2)


def documents(count: int, profile: str, folder: Path) -> None:
    sample = (folder / "ccda_hl7_examples/Documents").rglob("*.xml")
    chosen = [path.read_bytes() for path in sorted(sample)]
    contents = [chosen[number % len(chosen)] for number in range(count)]
    size = sum(map(len, contents))
    print(f"C-CDA: {count:,} documents, {size / 1e6:.1f} MB")
    ids, zip3 = Ids(AgreementKeys.of(KEY, "files")), zip3_table().whitelist()
    engine = Documents(document_plan(profile), ids, zip3=zip3, pseudonym_of=pseudonym)
    parser = etree.XMLParser(resolve_entities=False, no_network=True)

    def rules() -> None:
        tally = FormatTally()
        for content in contents:
            draft = engine.draft(tree_from_bytes(content), 0, PERSON, tally)
            bytes_from_tree(draft.finish([each.pieces for each in draft.passages]))

    rate("parse/write", size, lambda: [etree.tostring(etree.fromstring(content, parser)) for content in contents])
    rate("rules", size, rules)
    rate("all", size, lambda: whole({f"{at}.xml": content for at, content in enumerate(contents)}, profile), times=2)


def whole(files: dict[str, bytes], profile: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in"
        source.mkdir()
        for name, content in files.items():
            (source / name).write_bytes(content)
        deidentify_files(source, Path(folder) / "out", profile, KEY)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=4000)
    parser.add_argument("--documents", type=int, default=150)
    parser.add_argument("--profile", default="safe-harbor")
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared/data")
    asked = parser.parse_args()
    messages(asked.messages, asked.profile)
    if (asked.shared / "ccda_hl7_examples").is_dir():
        documents(asked.documents, asked.profile, asked.shared)
    else:
        print(f"no C-CDA examples at {asked.shared}: give --shared")


if __name__ == "__main__":
    main()

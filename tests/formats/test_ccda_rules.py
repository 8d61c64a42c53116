"""No identifier leaves a document whatever element or attribute it is in; every rule is needed; what leaves has CDA's form."""

import itertools

import msgspec
import pytest
from lxml import etree
from tests.support.ccda import Filled

from bailee.core.errors import Invalid, UserError
from bailee.core.keys import AgreementKeys, Secret
from bailee.deid.cda.engine import Engine
from bailee.deid.cda.people import about_document
from bailee.deid.cda.plan import Plan, plan_from_text, shipped_plan
from bailee.deid.formats.persons import Ids, Person
from bailee.deid.formats.rules import Group, Rule
from bailee.deid.formats.tally import FormatTally
from bailee.deid.structure.zip3 import zip3_table
from bailee.records.cda.model import V3, classes, fragments, local_name, types
from bailee.records.cda.reading import bytes_from_tree, looks_like_cda, tree_from_bytes
from bailee.synthetic.canaries import CLASSES, Flock
from bailee.synthetic.traces import Scanner

KEYS = AgreementKeys.of(Secret(bytes(range(32))), "test")
PERSON = Person("ab" * 32, 10, ninety=False)
MASKED = ["safe-harbor", "limited-data-set", "expert-determination"]
NS = {"c": V3}


def left(plan, content, person=PERSON, texts=None, tally=None):
    """Run one document; `texts` stands for the notes engine and gives nothing back unless told."""
    zip3 = zip3_table().whitelist()
    engine = Engine(plan, Ids(KEYS), zip3=zip3, pseudonym_of=lambda met: KEYS.keyed("other", str(met).encode()).hex())
    draft = engine.draft(tree_from_bytes(content), 0, person, tally or FormatTally())
    root = draft.finish([(texts or (lambda pieces: [""] * len(pieces)))(each.pieces) for each in draft.passages])
    return bytes_from_tree(root)


def drawn(flock, letters=CLASSES, size=126):
    pool = itertools.cycle([flock.make(letter).value for letter, _ in zip(itertools.cycle(letters), range(size))])
    return lambda: next(pool)


def with_rule(plan, path, method, **more):
    rule = Rule(path, Group(method=method, paths=(path,), why="test", **more))
    return Plan(msgspec.structs.replace(plan.rules, rules={**plan.rules.rules, path: rule}))


@pytest.fixture(scope="module")
def filled():
    flock = Flock(3)
    return flock, Filled(drawn(flock)).document()


@pytest.mark.parametrize("profile", MASKED)
def test_no_canary_leaves_by_any_element_or_attribute_but_those_that_hold_texts(filled, profile):
    flock, content = filled
    plan = shipped_plan(profile)
    if profile == "limited-data-set":  # which lets towns and dates stay, whatever is written in a town's place
        plan = with_rule(plan, "AD.city", "remove")
    tally = FormatTally()
    out = left(plan, content, tally=tally)
    found = [(trace.canary, trace.encoding) for trace in Scanner(flock.canaries).traces(out)]
    assert [each for each in found if profile != "limited-data-set" or each[0].letter != "C"] == []
    assert tally.dropped["comments and processing instructions"] > 100
    assert not any(canary.value in where for where in tally.dropped for canary in flock.canaries)
    assert len(content) > 500_000


# Where these are decided, something else decides too: a quantity leaves with its unit or not at all.
NOT_ALONE = {"PQ@value", "PQ@unit", "AlternateIdentification", "ANY", "GTS"}


def _paths():
    return [path for path in shipped_plan("safe-harbor").rules.rules if path not in NOT_ALONE]


@pytest.mark.parametrize("path", _paths())
def test_each_rule_loosened_lets_a_canary_out(filled, path):
    flock, content = filled
    plan = shipped_plan("safe-harbor")
    attribute, part = "@" in path, path.startswith("AD.")
    loosened = with_rule(plan, path, "keep" if attribute or part else "copy", unchecked=attribute or part)
    assert Scanner(flock.canaries).traces(left(loosened, content)) != []


DOCUMENT = """<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="2.16.840.1.113883.10.20.22.1.1" extension="2015-08-01"/><id root="1.2.3" extension="doc-1"/>
<code code="34133-9" codeSystem="2.16.840.1.113883.6.1" displayName="Summary"/><title>Summary of Jane Doe</title>
<effectiveTime value="20260102030405-0500"/>
<recordTarget><patientRole><id root="1.2.3.4" extension="123456"/><id root="2.16.840.1.113883.4.1" extension="999-99-9999"/>
<addr use="HP"><streetAddressLine>9 Elm St</streetAddressLine><city>Ames</city><state>IA</state><postalCode>50010</postalCode>
<country>US</country></addr><telecom value="tel:555-1234567"/>
<patient><name><given>Jane</given><family>Doe</family></name><administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/>
<birthTime value="19800102"/></patient></patientRole></recordTarget>
<component><structuredBody><component><section ID="s1"><text><table border="1"><tbody><tr><td ID="r1">Jane <content styleCode="Bold">Doe</content> of Ames</td>
<td>cough</td></tr></tbody></table></text>
<entry><observation classCode="OBS" moodCode="EVN"><id root="1.2.3" extension="o-1"/><code code="DOE" codeSystem="1.2.3.9"/>
<text><reference value="#r1"/></text><effectiveTime value="20260102"/><value xsi:type="PQ" value="93" unit="a"/></observation></entry>
</section></component></structuredBody></component></ClinicalDocument>"""


def out_of(content, profile="safe-harbor", **more):
    return etree.fromstring(
        left(shipped_plan(profile), content.encode() if isinstance(content, str) else content, **more)
    )


def test_a_document_keeps_its_form_and_loses_its_patient():
    out = out_of(
        DOCUMENT,
        texts=lambda pieces: [
            piece.replace("Jane", "Eve").replace("Doe", "Poe").replace("Ames", "Rome") for piece in pieces
        ],
    )
    said = etree.tostring(out).decode()
    for word in (
        "Jane",
        "Doe",
        "Elm",
        "Ames",
        "50010",
        "123456",
        "999-99",
        "555-",
        "0102",
        "doc-1",
        "o-1",
        "1.2.3.4",
        "DOE",
    ):
        assert word not in said
    role = out.find(".//c:patientRole", NS)
    assert [each.get("extension") for each in role.findall("c:id", NS)] == [PERSON.pseudonym, None]
    assert ["".join(each.itertext()) for each in role.findall("c:addr", NS)] == ["IA500US"]
    assert role.find("c:telecom", NS).get("nullFlavor") == "MSK"
    assert role.find("c:patient/c:birthTime", NS).get("value") == "1980"
    assert out.find(".//c:td", NS).get("ID") == out.find(".//c:observation/c:text/c:reference", NS).get("value")[1:]
    assert "".join(out.find(".//c:td", NS).itertext()) == "Eve Poe of Rome"
    assert out.find(".//c:observation/c:value", NS).get("value") == "90"
    assert out.find(".//c:observation/c:code", NS).get("nullFlavor") == "MSK"
    assert out.find("c:id", NS).get("root").startswith("2.25.")


def _shape(element):
    return [local_name(child.tag) for child in element if isinstance(child.tag, str)]


def _is_within(part, whole):
    rest = iter(whole)
    return all(name in rest for name in part)


def test_elements_stand_in_the_order_of_the_standard(shared):
    for path in sorted((shared / "ccda_hl7_examples").rglob("*.xml")):
        before = tree_from_bytes(path.read_bytes())
        after = out_of(path.read_bytes())
        waiting = [(before, after, fragments()[local_name(before.tag)])]
        while waiting:
            old, new, kind = waiting.pop()
            assert _is_within(_shape(new), _shape(old)), path.name
            elements = classes().get(kind, {})
            kept = iter(new)
            here = next(kept, None)
            for child in old:
                if here is not None and isinstance(child.tag, str) and child.tag == here.tag:
                    if local_name(child.tag) in elements and kind not in {"CD", "ED"}:
                        waiting.append((child, here, elements[local_name(child.tag)]))
                    here = next(kept, None)


def test_what_is_required_by_templates_is_there_or_masked(shared):
    asked = {"patientRole": ("id", "addr", "telecom", "patient"), "assignedAuthor": ("id",), "observation": ("code",)}
    for path in sorted((shared / "ccda_hl7_examples").rglob("*.xml")):
        before, after = tree_from_bytes(path.read_bytes()), out_of(path.read_bytes())
        for name, needed in asked.items():
            for old, new in zip(before.iter(f"{{{V3}}}{name}"), after.iter(f"{{{V3}}}{name}")):
                for each in needed:
                    if old.find(f"c:{each}", NS) is not None:
                        assert new.find(f"c:{each}", NS) is not None
        assert {local_name(each.tag) for each in after.iter()} <= {
            local_name(each.tag) for each in before.iter() if isinstance(each.tag, str)
        }


@pytest.mark.parametrize(
    ("profile", "person", "expected"),
    [
        ("safe-harbor", PERSON, "1980"),
        ("safe-harbor", Person("p", None, ninety=True), None),
        ("limited-data-set", PERSON, "19800102"),
        ("expert-determination", PERSON, "1980"),
        ("research-identified", PERSON, "19800102"),
    ],
)
def test_a_birth_date_becomes_what_the_profile_says(profile, person, expected):
    assert out_of(DOCUMENT, profile, person=person).find(".//c:birthTime", NS).get("value") == expected


@pytest.mark.parametrize(
    ("profile", "person", "expected"),
    [("safe-harbor", PERSON, "2026"), ("limited-data-set", PERSON, "20260102"), ("expert-determination", PERSON, "20260112"),
     ("expert-determination", Person("p", None, ninety=False), "2026")],
)  # fmt: skip
def test_a_date_becomes_what_the_profile_says(profile, person, expected):
    assert (
        out_of(DOCUMENT, profile, person=person).find(".//c:observation/c:effectiveTime", NS).get("value") == expected
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('<value xsi:type="PQ" value="93" unit="kg"/>', {"value": "93", "unit": "kg"}),
        ('<value xsi:type="PQ" value="93" unit="{Doe}"/>', {"nullFlavor": "MSK"}),
        ('<value xsi:type="PQ" value="1100" unit="mo"/>', {"value": "1080", "unit": "mo"}),
        ('<value xsi:type="INT" value="123456789"/>', {"nullFlavor": "MSK"}),
        ('<value xsi:type="BL" value="true"/>', {"value": "true"}),
        ('<value xsi:type="CD" code="73211009" codeSystem="2.16.840.1.113883.6.96"/>', {"code": "73211009", "codeSystem": "2.16.840.1.113883.6.96"}),
        ('<value xsi:type="CD" nullFlavor="UNK"/>', {"nullFlavor": "UNK"}),
        ('<value xsi:type="CD" nullFlavor="DOE"/>', {"nullFlavor": "MSK"}),
        ('<value xsi:type="II" root="1.2.3" extension="123456"/>', {"root": "2.25."}),
        ('<value xsi:type="DOE" value="1"/>', {"nullFlavor": "MSK"}),
        ('<value value="Doe"/>', {"nullFlavor": "MSK"}),
        ('<value xsi:type="PN"><given>Jane</given></value>', {"nullFlavor": "MSK"}),
        ('<value xsi:type="TS" value="20260102"/>', {"value": "2026"}),
    ],
)  # fmt: skip
def test_a_value_is_decided_by_its_type(value, expected):
    out = out_of(DOCUMENT.replace('<value xsi:type="PQ" value="93" unit="a"/>', value)).find(
        ".//c:observation/c:value", NS
    )
    told = {local_name(name) if "{" in name else name: text for name, text in out.attrib.items()}
    told.pop("xsi:type", None)
    if "root" in expected:
        assert told["root"].startswith("2.25.")
    else:
        assert told == expected


def test_narrative_is_one_text_whatever_its_markup():
    seen = []

    def texts(pieces):
        seen.append(pieces)
        return pieces

    body = "<text>a<paragraph>J<sub>a</sub>ne</paragraph><list><item><!-- x -->Doe</item> <item>b<renderMultiMedia referencedObject='m'/>c</item></list>d</text>"
    out = out_of(
        DOCUMENT.replace(DOCUMENT[DOCUMENT.index("<text><table") : DOCUMENT.index("</text>") + 7], body), texts=texts
    )
    assert ["a", "J", "a", "ne", "Doe", "b", "c", "d"] in seen
    assert "".join(out.find(".//c:section/c:text", NS).itertext()) == "aJaneDoe bcd"


def test_a_thing_whose_name_has_parts_is_a_person():
    thing = '<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity><name>{}</name></playingEntity></participantRole></participant>'
    for name, leaves in (("Peanut", True), ("<family>Doe</family><given>Penny</given>", False)):
        out = out_of(
            DOCUMENT.replace("</observation>", thing.format(name) + "</observation>"), texts=lambda pieces: pieces
        )
        assert (out.find(".//c:playingEntity/c:name", NS).text == "Peanut") == leaves
        assert "Penny" not in etree.tostring(out).decode()


HOSTILE = {
    "bomb": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + DOCUMENT.replace("cough", "&b;"),
    "external": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + DOCUMENT.replace("cough", "&a;"),
    "doctype": "<!doctype ClinicalDocument>" + DOCUMENT,
    "undeclared": DOCUMENT.replace("cough", "&cough;"),
    "cut": DOCUMENT[:-40],
    "deep": DOCUMENT.replace("cough", "<content>" * 400 + "x" + "</content>" * 400),
    "other": "<html><body>Jane</body></html>",
    "prefix": DOCUMENT.replace("<td>", "<own:td>"),
    "latin": DOCUMENT.replace("cough", "Zébédée").encode("latin-1"),
    "nul": DOCUMENT.replace("cough", "\x00"),
    "huge": DOCUMENT.replace("cough", "x" * (11 << 20)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_are_refused_without_their_content(name):
    content = HOSTILE[name]
    with pytest.raises(Invalid) as refused:
        tree_from_bytes(content.encode() if isinstance(content, str) else content)
    assert refused.value.remedy
    assert "Jane" not in str(refused.value)


def test_a_document_type_in_utf_16_is_seen():
    with pytest.raises(Invalid):
        tree_from_bytes(HOSTILE["bomb"].encode("utf-16"))
    assert tree_from_bytes(DOCUMENT.encode("utf-16")) is not None


def test_a_fragment_gets_the_namespaces_that_it_lacks():
    out = out_of(
        '<section><title>Plan</title><entry><observation classCode="OBS" moodCode="EVN"><value xsi:type="INT" value="7"/></observation></entry></section>'
    )
    assert out.tag == f"{{{V3}}}section"
    assert out.find(".//c:value", NS).get("value") == "7"


def test_a_file_is_known_by_its_first_element():
    assert looks_like_cda(b'<?xml version="1.0"?>\n<!-- <html> -->\n<cda:ClinicalDocument xmlns:cda="urn:hl7-org:v3">')
    assert looks_like_cda("<ClinicalDocument>".encode("utf-16"))
    assert not looks_like_cda(b"<html><body>ClinicalDocument</body></html>")
    assert not looks_like_cda(b"<Patient xmlns='http://hl7.org/fhir'>")


BODY = '<nonXMLBody><text mediaType="{kind}" representation="B64">{data}</text></nonXMLBody>'


@pytest.mark.parametrize(
    ("kind", "data", "leaves"),
    [
        ("text/plain", "U2VlbiBieSBKYW5l", True),
        ("application/pdf", "JVBERi0xLjQ=", False),
        ("text/plain", "/9j/4AAQSkZJRg==", False),
        ("text/plain", "???", False),
    ],
)
def test_a_body_that_is_no_cda_leaves_only_as_text(kind, data, leaves):
    start, end = DOCUMENT.index("<structuredBody>"), DOCUMENT.index("</structuredBody>") + len("</structuredBody>")
    content = DOCUMENT[:start] + BODY.format(kind=kind, data=data) + DOCUMENT[end:]
    out = out_of(content, texts=lambda pieces: [piece.replace("Jane", "Eve") for piece in pieces]).find(
        ".//c:nonXMLBody/c:text", NS
    )
    assert out.text == ("U2VlbiBieSBFdmU=" if leaves else None)
    assert out.get("nullFlavor") == (None if leaves else "MSK")


def test_a_document_knows_its_people():
    about = about_document(tree_from_bytes(DOCUMENT.encode()))
    assert about.identities == [("oid:1.2.3.4", "123456"), ("oid:2.16.840.1.113883.4.1", "999-99-9999")]
    assert about.birth == "19800102"
    known = {(kind, value) for kind, value, _ in about.values}
    assert {
        ("name-given", "Jane"),
        ("name-family", "Doe"),
        ("city", "Ames"),
        ("street", "9 Elm St"),
        ("phone", "555-1234567"),
    } <= known
    assert {
        ("id", "123456"),
        ("date-birth", "1980-01-02"),
        ("name-gender", "female"),
        ("postal-code", "50010"),
    } <= known


@pytest.mark.parametrize(
    "rule",
    [
        'paths = ["Patient.nothing"]',
        'paths = ["Nobody"]',
        'paths = ["Patient.name"]\nonly = "@nothing"',
        'paths = ["a b"]',
    ],
)
def test_a_site_profile_that_is_wrong_names_the_line(rule):
    text = f'title = "x"\nsummary = "x"\nidentifiability = "safe-harbor"\nextends = "safe-harbor"\n\n[[rules]]\nmethod = "keep"\nwhy = "x"\n{rule}\n'
    with pytest.raises(UserError, match=r"site\.ccda\.toml"):
        plan_from_text(text, name="site", file="site.ccda.toml")


def test_the_model_names_only_types_that_it_has():
    named = {kind for elements in classes().values() for kind in elements.values()}
    leafs = {kind for kind in named if kind not in classes()}
    assert leafs <= types()
    assert sorted(kind for kind in named if kind not in shipped_plan("safe-harbor").rules.rules) == []

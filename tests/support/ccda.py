"""A C-CDA document with a canary in every text and attribute of every element of every class, and in what CDA lacks."""

from lxml import etree

from bailee.records.cda.model import CONCRETE, DATA_TYPES, GENERAL, SDTC, V3, XSI, classes
from bailee.records.cda.narrative import ELEMENTS, IDS, LOOKS, REFERENCES, REMOVED

SPACES = {None: V3, "sdtc": SDTC, "xsi": XSI, "own": "urn:a-site-of-its-own"}
# Every attribute that CDA has anywhere; each is planted on every element.
ATTRIBUTES = [
    "root",
    "extension",
    "assigningAuthorityName",
    "displayable",
    "code",
    "codeSystem",
    "codeSystemName",
    "codeSystemVersion",
    "displayName",
    "value",
    "unit",
    "mediaType",
    "language",
    "representation",
    "compression",
    "integrityCheck",
    "integrityCheckAlgorithm",
    "use",
    "qualifier",
    "operator",
    "inclusive",
    "classCode",
    "moodCode",
    "typeCode",
    "determinerCode",
    "nullFlavor",
    "negationInd",
    "inversionInd",
    "contextControlCode",
    "independentInd",
    "contextConductionInd",
    "alignment",
    "institutionSpecified",
    "currency",
    "inverted",
    "isNotOrdered",
    "ID",
    "styleCode",
    "unknownAttribute",
]
PARTS = [
    "given",
    "family",
    "prefix",
    "suffix",
    "delimiter",
    "state",
    "city",
    "postalCode",
    "country",
    "county",
    "streetAddressLine",
    "houseNumber",
]


def tag(name):
    prefix, _, plain = name.rpartition(":")
    return f"{{{SDTC if prefix == 'sdtc' else V3}}}{plain}"


class Filled:
    """A document made of canaries; each class is filled where it is met first."""

    def __init__(self, draw):
        self.draw, self.seen, self.within = draw, set(), []

    def document(self):
        root = etree.Element(tag("ClinicalDocument"), nsmap=SPACES)
        self.fill(root, "ClinicalDocument")
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def fill(self, element, kind):
        element.addprevious(etree.Comment(self.draw())) if element.getparent() is not None else None
        for name in ATTRIBUTES:
            element.set(name, self.draw())
        element.set(f"{{{SDTC}}}valueSet", self.draw())
        element.set("{urn:a-site-of-its-own}note", self.draw())
        element.text = self.draw()
        if kind == "Narrative":
            self.narrative(element)
        elif kind in classes() and kind not in (self.within if kind in DATA_TYPES else self.seen):
            self.seen.add(kind)
            self.within.append(kind)
            for name, inner in classes()[kind].items():
                self.child(element, name, inner)
            self.within.pop()
        elif kind in {"EN", "AD", "PatientAddress"}:
            for name in PARTS:
                self.child(element, name, "part")
        own = etree.SubElement(element, "{urn:a-site-of-its-own}name")
        own.text, own.tail = self.draw(), self.draw()
        etree.SubElement(element, tag("unknownElement")).text = self.draw()
        element.append(etree.ProcessingInstruction("site", self.draw().replace("?>", "")))

    def child(self, element, name, kind):
        for said in sorted(GENERAL.get(kind, [""])):
            made = etree.SubElement(element, tag(name))
            made.tail = self.draw()
            if said:
                made.set(f"{{{XSI}}}type", said)
            self.fill(made, (CONCRETE[said] or said) if said else kind)

    def narrative(self, element):
        for name in sorted(ELEMENTS | REMOVED | {"script"}):
            made = etree.SubElement(element, tag(name))
            for attribute in sorted(
                {*LOOKS, *IDS, *REFERENCES, "href", "summary", "title", "referencedObject", "onclick"}
            ):
                made.set(attribute, self.draw())
            made.text, made.tail = self.draw(), self.draw()

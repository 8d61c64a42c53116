"""A document by a plan: a new tree is made of what leaves, so that nothing leaves for not being looked at.

The output depends on the document, the plan, the keys and the person only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final

from lxml import etree

from bailee.core.errors import Invalid
from bailee.deid.cda import ids as patients
from bailee.deid.cda.attributes import attribute, folded
from bailee.deid.cda.coded import WORDS, coded_attributes
from bailee.deid.cda.places import Draft
from bailee.deid.cda.plan import Plan, is_data_type
from bailee.deid.cda.texts import Texts
from bailee.deid.formats.identities import Identity
from bailee.deid.formats.passages import Passage
from bailee.deid.formats.persons import Ids, Person
from bailee.deid.formats.rules import Rule
from bailee.deid.formats.tally import FormatTally
from bailee.records.cda.model import CONCRETE, GENERAL, SDTC, V3, XSI, attribute_name, classes, fragments, local_name
from bailee.records.cda.reading import SPACES

MASKED: Final = "MSK"  # null flavor: information that is there and was withheld
TYPE: Final = f"{{{XSI}}}type"
_SKIPPED: Final = frozenset({"xsi:schemaLocation"})


class Engine:
    """A plan with its keys, ready to run. `pseudonym_of` tells the pseudonym of whoever has some identifiers."""

    def __init__(
        self, plan: Plan, ids: Ids, *, zip3: Iterable[str], pseudonym_of: Callable[[Sequence[Identity]], str]
    ) -> None:
        self.plan, self.ids, self.zip3, self.pseudonym_of = plan, ids, frozenset(zip3), pseudonym_of

    def __repr__(self) -> str:
        return f"Engine({self.plan.rules.name})"

    def draft(self, root: Any, row: int, person: Person, tally: FormatTally) -> Draft:
        """Apply the plan to a document. The document itself stays as it is. Raises: Invalid if nothing would leave."""
        return _Walk(self, row, person, tally).run(root)


def made_in(parent: Any, name: str) -> Any:
    """Make an element within another, or an outermost one."""
    return etree.Element(tag_of(name), nsmap=SPACES) if parent is None else etree.SubElement(parent, tag_of(name))


@cache
def tag_of(name: str) -> str:
    """Give the tag of an element or attribute by the model's name."""
    prefix, _, plain = name.rpartition(":")
    return f"{{{SDTC if prefix == 'sdtc' else V3}}}{plain}"


class _Walk:
    """One document on its way through."""

    def __init__(self, engine: Engine, row: int, person: Person, tally: FormatTally) -> None:
        self.engine, self.plan, self.ids = engine, engine.plan, engine.ids
        self.row, self.person, self.tally = row, person, tally
        self.draft = Draft()
        self.texts = Texts(self.draft, row, engine.ids, tally)
        self.met_patient_id: set[int] = set()
        self.roles = 0

    def run(self, root: Any) -> Draft:
        name = local_name(root.tag)
        kind = fragments()[name]
        rule = self.plan.element("", name, kind)
        made = None if rule is None else self.element(root, name, kind, rule, None)
        if made is None:
            raise Invalid("nothing of a document would leave", remedy="The profile lets none of its kind out.")
        self.draft.root = made
        return self.draft

    # ---- elements ---------------------------------------------------------------------------------------------------

    def element(self, source: Any, name: str, kind: str, rule: Rule, parent: Any) -> Any | None:
        """Make what leaves of an element; None if nothing does."""
        method = rule.method
        if kind in GENERAL:
            return self.general(source, name, kind, rule, parent)
        if method == "remove":
            self.count(rule, "removed")
            return None
        out = made_in(parent, name)
        if method == "mask":
            return self.masked(out, source, rule)
        if method == "inside":
            return self.inside(out, source, kind, rule)
        if method == "copy":
            return self.copied(out, source, kind)
        if source.get("nullFlavor"):
            self.null_flavor(out, source)
        done = self.typed(out, source, rule)
        self.count(rule, "changed" if done else "removed")
        if not done and not out.get("nullFlavor"):
            out.set("nullFlavor", MASKED)
        return out

    def typed(self, out: Any, source: Any, rule: Rule) -> bool:
        """Fill an element by a method that knows its type; False if nothing of it may leave."""
        match rule.method:
            case "coded":
                return self.coded(out, source)
            case "id":
                return patients.hashed_id(out, source, self.ids)
            case "pseudonym":
                return self.pseudonym(out, source)
            case "address":
                return patients.address(out, source, self.plan, self.engine.zip3, self.count)
            case "code":
                return self.set(out, "code", attribute(rule, source.get("code", ""), self.person, self.ids))
            case "keep":
                return self.set(out, "code", source.get("code") if rule.allows(source.get("code", "")) else None)
            case "text":
                return self.texts.label(out, source)
            case "words":
                return self.texts.words(out, source)
            case "narrative":
                return self.texts.narrative(out, source)
            case "file":
                return self.texts.file(out, source)
        return False

    def general(self, source: Any, name: str, kind: str, rule: Rule, parent: Any) -> Any | None:
        """Decide an element that tells its own type."""
        untold = ("IVL_TS" if len(source) else "TS") if kind == "GTS" else ""
        said = source.get(TYPE, "").rpartition(":")[2] or untold
        if said not in GENERAL[kind]:
            self.drop(f"a value of a type that is not known, in {name}")
            out = made_in(parent, name)
            out.set("nullFlavor", MASKED)
            return out
        concrete = CONCRETE[said] or said
        inner = self.plan.element("", "", concrete)
        if rule.method != "inside" and rule.path not in {"ANY", "GTS"}:
            inner = rule
        if inner is None:
            return self.nothing(f"{name} of type {concrete}")
        out = self.element(source, name, concrete, inner, parent)
        if out is not None and TYPE in source.attrib:
            out.set(TYPE, said)
        return out

    def inside(self, out: Any, source: Any, kind: str, rule: Rule) -> Any:
        """Decide an element part by part."""
        removed = self.attributes(out, source, kind)
        if kind == "PatientRole":
            self.roles += 1
        elements = classes().get(kind, {})
        if source.text and source.text.strip():
            removed += 1
            self.drop(f"text in {kind}")
        else:
            out.text = source.text
        for child in source:
            made = self.child(child, kind, elements, out)
            if made is None:
                removed += 1
            elif child.tail and not child.tail.strip():
                made.tail = child.tail
        self.count(rule, "changed" if removed else "kept")
        if is_data_type(kind):
            if kind == "PQ" and removed:
                for name in ("value", "unit"):  # a number without its unit says something else
                    out.attrib.pop(name, None)
            if removed and not len(out) and not set(out.attrib) - {TYPE, "nullFlavor"}:
                out.text = None
                out.set("nullFlavor", out.get("nullFlavor", MASKED))
        return out

    def child(self, child: Any, kind: str, elements: Any, out: Any) -> Any | None:
        if not isinstance(child.tag, str):
            return self.nothing("comments and processing instructions")
        name = local_name(child.tag)
        type_ = elements.get(name)
        if type_ is None:
            return self.nothing(f"an element that {kind} does not have")
        rule = self.plan.element(kind, name, type_)
        if rule is None:
            return self.nothing(f"{kind}.{name}")
        return self.element(child, name, type_, rule, out)

    # ---- attributes -------------------------------------------------------------------------------------------------

    def attributes(self, out: Any, source: Any, kind: str) -> int:
        """Decide an element's attributes; give how many do not leave."""
        removed = 0
        for tag, value in source.attrib.items():
            name = attribute_name(tag)
            if tag == TYPE or name in _SKIPPED:
                continue
            rule = self.plan.attribute(kind, name) if name else None
            if rule is None:
                self.drop(f"{kind}@{name}" if name in _NAMED else f"an attribute that {kind} does not have")
                removed += 1
                continue
            done = attribute(rule, value, self.person, self.ids)
            removed += done is None
            self.count(rule, "removed" if done is None else "kept" if done == value else "changed")
            if done is not None:
                out.set(tag, done)
        if kind == "PQ" and self.plan.attribute("PQ", "value") and not self.ages_stay and out.get("value"):
            out.set("value", folded(out.get("value"), out.get("unit", "")))
        return removed

    @property
    def ages_stay(self) -> bool:
        rule = self.plan.attribute("PQ", "value")
        return rule is not None and rule.argument == "ages stay"

    def null_flavor(self, out: Any, source: Any) -> None:
        rule = self.plan.attribute("", "nullFlavor")
        done = attribute(rule, source.get("nullFlavor"), self.person, self.ids) if rule else None
        if done:
            out.set("nullFlavor", done)

    # ---- methods ----------------------------------------------------------------------------------------------------

    def coded(self, out: Any, source: Any) -> bool:
        attributes = {attribute_name(tag): value for tag, value in source.attrib.items()}
        done = coded_attributes(attributes)
        for name, value in done.items():
            out.set(tag_of(name) if ":" in name else name, value)
        words = attributes.get(WORDS, "")
        if words.strip():
            self.draft.put(self.draft.open(Passage(self.row)), words, out, WORDS)
        for name in attributes.keys() - done.keys() - {WORDS, "nullFlavor", "xsi:type"}:
            self.drop(f"CD@{name}" if name in _NAMED else "an attribute that CD does not have")
        for child in source:
            self.child(child, "CD", classes()["CD"], out)
        if "code" in attributes and "code" not in done and not out.get("nullFlavor"):
            out.set("nullFlavor", MASKED)
        return bool(done) or bool(words.strip()) or len(out) > 0 or "nullFlavor" in out.attrib

    def pseudonym(self, out: Any, source: Any) -> bool:
        """Write the patient's pseudonym in the place of the first id; the others do not leave."""
        if self.roles in self.met_patient_id or not source.get("root"):
            return False
        self.met_patient_id.add(self.roles)
        first = self.roles <= 1
        whose = self.person.pseudonym if first else self.engine.pseudonym_of(patients.identities_beside(source))
        out.set("root", self.ids.oid("patients", ""))
        out.set("extension", whose)
        out.attrib.pop("nullFlavor", None)
        return True

    def masked(self, out: Any, source: Any, rule: Rule) -> Any:
        self.count(rule, "removed")
        if source.get("nullFlavor"):
            self.null_flavor(out, source)
        out.set("nullFlavor", out.get("nullFlavor") or MASKED)
        return out

    def copied(self, out: Any, source: Any, kind: str) -> Any:
        """Copy an element with all in it that CDA has; what it does not have stays behind."""
        from bailee.deid.cda.copying import copy_into

        return copy_into(out, source, kind, self.drop)

    def set(self, out: Any, name: str, value: str | None) -> bool:
        if value is None:
            return False
        out.set(name, value)
        return True

    # ---- counting ---------------------------------------------------------------------------------------------------

    def count(self, rule: Rule, what: str) -> None:
        self.tally.rules[rule.path, what] += 1

    def drop(self, where: str) -> None:
        self.tally.dropped[where] += 1

    def nothing(self, where: str) -> Any | None:
        """Count what no rule knows, and make nothing of it."""
        self.drop(where)
        return None


_NAMED: Final = frozenset(
    [
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
        "contextConductionInd",
        "alignment",
        "institutionSpecified",
        "currency",
        "inverted",
        "isNotOrdered",
        "sdtc:valueSet",
        "sdtc:valueSetVersion",
        "ID",
        "styleCode",
    ]
)

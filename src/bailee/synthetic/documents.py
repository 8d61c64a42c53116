"""Notes about a patient of the synthetic hospital, as DocumentReference attachments, and where their identifiers are."""

from __future__ import annotations

import binascii
import html
from dataclasses import dataclass
from functools import cache
from random import Random

from bailee.synthetic.episodes import Visit
from bailee.synthetic.grammar import Span
from bailee.synthetic.notes import grammar, kinds
from bailee.synthetic.resources import LOINC, TERMINOLOGY, US_CORE, Record, concept, doctor, place, subject
from bailee.synthetic.story import Cast, Story
from bailee.synthetic.wear import worn

_NOT_FILED = {
    "query",
    "chat",
    "question",
    "general",
    "single",
    "hl7",
    "research",
    "legal",
    "insurance",
    "disguised",
    "talkonly",
    "prose",
}
_TYPES = {
    "admission": ("34117-2", "History and physical note"), "discharge": ("18842-5", "Discharge summary"), "radiology": ("18748-4", "Diagnostic imaging study"),
    "pathology": ("11526-1", "Pathology study"), "operative": ("11504-8", "Surgical operation note"), "consult": ("11488-4", "Consult note"),
    "nursing": ("34746-8", "Nurse Note"), "ed": ("34111-5", "Emergency department Note"), "psychiatry": ("28627-0", "Psychiatry Progress note"),
    "phone": ("34748-4", "Telephone encounter Note"), "referral": ("57133-1", "Referral note"), "death": ("69409-1", "U.S. standard certificate of death"),
}  # fmt: skip
_LENGTHS = (1000, 1500, 2000, 3000, 4500, 6000)


@dataclass(frozen=True, repr=False)
class Filed:
    """A DocumentReference and the truth about its text."""

    record: Record
    text: str
    spans: list[Span]
    kind: str


@cache
def filed_kinds() -> tuple[str, ...]:
    """List the kinds of note that a hospital files."""
    return tuple(kind for kind in kinds("en") if kind not in _NOT_FILED)


def document(visit: Visit, *, difficulty: float, kind: str = "") -> Filed:
    """Write a note about the visit's patient and file it: mostly plain text, some HTML, some RTF."""
    rng, resident = visit.rng, visit.resident
    chosen = kind or rng.choice(filed_kinds())
    others = tuple(clinician.who for clinician in resident.clinicians if clinician is not visit.clinician)
    members = Cast(
        resident.who,
        resident.relatives,
        (visit.clinician.who, *others),
        visit.at.replace(tzinfo=None),
        resident.chart(),
    )
    story = Story(rng, "en", members)
    rules = grammar("en")
    rules.write(f"note.{chosen}", story)
    length = rng.choice(_LENGTHS)
    while story.length < length:
        story.say("\n\n")
        rules.write("body", story)
    text, spans = worn(story.text(), story.spans, rng, difficulty)
    return Filed(_record(visit, chosen, text), text, spans, chosen)


def attachment(text: str, rng: Random) -> Record:
    """Make an Attachment: text/plain, text/html or RTF, in base64."""
    draw = rng.random()
    if draw < 0.82:
        kind, content = "text/plain; charset=utf-8", text
    elif draw < 0.93:
        lines = html.escape(text, quote=False).replace("\n", "<br/>\n")
        kind, content = (
            "text/html; charset=utf-8",
            f"<html><head><title>Note</title></head><body><p>{lines}</p></body></html>",
        )
    else:
        kind, content = "application/rtf", rtf(text)
    return {"contentType": kind, "data": binascii.b2a_base64(content.encode(), newline=False).decode("ascii")}


def rtf(text: str) -> str:
    r"""Write text as RTF.

    Example:
        >>> rtf("é{")
        '{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}\\f0 \\u233?\\{}'

    """
    escaped = []
    for sign in text:
        if sign in "\\{}":
            escaped.append("\\" + sign)
        elif sign == "\n":
            escaped.append("\\par\n")
        elif sign == "\t":
            escaped.append("\\tab ")
        elif sign.isascii():
            escaped.append(sign)
        else:
            units = sign.encode("utf-16-le")
            numbers = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
            escaped += [f"\\u{number}?" for number in numbers]
    return "{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0 Arial;}}\\f0 " + "".join(escaped) + "}"


def _record(visit: Visit, kind: str, text: str) -> Record:
    code, display = _TYPES.get(kind, ("11506-3", "Progress note"))
    made = visit.base("DocumentReference", profile="us-core-documentreference")
    if kind == "psychiatry":
        made["meta"]["security"] = [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]
    return made | {
        "status": "current",
        "docStatus": "final",
        "type": concept(LOINC, code, display),
        "category": [concept(US_CORE.replace("StructureDefinition", "CodeSystem") + "us-core-documentreference-category", "clinical-note", "Clinical Note")],
        "subject": subject(visit.resident),
        "date": visit.stamp(2),
        "author": [doctor(visit.clinician)],
        "custodian": place(visit.facility),
        "description": f"{display} of {visit.resident.who.full()}",
        "content": [{"attachment": attachment(text, visit.rng), "format": {"system": TERMINOLOGY + "formatcodes", "code": "urn:ihe:iti:xds:2017:mimeTypeSufficient"}}],
        "context": {"encounter": [visit.reference()], "period": {"start": visit.stamp(), "end": visit.stamp(visit.hours)}},
    }  # fmt: skip

"""The shipped profiles as a document for a privacy officer: rendered from the rules themselves, never written by hand."""

from __future__ import annotations

from collections.abc import Iterator

from bailee.deid.profiles.profile import (
    ExtensionGroup,
    Group,
    Profile,
    lists,
    profile_names,
    shipped_profile,
    terminologies,
)
from bailee.deid.structure.zip3 import zip3_table
from bailee.records import r4

ORDER = ("safe-harbor", "limited-data-set", "expert-determination", "research-identified")
METHODS = {
    "keep": "stays, if it is what belongs there: a number, a code of the list, a value of the shape that the rule names",
    "inside": "is entered: each of its parts is decided by a rule of its own",
    "remove": "does not leave, and is counted",
    "year": "only the year of a date stays",
    "birth-year": "only the year stays, and not even that for patients of 90 or more",
    "shift": "moves by the patient's secret number of days, the same for every date of that patient",
    "zip3": "three digits stay where more than 20,000 people live, else 000",
    "age": "ages above 89 become 90",
    "pseudonym": "becomes a pseudonym under the agreement's key",
    "reference": "follows the pseudonyms, so that the records still join; or goes",
    "resource": "is a record of its own, by its own type's rules",
    "contained": "is a record within the record, by its own type's rules",
    "hash": "becomes a keyed hash: equal values stay equal, nobody reads them back",
    "constant": "is replaced by a fixed value that says so",
    "text": "goes through the notes engine, which removes identifiers, with the patient's chart at hand",
    "attachment": "is opened, read as text, cleaned by the notes engine, and put back",
}


def handbook() -> str:
    """Render the document. Shape: Markdown."""
    return "\n".join(_lines()).rstrip("\n") + "\n"


def _lines() -> Iterator[str]:
    yield "# Profiles: what leaves, what does not, and why"
    yield ""
    yield "This page is rendered from the profiles themselves (`python scripts/profile_handbook.py`); a test holds it to them."
    yield ""
    yield "A profile decides every element of every FHIR R4 resource type. **An element leaves only if a rule lets it.**"
    yield "What FHIR does not define, an extension that is not listed, a code that does not look like one: they do not leave,"
    yield "and they are counted. An unknown modifier extension, which could turn a record's meaning around, refuses the record."
    yield ""
    yield "The most particular rule decides: `Patient.birthDate` before `date`, `Practitioner.address.postalCode` before"
    yield "`Address.postalCode`. A rule for an element that FHIR does not have is an error that names its line."
    yield ""
    yield "## Methods"
    yield ""
    yield "| method | the element … |"
    yield "| --- | --- |"
    yield from (f"| {method} | {says} |" for method, says in METHODS.items())
    yield ""
    yield from _facts()
    assert set(ORDER) == set(profile_names())
    for name in ORDER:
        yield from _profile(shipped_profile(name))


def _facts() -> Iterator[str]:
    table = zip3_table()
    restricted = sorted(set(table.populations) - table.whitelist())
    yield "## Lists"
    yield ""
    yield f"- **ZIP codes**: {table.vintage} Census, {len(table.populations)} prefixes, {len(table.whitelist())} may stay."
    yield f"  The others become 000: {', '.join(restricted)}; so does any prefix that the table does not have."
    yield f"- **Code systems** whose codes may stay: {len(r4.systems())} of HL7 with every code known, and"
    yield f"  {len(terminologies())} public terminologies by the shape of their codes: "
    yield "  " + ", ".join(f"`{url}`" for url in terminologies()) + "."
    yield f"- **Units**: {len(lists()['@units'])} of UCUM and in words; other units go through the notes engine."
    yield ""
    yield "## What no rule can see"
    yield ""
    yield "- A number that is right in its place says what it says. An age above 89 is folded in an Age, in a quantity with a"
    yield "  unit of years or months, in the answer to an age question of LOINC or SNOMED CT, and in ranges of ages; not in a"
    yield "  whole number under a site's own code, nor in the answer to a questionnaire."
    yield "- A postal code of five digits without a country is taken for a ZIP code of the USA. A hospital elsewhere extends"
    yield "  the profile: `Address.where(country='').postalCode`, method `remove`."
    yield "- A code that is a code stays: a rare disease is rare. Measure the risk of the extract before it leaves."
    yield "- A year is given for the patient's own dates; it is the notes engine that keeps dates out of texts."
    yield ""


def _profile(profile: Profile) -> Iterator[str]:
    document = profile.document
    yield f"## {document.title} (`{profile.name}`)"
    yield ""
    yield " ".join(document.summary.split())
    yield ""
    if document.extends:
        yield f"As `{document.extends}`, except:"
        yield ""
    if document.label:
        yield f"Every released record is labelled `{document.label}` in `meta.security`, in place of its own `meta`."
        yield ""
    yield "| what | method | why | source |"
    yield "| --- | --- | --- | --- |"
    yield from (_row(group) for group in document.rules)
    yield ""
    for refusal in document.refuse:
        yield f"Refused: {', '.join(refusal.types)}. {refusal.why}."
        yield ""
    if document.extensions:
        yield "| extension | what of it leaves | why |"
        yield "| --- | --- | --- |"
        yield from (_extension(group) for group in document.extensions)
        yield ""


def _row(group: Group) -> str:
    what = ", ".join(f"`{path}`" for path in group.paths)
    return f"| {what} | {group.method}{_detail(group)} | {group.why} | {group.source} |"


def _detail(group: Group) -> str:
    if group.unchecked:
        return ", whatever it holds"
    if group.only == "@codes":
        return ": codes of the system"
    if group.only:
        return f": `{group.only}`" if isinstance(group.only, str) else f": {len(group.only)} values"
    if group.known:
        return f", unless in `{group.known}`"
    if group.method in {"constant", "age", "year", "shift"} and group.argument:
        return f" `{group.argument}`"
    return ""


def _extension(group: ExtensionGroup) -> str:
    said = [f"{kind}: {_said(method)}" for kind, method in group.value.items()]
    said += [
        f"{part} ({kind}: {_said(method)})" for part, value in group.parts.items() for kind, method in value.items()
    ]
    return f"| `{group.url}` | {', '.join(said) or 'nothing'} | {group.why} |"


def _said(method: str | tuple[str, ...]) -> str:
    return method if isinstance(method, str) else f"{len(method)} codes"

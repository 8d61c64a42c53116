"""A profile as it is written, checked against the R4 tables; every complaint names the file and the line.

The reader is for authors of profiles, so unknown keys, methods, lists, types and elements are errors, never ignored.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path as FilePath
from typing import TypeVar

import msgspec

from bailee.core.errors import UserError
from bailee.deid.profiles.paths import Path, PathStep, parse_path
from bailee.records import r4

Form = TypeVar("Form")
FOLDER = FilePath(__file__).parent
METHODS = frozenset(
    [
        "keep",
        "inside",
        "remove",
        "year",
        "birth-year",
        "shift",
        "zip3",
        "age",
        "pseudonym",
        "reference",
        "resource",
        "contained",
        "hash",
        "constant",
        "text",
        "attachment",
        "mask",
        "encrypt",
        "generalise",
        "perturb",
        "substitute",
    ]
)


class Group(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paths that are treated alike, for one reason."""

    method: str
    paths: tuple[str, ...]
    why: str
    source: str = ""
    argument: str = ""  # of year, age, constant and the rare methods
    only: tuple[str, ...] | str = ()  # keep: the values that may stay, or a list by "@name"
    shapes: tuple[str, ...] | str = ()  # keep: the shapes that may stay
    chars: str = ""  # keep: the characters that may stay …
    longest: int = 0  # … and how many of them
    known: str = ""  # text: a list of words that need no cleaning
    unchecked: bool = False  # keep: any value at all


class ExtensionGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An extension that may leave: by its value's type, or by the parts inside it."""

    url: str
    why: str
    value: Mapping[str, str | tuple[str, ...]] = msgspec.field(default_factory=dict)  # type → method, or codes
    parts: Mapping[str, Mapping[str, str | tuple[str, ...]]] = msgspec.field(default_factory=dict)
    modifier: bool = False


class Refusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Resource types that do not leave at all."""

    types: tuple[str, ...]
    why: str


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A profile's file."""

    title: str
    summary: str
    identifiability: str
    extends: str = ""
    label: str = ""  # the code of v3-ObservationValue that every released resource is tagged with
    other_patients: bool = False
    other_extensions: str = "drop"  # "drop" or "keep"
    rules: tuple[Group, ...] = ()
    extensions: tuple[ExtensionGroup, ...] = ()
    refuse: tuple[Refusal, ...] = ()
    carry: tuple[str, ...] = ()  # types that the profile it extends refuses


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One path of one group."""

    path: Path
    group: Group
    where: str  # "safe-harbor.toml:123"


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A profile with what it extends folded in."""

    name: str
    document: Document
    rules: tuple[Rule, ...]
    extensions: tuple[ExtensionGroup, ...]
    refused: Mapping[str, str]  # type → why
    text: str  # everything that was read, for the hash


def profile_names() -> tuple[str, ...]:
    """List the profiles that come with Bailee."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml") if file.stem != "lists"))


def shipped_profile(name: str) -> Profile:
    """Read one of Bailee's own profiles. Raises: UserError if there is none of that name."""
    file = FOLDER / f"{name}.toml"
    if name not in profile_names():
        raise UserError(f"no profile is called {name}", remedy=f"There are {', '.join(profile_names())}.")
    return profile_from_text(file.read_text("utf-8"), name=name, file=file.name)


def profile_from_text(text: str, *, name: str, file: str = "") -> Profile:
    """Make a profile from TOML text; `extends` names one of Bailee's own.

    Raises: UserError naming file and line for anything that the format, the lists or FHIR R4 do not have.
    """
    source = _Source(file or f"{name}.toml", text)
    document = source.document()
    base = shipped_profile(document.extends) if document.extends else None
    rules = {rule.path.text: rule for rule in base.rules} if base else {}
    own = list(source.rules(document))
    rules |= {rule.path.text: rule for rule in own}
    extensions = {group.url: group for group in base.extensions} if base else {}
    extensions |= {group.url: group for group in document.extensions}
    refused = dict(base.refused) if base else {}
    refused |= {kind: refusal.why for refusal in document.refuse for kind in source.types(refusal.types)}
    for kind in source.types(document.carry):
        refused.pop(kind, None)
    return Profile(
        name=name,
        document=document,
        rules=tuple(rules.values()),
        extensions=tuple(extensions.values()),
        refused=refused,
        text=(base.text if base else "") + text,
    )


@cache
def lists() -> Mapping[str, tuple[str, ...]]:
    """Give the lists that rules may name with "@", those of the R4 tables among them."""
    read = tomllib.loads((FOLDER / "lists.toml").read_text("utf-8"))
    own = {f"@{name}": tuple(words) for name, words in read["lists"].items()}
    return own | {
        "@units": tuple(sorted(r4.system_codes("http://unitsofmeasure.org") | set(own["@more-units"]))),
        "@languages": tuple(sorted(r4.system_codes("urn:ietf:bcp:47") | set(own["@more-languages"]))),
        "@countries": tuple(sorted(r4.system_codes("urn:iso:std:iso:3166") | set(own["@more-countries"]))),
        "@resource-types": r4.resource_types(),
        "@systems": (*sorted({*r4.systems(), *terminologies()}),),
    }


class Terminology(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public code system: what its codes look like, so that nothing else passes for one."""

    url: str
    shapes: tuple[str, ...] = ()
    chars: str = ""
    longest: int = 0
    only: str = ""  # a list


@cache
def terminologies() -> Mapping[str, Terminology]:
    """Give the public terminologies by URL that R4 itself does not list."""
    read = tomllib.loads((FOLDER / "lists.toml").read_text("utf-8"))
    return {row.url: row for row in msgspec.convert(read["terminologies"], list[Terminology])}


def read_form(text: str, form: type[Form], file: str) -> Form:
    """Read a profile's TOML into a form. Raises: UserError naming the file."""
    try:
        return msgspec.convert(tomllib.loads(text), form)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"not TOML: {error}", where=file) from None
    except msgspec.ValidationError as error:
        raise UserError(f"not a profile: {error}", where=file) from None


def place_of(quoted: str, lines: Sequence[str], file: str) -> str:
    """Name the first line that has a text in quotes: "file:line", or the file if none has."""
    number = next((number for number, line in enumerate(lines, 1) if f'"{quoted}"' in line), 0)
    return f"{file}:{number}" if number else file


class _Source:
    """A profile's text: its rules, and where in the text each is."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text, self.lines = file, text, text.splitlines()

    def line(self, quoted: str) -> str:
        return place_of(quoted, self.lines, self.file)

    def complaint(self, quoted: str, what: str, remedy: str = "") -> UserError:
        return UserError(what, where=self.line(quoted), remedy=remedy)

    def document(self) -> Document:
        return read_form(self.text, Document, self.file)

    def types(self, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in r4.resource_types():
                raise self.complaint(name, f"R4 has no resource type {name}")
        return names

    def rules(self, document: Document) -> Iterator[Rule]:
        seen: dict[str, str] = {}
        for group in document.rules:
            self.check_group(group)
            for text in group.paths:
                if text in seen:
                    raise self.complaint(text, f"two rules for {text}", "Leave one of them.")
                seen[text] = text
                yield Rule(path=self.path(text), group=group, where=self.line(text))

    def check_group(self, group: Group) -> None:
        first = group.paths[0] if group.paths else group.why
        if group.method not in METHODS:
            raise self.complaint(first, f"no method {group.method}", f"There are {', '.join(sorted(METHODS))}.")
        for named in (group.only, group.shapes, group.known):
            if isinstance(named, str) and named and named not in {*lists(), "@codes"}:
                raise self.complaint(named, f"no list {named}")

    def path(self, text: str) -> Path:
        try:
            path = parse_path(text)
        except ValueError as error:
            raise self.complaint(text, f"{text} is no path: {error}") from None
        if path.head not in r4.owners():
            raise self.complaint(text, f"R4 has no type {path.head}")
        self.check_where(text, path.head, PathStep(name="", where=path.where))
        here, steps, start = path.head, path.steps, (path.head, path.steps)
        for number, step in enumerate(steps, 1):
            here = self.step(text, here, step)
            conditional = path.where or any(step.where for step in steps[:number])
            if "." in here and steps[number:] and not conditional:
                start = (here, steps[number:])  # a nested part may recur within itself: its rules start at the part
        return msgspec.structs.replace(path, head=start[0], steps=start[1])

    def step(self, text: str, here: str, step: PathStep) -> str:
        found = [e for e in r4.children(here).values() if step.name in {e.name, e.choice}]
        if not found:
            raise self.complaint(text, f"{text}: {here} has no element {step.name}", "Mind the case of letters.")
        inner = found[0].type if len({e.type for e in found}) == 1 else "Element"
        self.check_where(text, inner, step)
        return inner

    def check_where(self, text: str, owner: str, step: PathStep) -> None:
        if step.where is None:
            return
        for way in step.where.member.split("|"):
            try:
                kind = r4.elements_at(f"{owner}.{way}")[-1].type
            except KeyError:
                kind = ""
            if not kind or not r4.is_primitive(kind):
                raise self.complaint(text, f"{text}: {owner} has no element {way} to select by")
        if step.where.named and step.where.named not in lists():
            raise self.complaint(text, f"no list {step.where.named}")

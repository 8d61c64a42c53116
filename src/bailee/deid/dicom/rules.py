"""The plan of a profile: one step for each attribute of DICOM, from the standard's table and our list of what else leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cache
from importlib import resources
from typing import Final

from bailee.core.errors import Invalid
from bailee.deid.dicom.profiles import DicomProfile

TEXTS: Final = frozenset({"LO", "SH", "ST", "LT", "UT", "UC"})
TIMES: Final = frozenset({"DA", "DT", "TM"})
NUMBERS: Final = frozenset({"IS", "DS", "US", "SS", "UL", "SL", "SV", "UV", "FL", "FD", "AT"})
_TOP: Final = ("PatientID", "PatientName")
_ZONE: Final = r"[+-](?:0\d|1[0-4])[0-5]\d"
_OPTIONS: Final = ("uids", "device", "institution", "patient", "full-dates", "modified-dates", "descriptors",
                   "structured", "graphics")  # fmt: skip


class Action(IntEnum):
    """What happens to an attribute."""

    REMOVE = 0
    EMPTY = 1  # stays without a value
    DUMMY = 2  # a value that says nothing
    KEEP = 3  # as it is, if it is what belongs there
    TERM = 4  # a coded value of terms.txt
    TEXT = 5  # cleaned by the notes engine
    UID = 6  # another UID, the same for the same one
    SHIFT = 7  # moved by the patient's days
    AGE = 8  # ages above 89 become 90
    PERSON = 9  # the patient's pseudonym
    ENTER = 10  # a sequence: each item by its own attributes' steps
    SHAPE = 11  # leaves if all of it looks like `argument`
    CODE = 12  # a part of a code; `argument` says which
    BULK = 13  # samples, unless they read as text
    ALL = 14  # as it is, whatever it holds: identified profiles only
    PIXELS = 15  # the image: handled by itself


@dataclass(frozen=True)
class Step:
    """An attribute's treatment. `otherwise` is what happens where `action` leaves nothing; `rule` is what decided."""

    action: Action
    vr: str
    vm: str
    keyword: str
    argument: str = ""
    otherwise: Action = Action.REMOVE
    rule: str = ""


@dataclass(frozen=True)
class Row:
    """A line of Table E.1-1."""

    tag: str
    keyword: str
    basic: str
    options: dict[str, str] = field(default_factory=dict)


def annex_e() -> dict[str, Row]:
    """Give Table E.1-1 by tag, eight lower-case hexadecimal digits; 50xxxxxx and the like for ranges of groups."""
    return _annex_e()


@cache
def _annex_e() -> dict[str, Row]:
    rows = [line.split("\t") for line in _lines("annex_e.tsv")[1:]]
    return {
        row[0]: Row(row[0], row[1], row[2], dict(pair.split(":") for pair in " ".join(row[3:]).split())) for row in rows
    }


@cache
def kept() -> dict[str, str]:
    """Give what else may leave: keyword to method, as kept.tsv says it."""
    rows = [line.split("\t") for line in _lines("kept.tsv")[1:]]
    return {row[0]: row[1] for row in rows}


@cache
def terms() -> frozenset[str]:
    """Give the coded values that may leave."""
    lines = [line.partition(":")[2] for line in _lines("terms.txt")]
    return frozenset(term.strip() for line in lines for term in line.split("|"))


def _lines(name: str) -> list[str]:
    text = resources.files("bailee.deid.dicom").joinpath(name).read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


class Plan:
    """The steps of one profile. `changed` replaces the table's steps of some tags: to show in a test that each is needed."""

    def __init__(self, profile: DicomProfile, *, changed: dict[int, Action] | None = None) -> None:
        self.profile = profile
        self._changed = changed or {}
        self._steps: dict[int, Step | None] = {}

    def step(self, tag: int) -> Step | None:
        """Give the step of an attribute; None if the standard does not know it."""
        if tag not in self._steps:
            self._steps[tag] = self._resolved(tag)
        return self._steps[tag]

    def _resolved(self, tag: int) -> Step | None:
        from pydicom.datadict import DicomDictionary

        entry = DicomDictionary.get(tag)
        row = annex_e().get(f"{tag:08x}")
        if entry is None:
            return None
        vr, vm, _, _, keyword = entry
        step = self._step(vr, vm, keyword, row)
        if tag in self._changed:
            return Step(self._changed[tag], vr, vm, keyword, rule="changed")
        return step

    def _step(self, vr: str, vm: str, keyword: str, row: Row | None) -> Step:
        method = kept().get(keyword, "")
        if keyword in {"PixelData", "FloatPixelData", "DoubleFloatPixelData"}:
            return Step(Action.PIXELS, vr, vm, keyword)
        if method == "anew" or (method == "remove" and not self.profile.identified):
            return Step(Action.REMOVE, vr, vm, keyword, rule="written anew or not needed")
        if self.profile.identified:
            return Step(Action.ENTER if vr == "SQ" else Action.ALL, vr, vm, keyword)
        if keyword in _TOP:
            return Step(Action.PERSON, vr, vm, keyword, otherwise=Action.EMPTY)
        if keyword in self.profile.kept:
            return Step(Action.KEEP, vr, vm, keyword, otherwise=Action.EMPTY)
        if row is not None:
            return self._by_table(vr, vm, keyword, row)
        return _by_kind(vr, vm, keyword, method, shift=self._times(vr))

    def _by_table(self, vr: str, vm: str, keyword: str, row: Row) -> Step:
        otherwise = _basic(row.basic, vr)
        option = next(
            (row.options[name] for name in _OPTIONS if name in self.profile.options and name in row.options), ""
        )
        action = self._optional(option, vr) if option else otherwise
        argument = ""
        if vr == "AS" and option and self.profile.fold_ages:
            action = Action.AGE
        if keyword == "TimezoneOffsetFromUTC" and option:
            action, argument = Action.SHAPE, _ZONE
        spare = Action.REMOVE if otherwise in {Action.UID, Action.ENTER} else otherwise
        rule = f"{row.basic} {option}".strip()
        return Step(action, vr, vm, keyword, argument=argument, otherwise=spare, rule=rule)

    def _optional(self, option: str, vr: str) -> Action:
        if vr == "SQ":
            return Action.ENTER
        if vr in TIMES:
            return Action.SHIFT if option == "C" else Action.KEEP
        if vr in TEXTS:
            return Action.TEXT
        return (
            Action.TERM
            if vr == "CS"
            else Action.UID
            if vr == "UI"
            else Action.KEEP
            if vr in NUMBERS | {"AS"}
            else Action.REMOVE
        )

    def _times(self, vr: str) -> Action:
        if vr in TIMES and self.profile.times != "REMOVED":
            return Action.SHIFT if self.profile.times == "MODIFIED" else Action.KEEP
        return Action.REMOVE


def _basic(code: str, vr: str) -> Action:
    """Resolve an action code so that the object stays valid whatever its attribute's type is.

    Source: PS3.15 Table E.1-1a. Where the standard lets a choice depend on the attribute's type, the one that is valid for
    all of them is taken: an empty value is valid for types 2 and 3, a dummy for 1, 2 and 3.
    """
    if code not in {"X", "Z", "X/Z", "U", "D", "Z/D", "X/D", "X/Z/D", "X/Z/U*"}:
        raise Invalid("an action that PS3.15 does not know", where="annex_e.tsv", remedy="Mend the table.")
    if code == "X":
        return Action.REMOVE
    if code in {"Z", "X/Z"}:
        return Action.EMPTY
    if vr == "SQ":
        return Action.ENTER
    return Action.UID if "U" in code or vr == "UI" else Action.DUMMY


def _by_kind(vr: str, vm: str, keyword: str, method: str, *, shift: Action) -> Step:
    """Decide an attribute that the table does not name: by our list, else by its VR."""
    if method:
        kind, _, argument = method.partition(" ")
        action = {"text": Action.TEXT, "shape": Action.SHAPE, "code": Action.CODE, "bulk": Action.BULK}[kind]
        return Step(action, vr, vm, keyword, argument=argument, rule="list of what else leaves")
    kinds = set(vr.split(" or "))
    if vr == "SQ":
        return Step(Action.ENTER, vr, vm, keyword)
    if vr == "UI":
        return Step(Action.UID, vr, vm, keyword)
    if vr == "CS":
        return Step(Action.TERM, vr, vm, keyword, rule="coded values")
    if kinds <= NUMBERS | {"OW"} and kinds & NUMBERS:
        return Step(Action.KEEP, vr, vm, keyword, rule="numbers")
    return Step(shift if vr in TIMES else Action.REMOVE, vr, vm, keyword, rule="nothing lets it")


def count_of(vm: str) -> tuple[int, int, int]:
    """Read a multiplicity: least, most (0 for any), step. Example: "2-2n" is (2, 0, 2)."""
    found = re.fullmatch(r"(\d+)(?:-(\d*)(n?))?", vm)
    if not found:
        return 1, 0, 1
    least = int(found[1])
    if "-" not in vm:
        return least, least, 1
    return (least, 0, int(found[2] or 1)) if found[3] else (least, int(found[2]), 1)

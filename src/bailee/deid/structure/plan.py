"""What a profile becomes: a graph of nodes that says, for each element of each type, what happens to it.

A plan holds no FHIRPath and no regular expression: the compiled engine (`engine.py`) walks it byte by byte, the
slow model (`tests/support/oracle.py`) walks it over dictionaries and settles the details; both must agree.

JSON arrays are transparent: every item meets the step of its key. A key without a step does not leave and is
counted. `_key` beside a primitive `key` has a step of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

import msgspec


class Action(IntEnum):
    """What happens to one element's value. Numbers are shared with `kernels/` and never reused."""

    REMOVE = 0  # does not leave; counted under its rule
    KEEP = 1  # as it is, whole subtree
    DESCEND = 2  # an object (or array of objects): continue at the node `step.node`
    RESOURCE = 3  # a resource inside a resource: continue at its type's root; `argument` "contained": ids are local
    YEAR = 4  # date, dateTime, instant → its year (45 CFR 164.514(b)(2)(i)(C)), followed by `step.argument`
    BIRTH_YEAR = 5  # as YEAR; removed where the patient is 90 or more at any time of the record
    SHIFT = 6  # date, dateTime, instant moved by the patient's offset, time of day kept; nobody's record: as YEAR
    ZIP3 = 7  # first three digits where the whitelist has them, else 000
    AGE = 8  # a number: above 89 becomes 90; `argument` "1080" for months: above 1079 becomes 1080
    OWN_ID = 9  # the resource's id → its pseudonym
    REFERENCE = 10  # any literal reference, rewritten so that the graph still joins, or removed
    HASH = 11  # keyed hash of the text (BLAKE2b-256 under the agreement's key), 64 hexadecimal digits
    CONSTANT = 12  # replaced by `step.argument`, JSON
    TEXT = 13  # free text: handed to the notes engine; null from it means remove
    ATTACHMENT = 14  # an Attachment object: handed out whole, comes back as JSON or null
    METHOD = 15  # a rare method (`step.argument` names it): handed out, comes back as JSON or null


class CheckKind(IntEnum):
    """What a value must look like. Numbers are shared with `kernels/` and never reused."""

    NUMBER = 1  # a JSON number
    BOOLEAN = 2  # true or false
    ONE_OF = 3  # a string that `values` holds
    CHARS = 4  # a string of 1 to `longest` characters, all ASCII and all in `chars`; no escapes needed
    SHAPE = 5  # a string that one of `values` describes: # a digit, @ A-Z, & A-Z or a digit, ~ a-z, others themselves


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """A test of one scalar, so that nothing but a code passes where a code belongs."""

    kind: CheckKind
    values: tuple[str, ...] = ()
    chars: str = ""
    longest: int = 0


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One element's treatment. `rule` indexes `Plan.rules`; `node` is used by DESCEND only.

    `check` indexes `Plan.checks`, or is -1. On KEEP: a value (or item) that fails, or is no scalar, is removed and
    counted. On TEXT: a value that passes stays as it is, and is not handed out.
    `absent` is a JSON object, or "": what stands in the place of a member of which nothing survives (as the only item,
    where it was an array), because FHIR requires one.
    """

    action: Action
    rule: int
    node: int = -1
    argument: str = ""
    check: int = -1
    absent: str = ""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to an object's members.

    Where `select_on` names a member, its text value picks another node for this object: an extension by its `url`,
    a coding by its `system`; an object that lacks the member selects by "". A value that `select` lacks falls to
    `otherwise`: a node, or -1 (the object does not leave). The node that was selected selects no further.
    `code.coding.code` goes through objects and the items of arrays, and the first value that `select` has picks;
    `code|unit` looks at the second member where nothing at the first picks.
    `alone` names a member that is nothing by itself (an extension's `url`): if only it survives, the object is empty.
    `refuse` marks modifier extensions: an object that falls to -1 there refuses its whole resource.
    """

    name: str
    steps: Mapping[str, Step]
    select_on: str = ""
    select: Mapping[str, int] = msgspec.field(default_factory=dict)
    otherwise: int = -1
    refuse: bool = False
    alone: str = ""

    @property
    def ways(self) -> tuple[tuple[str, ...], ...]:
        """Give the ways to the text that selects, each by its members; none for a node that does not select."""
        return tuple(tuple(way.split(".")) for way in self.select_on.split("|")) if self.select_on else ()


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """Where a step comes from: the profile's line, as a reviewer reads it."""

    path: str  # "Patient.birthDate", "HumanName.*"
    method: str
    reason: str = ""
    source: str = ""  # citation


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled profile. `sha256` identifies the profile text and the definitions that it was compiled from."""

    profile: str
    sha256: str
    identifiability: str
    nodes: tuple[Node, ...]
    roots: Mapping[str, int]  # resource type → node; a type that is absent is refused
    rules: tuple[Rule, ...]
    checks: tuple[Check, ...] = ()
    meta: str = (
        ""  # JSON object written as `meta` of every outermost resource, present or not; "": its own, by its step
    )
    keeps_other_patients: bool = False  # references to patients other than the record's own

"""The element tables in memory: parsed once, in milliseconds; owners are built when they are asked for."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType

import msgspec

FOLDER = Path(__file__).parent


class Kind(StrEnum):
    """What an owner of elements is."""

    RESOURCE = "resource"
    COMPLEX = "complex"
    PRIMITIVE = "primitive"
    BACKBONE = "backbone"
    ABSTRACT = "abstract"


class Element(msgspec.Struct, frozen=True, kw_only=True):
    """One member that an object may have in JSON; a choice such as `value[x]` is one Element per type."""

    name: str  # as in JSON: "valueQuantity"
    type: str  # "Quantity", "string", or an owner's path: "Patient.contact", "Questionnaire.item"
    required: bool  # at least one; of a choice: of all its types together
    repeats: bool  # an array in JSON
    modifier: bool = False
    choice: str = ""  # "value" for "valueQuantity"
    targets: tuple[str, ...] = ()  # of a Reference or canonical; empty: any
    codes: str = ""  # the value set that a code must come from; see `code_set`


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """A type or a nested part, as its line in the table says."""

    name: str
    kind: Kind
    base: str  # "-" for none
    lines: tuple[str, ...]


@cache
def owners() -> Mapping[str, Owner]:
    """Give every owner of elements by name, in the table's order."""
    found: dict[str, Owner] = {}
    for block in re.split(r"\n(?=\S)", (FOLDER / "elements.txt").read_text("utf-8").rstrip("\n")):
        head, *lines = block.split("\n")
        name, kind, base = head.split(" ")
        kind = "abstract" if kind.startswith("abstract-") else kind
        found[name] = Owner(name=name, kind=Kind(kind), base=base, lines=tuple(lines))
    return MappingProxyType(found)


def owner(name: str) -> Owner:
    """Give one owner. Raises: KeyError if R4 has no such type or part."""
    return owners()[name]


@cache
def _named(kind: Kind) -> tuple[str, ...]:
    return tuple(sorted(name for name, owner in owners().items() if owner.kind is kind))


def resource_types() -> tuple[str, ...]:
    """Give the 146 concrete resource types, sorted."""
    return _named(Kind.RESOURCE)


def data_types() -> tuple[str, ...]:
    """Give the complex data types, sorted: Address, Age …"""
    return _named(Kind.COMPLEX)


def backbones() -> tuple[str, ...]:
    """Give the nested parts by path, sorted: Account.coverage …"""
    return _named(Kind.BACKBONE)


def is_primitive(name: str) -> bool:
    """Tell whether a type's JSON value is a string, a number or a boolean."""
    return owner(name).kind is Kind.PRIMITIVE


@cache
def children(name: str) -> Mapping[str, Element]:
    """Give the members that an owner's JSON object may have, inherited ones first, choices expanded.

    `resourceType` and the `_key` siblings of primitives are JSON's, not FHIR's, and are not among them.
    Raises: KeyError if R4 has no such owner.
    """
    described = owner(name)
    inherited = dict(children(described.base)) if described.base != "-" else {}
    own = (element for line in described.lines for element in _elements(line))
    return MappingProxyType(inherited | {element.name: element for element in own})


def element(owner_name: str, name: str) -> Element | None:
    """Give one member of an owner, or None if it has no such member."""
    return children(owner_name).get(name)


def elements_at(path: str) -> tuple[Element, ...]:
    """Follow a dotted path from a type to its elements, one per step; `value[x]` may be written `value`.

    Raises: KeyError naming the step that does not exist.
    Example:
        >>> [element.type for element in elements_at("Patient.contact.name.family")]
        ['Patient.contact', 'HumanName', 'string']

    """
    head, *steps = path.split(".")
    chain: list[Element] = []
    here = head
    for step in steps:
        found = element(here, step)
        if found is None:
            raise KeyError(f"{here}.{step}")
        chain.append(found)
        here = found.type
    return tuple(chain)


def _elements(line: str) -> list[Element]:
    _, name, cardinality, types, *flags = line.split("\t")
    least, _, most = cardinality.partition("..")
    choice = name.removesuffix("[x]") if name.endswith("[x]") else ""
    return [
        Element(
            name=choice + _capital(code) if choice else name,
            type=code,
            required=least != "0",
            repeats=most != "1",
            modifier=bool(flags),
            choice=choice,
            targets=tuple(targets.split("|")) if targets else (),
            codes=codes,
        )
        for code, targets, codes in map(_type, types.split(" "))
    ]


def _type(text: str) -> tuple[str, str, str]:
    name, _, codes = text.partition("=")
    code, _, targets = name.partition("(")
    return code, targets.rstrip(")"), codes


def _capital(code: str) -> str:
    return code[0].upper() + code[1:]


@cache
def _code_sets() -> Mapping[str, str]:
    lines = (FOLDER / "codes.txt").read_text("utf-8").splitlines()
    return dict(line.split("\t") for line in lines)


@cache
def code_set(name: str) -> frozenset[str]:
    """Give the codes of a value set that a `code` element is bound to. Raises: KeyError if it is not listed."""
    return frozenset(_code_sets()[name].split(" "))


@cache
def _system_lines() -> Mapping[str, str]:
    lines = (FOLDER / "systems.txt").read_text("utf-8").splitlines()
    return dict(line.split("\t", 1) for line in lines)


def systems() -> tuple[str, ...]:
    """Give the URLs of the code systems whose codes are known: HL7's own, v2 and v3, UCUM, countries, languages."""
    return tuple(_system_lines())


def system_codes(url: str) -> frozenset[str]:
    """Give a code system's codes; of UCUM, ISO 3166 and BCP 47 the common ones. Raises: KeyError if not known."""
    return frozenset(_system_lines()[url].split("\t"))


@cache
def source_hash() -> str:
    """Hash the tables that decide elements, for plans to say what they were compiled from. Shape: 64 hex digits."""
    content = b"".join((FOLDER / name).read_bytes() for name in ("elements.txt", "codes.txt", "systems.txt"))
    return hashlib.sha256(content).hexdigest()

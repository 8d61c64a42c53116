"""The rules of mapping.txt and columns.txt in memory."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

import msgspec

from bailee.records.omop.blocks import blocks
from bailee.records.omop.elements import CODINGS

_CODED = frozenset({"code", "value", "route", "site"})


class Skip(msgspec.Struct, frozen=True, kw_only=True):
    """Records that say that something did not happen, or not yet: they are left out for a reason."""

    reason: str
    path: str
    values: tuple[str, ...]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How records of one type, or parts of them, become rows.

    `routing`: "routed" by the concept's domain; "fixed" to the table; "about": to the table, as a finding about
    whatever the code names, unless the code is such a finding itself.
    """

    kind: str
    part: str
    table: str
    type_concept: int
    routing: str
    about: str  # vocabulary and code, with a tab between
    columns: Mapping[str, tuple[str, ...]]
    coded_by: tuple[str, str]  # a reference whose target has the code, and the target's type
    skips: tuple[Skip, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Give all paths that the rule reads, below its part."""
        plain = [path for name, paths in self.columns.items() if name not in _CODED for path in paths]
        codes = [f"{path}.{member}" for name in _CODED for path in self.columns.get(name, ()) for member in CODINGS]
        referring = [self.coded_by[0]] if self.coded_by[0] else []
        return tuple(dict.fromkeys([*plain, *sorted(codes), *referring, *(skip.path for skip in self.skips)]))


@cache
def rules() -> Mapping[str, Rule]:
    """Give every rule by type, or by type and part: "Observation.component"."""
    return MappingProxyType({head[0]: _rule(head, lines) for head, lines in blocks("mapping.txt")})


def _rule(head: list[str], lines: list[list[str]]) -> Rule:
    name, table, concept, routing, *about = head
    kind, _, part = name.partition(".")
    special = {"skip", "coded-by"}
    coded_by = next(((line[1], line[2]) for line in lines if line[0] == "coded-by"), ("", ""))
    return Rule(
        kind=kind,
        part=part,
        table=table,
        type_concept=int(concept),
        routing=routing,
        about="\t".join(about),
        columns={line[0]: tuple(line[1:]) for line in lines if line[0] not in special},
        coded_by=coded_by,
        skips=tuple(Skip(reason=line[1], path=line[2], values=tuple(line[3:])) for line in lines if line[0] == "skip"),
    )


@cache
def columns_of(table: str) -> Mapping[str, str]:
    """Say which column of an event each field of a table is filled with."""
    found = {head[0]: dict(lines) for head, lines in blocks("columns.txt")}
    return MappingProxyType(found[table])

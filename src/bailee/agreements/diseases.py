"""Which disease lies below which, from a pinned MONDO release; a small built-in table, or a site's own.

A table is text: a first line `# release <name>`, then one line per disease: code, its parents, its label, between tabs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib.resources import files

from bailee.core.canonical import sha256_hex
from bailee.core.errors import Invalid

_CODE = re.compile(r"MONDO:\d{7}")


class Diseases:
    """A pinned release: every disease's parents. Raises: Invalid for an unknown parent or a circle."""

    def __init__(self, parents: Mapping[str, tuple[str, ...]], *, release: str, sha256: str) -> None:
        self._parents, self.release, self.sha256 = dict(parents), release, sha256
        self._above: dict[str, frozenset[str]] = {}
        for code in self._parents:
            self._climb(code)

    def knows(self, code: str) -> bool:
        """Tell whether the release has this disease."""
        return code in self._parents

    def above(self, code: str) -> frozenset[str]:
        """Give a disease and everything above it. Raises: KeyError if it is unknown."""
        return self._above[code]

    def lies_below(self, code: str, permitted: Iterable[str]) -> bool:
        """Tell whether a disease is one of these or below one; an unknown one is not."""
        return code in self._parents and not self._above[code].isdisjoint(permitted)

    def _climb(self, start: str) -> None:
        """Fill in what lies above a disease, without recursion: releases are deep."""
        path = [start]
        while path:
            code = path[-1]
            waiting = [parent for parent in self._parents_of(code) if parent not in self._above]
            if not waiting:
                self._above[code] = frozenset({code}).union(*(self._above[parent] for parent in self._parents[code]))
                path.pop()
            elif waiting[0] in path:
                raise Invalid("diseases in a circle", where=code, remedy="Load an unchanged release.")
            else:
                path.append(waiting[0])

    def _parents_of(self, code: str) -> tuple[str, ...]:
        try:
            return self._parents[code]
        except KeyError:
            raise Invalid("a parent that the table lacks", where=code, remedy="Load the whole release.") from None


def diseases_from_text(text: str, *, name: str, sha256: str | None = None) -> Diseases:
    """Read a table of diseases, pinned by its hash where one is given.

    Raises: Invalid naming the line for a line of another form, or if the hash is another.
    """
    found = sha256_hex(text.encode())
    if sha256 is not None and sha256 != found:
        raise Invalid("not the pinned release of diseases", where=name, remedy="Load the pinned file, or pin this one.")
    head, *lines = text.removesuffix("\n").split("\n")
    if not head.startswith("# release "):
        raise Invalid("no release is named", where=f"{name}, line 1", remedy="Begin with: # release <name>")
    parents: dict[str, tuple[str, ...]] = {}
    for number, line in enumerate(lines, start=2):
        code, *rest = line.split("\t")
        above = tuple(rest[0].split()) if rest else ()
        if len(rest) != 2 or not all(_CODE.fullmatch(item) for item in (code, *above)):
            remedy = "A line holds a code, its parents, its label, between tabs."
            raise Invalid("a line of another form", where=f"{name}, line {number}", remedy=remedy)
        parents[code] = above
    return Diseases(parents, release=head.removeprefix("# release ").strip(), sha256=found)


class _BuiltIn:
    @cached_property
    def diseases(self) -> Diseases:
        text = (files("bailee.agreements") / "diseases.txt").read_text("utf-8")
        return diseases_from_text(text, name="diseases.txt")


_built_in = _BuiltIn()


def built_in_diseases() -> Diseases:
    """Give the small built-in table: common cancers, heart, metabolic, lung, nervous and mental diseases.

    Source: identifiers and names of the Mondo Disease Ontology (CC BY 4.0); a site loads a whole release.
    """
    return _built_in.diseases

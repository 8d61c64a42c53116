"""The evidence report of a release: what a privacy officer reads before signing; for the hospital's eyes only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bailee.core.reasons import plain_words


class TypeCount(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one type: how many were in the vault for this release, and how many left."""

    type: str
    taken: int
    left: int


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of a note; `label` is empty where nothing was found."""

    text: str
    label: str = ""


class NoteSample(msgspec.Struct, frozen=True, kw_only=True):
    """One note before and after, for side-by-side reading."""

    kind: str
    before: tuple[Piece, ...]
    after: tuple[Piece, ...]


class RuleCount(msgspec.Struct, frozen=True, kw_only=True):
    """What one rule of the profile did."""

    path: str
    method: str
    reason: str
    source: str
    count: int


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the report shows. Times are RFC 3339, durations seconds, sizes bytes."""

    release: str
    hospital: str
    partner: str
    title: str
    agreement: str
    agreement_sha256: str
    purposes: Sequence[str]
    identifiability: str
    profile: str
    operating_point: str
    as_of: str
    zip3: str  # which census decides about ZIP codes, and whether it is outdated
    patients_taken: int
    patients_left: int
    types: Sequence[TypeCount]
    notes_taken: int
    notes_left: int
    refused: Mapping[str, int]  # reason code → records
    refused_patients: Mapping[str, int]  # reason code → patients
    withheld: Mapping[str, int]  # reason code → texts that were taken out of records
    found: Mapping[str, int]  # label → identifiers
    finders: Mapping[str, int]  # finder → identifiers it took part in
    rules: Sequence[RuleCount]
    unknown: Mapping[str, int]  # element path → values that did not leave
    risk: Mapping[str, str]
    leak: Mapping[str, str]
    samples: Sequence[NoteSample]
    files: Sequence[tuple[str, int, int, str]]  # path, rows, bytes, SHA-256
    manifest_sha256: str
    checkpoint: str
    leaves: Mapping[str, int]  # entry kind → sequence number
    seconds: float
    size_bytes: int


def write_report(evidence: Evidence, path: Path) -> None:
    """Write the report as one HTML file that needs nothing else."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    environment.filters["mb"] = lambda size: f"{size / 1e6:,.1f} MB"
    template = environment.get_template("evidence.html.j2")
    html = template.render(e=evidence, words=plain_words, share=_share, steps=_steps(evidence))
    path.write_text(html, "utf-8")
    path.chmod(0o600)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"


def _steps(evidence: Evidence) -> list[tuple[str, int]]:
    taken = sum(count.taken for count in evidence.types)
    left = sum(count.left for count in evidence.types)
    return [("in the vault", taken), ("refused by a rule", taken - left), ("left", left)]

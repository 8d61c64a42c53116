"""Gathers what the evidence report of a release shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bailee.agreements.terms import Agreement
from bailee.core.keys import Secret
from bailee.deid.notes.found import CHARTS, MODEL, PATTERNS
from bailee.deid.notes.leaks import missed_by_all
from bailee.deid.structure.plan import Plan
from bailee.deid.structure.zip3 import zip3_table
from bailee.flows.hospital import Hospital
from bailee.flows.release.evidence import Evidence, NoteSample, RuleCount, TypeCount, write_report
from bailee.flows.release.part import FINISHED, SAMPLES, read_sealed
from bailee.flows.release.plan import ReleasePlan, staging_of
from bailee.flows.release.summary import PartSummary
from bailee.flows.release.task import read_sample
from bailee.flows.release.tools import read_profile
from bailee.stores.lake.dataset import DatasetManifest

SAMPLES_SHOWN = 12


def report(
    hospital: Hospital,
    plan: ReleasePlan,
    terms: Agreement,
    summary: PartSummary,
    manifest: DatasetManifest,
    *,
    manifest_sha256: str,
    seconds: float,
) -> Path:
    """Write the report of a finished release, readable by its owner only; give its path."""
    path = hospital.home.reports / f"{plan.release}.html"
    note = hospital.log.last_checkpoint()
    progress = hospital.egress.progress(plan.release)
    places = sorted((staging_of(hospital.home, plan.release) / "parts").glob(FINISHED))
    evidence = Evidence(
        release=plan.release,
        hospital=manifest.hospital,
        partner=manifest.partner,
        title=terms.title,
        agreement=plan.agreement,
        agreement_sha256=plan.agreement_sha256,
        purposes=[terms.purposes.permission, *(each.code for each in terms.purposes.modifiers), *terms.purposes.local],
        identifiability=plan.identifiability,
        profile=plan.profile,
        operating_point=plan.operating_point,
        as_of=plan.as_of,
        zip3=zip3_table().words(int(plan.as_of[:4])),
        patients_taken=summary.patients_taken,
        patients_left=summary.patients_left,
        types=_types(summary),
        notes_taken=summary.notes_taken,
        notes_left=summary.notes_left,
        refused=dict(summary.refused),
        refused_patients=dict(summary.refused_patients),
        withheld=dict(summary.withheld),
        found=dict(sorted(summary.found.items(), key=lambda pair: -pair[1])),
        finders=dict(sorted(summary.finders.items(), key=lambda pair: -pair[1])),
        rules=_rules(read_profile(staging_of(hospital.home, plan.release), hospital.master.derive("parts")), summary),
        unknown=dict(sorted(summary.unknown.items(), key=lambda pair: -pair[1])[:200]),
        risk=dict(manifest.risk),
        leak=_leak(summary),
        samples=list(_samples(places, hospital.master.derive("parts"))),
        files=[(file.path, file.rows, file.size_bytes, file.sha256) for file in manifest.files],
        manifest_sha256=manifest_sha256,
        checkpoint=str(note) if note else "",
        leaves=progress.kinds,
        seconds=seconds,
        size_bytes=summary.size_bytes,
    )
    write_report(evidence, path)
    return path


def _types(summary: PartSummary) -> list[TypeCount]:
    return [TypeCount(type=kind, taken=count, left=summary.left.get(kind, 0)) for kind, count in summary.taken.items()]


def _rules(profile: Plan, summary: PartSummary) -> list[RuleCount]:
    rules = profile.rules
    counted = sorted(((int(number), count) for number, count in summary.rules.items()), key=lambda pair: -pair[1])
    return [
        RuleCount(path=rule.path, method=rule.method, reason=rule.reason, source=rule.source, count=count)
        for rule, count in ((rules[number], count) for number, count in counted)
    ]


def _samples(places: list[Path], seal: Secret) -> Iterator[NoteSample]:
    """Take the samples of least rank over all parts."""
    ranked = [pair for place in places for pair in _ranked(place, seal)]
    yield from (read_sample(sample) for _, sample in sorted(ranked)[:SAMPLES_SHOWN])


def _ranked(place: Path, seal: Secret) -> Iterator[tuple[int, bytes]]:
    table = read_sealed(place, SAMPLES, seal)
    yield from zip(table["rank"].to_pylist(), table["sample"].to_pylist(), strict=True)


def _leak(summary: PartSummary) -> dict[str, str]:
    """Estimate what every finder missed, from how often they agree. Source: capture-recapture, log-linear."""
    counts: dict[int, int] = {}
    for mask, count in summary.agreeing.items():
        seen = int(mask) & (PATTERNS | MODEL | CHARTS)
        if seen:
            counts[seen] = counts.get(seen, 0) + count
    if len(counts) < 2:
        return {}
    found = missed_by_all(counts, 3)
    return {
        "Identifiers that no finder saw, estimated": f"{found.missed:,.0f} ({found.low:,.0f} to {found.high:,.0f}, 95 %)",
        "Share found, estimated": f"{100 * found.recall:.2f} %",
        "How": "From how often patterns, model and chart find the same identifier (capture-recapture). They do not miss "
        "independently, so take it as a check of order of magnitude; a reviewed sample decides.",
    }

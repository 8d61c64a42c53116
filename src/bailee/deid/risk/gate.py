"""An agreement's thresholds against what was measured: the extract passes, or is refused with reasons.

The gate sees counts only. Its report is evidence for the release, and the ground of an expert's determination
(45 CFR 164.514(b)(1)): it names columns and numbers, never a value.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pyarrow as pa

from bailee.core.errors import Denied
from bailee.deid.risk.classes import count_classes, count_sensitive
from bailee.deid.risk.differencing import Difference
from bailee.deid.risk.measures import Diversity, Risk, Sensitive, diversity_of, risk_of

OUTPUT_RISK, DIFFERENCING = "E-OUTPUT-RISK", "E-DIFFERENCING"


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an agreement asks of every extract under it."""

    quasi: tuple[str, ...]
    k: int = 11
    highest_risk: float = 1.0  # prosecutor, of any record
    average_risk: float = 1.0  # prosecutor, over all
    unique: int | None = None  # records that may be alone in their class
    least_difference: int = 11  # records that must differ from an earlier release, if any do
    sensitive: Mapping[str, Sensitive] = msgspec.field(default_factory=dict)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One threshold, what was measured, and whether it holds."""

    what: str
    asked: str
    measured: str
    holds: bool
    reason: str = OUTPUT_RISK


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of an extract, and every threshold with its outcome."""

    quasi: tuple[str, ...]
    risk: Risk
    diversity: Mapping[str, Diversity]
    findings: tuple[Finding, ...]

    @property
    def passes(self) -> bool:
        """Tell whether every threshold holds."""
        return all(finding.holds for finding in self.findings)


def assess(table: pa.Table, thresholds: Thresholds, *, differences: tuple[Difference, ...] = ()) -> Report:
    """Measure an extract and hold it to its thresholds; `differences` are from the partner's earlier releases.

    Cost: one pass for the classes, one for each sensitive column. Raises: Invalid if a declared column is missing.
    """
    risk = risk_of(count_classes(table, thresholds.quasi).sizes)
    diversity = {
        column: diversity_of(*count_sensitive(table, thresholds.quasi, column), ordered=asked.ordered)
        for column, asked in thresholds.sensitive.items()
    }
    findings = [*_risk_findings(risk, thresholds), *_diversity_findings(diversity, thresholds)]
    findings += [_difference_finding(difference, thresholds) for difference in differences]
    return Report(quasi=thresholds.quasi, risk=risk, diversity=diversity, findings=tuple(findings))


def require(report: Report) -> None:
    """Let a report pass or refuse it. Raises: Denied with the reason codes of what does not hold, and what would help."""
    broken = [finding for finding in report.findings if not finding.holds]
    if broken:
        what = "; ".join(f"{finding.what} is {finding.measured}, asked is {finding.asked}" for finding in broken)
        reasons = sorted({finding.reason for finding in broken})
        raise Denied(what, reasons=reasons, remedy="Generalise further, suppress, or agree on other thresholds.")


def _risk_findings(risk: Risk, asked: Thresholds) -> list[Finding]:
    enough = not risk.records or risk.smallest >= asked.k
    found = [
        Finding(what="smallest class", asked=f"{asked.k} or more", measured=str(risk.smallest), holds=enough),
        _at_most("highest risk of a record", risk.prosecutor_highest, asked.highest_risk),
        _at_most("average risk", risk.prosecutor_average, asked.average_risk),
    ]
    if asked.unique is not None:
        found.append(_at_most("records alone in their class", risk.unique, asked.unique))
    return found


def _diversity_findings(diversity: Mapping[str, Diversity], asked: Thresholds) -> list[Finding]:
    found = []
    for column, measured in diversity.items():
        rule = asked.sensitive[column]
        found += [
            _at_least(f"different values of {column} in a class", measured.distinct, rule.distinct),
            _at_least(f"effective values of {column} in a class", measured.entropy, rule.entropy),
            _at_most(f"distance of {column} in a class from the whole", measured.closeness, rule.closeness),
        ]
    return found


def _difference_finding(difference: Difference, asked: Thresholds) -> Finding:
    smallest = difference.smallest
    return Finding(
        what=f"records that differ from release {difference.earlier}",
        asked=f"none, or {asked.least_difference} or more",
        measured="none" if smallest is None else str(smallest),
        holds=smallest is None or smallest >= asked.least_difference,
        reason=DIFFERENCING,
    )


def _at_most(what: str, measured: float, asked: float) -> Finding:
    return Finding(what=what, asked=f"at most {asked:g}", measured=f"{measured:.4g}", holds=measured <= asked + 1e-12)


def _at_least(what: str, measured: float, asked: float) -> Finding:
    return Finding(what=what, asked=f"at least {asked:g}", measured=f"{measured:.4g}", holds=measured >= asked - 1e-12)

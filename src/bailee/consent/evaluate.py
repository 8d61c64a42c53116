"""The one evaluator: may this record of this patient leave, for this ask, at this moment?

Ten steps, in this order; whatever is missing, unknown, malformed or failing is a refusal:
0 input · 1 one patient · 2 agreement · 3 request · 4 scope · 5 legal route (0 and 2 to 5 in `core.grants`) ·
6 any refusal in any layer · 7 the patient's permission where one is needed · 8 specially protected kinds · 9 permit.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache

from bailee.consent.labels import CATEGORY, Sensitivity, built_in_sensitivity
from bailee.consent.rules import Item, Outcome, Rule, has_permission, outcome, reach
from bailee.core.decisions import PERMIT, Decision, refuse
from bailee.core.errors import Invalid
from bailee.core.grants import Ask, Finding, Grant, Window, covering_window, findings
from bailee.records.r4.search import patient_paths

_log = logging.getLogger(__name__)
_NONE: tuple[Rule, ...] = ()
_MAY_CARRY: frozenset[str] = frozenset(
    [
        "Patient",
        "Binary",
        "Bundle",
        "BiologicallyDerivedProduct",
        "Contract",
        "DeviceMetric",
        "EnrollmentResponse",
        "Linkage",
        "MessageHeader",
        "OperationOutcome",
        "Parameters",
        "PaymentNotice",
        "PaymentReconciliation",
        "Subscription",
        "TestReport",
        "VerificationResult",
    ]
)


@dataclass(frozen=True, repr=False)
class Snapshot:
    """Everything that a decision rests on, at one size of the consent log."""

    grants: Mapping[str, Grant]  # by id of the agreement
    rules: Mapping[str, tuple[Rule, ...]]  # by patient
    house: tuple[Rule, ...] = ()  # of law and of the hospital: they speak of every patient
    size: int = 0
    sensitivity: Sensitivity = field(default_factory=built_in_sensitivity)
    _gates: dict[Ask, Gate] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Snapshot({len(self.grants)} agreements, {len(self.rules)} patients with rules, size {self.size})"

    def gate(self, ask: Ask) -> Gate:
        """Give what an ask meets before any patient does; remembered, since it depends on nothing else."""
        found = self._gates.get(ask)
        if found is None:
            found = self._gates[ask] = _gate_of(ask, self.grants.get(ask.agreement), self.sensitivity)
        return found


@dataclass(frozen=True)
class Gate:
    """Steps 0 and 2 to 5 for one ask: open inside a window, or never."""

    ask: Ask
    grant: Grant | None
    opens: Window
    permitted: Decision
    standing: tuple[Finding, ...] = ()  # findings that no time mends

    @property
    def needs_permit(self) -> bool:
        """Tell whether each patient must have permitted it."""
        return self.grant is None or self.grant.needs_permit

    @property
    def protected(self) -> frozenset[str]:
        """Name the categories for which a record must be looked at."""
        return self.grant.special | self.grant.leaves_out if self.grant else frozenset()

    def refusal(self, at_ms: int) -> Decision:
        """Say why the gate is closed at a moment. Raises: AssertionError if it is open."""
        return refuse(*self.standing, *findings(self.ask, self.grant, at_ms))


def decide(subject: str | None, item: Item, ask: Ask, snapshot: Snapshot, at_ms: int) -> Decision:
    """Decide on one record. Pure: the same snapshot, ask and moment give the same decision.

    `subject` is the patient, or None for a record that is nobody's. Units: milliseconds since the epoch.
    Raises: nothing; an error inside is a refusal (E-INTERNAL), and a type where another belongs is one (E-INPUT).
    """
    return _closed(_decide, subject, item, ask, snapshot, at_ms)


def decide_patient(subject: str, ask: Ask, snapshot: Snapshot, at_ms: int) -> Decision:
    """Decide whether anything at all of one patient may leave; a permit leaves each record still to be decided.

    Where this refuses, `decide` refuses every record of the patient.
    """
    return _closed(_decide_patient, subject, None, ask, snapshot, at_ms)


def belongs_to_nobody(resource_type: str) -> bool:
    """Tell whether records of this type are about no patient: organisations, terminology, the staff.

    Types that have no reference to a patient and may all the same carry one's data (Binary, Bundle …) are not.
    """
    return resource_type not in _MAY_CARRY and not _patient_paths(resource_type)


def _closed(
    answer: Callable[..., Decision], subject: str | None, item: Item | None, ask: Ask, snapshot: Snapshot, at_ms: int
) -> Decision:
    if type(at_ms) is not int or at_ms < 0:
        return refuse(("E-CLOCK", "the time is not a whole number of milliseconds"))
    if type(ask) is not Ask or type(snapshot) is not Snapshot:
        return refuse(("E-INPUT", "the ask or the snapshot is missing"))
    try:
        return answer(subject, item, ask, snapshot, at_ms)
    except Invalid:
        return refuse(("E-INPUT", ""))
    except Exception:  # noqa: BLE001  # whatever fails inside must refuse, never pass
        _log.error("a decision failed inside and refuses", exc_info=False)  # a traceback may show values
        return refuse(("E-INTERNAL", ""))


def _decide(subject: str | None, item: Item, ask: Ask, snapshot: Snapshot, at_ms: int) -> Decision:
    if type(item) is not Item:
        return refuse(("E-INPUT", "the record is missing"))
    gate = snapshot.gate(ask)
    if not gate.opens.from_ms <= at_ms < gate.opens.until_ms:
        return gate.refusal(at_ms)
    own = _NONE
    if subject is None:
        if item.patients or not belongs_to_nobody(item.type):
            return refuse(("E-UNMAPPED", ""))
    elif not subject or item.patients != (subject,):
        return refuse(("E-UNMAPPED", ""))
    else:
        own = snapshot.rules.get(subject, _NONE)
    if item.type not in ask.types:
        return refuse(("E-SCOPE-FIELD", "the record's type was not asked for"))
    grant = gate.grant
    assert grant is not None  # a gate without one never opens
    if not own and not snapshot.house and not grant.needs_permit and not grant.special and not grant.leaves_out:
        return gate.permitted
    return _weigh(subject, item, gate, (snapshot.house, own), at_ms)


def _weigh(subject: str | None, item: Item, gate: Gate, layers: tuple[tuple[Rule, ...], ...], at_ms: int) -> Decision:
    """Steps 6 to 9. The house's refusals are reported before the patient's own."""
    grant, ask = gate.grant, gate.ask
    assert grant is not None
    said: list[tuple[Rule, Outcome]] = []
    for rules in layers:
        said = [(rule, found) for rule in rules if (found := outcome(rule, ask, item, at_ms)) is not None]
        denies = [rule for rule, found in said if found.effect == "deny"]
        if denies:
            return refuse_by(denies)
    permits = [(rule, found) for rule, found in said if rule.layer == "patient"]  # of the last layer, the patient's own
    if grant.needs_permit and subject is not None and not permits:
        return refuse(("E-NOCONSENT", ""))
    refused = _protected(item, grant, permits)
    if refused is not None:
        return refused
    if not permits:
        return gate.permitted
    names = tuple(sorted({rule.id for rule, _ in permits}))
    return Decision(permit=True, reasons=(PERMIT,), rules=names, obligations=grant.obligations)


def _protected(item: Item, grant: Grant, permits: Iterable[tuple[Rule, Outcome]]) -> Decision | None:
    """Step 8, and the categories that the scope leaves out. An unknown category counts as protected."""
    if not grant.special and not grant.leaves_out:
        return None
    if item.labels is None:
        return refuse(("E-SPECIAL", ""))
    categories = item.categories
    if not categories.isdisjoint(grant.leaves_out):
        return refuse(("E-SCOPE-FIELD", "the record belongs to a category that the scope leaves out"))
    named = frozenset[str]().union(*(found.labels for _, found in permits))
    if any(f"{CATEGORY}{name}" not in named for name in categories & grant.special):
        return refuse(("E-SPECIAL", ""))
    return None


def _decide_patient(subject: str, _: None, ask: Ask, snapshot: Snapshot, at_ms: int) -> Decision:
    gate = snapshot.gate(ask)
    if not gate.opens.from_ms <= at_ms < gate.opens.until_ms:
        return gate.refusal(at_ms)
    if type(subject) is not str or not subject:
        return refuse(("E-UNMAPPED", ""))
    own = snapshot.rules.get(subject, _NONE)
    for rules in (snapshot.house, own):
        denies = [rule for rule in rules if reach(rule, ask, at_ms).whole == "deny"]
        if denies:
            return refuse_by(denies)
    grant = gate.grant
    assert grant is not None
    if grant.needs_permit and not any(_may_permit(rule, ask, at_ms) for rule in own):
        return refuse(("E-NOCONSENT", ""))
    return gate.permitted


def refuse_by(rules: Iterable[Rule]) -> Decision:
    """Refuse in the name of rules, in an order that does not depend on theirs."""
    named = sorted({(rule.code, rule.id) for rule in rules})
    codes = tuple(f"{code}:{name}" if code == "E-DENY" else code for code, name in named)
    return refuse(*((code, "") for code in codes), rules=tuple(name for _, name in named))


def _may_permit(rule: Rule, ask: Ask, at_ms: int) -> bool:
    found = reach(rule, ask, at_ms)
    return rule.layer == "patient" and (found.whole == "permit" or (found.depends and has_permission(rule)))


def _gate_of(ask: Ask, grant: Grant | None, sensitivity: Sensitivity) -> Gate:
    nobody = Decision(permit=True, reasons=(PERMIT,), obligations=grant.obligations if grant else ())
    if grant is None:
        return Gate(ask, None, Window(0, 0), nobody)
    unknown = (grant.special | grant.leaves_out) - sensitivity.categories.keys()
    standing = tuple(("E-VOCAB", f"no category is called {name}: see the site's table") for name in sorted(unknown))
    window = covering_window(grant)
    if standing or any(findings(ask, grant, window.from_ms)):
        window = Window(0, 0)
    return Gate(ask, grant, window, nobody, standing)


@cache
def _patient_paths(resource_type: str) -> tuple[str, ...]:
    return patient_paths(resource_type)

"""Whether an agreement's terms fit together, whatever the day: what the structures alone cannot say."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bailee.agreements import duo
from bailee.agreements.lines import Path
from bailee.agreements.routes import Deidentified, LimitedDataSet, Preparatory
from bailee.agreements.terms import Agreement
from bailee.agreements.vocabulary import ALWAYS_PROHIBITED, DATA_USE_DUTIES
from bailee.core.grants import lies_in
from bailee.records.r4.tables import children, elements_at, is_primitive, resource_types

Misfit = tuple[Path, str, str]  # where, the rule, the remedy
ALL_TYPES = "all"
LAY_SUMMARY_WORDS = 300


def misfits(agreement: Agreement) -> Iterator[Misfit]:
    """Give every rule that the terms break, in the order in which a reader meets them."""
    for check in _CHECKS:
        yield from check(agreement)


def types_of(agreement: Agreement) -> tuple[str, ...]:
    """Give the resource types in scope; `all` becomes all of R4's."""
    types = agreement.scope.types
    return resource_types() if types == (ALL_TYPES,) else types


def _route(agreement: Agreement) -> Iterator[Misfit]:
    kind, route = agreement.identifiability, agreement.route
    if kind == "expert-determination" and not (isinstance(route, Deidentified) and route.determination):
        yield ("route",), "an expert's determination is missing", "Add route.determination, or choose `safe-harbor`."
    if kind == "safe-harbor" and isinstance(route, LimitedDataSet | Preparatory):
        yield ("route", "kind"), "the route does not fit `safe-harbor`", "Use the kind `de-identified`."
    if kind == "limited-data-set" and isinstance(route, Deidentified):
        yield ("route", "kind"), "a limited data set is not de-identified", "Use the kind `limited-data-set`."
    if kind == "identified" and isinstance(route, Deidentified | LimitedDataSet):
        yield ("route", "kind"), "identified data needs another route", "Name the route that permits identified data."


def _purposes(agreement: Agreement) -> Iterator[Misfit]:
    for step, rule, remedy in duo.malformed(agreement.purposes):
        yield ("purposes", *step), rule, remedy


def _prohibitions(agreement: Agreement) -> Iterator[Misfit]:
    missing = ALWAYS_PROHIBITED - set(agreement.prohibitions)
    if missing and agreement.identifiability != "identified":
        words = " and ".join(sorted(missing))
        yield ("prohibitions",), f"{words} must be prohibited", "Add it: 45 CFR 164.514(e)(4)(ii)(C)(5)."
    if agreement.models.training and "model-training" in agreement.prohibitions:
        yield ("models", "training"), "model training is both allowed and prohibited", "Keep one of the two."
    if agreement.models.weights_leave and "model-export" in agreement.prohibitions:
        yield ("models", "weights_leave"), "leaving weights are both allowed and prohibited", "Keep one of the two."
    if agreement.linkage.allowed and "linkage" in agreement.prohibitions:
        yield ("linkage", "allowed"), "linkage is both allowed and prohibited", "Keep one of the two."


def _obligations(agreement: Agreement) -> Iterator[Misfit]:
    missing = DATA_USE_DUTIES - set(agreement.obligations)
    if missing and agreement.identifiability == "limited-data-set":
        words = ", ".join(sorted(missing))
        yield ("obligations",), f"a limited data set needs the duties {words}", "Add them: 45 CFR 164.514(e)(4)(ii)(C)."
    if agreement.retention.certificate != ("certify-destruction" in agreement.obligations):
        yield ("retention",), "the certificate of destruction is not in both places", "Say it in both, or in neither."


def _scope(agreement: Agreement) -> Iterator[Misfit]:
    scope, known = agreement.scope, frozenset(resource_types())
    for number, name in enumerate(scope.types):
        if name not in known and scope.types != (ALL_TYPES,):
            yield ("scope", "types", number), "not a resource type of FHIR R4", "Correct the name."
    for name, elements in scope.elements.items():
        if name not in known or name not in types_of(agreement):
            yield ("scope", "elements", name), "elements of a type that is not in scope", "Add the type to scope.types."
            continue
        for number, element in enumerate(elements):
            if element not in children(name):
                yield ("scope", "elements", name, number), f"not an element of {name}", "Correct the name."
    yield from _cohort(agreement)


def _cohort(agreement: Agreement) -> Iterator[Misfit]:
    cohort = agreement.scope.cohort
    if (cohort.search is not None) + (cohort.sql is not None) + cohort.everyone != 1:
        yield ("scope", "cohort"), "a cohort says exactly one of search, sql, everyone", "Keep one of them."
    begins, ends = agreement.scope.records_from, agreement.scope.records_until
    if begins and ends and begins >= ends:
        yield ("scope", "records_until"), "the records end before they begin", "Correct the days."


def _formats(agreement: Agreement) -> Iterator[Misfit]:
    formats = agreement.formats
    if len(set(formats)) != len(formats):
        yield ("formats",), "a format twice", "Keep it once."
    if agreement.risk is not None and "fhir-ndjson" not in formats:
        rule = "an agreement with `risk` compares each release with the earlier ones, by their FHIR records"
        yield ("formats",), rule, "Add `fhir-ndjson`."


def _days(agreement: Agreement) -> Iterator[Misfit]:
    if agreement.term.starts_on >= agreement.term.ends_on:
        yield ("term", "ends_on"), "the term ends before it begins", "Correct the days."
    board = agreement.board
    if board and board.approved_on >= board.expires_on:
        yield ("board", "expires_on"), "the approval expires before it begins", "Correct the days."


def _recipients(agreement: Agreement) -> Iterator[Misfit]:
    seen: set[str] = set()
    for number, recipient in enumerate(agreement.recipients):
        if recipient.id in seen:
            yield ("recipients", number, "id"), "two recipients of one id", "Give each its own."
        if not lies_in(recipient.region, agreement.regions):
            yield ("recipients", number, "region"), "a recipient outside of the regions", "Add the region, or drop it."
        seen.add(recipient.id)


def _models(agreement: Agreement) -> Iterator[Misfit]:
    models = agreement.models
    if models.weights_leave and not models.training:
        yield ("models", "weights_leave"), "weights leave, but no training is allowed", "Set `training: true`."
    if models.training and not models.trained_on:
        remedy = "Say on what: `trained_on: [de-identified notes]`."
        yield ("models", "trained_on"), "model training on nothing named", remedy


def _risk(agreement: Agreement) -> Iterator[Misfit]:
    risk = agreement.risk
    if risk is None:
        return
    remedy = "Name an element as FHIR R4 does: Patient.birthDate, Patient.address.postalCode."
    named: set[str] = set()
    for path, element in [
        *((("risk", "quasi", number), element) for number, element in enumerate(risk.quasi)),
        *((("risk", "sensitive", number, "element"), each.element) for number, each in enumerate(risk.sensitive)),
    ]:
        if not _is_value_of_patient(element):
            yield path, "not an element of Patient that has a value", remedy
        if element in named:
            yield path, "the same element twice", "Keep one of the two."
        named.add(element)


def _is_value_of_patient(path: str) -> bool:
    try:
        return path.startswith("Patient.") and is_primitive(elements_at(path)[-1].type)
    except KeyError:
        return False


def _public(agreement: Agreement) -> Iterator[Misfit]:
    words = len(agreement.public.lay_summary.split())
    if words > LAY_SUMMARY_WORDS:
        yield ("public", "lay_summary"), f"{words} words; at most {LAY_SUMMARY_WORDS}", "Shorten it."


_CHECKS: tuple[Callable[[Agreement], Iterator[Misfit]], ...] = (
    _route,
    _purposes,
    _prohibitions,
    _obligations,
    _scope,
    _formats,
    _days,
    _recipients,
    _models,
    _risk,
    _public,
)

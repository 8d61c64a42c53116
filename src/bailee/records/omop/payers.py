"""Coverage as payer plan periods, and settled claims as costs of visits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.batches import ReleaseBatch
from bailee.records.masks import truth
from bailee.records.omop.cdm import finish
from bailee.records.omop.context import Context
from bailee.records.omop.dates import days
from bailee.records.omop.elements import Elements
from bailee.records.omop.fates import Fates
from bailee.records.omop.ids import names_of
from bailee.records.omop.numbers import floats
from bailee.records.omop.vocabulary import constant

Made = list[tuple[str, pa.Table]]
_CLAIM = 32810


def coverages(batch: ReleaseBatch, context: Context, *, until: pa.Scalar) -> tuple[Made, Fates]:
    """Make payer plan periods; one without an end runs until the release's day, `until`. Shape: n records → n fates."""
    elements = Elements.of("Coverage", batch, ("status", "period.start", "period.end", "type.coding.code"))
    person, start = context.person(batch.rows["patient"]), days(elements.first("period.start"))
    fates = Fates(len(batch))
    fates.stop(elements.any_of("status", ("entered-in-error",)), "entered-in-error")
    fates.stop(elements.any_of("status", ("draft", "cancelled")), "not-done")
    fates.stop(person.is_null().to_numpy(zero_copy_only=False), "no-person")
    fates.stop(start.is_null().to_numpy(zero_copy_only=False), "no-date")
    kept = np.flatnonzero(fates.going)
    fates.land(kept, "payer_plan_period")
    kind = elements.first("type.coding.code")
    columns = {
        "payer_plan_period_id": context.ids.of(names_of("Coverage", batch.rows["id"])),
        "person_id": person,
        "payer_plan_period_start_date": start,
        "payer_plan_period_end_date": pc.coalesce(
            days(elements.first("period.end")), pc.max_element_wise(start, until)
        ),
        "payer_concept_id": pc.if_else(kind.is_valid(), pa.scalar(0, pa.int32()), None),
        "payer_source_value": kind,
    }
    rows = {name: column.take(pa.array(kept)) for name, column in columns.items()}
    return [("payer_plan_period", finish("payer_plan_period", rows, len(kept)))], fates


def costs(batch: ReleaseBatch, context: Context) -> tuple[Made, Fates]:
    """Make costs of ExplanationOfBenefit: of the visit that its items name. Shape: n records → n fates."""
    money = "payment.amount"
    totals = ("total.category.coding.code", "total.amount.value")
    paths = (
        "status",
        "item.encounter.reference",
        f"{money}.value",
        f"{money}.currency",
        "total.amount.currency",
        *totals,
    )
    elements = Elements.of("ExplanationOfBenefit", batch, paths)
    fates = Fates(len(batch))
    fates.stop(elements.any_of("status", ("entered-in-error",)), "entered-in-error")
    fates.stop(elements.any_of("status", ("draft", "cancelled")), "not-done")
    place = context.first(elements, ("item.encounter.reference",), context.visits.place)
    visit = context.visits.visit.take(place)
    person = context.person(batch.rows["patient"])
    fates.stop(person.is_null().to_numpy(zero_copy_only=False), "no-person")
    fates.stop(visit.is_null().to_numpy(zero_copy_only=False), "no-visit")
    kept = np.flatnonzero(fates.going)
    fates.land(kept, "cost")
    paid, of_kind = floats(elements.first(f"{money}.value")), _totals(elements)
    currency = elements.first(f"{money}.currency", "total.amount.currency")
    columns = {
        "cost_id": context.ids.of(names_of("ExplanationOfBenefit", batch.rows["id"])),
        "cost_event_id": visit,
        "cost_domain_id": pa.array(["Visit"] * len(batch), pa.string()),
        "cost_type_concept_id": pa.array([_CLAIM] * len(batch), pa.int32()),
        "currency_concept_id": constant("currency", currency),
        "total_charge": of_kind("submitted"),
        "total_paid": paid,
        "paid_by_payer": pc.coalesce(of_kind("benefit"), paid),
        "paid_patient_copay": of_kind("copay"),
        "paid_patient_deductible": of_kind("deductible"),
        "amount_allowed": of_kind("eligible"),
    }
    rows = {name: column.take(pa.array(kept)) for name, column in columns.items()}
    return [("cost", finish("cost", rows, len(kept)))], fates


def _totals(elements: Elements) -> Callable[[str], pa.Array]:
    """Look into `total`: the amount of each record's first total of a kind."""
    parts = elements.parts("total")
    codes, amounts = parts.first("category.coding.code"), floats(parts.first("amount.value"))

    def of_kind(kind: str) -> pa.Array:
        mine = np.flatnonzero(truth(pc.equal(codes, kind)))
        rows, first = np.unique(parts.record[mine], return_index=True)
        at = np.full(elements.count, -1, np.int64)
        at[rows] = mine[first]
        return amounts.take(pa.array(at, mask=at < 0))

    return of_kind

"""Encounters as visits: those that are part of another released one are its details."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.batches import ReleaseBatch
from bailee.records.omop.cdm import finish
from bailee.records.omop.context import Context, Index, Visits
from bailee.records.omop.dates import days, moments
from bailee.records.omop.elements import CODING, CODINGS, Elements
from bailee.records.omop.fates import Fates
from bailee.records.omop.ids import names_of
from bailee.records.omop.vocabulary import constant

Rows = npt.NDArray[np.int64]
_TYPE = 32827
_INPATIENT = 9201
_MOST_DEEP = 8
_PROVIDERS = ("participant.individual.reference",)
_SITES = ("location.location.reference", "serviceProvider.reference")
_ADMITTED, _DISCHARGED = "hospitalization.admitSource", "hospitalization.dischargeDisposition"
_PATHS = (
    *("status", "period.start", "period.end", "partOf.reference"),
    *_PROVIDERS,
    *_SITES,
    *(f"class.{member}" for member in CODING),
    *(f"{path}.{member}" for path in (_ADMITTED, _DISCHARGED) for member in CODINGS),
)


def visits(
    batch: ReleaseBatch, context: Context, *, until: pa.Scalar
) -> tuple[list[tuple[str, pa.Table]], Fates, Visits]:
    """Make visits; a stay that goes on lasts until the release's day, `until`.

    Shape: n Encounters → tables by name, n fates, and what other rows need to point to them.
    """
    elements = Elements.of("Encounter", batch, _PATHS)
    person, start = context.person(batch.rows["patient"]), days(elements.first("period.start"))
    fates = Fates(len(batch))
    fates.stop(elements.any_of("status", ("entered-in-error",)), "entered-in-error")
    fates.stop(elements.any_of("status", ("planned", "cancelled")), "planned")
    fates.stop(person.is_null().to_numpy(zero_copy_only=False), "no-person")
    fates.stop(start.is_null().to_numpy(zero_copy_only=False), "no-date")
    kept = np.flatnonzero(fates.going)
    ids = context.ids.of(names_of("Encounter", batch.rows["id"])).to_numpy(zero_copy_only=False)
    place = Index.of(ids[kept], np.arange(len(kept)))
    parent = place.get(context.keys(elements.first("partOf.reference")).take(pa.array(kept)))
    above = pc.fill_null(parent, -1).to_numpy(zero_copy_only=False)
    root = _roots(above)
    columns = _columns(elements, context) | {"id": pa.array(ids), "person": person, "start": start}
    going = pc.and_(pc.equal(columns["concept"], _INPATIENT), pa.array(elements.any_of("status", ("in-progress",))))
    columns["end"] = pc.coalesce(columns["end"], pc.if_else(going, pc.max_element_wise(start, until), start))
    columns = {name: column.take(pa.array(kept)) for name, column in columns.items()}
    found = Visits(
        place, columns["id"].take(pa.array(root)), pc.if_else(pa.array(root != np.arange(len(kept))), columns["id"], None),
        columns["start"],
    )  # fmt: skip
    whole = np.flatnonzero(root == np.arange(len(kept)))
    inner = np.flatnonzero(root != np.arange(len(kept)))
    fates.land(kept[whole], "visit_occurrence")
    fates.land(kept[inner], "visit_detail")
    return [_visits(columns, whole), _details(columns, inner, above, root)], fates, found


def _roots(above: Rows) -> Rows:
    """Follow parents to the outermost visit; one within itself, or too deep, stands alone."""
    own = np.arange(len(above))
    root = own
    for _ in range(_MOST_DEEP):
        up = above[root]
        root = np.where(up >= 0, up, root)
    return np.where(above[root] < 0, root, own) if len(own) else own


def _columns(elements: Elements, context: Context) -> dict[str, pa.Array]:
    kind = elements.codings("class", of=CODING)
    code = pa.nulls(elements.count, pa.string()) if not len(kind) else elements.first("class.code")
    said = elements.first("period.end")
    return {
        "code": code,
        "concept": pc.fill_null(constant("visit", code), 0),
        "start_at": moments(elements.first("period.start")),
        "end": days(said),
        "end_at": moments(said),
        "provider": context.first(elements, _PROVIDERS, context.shared.providers),
        "site": context.first(elements, _SITES, context.shared.care_sites),
        "admitted": elements.first(f"{_ADMITTED}.coding.code"),
        "discharged": elements.first(f"{_DISCHARGED}.coding.code"),
    }


def _shared(columns: dict[str, pa.Array], at: pa.Array, prefix: str) -> dict[str, pa.Array]:
    taken = {name: column.take(at) for name, column in columns.items()}
    zero = pa.scalar(0, pa.int32())
    return {
        f"{prefix}_id" if prefix == "visit_detail" else "visit_occurrence_id": taken["id"],
        "person_id": taken["person"],
        f"{prefix}_concept_id": taken["concept"],
        f"{prefix}_start_date": taken["start"],
        f"{prefix}_start_datetime": taken["start_at"],
        f"{prefix}_end_date": taken["end"],
        f"{prefix}_end_datetime": taken["end_at"],
        f"{prefix}_type_concept_id": pa.array([_TYPE] * len(at), pa.int32()),
        "provider_id": taken["provider"],
        "care_site_id": taken["site"],
        f"{prefix}_source_value": taken["code"],
        f"{prefix}_source_concept_id": pa.array([0] * len(at), pa.int32()),
        "admitted_from_concept_id": pc.if_else(taken["admitted"].is_valid(), zero, None),
        "admitted_from_source_value": taken["admitted"],
        "discharged_to_concept_id": pc.if_else(taken["discharged"].is_valid(), zero, None),
        "discharged_to_source_value": taken["discharged"],
    }


def _visits(columns: dict[str, pa.Array], rows: Rows) -> tuple[str, pa.Table]:
    filled = _shared(columns, pa.array(rows), "visit")
    return "visit_occurrence", finish("visit_occurrence", filled, len(rows))


def _details(columns: dict[str, pa.Array], rows: Rows, above: Rows, root: Rows) -> tuple[str, pa.Table]:
    filled = _shared(columns, pa.array(rows), "visit_detail")
    parent = above[rows]
    is_detail = root[parent] != parent
    filled["parent_visit_detail_id"] = columns["id"].take(pa.array(parent, mask=~is_detail))
    filled["visit_occurrence_id"] = columns["id"].take(pa.array(root[rows]))
    return "visit_detail", finish("visit_detail", filled, len(rows))

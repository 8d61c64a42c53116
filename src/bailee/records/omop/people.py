"""Patients as persons, with the place where they live and their death."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.batches import ReleaseBatch
from bailee.records.omop.cdm import finish
from bailee.records.omop.context import Context
from bailee.records.omop.dates import days, moments
from bailee.records.omop.elements import Codings, Elements
from bailee.records.omop.fates import Fates
from bailee.records.omop.ids import names_of
from bailee.records.omop.places import ADDRESS, addresses, locations
from bailee.records.omop.vocabulary import constant

_US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
_OUTER, _INNER = "extension.url", "extension.extension.url"
_OMB, _SEX = "extension.extension.valueCoding.code", "extension.valueCode"
_PATHS = (
    *("birthDate", "gender", "deceasedDateTime", "generalPractitioner.reference", "managingOrganization.reference"),
    *(_OUTER, _INNER, _OMB, _SEX),
    *(f"address.{member}" for member in ADDRESS),
)
_TYPE = 32817
Made = list[tuple[str, pa.Table]]


def people(batch: ReleaseBatch, context: Context) -> tuple[Made, Fates, pa.Array]:
    """Make persons. Shape: n Patients → tables by name, n fates, and the pseudonyms of those who are in `person`.

    Who has no year of birth, as the CDM says, is left out with all events: Safe Harbor removes it from 90 on.
    """
    elements = Elements.of("Patient", batch, _PATHS)
    born = elements.first("birthDate")
    fates = Fates(len(batch))
    fates.stop(days(born).is_null().to_numpy(zero_copy_only=False), "no-birth-year")
    kept = np.flatnonzero(fates.going)
    at = pa.array(kept)
    fates.land(kept, "person")
    name = names_of("Patient", batch.rows["id"])
    person = context.ids.of(name)
    located = addresses(elements, name, context.ids)
    columns = _columns(elements, batch, context) | {"person_id": person, "location_id": located["location_id"]}
    rows = {field: column.take(at) for field, column in columns.items()}
    made = [
        ("person", finish("person", rows, len(kept))),
        ("location", locations(located, at)),
        ("death", _deaths(elements, fates, person)),
    ]
    return made, fates, batch.rows["id"].take(at)


def _deaths(elements: Elements, fates: Fates, person: pa.Array) -> pa.Table:
    """Make deaths of those whose day of death is said; that somebody is dead, without a day, has no place in the CDM."""
    said = elements.first("deceasedDateTime")
    died = days(said)
    at = pa.array(np.flatnonzero(fates.going & died.is_valid().to_numpy(zero_copy_only=False)))
    columns = {
        "person_id": person.take(at),
        "death_date": died.take(at),
        "death_datetime": moments(said).take(at),
        "death_type_concept_id": pa.array([_TYPE] * len(at), pa.int32()),
    }
    return finish("death", columns, len(at))


def _columns(elements: Elements, batch: ReleaseBatch, context: Context) -> dict[str, pa.Array]:
    born = elements.first("birthDate")
    size = pc.utf8_length(born)
    day = days(born)
    sex = pc.coalesce(_first(elements, elements.marked(_SEX, (_OUTER, f"{_US_CORE}birthsex", 0))), _letter(elements))
    races = _category(elements, "race")
    race, ethnicity = _first(elements, races), _first(elements, _category(elements, "ethnicity"))
    one = pa.array(np.bincount(races.row, minlength=elements.count) <= 1)  # the CDM has no mixed races
    zero = pa.scalar(0, pa.int32())
    return {
        "gender_concept_id": pc.fill_null(constant("gender", sex), 0),
        "year_of_birth": pc.year(day),
        "month_of_birth": pc.if_else(pc.greater_equal(size, 7), pc.month(day), None),
        "day_of_birth": pc.if_else(pc.greater_equal(size, 10), pc.day(day), None),
        "race_concept_id": pc.if_else(one, pc.fill_null(constant("race", race), 0), zero),
        "ethnicity_concept_id": pc.fill_null(constant("ethnicity", ethnicity), 0),
        "provider_id": context.first(elements, ("generalPractitioner.reference",), context.shared.providers),
        "care_site_id": context.first(elements, ("managingOrganization.reference",), context.shared.care_sites),
        "person_source_value": batch.rows["id"],
        "gender_source_value": sex,
        "gender_source_concept_id": pa.array([0] * elements.count, pa.int32()),
        "race_source_value": race,
        "race_source_concept_id": pa.array([0] * elements.count, pa.int32()),
        "ethnicity_source_value": ethnicity,
        "ethnicity_source_concept_id": pa.array([0] * elements.count, pa.int32()),
    }


def _letter(elements: Elements) -> pa.Array:
    """Write administrative gender as birth sex is written: M, F, else the word itself."""
    gender = elements.first("gender")
    letters = pc.if_else(pc.equal(gender, "male"), "M", pc.if_else(pc.equal(gender, "female"), "F", None))
    return pc.coalesce(letters, gender)


def _category(elements: Elements, name: str) -> Codings:
    """Give the OMB categories of a US Core extension."""
    return elements.marked(_OMB, (_INNER, "ombCategory", 1), (_OUTER, f"{_US_CORE}{name}", 2))


def _first(elements: Elements, codings: Codings) -> pa.Array:
    rows, first = np.unique(codings.row, return_index=True)
    at = np.full(elements.count, -1, np.int64)
    at[rows] = first
    return codings.code.take(pa.array(at, mask=at < 0))

"""Addresses, sites and providers: what patients' rows point to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bailee.records.batches import RECORDS, ReleaseBatch
from bailee.records.omop.cdm import finish
from bailee.records.omop.coding import coded
from bailee.records.omop.context import CodeBook, Index, Shared
from bailee.records.omop.elements import CODINGS, Codings, Elements
from bailee.records.omop.ids import Ids, names_of, referred
from bailee.records.omop.vocabulary import Vocabulary, constant

ADDRESS = ("line", "city", "district", "state", "postalCode", "country")
SHARED_KINDS = ("Location", "Medication", "Organization", "Practitioner", "PractitionerRole")
_PAYERS = ("ins", "pay")
_SITE_PATHS = ("name", "type.coding.code", *(f"address.{member}" for member in ADDRESS))
_ROLE_PATHS = (
    *("practitioner.reference", "organization.reference", "location.reference"),
    *(f"specialty.{member}" for member in CODINGS),
)
_PATHS = {
    "Location": _SITE_PATHS,
    "Organization": _SITE_PATHS,
    "Practitioner": ("gender",),
    "PractitionerRole": _ROLE_PATHS,
    "Medication": tuple(f"code.{member}" for member in CODINGS),
}


def addresses(elements: Elements, names: pa.Array, ids: Ids) -> dict[str, pa.Array]:
    """Make each row's location: its first address. Shape: n rows → columns of n, `location_id` null without an address.

    Each owner has a location of its own: two people of one town have two.
    """
    texts = {member: elements.first(f"address.{member}") for member in ADDRESS}
    there = pc.is_valid(pc.coalesce(*texts.values()))
    state = texts["state"]
    return {
        "location_id": pc.if_else(there, ids.of(names), None),
        "address_1": texts["line"],
        "city": texts["city"],
        "state": pc.if_else(pc.less_equal(pc.utf8_length(state), 2), state, None),
        "zip": pc.replace_substring(texts["postalCode"], "-", ""),
        "county": texts["district"],
        "country_source_value": texts["country"],
        "country_concept_id": pc.if_else(texts["country"].is_valid(), pa.scalar(0, pa.int32()), None),
    }


def locations(columns: Mapping[str, pa.Array], rows: pa.Array) -> pa.Table:
    """Make the table of chosen rows that have an address."""
    taken = pa.table(dict(columns)).take(rows)
    taken = taken.filter(taken["location_id"].is_valid())
    return finish("location", {name: taken[name].combine_chunks() for name in taken.column_names}, taken.num_rows)


@dataclass(frozen=True, repr=False)
class SharedTables:
    """The tables of what no patient owns, what patients' rows need of it, and what became of each type's records."""

    tables: tuple[tuple[str, pa.Table], ...]
    shared: Shared
    counts: Mapping[str, Counter[str]]


@dataclass(frozen=True, repr=False)
class _Kind:
    """All records of one type. Shape: n rows."""

    columns: pa.Table
    codings: Codings

    def __getitem__(self, name: str) -> pa.Array:
        return self.columns[name].combine_chunks()


def shared_tables(batches: Iterable[tuple[str, ReleaseBatch]], ids: Ids, vocabulary: Vocabulary) -> SharedTables:
    """Make care sites, providers and their locations of all batches, whatever their order.

    Shape: batches of one type each, of SHARED_KINDS. Cost: some hundred bytes of memory a record.
    """
    read: dict[str, list[tuple[pa.Table, Codings]]] = {kind: [] for kind in SHARED_KINDS}
    for kind, batch in batches:
        read[kind].append(_read(kind, batch, ids))
    kinds = {kind: _whole(kind, several) for kind, several in read.items()}
    sites, care_sites, counts = _care_sites(kinds)
    providers, index, roles = _providers(kinds, care_sites, vocabulary)
    medicines = kinds["Medication"]
    book = CodeBook.of(medicines["name"], medicines.codings, ids)
    counts |= {"Practitioner": Counter(provider=kinds["Practitioner"].columns.num_rows), "PractitionerRole": roles}
    counts |= {"Medication": Counter({"in-another-row": medicines.columns.num_rows})}
    return SharedTables((*sites, ("provider", providers)), Shared(index, care_sites, book), counts)


def _read(kind: str, batch: ReleaseBatch, ids: Ids) -> tuple[pa.Table, Codings]:
    elements = Elements.of(kind, batch, _PATHS[kind])
    name = names_of(kind, batch.rows["id"])
    columns = {"name": name, "id": ids.of(name), "source": batch.rows["id"]}
    codings = Codings.join([])
    if kind in {"Location", "Organization"}:
        payer = pa.array(elements.any_of("type.coding.code", _PAYERS))
        columns |= {"said": elements.first("name"), "type": elements.first("type.coding.code"), "payer": payer}
        columns |= addresses(elements, name, ids)
    elif kind == "Practitioner":
        columns["gender"] = elements.first("gender")
    elif kind == "PractitionerRole":
        for member in ("practitioner", "organization", "location"):
            columns[member] = ids.of(referred(elements.first(f"{member}.reference")))
        codings = elements.codings("specialty")
    else:
        codings = elements.codings("code")
    return pa.table(columns), codings


def _whole(kind: str, several: list[tuple[pa.Table, Codings]]) -> _Kind:
    """Join what was read of one type, in order of key, so that the order of arrival does not show."""
    if not several:
        empty = ReleaseBatch(_no_rows())
        several = [_read(kind, empty, Ids(bytes(16)))]
    starts = np.cumsum([0, *(table.num_rows for table, _ in several)])
    codings = [
        Codings(each.row + start, each.system, each.code) for (_, each), start in zip(several, starts[:-1], strict=True)
    ]
    table = pa.concat_tables([table for table, _ in several])
    order = pc.sort_indices(table, [("id", "ascending")]).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    joined = Codings.join(codings)
    moved = Codings.join([Codings(place[joined.row], joined.system, joined.code)])
    return _Kind(table.take(pa.array(order)), moved)


def _no_rows() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in RECORDS], schema=RECORDS)


def _care_sites(
    kinds: Mapping[str, _Kind],
) -> tuple[list[tuple[str, pa.Table]], Index, dict[str, Counter[str]]]:
    """Make sites of Organizations and Locations; who only pays is none."""
    both = pa.concat_tables([kinds["Location"].columns, kinds["Organization"].columns])
    payers = {kind: int(pc.sum(kinds[kind].columns["payer"]).as_py() or 0) for kind in ("Location", "Organization")}
    counts = {
        kind: Counter({"care_site": kinds[kind].columns.num_rows - paying, "no-table": paying})
        for kind, paying in payers.items()
    }
    both = both.filter(pc.invert(both["payer"])).combine_chunks()
    columns = {name: both[name].combine_chunks() for name in both.column_names}
    filled = {
        "care_site_id": columns["id"],
        "care_site_name": columns["said"],
        "place_of_service_concept_id": pc.if_else(columns["type"].is_valid(), pa.scalar(0, pa.int32()), None),
        "place_of_service_source_value": columns["type"],
        "care_site_source_value": columns["source"],
        "location_id": columns["location_id"],
    }
    keys = columns["id"].to_numpy(zero_copy_only=False)
    located = {name: columns[name] for name in columns if name not in {"name", "id", "source", "said", "type", "payer"}}
    rows = pa.array(np.arange(both.num_rows))
    tables = [("care_site", finish("care_site", filled, both.num_rows)), ("location", locations(located, rows))]
    return tables, Index.of(keys, keys), counts


def _providers(
    kinds: Mapping[str, _Kind], care_sites: Index, vocabulary: Vocabulary
) -> tuple[pa.Table, Index, Counter[str]]:
    """Make one provider a Practitioner, with its first role's specialty and site; a role of nobody stands alone."""
    people, roles = kinds["Practitioner"], kinds["PractitionerRole"]
    person_keys = people["id"].to_numpy(zero_copy_only=False)
    role_keys = roles["id"].to_numpy(zero_copy_only=False)
    known = Index.of(person_keys, person_keys).get(roles["practitioner"])
    owner = np.where(known.is_valid(), pc.fill_null(known, 0), role_keys)
    specialty = coded(roles.codings, len(role_keys), vocabulary)
    site = pc.coalesce(care_sites.get(roles["organization"]), care_sites.get(roles["location"]))
    keys = np.union1d(person_keys, owner)
    first_owner, first = np.unique(owner, return_index=True)
    role = Index.of(first_owner, first).get(pa.array(keys, pa.int64()))
    gender = people["gender"].take(Index.of(person_keys, np.arange(len(person_keys))).get(pa.array(keys, pa.int64())))
    letters = pc.if_else(pc.equal(gender, "male"), "M", pc.if_else(pc.equal(gender, "female"), "F", None))
    columns = {
        "provider_id": pa.array(keys, pa.int64()),
        "specialty_concept_id": specialty.first.take(role),
        "specialty_source_value": specialty.code.take(role),
        "specialty_source_concept_id": pc.if_else(specialty.code.is_valid(), specialty.source, None).take(role),
        "care_site_id": site.take(role),
        "gender_concept_id": pc.fill_null(constant("gender", letters), 0),
        "gender_source_value": gender,
    }
    index = Index.of(np.concatenate([person_keys, role_keys]), np.concatenate([person_keys, owner]))
    alone = int(np.sum(known.is_null().to_numpy(zero_copy_only=False)))
    counts = Counter({"provider": alone, "in-another-row": len(role_keys) - alone})
    return finish("provider", columns, len(keys)), index, counts

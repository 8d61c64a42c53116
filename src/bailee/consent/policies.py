"""Consents of a store as directives: what their policies say of one ask, in the store's own words.

Each distinct set of policies is evaluated once and joined to patients as columns; `rules_from_policies` is the same
for one consent, and a test holds that both agree. What cannot be said in the store's words is unknown: a policy that
permits then permits nothing, one that denies refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import product

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.cel import holds
from bailee.consent.directives import DIRECTIVES, body_of
from bailee.consent.management import (
    AttributeDefinition,
    Policy,
    ResourceAttribute,
    UserDataMapping,
    matches,
    narrowed,
    with_defaults,
)
from bailee.consent.purposes import KNOWN, touched_by
from bailee.consent.registers import is_patient
from bailee.consent.rules import Rule
from bailee.core.grants import Ask, lies_in
from bailee.records.r4.tables import resource_types

RESOURCE_TYPE = "resource_type"  # the RESOURCE attribute whose values are types of FHIR records
PATIENT = "Patient/"  # a mapping of this piece of data says who a user is
CONSENTS = pa.schema(
    [
        pa.field("consent", pa.string(), nullable=False),
        pa.field("user", pa.string(), nullable=False),
        pa.field("policies", pa.dictionary(pa.int32(), pa.string()), nullable=False),  # JSON; empty: unreadable
        pa.field("not_after", pa.int64(), nullable=False),  # the first ms outside
    ]
)
CLAIMS = pa.schema(
    [
        pa.field("user", pa.string(), nullable=False),
        pa.field("patient", pa.string(), nullable=False),
        pa.field("live", pa.bool_(), nullable=False),  # not archived
    ]
)
Words = Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]]  # attribute → its exact values, its wider ones
Mapped = Callable[[str], Sequence[UserDataMapping]]
Places = npt.NDArray[np.int64]
_UNREADABLE = (Rule(id="-", effect="deny", layer="patient", code="E-INPUT"),)


def words_of(ask: Ask, definitions: Mapping[str, AttributeDefinition]) -> Words:
    """Say an ask in a store's words. An attribute whose value the store cannot say is left out.

    A permission must hold for all exact values, a refusal holds for any of the wider ones: purposes above and below,
    a region's parts and its whole.
    """
    found = {}
    for name, things in _things(ask).items():
        one = definitions.get(name)
        if one is None or one.category != "REQUEST":
            continue
        exact = [tuple(value for value in one.allowed_values if value in names) for names, _ in things]
        if all(exact) and exact:
            wider = tuple(value for value in one.allowed_values if any(touches(value) for _, touches in things))
            found[name] = (tuple(sorted({value for values in exact for value in values})), wider)
    return found


def rules_from_policies(
    policies: Iterable[Policy],
    ask: Ask,
    definitions: Mapping[str, AttributeDefinition],
    mappings: Sequence[UserDataMapping] = (),
) -> tuple[Rule, ...]:
    """Read one consent's policies as rules about this ask, nameless and without a window.

    `mappings` are the person's own; a permission by any other attribute than `resource_type` covers only the records
    that they name, and a refusal covers more rather than less.
    """
    words = words_of(ask, definitions)
    found = (_rule(policy, words, definitions, mappings) for policy in narrowed(tuple(policies), definitions))
    return tuple(rule for rule in found if rule is not None)


def directives_from_store(
    store: str,
    consents: pa.Table,
    claims: pa.Table,
    ask: Ask,
    definitions: Mapping[str, AttributeDefinition],
    mapped: Mapped,
) -> pa.Table:
    """Read a store's live consents as directives about one ask.

    Shape: CONSENTS[n], CLAIMS[m] → DIRECTIVES[≤10n·claims]. A user is the patient of that id, or whom mappings of
    `Patient/…` name; a refusal holds for all of these, a permission for those named, and for nobody whom two users
    claim. A refusal of a user who is nobody's id and is not named has no patient. Cost: O(n + m), one evaluation for each
    distinct set of policies; permissions by attributes other than `resource_type` are read one by one.
    """
    consents = consents.unify_dictionaries().combine_chunks()
    row, which, rules = _spread(consents, ask, definitions, mapped)
    denies = np.array([rule.effect == "deny" for rule in rules], np.bool_)[which]
    users = consents.column("user").combine_chunks()
    where, patients = _patients(users.take(pa.array(row)), denies, claims, pc.unique(users))
    chosen = consents.take(pa.array(row[where]))
    texts = pa.array([body_of(rule) for rule in rules], pa.string())
    bodies = pa.DictionaryArray.from_arrays(pa.array(which[where].astype(np.int32)), texts)
    ids = pc.binary_join_element_wise(store, chosen.column("consent"), "/")
    begins = pa.array(np.zeros(len(where), np.int64))
    return pa.Table.from_arrays([patients, ids, begins, chosen.column("not_after"), bodies], schema=DIRECTIVES)


def _spread(
    consents: pa.Table, ask: Ask, definitions: Mapping[str, AttributeDefinition], mapped: Mapped
) -> tuple[Places, Places, list[Rule]]:
    """Evaluate each distinct set of policies once. Shape: CONSENTS[n] → row of each rule, its number, the rules."""
    if consents.num_rows == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), []
    column = consents.column("policies").chunk(0)
    index = column.indices.to_numpy().astype(np.int64)
    policies = [_policies(text) for text in column.dictionary.to_pylist()]
    alone = np.array([one is not None and _needs_mappings(narrowed(one, definitions)) for one in policies], np.bool_)
    numbers: dict[Rule, int] = {}

    def numbered(rules: Iterable[Rule]) -> list[int]:
        return [numbers.setdefault(rule, len(numbers)) for rule in rules]

    said = [
        numbered(_UNREADABLE if one is None else () if by_person else rules_from_policies(one, ask, definitions))
        for one, by_person in zip(policies, alone.tolist(), strict=True)
    ]
    starts = np.cumsum([0, *(len(one) for one in said)])
    rows, place = _expanded(starts[index], starts[index + 1])
    which = np.array([number for one in said for number in one], np.int64)[place]
    singles = np.flatnonzero(alone[index])
    for row, user in zip(singles.tolist(), consents.column("user").take(pa.array(singles)).to_pylist(), strict=True):
        found = numbered(rules_from_policies(policies[index[row]] or (), ask, definitions, mapped(user)))
        rows, which = np.append(rows, [row] * len(found)), np.append(which, found)
    return rows.astype(np.int64), which.astype(np.int64), list(numbers)


def _expanded(low: Places, high: Places) -> tuple[Places, Places]:
    """Write stretches out. Shape: [low, high)[n] → the row that each place is of, the places."""
    counts = high - low
    rows = np.repeat(np.arange(len(counts)), counts)
    return rows, np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)


def _policies(text: str) -> tuple[Policy, ...] | None:
    try:
        return msgspec.json.decode(text, type=tuple[Policy, ...])
    except msgspec.DecodeError:
        return None


def _needs_mappings(policies: Iterable[Policy]) -> bool:
    return any(policy.effect == "PERMIT" and _others(policy) for policy in policies)


def _others(policy: Policy) -> tuple[ResourceAttribute, ...]:
    return tuple(one for one in policy.resource_attributes if one.attribute_definition_id != RESOURCE_TYPE)


def _rule(
    policy: Policy,
    words: Words,
    definitions: Mapping[str, AttributeDefinition],
    mappings: Sequence[UserDataMapping],
) -> Rule | None:
    kinds = {
        v for one in policy.resource_attributes if one.attribute_definition_id == RESOURCE_TYPE for v in one.values
    }
    limited = any(one.attribute_definition_id == RESOURCE_TYPE for one in policy.resource_attributes)
    known = frozenset(kinds) & frozenset(resource_types())
    if policy.effect == "DENY":
        said = _said(policy.authorization_rule, words, wider=True)
        if said <= {False}:
            return None
        classes = known if len(known) == len(kinds) else frozenset()  # a kind that is none of FHIR's may be any
        code = "E-DENY" if True in said else "E-INPUT"
        return Rule(id="-", effect="deny", layer="patient", classes=classes, code=code)  # type: ignore[arg-type]
    if _said(policy.authorization_rule, words, wider=False) != {True} or (limited and not known):
        return None
    if not _others(policy):
        return Rule(id="-", effect="permit", layer="patient", classes=known)
    data = frozenset(_named(policy, definitions, mappings))
    return Rule(id="-", effect="permit", layer="patient", classes=known, data=data) if data else None


def _said(rule: str, words: Words, *, wider: bool) -> set[bool | None]:
    """Give what a rule says over every combination of values."""
    values = [words[name][1 if wider else 0] for name in words]
    return {holds(rule, dict(zip(words, chosen, strict=True))) for chosen in product(*values)}


def _named(
    policy: Policy, definitions: Mapping[str, AttributeDefinition], mappings: Sequence[UserDataMapping]
) -> Iterator[str]:
    """Give the records that a person's mappings bring under a permission by other attributes."""
    bare = msgspec.structs.replace(policy, resource_attributes=_others(policy))
    for one in mappings:
        if one.archived_ms is None and "/" in one.data_id and matches(bare, with_defaults(one, definitions)):
            yield f"instance:{one.data_id}"


def _patients(
    users: pa.Array, denies: npt.NDArray[np.bool_], claims: pa.Table, holders: pa.Array
) -> tuple[Places, pa.Array]:
    """Say of whom each row speaks. Shape: string[n], bool[n], CLAIMS[m] → row, patient (null: nobody knows)."""
    named = pc.is_in(users, value_set=claims.column("user")).to_numpy(zero_copy_only=False)
    shaped = is_patient(users)
    own = shaped & (denies | ~named)
    nobody = denies & ~shaped & ~named
    by_claim, claimed = _claimed(users, denies, claims)
    rows = np.concatenate([np.flatnonzero(own), np.flatnonzero(nobody), by_claim])
    nobodies = pa.nulls(int(nobody.sum()), pa.string())
    patients = pa.concat_arrays([users.filter(pa.array(own)), nobodies, claimed])
    contested: npt.NDArray[np.bool_] = pc.is_in(
        patients, value_set=_contested(claims, holders), skip_nulls=True
    ).to_numpy(zero_copy_only=False)
    keep = denies[rows] | ~contested
    return rows[keep], patients.filter(pa.array(keep))


def _claimed(users: pa.Array, denies: npt.NDArray[np.bool_], claims: pa.Table) -> tuple[Places, pa.Array]:
    """Join rows with the claims of their users; an archived claim carries refusals only."""
    names = pc.unique(claims.column("user"))
    claims = claims.take(pc.sort_indices(pc.index_in(claims.column("user"), value_set=names))).combine_chunks()
    group = pc.index_in(claims.column("user"), value_set=names).to_numpy()
    at = pc.fill_null(pc.index_in(users, value_set=names), -1).to_numpy().astype(np.int64)
    rows, place = _expanded(np.searchsorted(group, at, "left"), np.searchsorted(group, at, "right"))
    keep = claims.column("live").to_numpy()[place] | denies[rows]
    taken = claims.column("patient").take(pa.array(place[keep]))
    return rows[keep], pa.concat_arrays([pa.array([], pa.string()), *taken.chunks])


def _contested(claims: pa.Table, holders: pa.Array) -> pa.Array:
    """Name the patients whom two users claim, by a mapping or by bearing the id."""
    bearers = holders.filter(pc.invert(pc.is_in(holders, value_set=claims.column("user"))))
    live = claims.filter(claims.column("live")).select(["user", "patient"])
    own = pa.table({"user": bearers, "patient": bearers})
    counts = pa.concat_tables([live, own.cast(live.schema)]).group_by("patient").aggregate([("user", "count_distinct")])
    return pc.unique(counts.filter(pc.greater(counts["user_count_distinct"], 1))["patient"])


def _things(ask: Ask) -> dict[str, list[tuple[frozenset[str], Callable[[str], bool]]]]:
    """Give each attribute's parts, each by its names and by what else a refusal of it may say."""

    def named(*names: str) -> tuple[frozenset[str], Callable[[str], bool]]:
        known = frozenset(names)
        return known, known.__contains__

    def purpose(code: str) -> tuple[frozenset[str], Callable[[str], bool]]:
        return frozenset({code}), (touched_by(frozenset({code})) if code in KNOWN else KNOWN).__contains__

    def region(code: str) -> tuple[frozenset[str], Callable[[str], bool]]:
        return frozenset({code, code.partition("-")[0]}), lambda value: lies_in(value, {code}) or lies_in(code, {value})

    return {
        "purpose": [purpose(code) for code in sorted(ask.purposes)],
        "partner": [named(*ask.aliases)],
        "recipient": [named(ask.recipient)],
        "agreement": [named(ask.agreement)],
        "region": [region(code) for code in sorted(ask.regions)],
        "identifiability": [named(ask.identifiability)],
    }

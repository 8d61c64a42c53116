"""What charts say of consent, and one person under several ids: what was said under one of them holds under all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.directives import (
    DIRECTIVES,
    directives_from_fhir,
    directives_from_rules,
    of_patients,
    rules_from_directives,
)
from bailee.consent.facts import births_of, reference_token
from bailee.consent.labels import Sensitivity
from bailee.consent.rules import Rule
from bailee.core.canonical import strict_json
from bailee.core.errors import Invalid

Link = tuple[str, str, bool]  # two patients, and whether it is certain that they are one
_SAME = frozenset({"replaces", "replaced-by"})


def links_of(patients: Iterable[bytes]) -> Iterator[Link]:
    """Read the links of Patient records: `replaces` and `replaced-by` are certain, `seealso` and `refer` are not.

    A record that cannot be read has no links.
    """
    for content in patients:
        try:
            patient = strict_json(content)
            links = [(one["other"]["reference"], one.get("type")) for one in patient.get("link") or []]
            name = patient["id"]
        except (Invalid, TypeError, KeyError, AttributeError):
            continue
        for reference, kind in links:
            token = reference_token(reference) if isinstance(reference, str) else None
            if token and token.startswith("Patient/"):
                yield name, token.removeprefix("Patient/"), kind in _SAME


def directives_in(
    records: pa.RecordBatch, *, stored: pa.Table | None = None, sensitivity: Sensitivity | None = None
) -> pa.Table:
    """Read all that whole charts say of consent: Consents, with birth dates for guardians', and links between patients.

    Shape: RECORDS[n], DIRECTIVES[k] → DIRECTIVES[m]. `stored` is what else these patients said; it follows links too.
    Links to patients of other batches carry nothing here.
    """
    types = records.column("type")
    consents = records.filter(pc.equal(types, "Consent"))
    people = records.filter(pc.equal(types, "Patient"))
    births = births_of(zip(people.column("id").to_pylist(), people.column("json").to_pylist(), strict=True))
    found = directives_from_fhir(
        consents.column("json"), patients=consents.column("patient"), births=births, sensitivity=sensitivity
    )
    if stored is not None and stored.num_rows:
        found = pa.concat_tables([found, stored.cast(DIRECTIVES)]).unify_dictionaries()
    linked = people.filter(pc.match_substring(people.column("json"), '"link"'))
    here = set(people.column("id").to_pylist())
    links = [one for one in links_of(linked.column("json").to_pylist()) if one[1] in here]
    return follow_links(found, links)


def follow_links(directives: pa.Table, links: Iterable[Link]) -> pa.Table:
    """Let directives follow a person to all of their ids.

    Shape: DIRECTIVES[n] → DIRECTIVES[≥n]. Over certain links everything follows; over others refusals only, so that
    a wrong link never gives a permission. Cost: O(n + links).
    """
    pairs = list(links)
    sure, any_ = _groups(one[:2] for one in pairs if one[2]), _groups(one[:2] for one in pairs)
    concerned = pa.array(sorted(any_), pa.string())
    if not len(concerned) or not directives.num_rows:
        return directives
    more: list[tuple[str, Rule]] = []
    for patient, rule in rules_from_directives(of_patients(directives, concerned)):
        assert patient is not None
        reached = any_[patient] if _only_refuses(rule) else sure.get(patient, frozenset())
        more += [(other, rule) for other in sorted(reached - {patient})]
    return pa.concat_tables([directives.cast(DIRECTIVES), directives_from_rules(more)]).unify_dictionaries()


def _only_refuses(rule: Rule) -> bool:
    return rule.effect == "deny" and not rule.exceptions


def _groups(pairs: Iterable[tuple[str, str]]) -> dict[str, frozenset[str]]:
    """Give each id all ids that it is connected with, itself among them."""
    neighbours: dict[str, set[str]] = {}
    for one, other in pairs:
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    found: dict[str, frozenset[str]] = {}
    for start in neighbours:
        if start in found:
            continue
        group, waiting = {start}, [start]
        while waiting:
            fresh = neighbours[waiting.pop()] - group
            group |= fresh
            waiting += fresh
        found.update(dict.fromkeys(group, frozenset(group)))
    return found

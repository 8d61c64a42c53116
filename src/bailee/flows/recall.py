"""Recall: who left in an earlier release and would be left out of it now; the one way for every change of consent.

A notice opens in the transaction in which the change comes into force. The vault has no transactions, so an intake
writes its notices first and shows its records as the last thing before that transaction ends (`publish_recalling`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bailee.agreements.check import ask_of, grant_of
from bailee.consent.bulk import Said, Spoken, what_is_said
from bailee.consent.directives import DIRECTIVES, check_directives, news, of_patients, rule_of
from bailee.consent.merges import directives_in
from bailee.consent.rules import has_refusal
from bailee.core.grants import Ask
from bailee.flows.directives import bound_stores, stored_directives
from bailee.flows.hospital import Hospital
from bailee.stores.lake.manifest import Manifest
from bailee.stores.lake.vault import Vault, one_chunk
from bailee.stores.sql.agreements import find_agreement
from bailee.stores.sql.database import write
from bailee.stores.sql.recalls import Left, left_without_notice, open_recalls

_ANY_PROFILE = "0" * 64  # a directive does not speak of profiles
Charts = Callable[[Sequence[str]], pa.Table]  # what the charts of these patients say: DIRECTIVES


@dataclass
class Recalled:
    """What a change led to."""

    opened: int = 0


@dataclass(frozen=True)
class _Terms:
    """What an agreement asks for, and whether it needs each patient's permission."""

    ask: Ask
    needs_permit: bool
    stores: tuple[str, ...]  # consent stores that bind


@contextmanager
def recalling(
    hospital: Hospital, connection: Connection, patients: Sequence[str], *, actor: str, at_ms: int
) -> Iterator[Recalled]:
    """Open notices for what the block changes about these patients, in the caller's transaction.

    Units: milliseconds since the epoch. Cost: O(patients); charts are read only where a permission may have ended.
    """
    found = Recalled()
    left = left_without_notice(connection, patients)
    terms = {name: _terms(hospital, connection, name) for name in left}
    before = {name: _stored(connection, terms[name], left[name]) for name in left}
    yield found

    def charts(names: Sequence[str]) -> pa.Table:
        return charts_of(hospital.vault, hospital.vault.manifest(), names)

    pairs = []
    for name, holds in left.items():
        after = _stored(connection, terms[name], holds)
        gone = _gone(terms[name], before[name], after, charts, holds, at_ms)
        pairs += [(release, name, patient) for patient, release in holds if patient in gone]
    found.opened = open_recalls(connection, pairs, actor=actor, at_ms=at_ms)


def publish_recalling(
    hospital: Hospital,
    before: Manifest,
    after: Manifest,
    step: Callable[[], None],
    *,
    linked: Sequence[str] = (),
    actor: str,
) -> int:
    """Take the step that makes an intake visible, once a notice stands for everybody whom it takes out of a release.

    Notices are durable before the step, and no release can come between the last look and the step: it would wait for
    this transaction. Killed in between, a notice stands for records that the next run takes in. Gives how many opened.
    """
    touched = sorted({*hospital.vault.consenting(before, after), *linked})
    if not touched:
        step()
        return 0
    opened, read = 0, _Read(hospital.vault, before, after)
    while True:
        with write(hospital.engine) as connection:
            left = left_without_notice(connection, touched)
            if read.has(left):
                fresh = _open_for(hospital, connection, left, read, actor=actor)
                if not fresh:
                    step()
                    return opened
                opened += fresh
        read.take(left)


def charts_of(vault: Vault, manifest: Manifest, patients: Sequence[str]) -> pa.Table:
    """Read what charts say of these patients. Shape: → DIRECTIVES[n]. Cost: the partitions that they lie in."""
    found = [DIRECTIVES.empty_table()]
    for part, names in vault.places(manifest, patients):
        rows = vault.read(part).records.rows
        speaking = rows.filter(pc.is_in(rows["type"], pa.array(["Consent", "Patient"])))
        found.append(of_patients(directives_in(speaking), pa.array(names, pa.string())).cast(DIRECTIVES))
    return pa.concat_tables(found).unify_dictionaries()


class _Read:
    """What charts say, before and after an intake, of those patients that were looked at."""

    def __init__(self, vault: Vault, before: Manifest, after: Manifest) -> None:
        self._vault, self._manifests = vault, (before, after)
        self._names: set[str] = set()
        self.before, self.after = DIRECTIVES.empty_table(), DIRECTIVES.empty_table()

    def has(self, left: Left) -> bool:
        return all(patient in self._names for holds in left.values() for patient, _ in holds)

    def take(self, left: Left) -> None:
        self._names |= {patient for holds in left.values() for patient, _ in holds}
        self.before, self.after = (charts_of(self._vault, one, sorted(self._names)) for one in self._manifests)


def _open_for(hospital: Hospital, connection: Connection, left: Left, read: _Read, *, actor: str) -> int:
    at_ms = hospital.clock.now_ms()
    pairs = []
    for name, holds in left.items():
        terms = _terms(hospital, connection, name)
        stored = _stored(connection, terms, holds)
        before, after = (pa.concat_tables([stored, one]) for one in (read.before, read.after))
        gone = _gone(terms, before, after, lambda _: DIRECTIVES.empty_table(), holds, at_ms)
        pairs += [(release, name, patient) for patient, release in holds if patient in gone]
    return open_recalls(connection, pairs, actor=actor, at_ms=at_ms)


def _terms(hospital: Hospital, connection: Connection, name: str) -> _Terms | None:
    """Read an agreement's terms; None where it cannot be found any more, and then every change speaks of it."""
    stored = find_agreement(connection, name)
    if stored is None:
        return None
    ask = ask_of(stored.agreement, profile_sha256=_ANY_PROFILE)
    stores = bound_stores(hospital.home.configuration, stored.agreement)
    return _Terms(ask, grant_of(stored.agreement, stored.approval).needs_permit, stores)


def _stored(connection: Connection, terms: _Terms | None, holds: Sequence[tuple[str, str]]) -> pa.Table:
    if terms is None:
        return DIRECTIVES.empty_table()
    names = pa.array(sorted({patient for patient, _ in holds}), pa.string())
    return of_patients(stored_directives(connection, terms.stores, terms.ask, names), names)


def _gone(
    terms: _Terms | None,
    before: pa.Table,
    after: pa.Table,
    charts: Charts,
    holds: Sequence[tuple[str, str]],
    at_ms: int,
) -> frozenset[str]:
    """Tell whom the terms would leave out now, as a whole or in part, for something that was not said before."""
    everybody = {patient for patient, _ in holds}
    if terms is None:
        return frozenset(everybody)
    after = after.unify_dictionaries().combine_chunks()
    fresh = check_directives(news(after, before))
    gone = frozenset(fresh.filter(_refusing(fresh, terms.ask, at_ms)).column("patient").to_pylist())
    if not terms.needs_permit:
        return gone
    asked = pa.array(sorted(everybody - gone), pa.string())
    asked = asked.filter(pa.array(Spoken.of(after, terms.ask, at_ms).place(asked, needs_permit=True) >= 0))
    said = pa.concat_tables([after, charts(asked.to_pylist())]).unify_dictionaries()
    unpermitted = Spoken.of(said, terms.ask, at_ms).place(asked, needs_permit=True) >= 0
    return gone | frozenset(asked.filter(pa.array(unpermitted)).to_pylist())


def _refusing(directives: pa.Table, ask: Ask, at_ms: int) -> pa.Array:
    """Tell which directives refuse something of an ask, outright or of some records. Shape: DIRECTIVES[n] → bool[n]."""
    if directives.num_rows == 0:
        return pa.array([], pa.bool_())
    said = what_is_said(directives, ask, at_ms)
    body = one_chunk(directives.column("body"))
    partly = np.array([has_refusal(rule_of(text)) for text in body.dictionary.to_pylist()], np.bool_)
    return pa.array((said == Said.REFUSES) | ((said == Said.DEPENDS) & partly[body.indices.to_numpy()]))

"""Stand before the gate: an agreement as it stands now, what is asked under it, and the rules that speak of everybody.

Patients' own directives are beside it (`directives.stored_directives`, `consent.merges.directives_in` for charts).
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection

from bailee.agreements.check import Approval, ask_of, check_release, grant_of
from bailee.agreements.requests import Request, narrowed, within
from bailee.agreements.terms import Agreement
from bailee.consent.evaluate import Snapshot
from bailee.consent.labels import Sensitivity, built_in_sensitivity
from bailee.consent.rules import Rule
from bailee.core.decisions import Decision
from bailee.core.errors import UserError
from bailee.core.grants import Ask, Grant
from bailee.flows.directives import bound_stores, house_of
from bailee.stores.home import Configuration
from bailee.stores.sql import consents
from bailee.stores.sql.agreements import StoredAgreement, StoredRequest, find_agreement, find_request


@dataclass(frozen=True)
class Basis:
    """What a release rests on: an agreement as it is stored, and the request under it where one is named."""

    stored: StoredAgreement
    asked: StoredRequest | None

    @property
    def agreement(self) -> Agreement:
        """The agreement's own terms."""
        return self.stored.agreement

    @property
    def request(self) -> Request | None:
        """The request's document."""
        return self.asked.request if self.asked else None

    @property
    def approval(self) -> Approval:
        """What the agreement's state, and the request's, are worth."""
        return self.stored.approval_under(self.asked)

    def ask(self, profile_sha256: str, recipient: str = "") -> Ask:
        """Say what is asked for: all that the agreement gives, or what the request names of it."""
        asked = ask_of(self.agreement, profile_sha256=profile_sha256, recipient=recipient, approval=self.approval)
        return asked if self.request is None else _of_request(asked, self.request)

    def grant(self) -> Grant:
        """Say what is granted: what the agreement gives, narrowed to the request."""
        granted = grant_of(self.agreement, self.approval)
        return granted if self.request is None else narrowed(granted, self.request)

    def decide(self, ask: Ask, at_ms: int) -> Decision:
        """Decide the agreement's half. Units: milliseconds since the epoch."""
        use = self.request.use if self.request else None
        return check_release(self.agreement, at_ms, approval=self.approval, ask=ask, use=use)

    @property
    def terms(self) -> Agreement:
        """The terms with the scope of what is asked for."""
        return self.agreement if self.request is None else within(self.agreement, self.request)


def basis_of(connection: Connection, name: str, request: str = "") -> Basis:
    """Read an agreement and a request under it. Raises: UserError if there is none of that name."""
    stored = find_agreement(connection, name)
    if stored is None:
        raise UserError(
            f"no agreement {name}", remedy="Add it: bailee agreement add FILE.yaml; list: bailee agreement list."
        )
    asked = _request(connection, request)
    if asked is not None and asked.request.agreement != name:
        raise UserError("the request is under another agreement", remedy="`bailee request list` names them.")
    return Basis(stored, asked)


@dataclass(frozen=True)
class Standing:
    """An agreement at one moment, and everything that decides about patients and records under it."""

    agreement: Agreement
    agreement_sha256: str
    approval: Approval
    ask: Ask
    snapshot: Snapshot  # grants and the house's rules; patients' own are directives
    decision: Decision  # the agreement's half
    stores: tuple[str, ...]  # consent stores that bind
    consent_size: int


def stand(
    connection: Connection,
    name: str,
    *,
    configuration: Configuration,
    profile_sha256: str,
    at_ms: int,
    recipient: str = "",
    request: str = "",
    sensitivity: Sensitivity | None = None,
) -> Standing:
    """Read where an agreement stands, and decide its half. `profile_sha256` is of the profile that would run.

    Units: milliseconds since the epoch. Raises: UserError if there is no such agreement or request.
    """
    basis = basis_of(connection, name, request)
    agreement, ask = basis.agreement, basis.ask(profile_sha256, recipient)
    stores = bound_stores(configuration, agreement)
    house, size = house_of(connection, agreement, stores, at_ms), consents.size_of(connection)
    return Standing(
        agreement=agreement,
        agreement_sha256=basis.stored.sha256,
        approval=basis.approval,
        ask=ask,
        snapshot=snapshot_of(basis.grant(), house, size, sensitivity),
        decision=basis.decide(ask, at_ms),
        stores=stores,
        consent_size=size,
    )


def snapshot_of(grant: Grant, house: tuple[Rule, ...], size: int, sensitivity: Sensitivity | None) -> Snapshot:
    """Put what speaks of everybody into a snapshot without patients."""
    return Snapshot(
        grants={grant.agreement: grant},
        rules={},
        house=house,
        size=size,
        sensitivity=sensitivity or built_in_sensitivity(),
    )


def _request(connection: Connection, name: str) -> StoredRequest | None:
    if not name:
        return None
    found = find_request(connection, name)
    if found is None:
        raise UserError("there is no such request", remedy="`bailee request list` names them.")
    return found


def _of_request(ask: Ask, request: Request) -> Ask:
    return msgspec.structs.replace(
        ask,
        types=frozenset(request.types),
        purposes=frozenset(request.reasons),
        regions=frozenset(request.regions),
        recipient=ask.recipient if ask.recipient in request.recipients else request.recipients[0],
    )

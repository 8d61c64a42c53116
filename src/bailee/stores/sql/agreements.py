"""Agreements and requests in the relational store: each step with its ledger entry, in one transaction.

Every function that changes something runs in the caller's `database.write` and appends its leaf there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from bailee.agreements import requests, states
from bailee.agreements.check import AgreementState, Approval
from bailee.agreements.documents import agreement_document, agreement_from_document, agreement_hash
from bailee.agreements.people import AGREEMENT_ROLES, Person, check_role
from bailee.agreements.requests import Progress, Request, request_hash
from bailee.agreements.terms import Agreement
from bailee.core.canonical import canonical_bytes
from bailee.core.decisions import Decision
from bailee.core.errors import Conflict, Denied, UserError
from bailee.core.grants import NEVER
from bailee.ledger.entries import Bound, Entry
from bailee.stores.sql import agreement_tables as tables
from bailee.stores.sql.ledger_append import append
from bailee.stores.sql.rows import insert_missing


@dataclass(frozen=True)
class StoredAgreement:
    """An agreement as the store has it."""

    agreement: Agreement
    sha256: str
    signed_sha256: str
    state: AgreementState
    changed_ms: int

    @property
    def approval(self) -> Approval:
        """What its state is worth, without a request."""
        return Approval(state=self.state, signed_sha256=self.signed_sha256)

    def approval_under(self, found: StoredRequest | None) -> Approval:
        """Say what its state is worth, with the approval of a request under it; one under another agreement adds nothing."""
        if found is None or found.request.agreement != self.agreement.id:
            return self.approval
        return msgspec.structs.replace(
            self.approval,
            request=found.request.id,
            request_sha256=request_hash(found.request),
            approved_sha256=found.progress.bound_sha256 if found.is_approved else "",
            approved=found.progress.approved if found.is_approved else NEVER,
        )


@dataclass(frozen=True)
class StoredRequest:
    """A request as the store has it."""

    request: Request
    progress: Progress

    @property
    def is_approved(self) -> bool:
        """Tell whether a release may rest on it, its window aside."""
        return self.progress.state in {"APPROVED", "PREPARED", "OUTPUT_CHECKED"}


def put_agreement(connection: Connection, agreement: Agreement, person: Person, at_ms: int) -> StoredAgreement:
    """Add an agreement, or change its terms: other terms begin again as a draft, and signatures are void.

    Units: milliseconds since the epoch. Raises: Denied where the role forbids it; Conflict where the state does.
    """
    check_role(AGREEMENT_ROLES, "edit", person)
    sha256 = agreement_hash(agreement)
    found = find_agreement(connection, agreement.id)
    if found and found.sha256 == sha256:
        return found
    if found:
        states.step(states.AGREEMENT_STEPS, found.state, "edit")
    _keep(connection, sha256, "agreement", agreement_document(agreement))
    values: dict[str, Any] = {"sha256": sha256, "signed_sha256": "", "state": "DRAFT", "changed_ms": at_ms}
    change = (
        update(tables.agreement).where(tables.agreement.c.id == agreement.id) if found else insert(tables.agreement)
    )
    connection.execute(change.values(id=agreement.id, **values))
    bound = Bound(id=agreement.id, sha256=sha256)
    _record(connection, "agreement.drafted", person, at_ms, action="edit", state="DRAFT", agreement=bound)
    return _agreement(connection, agreement.id)


def move_agreement(connection: Connection, name: str, action: str, person: Person, at_ms: int) -> StoredAgreement:
    """Take one step of an agreement. Signatures are of the terms in hand.

    Units: milliseconds since the epoch. Raises: Denied, Conflict; UserError if there is no such agreement.
    """
    check_role(AGREEMENT_ROLES, action, person)
    found = _agreement(connection, name)
    taken = states.step(states.AGREEMENT_STEPS, found.state, action)
    if action == "edit":
        raise Conflict("terms are changed by adding the changed file")
    _check_signatories(connection, found, action, person)
    signed = found.sha256 if action == "sign-partner" else found.signed_sha256
    if action == "return":
        signed = ""
    connection.execute(
        update(tables.agreement)
        .where(tables.agreement.c.id == name)
        .values(state=taken.to, signed_sha256=signed, changed_ms=at_ms)
    )
    bound = Bound(id=name, sha256=found.sha256)
    _record(connection, taken.kind, person, at_ms, action=action, state=taken.to, agreement=bound)
    return _agreement(connection, name)


class Signatories(msgspec.Struct, frozen=True, kw_only=True):
    """Who drafted, who signed for either party, and who put it in force; the two who sign are two persons."""

    drafted_by: str
    hospital: str
    partner: str
    activated_by: str


def attest_agreement(
    connection: Connection, agreement: Agreement, signatories: Signatories, at_ms: int
) -> StoredAgreement:
    """Take an agreement that was signed on paper all the way to ACTIVE, each step in its person's name.

    Units: milliseconds since the epoch. Raises: Denied, Conflict. An agreement that is active already stays as it is.
    """
    drafter = Person(id=signatories.drafted_by, roles=frozenset({"privacy-officer"}))
    found = put_agreement(connection, agreement, drafter, at_ms)
    steps = (
        ("submit", signatories.drafted_by, "privacy-officer"),
        ("sign-hospital", signatories.hospital, "hospital-signatory"),
        ("sign-partner", signatories.partner, "partner-admin"),
        ("activate", signatories.activated_by, "privacy-officer"),
    )
    for action, name, role in steps if found.state == "DRAFT" else ():
        found = move_agreement(connection, agreement.id, action, Person(id=name, roles=frozenset({role})), at_ms)
    return found


def find_agreement(connection: Connection, name: str) -> StoredAgreement | None:
    """Find an agreement with the terms in hand."""
    row = connection.execute(
        select(tables.agreement, tables.document.c.content)
        .join(tables.document, tables.document.c.sha256 == tables.agreement.c.sha256)
        .where(tables.agreement.c.id == name)
    ).one_or_none()
    if row is None:
        return None
    terms = agreement_from_document(json.loads(row.content))
    return StoredAgreement(terms, row.sha256, row.signed_sha256, row.state, row.changed_ms)


def list_agreements(connection: Connection) -> list[StoredAgreement]:
    """Give all agreements by id."""
    names = connection.execute(select(tables.agreement.c.id).order_by(tables.agreement.c.id)).scalars().all()
    return [_agreement(connection, name) for name in names]


def steps_of(connection: Connection, subject: str) -> list[dict[str, Any]]:
    """Give every step of "agreement:<id>" or "request:<id>", oldest first."""
    rows = connection.execute(select(tables.step).where(tables.step.c.subject == subject).order_by(tables.step.c.n))
    return [dict(row._mapping) for row in rows]  # noqa: SLF001  # SQLAlchemy's own name for it


def put_request(connection: Connection, request: Request, person: Person, at_ms: int) -> StoredRequest:
    """Draft a request, or change one, which voids its reviews.

    Raises: Denied where a role forbids it or it goes beyond its agreement; Conflict where the state does.
    """
    agreement = _agreement(connection, request.agreement)
    requests.hold_within(request, agreement.agreement, agreement.sha256)
    found = find_request(connection, request.id)
    if found and request_hash(found.request) == request_hash(request):
        return found
    progress = (
        requests.advance(found.progress, "edit", person, request, at_ms) if found else requests.begin(request, person)
    )
    document: dict[str, Any] = msgspec.to_builtins(request)
    _keep(connection, progress.sha256, "request", document)
    return _save(connection, request, progress, person, at_ms, action="edit", kind="request.submitted")


def move_request(
    connection: Connection, name: str, action: str, person: Person, at_ms: int, *, decision: Decision | None = None
) -> StoredRequest:
    """Take one step of a request. `release` needs a decision that permits, made at this moment.

    Units: milliseconds since the epoch. Raises: Denied, Conflict; UserError if there is no such request.
    """
    found = find_request(connection, name)
    if found is None:
        raise UserError("there is no such request", remedy="`bailee request list` names them.")
    kind = states.step(states.REQUEST_STEPS, found.progress.state, action).kind
    if action == "release":
        if decision is None or not decision.permit:
            raise Denied("a release without a decision that permits it", reasons=("E-REQUEST",))
        _check_agreement(connection, found)
    progress = requests.advance(found.progress, action, person, found.request, at_ms)
    if action == "approve" and progress.state != "APPROVED":
        kind = "request.reviewed"
    return _save(connection, found.request, progress, person, at_ms, action=action, kind=kind)


def find_request(connection: Connection, name: str) -> StoredRequest | None:
    """Find a request with the document in hand."""
    row = connection.execute(
        select(tables.request.c.progress, tables.document.c.content)
        .join(tables.document, tables.document.c.sha256 == tables.request.c.sha256)
        .where(tables.request.c.id == name)
    ).one_or_none()
    if row is None:
        return None
    return StoredRequest(
        msgspec.json.decode(row.content, type=Request), msgspec.json.decode(row.progress, type=Progress)
    )


def list_requests(connection: Connection, agreement: str | None = None) -> list[StoredRequest]:
    """Give all requests, or those of one agreement, by id."""
    query = select(tables.request.c.id).order_by(tables.request.c.id)
    if agreement is not None:
        query = query.where(tables.request.c.agreement == agreement)
    found = (find_request(connection, name) for name in connection.execute(query).scalars().all())
    return [one for one in found if one is not None]


def approval_of(connection: Connection, name: str, request: str = "") -> Approval:
    """Give what an agreement's state is worth, with a request's approval where one is named."""
    stored = _agreement(connection, name)
    return stored.approval_under(find_request(connection, request) if request else None)


def hold_agreement(connection: Connection, name: str, sha256: str) -> None:
    """Hold, in the transaction that commits a release, that its agreement is still active under the same terms.

    Raises: Denied if it was suspended, ended or changed since the release was planned.
    """
    found = _agreement(connection, name)
    if found.state != "ACTIVE":
        raise Denied("the agreement is no longer active", reasons=("E-AGREEMENT",), remedy="Activate or resume it.")
    if not found.sha256 == found.signed_sha256 == sha256:
        remedy = "Plan the release anew under the terms in hand."
        raise Denied("the agreement has changed", reasons=("E-AGREEMENT-HASH",), remedy=remedy)


def hold_request(connection: Connection, name: str, sha256: str, at_ms: int) -> None:
    """Hold, in the transaction that commits a release, that the request it rests on is still approved and unchanged.

    Units: milliseconds since the epoch. Raises: Denied if it was revoked, has expired or was changed meanwhile.
    """
    found = find_request(connection, name)
    if found is None or not found.is_approved or not found.progress.approved.holds(at_ms):
        raise Denied("the request is no longer approved", reasons=("E-REQUEST",), remedy="Have it approved again.")
    if not sha256 == request_hash(found.request) == found.progress.bound_sha256:
        raise Denied("the request has changed", reasons=("E-REQUEST-HASH",), remedy="Have it approved again.")


def _agreement(connection: Connection, name: str) -> StoredAgreement:
    found = find_agreement(connection, name)
    if found is None:
        raise UserError("there is no such agreement", remedy="`bailee agreement list` names them.")
    return found


def _check_signatories(connection: Connection, found: StoredAgreement, action: str, person: Person) -> None:
    """Hold that the two parties' signatures are two persons', and that nobody activates what they signed for the partner."""
    if action not in {"sign-partner", "activate"}:
        return
    signed = "sign-hospital" if action == "sign-partner" else "sign-partner"
    for step in steps_of(connection, f"agreement:{found.agreement.id}"):
        if step["action"] == signed and step["person"] == person.id and step["sha256"] == found.sha256:
            raise Denied("one person on both sides", reasons=("E-DENY",), remedy="Somebody else must do this.")


def _check_agreement(connection: Connection, found: StoredRequest) -> None:
    stored = _agreement(connection, found.request.agreement)
    if stored.state != "ACTIVE":
        raise Denied("the agreement is not active", reasons=("E-AGREEMENT",), remedy="Activate or resume it.")
    if not stored.signed_sha256 == stored.sha256 == found.request.agreement_sha256:
        remedy = "Submit the request under the terms in hand."
        raise Denied("the agreement has changed", reasons=("E-AGREEMENT-HASH",), remedy=remedy)


def _save(
    connection: Connection, request: Request, progress: Progress, person: Person, at_ms: int, *, action: str, kind: str
) -> StoredRequest:
    values: dict[str, Any] = {
        "agreement": request.agreement,
        "sha256": progress.sha256,
        "state": progress.state,
        "progress": msgspec.json.encode(progress).decode(),
        "changed_ms": at_ms,
    }
    exists = connection.execute(select(tables.request.c.id).where(tables.request.c.id == request.id)).scalar()
    change = update(tables.request).where(tables.request.c.id == request.id) if exists else insert(tables.request)
    connection.execute(change.values(id=request.id, **values))
    agreement = Bound(id=request.agreement, sha256=request.agreement_sha256)
    bound = Bound(id=request.id, sha256=progress.sha256)
    _record(connection, kind, person, at_ms, action=action, state=progress.state, agreement=agreement, request=bound)
    return StoredRequest(request, progress)


def _record(
    connection: Connection,
    kind: str,
    person: Person,
    at_ms: int,
    *,
    action: str,
    state: str,
    agreement: Bound,
    request: Bound | None = None,
) -> None:
    """Write the step and its leaf."""
    subject = f"request:{request.id}" if request else f"agreement:{agreement.id}"
    n = connection.execute(select(func.count()).where(tables.step.c.subject == subject)).scalar_one()
    row = {
        "subject": subject,
        "n": n,
        "action": action,
        "state": state,
        "person": person.id,
        "sha256": (request or agreement).sha256,
        "at_ms": at_ms,
    }
    connection.execute(insert(tables.step).values(**row))
    entry = Entry(t_ms=at_ms, kind=kind, actor=person.id, action=action, agreement=agreement, request=request)
    append(connection, [entry])


def _keep(connection: Connection, sha256: str, kind: str, document: dict[str, Any]) -> None:
    row = {"sha256": sha256, "kind": kind, "content": canonical_bytes(document).decode()}
    insert_missing(connection, tables.document, row)

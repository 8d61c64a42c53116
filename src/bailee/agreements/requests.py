"""A partner's ask under an agreement: the document, and its way to an approval that is bound to its content.

`advance` is the only way to a next state: a permission (people), a state (states), and the rules of separation
here, all three. A change of the document voids every review. Whoever asked never approves; whoever approved never
checks the output; identified data needs two approvers; a partner's account approves nothing.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from bailee.agreements.days import first_ms
from bailee.agreements.duo import Use
from bailee.agreements.people import REQUEST_ROLES, Person, check_role
from bailee.agreements.states import REQUEST_STEPS, step
from bailee.agreements.terms import Agreement, Cohort, Id, Name, Region, Sha256, Term, Text, TypeName
from bailee.core.canonical import document_hash
from bailee.core.errors import Conflict, Denied
from bailee.core.grants import NEVER, Finding, Grant, Identifiability, Window, lies_in

APPROVERS_FOR_IDENTIFIED = 2
_APPROVING = frozenset({"check-evidence", "review-privacy", "decide", "approve", "check-output"})


class Request(Term, frozen=True, kw_only=True):
    """Everything that an approval binds to. Changing any of it makes another request."""

    id: Id
    agreement: Id
    agreement_sha256: Sha256
    purpose_in_words: Text
    reasons: tuple[Name, ...]
    use: Use
    types: tuple[TypeName, ...]
    elements: dict[TypeName, tuple[Name, ...]] = msgspec.field(default_factory=dict)
    cohort: Cohort
    identifiability: Identifiability
    profile: Name
    profile_sha256: Sha256
    recipients: tuple[Id, ...]
    regions: tuple[Region, ...]
    protocol_sha256: Sha256
    expires_on: date  # the first day on which an approval no longer holds
    justification: Text


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a request has come, and through whose hands."""

    state: str = "DRAFT"
    requester: str
    sha256: str  # of the document in hand
    bound_sha256: str = ""  # of the document that the reviews saw
    reviewers: tuple[tuple[str, str], ...] = ()  # (action, person), in order
    approved: Window = NEVER
    before: str = ""  # the state before a suspension

    @property
    def approvers(self) -> frozenset[str]:
        """Name everybody who decided or approved."""
        return frozenset(person for action, person in self.reviewers if action in {"decide", "approve"})


def request_hash(request: Request) -> str:
    """Hash a request. Shape: 64 lower-case hexadecimal digits."""
    document: dict[str, Any] = msgspec.to_builtins(request)
    return document_hash(document)


def begin(request: Request, person: Person) -> Progress:
    """Draft a request. Raises: Denied if this person may not."""
    check_role(REQUEST_ROLES, "edit", person)
    return Progress(requester=person.id, sha256=request_hash(request))


def advance(progress: Progress, action: str, person: Person, request: Request, at_ms: int) -> Progress:
    """Take one step. `request` is the document in hand.

    Units: milliseconds since the epoch. Raises: Denied where a role, a person's earlier part, the document or the
    time forbids it; Conflict where the state does.
    """
    check_role(REQUEST_ROLES, action, person)
    taken = step(REQUEST_STEPS, progress.state, action)
    _check_separation(progress, action, person)
    sha256 = request_hash(request)
    if action == "edit":
        return msgspec.structs.replace(
            progress,
            state=taken.to,
            sha256=sha256,
            bound_sha256=_rebound(taken.to, sha256),
            reviewers=(),
            approved=NEVER,
        )
    if action == "submit":
        return msgspec.structs.replace(progress, state=taken.to, sha256=sha256, bound_sha256=sha256)
    _check_bound(progress, action, sha256)
    _check_time(progress, action, at_ms)
    return _stepped(progress, action, taken.to, person, request, at_ms)


def findings(request: Request, agreement: Agreement, agreement_sha256: str) -> list[Finding]:
    """Give everything in which a request goes beyond its agreement; nothing means that it stays inside."""
    found: list[Finding] = []
    if request.agreement != agreement.id or request.agreement_sha256 != agreement_sha256:
        found.append(("E-AGREEMENT-HASH", "the request is about other terms than those in hand"))
    found += [
        (code, detail)
        for outside, code, detail in (
            (not _types_inside(request, agreement), "E-SCOPE-FIELD", "types beyond the agreement's"),
            (not _elements_inside(request, agreement), "E-SCOPE-FIELD", "elements beyond the agreement's"),
            (not set(request.reasons) <= set(agreement.purposes.reasons), "E-SCOPE-PURPOSE", "another purpose"),
            (not all(lies_in(one, agreement.regions) for one in request.regions), "E-SCOPE-REGION", "another region"),
            (
                not set(request.recipients) <= {one.id for one in agreement.recipients},
                "E-SCOPE-RECIPIENT",
                "another recipient",
            ),
            (request.identifiability != agreement.identifiability, "E-DEID-PROFILE", "another identifiability"),
            (request.profile != agreement.profile, "E-DEID-PROFILE", "another profile"),
            (not (request.types and request.reasons and request.recipients and request.regions), "E-INPUT", "a blank"),
        )
        if outside
    ]
    return found


def hold_within(request: Request, agreement: Agreement, agreement_sha256: str) -> None:
    """Hold that a request stays inside its agreement. Raises: Denied with all `findings`."""
    beyond = findings(request, agreement, agreement_sha256)
    if beyond:
        remedy = "; ".join(dict.fromkeys(detail for _, detail in beyond))
        codes = tuple(dict.fromkeys(code for code, _ in beyond))
        raise Denied("the request goes beyond its agreement", reasons=codes, remedy=remedy)


def narrowed(grant: Grant, request: Request) -> Grant:
    """Give what an agreement gives, narrowed to what a request asked for and had approved."""
    return msgspec.structs.replace(
        grant,
        needs_request=True,
        purposes=grant.purposes & frozenset(request.reasons),
        types=grant.types & frozenset(request.types),
        recipients=grant.recipients & frozenset(request.recipients),
        regions=frozenset(request.regions),
        profile_sha256=request.profile_sha256,
    )


def within(agreement: Agreement, request: Request) -> Agreement:
    """Give an agreement's terms with the types, elements and cohort that a request asks for in its scope's place.

    Elements that the request leaves open stay limited as the agreement says.
    """
    limits = {**agreement.scope.elements, **request.elements}
    elements = {kind: names for kind, names in limits.items() if kind in request.types}
    scope = msgspec.structs.replace(agreement.scope, types=request.types, elements=elements, cohort=request.cohort)
    return msgspec.structs.replace(agreement, scope=scope)


def _types_inside(request: Request, agreement: Agreement) -> bool:
    return agreement.scope.types == ("all",) or set(request.types) <= set(agreement.scope.types)


def _elements_inside(request: Request, agreement: Agreement) -> bool:
    for name in request.types:
        limit = agreement.scope.elements.get(name)
        if limit is not None and not set(request.elements.get(name) or ("*",)) <= set(limit):
            return False
    return True


def _rebound(state: str, sha256: str) -> str:
    return sha256 if state == "SUBMITTED" else ""


def _check_separation(progress: Progress, action: str, person: Person) -> None:
    if action in _APPROVING and person.is_partner:
        raise Denied("a partner's account approves nothing", reasons=("E-DENY",))
    if action in _APPROVING and person.id == progress.requester:
        remedy = "Ask somebody else."
        raise Denied("whoever asked cannot review", reasons=("E-DENY",), remedy=remedy)
    if action == "check-output" and person.id in progress.approvers:
        raise Denied("whoever approved cannot check the output", reasons=("E-DENY",), remedy="Ask somebody else.")
    if action in {"check-output", "approve"} and person.id in _of(progress, "prepare"):
        raise Denied("whoever prepared the output cannot check it", reasons=("E-DENY",), remedy="Ask somebody else.")
    if action == "approve" and person.id in _of(progress, "approve"):
        raise Denied("the same approver twice", reasons=("E-DENY",), remedy="A second person must approve.")


def _check_bound(progress: Progress, action: str, sha256: str) -> None:
    if action in {"withdraw", "revoke", "suspend", "expire", "reject"}:
        return  # stopping needs nothing
    if not progress.bound_sha256 or not sha256 == progress.sha256 == progress.bound_sha256:
        remedy = "Submit the changed request again."
        raise Denied("the request has changed since it was reviewed", reasons=("E-REQUEST-HASH",), remedy=remedy)


def _check_time(progress: Progress, action: str, at_ms: int) -> None:
    if action in {"prepare", "check-output", "release"} and not progress.approved.holds(at_ms):
        raise Denied("the approval has expired", reasons=("E-REQUEST",), remedy="Have the request approved again.")
    if action == "expire" and at_ms < progress.approved.until_ms:
        raise Conflict("the approval has not expired yet")


def _stepped(progress: Progress, action: str, to: str, person: Person, request: Request, at_ms: int) -> Progress:
    reviewers = (*progress.reviewers, (action, person.id))
    after = msgspec.structs.replace(progress, reviewers=reviewers)
    if action == "approve":
        return _approved(after, request, at_ms)
    if action == "suspend":
        return msgspec.structs.replace(after, state=to, before=progress.state)
    if action == "resume":
        return msgspec.structs.replace(after, state=progress.before, before="")
    return msgspec.structs.replace(after, state=to)


def _approved(progress: Progress, request: Request, at_ms: int) -> Progress:
    """Count approvers: whoever decided and whoever approves must be two persons where data is identified."""
    needed = APPROVERS_FOR_IDENTIFIED if request.identifiability == "identified" else 1
    if len(_of(progress, "approve")) < needed:
        return progress
    ends = first_ms(request.expires_on)
    if ends <= at_ms:
        raise Denied("the request's last day is over", reasons=("E-REQUEST",), remedy="Submit it with a later day.")
    return msgspec.structs.replace(progress, state="APPROVED", approved=Window(at_ms, ends))


def _of(progress: Progress, action: str) -> frozenset[str]:
    return frozenset(person for done, person in progress.reviewers if done == action)

"""May this leave under this agreement, at this moment? The agreement's half of the answer; consent is the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from bailee.agreements import duo
from bailee.agreements.days import window
from bailee.agreements.diseases import Diseases, built_in_diseases
from bailee.agreements.documents import agreement_hash
from bailee.agreements.duo import CC, GSO, Use, Verdict
from bailee.agreements.evidence import board_window, evidence_of
from bailee.agreements.fitness import types_of
from bailee.agreements.terms import Agreement, Recipient
from bailee.core.decisions import PERMIT, Decision, refuse
from bailee.core.grants import NEVER, Ask, Finding, Grant, Window, findings

AgreementState = Literal[
    "DRAFT", "LEGAL_REVIEW", "SIGNED_BY_HOSPITAL", "SIGNED", "ACTIVE", "SUSPENDED", "TERMINATED", "EXPIRED"
]
LAW_SPECIAL: frozenset[str] = frozenset({"substance-use", "psychotherapy", "state-protected"})
"""Categories that the law protects specially where data is about identifiable persons.

Source: 42 CFR 2.13, 2.31 (substance use), 45 CFR 164.508(a)(2) (psychotherapy notes), and a site's state list.
"""


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What the hospital's store knows about an agreement: its state, and the terms that were signed."""

    state: AgreementState
    signed_sha256: str = ""
    request: str = ""  # the approved request, where there is one
    request_sha256: str = ""  # of the request in hand
    approved_sha256: str = ""  # of the request that was approved
    approved: Window = NEVER


def grant_of(agreement: Agreement, approval: Approval) -> Grant:
    """Reduce an agreement and its approval to what an evaluator compares."""
    evidence = evidence_of(agreement)
    identified = agreement.identifiability == "identified"
    by_person = identified or agreement.identifiability == "limited-data-set"
    return Grant(
        agreement=agreement.id,
        agreement_sha256=agreement_hash(agreement),
        signed_sha256=approval.signed_sha256,
        in_force=window(agreement.term.starts_on, agreement.term.ends_on) if approval.state == "ACTIVE" else NEVER,
        purposes=frozenset(agreement.purposes.reasons),
        types=frozenset(types_of(agreement)),
        recipients=frozenset(item.id for item in agreement.recipients),
        regions=frozenset(agreement.regions),
        identifiability=agreement.identifiability,
        profile=agreement.profile,
        profile_sha256=agreement.profile_sha256 or "",
        route="" if evidence.missing else kind_of_route(agreement),
        route_holds=evidence.holds,
        route_code=evidence.code,
        board=board_window(agreement),
        needs_request=identified or agreement.request_needed,
        request=approval.request,
        request_sha256=approval.request_sha256,
        approved_sha256=approval.approved_sha256,
        approved=approval.approved,
        needs_permit=agreement.consent.regime == "opt-in" or kind_of_route(agreement) == "authorization",
        special=frozenset(agreement.consent.special) | (LAW_SPECIAL if by_person else frozenset()),
        leaves_out=frozenset(agreement.scope.leaves_out),
        obligations=obligations_of(agreement),
    )


def ask_of(agreement: Agreement, *, profile_sha256: str, recipient: str = "", approval: Approval | None = None) -> Ask:
    """Ask for all that an agreement gives, for one of its recipients: its first, unless another is named."""
    chosen = _recipient(agreement, recipient)
    partner = agreement.parties.partner
    return Ask(
        agreement=agreement.id,
        agreement_sha256=agreement_hash(agreement),
        recipient=chosen.id if chosen else recipient,
        aliases=frozenset(
            {partner.id, partner.name, *partner.references} | ({chosen.id, chosen.name} if chosen else set())
        ),
        purposes=frozenset(agreement.purposes.reasons),
        regions=frozenset({chosen.region}) if chosen else frozenset(agreement.regions),
        identifiability=agreement.identifiability,
        types=frozenset(types_of(agreement)),
        profile=agreement.profile,
        profile_sha256=profile_sha256,
        request=approval.request if approval else "",
        request_sha256=approval.request_sha256 if approval else "",
    )


def check_release(
    agreement: Agreement,
    at_ms: int,
    *,
    approval: Approval,
    ask: Ask,
    use: Use | None = None,
    diseases: Diseases | None = None,
) -> Decision:
    """Decide whether an agreement allows a release at a moment; patients' consent is decided after it, one by one.

    Units: milliseconds since the epoch. A refusal names every code of appendix A that applies, the term, the remedy.
    """
    grant = grant_of(agreement, approval)
    found = [*findings(ask, grant, at_ms), *_evidence(agreement)]
    found += _purposes(agreement, use or use_of(agreement), at_ms, diseases or built_in_diseases())
    if found:
        return refuse(*found)
    return Decision(permit=True, reasons=(PERMIT,), obligations=grant.obligations)


def use_of(agreement: Agreement) -> Use:
    """Give the widest use that an agreement itself describes, for a release that no request narrows."""
    partner, codes = agreement.parties.partner, {item.code for item in agreement.purposes.modifiers}
    board = agreement.board
    return Use(
        aim=agreement.purposes.permission,
        diseases=agreement.purposes.diseases,
        methods=agreement.models.training,
        genetic=GSO in codes,
        ancestry=agreement.purposes.permission == duo.POA,
        commercial=partner.commercial,
        non_profit=partner.non_profit,
        clinical=CC in codes,
        users=tuple(item.id for item in agreement.recipients),
        institutions=(partner.id,),
        projects=(agreement.id,),
        regions=tuple(dict.fromkeys(item.region for item in agreement.recipients)),
        board_from=board.approved_on if board else None,
        board_until=board.expires_on if board else None,
    )


def obligations_of(agreement: Agreement) -> tuple[str, ...]:
    """Give everything that the partner is bound to, those that DUO's modifiers bring among them."""
    from_terms = [duo.OBLIGATIONS[item.code] for item in agreement.purposes.modifiers if item.code in duo.OBLIGATIONS]
    return tuple(sorted({*agreement.obligations, *from_terms}))


def kind_of_route(agreement: Agreement) -> str:
    """Name the kind of legal route, as the document does."""
    return str(agreement.route.__struct_config__.tag)


def _recipient(agreement: Agreement, name: str) -> Recipient | None:
    if not name:
        return agreement.recipients[0]
    return next((item for item in agreement.recipients if item.id == name), None)


def _evidence(agreement: Agreement) -> Iterator[Finding]:
    evidence = evidence_of(agreement)
    for missing in evidence.missing:
        yield evidence.code, f"the legal route lacks {missing}"


def _purposes(agreement: Agreement, use: Use, at_ms: int, diseases: Diseases) -> Iterator[Finding]:
    answer = duo.match(agreement.purposes, use, granted_on=agreement.term.starts_on, at_ms=at_ms, diseases=diseases)
    if answer.verdict is Verdict.PERMIT:
        return
    for ground in answer.grounds:
        person = "" if answer.verdict is Verdict.DENY else "; an approved request settles it"
        yield "E-SCOPE-PURPOSE", f"{ground}{person}"

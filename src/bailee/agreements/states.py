"""In which state what may happen: the two machines as tables, and nothing about persons.

The diagrams in docs/agreements.md are drawn from these tables, and a test holds that.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from bailee.core.errors import Conflict


class Step(msgspec.Struct, frozen=True):
    """One arrow: an action, where it may begin, where it leads, and how the ledger calls it.

    `to` is "" where the step goes back to the state before a suspension.
    """

    action: str
    begins: tuple[str, ...]
    to: str
    kind: str


_LIVE_AGREEMENT = ("DRAFT", "LEGAL_REVIEW", "SIGNED_BY_HOSPITAL", "SIGNED", "ACTIVE", "SUSPENDED")
AGREEMENT_STEPS: tuple[Step, ...] = (
    Step("edit", _LIVE_AGREEMENT, "DRAFT", "agreement.drafted"),
    Step("submit", ("DRAFT",), "LEGAL_REVIEW", "agreement.drafted"),
    Step("return", ("LEGAL_REVIEW", "SIGNED_BY_HOSPITAL"), "DRAFT", "agreement.drafted"),
    Step("sign-hospital", ("LEGAL_REVIEW",), "SIGNED_BY_HOSPITAL", "agreement.signed"),
    Step("sign-partner", ("SIGNED_BY_HOSPITAL",), "SIGNED", "agreement.signed"),
    Step("activate", ("SIGNED",), "ACTIVE", "agreement.activated"),
    Step("suspend", ("ACTIVE",), "SUSPENDED", "agreement.suspended"),
    Step("resume", ("SUSPENDED",), "ACTIVE", "agreement.activated"),
    Step("terminate", _LIVE_AGREEMENT, "TERMINATED", "agreement.terminated"),
    Step("expire", ("ACTIVE", "SUSPENDED"), "EXPIRED", "agreement.terminated"),
)

_REVIEWED = ("SUBMITTED", "EVIDENCE_CHECKED", "PRIVACY_REVIEWED", "DAC_DECIDED")
_APPROVED = ("APPROVED", "PREPARED", "OUTPUT_CHECKED")
_LIVE_REQUEST = ("DRAFT", *_REVIEWED, *_APPROVED)
REQUEST_STEPS: tuple[Step, ...] = (
    Step("submit", ("DRAFT",), "SUBMITTED", "request.submitted"),
    Step("edit", ("DRAFT",), "DRAFT", "request.submitted"),
    Step("edit", (*_REVIEWED, *_APPROVED), "SUBMITTED", "request.submitted"),
    Step("check-evidence", ("SUBMITTED",), "EVIDENCE_CHECKED", "request.evidence"),
    Step("review-privacy", ("EVIDENCE_CHECKED",), "PRIVACY_REVIEWED", "request.reviewed"),
    Step("decide", ("PRIVACY_REVIEWED",), "DAC_DECIDED", "request.reviewed"),
    Step("approve", ("DAC_DECIDED",), "APPROVED", "request.approved"),
    Step("reject", _REVIEWED, "REJECTED", "request.rejected"),
    Step("prepare", ("APPROVED",), "PREPARED", "request.reviewed"),
    Step("check-output", ("PREPARED",), "OUTPUT_CHECKED", "output.checked"),
    Step("release", ("OUTPUT_CHECKED",), "RELEASED", "request.reviewed"),
    Step("close", ("RELEASED",), "CLOSED", "request.reviewed"),
    Step("suspend", (*_REVIEWED, *_APPROVED), "SUSPENDED", "request.reviewed"),
    Step("resume", ("SUSPENDED",), "", "request.reviewed"),
    Step("revoke", (*_APPROVED, "SUSPENDED"), "REVOKED", "request.revoked"),
    Step("withdraw", (*_LIVE_REQUEST, "SUSPENDED"), "REVOKED", "request.revoked"),
    Step("expire", (*_APPROVED, "SUSPENDED"), "EXPIRED", "request.expired"),
)
REQUEST_STATES: tuple[str, ...] = (
    *_LIVE_REQUEST,
    "SUSPENDED",
    "RELEASED",
    "CLOSED",
    "REJECTED",
    "REVOKED",
    "EXPIRED",
)
AGREEMENT_STATES: tuple[str, ...] = (*_LIVE_AGREEMENT, "TERMINATED", "EXPIRED")


def step(table: Sequence[Step], state: str, action: str) -> Step:
    """Find an arrow. Raises: Conflict, saying from which states the action begins."""
    for one in table:
        if one.action == action and state in one.begins:
            return one
    begins = sorted({name for one in table if one.action == action for name in one.begins})
    remedy = f"it begins in {', '.join(begins)}" if begins else "there is no such action"
    raise Conflict(f"cannot {action.replace('-', ' ')} in the state {state}: {remedy}")


def can_step(table: Sequence[Step], state: str, action: str) -> bool:
    """Tell whether an action may begin in a state."""
    return any(one.action == action and state in one.begins for one in table)


def mermaid(table: Sequence[Step]) -> str:
    """Draw a table as a Mermaid state diagram."""
    lines = [f"    {begin} --> {one.to or 'STATE_BEFORE'}: {one.action}" for one in table for begin in one.begins]
    return "\n".join(["stateDiagram-v2", *lines])

"""Who may do what: roles and permissions only; whether a state allows it is another table's affair."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, get_args

import msgspec

from bailee.core.errors import Denied, UserError

Role = Literal[
    "patient",
    "proxy",
    "clinician",
    "researcher-sponsor",
    "privacy-officer",
    "hospital-signatory",
    "dac-member",
    "irb-coordinator",
    "data-engineer",
    "output-checker",
    "security-officer",
    "auditor",
    "witness",
    "partner-admin",
    "partner-service",
    "clock",  # no person: what happens because time passes
]
ROLES: tuple[str, ...] = get_args(Role)
PARTNER_ROLES: frozenset[str] = frozenset({"partner-admin", "partner-service"})

AGREEMENT_ROLES: Mapping[str, frozenset[str]] = {
    "edit": frozenset({"researcher-sponsor", "privacy-officer"}),
    "submit": frozenset({"researcher-sponsor", "privacy-officer"}),
    "return": frozenset({"privacy-officer"}),
    "sign-hospital": frozenset({"hospital-signatory"}),
    "sign-partner": frozenset({"partner-admin"}),
    "activate": frozenset({"privacy-officer"}),
    "suspend": frozenset({"privacy-officer", "security-officer"}),
    "resume": frozenset({"privacy-officer"}),
    "terminate": frozenset({"privacy-officer", "hospital-signatory"}),
    "expire": frozenset({"clock"}),
}
REQUEST_ROLES: Mapping[str, frozenset[str]] = {
    "edit": frozenset({"researcher-sponsor", "partner-admin"}),
    "submit": frozenset({"researcher-sponsor", "partner-admin"}),
    "check-evidence": frozenset({"irb-coordinator"}),
    "review-privacy": frozenset({"privacy-officer"}),
    "decide": frozenset({"dac-member"}),
    "approve": frozenset({"dac-member", "privacy-officer"}),
    "reject": frozenset({"irb-coordinator", "privacy-officer", "dac-member"}),
    "prepare": frozenset({"data-engineer"}),
    "check-output": frozenset({"output-checker"}),
    "release": frozenset({"data-engineer"}),
    "close": frozenset({"privacy-officer"}),
    "suspend": frozenset({"privacy-officer", "security-officer"}),
    "resume": frozenset({"privacy-officer"}),
    "revoke": frozenset({"privacy-officer"}),
    "withdraw": frozenset({"researcher-sponsor", "partner-admin"}),
    "expire": frozenset({"clock"}),
}


POSTS: Mapping[str, frozenset[str]] = {
    "hospital-admin": frozenset({"hospital-signatory", "security-officer"}),
    "board-member": frozenset({"irb-coordinator", "dac-member"}),
    "partner": frozenset({"partner-admin"}),
    **{role: frozenset({role}) for role in ROLES if role != "clock"},
}
"""What an account may be made for, or a provider's token may say, and the roles that it means."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who acts, in which roles. Somebody with a partner's role acts for the partner and for nobody else."""

    id: str
    roles: frozenset[str]
    patient: str = ""  # whose records are this person's own

    @property
    def is_partner(self) -> bool:
        """Tell whether this person acts for a partner."""
        return not self.roles.isdisjoint(PARTNER_ROLES)


def person_of(name: str, posts: Iterable[str], *, patient: str = "") -> Person:
    """Give who holds these posts. Raises: UserError for an unknown post, none, or posts on both sides."""
    held = list(posts)
    unknown = [post for post in held if post not in POSTS]
    if unknown or not held:
        raise UserError("a role that is not known", remedy=f"Use {', '.join(sorted(POSTS))}.")
    found = Person(id=name, roles=frozenset().union(*(POSTS[post] for post in held)), patient=patient)
    if (found.is_partner and not found.roles <= PARTNER_ROLES) or ("patient" in found.roles and len(found.roles) > 1):
        raise UserError("roles that do not go together", remedy="Make two accounts, for two persons.")
    return found


CLOCK = Person(id="clock", roles=frozenset({"clock"}))


def check_role(permissions: Mapping[str, frozenset[str]], action: str, person: Person) -> None:
    """Hold that a person's roles allow an action. Raises: Denied, saying which role would."""
    allowed = permissions.get(action, frozenset())
    if not person.id or not person.roles or person.roles - set(ROLES):
        raise Denied("nobody, or somebody in a role that is not known", reasons=("E-INPUT",))
    if person.is_partner and not person.roles <= PARTNER_ROLES:
        raise Denied("somebody who acts for the partner and for the hospital", reasons=("E-DENY",))
    if person.roles.isdisjoint(allowed):
        remedy = f"Ask somebody in the role {' or '.join(sorted(allowed))}." if allowed else "There is no such action."
        raise Denied(f"this role may not {action.replace('-', ' ')}", reasons=("E-DENY",), remedy=remedy)

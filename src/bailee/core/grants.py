"""What an agreement and its approval give, reduced to what an evaluator compares; no texts, no state machine.

A `Grant` is what was approved. An `Ask` is what somebody wants now. The rooms of agreements and consent meet
only here. Times are milliseconds since the epoch, and every window holds its start and not its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

import msgspec

FOREVER_MS = 2**53 - 1
BEGINNING_MS = -FOREVER_MS
Identifiability = Literal["safe-harbor", "limited-data-set", "expert-determination", "identified"]
IDENTIFIABILITIES: frozenset[str] = frozenset(get_args(Identifiability))
Finding = tuple[str, str]  # a reason code, and for the hospital the term that it is about


class Window(msgspec.Struct, frozen=True):
    """A half-open stretch of time. Units: milliseconds since the epoch."""

    from_ms: int
    until_ms: int

    def holds(self, at_ms: int) -> bool:
        """Tell whether a moment lies inside."""
        return self.from_ms <= at_ms < self.until_ms


ALWAYS = Window(0, FOREVER_MS)
NEVER = Window(0, 0)


class Ask(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """Who wants what, for what, where. Every field is needed: an empty one is refused."""

    agreement: str
    agreement_sha256: str
    recipient: str  # id of the recipient
    aliases: frozenset[str]  # every name by which a directive may mean it: "Organization/acme", "system|value", …
    purposes: frozenset[str]  # HL7 v3 ActReason codes: HRESCH, …
    regions: frozenset[str]
    identifiability: Identifiability
    types: frozenset[str]  # FHIR resource types
    profile: str
    profile_sha256: str
    actions: frozenset[str] = frozenset({"disclose", "access", "use"})
    request: str = ""  # id; needed where the grant says so
    request_sha256: str = ""


class Grant(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """What is approved at all; each window says when."""

    agreement: str
    agreement_sha256: str  # the terms in hand
    signed_sha256: str  # the terms that were signed
    in_force: Window  # active and inside its term; empty while suspended
    purposes: frozenset[str]
    types: frozenset[str]
    recipients: frozenset[str]
    regions: frozenset[str]
    identifiability: Identifiability
    profile: str
    profile_sha256: str = ""  # empty: any version of the profile
    route: str  # kind of legal route; empty: none whose evidence is complete
    route_holds: Window
    route_code: str = "E-ROUTE"  # what is reported where the route does not hold
    board: Window = ALWAYS  # the review board's approval, where one is needed
    needs_request: bool = False
    request: str = ""
    request_sha256: str = ""
    approved_sha256: str = ""
    approved: Window = NEVER
    needs_permit: bool  # without a patient's own permission, nothing of that patient leaves
    special: frozenset[str] = frozenset()  # categories that need the patient's specific permission
    leaves_out: frozenset[str] = frozenset()  # categories that were not asked for
    obligations: tuple[str, ...] = ()


def findings(ask: Ask, grant: Grant | None, at_ms: int) -> Iterator[Finding]:
    """Give every reason why a grant does not cover an ask at a moment; nothing means that it does.

    Steps 0 and 2 to 5 of a decision. Units: milliseconds since the epoch.
    """
    if grant is None:
        yield "E-AGREEMENT", "no such agreement"
        return
    damaged = list(_input(ask, grant))
    if damaged:
        yield from damaged
        return
    yield from _agreement(ask, grant, at_ms)
    if grant.needs_request:
        yield from _request(ask, grant, at_ms)
    yield from _scope(ask, grant)
    yield from _route(grant, at_ms)


def covering_window(grant: Grant) -> Window:
    """Give the time in which every window of a grant holds."""
    windows = [grant.in_force, grant.route_holds, grant.board]
    if grant.needs_request:
        windows.append(grant.approved)
    return Window(max(one.from_ms for one in windows), min(one.until_ms for one in windows))


def lies_in(region: str, regions: Iterable[str]) -> bool:
    """Tell whether a region is one of these or inside one: US-MN lies in US, US does not lie in US-MN."""
    known = frozenset(regions)
    return region in known or region.partition("-")[0] in known


_NEEDED_WORDS = ("agreement", "agreement_sha256", "recipient", "profile", "profile_sha256")
_NEEDED_SETS = ("aliases", "purposes", "regions", "types", "actions")
_GRANT_WORDS = ("agreement", "agreement_sha256", "profile", "profile_sha256", "route", "request", "request_sha256")
_GRANT_SETS = ("purposes", "types", "recipients", "regions", "special", "leaves_out")
_GRANT_WINDOWS = ("in_force", "route_holds", "board", "approved")


def _input(ask: Ask, grant: Grant) -> Iterator[Finding]:
    for name in _NEEDED_WORDS:
        if not _is_word(getattr(ask, name)):
            yield "E-INPUT", f"the ask has no {name}"
    for name in _NEEDED_SETS:
        if not getattr(ask, name) or not _are_words(getattr(ask, name)):
            yield "E-INPUT", f"the ask has no {name}"
    if type(ask.request) is not str or type(ask.request_sha256) is not str:
        yield "E-INPUT", "the ask's request is not a word"
    if ask.identifiability not in IDENTIFIABILITIES:
        yield "E-VOCAB", "the ask's identifiability is not a known word"
    if not _is_whole(grant):
        yield "E-INPUT", "what was granted is damaged"


def _is_whole(grant: Grant) -> bool:
    """Hold the types of a grant, since a wrong one would compare as different or as always."""
    return (
        all(type(getattr(grant, name)) is str for name in _GRANT_WORDS)
        and all(_are_words(getattr(grant, name)) for name in _GRANT_SETS)
        and all(type(getattr(grant, name)) is Window for name in _GRANT_WINDOWS)
        and type(grant.needs_permit) is bool
        and type(grant.needs_request) is bool
    )


def _is_word(value: object) -> bool:
    return type(value) is str and bool(value)


def _are_words(value: object) -> bool:
    return type(value) is frozenset and all(_is_word(one) for one in value)


def _agreement(ask: Ask, grant: Grant, at_ms: int) -> Iterator[Finding]:
    if ask.agreement != grant.agreement or not grant.in_force.holds(at_ms):
        yield "E-AGREEMENT", "the agreement is not in force at this time"
    if not grant.signed_sha256 or not ask.agreement_sha256 == grant.agreement_sha256 == grant.signed_sha256:
        yield "E-AGREEMENT-HASH", "the terms in hand are not the terms that were signed"


def _request(ask: Ask, grant: Grant, at_ms: int) -> Iterator[Finding]:
    if not ask.request or ask.request != grant.request or not grant.approved.holds(at_ms):
        yield "E-REQUEST", "no approved request is in force at this time"
    if not grant.approved_sha256 or not ask.request_sha256 == grant.request_sha256 == grant.approved_sha256:
        yield "E-REQUEST-HASH", "the request in hand is not the one that was approved"


def _scope(ask: Ask, grant: Grant) -> Iterator[Finding]:
    outside = sorted(str(name) for name in ask.types - grant.types)
    if outside:
        yield "E-SCOPE-FIELD", f"types outside of the scope: {', '.join(outside[:5])}; extend scope.types"
    if not ask.purposes <= grant.purposes:
        yield "E-SCOPE-PURPOSE", "a purpose that purposes.reasons does not name"
    if not all(lies_in(region, grant.regions) for region in ask.regions):
        yield "E-SCOPE-REGION", "a region that the agreement does not name"
    if ask.recipient not in grant.recipients:
        yield "E-SCOPE-RECIPIENT", "a recipient that the agreement does not name"
    if ask.identifiability != grant.identifiability or ask.profile != grant.profile:
        yield "E-DEID-PROFILE", "another identifiability or profile than the agreement's"
    elif grant.profile_sha256 and ask.profile_sha256 != grant.profile_sha256:
        yield "E-DEID-PROFILE", "the profile has changed since it was approved"


def _route(grant: Grant, at_ms: int) -> Iterator[Finding]:
    if not grant.route or not grant.route_holds.holds(at_ms):
        yield grant.route_code, ""
    if not grant.board.holds(at_ms):
        yield "E-IRB-EXPIRED", ""

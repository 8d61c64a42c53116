"""Whether a legal route's evidence is complete, and from when until when it holds.

Source: section by section in `routes`. An incomplete piece of evidence holds at no time.
"""

from __future__ import annotations

from functools import singledispatch
from typing import get_args

import msgspec

from bailee.agreements import routes
from bailee.agreements.days import first_ms, window
from bailee.agreements.terms import Agreement
from bailee.agreements.vocabulary import ALWAYS_PROHIBITED, DATA_USE_DUTIES
from bailee.core.grants import ALWAYS, FOREVER_MS, NEVER, Window

_RESEARCH = frozenset({"HRESCH", "CLINTRCH"})
_DATA_SET_USES = {
    "research": _RESEARCH,
    "public-health": frozenset({"PUBHLTH"}),
    "operations": frozenset({"HOPERAT", "HQUALIMP", "HSYSADMIN"}),
}
_CARE = frozenset({"TREAT", "HPAYMT", "HOPERAT", "HQUALIMP", "HSYSADMIN"})


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a route is worth: when it holds, what is missing, and the code that says so."""

    holds: Window
    missing: tuple[str, ...] = ()
    code: str = "E-ROUTE"


def evidence_of(agreement: Agreement) -> Standing:
    """Weigh an agreement's legal route. A route that lacks something holds at no time."""
    found = _weigh(agreement.route, agreement)
    missing = (*found.missing, *_payment(agreement))
    return Standing(holds=NEVER if missing else found.holds, missing=missing, code=found.code)


def board_window(agreement: Agreement) -> Window:
    """Give the time of the review board's approval; always where no rule asks for one."""
    if agreement.board is not None:
        return window(agreement.board.approved_on, agreement.board.expires_on)
    return NEVER if _needs_board(agreement) else ALWAYS


def _needs_board(agreement: Agreement) -> bool:
    if any(item.code == "DUO:0000021" for item in agreement.purposes.modifiers):
        return True
    return isinstance(agreement.route, routes.Waiver | routes.Authorization) and not _RESEARCH.isdisjoint(
        agreement.purposes.reasons
    )


def _payment(agreement: Agreement) -> tuple[str, ...]:
    """Hold that a sale of data about persons is authorized by them. Source: 45 CFR 164.502(a)(5)(ii), 164.508(a)(4)."""
    if not agreement.payment.remuneration or agreement.identifiability in {"safe-harbor", "expert-determination"}:
        return ()
    route = agreement.route
    if isinstance(route, routes.Authorization) and route.permits_remuneration:
        return ()
    return ("remuneration needs each patient's authorization that says so",)


@singledispatch
def _weigh(route: object, agreement: Agreement) -> Standing:
    raise AssertionError(f"no rule for the route {type(route).__name__} of {agreement.id}")


@_weigh.register
def _(route: routes.Deidentified, agreement: Agreement) -> Standing:
    found = route.determination
    if agreement.identifiability == "safe-harbor":
        return Standing(holds=ALWAYS)
    if found is None:
        return Standing(holds=NEVER, missing=("an expert's determination",))
    missing = []
    if not {item.id for item in agreement.recipients} <= set(found.recipients):
        missing.append("a determination that covers every recipient")
    if agreement.profile_sha256 != found.profile_sha256:
        missing.append("a determination of the profile that the agreement pins")
    missing += _blank(found.expert, found.credentials, found.method, found.risk_measure, found.risk_limit)
    return Standing(holds=window(found.determined_on, found.expires_on), missing=tuple(missing))


@_weigh.register
def _(route: routes.LimitedDataSet, agreement: Agreement) -> Standing:
    missing = [f"the duty {word}" for word in sorted(DATA_USE_DUTIES - set(agreement.obligations))]
    missing += [f"the prohibition of {word}" for word in sorted(ALWAYS_PROHIBITED - set(agreement.prohibitions))]
    if not set(agreement.purposes.reasons) <= _DATA_SET_USES[route.use]:
        missing.append(f"purposes that are {route.use} only")
    missing += _blank(route.document_sha256)
    return Standing(holds=window(route.signed_on, route.expires_on), missing=tuple(missing), code="E-DUA")


@_weigh.register
def _(route: routes.Authorization, agreement: Agreement) -> Standing:
    fields = {item.name: item.type for item in msgspec.structs.fields(routes.Authorization)}
    missing = [f"the element {word}" for word in _lacking(fields["elements"], route.elements)]
    missing += [f"the statement {word}" for word in _lacking(fields["statements"], route.statements)]
    is_research = route.for_research and set(agreement.purposes.reasons) <= _RESEARCH
    if route.expiry != "on-date" and not is_research:
        missing.append("an expiry date, since only research may do without one")
    if (route.expiry == "on-date") != (route.expires_on is not None):
        missing.append("an expiry date that fits the kind of expiry")
    ends = route.expires_on
    if route.expiry == "end-of-research":
        ends = route.study_closed_on
    until_ms = FOREVER_MS if ends is None else first_ms(ends)
    return Standing(
        holds=Window(0, until_ms), missing=tuple(missing + _blank(route.form_sha256)), code="E-AUTHZ-DEFECTIVE"
    )


@_weigh.register
def _(route: routes.Waiver, agreement: Agreement) -> Standing:  # noqa: ARG001  # the board's day stands in the route
    fields = {item.name: item.type for item in msgspec.structs.fields(routes.Waiver)}
    missing = [f"the criterion {word}" for word in _lacking(fields["criteria"], route.criteria)]
    missing += _blank(route.board, route.information_needed, route.signed_by, route.document_sha256)
    return Standing(holds=window(route.approved_on, route.expires_on), missing=tuple(missing), code="E-IRB-EXPIRED")


@_weigh.register
def _(route: routes.Operations, agreement: Agreement) -> Standing:
    missing = [] if set(agreement.purposes.reasons) <= _CARE else ["purposes that are treatment, payment, operations"]
    if route.role != "business-associate":
        return Standing(holds=ALWAYS, missing=tuple(missing))
    if route.associate is None:
        return Standing(holds=NEVER, missing=(*missing, "a business associate agreement"))
    fields = {item.name: item.type for item in msgspec.structs.fields(routes.Associate)}
    missing += [f"the term {word}" for word in _lacking(fields["terms"], route.associate.terms)]
    missing += _blank(route.associate.document_sha256)
    return Standing(holds=window(route.associate.signed_on, route.associate.expires_on), missing=tuple(missing))


@_weigh.register
def _(route: routes.Preparatory, agreement: Agreement) -> Standing:  # noqa: ARG001  # whatever the terms are
    return Standing(holds=NEVER, missing=("another route: preparing research is a look inside, and nothing leaves",))


@_weigh.register
def _(route: routes.Decedents, agreement: Agreement) -> Standing:
    fields = {item.name: item.type for item in msgspec.structs.fields(routes.Decedents)}
    missing = [f"the representation {word}" for word in _lacking(fields["representations"], route.representations)]
    if agreement.scope.cohort.everyone:
        missing.append("a cohort of the dead only")
    return Standing(holds=ALWAYS, missing=tuple(missing))


@_weigh.register
def _(route: routes.RequiredByLaw, agreement: Agreement) -> Standing:  # noqa: ARG001  # a law asks for no more terms
    missing = _blank(route.citation, route.requester_checked_by)
    return Standing(holds=Window(first_ms(route.requester_checked_on), FOREVER_MS), missing=tuple(missing))


def _lacking(kind: object, present: tuple[str, ...]) -> list[str]:
    """Give the words of a tuple's vocabulary that are not there."""
    return [word for word in get_args(get_args(kind)[0]) if word not in present]


def _blank(*texts: str) -> list[str]:
    return ["evidence that is not blank"] if any(not text.strip() for text in texts) else []

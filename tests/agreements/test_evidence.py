"""Legal routes: each is whole or holds at no time, and each holds between its days and not after."""

from datetime import date
from typing import Any

import msgspec
import pytest
from tests.support.agreements import active, everything, example

from bailee.agreements import routes
from bailee.agreements.check import check_release, grant_of
from bailee.agreements.evidence import board_window, evidence_of
from bailee.agreements.terms import Agreement, Purposes
from bailee.core.clock import ms_from_iso

SHA = "c" * 64
DETERMINATION = routes.Determination(
    expert="E", credentials="PhD", method="k-anonymity", risk_measure="prosecutor", risk_limit="0.09",
    recipients=("acme-research-cluster",), profile_sha256=SHA, determined_on=date(2026, 5, 1),
    expires_on=date(2027, 5, 1), document_sha256=SHA,
)  # fmt: skip
ROUTES: dict[str, tuple[str, Any, str]] = {
    "expert-determination": ("expert-determination", routes.Deidentified(determination=DETERMINATION), "E-ROUTE"),
    "limited-data-set": (
        "limited-data-set",
        routes.LimitedDataSet(
            document_sha256=SHA, signed_on=date(2026, 5, 1), expires_on=date(2027, 5, 1), use="research"
        ),
        "E-DUA",
    ),
    "authorization": (
        "identified",
        routes.Authorization(
            form_sha256=SHA,
            elements=("description", "who-discloses", "who-receives", "purpose", "expiry", "signature-and-date"),
            statements=("right-to-revoke", "conditioning", "redisclosure"),
            expiry="on-date",
            expires_on=date(2027, 5, 1),
        ),
        "E-AUTHZ-DEFECTIVE",
    ),
    "waiver": (
        "identified",
        routes.Waiver(
            board="B",
            approved_on=date(2026, 5, 1),
            expires_on=date(2027, 5, 1),
            criteria=(
                "minimal-risk-protection-plan",
                "minimal-risk-destruction-plan",
                "minimal-risk-no-reuse",
                "impracticable-without-waiver",
                "impracticable-without-phi",
            ),
            information_needed="all",
            procedure="normal",
            signed_by="C",
            document_sha256=SHA,
        ),
        "E-IRB-EXPIRED",
    ),
}


def made(kind: str, **changes: Any) -> Agreement:
    identifiability, route, _ = ROUTES[kind]
    fresh = msgspec.structs.replace(example(), identifiability=identifiability, route=route, profile_sha256=SHA)
    return msgspec.structs.replace(fresh, **changes)


def holds(agreement: Agreement, day: str) -> bool:
    return evidence_of(agreement).holds.holds(ms_from_iso(day))


@pytest.mark.parametrize("kind", ROUTES)
def test_a_whole_route_holds_until_its_last_day(kind: str) -> None:
    agreement = made(kind)
    assert evidence_of(agreement).missing == ()
    assert holds(agreement, "2027-04-30T23:59:59.999Z")
    assert not holds(agreement, "2027-05-01")


def _parts(route: Any) -> list[tuple[str, Any]]:
    """Give every way to take one thing out of a route."""
    found = []
    for name in route.__struct_fields__:
        value = getattr(route, name)
        if isinstance(value, tuple):
            found += [(name, value[:n] + value[n + 1 :]) for n in range(len(value))]
        elif isinstance(value, str) and name not in {"use", "procedure", "expiry"}:
            found.append((name, " "))
    return found


@pytest.mark.parametrize("kind", ROUTES)
def test_a_route_that_lacks_anything_holds_at_no_time(kind: str) -> None:
    agreement = made(kind)
    whole = agreement.route.determination if isinstance(agreement.route, routes.Deidentified) else agreement.route
    parts = [
        (name, value) for name, value in _parts(whole) if (kind, name) != ("expert-determination", "document_sha256")
    ]
    assert parts
    for name, value in parts:
        changed: Any = msgspec.structs.replace(whole, **{name: value})  # type: ignore[type-var]
        route = routes.Deidentified(determination=changed) if kind == "expert-determination" else changed
        lacking = msgspec.structs.replace(agreement, route=route)
        assert evidence_of(lacking).missing, name
        assert not holds(lacking, "2026-06-01"), name
        answer = check_release(lacking, ms_from_iso("2026-06-01"), approval=active(lacking), ask=everything(lacking))
        assert ROUTES[kind][2] in answer.reasons


def test_an_authorization_until_the_end_of_research_ends_when_the_study_closes() -> None:
    _, route, _ = ROUTES["authorization"]
    open_ended = msgspec.structs.replace(route, expiry="end-of-research", expires_on=None, for_research=True)
    assert holds(made("authorization", route=open_ended), "2090-01-01")
    closed = msgspec.structs.replace(open_ended, study_closed_on=date(2027, 1, 1))
    assert holds(made("authorization", route=closed), "2026-12-31")
    assert not holds(made("authorization", route=closed), "2027-01-01")
    not_research = msgspec.structs.replace(open_ended, for_research=False)
    assert evidence_of(made("authorization", route=not_research)).missing


def test_an_authorization_needs_each_patients_permission() -> None:
    agreement = made("authorization")
    assert grant_of(agreement, active(agreement)).needs_permit
    assert not grant_of(example(), active(example())).needs_permit


def test_preparing_research_is_a_look_inside_and_never_a_release() -> None:
    route = routes.Preparatory(representations=("solely-to-prepare", "nothing-leaves", "necessary"))
    agreement = made("waiver", route=route)
    assert not evidence_of(agreement).holds.holds(ms_from_iso("2026-06-01"))
    answer = check_release(agreement, ms_from_iso("2026-06-01"), approval=active(agreement), ask=everything(agreement))
    assert "E-ROUTE" in answer.reasons


def test_the_dead_only_are_no_cohort_of_everybody() -> None:
    route = routes.Decedents(representations=("solely-decedents", "necessary", "proof-of-death-on-request"))
    assert evidence_of(made("waiver", route=route)).missing == ("a cohort of the dead only",)


@pytest.mark.parametrize("role, whole", [("provider", True), ("payer", True), ("business-associate", False)])
def test_a_vendor_needs_a_business_associate_agreement(role: Any, whole: bool) -> None:
    care = Purposes(permission="DUO:0000042", reasons=("HOPERAT",), in_words="x")
    agreement = made("waiver", route=routes.Operations(role=role), purposes=care)
    assert (evidence_of(agreement).missing == ()) is whole
    research = made("waiver", route=routes.Operations(role="provider"))
    assert evidence_of(research).missing


def test_identifiable_data_is_not_sold_without_authorization() -> None:
    sold = msgspec.structs.replace(example().payment, remuneration=True)
    assert evidence_of(msgspec.structs.replace(example(), payment=sold)).missing == ()
    assert evidence_of(made("waiver", payment=sold)).missing
    assert evidence_of(made("authorization", payment=sold)).missing
    _, route, _ = ROUTES["authorization"]
    allowed = msgspec.structs.replace(route, permits_remuneration=True)
    assert evidence_of(made("authorization", payment=sold, route=allowed)).missing == ()


def test_research_on_identified_data_needs_a_board_and_its_approval_ends() -> None:
    without = made("waiver", board=None)
    assert not board_window(without).holds(ms_from_iso("2026-06-01"))
    agreement = example()
    for day, permitted in (("2028-03-01", True), ("2028-03-02", False)):
        answer = check_release(agreement, ms_from_iso(day), approval=active(agreement), ask=everything(agreement))
        assert answer.permit is permitted

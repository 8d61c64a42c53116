"""`POST /v1/agreements/{agreement}:why`: the access explainer as JSON; the patient is named in the body, not the address."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bailee.consent.rules import criteria_in_words
from bailee.core.canonical import strict_json
from bailee.core.decisions import sentences_of
from bailee.core.errors import Invalid
from bailee.flows.hospital import Hospital
from bailee.flows.why import Reasons, why
from bailee.stores.sql.agreements import find_agreement
from bailee.stores.sql.database import read
from bailee.web.consent_api import Identify, content_of
from bailee.web.problems import problem, problem_of

ROLES = frozenset({"privacy-officer", "auditor", "dac-member"})


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose records, and under which request if any."""

    patient: str
    request: str = ""


def why_route(hospital: Hospital, identify: Identify) -> Route:
    """Make the route. Nothing leaves by it but the answer, and only to the hospital's own people."""

    async def endpoint(request: Request) -> Response:
        try:
            person = await identify(request)
            if person is None:
                return problem(401, "E-LOGIN", "who are you?")
            if person.is_partner or person.roles.isdisjoint(ROLES | {"patient"}):
                return problem(403, "E-DENIED", f"the roles {', '.join(sorted(ROLES))} may do this")
            question = _question(await content_of(request))
            staff = not person.roles.isdisjoint(ROLES)
            if not staff and (not person.patient or question.patient != person.patient):
                return problem(403, "E-DENIED", "patients may ask about themselves")
            found = await run_in_threadpool(_ask, hospital, request.path_params["agreement"], question)
            answer = answer_of(found) if staff else answer_for_patient(found)
            return Response(msgspec.json.encode(answer), media_type="application/json")
        except Exception as error:  # noqa: BLE001  # every failure becomes a problem document
            return problem_of(error)

    return Route("/v1/agreements/{agreement}:why", endpoint, methods=["POST"], name="why")


def answer_for_patient(found: Reasons) -> dict[str, Any]:
    """Write the answer for the patient: yes or no, and why, in plain words."""
    return {
        "permitted": found.decision.permit,
        "words": list(found.decision.words("patient")),
        "recalls": [{"release": row["release"], "state": row["state"]} for row in found.recalls],
    }


def answer_of(found: Reasons) -> dict[str, Any]:
    """Write the answer: yes or no, the codes, the words for each reader, the rules, what would change it."""
    decision = found.decision
    return {
        "permitted": decision.permit,
        "reasons": list(decision.reasons),
        "words": {audience: list(decision.words(audience)) for audience in ("hospital", "patient")},
        "rules": [
            {"id": rule.id, "effect": rule.effect, "speaks": speaks, "criteria": criteria_in_words(rule)}
            for rule, speaks in found.rules
        ],
        "records": {
            "permitted": dict(sorted(found.permitted.items())),
            "refused": [
                {"type": kind, "reason": code, "count": count} for (kind, code), count in sorted(found.refused.items())
            ],
        },
        "recalls": [{"release": row["release"], "state": row["state"]} for row in found.recalls],
        "would_change_it": sorted({sentences_of(code).remedy for code in decision.reasons} - {""}),
    }


def _ask(hospital: Hospital, agreement: str, question: Question) -> Reasons:
    with read(hospital.engine) as connection:
        stored = find_agreement(connection, agreement)
    pinned = (stored.agreement.profile_sha256 if stored else None) or "0" * 64
    return why(hospital, question.patient, agreement, profile_sha256=pinned, request=question.request)


def _question(content: bytes) -> Question:
    try:
        question = msgspec.convert(strict_json(content), Question)
    except msgspec.ValidationError:
        raise Invalid("a body of another form", remedy='Send {"patient": "…"}.') from None
    if not question.patient:
        raise Invalid("a question about nobody", remedy="Name the patient.")
    return question

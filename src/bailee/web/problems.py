"""Errors as RFC 9457 problem documents; what is not ours becomes an internal error without its text."""

from __future__ import annotations

import json
import logging
from typing import Any

from starlette.responses import Response

from bailee.core.errors import BaileeError, Denied, UserError

_log = logging.getLogger(__name__)
PROBLEM = "application/problem+json"


def problem_of(error: Exception) -> Response:
    """Turn an error into a response. No message of ours carries a value, and no other message is passed on."""
    if not isinstance(error, BaileeError):
        _log.error("a request failed inside", exc_info=False)
        return problem(500, "E-INTERNAL", "internal error")
    document: dict[str, Any] = {}
    if isinstance(error, UserError) and error.remedy:
        document["remedy"] = error.remedy
    if isinstance(error, Denied):
        document["reasons"] = list(error.reasons)
    return problem(error.http_status, error.code, str(error), **document)


def problem(status: int, code: str, title: str, **more: Any) -> Response:
    """Make a problem document."""
    document = {"type": "about:blank", "status": status, "code": code, "title": title, **more}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return Response(json.dumps(document), status, headers, PROBLEM)

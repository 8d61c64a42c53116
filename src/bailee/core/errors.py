"""The one tree of errors, and what each becomes outside.

BaileeError
├── UserError      says what is wrong, where, and how to mend it        exit 2   HTTP 400
│   └── Invalid    input that breaks a rule: counts, file, line, rule   exit 65  HTTP 422
├── Denied         a rule says no; carries the decision's reasons       exit 77  HTTP 403
├── Conflict       somebody else changed it first                       exit 75  HTTP 409
└── Unavailable    a store, key or peer cannot be reached; retryable    exit 69  HTTP 503

Anything else is a bug and keeps its traceback. No message may carry a value from a record:
files, line numbers, columns, rules and counts only.
"""

from __future__ import annotations

from collections.abc import Sequence


class BaileeError(Exception):
    """The root. `code` is stable and never reused; `exit_code` follows sysexits(3)."""

    code = "E-BAILEE"
    exit_code = 70
    http_status = 500


class UserError(BaileeError):
    """Something that the person who asked can mend."""

    code = "E-USER"
    exit_code = 2
    http_status = 400

    def __init__(self, what: str, *, where: str = "", remedy: str = "", code: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        if code:
            self.code = code
        super().__init__(_sentence(what, where, remedy))


class Invalid(UserError):
    """Input that breaks a rule. Never holds the offending value."""

    code = "E-INVALID"
    exit_code = 65
    http_status = 422


class Denied(BaileeError):
    """A rule refuses. `reasons` are reason codes; `remedy` is what would change the answer."""

    code = "E-DENIED"
    exit_code = 77
    http_status = 403

    def __init__(self, what: str, *, reasons: Sequence[str], remedy: str = "") -> None:
        self.what, self.reasons, self.remedy = what, tuple(reasons), remedy
        super().__init__(_sentence(what, ", ".join(self.reasons), remedy))


class Conflict(BaileeError):
    """The state is not what the caller believed."""

    code = "E-CONFLICT"
    exit_code = 75
    http_status = 409


class Unavailable(BaileeError):
    """A thing that this needs cannot be reached now; trying again may succeed."""

    code = "E-UNAVAILABLE"
    exit_code = 69
    http_status = 503


def _sentence(what: str, where: str, remedy: str) -> str:
    place = f" ({where})" if where else ""
    return f"{what}{place}. {remedy}" if remedy else f"{what}{place}"

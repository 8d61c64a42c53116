"""Entries of the ledger: what a leaf may say, and its one canonical form; no entry names a patient.

The form: canonical JSON (core.canonical), fields sorted, fields without content left out, `"v":1` for this format.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any, TypeVar

import msgspec

from bailee.core.errors import Invalid

_LIMIT = 10**15  # below 2^53, and told by its digits alone
_NEVER_EMPTY = frozenset({"actor", "kind", "id", "sha256", "name", "version"})
_CONTROL = re.compile(r"[\x00-\x1f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_OBJECT = re.compile(
    r"(?:release|agreement|request|dataset|profile|policy|key|witness|register|breach|accounting|study|backup|"
    r"config|account|source|certificate|batch|artifact):[A-Za-z0-9._:/@=+-]{1,200}\Z"
)

_GROUPS = """
agreement.drafted agreement.signed agreement.activated agreement.suspended agreement.terminated
request.submitted request.evidence request.reviewed request.approved request.rejected request.revoked request.expired
consent.granted consent.revoked consent.rejected consent.artifact policy.added policy.retired
decision.permit decision.deny access.read access.search access.breakglass
release.intent release.disclosed release.done release.failed release.unknown release.acknowledged release.recalled
release.destroyed output.checked output.refused
accounting.requested accounting.delivered accounting.suspended
breach.opened breach.assessed breach.notified breach.closed
key.created key.rotated key.shredded backup.made backup.verified backup.restored config.changed login.ok login.fail
witness.cosigned witness.conflict register.published subject.erased
ingest.done study.proposed study.run
"""
KINDS = frozenset(_GROUPS.split())

REQUIRED: dict[str, tuple[str, ...]] = {
    "release.intent": ("release", "agreement", "partner", "route", "purpose", "identifiability"),
    "release.disclosed": ("release",),  # counts and root are added with the patients
    "release.done": ("release", "agreement", "artifact_sha256", "counts"),
    "release.failed": ("release",),
    "release.unknown": ("release", "counts"),
    "release.destroyed": ("release", "artifact_sha256"),
    "agreement.activated": ("agreement",),
    "agreement.suspended": ("agreement",),
    "agreement.terminated": ("agreement",),
    "request.approved": ("request",),
    "request.revoked": ("request",),
    "decision.deny": ("reasons",),
    "accounting.suspended": ("release", "until_ms"),
}

_Form = TypeVar("_Form", bound="Part")


class Part(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of an entry; checked when made, so that what exists can be written."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _check_value(name, getattr(self, name))


class Bound(Part, frozen=True):
    """A document, bound by its content: whoever changes it makes another."""

    id: str
    sha256: str


class Counts(Part, frozen=True):
    """How much was moved."""

    patients: int
    rows: int
    bytes: int


class Party(Part, frozen=True):
    """An organisation that receives data: what 45 CFR 164.528(b)(2)(ii) asks to name."""

    name: str
    address: str = ""
    phone: str = ""


class Software(Part, frozen=True):
    """What did it."""

    version: str
    sha256: str


class Entry(Part, frozen=True, tag_field="v", tag=1):
    """One leaf. Raises: Invalid for an unknown kind, a field that the kind needs, or a value out of form.

    Units: t_ms milliseconds since the epoch; until_ms likewise, for what
    ends by itself; consent_size is the ledger's size at which consents were read.
    """

    t_ms: int
    kind: str
    actor: str
    actor_org: str = ""
    on_behalf_of: str = ""
    action: str = ""
    objects: tuple[str, ...] = ()
    release: str = ""
    partner: Party | None = None
    agreement: Bound | None = None
    request: Bound | None = None
    route: str = ""
    purpose: tuple[str, ...] = ()
    identifiability: str = ""
    data: tuple[str, ...] = ()
    decision: str = ""
    reasons: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    consent_size: int = 0
    counts: Counts | None = None
    artifact_sha256: str = ""
    deid_profile_sha256: str = ""
    subject_commitments_root: str = ""
    prev_release: str = ""
    machine: str = ""
    software: Software | None = None
    until_ms: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kind not in KINDS:
            raise Invalid("an entry of an unknown kind", where=self.kind[:40], remedy="Use one of entries.KINDS.")
        missing = [name for name in REQUIRED.get(self.kind, ()) if not getattr(self, name)]
        if missing:
            raise Invalid(f"an entry without {', '.join(missing)}", where=self.kind)
        if not all(_OBJECT.match(item) for item in self.objects):
            raise Invalid(
                "an object that is not named `kind:id`, or of a kind that names people",
                where=self.kind,
                remedy="Name releases, agreements, requests and the like; never patients.",
            )


def entry_bytes(entry: Entry) -> bytes:
    """Write an entry in its canonical form, the leaf's body."""
    return msgspec.json.encode(entry, order="sorted")


def entry_from_bytes(body: bytes) -> Entry:
    """Read a leaf's body. Raises: Invalid if it is not an entry in canonical form."""
    try:
        entry = msgspec.json.decode(body, type=Entry)
    except msgspec.MsgspecError:
        raise Invalid("a leaf that is not an entry") from None
    if entry_bytes(entry) != body:
        raise Invalid("a leaf that is not in canonical form")
    return entry


def replace(entry: _Form, **changes: Any) -> _Form:
    """Make a changed copy, checked like a new one."""
    return msgspec.structs.replace(entry, **changes)


def _check_value(name: str, value: Any) -> None:
    if value == "" and name in _NEVER_EMPTY:
        raise Invalid("an entry with an empty field", where=name)
    if isinstance(value, str):
        _check_text(name, value)
    elif isinstance(value, int):
        if not 0 <= value < _LIMIT:
            raise Invalid("a number beyond 0 to 10^15", where=name)
    elif isinstance(value, tuple):
        for item in value:
            if not item:
                raise Invalid("an empty item in a list", where=name)
            _check_text(name, item)


def _check_text(name: str, value: str) -> None:
    if name.endswith(("sha256", "_root")) and value and not _SHA256.match(value):
        raise Invalid("not 64 lower-case hexadecimal digits", where=name)
    if _CONTROL.search(value):
        raise Invalid("text with control characters", where=name)
    if not value.isascii() and not _is_clean(value):
        raise Invalid("text that is not Unicode in form NFC", where=name)


def _is_clean(value: str) -> bool:
    return unicodedata.is_normalized("NFC", value) and not _SURROGATE.search(value)

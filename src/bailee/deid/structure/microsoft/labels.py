"""The marks that the anonymizer leaves in meta.security."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from enum import StrEnum

from bailee.deid.structure.microsoft.tree import Element, slot_of

_SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"


class Operation(StrEnum):
    """What was done somewhere in a resource."""

    REDACT = "redact"
    ABSTRACT = "abstract"
    CRYPTO_HASH = "cryptoHash"
    ENCRYPT = "encrypt"
    PERTURB = "perturb"
    SUBSTITUTE = "substitute"
    GENERALIZE = "generalize"


# in the order in which they are written; the third code's spelling is the tool's own
LABELS: dict[Operation, tuple[str, str, str]] = {
    Operation.REDACT: (_SYSTEM, "REDACTED", "redacted"),
    Operation.ABSTRACT: (_SYSTEM, "ABSTRED", "abstracted"),
    Operation.CRYPTO_HASH: (_SYSTEM, "CRYTOHASH", "cryptographic hash function"),
    Operation.ENCRYPT: (_SYSTEM, "MASKED", "masked"),
    Operation.PERTURB: ("", "PERTURBED", "exact value is replaced with another exact value"),
    Operation.SUBSTITUTE: ("", "SUBSTITUTED", "exact value is replaced with a predefined value"),
    Operation.GENERALIZE: ("", "GENERALIZED", "exact value is replaced with a general value"),
}


def add_labels(resource: Element, done: AbstractSet[Operation]) -> None:
    """Add the label of each operation that a resource's meta.security does not have yet."""
    if not done:
        return
    meta = resource.first("meta")
    if meta is None:
        meta = _member("Resource", "meta")
        resource.add(meta)
    present = {str(code.value).upper() for coding in meta.named("security") for code in coding.named("code")}
    for operation, label in LABELS.items():
        if operation in done and label[1] not in present:
            meta.add(_coding(label))


def _coding(label: tuple[str, str, str]) -> Element:
    coding = _member("Meta", "security")
    for name, text in zip(("system", "code", "display"), label, strict=True):
        if text:
            coding.add(_member("Coding", name, text))
    return coding


def _member(owner: str, key: str, value: str | None = None) -> Element:
    slot = slot_of(owner, key)
    assert slot is not None
    return Element(slot, value)

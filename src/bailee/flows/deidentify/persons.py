"""Who is who across the files of a run: persons that share an identifier are one, whatever format tells it.

An identifier is an assigning authority and a value: `Patient.identifier` in FHIR, PID-3 in HL7v2, `patientRole/id` in
C-CDA, Patient ID with its issuer in DICOM. A FHIR Patient's root comes from its logical id, as it does without other
files; anybody else's comes from the least of the identifiers that are linked. Only keyed hashes are held.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from typing import Final

from bailee.core.keys import ROOT_BYTES, Secret
from bailee.deid.formats.identities import Identity

_HELD_BYTES: Final = 16
# Numbers of which each person has a mistyped or a made-up one would make one person of many.
_NOT_LINKING: Final = frozenset({"oid:2.16.840.1.113883.4.1", "http://hl7.org/fhir/sid/us-ssn", "ns:ssa"})


class Persons:
    """Links identifiers, gives roots. The order in which they are met does not matter."""

    def __init__(self, key: Secret) -> None:
        self._roots = key.derive("roots of files").reveal()
        self._names = key.derive("identities of files").reveal()
        self._above: dict[bytes, bytes] = {}
        self._patients: dict[bytes, str] = {}

    def __repr__(self) -> str:
        return f"Persons({len(self._above)} identifiers)"

    def meet(self, identities: Iterable[Identity], *, patient: str = "") -> None:
        """Learn that identifiers are one person's; `patient` is the logical id of a FHIR Patient who has them."""
        tops = [self._top(self._held(each)) for each in identities if _links(each)]
        if not tops:
            return
        least = min(tops)
        known = min(filter(None, [patient, *(self._patients.pop(top, "") for top in tops)]), default="")
        for top in tops:
            self._above[top] = least
        if known:
            self._patients[least] = known

    def root(self, identities: Iterable[Identity]) -> bytes | None:
        """Give the root of the person who has these identifiers; None if none of them tells a person from another."""
        met = [each for each in identities if each[1].strip()]
        linking = [self._top(self._held(each)) for each in met if _links(each)]
        if not met:
            return None
        top = min(linking) if linking else min(self._held(each) for each in met)
        patient = self._patients.get(top)
        return self.root_of_patient(patient) if patient else self._root(b"\0" + top)

    def root_of_patient(self, patient: str) -> bytes:
        """Give a FHIR Patient's root. A vault draws it at random; files have none, so it is a keyed hash of the id."""
        return self._root(patient.encode())

    def _root(self, content: bytes) -> bytes:
        return hmac.digest(self._roots, content, "sha256")[:ROOT_BYTES]

    def _held(self, identity: Identity) -> bytes:
        content = "\0".join(identity).encode("utf-8", "surrogatepass")
        return hmac.digest(self._names, content, "sha256")[:_HELD_BYTES]

    def _top(self, held: bytes) -> bytes:
        above = self._above.setdefault(held, held)
        if above != held:
            above = self._above[held] = self._top(above)
        return above


def _links(identity: Identity) -> bool:
    name, value = identity
    letters = re.sub(r"[\W_]", "", value)
    return name not in _NOT_LINKING and len(set(letters)) > 1

"""Opt-out registers: a list of patients who said no to everything, and how old it may be before that itself is a no."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.consent.directives import directives_from_rules
from bailee.consent.rules import Rule
from bailee.core.errors import Invalid

MAX_AGE_MS = 24 * 3600 * 1000
_ID_LENGTH = 64  # of a FHIR id
_ID = f"^[A-Za-z0-9.-]{{1,{_ID_LENGTH}}}$"


def patients_from_register(text: str, *, name: str) -> pa.Array:
    """Read a register: one patient id a line, perhaps under a heading `patient`.

    Shape: text → string[n], each once, sorted. Raises: Invalid naming the line, never the id; an empty file is
    refused too, since a truncated register looks like one in which nobody opted out: write `none` into it.
    """
    lines = text.lstrip("\ufeff").splitlines()
    if not lines:
        raise Invalid("an empty register", where=name, remedy="If nobody opted out, let it hold the one line: none")
    start = 1 if lines[0].strip().lower() == "patient" else 0
    found = set()
    for number, line in enumerate(lines[start:], start=start + 1):
        patient = line.strip()
        if (
            not patient
            or len(patient) > _ID_LENGTH
            or not all(c.isascii() and (c.isalnum() or c in "-.") for c in patient)
        ):
            remedy = "Each line is one patient's logical id."
            raise Invalid("not a patient's id", where=f"{name}, line {number}", remedy=remedy)
        found.add(patient)
    if found == {"none"}:
        return pa.array([], pa.string())
    return pa.array(sorted(found), pa.string())


def is_patient(names: pa.Array) -> npt.NDArray[np.bool_]:
    """Tell which names have the form of a patient's logical id. Shape: string[n] → bool[n]."""
    found: npt.NDArray[np.bool_] = pc.match_substring_regex(names, _ID).to_numpy(zero_copy_only=False)
    return found


def check_patient(name: str) -> None:
    """Hold that a name has the form of a patient's logical id. Raises: Invalid."""
    if not is_patient(pa.array([name], pa.string()))[0]:
        raise Invalid("not a patient's id", remedy="Give the logical id of the Patient record.")


def register_directives(register: str, patients: pa.Array) -> pa.Table:
    """Write a register's entries as directives. Shape: string[n] → DIRECTIVES[n]."""
    rule = Rule(id=register_rule(register), effect="deny", layer="patient", code="E-OPTOUT")
    return directives_from_rules((patient, rule) for patient in patients.to_pylist())


def register_rule(register: str) -> str:
    """Name the rule that a register's entries are."""
    return f"register-{register}"


def stale_rules(
    needed: Iterable[str], loaded_ms: dict[str, int], at_ms: int, *, max_age_ms: int = MAX_AGE_MS
) -> tuple[Rule, ...]:
    """Give a rule that refuses everything for each register that is missing, too old, or from the future.

    Units: milliseconds since the epoch, and milliseconds; at exactly the greatest age a register is too old.
    """
    return tuple(
        Rule(id=register_rule(name), effect="deny", layer="admin", code="E-OPTOUT-STALE")
        for name in sorted(set(needed))
        if name not in loaded_ms or not loaded_ms[name] <= at_ms < loaded_ms[name] + max_age_ms
    )

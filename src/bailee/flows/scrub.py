"""Replacing identifiers in notes that stand alone: whose each note is, under which key, and what still may not leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bailee.core.entropy import Entropy, SystemEntropy
from bailee.core.errors import Invalid, UserError
from bailee.core.keys import KEY_BYTES, AgreementKeys, Secret
from bailee.deid.notes import leaks
from bailee.deid.notes.chart.charts import no_charts
from bailee.deid.notes.chart.folder import ChartFolder
from bailee.deid.notes.found import Found
from bailee.deid.notes.scrub import METHODS, Method, Scrubbed, Subjects, scrub
from bailee.flows.deidentify.persons import Persons
from bailee.flows.deidentify.profile import read_key_file
from bailee.flows.deidentify.run import NAME
from bailee.stores.keys.files import create_secret

NEED_KEY = "Name a key with --key-file FILE; a new one is made if there is no such file."
NEED_PATIENT = 'Add "patient" to each line, or give --charts with the records of the notes, or use --method tag or --method remove.'


def key_of(path: Path | None, entropy: Entropy | None = None) -> tuple[Secret, bool]:
    """Read the key that surrogates come from, or make it. Returns the key, and whether it is new.

    Raises: UserError if no file is named, or if others may read it; Invalid if the file holds no key.
    """
    if path is None:
        raise UserError("surrogates need a key", remedy=NEED_KEY)
    if path.exists():
        return read_key_file(path), False
    drawn = (entropy or SystemEntropy()).token_bytes(KEY_BYTES)
    create_secret(path, drawn.hex().encode() + b"\n")
    return Secret(drawn), True


@dataclass(frozen=True, repr=False)
class Cleaned:
    """One batch: the texts, and why some of them are withheld. Shape: withheld: a reason or "" for each note."""

    scrubbed: Scrubbed
    withheld: list[str]

    def __repr__(self) -> str:
        return f"Cleaned({self.scrubbed!r})"


class Scrubber:
    """Replaces what was found. With charts a text in which a value of its chart still stands is withheld."""

    def __init__(self, method: str, *, key: Secret | None = None, folder: ChartFolder | None = None) -> None:
        if method not in METHODS:
            raise UserError("no such way to replace identifiers", remedy="Use one of " + ", ".join(METHODS) + ".")
        self._method: Method = method  # type: ignore[assignment]
        self._folder = folder
        self._look = leaks.SecondLook(folder.charts) if folder else None
        self._keys = AgreementKeys.of(key, NAME) if key else None
        self._persons = Persons(key) if key else None

    def __repr__(self) -> str:
        return f"Scrubber({self._method})"

    def clean(self, texts: Any, found: Found, patients: Sequence[str], chart_of: npt.NDArray[np.int32]) -> Cleaned:
        """Rewrite a batch. `patients` tells whose each note is, "" where nobody told.

        Raises: Invalid if surrogates are asked for and a note has no patient.
        """
        if self._method == "surrogate":
            subjects, subject_of = self._subjects(patients, chart_of)
            done = scrub(texts, found, subjects, subject_of, method=self._method)
        else:
            done = scrub(texts, found, method=self._method)
        return Cleaned(done, self._withheld(done.texts, found, chart_of))

    def _subjects(
        self, patients: Sequence[str], chart_of: npt.NDArray[np.int32]
    ) -> tuple[Subjects, npt.NDArray[np.int32]]:
        assert self._keys is not None
        assert self._persons is not None
        if not all(patients):
            raise Invalid("a note of nobody known: surrogates belong to a patient", remedy=NEED_PATIENT)
        number: dict[tuple[str, int], int] = {}
        pairs = zip(patients, chart_of.tolist(), strict=True)
        subject_of = np.array([number.setdefault(pair, len(number)) for pair in pairs], np.int32)
        charts = self._folder.charts if self._folder else no_charts()
        return (
            Subjects.of(
                self._keys,
                [self._persons.root_of_patient(patient) for patient, _ in number],
                shift=True,
                charts=charts.take(np.array([chart for _, chart in number], np.int32)),
            ),
            subject_of,
        )

    def _withheld(self, texts: pa.Array, found: Found, chart_of: npt.NDArray[np.int32]) -> list[str]:
        survived = self._look.survivors(texts, chart_of) if self._look else np.zeros(len(texts), np.bool_)
        return [
            "language" if language < 0 else "survivor" if left else ""
            for language, left in zip(found.language.tolist(), survived.tolist(), strict=True)
        ]

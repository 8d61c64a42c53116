"""One run over files: its keys, its account, and what all kinds of files share."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from bailee.core.clock import iso_from_ms
from bailee.core.keys import ROOT_BYTES, AgreementKeys, Secret
from bailee.deid.formats.identities import Identity
from bailee.deid.structure.tally import Tally
from bailee.flows.deidentify.persons import Persons
from bailee.flows.ingest.run import Account as Intake
from bailee.flows.ingest.sources import Source
from bailee.flows.release.plan import ReleasePlan
from bailee.flows.release.texts import TextCounts

NAME = "files"  # stands for the agreement: keys of files have nothing in common with those of any release
SHOWN = 20
_NOBODY = bytes(ROOT_BYTES)
TextMethod = Literal["surrogate", "tag", "remove"]


@dataclass(frozen=True)
class Unread:
    """A file, or a part of one, that could not be read; never with its content."""

    shown: str
    line: int
    what: str
    remedy: str
    unit: str = "line"

    def __str__(self) -> str:
        return f"{self.shown}, {self.unit} {self.line}: {self.what}. {self.remedy}"


@dataclass
class Account:
    """What was done. `came` and `left` by type of what stands in files; `refused` and `dropped` by a sentence."""

    intake: Intake = field(default_factory=Intake)
    came: Counter[str] = field(default_factory=Counter)  # of other formats than FHIR, which `intake` counts
    left: Counter[str] = field(default_factory=Counter)
    counts: TextCounts = field(default_factory=TextCounts)
    tally: Tally | None = None
    refused: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    rules: Counter[tuple[str, str]] = field(default_factory=Counter)  # of other formats: (path, kept|changed|removed)
    unread: Counter[str] = field(default_factory=Counter)  # files, or parts of files, by reason
    shown: list[Unread] = field(default_factory=list)
    images: Counter[str] = field(default_factory=Counter)  # DICOM images by what was done about text in them
    unknown: int = 0  # files of no known kind

    @property
    def records_in(self) -> int:
        """Count what came in, in all formats."""
        return self.intake.current + self.came.total()

    def cannot_read(self, unread: Unread) -> None:
        """Count what could not be read; the first ones are kept to be shown."""
        self.unread[unread.what] += 1
        if len(self.shown) < SHOWN:
            self.shown.append(unread)


class Cleaning(Protocol):
    """What a kind does to its files; texts may wait until many can go through the notes engine at once."""

    def take(self, source: Source) -> None:
        """Take a file in."""

    def finish(self) -> None:
        """Write what still waits."""


class Run:
    """What a kind's functions get: where to write, by which profile, under which keys."""

    def __init__(
        self,
        source: Path,
        target: Path,
        profile: str,
        key: Secret,
        *,
        text_method: TextMethod,
        as_of_ms: int,
        scratch: Path,
        progress: Callable[[int, int], None],
    ) -> None:
        self.source, self.target, self.profile, self.scratch = source, target, profile, scratch
        self.key, self.keys = key, AgreementKeys.of(key, NAME)
        self.text_method, self.as_of_ms = text_method, as_of_ms
        self.account = Account()
        self.persons = Persons(key)
        self.mixed = False  # whether files of several kinds are in the run, so that persons may be in several
        self._progress, self._done, self._whole = progress, 0, 0

    @property
    def as_of(self) -> str:
        """Give the day that ages are reckoned by. Shape: YYYY-MM-DD, UTC."""
        return iso_from_ms(self.as_of_ms)[:10]

    def terms(self, profile: str, sha256: str, identifiability: str) -> ReleasePlan:
        """Say by which terms texts are cleaned, as a release's plan does."""
        return ReleasePlan(
            release=NAME,
            version=1,
            agreement=NAME,
            agreement_sha256="",
            vault_version=0,
            profile=profile,
            profile_sha256=sha256,
            identifiability=identifiability,
            operating_point="strict",
            text_method=self.text_method,
            as_of_ms=self.as_of_ms,
            software="",
        )

    def place_of(self, source: Source, folder: str, ending: str) -> Path:
        """Give an output file's place. Its name is a keyed hash of where the input lies, since names may name somebody."""
        within = source.path.relative_to(self.source) if self.source.is_dir() else Path(source.path.name)
        digest = hmac.digest(
            self.keys.subkey("file names"), within.as_posix().encode("utf-8", "surrogateescape"), "sha256"
        )
        return self.target / folder / f"{digest.hex()[:24]}{ending}"

    def each(self, files: Sequence[Source], cleaning: Cleaning) -> None:
        """Clean files one by one, and tell how far it is."""
        for source in files:
            cleaning.take(source)
            self.advance(source.path.stat().st_size)
        cleaning.finish()

    def pseudonym_of(self, identities: Iterable[Identity]) -> str:
        """Give the pseudonym of whoever has these identifiers; of nobody, one and the same."""
        return self.keys.pseudonym(self.persons.root(identities) or _NOBODY)

    def expect(self, size_bytes: int) -> None:
        """Add to what there is to do."""
        self._whole += size_bytes

    def advance(self, size_bytes: int) -> None:
        """Tell how much more was done."""
        self._done += size_bytes
        self._progress(self._done, self._whole)

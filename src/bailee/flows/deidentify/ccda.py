"""C-CDA files: each document by its profile, in its own format; one file each, in UTF-8.

survey    the identifiers of each document's patient
clean     document by document; texts of many through the notes engine at once
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

from bailee.core.errors import Invalid
from bailee.deid.cda.engine import Engine
from bailee.deid.cda.people import about_document
from bailee.deid.cda.places import Draft
from bailee.deid.cda.plan import KIND, Plan, plan_from_text, shipped_plan
from bailee.deid.formats.persons import Ids
from bailee.deid.formats.tally import FormatTally
from bailee.deid.structure.zip3 import zip3_table
from bailee.flows.deidentify.outputs import whole_file
from bailee.flows.deidentify.passages import People
from bailee.flows.deidentify.profile import format_profile
from bailee.flows.deidentify.run import Run, Unread
from bailee.flows.ingest.sources import Source, opened
from bailee.records.cda.reading import LARGEST, Element, bytes_from_tree, tree_from_bytes

BATCH_DOCUMENTS = 200
BATCH_BYTES = 8 << 20
WHAT = "C-CDA document"


def survey(run: Run, files: list[Source]) -> None:
    """Tell the run whose identifiers the documents hold. Raises: UserError for a profile that is none."""
    plan_of(run.profile)
    for source in files:
        run.expect(source.path.stat().st_size)
        try:
            root, _ = _read(source)
        except Invalid:
            continue  # told when it is cleaned
        about = about_document(root)
        run.persons.meet(about.identities)
        for others in about.others:
            run.persons.meet(others)


def clean(run: Run, files: list[Source]) -> None:
    """Write what leaves of each file."""
    run.each(files, _Cleaning(run))


def plan_of(profile: str) -> Plan:
    """Give the profile for C-CDA that goes with a profile. Raises: UserError if there is none."""
    site = format_profile(profile, KIND)
    return shipped_plan(profile) if site is None else plan_from_text(site.text, name=site.name, file=site.file)


def _read(source: Source) -> tuple[Element, bytes]:
    try:
        with opened(source) as file:
            pieces, size = [], 0
            while content := file.read(1 << 20):
                pieces.append(content)
                size += len(content)
                if size > LARGEST:
                    break
    except (EOFError, zlib.error):
        raise Invalid("the gzip file is damaged or ends in the middle", remedy="Export it again.") from None
    whole = b"".join(pieces)
    return tree_from_bytes(whole), whole


@dataclass(repr=False)
class _Batch:
    people: People
    drafts: list[tuple[Source, Draft]] = field(default_factory=list)
    size_bytes: int = 0


class _Cleaning:
    """The engine, ready, and what waits for its texts."""

    def __init__(self, run: Run) -> None:
        self.run, self.plan = run, plan_of(run.profile)
        self.tally = FormatTally()
        self.terms = run.terms(self.plan.rules.name, self.plan.rules.sha256, self.plan.rules.identifiability)
        self.engine = Engine(
            self.plan,
            Ids(run.keys),
            zip3=zip3_table().whitelist(),
            pseudonym_of=run.pseudonym_of,
        )
        self.batch = self._new_batch()

    def take(self, source: Source) -> None:
        """Draft a document; write those that wait when there are enough for the notes engine."""
        self.run.account.came[WHAT] += 1
        try:
            root, content = _read(source)
        except Invalid as error:
            self.run.account.cannot_read(Unread(source.shown, 1, error.what, error.remedy, unit="document"))
            return
        about = about_document(root)
        row, person = self.batch.people.find(about, content, "document")
        try:
            draft = self.engine.draft(root, row, person, self.tally)
        except Invalid as error:
            self.run.account.refused[error.what] += 1
            return
        self.batch.drafts.append((source, draft))
        self.batch.size_bytes += len(content)
        self.run.account.left[WHAT] += 1
        if len(self.batch.drafts) >= BATCH_DOCUMENTS or self.batch.size_bytes >= BATCH_BYTES:
            self._flush()

    def finish(self) -> None:
        """Write what still waits."""
        self._flush()
        self.run.account.dropped.update(self.tally.dropped)
        self.run.account.rules.update(self.tally.rules)

    def _flush(self) -> None:
        """Clean the texts of what waits, and write it."""
        passages = [each for _, draft in self.batch.drafts for each in draft.passages]
        cleaned = iter(self.batch.people.cleaned(passages, self.terms))
        for source, draft in self.batch.drafts:
            root = draft.finish([next(cleaned) for _ in draft.passages])
            with whole_file(self.run.place_of(source, KIND, ".xml")) as write:
                write(bytes_from_tree(root))
        self.batch = self._new_batch()

    def _new_batch(self) -> _Batch:
        return _Batch(People(self.run, self.plan.rules.identifiability))

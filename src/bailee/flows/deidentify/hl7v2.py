"""HL7 v2 files: each message by its profile, in its own format; framing, batches, delimiters and order stay.

survey    the identifiers of each message's patients
clean     message by message into one file each; texts of many messages through the notes engine at once
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from bailee.core.errors import Invalid
from bailee.deid.formats.persons import Ids
from bailee.deid.formats.tally import FormatTally
from bailee.deid.hl7v2.engine import Engine
from bailee.deid.hl7v2.people import contexts_of
from bailee.deid.hl7v2.places import Draft
from bailee.deid.hl7v2.plan import KIND, Plan, plan_from_text, shipped_plan
from bailee.deid.structure.zip3 import zip3_table
from bailee.flows.deidentify.outputs import Write, whole_file
from bailee.flows.deidentify.passages import People
from bailee.flows.deidentify.profile import format_profile
from bailee.flows.deidentify.run import Run, Unread
from bailee.flows.ingest.sources import BLOCK_BYTES, Source, opened
from bailee.records.hl7v2.charset import text_of_bytes
from bailee.records.hl7v2.files import Part, is_blank, parts_of
from bailee.records.hl7v2.message import Message, message_from_text

BATCH_MESSAGES = 2000
BATCH_CHARACTERS = 8 << 20


def survey(run: Run, files: list[Source]) -> None:
    """Tell the run whose identifiers the messages hold. Raises: UserError for a profile that is none."""
    plan_of(run.profile)
    for source in files:
        run.expect(source.path.stat().st_size)
        for each in _read(source):
            if isinstance(each, _Read):
                for context in contexts_of(each.message, each.codec, charts=False):
                    run.persons.meet(context.identities)
                    for others in context.others:
                        run.persons.meet(others)


def clean(run: Run, files: list[Source]) -> None:
    """Write what leaves of each file."""
    run.each(files, _Cleaning(run))


def plan_of(profile: str) -> Plan:
    """Compile the profile for HL7 v2 that goes with a profile. Raises: UserError if there is none."""
    site = format_profile(profile, KIND)
    return shipped_plan(profile) if site is None else plan_from_text(site.text, name=site.name, file=site.file)


@dataclass(frozen=True)
class _Read:
    """A part of a file that could be read."""

    part: Part
    message: Message
    codec: str


def _read(source: Source) -> Iterator[_Read | Unread]:
    """Read a file part by part; what cannot be read is told, and the rest goes on."""
    delimiters, part = None, None
    try:
        with opened(source) as file:
            for part in parts_of(iter(lambda: file.read(BLOCK_BYTES), b"")):
                if is_blank(part):
                    continue
                try:
                    text, codec = text_of_bytes(part.body)
                    message = message_from_text(text, delimiters if part.name in {"BTS", "FTS"} else None)
                except Invalid as error:
                    yield _unread(source, part, error.what, error.remedy)
                    continue
                delimiters = message.delimiters
                yield _Read(part, message, codec)
    except Invalid as error:
        yield _unread(source, part, error.what, error.remedy)
    except EOFError:
        yield _unread(source, part, "the gzip file ends in the middle", "Export it again.")


def _unread(source: Source, part: Part | None, what: str, remedy: str) -> Unread:
    return Unread(source.shown, part.number if part else 1, what, remedy, unit="message")


@dataclass(repr=False)
class _Item:
    """Something that waits to be written: a file that begins, or a part of it."""

    source: Source | None = None
    part: Part | None = None
    draft: Draft | None = None
    codec: str = ""


@dataclass(repr=False)
class _Batch:
    people: People
    items: list[_Item] = field(default_factory=list)
    messages: int = 0
    characters: int = 0


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
        self.files = ExitStack()
        self.write: Write | None = None

    def take(self, source: Source) -> None:
        """Draft a file's messages; write them when there are enough for the notes engine."""
        self.batch.items.append(_Item(source=source))
        messages = 0
        for each in _read(source):
            if isinstance(each, Unread):
                self.run.account.came["HL7v2 message"] += 1
                self.run.account.cannot_read(each)
                continue
            name = each.message.segments[0].name
            if name == "BHS":
                messages = 0
            if name == "BTS" and each.message.segments[0].field(1):
                each.message.segments[0].fields[1] = str(messages)
            if name == "MSH":
                self.run.account.came["HL7v2 message"] += 1
            try:
                self._draft(each)
            except Invalid as error:
                self.run.account.refused[error.what] += 1
                continue
            if name == "MSH":
                messages += 1
                self.run.account.left["HL7v2 message"] += 1
            if self.batch.messages >= BATCH_MESSAGES or self.batch.characters >= BATCH_CHARACTERS:
                self._flush()

    def finish(self) -> None:
        """Write what still waits."""
        self._flush()
        self.files.close()
        self.run.account.dropped.update(self.tally.dropped)
        self.run.account.rules.update(self.tally.rules)

    def _draft(self, read: _Read) -> None:
        contexts = contexts_of(read.message, read.codec)
        find, content = self.batch.people.find, read.part.body
        persons = [find(context, content, "message", f"/{at}") for at, context in enumerate(contexts)]
        draft = self.engine.draft(read.message, read.codec, contexts, persons, self.tally)
        self.batch.items.append(_Item(part=read.part, draft=draft, codec=read.codec))
        self.batch.messages += 1
        self.batch.characters += len(draft.text) + sum(len(each.text()) for each in draft.passages)

    def _flush(self) -> None:
        """Clean the texts of what waits, and write it."""
        waiting = self.batch.items
        drafts = [item.draft for item in waiting if item.draft is not None]
        cleaned = iter(self.batch.people.cleaned([each for draft in drafts for each in draft.passages], self.terms))
        for item in waiting:
            if item.source is not None:
                self.files.close()
                self.write = self.files.enter_context(whole_file(self.run.place_of(item.source, KIND, ".hl7")))
            if item.draft is not None and item.part is not None and self.write is not None:
                text = item.draft.finished([next(cleaned) for _ in item.draft.passages])
                self.write(item.part.lead + text.encode(item.codec, "replace") + item.part.tail)
        self.batch = self._new_batch()

    def _new_batch(self) -> _Batch:
        return _Batch(People(self.run, self.plan.rules.identifiability))

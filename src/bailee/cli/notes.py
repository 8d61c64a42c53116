"""`bailee notes find`, `bailee notes scrub`, `bailee notes train`: notes as lines of JSON, in bounded batches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import click

from bailee.core.errors import Invalid, UserError

BATCH_BYTES = 8 << 20
FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)
POINT = click.option(
    "--operating-point", "point", default="balanced", metavar="POINT", help="strict, balanced or readable."
)
LANGUAGE = click.option(
    "--language", metavar="XX", help="en, es, fr or de for all notes; found out for each if not given."
)
CHARTS = click.option(
    "--charts", type=FOLDER, help="Folder of FHIR resources, or of lists, with what is known of each note's people."
)
SECOND = click.option(
    "--second", type=FOLDER, help="A site's own ONNX token classifier, asked as well (needs `bailee[nlp]`)."
)
MODEL = click.option(
    "--model", type=FOLDER, help="A model that `bailee notes train` wrote, in place of the one that ships."
)


@click.group("notes")
def command() -> None:
    """Find and replace identifiers in notes. Files hold a note a line: {"id": …, "text": …}."""


@command.command("find")
@click.argument("source", type=FILE)
@click.argument("target", type=FILE)
@LANGUAGE
@POINT
@CHARTS
@MODEL
@SECOND
def find_command(source: Path, target: Path, **given: Any) -> None:
    """Write the spans of each note of SOURCE to TARGET: {"id": …, "spans": [[start, end, label], …]}.

    Offsets count Unicode code points, the end is exclusive. A note in a language that is not supported is searched all
    the same, and its line says {"unsupported_language": true}.
    """
    seeker = _Seeker(**given)
    with _replacing(target) as out:
        for rows in _batches(source):
            out.writelines(seeker.lines(rows))
    seeker.report()


@command.command("scrub")
@click.argument("source", type=FILE)
@click.argument("target", type=FILE)
@LANGUAGE
@POINT
@CHARTS
@MODEL
@SECOND
@click.option(
    "--method", default="tag", show_default=True, metavar="METHOD", help="tag ([NAME], …), remove or surrogate."
)
@click.option(
    "--key-file",
    type=FILE,
    help="For surrogates: 32 bytes as hexadecimal digits; made if there is no such file. Same key, same surrogates.",
)
@click.option(
    "--map", "places", type=FILE, help="Also write where each replacement stood and stands, for the hospital only."
)
def scrub_command(
    source: Path, target: Path, method: str, key_file: Path | None, places: Path | None, **given: Any
) -> None:
    """Write each note of SOURCE to TARGET with its identifiers replaced: {"id": …, "text": …}.

    Surrogates and moved dates come from the key and the note's patient: "patient" in the line, else the patient of the
    note's chart. What may not leave is withheld: {"id": …, "withheld": "language"} if the language is not supported,
    "survivor" if a value of the chart still stood in the text.
    """
    seeker = _Seeker(**given)
    with _replacing(target) as out, _replacing(places) if places else nullcontext() as map_out:
        key = _key(method, key_file)
        for rows in _batches(source):
            written = seeker.scrubbed(rows, method, key)
            for line, placed in written:
                out.write(line)
                if map_out:
                    map_out.write(placed)
    seeker.report()


def _key(method: str, path: Path | None) -> Any:
    """Read or make the key, and say what it is good for."""
    if method != "surrogate":
        if path is not None:
            raise UserError(
                "only surrogates come from a key", remedy="Leave out --key-file, or add --method surrogate."
            )
        return None
    from bailee.flows.scrub import key_of

    key, fresh = key_of(path)
    if fresh:
        click.echo(
            f"made a new key: {path}. Keep it: notes scrubbed with it later have the same surrogates and dates. "
            "Keep it from whoever gets the notes: with it one can test whose a surrogate is.",
            err=True,
        )
    return key


@command.command("train")
@click.argument("reviewed", type=FILE)
@click.argument("folder", type=FOLDER)
@click.option("--passes", default=4, show_default=True, help="How often the reviewed notes are gone through.")
@click.option("--seed", default=1, show_default=True, help="Seed of the order in which notes are learnt.")
def train_command(reviewed: Path, folder: Path, passes: int, seed: int) -> None:
    """Go on training with a site's own REVIEWED notes ({"id", "text", "spans"}) and write the model to FOLDER.

    Every tenth note is held back, and recall and precision on those are told before and after.
    """
    from bailee.deid.notes.tuning import fine_tune

    marked = [row for rows in _batches(reviewed, spans=True) for row in rows]
    before, after = fine_tune([(row["text"], row["spans"]) for row in marked], folder, passes=passes, seed=seed)
    for name, scores in (("before", before), ("after", after)):
        click.echo(f"{name:<8}recall {scores['recall']:.4f}   precision {scores['precision']:.4f}")
    click.echo(f"use it with --model {folder}")


class _Seeker:
    """Finds in batches of rows, and counts. Heavy parts are imported when the first batch is there."""

    def __init__(
        self, *, language: str | None, point: str, charts: Path | None, model: Path | None, second: Path | None
    ) -> None:
        self._language, self._point = language, point
        self._charts, self._model, self._second = charts, model, second
        self.notes = self.spans = self.unsupported = self.withheld = 0
        self._scrubber: Any = None

    @cached_property
    def _folder(self) -> Any:
        from bailee.deid.notes.chart.folder import read_charts

        return read_charts(self._charts) if self._charts else None

    @cached_property
    def _parts(self) -> dict[str, Any]:
        """Read what was named beside the shipped finders, once."""
        from bailee.deid.notes.model import read_weights

        parts: dict[str, Any] = {"weights": read_weights(self._model) if self._model else None}
        if self._second:
            from bailee.deid.notes.second import Second

            parts["second"] = Second(self._second)
        return parts

    def find(self, rows: list[dict[str, Any]]) -> tuple[Any, Any]:
        """Give a batch's texts as a column and what was found in them."""
        from bailee.deid.notes.find import find
        from bailee.deid.notes.text import texts_from_strings

        texts, folder = texts_from_strings([row["text"] for row in rows]), self._folder
        ids, patients = [row["id"] for row in rows], [row["patient"] for row in rows]
        known = {"charts": folder.charts, "chart_of": folder.chart_of(ids, patients)} if folder else {}
        found = find(texts, language=self._language, operating_point=self._point, **known, **self._parts)
        self.notes += len(rows)
        self.spans += len(found)
        self.unsupported += int((found.language < 0).sum())
        return texts, found

    def lines(self, rows: list[dict[str, Any]]) -> Iterator[str]:
        """Give a line for each note with its spans."""
        from bailee.deid.notes.found import LABELS

        _, found = self.find(rows)
        spans = list(
            zip(
                found.start.tolist(), found.end.tolist(), [LABELS[label] for label in found.label.tolist()], strict=True
            )
        )
        first = found.first().tolist()
        for number, row in enumerate(rows):
            line = {"id": row["id"], "spans": spans[first[number] : first[number + 1]]}
            if found.language[number] < 0:
                line["unsupported_language"] = True
            yield _line(line)

    def scrubbed(self, rows: list[dict[str, Any]], method: str, key: Any) -> Iterator[tuple[str, str]]:
        """Give for each note a line with its text rewritten, and a line with the places of what was replaced."""
        from bailee.flows.scrub import Scrubber

        if self._scrubber is None:
            self._scrubber = Scrubber(method, key=key, folder=self._folder)
        texts, found = self.find(rows)
        patients, chart_of = self._whose(rows, needed=key is not None)
        done = self._scrubber.clean(texts, found, patients, chart_of)
        released, withheld = done.scrubbed.texts.to_pylist(), done.withheld
        self.withheld += sum(reason == "survivor" for reason in withheld)
        for number, (row, places) in enumerate(zip(rows, _places(found, done.scrubbed), strict=True)):
            rest = {"withheld": withheld[number]} if withheld[number] else {"text": released[number]}
            yield _line({"id": row["id"], **rest}), _line({"id": row["id"], "spans": places})

    def _whose(self, rows: list[dict[str, Any]], *, needed: bool) -> tuple[list[str], Any]:
        """Tell each note's patient, and the number of its chart or -1. Raises: Invalid naming the line of a note of nobody."""
        import numpy as np

        folder, patients = self._folder, [row["patient"] for row in rows]
        chart_of = np.full(len(rows), -1, np.int32)
        if folder is not None:
            chart_of = folder.chart_of([row["id"] for row in rows], patients)
            patients = [given or folder.patient_of(chart) for given, chart in zip(patients, chart_of, strict=True)]
        nobody = next((row["where"] for row, patient in zip(rows, patients, strict=True) if not patient), None)
        if nobody and needed:
            from bailee.flows.scrub import NEED_PATIENT

            raise Invalid("a note of nobody known: surrogates belong to a patient", where=nobody, remedy=NEED_PATIENT)
        return patients, chart_of

    def report(self) -> None:
        """Say what was done."""
        click.echo(f"{self.notes:,} notes, {self.spans:,} identifiers", err=True)
        if self.unsupported:
            click.echo(f"{self.unsupported:,} notes are in a language that is not supported", err=True)
        if self.withheld:
            click.echo(f"{self.withheld:,} notes were withheld: a value of their chart was left", err=True)


def _places(found: Any, scrubbed: Any) -> Iterator[list[Any]]:
    """Give each note's replacements: start, end, label, and start and end in the new text."""
    from bailee.deid.notes.found import LABELS

    labels = [LABELS[label] for label in found.label.tolist()]
    columns = [column.tolist() for column in (scrubbed.start, scrubbed.end, scrubbed.new_start, scrubbed.new_end)]
    rows = [[a, b, label, c, d] for a, b, label, c, d in zip(*columns[:2], labels, *columns[2:], strict=True)]
    first = found.first().tolist()
    for note in range(len(first) - 1):
        yield rows[first[note] : first[note + 1]]


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False) + "\n"


def _batches(source: Path, *, spans: bool = False) -> Iterator[list[dict[str, Any]]]:
    """Read rows in batches of bounded size. Raises: Invalid naming file and line."""
    rows: list[dict[str, Any]] = []
    size = 0
    try:
        with source.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                rows.append(_row(line, f"{source.name}, line {number}", spans=spans))
                size += len(line)
                if size >= BATCH_BYTES:
                    yield rows
                    rows, size = [], 0
    except OSError as error:
        raise UserError("the notes cannot be read", where=f"{source}: {error.strerror}") from None
    if rows:
        yield rows


def _row(line: bytes, where: str, *, spans: bool) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        raise Invalid("not a line of JSON", where=where) from None
    if not isinstance(row, dict) or not isinstance(row.get("text"), str) or "id" not in row:
        raise Invalid('a line without "id" and "text"', where=where)
    if spans and not all(_is_span(span, len(row["text"])) for span in row.get("spans") or [None]):
        raise Invalid("a line whose spans are not [start, end, label] within the text", where=where)
    # lone surrogates are no characters; a mark keeps the places of all others
    row["text"] = row["text"].encode("utf-8", "replace").decode("utf-8") if not row["text"].isascii() else row["text"]
    row["id"] = str(row["id"]) if not isinstance(row["id"], str) else row["id"]
    row["where"] = where
    row["patient"] = "" if row.get("patient") is None else str(row["patient"])
    return row


def _is_span(span: Any, size: int) -> bool:
    if span is None:
        return True
    return (
        isinstance(span, list)
        and len(span) >= 3
        and isinstance(span[0], int)
        and isinstance(span[1], int)
        and 0 <= span[0] < span[1] <= size
        and isinstance(span[2], str)
    )


@contextmanager
def _replacing(target: Path) -> Iterator[IO[str]]:
    """Write a file beside the target and put it in place only when it is whole."""
    fresh = target.with_name(f".{target.name}.part")
    try:
        with fresh.open("w", encoding="utf-8", errors="replace") as out:
            yield out
        fresh.replace(target)
    except OSError as error:
        raise UserError("the answer cannot be written", where=f"{target}: {error.strerror}") from None
    finally:
        fresh.unlink(missing_ok=True)

"""`bailee release AGREEMENT`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

import click

from bailee.cli.progress import progress_bar
from bailee.cli.shared import open_hospital

if TYPE_CHECKING:
    from bailee.flows.release.run import Engine, Released, TextMethod


@click.command("release")
@click.argument("agreement")
@click.option(
    "--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True, help="Where it runs."
)
@click.option("--workers", type=click.IntRange(min=1), help="Processes of the local engine. Default: all cores.")
@click.option("--master", default="local[2]", show_default=True, help="Spark's master.")
@click.option(
    "--operating-point",
    type=click.Choice(["strict", "balanced", "readable"]),
    default="balanced",
    show_default=True,
    help="How eagerly words in notes are taken for identifiers.",
)
@click.option(
    "--text",
    "text_method",
    type=click.Choice(["surrogate", "tag", "remove"]),
    default="surrogate",
    show_default=True,
    help="What stands in an identifier's place in notes.",
)
@click.option(
    "--to", default="", metavar="PLACE", help="Publish it below s3://bucket/prefix or file:///folder as well."
)
@click.option(
    "--request",
    default="",
    metavar="NAME",
    help="Rest on this approved request, which the release narrows to and spends.",
)
@click.pass_obj
def command(
    home: str | None,
    agreement: str,
    engine: str,
    workers: int | None,
    master: str,
    operating_point: str,
    text_method: str,
    to: str,
    request: str,
) -> None:
    """Make the next dataset under an agreement and publish it.

    Nothing becomes readable before its disclosures are in the ledger. A run that was interrupted is finished by
    running it again, with the same bytes.
    """
    from bailee.core.lean import start_lean
    from bailee.flows.release.run import release

    if engine == "local":
        start_lean()
    hospital = open_hospital(home)
    try:
        with progress_bar("release") as progress:
            done = release(
                hospital,
                agreement,
                _engine(engine, workers, master),
                operating_point=operating_point,
                text_method=cast("TextMethod", text_method),
                to=to,
                request=request,
                progress=progress,
            )
    finally:
        hospital.close()
    for line in account(done):
        click.echo(line)


def account(done: Released) -> list[str]:
    """Say in a few lines what a release did."""
    from bailee.core.reasons import plain_words
    from bailee.deid.structure.zip3 import zip3_table

    summary = done.summary
    taken, left = sum(summary.taken.values()), sum(summary.left.values())
    replaced = sum(summary.found.values())
    rate = summary.size_bytes / 1e6 / done.seconds
    lines = [
        f"{'Finished' if done.resumed else 'Published'} {done.plan.release} in {done.seconds:,.1f} s ({rate:,.1f} MB/s)",
        f"  {summary.patients_left:,} of {summary.patients_taken:,} patients, {left:,} of {taken:,} records left",
        f"  {summary.notes_left:,} of {summary.notes_taken:,} notes left, {replaced:,} identifiers replaced in text",
    ]
    if summary.refused:
        lines.append("  Refused:")
        lines += [f"    {count:>10,}  {code:<16} {plain_words(code)}" for code, count in summary.refused.items()]
    lines += _omop(done)
    lines += [f"  {element}: {step}" for element, step in sorted(done.manifest.coarsened.items())]
    if zip3_table().is_outdated(int(done.plan.as_of[:4])):
        lines.append(f"  ZIP codes: {zip3_table().words(int(done.plan.as_of[:4]))}")
    lines += [f"  Dataset:  {done.folder}", f"  Evidence: {done.report}  (for the hospital only)"]
    return lines


def _omop(done: Released) -> list[str]:
    """Say what is in the OMOP tables, and what is not."""
    told = done.manifest.omop
    if told is None:
        return []
    out: Counter[str] = Counter()
    for fates in told.records.values():
        out.update({fate: count for fate, count in fates.items() if fate not in told.rows})
    rows, people = sum(told.rows.values()), told.rows["person"]
    lines = [f"  OMOP CDM {told.version}: {people:,} persons, {rows:,} rows; records that make none (docs/omop.md):"]
    return lines + [f"    {count:>10,}  {reason}" for reason, count in sorted(out.items())] if out else lines


def _engine(name: str, workers: int | None, master: str) -> Engine:
    if name == "spark":
        from bailee.engines.spark import SparkEngine

        return SparkEngine(master)
    from bailee.engines.local import LocalEngine

    return LocalEngine(workers)

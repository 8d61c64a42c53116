"""`bailee synthetic`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("synthetic")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--patients", default=1000, show_default=True, help="How many patients.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same bytes.")
@click.option("--truth", is_flag=True, help="Also write what was planted: gold spans, identifiers, directives.")
@click.option("--agreement", "terms", type=click.Path(path_type=Path), help="Write an example agreement to this file.")
@click.option("--id", "name", default="oncology-notes", show_default=True, help="The agreement's id.")
@click.option("--without", default="", help="Resource types that the agreement leaves out, with commas between.")
def command(
    folder: Path | None, patients: int, seed: int, terms: Path | None, name: str, without: str, *, truth: bool
) -> None:
    """Write a synthetic hospital's export: FHIR R4 NDJSON, with long notes full of identifiers. No real person is in it."""
    if terms is not None:
        from datetime import UTC, datetime

        from bailee.synthetic.agreement import agreement_text

        text = agreement_text(datetime.now(UTC).date(), name=name)
        for kind in filter(None, without.split(",")):
            text = text.replace(f"{kind}, ", "", 1)
        terms.write_text(text)
        click.echo(f"Wrote {terms}")
    if folder is None:
        return
    from bailee.flows.synthesize import write_hospital

    written = write_hospital(folder, patients=patients, seed=seed, truth=truth)
    click.echo(f"Wrote {written / 1e6:,.1f} MB for {patients:,} patients to {folder}")

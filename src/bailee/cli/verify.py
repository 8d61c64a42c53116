"""`bailee verify`."""

from __future__ import annotations

import click

from bailee.cli.shared import open_hospital

EXIT_FAILED = 1


@click.command("verify")
@click.argument("place", default="")
@click.pass_obj
def command(home: str | None, place: str) -> int:
    """Check every published file, manifest and disclosure against the ledger, and the ledger itself.

    With PLACE (s3://bucket/prefix, file:///folder), check what is published there instead of the hospital's own folder.

    The ledger is exported and read by the stand-alone verifier. Ends with 1 if anything does not hold.
    """
    from bailee.flows.verify import verify, verify_place

    hospital = open_hospital(home)
    try:
        findings = list(verify_place(hospital, place) if place else verify(hospital))
        size = hospital.log.size()
        counted = "" if place else f"{sum(1 for _ in hospital.home.releases.glob('*/v[0-9]*')):,} releases, "
    finally:
        hospital.close()
    for finding in findings:
        click.echo(f"{finding.where}: {finding.what}", err=True)
    if findings:
        click.echo(f"{len(findings):,} things do not hold", err=True)
        return EXIT_FAILED
    click.echo(f"All is well: {counted}{size:,} ledger entries")
    return 0

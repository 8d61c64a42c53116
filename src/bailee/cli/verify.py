"""`bailee verify`."""

from __future__ import annotations

import click

EXIT_FAILED = 1


@click.command("verify")
@click.pass_obj
def command(home: str | None) -> int:
    """Check every published file, manifest and disclosure against the ledger, and the ledger itself.

    The ledger is exported and read by the stand-alone verifier. Ends with 1 if anything does not hold.
    """
    from bailee.flows.hospital import Hospital
    from bailee.flows.verify import verify
    from bailee.stores.home import find_home

    hospital = Hospital(find_home(home))
    try:
        count = sum(1 for _ in hospital.home.releases.glob("*/v[0-9]*"))
        findings = list(verify(hospital))
        size = hospital.log.size()
    finally:
        hospital.close()
    for finding in findings:
        click.echo(f"{finding.where}: {finding.what}", err=True)
    if findings:
        click.echo(f"{len(findings):,} things do not hold", err=True)
        return EXIT_FAILED
    click.echo(f"All is well: {count:,} releases, {size:,} ledger entries")
    return 0

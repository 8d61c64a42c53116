"""`bailee deid IN OUT`."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Literal

import click

from bailee.cli.progress import progress_bar

EXIT_LEFT_OUT = 65
_SHOWN = 8


@click.command("deid")
@click.argument("source", metavar="IN", type=click.Path(path_type=Path, exists=True))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--profile",
    metavar="NAME",
    help="safe-harbor, limited-data-set, expert-determination …, or a site's own FILE.toml.",
)
@click.option(
    "--key-file",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="32 bytes as hexadecimal digits. The same key gives the same pseudonyms; without one, a key is drawn.",
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
    "--ms-config",
    "configuration",
    metavar="FILE",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="In a profile's place: a configuration file of Microsoft's FHIR anonymizer, with its semantics.",
)
@click.option(
    "--ms-linear-date-shift",
    "--ms-compat",
    "linear_shift",
    is_flag=True,
    help="With --ms-config: shift dates as the original tool does. Not secure. Default: by patient, keyed.",
)
def command(
    source: Path,
    target: Path,
    profile: str | None,
    key_file: Path | None,
    text_method: Literal["surrogate", "tag", "remove"],
    configuration: Path | None,
    *,
    linear_shift: bool,
) -> int:
    """De-identify files without a vault: FHIR, HL7 v2, C-CDA, DICOM, gzip or not, one file or a folder of them.

    FHIR comes as NDJSON, JSON or Bundles. Kinds are told by first bytes; docs/formats.md says what becomes of each.

    No agreement is asked and no consent: this is for trying, and for data that are the caller's to give.
    """
    if (profile is None) == (configuration is None):
        raise click.UsageError("name either --profile or --ms-config")
    if configuration is not None:
        return _by_configuration(source, target, configuration, linear_shift=linear_shift)
    return _by_profile(source, target, str(profile), key_file, text_method)


def _by_configuration(source: Path, target: Path, configuration: Path, *, linear_shift: bool) -> int:
    from bailee.flows.deidentify.microsoft import anonymize_files

    with progress_bar("deid") as progress:
        account = anonymize_files(source, target, configuration, linear_shift=linear_shift, progress=progress)
    for warning in account.warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{account.resources:,} resources in {account.files:,} files ({account.size_bytes / 1e6:,.1f} MB)")
    if account.emptied:
        click.echo(f"{account.emptied:,} of them failed and were replaced by empty ones", err=True)
    return 0


def _by_profile(
    source: Path, target: Path, profile: str, key_file: Path | None, text_method: Literal["surrogate", "tag", "remove"]
) -> int:
    from bailee.core.entropy import SystemEntropy
    from bailee.core.keys import KEY_BYTES, Secret
    from bailee.flows.deidentify.profile import deidentify_files, read_key_file

    key = Secret(SystemEntropy().token_bytes(KEY_BYTES)) if key_file is None else read_key_file(key_file)
    if key_file is None:
        click.echo("no --key-file: pseudonyms will differ from run to run", err=True)
    signal.signal(signal.SIGTERM, _stopped)
    with progress_bar("deid") as progress:
        account = deidentify_files(source, target, profile, key, text_method=text_method, progress=progress)
    intake, tally = account.intake, account.tally
    click.echo(f"{account.records_in:,} records in, {account.left.total():,} out by the profile {profile}")
    for kind, count in sorted(account.left.items()):
        click.echo(f"  {kind:<28}{count:>12,}")
    counts = account.counts
    click.echo("identifiers found in notes:")
    for label, count in counts.found.most_common():
        click.echo(f"  {label:<28}{count:>12,}")
    for reason, count in sorted((+counts.withheld).items()):
        click.echo(f"{count:,} texts withheld: {reason}", err=True)
    if tally is not None:
        for refusal, count in tally.refused.most_common():
            click.echo(f"{count:,} refused: {refusal}", err=True)
        for dropped, count in tally.dropped.most_common(_SHOWN):
            click.echo(f"{count:,} dropped without a rule: {dropped.node}.{dropped.key} in {dropped.type}", err=True)
    for sentence, count in account.refused.most_common():
        click.echo(f"{count:,} refused: {sentence}", err=True)
    for sentence, count in account.dropped.most_common(_SHOWN):
        click.echo(f"{count:,} dropped without a rule: {sentence}", err=True)
    for what, count in sorted(account.images.items()):
        click.echo(f"{count:,} images {what}", err=True)
    lost = intake.troubles + intake.conflicts + intake.damages + account.unread.total()
    for each in intake.shown:
        click.echo(f"not read: {each.shown}, line {each.line}: {each.what}. {each.remedy}", err=True)
    for unread in account.shown:
        click.echo(f"not read: {unread}", err=True)
    if account.unknown:
        click.echo(f"{account.unknown:,} files passed over: of no kind that is known", err=True)
    return EXIT_LEFT_OUT if lost else 0


def _stopped(*_: object) -> None:
    """End as on an error, so that nothing is left lying."""
    sys.exit(143)

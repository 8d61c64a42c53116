"""The command line: one file a command, imported only when it is called, and one way for errors to leave."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from bailee import __version__
from bailee.core.errors import BaileeError

# command → (module in bailee.cli, one line for --help); the module has a click command named `command`.
COMMANDS = {
    "demo": ("demo", "Make a synthetic hospital and run the main job on it."),
    "init": ("init", "Make a hospital's folder: configuration, keys, database, vault."),
    "ingest": ("ingest", "Take FHIR exports into the vault."),
    "quarantine": ("quarantine", "List input that was not taken, with its remedy."),
    "agreement": ("agreement", "Add, list and change agreements with partners."),
    "request": ("request", "Partners' requests and their approvals."),
    "consent": ("consent", "Patients' directives."),
    "why": ("why", "Say whether a patient's records may leave, and why."),
    "release": ("release", "Make a dataset under an agreement and publish it."),
    "releases": ("releases", "List what was published."),
    "verify": ("verify", "Check releases and ledger together."),
    "patient": ("patient", "What left about one patient: the accounting of disclosures."),
    "breach": ("breach", "From an incident to the list of patients, deadlines and letters."),
    "ledger": ("ledger", "Export, verify and publish the ledger."),
    "register": ("register", "Publish the public register of data uses."),
    "serve": ("serve", "Serve consent management and `why` over HTTP, with login."),
    "account": ("account", "Local accounts that may log in."),
    "notes": ("notes", "Find and replace identifiers in notes."),
    "omop": ("omop", "What releases in the OMOP CDM need: a vocabulary."),
    "deid": ("deid", "De-identify files without a vault."),
    "synthetic": ("synthetic", "Write a synthetic hospital's export."),
}


class LazyGroup(click.Group):
    """Knows its commands' names without importing them, so that `bailee --help` starts at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names in the order of the work."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command when it is called."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bailee.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from their one-line descriptions."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bailee")
@click.option("--home", "home", metavar="FOLDER", help="The hospital's folder. Default: BAILEE_HOME, or the one here.")
@click.pass_context
def group(ctx: click.Context, home: str | None) -> None:
    """Share a hospital's records with a partner: de-identified, consented, agreed, and provable."""
    ctx.obj = home


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; give its exit code. Errors of ours end in one sentence, bugs keep their traceback."""
    try:
        result = group.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
    except BaileeError as error:
        click.echo(f"bailee: {error.code}: {error}", err=True)
        return error.exit_code
    except click.exceptions.Abort:
        click.echo("bailee: stopped; run the same command again to go on", err=True)
        return 130
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        return 141
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    sys.exit(main())

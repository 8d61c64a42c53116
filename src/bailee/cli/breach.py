"""`bailee breach …`: from an incident to patients, deadlines and letters; also as a drill."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bailee.cli.shared import open_hospital
from bailee.core.clock import ms_from_iso

if TYPE_CHECKING:
    from bailee.ledger.letters import Notice

DAY = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.group("breach")
def command() -> None:
    """From an incident to the list of patients, deadlines and letters."""


@command.command("open")
@click.argument("name")
@click.option("--release", default="", help="This release.")
@click.option("--agreement", default="", help="All releases under this agreement.")
@click.option("--key", default="", help="Releases whose ledger entries name this key.")
@click.option("--machine", default="", help="Releases that this machine made or served.")
@click.option("--from", "start", type=DAY, help="From this time on (UTC).")
@click.option("--until", "end", type=DAY, help="Up to this time (UTC), not included.")
@click.option("--what", required=True, help="What happened, in a sentence. No names.")
@click.option("--began", type=DAY, help="When it began. Default: --from, else the day of discovery.")
@click.option("--ended", type=DAY, help="When it ended, if it has.")
@click.option("--discovered", type=DAY, help="When it became known. Default: now.")
@click.option("--agent-discovered", type=DAY, help="When an agent knew of it: counts as the hospital's knowledge.")
@click.option("--safe-key", is_flag=True, help="The data was encrypted, and its key is safe.")
@click.option("--factor", "factors", multiple=True, help="One of the four answers of a risk assessment; give all four.")
@click.option(
    "--notice", type=click.Path(path_type=Path, exists=True), help="YAML: what letters say beside the ledger."
)
@click.pass_obj
def open_(home: str | None, /, name: str, notice: Path | None, **given: object) -> None:
    """Open case NAME: find the releases and their exact patients, and write list, duties, form and letters.

    Everything lies in the reports folder, for the hospital's eyes only. Opening the same case again writes it anew.
    """
    from bailee.flows.breach import open_breach
    from bailee.ledger.breach import Incident
    from bailee.stores.sql.ledger_window import Window

    hospital = open_hospital(home)
    window = Window(
        **{name: str(given[name]) for name in ("release", "agreement", "key", "machine")},
        from_ms=_ms(given["start"]) or 0,
        until_ms=_ms(given["end"]) or 2**53,
    )
    found = _ms(given["discovered"]) or hospital.clock.now_ms()
    incident = Incident(
        id=name,
        what=str(given["what"]),
        discovered_ms=found,
        began_ms=_ms(given["began"]) or _ms(given["start"]) or found,
        ended_ms=_ms(given["ended"]),
        agent_discovered_ms=_ms(given["agent_discovered"]),
        safe_key=bool(given["safe_key"]),
        factors=tuple(given["factors"]),  # type: ignore[arg-type]
    )
    folder, shown = open_breach(hospital, incident, window, _notice(notice))
    hospital.close()
    click.echo(f"{shown}\nThe case is in {folder}")


@command.command("step")
@click.argument("name")
@click.argument("step", type=click.Choice(["assessed", "notified", "closed"]))
@click.option("--document", type=click.Path(path_type=Path, exists=True), help="Bound to the step by its hash.")
@click.pass_obj
def step(home: str | None, name: str, step: str, document: Path | None) -> None:
    """Record that case NAME was assessed, its people notified, or that it was closed."""
    from bailee.flows.breach import step_breach

    hospital = open_hospital(home)
    step_breach(hospital, name, step, document)
    hospital.close()
    click.echo(f"Case {name}: {step}")


def _notice(path: Path | None) -> Notice | None:
    import msgspec
    import yaml

    from bailee.core.errors import Invalid
    from bailee.ledger.letters import Notice

    if not path:
        return None
    try:
        return msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Notice)
    except (yaml.YAMLError, msgspec.ValidationError):
        fields = ", ".join(Notice.__struct_fields__)
        raise Invalid("not a notice", where=path.name, remedy=f"Give YAML with: {fields}.") from None


def _ms(moment: object) -> int:
    return ms_from_iso(moment.isoformat()) if isinstance(moment, datetime) else 0

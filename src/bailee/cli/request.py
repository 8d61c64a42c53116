"""`bailee request …`: partners' requests and their approvals."""

from __future__ import annotations

from pathlib import Path

import click

from bailee.cli.shared import open_hospital, say_steps, state_in_words

STEPS = (
    "submit",
    "check-evidence",
    "review-privacy",
    "decide",
    "approve",
    "reject",
    "prepare",
    "check-output",
    "close",
    "suspend",
    "resume",
    "revoke",
    "withdraw",
)


@click.group("request")
def command() -> None:
    """Partners' requests and their approvals."""


@command.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--by", metavar="NAME", required=True, help="Who asks.")
@click.option("--role", default="partner-admin", show_default=True, help="partner-admin or researcher-sponsor.")
@click.pass_obj
def add(home: str | None, file: Path, by: str, role: str) -> None:
    """Draft a request from a YAML file, or change one, which voids its reviews."""
    from bailee.agreements.documents import read_request
    from bailee.agreements.people import Person
    from bailee.stores.sql.agreements import put_request
    from bailee.stores.sql.database import write

    request = read_request(file)
    hospital = open_hospital(home)
    with write(hospital.engine) as connection:
        person = Person(id=by, roles=frozenset({role}))
        found = put_request(connection, request, person, hospital.clock.now_ms())
    hospital.close()
    click.echo(f"{request.id}: {found.progress.state.lower()}, sha256 {found.progress.sha256}")


@command.command("list")
@click.option("--agreement", help="Only those of one agreement.")
@click.pass_obj
def list_(home: str | None, agreement: str | None) -> None:
    """List requests with their states."""
    from bailee.stores.sql.agreements import list_requests
    from bailee.stores.sql.database import read

    hospital = open_hospital(home)
    with read(hospital.engine) as connection:
        found = list_requests(connection, agreement)
    hospital.close()
    for one in found:
        click.echo(f"{one.request.id:32} {one.progress.state:18} {one.request.agreement}")
    if not found:
        click.echo("No requests. Add one: bailee request add FILE.yaml --by NAME")


@command.command("show")
@click.argument("name")
@click.pass_obj
def show(home: str | None, name: str) -> None:
    """Show a request and every step that it took."""
    from bailee.core.errors import UserError
    from bailee.stores.sql.agreements import find_request, steps_of
    from bailee.stores.sql.database import read

    hospital = open_hospital(home)
    with read(hospital.engine) as connection:
        found, steps = find_request(connection, name), steps_of(connection, f"request:{name}")
    hospital.close()
    if found is None:
        raise UserError("there is no such request", remedy="`bailee request list` names them.")
    click.echo(f"{found.request.id} under {found.request.agreement}: {found.progress.state}")
    click.echo(f"  purpose   {found.request.purpose_in_words}")
    click.echo(f"  asks for  {', '.join(found.request.types)} ({found.request.identifiability})")
    say_steps(steps)


@command.command("move")
@click.argument("name")
@click.argument("action", type=click.Choice(STEPS))
@click.option("--by", metavar="NAME", required=True, help="Who takes this step.")
@click.option("--role", required=True, help="In which role: irb-coordinator, privacy-officer, dac-member …")
@click.pass_obj
def move(home: str | None, name: str, action: str, by: str, role: str) -> None:
    """Take one step: submit, check-evidence, review-privacy, decide, approve, and so on."""
    from bailee.agreements.people import Person
    from bailee.stores.sql.agreements import move_request
    from bailee.stores.sql.database import write

    hospital = open_hospital(home)
    person = Person(id=by, roles=frozenset({role}))
    with write(hospital.engine) as connection:
        found = move_request(connection, name, action, person, hospital.clock.now_ms())
    hospital.close()
    click.echo(f"{name}: {state_in_words(found.progress.state)}")

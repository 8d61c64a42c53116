"""`bailee agreement …`: add, list, show, and every step from draft to end."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bailee.cli.shared import open_hospital, say_steps, state_in_words

if TYPE_CHECKING:
    from bailee.flows.hospital import Hospital
    from bailee.stores.sql.agreements import StoredAgreement

STEPS = ("submit", "return", "sign-hospital", "sign-partner", "activate", "suspend", "resume", "terminate")


@click.group("agreement")
def command() -> None:
    """Add, list and change agreements with partners."""


@command.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Read an agreement's file and say what is wrong with it, or its hash."""
    from bailee.agreements.documents import agreement_hash, read_agreement
    from bailee.agreements.evidence import evidence_of

    agreement = read_agreement(file)
    for missing in evidence_of(agreement).missing:
        click.echo(f"The legal route lacks {missing}.")
    click.echo(f"{agreement.id}: {agreement.title}")
    click.echo(f"sha256 {agreement_hash(agreement)}")


@command.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--signed-hospital", metavar="NAME", help="Who signed for the hospital, where it is signed already.")
@click.option("--signed-partner", metavar="NAME", help="Who signed for the partner.")
@click.option("--by", metavar="NAME", default=getpass.getuser, help="Who does this. Default: your account.")
@click.pass_obj
def add(home: str | None, file: Path, signed_hospital: str | None, signed_partner: str | None, by: str) -> None:
    """Add an agreement as a draft; with both signatures named, put it in force."""
    from bailee.agreements.documents import read_agreement
    from bailee.agreements.people import Person
    from bailee.stores.sql.agreements import Signatories, attest_agreement, put_agreement
    from bailee.stores.sql.database import write

    agreement = read_agreement(file)
    hospital = open_hospital(home)
    if bool(signed_hospital) != bool(signed_partner):
        raise click.UsageError("name both signatures, or neither")
    with write(hospital.engine) as connection:
        if signed_hospital and signed_partner:
            names = Signatories(drafted_by=by, hospital=signed_hospital, partner=signed_partner, activated_by=by)
            found = attest_agreement(connection, agreement, names, hospital.clock.now_ms())
        else:
            person = Person(id=by, roles=frozenset({"privacy-officer"}))
            found = put_agreement(connection, agreement, person, hospital.clock.now_ms())
    hospital.close()
    click.echo(f"{found.agreement.id}: {state_in_words(found.state)}, sha256 {found.sha256}")
    if found.state != "ACTIVE":
        click.echo("Next: submit, sign-hospital, sign-partner, activate; see `bailee agreement move --help`.")


@command.command("list")
@click.pass_obj
def list_(home: str | None) -> None:
    """List agreements with their states."""
    from bailee.stores.sql.agreements import list_agreements
    from bailee.stores.sql.database import read

    hospital = open_hospital(home)
    with read(hospital.engine) as connection:
        found = list_agreements(connection)
    hospital.close()
    for one in found:
        term = one.agreement.term
        partner = one.agreement.parties.partner.name
        click.echo(f"{one.agreement.id:32} {one.state:18} {term.starts_on} – {term.ends_on}  {partner}")
    if not found:
        click.echo("No agreements. Add one: bailee agreement add FILE.yaml")


@command.command("show")
@click.argument("name")
@click.pass_obj
def show(home: str | None, name: str) -> None:
    """Show an agreement: what it permits, whether it is in force now, and every step so far."""
    from bailee.stores.sql.agreements import steps_of
    from bailee.stores.sql.database import read

    hospital = open_hospital(home)
    with read(hospital.engine) as connection:
        found = _found(connection, name)
        steps = steps_of(connection, f"agreement:{name}")
    for line in _lines(found, hospital):
        click.echo(line)
    hospital.close()
    say_steps(steps)


@command.command("move")
@click.argument("name")
@click.argument("action", type=click.Choice(STEPS))
@click.option("--by", metavar="NAME", required=True, help="Who takes this step.")
@click.option("--role", required=True, help="In which role: privacy-officer, hospital-signatory, partner-admin …")
@click.pass_obj
def move(home: str | None, name: str, action: str, by: str, role: str) -> None:
    """Take one step: submit, return, sign, activate, suspend, resume, terminate."""
    _move(home, name, action, by, role)


@command.command("suspend")
@click.argument("name")
@click.option("--by", metavar="NAME", default=getpass.getuser, help="Who does this. Default: your account.")
@click.pass_obj
def suspend(home: str | None, name: str, by: str) -> None:
    """Stop all releases under an agreement from now on."""
    _move(home, name, "suspend", by, "privacy-officer")


@command.command("resume")
@click.argument("name")
@click.option("--by", metavar="NAME", default=getpass.getuser, help="Who does this. Default: your account.")
@click.pass_obj
def resume(home: str | None, name: str, by: str) -> None:
    """Put a suspended agreement in force again."""
    _move(home, name, "resume", by, "privacy-officer")


@command.command("terminate")
@click.argument("name")
@click.option("--by", metavar="NAME", default=getpass.getuser, help="Who does this. Default: your account.")
@click.pass_obj
def terminate(home: str | None, name: str, by: str) -> None:
    """End an agreement for good."""
    _move(home, name, "terminate", by, "privacy-officer")


def _move(home: str | None, name: str, action: str, by: str, role: str) -> None:
    from bailee.agreements.people import Person
    from bailee.stores.sql.agreements import move_agreement
    from bailee.stores.sql.database import write

    hospital = open_hospital(home)
    person = Person(id=by, roles=frozenset({role}))
    with write(hospital.engine) as connection:
        found = move_agreement(connection, name, action, person, hospital.clock.now_ms())
    hospital.close()
    click.echo(f"{name}: {state_in_words(found.state)}")


def _lines(found: StoredAgreement, hospital: Hospital) -> list[str]:
    from bailee.agreements.check import ask_of, check_release

    terms = found.agreement
    pinned = terms.profile_sha256 or "0" * 64
    ask = ask_of(terms, profile_sha256=pinned, approval=found.approval)
    answer = check_release(terms, hospital.clock.now_ms(), approval=found.approval, ask=ask)
    return [
        f"{terms.id}: {terms.title}",
        f"  partner   {terms.parties.partner.name}, {terms.parties.partner.address}",
        f"  purpose   {terms.purposes.in_words}",
        f"  may see   {', '.join(terms.scope.types)} ({terms.identifiability})",
        f"  state     {found.state}, sha256 {found.sha256}",
        f"  release   {'permitted now' if answer.permit else 'refused now'}",
        *(f"            {line}" for line in (answer.words("hospital") if not answer.permit else ())),
    ]


def _found(connection: object, name: str) -> StoredAgreement:
    from bailee.core.errors import UserError
    from bailee.stores.sql.agreements import find_agreement

    found = find_agreement(connection, name)  # type: ignore[arg-type]
    if found is None:
        raise UserError("there is no such agreement", remedy="`bailee agreement list` names them.")
    return found

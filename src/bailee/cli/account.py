"""`bailee account …`: local accounts, for hospitals without a provider of their own."""

from __future__ import annotations

import getpass
from typing import TextIO

import click

from bailee.cli.shared import open_hospital

_BY = click.option("--by", default=getpass.getuser, help="Who does this. Default: your account.")
_SECRET = click.option("--secret-file", type=click.File("r"), help="Read the secret from here; - for standard input.")


@click.group("account")
def command() -> None:
    """Local accounts: who may log in to `bailee serve`."""


@command.command("add")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, help="May be given several times; see docs/serving.md.")
@click.option("--patient", default="", help="Whose records are this account's own, for the role patient.")
@_SECRET
@_BY
@click.pass_obj
def add(home: str | None, name: str, roles: tuple[str, ...], patient: str, secret_file: TextIO | None, by: str) -> None:
    """Add the account NAME; its secret is asked for."""
    from bailee.flows.accounts import add_account

    hospital = open_hospital(home)
    account = add_account(hospital, name, roles, _secret(secret_file), patient=patient, by=by)
    hospital.close()
    click.echo(f"{account.name}: {', '.join(account.posts)}")


@command.command("list")
@click.pass_obj
def list_(home: str | None) -> None:
    """List accounts: name, roles, whether disabled."""
    from bailee.core.clock import iso_from_ms
    from bailee.flows.accounts import list_accounts

    hospital = open_hospital(home)
    found = list_accounts(hospital)
    hospital.close()
    for one in found:
        state = "  disabled" if one.disabled else ""
        click.echo(f"{one.name:<24}{', '.join(one.posts):<40}since {iso_from_ms(one.made_ms)[:10]}{state}")
    if not found:
        click.echo("None.")


@command.command("disable")
@click.argument("name")
@_BY
@click.pass_obj
def disable(home: str | None, name: str, by: str) -> None:
    """Disable the account NAME; its sessions end at once."""
    _switch(home, name, disabled=True, by=by)
    click.echo("Disabled.")


@command.command("enable")
@click.argument("name")
@_BY
@click.pass_obj
def enable(home: str | None, name: str, by: str) -> None:
    """Enable the account NAME again."""
    _switch(home, name, disabled=False, by=by)
    click.echo("Enabled.")


@command.command("secret")
@click.argument("name")
@_SECRET
@_BY
@click.pass_obj
def secret(home: str | None, name: str, secret_file: TextIO | None, by: str) -> None:
    """Give the account NAME another secret; its sessions end at once."""
    from bailee.flows.accounts import replace_secret

    hospital = open_hospital(home)
    replace_secret(hospital, name, _secret(secret_file), by=by)
    hospital.close()
    click.echo("Replaced.")


def _switch(home: str | None, name: str, *, disabled: bool, by: str) -> None:
    from bailee.flows.accounts import switch_account

    hospital = open_hospital(home)
    switch_account(hospital, name, disabled=disabled, by=by)
    hospital.close()


def _secret(file: TextIO | None) -> str:
    if file is not None:
        return file.readline().rstrip("\r\n")
    asked: str = click.prompt("Secret", hide_input=True, confirmation_prompt=True)
    return asked

"""`bailee serve`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from bailee.cli.shared import open_hospital

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command("serve")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="Another than this machine's own needs a certificate."
)
@click.option("--port", default=8470, show_default=True, help="0 takes a free one.")
@click.option("--certificate", type=_FILE, help="PEM file with the certificate chain.")
@click.option("--key", type=_FILE, help="PEM file with its private key.")
@click.pass_obj
def command(home: str | None, host: str, port: int, certificate: Path | None, key: Path | None) -> None:
    """Serve consent management and `why` over HTTP to people who log in. Ctrl-C ends it.

    Accounts are made with `bailee account add`, or come from the provider that bailee.toml names.
    """
    from bailee.flows.accounts import list_accounts
    from bailee.web.server import make_server

    hospital = open_hospital(home)
    server, listening = make_server(hospital, host=host, port=port, certificate=certificate, key=key)
    shown = f"[{host}]" if ":" in host else host
    scheme = "https" if certificate else "http"
    click.echo(f"Serving on {scheme}://{shown}:{listening.getsockname()[1]}; /v1/openapi.json describes it")
    if not list_accounts(hospital) and not hospital.home.configuration.oidc_issuer:
        click.echo("Nobody can log in yet: bailee account add NAME --role privacy-officer", err=True)
    with suppress(KeyboardInterrupt):  # the server has ended in good order, and raises it again
        server.run(sockets=[listening])
    listening.close()
    hospital.close()

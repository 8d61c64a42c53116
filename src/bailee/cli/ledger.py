"""`bailee ledger …`: checkpoint, export, verify, tiles, witnesses, the signer, retention."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bailee.cli.shared import open_hospital

if TYPE_CHECKING:
    from bailee.flows.hospital import Hospital

FOLDER = click.Path(path_type=Path, file_okay=False)
FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("ledger")
def command() -> None:
    """Export, verify and publish the ledger."""


@command.command("checkpoint")
@click.pass_obj
def checkpoint(home: str | None) -> None:
    """Sign the ledger as it stands, ask the witnesses, and print the checkpoint: give it to people to keep."""
    hospital = open_hospital(home)
    click.echo(str(hospital.log.checkpoint()), nl=False)
    hospital.close()


@command.command("export")
@click.argument("folder", type=FOLDER)
@click.pass_obj
def export(home: str | None, folder: Path) -> None:
    """Write the ledger into a new FOLDER for `bailee-verify`. No patient is named in it."""
    from bailee.stores.sql.ledger_export import export_ledger

    hospital = open_hospital(home)
    hospital.log.checkpoint()
    count = export_ledger(hospital.engine, folder)
    hospital.close()
    click.echo(f"{count:,} leaves in {folder}. Check it: bailee-verify {folder} --keys POLICY")


@command.command("verify")
@click.option("--keys", type=FILE, help="The policy to trust. Default: this hospital's own key, which proves less.")
@click.option("--retained", type=FILE, multiple=True, help="A checkpoint that was kept from earlier.")
@click.option("--artifacts/--no-artifacts", default=True, help="Check the releases' files too. Default: yes.")
@click.pass_obj
def verify(home: str | None, keys: Path | None, retained: tuple[Path, ...], *, artifacts: bool) -> int:
    """Export the ledger and run the stand-alone verifier on it, in a process of its own. Ends with its exit code."""
    from bailee.stores.sql.ledger_export import export_ledger

    hospital = open_hospital(home)
    hospital.log.checkpoint()
    with tempfile.TemporaryDirectory(prefix="bailee-ledger-") as temporary:
        folder = Path(temporary)
        policy = keys or _own_policy(hospital, folder / "policy")
        export_ledger(hospital.engine, folder / "export")
        asked = [sys.executable, "-m", "bailee_verify", str(folder / "export"), "--keys", str(policy)]
        asked += [word for path in retained for word in ("--retained", str(path))]
        asked += ["--artifacts", str(hospital.home.releases)] if artifacts else []
        code = subprocess.run(asked, check=False).returncode
    hospital.close()
    if not keys:
        click.echo("Checked with this hospital's own key. An auditor brings the policy and old checkpoints.", err=True)
    return code


@command.command("tiles")
@click.argument("folder", type=FOLDER)
@click.option("--entries", is_flag=True, help="The leaves too, for auditors inside; without, hashes only.")
@click.pass_obj
def tiles(home: str | None, folder: Path, *, entries: bool) -> None:
    """Write the checkpoint and its tiles into FOLDER, to be served as static files to any tlog client."""
    from bailee.stores.sql.ledger_export import export_tiles

    hospital = open_hospital(home)
    hospital.log.checkpoint()
    written = export_tiles(hospital.engine, folder, entries=entries)
    hospital.close()
    click.echo(f"{written:,} files written to {folder}")


@command.command("policy")
@click.pass_obj
def policy(home: str | None) -> None:
    """Print the policy to hand to auditors and patients: the ledger's key, the witnesses, and how many must sign."""
    hospital = open_hospital(home)
    with tempfile.TemporaryDirectory() as temporary:
        click.echo(_own_policy(hospital, Path(temporary) / "policy").read_text("utf-8"), nl=False)
    hospital.close()


@command.command("signer")
@click.argument("keys", type=FOLDER)
@click.option("--socket", "path", type=FILE, required=True, help="Where to listen; name it as signer_socket.")
def signer(keys: Path, path: Path) -> None:
    """Run the signer with the key in folder KEYS, under an account of its own, until it is stopped.

    It signs only trees that continue the last one it signed, whatever it is asked.
    """
    from bailee.stores.keys.guarded import FileSigner, SeenFile
    from bailee.stores.keys.ring import read_signing_key
    from bailee.stores.keys.signer import SignerServer

    key = read_signing_key(keys)
    with SignerServer(path, FileSigner(key, SeenFile(keys / "ledger.seen"))) as server:
        click.echo(f"Signing for {key.verifier.name} at {path}")
        server.serve_forever()


@command.command("witness")
@click.argument("folder", type=FOLDER)
@click.option("--name", help="The witness's name, such as council.example/w1; for the first run.")
@click.option("--log", "logs", multiple=True, required=True, help="A log's key that it watches; may be repeated.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8421, show_default=True)
def witness(folder: Path, name: str | None, logs: tuple[str, ...], host: str, port: int) -> None:
    """Run a witness whose key and memory lie in FOLDER, until it is stopped. For partners, peers, patient councils."""
    from bailee.core.clock import SystemClock
    from bailee.core.entropy import SystemEntropy
    from bailee.ledger.checkpoint import WITNESS_KEY, VerifierKey
    from bailee.stores.keys.ring import SIGNING, create_signing_key, read_signing_key
    from bailee.stores.keys.witness_server import Witnessing, WitnessServer

    if not (folder / SIGNING).exists():
        if not name:
            raise click.UsageError("the first run needs --name")
        create_signing_key(folder, name, SystemEntropy(), kind=WITNESS_KEY)
    key = read_signing_key(folder)
    watched = [VerifierKey.parse(log) for log in logs]
    with WitnessServer(Witnessing(key, watched, folder / "seen", SystemClock()), host=host, port=port) as server:
        click.echo(f"witness w1 {key.verifier} {server.url}")
        server.serve_forever()


@command.command("recover")
@click.pass_obj
def recover(home: str | None) -> None:
    """Count releases that were begun and will not be gone on with as disclosed to everybody in their rows.

    Run it when no release is under way. A release that is gone on with after all may still end as done.
    """
    hospital = open_hospital(home)
    releases = hospital.egress.recover()
    hospital.close()
    for release in releases:
        click.echo(f"{release}: unknown, counted as disclosed")
    if not releases:
        click.echo("No release is open.")


@command.command("erase")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.pass_obj
def erase(home: str | None, *, dry_run: bool) -> None:
    """Erase links to patients that are past their six years, and the keys that open them in backups."""
    from bailee.stores.keys.ring import SaltFiles
    from bailee.stores.sql.database import read
    from bailee.stores.sql.ledger_retention import erasable
    from bailee.stores.sql.ledger_retention import erase as erase_due

    hospital = open_hospital(home)
    if dry_run:
        with read(hospital.engine) as connection:
            due = erasable(connection, hospital.clock.now_ms())
    else:
        due = erase_due(hospital.log, SaltFiles(hospital.home.keys, hospital.entropy), actor=hospital.actor)
    hospital.close()
    verb = "would be erased" if dry_run else "erased"
    click.echo(f"{due.links:,} links of {len(due.leaves):,} leaves {verb}; months: {', '.join(due.months) or 'none'}")


@command.command("destroyed")
@click.argument("release")
@click.argument("certificate", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def destroyed(home: str | None, release: str, certificate: Path) -> None:
    """Keep a partner's CERTIFICATE that RELEASE was destroyed, bound to the ledger."""
    from bailee.stores.sql.ledger_retention import record_destruction

    hospital = open_hospital(home)
    seq = record_destruction(hospital.log, release, certificate.read_bytes(), actor=hospital.actor)
    hospital.close()
    click.echo(f"Kept; ledger entry {seq}")


def _own_policy(hospital: Hospital, path: Path) -> Path:
    """Write the hospital's policy: its witnesses' if there is one, else its own key and no witness."""
    from bailee.stores.keys.witness import POLICY

    known = hospital.home.keys / POLICY
    own = f"log {hospital.log.signer.verifier}\nquorum none\n"
    path.write_text(known.read_text("utf-8") if known.exists() else own, "utf-8")
    return path

"""`bailee consent …`: what a patient said, saying and taking back, opt-out registers, recall notices."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import BinaryIO

import click

from bailee.cli.shared import open_hospital


@click.group("consent")
def command() -> None:
    """Patients' directives: list, say no, take back, load registers, follow recalls."""


@command.command("read")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def read_(file: Path) -> None:
    """Say what a FHIR R4 Consent means here, without taking it in."""
    from bailee.consent.fhir import rules_from_consent
    from bailee.consent.labels import built_in_sensitivity

    found = rules_from_consent(file.read_bytes(), built_in_sensitivity())
    if found.fault:
        click.echo(f"Not understood: {found.fault}. Its patient is kept out of everything until it is mended.")
    for rule in found.rules:
        click.echo("\n".join(_rule_lines(rule, 0)))
    if not found.rules:
        click.echo("It says nothing: only an active Consent about sharing counts.")


@command.command("list")
@click.argument("patient")
@click.option("--history", is_flag=True, help="All that was ever said, not only what holds.")
@click.pass_obj
def list_(home: str | None, patient: str, *, history: bool) -> None:
    """List what PATIENT said in the store; Consents in the vault come beside it, see `bailee why`."""
    import pyarrow as pa

    from bailee.consent.directives import rules_from_directives
    from bailee.core.clock import iso_from_ms
    from bailee.stores.sql.consents import directives_of, history_of
    from bailee.stores.sql.database import read

    hospital = open_hospital(home)
    with read(hospital.engine) as connection:
        now = list(rules_from_directives(directives_of(connection, pa.array([patient]))))
        past = history_of(connection, patient) if history else []
    hospital.close()
    for _, rule in now:
        click.echo("\n".join(_rule_lines(rule, 0)))
    for row in past:
        click.echo(
            f"{iso_from_ms(row['at_ms'])}  {row['id']}  {'said' if row['body'] else 'taken back'} ({row['source']})"
        )
    if not now and not past:
        click.echo("Nothing.")


@command.command("deny")
@click.argument("patient")
@click.option("--partner", multiple=True, help="Only this partner; may be given several times. Default: everybody.")
@click.option("--purpose", multiple=True, help="Only this purpose (HRESCH, HMARKT …). Default: all.")
@click.option("--type", "types", multiple=True, help="Only records of this type. Default: all.")
@click.option("--id", "name", default="own-choice", show_default=True, help="Names the directive.")
@click.option("--by", default=getpass.getuser, help="Who enters it. Default: your account.")
@click.pass_obj
def deny(
    home: str | None,
    patient: str,
    *,
    partner: tuple[str, ...],
    purpose: tuple[str, ...],
    types: tuple[str, ...],
    name: str,
    by: str,
) -> None:
    """Enter that PATIENT says no; in force at once. Earlier releases get a recall notice."""
    from bailee.consent.purposes import KNOWN
    from bailee.flows.refuse import refuse, rule_against
    from bailee.records.r4.tables import resource_types

    if not set(purpose) <= KNOWN:
        raise click.UsageError("an unknown purpose; see docs/consent.md")
    if not set(types) <= set(resource_types()):
        raise click.UsageError("not a resource type of FHIR R4")
    rule = rule_against(name, partners=partner, purposes=purpose, types=types)
    hospital = open_hospital(home)
    opened = refuse(hospital, patient, rule, by=by)
    hospital.close()
    click.echo(f"In force now. {opened} recall notices opened.")


@command.command("withdraw")
@click.argument("patient")
@click.argument("name")
@click.option("--by", default=getpass.getuser, help="Who enters it. Default: your account.")
@click.pass_obj
def withdraw(home: str | None, patient: str, name: str, by: str) -> None:
    """Take PATIENT's directive NAME back; it stays in the history. A permission's end may recall earlier releases."""
    from bailee.flows import refuse

    hospital = open_hospital(home)
    opened = refuse.withdraw(hospital, patient, name, by=by)
    hospital.close()
    click.echo(f"Taken back. {opened} recall notices opened.")


@command.command("register")
@click.argument("name")
@click.argument("source")
@click.option("--by", default=getpass.getuser, help="Who loads it. Default: your account.")
@click.pass_obj
def register(home: str | None, name: str, source: str, by: str) -> None:
    """Load the opt-out register NAME from SOURCE, a file or an https URL; it replaces what was loaded before."""
    from bailee.consent.registers import patients_from_register
    from bailee.core.canonical import sha256_hex
    from bailee.flows.refuse import replace_register

    content = _fetch(source)
    patients = patients_from_register(content.decode("utf-8", "replace"), name=Path(source).name)
    hospital = open_hospital(home)
    change, opened = replace_register(hospital, name, patients, sha256_hex(content), by=by)
    hospital.close()
    click.echo(f"{len(patients)} patients opted out; {change.set} new, {change.taken_back} no longer.")
    click.echo(f"{opened} recall notices opened.")


@command.command("recalls")
@click.option("--agreement", help="Only those of one agreement.")
@click.option("--unanswered", is_flag=True, help="Only those that wait for something.")
@click.pass_obj
def recalls(home: str | None, agreement: str | None, *, unanswered: bool) -> None:
    """List recall notices: what was released before a patient said no, and what the partner answered."""
    from bailee.core.clock import iso_from_ms
    from bailee.stores.sql.database import read
    from bailee.stores.sql.recalls import list_recalls

    hospital = open_hospital(home)
    with read(hospital.engine) as connection:
        found = list_recalls(connection, agreement, unanswered=unanswered)
    hospital.close()
    for row in found:
        click.echo(f"{iso_from_ms(row['opened_ms'])}  {row['release']}  {row['state'].lower():12}  {row['patient']}")
    if not found:
        click.echo("None.")


@command.command("answer")
@click.argument("release")
@click.argument("patient")
@click.argument("state", type=click.Choice(["sent", "acknowledged", "destroyed", "refused"]))
@click.option("--certificate", type=click.Path(path_type=Path, exists=True), help="The certificate of destruction.")
@click.option("--by", default=getpass.getuser, help="Who enters it. Default: your account.")
@click.pass_obj
def answer(home: str | None, release: str, patient: str, state: str, certificate: Path | None, by: str) -> None:
    """Note what was done about the recall of PATIENT from RELEASE."""
    from bailee.core.canonical import sha256_hex
    from bailee.stores.sql.database import write
    from bailee.stores.sql.recalls import answer_recall

    proof = sha256_hex(certificate.read_bytes()) if certificate else ""
    hospital = open_hospital(home)
    with write(hospital.engine) as connection:
        answer_recall(
            connection,
            release,
            patient,
            state.upper(),  # type: ignore[arg-type]
            actor=by,
            at_ms=hospital.clock.now_ms(),
            certificate_sha256=proof,
        )
    hospital.close()
    click.echo("Noted.")


@command.command("api")
@click.argument("operation")
@click.option("--store", default="", help="The consent store.")
@click.option("--name", default="", help="The consent, artifact, attribute or mapping; its id for a new one.")
@click.option("--body", type=click.File("rb"), help="The body as JSON; - for standard input.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the answer here; needed for Parquet."
)
@click.option("--by", default=getpass.getuser, help="Who does it. Default: your account.")
@click.pass_obj
def api(
    home: str | None, operation: str, *, store: str, name: str, body: BinaryIO | None, out: Path | None, by: str
) -> None:
    """Run one call of the consent management API here: createConsent, checkDataAccess, queryAccessibleData …

    docs/consent-api.json describes every call and its body.
    """
    from bailee.stores.sql.consent_stores import Actor
    from bailee.web.consent_calls import ROUTES
    from bailee.web.consent_local import call_here

    route = next((one for one in ROUTES if one.operation == operation), None)
    if route is None:
        raise click.UsageError(f"no such call; there are {', '.join(one.operation for one in ROUTES)}")
    hospital = open_hospital(home)
    actor = Actor(by, hospital.clock.now_ms())
    answer = call_here(hospital, route, actor, store=store, name=name, content=body.read() if body else b"{}")
    hospital.close()
    if out:
        out.write_bytes(answer)
    else:
        click.echo(answer.decode("utf-8", "replace"))


def _rule_lines(rule: object, depth: int) -> list[str]:
    """Say a rule as an outline: what it does, its criteria, its exceptions below it."""
    from bailee.consent.rules import Rule, criteria_in_words

    assert isinstance(rule, Rule)
    head = f"{'  ' * depth}{'except: ' if depth else rule.id + ': '}{rule.effect}"
    lines = [head, *(f"{'  ' * depth}  {line}" for line in criteria_in_words(rule))]
    for one in rule.exceptions:
        lines += _rule_lines(one, depth + 1)
    return lines


def _fetch(source: str) -> bytes:
    from bailee.core.errors import Unavailable, UserError

    if "://" not in source:
        try:
            return Path(source).read_bytes()
        except OSError as error:
            raise UserError(f"the register cannot be read: {error.strerror}") from None
    if not source.startswith("https://"):
        raise UserError("a register comes from a file or by https", remedy="Name a file or an https URL.")
    import httpx2

    try:
        response = httpx2.get(source, timeout=60, follow_redirects=False)
        response.raise_for_status()
    except httpx2.HTTPError:
        raise Unavailable("the register cannot be fetched: try again") from None
    return bytes(response.content)

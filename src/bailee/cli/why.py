"""`bailee why PATIENT --agreement A`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from bailee.cli.shared import open_hospital

if TYPE_CHECKING:
    from bailee.flows.why import Reasons


@click.command("why")
@click.argument("patient")
@click.option("--agreement", required=True, help="The agreement that the question is about.")
@click.option("--request", "request_", default="", help="A request under it.")
@click.option("--for-patient", is_flag=True, help="Only the sentences that a patient reads.")
@click.pass_obj
def command(home: str | None, patient: str, agreement: str, request_: str, *, for_patient: bool) -> None:
    """Say whether PATIENT's records may leave under an agreement, why, and what would change it."""
    from bailee.flows.why import why

    hospital = open_hospital(home)
    found = why(hospital, patient, agreement, profile_sha256=_profile_sha256(hospital, agreement), request=request_)
    hospital.close()
    for line in _for_patient(found) if for_patient else _for_hospital(found):
        click.echo(line)


def _for_patient(found: Reasons) -> list[str]:
    partner = found.standing.agreement.parties.partner.name
    purpose = found.standing.agreement.purposes.in_words
    return [f"{partner} asked for data. What for: {purpose}", *found.decision.words("patient")]


def _for_hospital(found: Reasons) -> list[str]:
    from bailee.core.clock import iso_from_ms
    from bailee.core.decisions import sentences_of
    from bailee.core.reasons import plain_words

    decision = found.decision
    lines = [f"{'Yes' if decision.permit else 'No'}: {', '.join(decision.reasons)}"]
    lines += [f"  {line}" for line in decision.words("hospital")] if not decision.permit else []
    for rule, speaks in found.rules:
        lines.append(f"  rule {rule.id}: {rule.effect}{'' if speaks else ', not about this ask at this time'}")
    if found.permitted:
        lines.append(f"Records that may leave: {sum(found.permitted.values())}")
        lines += [f"  {count:7,} {kind}" for kind, count in sorted(found.permitted.items())]
    if found.look_alikes:
        lines.append(
            f"A release still leaves out patients whom fewer than {found.look_alikes} look like: see docs/risk.md"
        )
    if found.refused:
        lines.append(f"Records that may not: {sum(found.refused.values())}")
    for (kind, code), count in sorted(found.refused.items()):
        lines.append(f"  {count:7,} {kind}: {code} — {plain_words(code)}")
    lines += [
        f"Recalled from {row['release']} on {iso_from_ms(row['opened_ms'])[:10]}: {row['state'].lower()}"
        for row in found.recalls
    ]
    changes = {sentences_of(code).remedy for code in (*decision.reasons, *(code for _, code in found.refused))}
    return lines + [f"What would change it: {line}" for line in sorted(changes - {""})]


def _profile_sha256(hospital: object, agreement: str) -> str:
    """Give the hash that the agreement pins; where it pins none, any profile of its name will do."""
    from bailee.stores.sql.agreements import find_agreement
    from bailee.stores.sql.database import read

    with read(hospital.engine) as connection:  # type: ignore[attr-defined]
        found = find_agreement(connection, agreement)
    return (found.agreement.profile_sha256 if found else None) or "0" * 64

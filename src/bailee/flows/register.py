"""Register: write the public register of data uses, each entry with its leaf and its proof in the ledger."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bailee.agreements.terms import Agreement
from bailee.core.clock import iso_from_ms
from bailee.core.errors import Invalid, UserError
from bailee.flows.hospital import Hospital
from bailee.ledger.register import Register, files_of
from bailee.ledger.report import purpose_words
from bailee.ledger.uses import Use, advice, banded
from bailee.stores.lake.dataset import MANIFEST, DatasetManifest, read_dataset
from bailee.stores.sql.agreements import StoredAgreement, list_agreements
from bailee.stores.sql.database import read
from bailee.stores.sql.ledger_register import Released, public_proof, publish, refusals, released_under
from bailee.stores.sql.ledger_retention import certificates

_SENSITIVITY = {
    "identified": "Personally identifiable",
    "limited-data-set": "De-personalised",
    "expert-determination": "De-personalised",
    "safe-harbor": "Anonymous",
}


def write_register(hospital: Hospital, folder: Path) -> list[str]:
    """Write the register into a folder, for any static web server. Shape: advice on entries that could be better.

    An agreement appears once data went out under it. A folder that holds anything but a register is refused.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "register.json").exists():
        raise UserError("a folder with something else in it", where=str(folder), remedy="Name a new folder.")
    with read(hospital.engine) as connection:
        agreements = list_agreements(connection)
        out = [(each, released_under(connection, each.agreement.id)) for each in agreements]
        refused = tuple(refusals(connection))
    manifests = _manifests(hospital)
    destroyed = certificates(hospital.engine)
    uses = [use_of(each, releases, manifests, destroyed) for each, releases in out if releases]
    published = publish(hospital.log, uses, actor=hospital.actor)
    register = Register(
        hospital.home.configuration.hospital,
        hospital.clock.now_ms(),
        tuple(published),
        refused,
        str(hospital.log.checkpoint()),
        str(hospital.log.signer.verifier),
    )
    files = files_of(register)
    for one in published:
        files[f"uses/{one.use.agreement}.tlog-proof"] = public_proof(hospital.log, one.seq).encode()
    _write(folder, files)
    return [f"{use.agreement}: {line}" for use in uses for line in advice(use)]


def use_of(
    stored: StoredAgreement,
    releases: Sequence[Released],
    manifests: dict[str, DatasetManifest],
    destroyed: dict[str, int],
) -> Use:
    """Turn an agreement and its releases into a register entry; nothing in it is about a person."""
    terms, last = stored.agreement, releases[-1]
    manifest = manifests.get(last.release)
    days = tuple(dict.fromkeys(iso_from_ms(each.at_ms)[:10] for each in releases))
    gone = [destroyed[each.release] for each in releases if each.release in destroyed]
    return Use(
        agreement=terms.id,
        agreement_sha256=stored.sha256,
        status=stored.state.lower(),
        patients=banded(max(each.patients for each in releases)),
        released_on=days,
        frequency="one-off" if len(days) == 1 else "recurring",
        opt_outs=banded(sum(manifest.consent.values())) if manifest and sum(manifest.consent.values()) else "",
        risk="; ".join(f"{name} {value}" for name, value in sorted(manifest.risk.items())) if manifest else "",
        profile=manifest.profile if manifest else terms.profile,
        profile_sha256=manifest.profile_sha256 if manifest else terms.profile_sha256 or "",
        destroyed_on=iso_from_ms(max(gone))[:10] if gone else "",
        **_people(terms),
        **_project(terms),
        **_data(terms),
    )


def _people(terms: Agreement) -> dict[str, Any]:
    partner = terms.parties.partner
    kind = "commercial" if partner.commercial else "not for profit" if partner.non_profit else "public"
    return {
        "organisation": partner.name,
        "organisation_id": partner.organisation_id,
        "sector": kind,
        "applicants": terms.public.applicants,
        "funders": terms.public.funders,
        "sublicence": "No" if "onward-transfer" in terms.prohibitions else "Not excluded",
    }


def _project(terms: Agreement) -> dict[str, Any]:
    board = terms.board
    return {
        "project_id": terms.id,
        "title": terms.title,
        "lay_summary": terms.public.lay_summary,
        "public_benefit": terms.public.public_benefit,
        "category": terms.public.category,
        "technical_summary": terms.public.technical_summary,
        "committees": (f"{board.board}, {board.number}",) if board else (),
        "approved_on": str(board.approved_on if board else terms.term.starts_on),
        "starts_on": str(terms.term.starts_on),
        "ends_on": str(terms.term.ends_on),
        "outputs": terms.public.outputs,
    }


def _data(terms: Agreement) -> dict[str, Any]:
    training = "Not allowed" if not terms.models.training else "Allowed"
    kept = f"; weights stay in {', '.join(terms.models.kept_in)}" if terms.models.kept_in else ""
    codes = [terms.purposes.permission, *(item.code for item in terms.purposes.modifiers)]
    leave = "; weights may leave" if terms.models.weights_leave else ""
    return {
        "datasets": terms.scope.types,
        "sensitivity": _SENSITIVITY[terms.identifiability],
        "opt_out_applied": "Yes" if terms.consent.regime == "opt-out" else "Only patients who agreed",
        "linkage": ", ".join(terms.linkage.sources) if terms.linkage.allowed else "None",
        "access_type": "Release",
        "privacy": f"De-identified by the profile {terms.profile}",
        "permitted": tuple(purpose_words([code]) for code in codes),
        "prohibited": terms.prohibitions,
        "route": str(type(terms.route).__struct_config__.tag),
        "elements": tuple(f"{name}: {', '.join(values)}" for name, values in sorted(terms.scope.elements.items())),
        "regions": terms.regions,
        "model_training": training + kept + leave,
        "payment": terms.payment.summary,
        "retention": f"{terms.retention.days} days, then {terms.retention.then}",
    }


def _manifests(hospital: Hospital) -> dict[str, DatasetManifest]:
    found = {}
    for path in hospital.home.releases.rglob(MANIFEST):
        try:
            manifest = read_dataset(path.parent)
        except Invalid:
            continue  # `bailee verify` is where a damaged dataset is reported
        found[manifest.release] = manifest
    return found


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files beside the folder and put them in its place in one step."""
    fresh = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for name, content in files.items():
        path = fresh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)

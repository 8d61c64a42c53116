"""`bailee release`: the main job from left to right; killed anywhere, it is whole or absent, and goes on when run again."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Connection

from bailee import __version__
from bailee.agreements.check import kind_of_route
from bailee.agreements.documents import agreement_hash
from bailee.agreements.terms import Agreement
from bailee.core.canonical import sha256_hex
from bailee.core.decisions import PERMIT, Decision
from bailee.core.errors import Conflict, Denied
from bailee.deid.risk.gate import require
from bailee.deid.structure.narrow import narrowed_plan
from bailee.flows.directives import bound_stores, house_of, stored_directives
from bailee.flows.hospital import Hospital
from bailee.flows.profiles import plan_named
from bailee.flows.release.approved import check_ready, hold, spend
from bailee.flows.release.assemble import table_tasks, write_logs, write_manifest
from bailee.flows.release.categories import CATEGORIES
from bailee.flows.release.coarsen import Coarsened, coarsen
from bailee.flows.release.formats import add_formats, drop_formats
from bailee.flows.release.gate import cohort_of
from bailee.flows.release.part import FINISHED, PATIENTS, read_sealed
from bailee.flows.release.plan import OMOP, PLAN, ReleasePlan, next_version, staging_of, unfinished_plan, write_plan
from bailee.flows.release.report import report
from bailee.flows.release.singling import measure, words
from bailee.flows.release.summary import PartSummary, add_up
from bailee.flows.release.tables import make_tables
from bailee.flows.release.task import PartTask, release_part
from bailee.flows.release.tools import Given, read_given, write_given, write_profile
from bailee.flows.standing import Basis, basis_of
from bailee.ledger.entries import Bound, Entry, Party
from bailee.stores.lake.dataset import FORMAT, MANIFEST, DatasetFile, DatasetManifest, publish, read_dataset
from bailee.stores.objects.datasets import publish_to
from bailee.stores.objects.places import check_place, open_place
from bailee.stores.sql.consents import recheck, size_of
from bailee.stores.sql.database import read
from bailee.stores.vocabulary import loaded_vocabulary

T = TypeVar("T")
R = TypeVar("R")
Progress = Callable[[int, int], None]  # bytes of the vault done, bytes in all
MOST_PLANS = 3
TextMethod = Literal["surrogate", "tag", "remove"]


class Engine(Protocol):
    """Runs tasks somewhere; see bailee.engines."""

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Run `work` on every task; results in any order."""
        ...


class ConsentChanged(Conflict):
    """Somebody in the release narrowed a directive after it was planned."""


@dataclass(frozen=True)
class Released:
    """A published release."""

    plan: ReleasePlan
    folder: Path
    manifest: DatasetManifest
    manifest_sha256: str
    summary: PartSummary
    seconds: float
    resumed: bool
    report: Path


def release(
    hospital: Hospital,
    agreement: str,
    engine: Engine,
    *,
    operating_point: str = "balanced",
    text_method: TextMethod = "surrogate",
    to: str = "",
    request: str = "",
    progress: Progress = lambda *_: None,
) -> Released:
    """Make the next release under an agreement, or finish the one that was begun.

    `request` names an approved request under the agreement, which narrows it and is spent by the release; identified data
    needs one. `to` is a place below which it is published as well, instead of the one of the hospital's configuration.

    Raises: Denied if a rule refuses it, before anything is read; UserError for an unknown agreement; Unavailable if
    the ledger cannot be written. Killed anywhere, nothing is readable without its disclosures; run again.
    """
    began = time.monotonic()
    for _attempt in range(MOST_PLANS):
        try:
            return _release(hospital, agreement, request, engine, operating_point, text_method, to, progress, began)
        except ConsentChanged:
            continue  # somebody said no while it was made: plan again, without them
    raise Conflict("directives keep changing faster than a release is made: try again later")


def _release(
    hospital: Hospital,
    agreement: str,
    request: str,
    engine: Engine,
    operating_point: str,
    text_method: TextMethod,
    to: str,
    progress: Progress,
    began: float,
) -> Released:
    plan = _unfinished(hospital, agreement)
    resumed = plan is not None
    with read(hospital.engine) as connection:
        basis = basis_of(connection, agreement, plan.request if plan else request)
    terms = basis.agreement
    if plan is None:
        plan = _plan(hospital, basis, operating_point, text_method, to)
    decision = _decide(hospital, basis, plan)
    staging = _begin(hospital, basis, plan)
    coarse = _coarse(hospital, plan, terms, _parts(hospital, plan, engine, progress), engine)
    summary = coarse.summary
    target = hospital.home.releases / plan.agreement / f"v{plan.version:04d}"
    if target.exists():
        manifest, digest = read_dataset(target), sha256_hex((target / MANIFEST).read_bytes())
    else:
        _hold_number(hospital, plan, terms, summary, staging)
        files = _dataset(coarse.parts, plan, engine)
        _hold_counts(summary, files)
        more, omop = add_formats(hospital, plan, coarse, engine.run)
        risk = _risk(hospital, plan, terms, staging)
        files = drop_formats(staging, plan, [*files, *more])
        manifest = msgspec.structs.replace(_manifest(hospital, plan, terms, coarse, files, risk), omop=omop)
        digest = write_manifest(staging, manifest)
        _disclose(hospital, plan, coarse.parts)
        publish(staging / "dataset", target)
    if plan.to:
        publish_to(open_place(plan.to, plan.agreement, target.name), target, manifest)
    rows, size = sum(manifest.records.values()), sum(file.size_bytes for file in manifest.files)
    hospital.egress.done(plan.release, artifact_sha256=digest, rows=rows, size_bytes=size)
    spend(hospital, plan, decision)
    seconds = time.monotonic() - began
    path = report(hospital, plan, terms, summary, manifest, manifest_sha256=digest, seconds=seconds)
    (staging / PLAN).unlink()  # from here on it is finished, and running again makes the next one
    shutil.rmtree(staging)
    return Released(plan, target, manifest, digest, summary, seconds, resumed, path)


def _unfinished(hospital: Hospital, agreement: str) -> ReleasePlan | None:
    """Find what was begun; one that was given up, and killed before it was swept away, is swept now."""
    plan = unfinished_plan(hospital.home, agreement)
    if plan is not None and hospital.egress.progress(plan.release).state == "failed":
        shutil.rmtree(staging_of(hospital.home, plan.release))
        return None
    return plan


def _plan(hospital: Hospital, basis: Basis, operating_point: str, text_method: TextMethod, to: str) -> ReleasePlan:
    terms = basis.agreement
    place = to or hospital.home.configuration.publish_to
    if place:
        check_place(open_place(place))  # a place that cannot be written to is told before anything is
    profile = plan_named(hospital.home, terms.profile)
    vocabulary = loaded_vocabulary(hospital.home) if OMOP in terms.formats else None
    (
        cohort_of(terms),
        cohort_of(basis.terms),
    )  # a search or query that is not understood is told before anything is written
    version = next_version(hospital.home, terms.id)
    while hospital.egress.progress(f"{terms.id}-v{version:04d}").state != "absent":
        version += 1  # a release that was given up keeps its number in the ledger
    return ReleasePlan(
        release=f"{terms.id}-v{version:04d}",
        version=version,
        agreement=terms.id,
        agreement_sha256=agreement_hash(terms),
        vault_version=hospital.vault.manifest().version,
        profile=terms.profile,
        profile_sha256=profile.sha256,
        identifiability=terms.identifiability,
        operating_point=operating_point,
        text_method=text_method,
        as_of_ms=hospital.clock.now_ms(),
        software=__version__,
        to=place,
        formats=terms.formats,
        vocabulary=vocabulary.version if vocabulary else "none",
        vocabulary_sha256=vocabulary.sha256 if vocabulary else "",
        request=basis.approval.request,
        request_sha256=basis.approval.request_sha256,
    )


def _decide(hospital: Hospital, basis: Basis, plan: ReleasePlan) -> Decision:
    """Ask the agreement and the request; write a refusal to the ledger before it is told."""
    if hospital.egress.progress(plan.release).state == "done":
        return Decision(permit=True, reasons=(PERMIT,))  # it was decided, and is out: only the report is wanting
    if (plan.agreement_sha256, plan.request_sha256) != (
        agreement_hash(basis.agreement),
        basis.approval.request_sha256,
    ):
        raise Denied(
            f"release {plan.release} was begun under other terms",
            reasons=["E-AGREEMENT-HASH"],
            remedy=f"Give it up with `bailee release {plan.agreement} --abandon`.",
        )
    decision = basis.decide(basis.ask(plan.profile_sha256), hospital.clock.now_ms())
    if not decision.permit:
        entry = Entry(
            t_ms=hospital.clock.now_ms(),
            kind="decision.deny",
            actor=hospital.actor,
            objects=(f"agreement:{plan.agreement}",),
            reasons=decision.reasons,
        )
        hospital.log.commit([entry])
    decision.raise_if_denied(f"No release under {plan.agreement}")
    check_ready(basis)
    return decision


def _begin(hospital: Hospital, basis: Basis, plan: ReleasePlan) -> Path:
    """Write down plan, terms and directives, then the intent; after this a killed run is gone on with."""
    terms = basis.agreement
    staging = staging_of(hospital.home, plan.release)
    if not (staging / PLAN).exists():
        staging.mkdir(parents=True, exist_ok=True)
        ask = basis.ask(plan.profile_sha256)
        stores = bound_stores(hospital.home.configuration, terms)
        with read(hospital.engine) as connection:
            given = Given(
                ask=ask,
                grant=basis.grant(),
                house=house_of(connection, terms, stores, plan.as_of_ms),
                consent_size=size_of(connection),
            )
            directives = stored_directives(connection, stores, ask)
        seal = hospital.master.derive("parts")
        write_given(staging, terms, basis.terms, given, directives, seal)
        profile = plan_named(hospital.home, plan.profile)
        write_profile(staging, narrowed_plan(profile, basis.terms.scope.elements), seal)
        write_plan(hospital.home, plan)
    if hospital.egress.progress(plan.release).state != "done":  # killed after that, only the report is wanting
        hospital.egress.intent(_intent(terms, plan))
    return staging


def _intent(terms: Agreement, plan: ReleasePlan) -> Entry:
    partner = terms.parties.partner
    return Entry(
        t_ms=plan.as_of_ms,
        kind="release.intent",
        actor="bailee",
        release=plan.release,
        partner=Party(name=partner.name, address=partner.address, phone=partner.contact),
        agreement=Bound(id=plan.agreement, sha256=plan.agreement_sha256),
        route=kind_of_route(terms),
        purpose=tuple(terms.purposes.reasons),
        identifiability=plan.identifiability,
        data=CATEGORIES,
        deid_profile_sha256=plan.profile_sha256,
        objects=(f"dataset:vault-{plan.vault_version}",),
    )


def _parts(hospital: Hospital, plan: ReleasePlan, engine: Engine, progress: Progress) -> PartSummary:
    parts = [part for part in hospital.vault.manifest(plan.vault_version).partitions if part.segments]
    home = str(hospital.home.folder)
    tasks = [PartTask(home=home, release=plan.release, partition=part.name) for part in parts]
    whole, total = sum(part.size_bytes for part in parts), add_up([])
    for summary in engine.run(release_part, tasks):
        total = add_up([total, summary])
        progress(total.size_bytes, whole)
    return total


def _coarse(hospital: Hospital, plan: ReleasePlan, terms: Agreement, summary: PartSummary, engine: Engine) -> Coarsened:
    """Coarsen what the agreement lets be coarsened; what cannot be enough is given up. Raises: Denied."""
    try:
        return coarsen(hospital, plan, terms, summary, engine)
    except Denied as refused:
        hospital.egress.failed(plan.release, reasons=refused.reasons)
        shutil.rmtree(staging_of(hospital.home, plan.release))
        raise


def _dataset(parts: Path, plan: ReleasePlan, engine: Engine) -> list[DatasetFile]:
    tasks = sorted(table_tasks(parts), key=lambda task: -task.size_bytes)  # the longest first, so that none ends alone
    results = list(engine.run(make_tables, tasks))
    return write_logs(parts.parent, plan, sorted(results, key=lambda result: (result.task.type, result.task.number)))


def _manifest(
    hospital: Hospital,
    plan: ReleasePlan,
    terms: Agreement,
    coarse: Coarsened,
    files: list[DatasetFile],
    risk: dict[str, str],
) -> DatasetManifest:
    summary = coarse.summary
    return DatasetManifest(
        format=FORMAT,
        release=plan.release,
        hospital=hospital.home.configuration.hospital,
        partner=terms.parties.partner.name,
        agreement=plan.agreement,
        agreement_sha256=plan.agreement_sha256,
        identifiability=plan.identifiability,
        profile=plan.profile,
        profile_sha256=plan.profile_sha256,
        operating_point=plan.operating_point,
        software=plan.software,
        as_of=plan.as_of,
        patients=summary.patients_left,
        records=dict(summary.left),
        notes=summary.notes_left,
        refused=dict(summary.refused),
        consent=dict(summary.refused_patients),
        risk=risk | dict(coarse.words),
        coarsened=dict(coarse.levels),
        files=tuple(files),
        formats=plan.formats,
    )


def _hold_number(hospital: Hospital, plan: ReleasePlan, terms: Agreement, summary: PartSummary, staging: Path) -> None:
    """Give a release up that nobody is in, with the reasons of all that was refused, or too many are. Raises: Denied."""
    most = terms.scope.patients_at_most
    if most is not None and summary.patients_left > most:
        hospital.egress.failed(plan.release, reasons=["E-SCOPE-COHORT"])
        shutil.rmtree(staging)
        remedy = "Narrow the cohort, or agree on a higher scope.patients_at_most."
        raise Denied(f"more than {most:,} patients are in the cohort", reasons=["E-SCOPE-COHORT"], remedy=remedy)
    if summary.patients_left == 0:
        reasons = sorted(summary.refused) or ["E-SCOPE-COHORT"]
        hospital.egress.failed(plan.release, reasons=reasons)
        shutil.rmtree(staging)
        raise Denied("no patient's records may leave", reasons=reasons, remedy="`bailee why PATIENT` tells more.")


def _hold_counts(summary: PartSummary, files: list[DatasetFile]) -> None:
    """Hold that the files have just the records that passed every gate: nothing is half released."""
    rows: Counter[str] = Counter()
    for file in files:
        if file.path.startswith("ndjson/"):
            rows[file.path.removeprefix("ndjson/").partition(".")[0]] += file.rows
    if rows != Counter(summary.left):
        raise AssertionError("the dataset's files hold other records than those that passed")


def _risk(hospital: Hospital, plan: ReleasePlan, terms: Agreement, staging: Path) -> dict[str, str]:
    """Measure who could be singled out; what the agreement does not allow is given up. Raises: Denied."""
    places = sorted((hospital.home.releases / plan.agreement).glob("v[0-9]*"))
    report = measure(staging / "dataset", [(place.name, place) for place in places], terms)
    if terms.risk is not None and report is not None and not report.passes:
        reasons = sorted({finding.reason for finding in report.findings if not finding.holds})
        hospital.egress.failed(plan.release, reasons=reasons)
        shutil.rmtree(staging)
        require(report)
    return words(report)


def _disclose(hospital: Hospital, plan: ReleasePlan, parts: Path) -> None:
    """Write every patient of every part to the ledger, a part at a time, if nobody in it said no meanwhile.

    What stands is not written twice. Raises: ConsentChanged, or Denied if the agreement was suspended or changed, after
    the release was given up.
    """
    staging, places = parts.parent, sorted(parts.glob(FINISHED))
    seal, size = hospital.master.derive("parts"), read_given(staging).consent_size
    tables = (read_sealed(place, PATIENTS, seal).drop_columns(["pseudonym"]) for place in places)

    def check(connection: Connection, part: pa.Table) -> None:
        hold(hospital, connection, plan)
        patients = part["patient"].combine_chunks()
        try:
            recheck(connection, size, patients)
            _hold_consents(hospital, plan, patients)
        except Conflict as conflict:
            raise ConsentChanged(str(conflict)) from None

    try:
        hospital.egress.record_disclosures(plan.release, (each for each in tables if each.num_rows), check=check)
    except (ConsentChanged, Denied) as refused:
        reasons = refused.reasons if isinstance(refused, Denied) else ["E-DENY"]
        hospital.egress.failed(plan.release, reasons=reasons)
        shutil.rmtree(staging)
        raise


def _hold_consents(hospital: Hospital, plan: ReleasePlan, patients: pa.Array) -> None:
    """Hold that no Consent of these patients was taken into the vault since. Raises: Conflict, counting them."""
    said = hospital.vault.consenting(hospital.vault.manifest(plan.vault_version), hospital.vault.manifest())
    count = pc.sum(pc.is_in(patients, value_set=pa.array(sorted(said), pa.string()))).as_py() or 0
    if count:
        raise Conflict(f"{count} patients gave a new Consent while the release was made")

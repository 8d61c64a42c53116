"""`bailee verify`: published files, manifests, disclosures and ledger, checked against each other."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select

from bailee.core.canonical import sha256_hex
from bailee.core.errors import Invalid
from bailee.flows.hospital import Hospital
from bailee.flows.release.omop_check import omop_findings
from bailee.stores.home import Home
from bailee.stores.keys.ring import read_verifier_key
from bailee.stores.lake.dataset import MANIFEST, DatasetManifest, altered_files, read_dataset
from bailee.stores.objects.datasets import altered_objects, published_below, read_published
from bailee.stores.objects.places import open_place
from bailee.stores.sql.database import read
from bailee.stores.sql.ledger_append import leaf_entry
from bailee.stores.sql.ledger_egress import DONE
from bailee.stores.sql.ledger_export import export_ledger
from bailee.stores.sql.ledger_tables import mark


@dataclass(frozen=True)
class Finding:
    """One thing that does not hold. `where` names a release, a file or the ledger; never a patient."""

    where: str
    what: str


def published(home: Home) -> Iterator[tuple[Path, DatasetManifest]]:
    """List every published dataset, by agreement and version."""
    for folder in sorted(home.releases.glob("*/v[0-9]*")):
        yield folder, read_dataset(folder)


def verify(hospital: Hospital) -> Iterator[Finding]:
    """Check everything; give what does not hold. Cost: every published byte and every leaf is read."""
    yield from _ledger(hospital)
    known = set()
    for folder in sorted(hospital.home.releases.glob("*/v[0-9]*")):
        where = f"{folder.parent.name}/{folder.name}"
        try:
            manifest = read_dataset(folder)
        except Invalid as error:
            yield Finding(where, error.what)
            continue
        known.add(manifest.release)
        yield from _dataset(hospital, folder, manifest)
    yield from _vanished(hospital, known)


def _dataset(hospital: Hospital, folder: Path, manifest: DatasetManifest) -> Iterator[Finding]:
    for path in altered_files(folder, manifest):
        yield Finding(manifest.release, f"the file {path} is missing, altered, or not in the manifest")
    for what in (*_rows(manifest), *omop_findings(folder, manifest)):
        yield Finding(manifest.release, what)
    yield from _against_ledger(hospital, manifest, sha256_hex((folder / MANIFEST).read_bytes()))


def verify_place(hospital: Hospital, url: str) -> Iterator[Finding]:
    """Check every dataset at or below a place against its manifest and the ledger. Cost: every published byte is read.

    Raises: UserError for another kind of place; Unavailable, Denied.
    """
    yield from _ledger(hospital)
    found = [open_place(url)] if open_place(url).read(MANIFEST) is not None else []
    found += [open_place(url, one) for one in published_below(open_place(url))]
    if not found:
        yield Finding(url, "no dataset is published there")
    for place in found:
        try:
            manifest, content = read_published(place)
        except Invalid as error:
            yield Finding(place.url, error.what)
            continue
        for key in altered_objects(place, manifest):
            yield Finding(manifest.release, f"the object {key} is missing, altered, or not in the manifest")
        for what in _rows(manifest):
            yield Finding(manifest.release, what)
        yield from _against_ledger(hospital, manifest, sha256_hex(content))


def _against_ledger(hospital: Hospital, manifest: DatasetManifest, sha256: str) -> Iterator[Finding]:
    progress = hospital.egress.progress(manifest.release)
    if progress.state != "done":
        yield Finding(manifest.release, f"the ledger has it as {progress.state}, not done: run its release again")
        return
    with read(hospital.engine) as connection:
        done = leaf_entry(connection, progress.kinds[DONE])
    if done.artifact_sha256 != sha256:
        yield Finding(manifest.release, "the manifest is not the one that the ledger names")
    if progress.patients != manifest.patients:
        yield Finding(
            manifest.release, f"{manifest.patients} patients are in it and {progress.patients} in its disclosures"
        )


def _rows(manifest: DatasetManifest) -> Iterator[str]:
    """Hold the counts of FHIR records, where the dataset has them."""
    rows = sum(file.rows for file in manifest.files if file.path.startswith("ndjson/"))
    if "fhir-ndjson" in manifest.formats and rows != sum(manifest.records.values()):
        yield f"its files have {rows} records, and the manifest tells of {sum(manifest.records.values())}"


def _vanished(hospital: Hospital, known: set[str]) -> Iterator[Finding]:
    """Find releases that the ledger has as done and whose dataset is not there."""
    with read(hospital.engine) as connection:
        done = connection.execute(select(mark.c.release).where(mark.c.kind == DONE).distinct()).scalars().all()
    for release in sorted(set(done) - known):
        yield Finding(release, "the ledger says that it was published, and its dataset is not there")


def _ledger(hospital: Hospital) -> Iterator[Finding]:
    """Export the ledger and let the stand-alone verifier, which shares no code with it, read it."""
    hospital.log.checkpoint()
    with TemporaryDirectory(prefix="bailee-verify-") as folder:
        export, policy = Path(folder) / "export", Path(folder) / "policy"
        export_ledger(hospital.engine, export)
        policy.write_text(f"log {read_verifier_key(hospital.home.keys)}\nquorum none\n")
        command = [sys.executable, "-m", "bailee_verify", str(export), "--keys", str(policy)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in {0, 1}:
        yield Finding("ledger", f"it cannot be read: {ended.stderr.strip()}")
        return
    report: dict[str, Any] = json.loads(ended.stdout) if ended.stdout else {"ok": False, "checks": []}
    for check in report["checks"]:
        for finding in check["findings"]:
            yield Finding("ledger", f"{check['what']}: {finding}")
    if not report["ok"] and not any(check["findings"] for check in report["checks"]):
        yield Finding("ledger", ended.stderr.strip() or "the verifier refused it")

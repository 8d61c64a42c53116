"""A published dataset: a folder of NDJSON, Delta tables and a manifest, which appears by one rename or not at all."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from bailee.core.canonical import canonical_bytes
from bailee.core.errors import Conflict, Invalid
from bailee.stores.durable import sync_folder, sync_path

MANIFEST = "manifest.json"
FORMAT = "bailee-dataset/1"
_CHUNK = 1 << 20


class DatasetFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a dataset. `path` is relative to the dataset's folder, with forward slashes."""

    path: str
    sha256: str
    size_bytes: int
    rows: int


class OmopSummary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the OMOP tables are and hold, and what became of every released record.

    `rows` are counted by table; `records` by resource type, and then by the table that they are in, or by the reason why
    they are in none.
    """

    version: str
    vocabulary: str
    vocabulary_sha256: str
    rows: Mapping[str, int]
    records: Mapping[str, Mapping[str, int]]


class DatasetManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a dataset is and where it comes from; the hash of this document names the dataset in the ledger."""

    format: str
    release: str
    hospital: str
    partner: str
    agreement: str
    agreement_sha256: str
    identifiability: str
    profile: str
    profile_sha256: str
    operating_point: str
    software: str
    as_of: str
    patients: int
    records: Mapping[str, int]
    notes: int
    refused: Mapping[str, int]
    consent: Mapping[str, int]
    risk: Mapping[str, str]
    coarsened: Mapping[str, str] = {}  # element → what is told of it: "bands of 5 years"
    files: tuple[DatasetFile, ...]
    formats: tuple[str, ...] = ("fhir-ndjson", "fhir-tables")
    omop: OmopSummary | None = None


def manifest_bytes(manifest: DatasetManifest) -> bytes:
    """Write a manifest in canonical form."""
    return canonical_bytes(msgspec.to_builtins(manifest))


def read_dataset(folder: Path) -> DatasetManifest:
    """Read a dataset's manifest. Raises: Invalid if it is absent, altered in form, or of another format."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=DatasetManifest)
    except (FileNotFoundError, msgspec.DecodeError):
        raise Invalid("no readable manifest", where=str(folder), remedy="Restore the dataset from a backup.") from None
    if manifest.format != FORMAT:
        raise Invalid("a dataset of another format", where=str(folder), remedy=f"This version reads {FORMAT}.")
    return manifest


def hash_file(path: Path) -> tuple[str, int]:
    """Hash a file. Shape: SHA-256 in hexadecimal, size in bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest(), file.tell()


def altered_files(folder: Path, manifest: DatasetManifest) -> Iterator[str]:
    """Name the files that are missing, altered, or not in the manifest."""
    named = {file.path: file for file in manifest.files}
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    yield from sorted(present ^ named.keys())
    for path in sorted(present & named.keys()):
        if hash_file(folder / path) != (named[path].sha256, named[path].size_bytes):
            yield path


def publish(dataset: Path, target: Path) -> None:
    """Make a finished dataset readable by one atomic step. Raises: Conflict if that version is there already."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for path in dataset.rglob("*"):
        sync_path(path)
    sync_folder(dataset)
    if target.exists():
        raise Conflict(f"the dataset {target.name} is published already")
    dataset.rename(target)
    sync_folder(target.parent)


def concatenate(parts: Iterable[Path], target: Path) -> None:
    """Join files in order into `target`, within the kernel where it can."""
    with target.open("xb") as out:
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, out, 8 << 20)

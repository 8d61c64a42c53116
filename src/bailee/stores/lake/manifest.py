"""The vault's manifests: which sealed files make up each version. They hold counts and hashes, no identifier."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from bailee.core.errors import Conflict, Invalid
from bailee.stores.durable import sync_folder


class Segment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One sealed file of one partition. Units: bytes of JSON before compression."""

    name: str
    records: int
    size_bytes: int


class Partition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All records whose patient's keyed hash starts with `bits`; `shared` holds records that are nobody's."""

    bits: str
    segments: tuple[Segment, ...] = ()
    shared: bool = False

    @property
    def name(self) -> str:
        """Name the partition, for tasks and files. Example: 'patients-0110'."""
        return f"{'shared' if self.shared else 'patients'}-{self.bits or 'all'}"

    @property
    def size_bytes(self) -> int:
        """Count the bytes of JSON that lie in it."""
        return sum(segment.size_bytes for segment in self.segments)


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of the vault: its partitions, the shards of `whereabouts`, and what was read.

    `taken` are keyed hashes of the source files that are wholly in.
    """

    version: int = 0
    partitions: tuple[Partition, ...] = (Partition(bits=""), Partition(bits="", shared=True))
    keys: tuple[Partition, ...] = (Partition(bits=""),)
    taken: tuple[str, ...] = ()


def read_manifest(folder: Path, version: int | None = None) -> Manifest:
    """Read a version, the newest by default; an empty vault is version 0. Raises: Invalid if it is not there."""
    numbers = sorted(int(path.stem) for path in folder.glob("*.json"))
    wanted = version if version is not None else (numbers[-1] if numbers else 0)
    if wanted == 0:
        return Manifest()
    if wanted not in numbers:
        raise Invalid(f"the vault has no version {wanted}", remedy="List versions with `bailee releases --vault`.")
    return msgspec.json.decode((folder / f"{wanted:08d}.json").read_bytes(), type=Manifest)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Publish a version by one atomic step. Raises: Conflict if somebody else published it first."""
    fresh = folder / f".{manifest.version:08d}.{os.getpid()}"
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(manifest, order="deterministic"))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, folder / f"{manifest.version:08d}.json")
    except FileExistsError:
        raise Conflict("another intake changed the vault meanwhile; run it again") from None
    finally:
        fresh.unlink()
    sync_folder(folder)

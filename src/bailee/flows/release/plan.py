"""What a release will be, decided once and written down before any work: a run that was killed goes on from it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Literal

import msgspec

from bailee.agreements.terms import USUAL_FORMATS
from bailee.core.errors import Invalid
from bailee.stores.durable import sync_folder
from bailee.stores.home import Home

PLAN = "plan.json"
OMOP = "omop"  # the format, and its folder in a dataset


class ReleasePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that decides a release's bytes, besides the keys. No identifier is in it.

    Units: `as_of_ms`, the moment of the decision, is in milliseconds since the epoch.
    """

    release: str
    version: int
    agreement: str
    agreement_sha256: str
    vault_version: int
    profile: str
    profile_sha256: str
    identifiability: str
    operating_point: str
    text_method: Literal["surrogate", "tag", "remove"]
    as_of_ms: int
    software: str
    to: str = ""  # the place that it is published to as well
    formats: tuple[str, ...] = USUAL_FORMATS
    vocabulary: str = "none"  # the OMOP vocabulary's version, and the hash of its lookup
    vocabulary_sha256: str = ""
    request: str = ""  # the approved request that it rests on
    request_sha256: str = ""

    @property
    def as_of(self) -> str:
        """Give the day of the decision. Shape: YYYY-MM-DD, UTC."""
        from bailee.core.clock import iso_from_ms

        return iso_from_ms(self.as_of_ms)[:10]


def staging_of(home: Home, release: str) -> Path:
    """Give the folder in which a release is being made."""
    return home.staging / release


def write_plan(home: Home, plan: ReleasePlan) -> Path:
    """Write a plan down, durable before it returns; give its folder."""
    folder = staging_of(home, plan.release)
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f".{PLAN}.{os.getpid()}"
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(plan, order="deterministic"))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / PLAN)
    sync_folder(folder)
    sync_folder(home.staging)
    return folder


def unfinished_plan(home: Home, agreement: str) -> ReleasePlan | None:
    """Find a release of an agreement that was begun and not finished. A folder without a plan is swept away."""
    for folder in sorted(home.staging.iterdir() if home.staging.is_dir() else []):
        path = folder / PLAN
        if not path.is_file():
            shutil.rmtree(folder)
            continue
        plan = read_plan(path)
        if plan.agreement == agreement:
            return plan
    return None


def read_plan(path: Path) -> ReleasePlan:
    """Read a plan. Raises: Invalid if it was written by another version or damaged."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReleasePlan)
    except msgspec.DecodeError:
        raise Invalid(
            "a release was begun by another version", where=str(path.parent), remedy="Remove that folder to begin anew."
        ) from None


def next_version(home: Home, agreement: str) -> int:
    """Number an agreement's next release, from 1."""
    folder = home.releases / agreement
    published = [int(path.name[1:]) for path in folder.glob("v*") if path.name[1:].isdigit()] if folder.is_dir() else []
    return max(published, default=0) + 1

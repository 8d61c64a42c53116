"""What a dataset holds beside FHIR, and instead of it: by the agreement's `formats`."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from bailee.core.errors import Conflict
from bailee.flows.hospital import Hospital
from bailee.flows.release.coarsen import Coarsened
from bailee.flows.release.plan import OMOP, ReleasePlan, staging_of
from bailee.flows.release.tools import tools_of
from bailee.stores.lake.dataset import DatasetFile, OmopSummary

FOLDERS = {"fhir-ndjson": "ndjson", "fhir-tables": "tables", "omop": OMOP}
Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]


def add_formats(
    hospital: Hospital, plan: ReleasePlan, coarse: Coarsened, run: Run
) -> tuple[list[DatasetFile], OmopSummary | None]:
    """Write the formats that are made of released records; give their files.

    Raises: Conflict if tables do not hold together; the release is given up then, and nothing of it is published.
    """
    if OMOP not in plan.formats:
        return [], None
    from bailee.flows.release.omop import export_omop  # a tenth of a release's imports, and few ask for it

    staging = staging_of(hospital.home, plan.release)
    try:
        files, told = export_omop(tools_of(str(hospital.home.folder), plan.release), coarse.parts, run)
    except Conflict:
        hospital.egress.failed(plan.release)
        shutil.rmtree(staging)
        raise
    if {kind: sum(fates.values()) for kind, fates in told.records.items()} != {
        kind: count for kind, count in coarse.summary.left.items() if count
    }:
        raise AssertionError("the OMOP tables account for other records than those that passed")
    return files, told


def drop_formats(staging: Path, plan: ReleasePlan, files: Sequence[DatasetFile]) -> list[DatasetFile]:
    """Take what the agreement does not ask for out of the dataset again; give the files that stay, in order of path."""
    for name, folder in FOLDERS.items():
        if name not in plan.formats:
            shutil.rmtree(staging / "dataset" / folder, ignore_errors=True)
    kept = tuple(f"{FOLDERS[name]}/" for name in plan.formats)
    return sorted((file for file in files if file.path.startswith(kept)), key=lambda file: file.path)

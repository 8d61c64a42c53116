"""Datasets in an object store: their files first, in any order; the manifest last, once, and only then are they there.

Whoever reads begins with `manifest.json` and takes nothing that it does not name. Put once, it is never put again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from bailee.core.errors import Conflict, Invalid, Unavailable
from bailee.stores.lake.dataset import FORMAT, MANIFEST, DatasetManifest
from bailee.stores.objects.places import Place


def publish_to(place: Place, dataset: Path, manifest: DatasetManifest) -> bool:
    """Publish a dataset that stands whole in a folder. Tells whether it was not there yet.

    Killed anywhere, it can be called again: what is readable is the same bytes. Raises: Conflict if another dataset is
    published there; Unavailable, Denied. Cost: each byte is sent once.
    """
    content = (dataset / MANIFEST).read_bytes()
    if _is_there(place, content):
        return False
    for file in sorted(manifest.files, key=lambda one: ("/_delta_log/" in one.path, one.path)):
        place.put(file.path, dataset / file.path)  # a table's log after its data: until then there is no table
    try:
        place.put_new(MANIFEST, content)
    except Conflict:
        return not _is_there(place, content)  # somebody finished the same dataset meanwhile, or another one
    return True


def read_published(place: Place) -> tuple[DatasetManifest, bytes]:
    """Read a published dataset's manifest, decoded and as it stands. Raises: Invalid if it is absent or of another form."""
    content = place.read(MANIFEST)
    try:
        manifest = msgspec.json.decode(content or b"", type=DatasetManifest)
    except msgspec.DecodeError:
        remedy = "Publish the release again with `bailee release AGREEMENT --to …`."
        raise Invalid("no readable manifest", where=place.url, remedy=remedy) from None
    if manifest.format != FORMAT:
        raise Invalid("a dataset of another format", where=place.url, remedy=f"This version reads {FORMAT}.")
    return manifest, content or b""


def altered_objects(place: Place, manifest: DatasetManifest) -> Iterator[str]:
    """Name the objects that are missing, altered, or not in the manifest. Cost: every byte is read."""
    named = {file.path: file for file in manifest.files}
    present = {key for key in place.keys() if key != MANIFEST}  # noqa: SIM118  # a place is no dict
    yield from sorted(present ^ named.keys())
    for key in sorted(present & named.keys()):
        try:
            found = place.hash(key)
        except Unavailable:
            found = ("", 0)
        if found != (named[key].sha256, named[key].size_bytes):
            yield key


def published_below(place: Place) -> list[str]:
    """List the datasets below a place by the keys of their manifests, without the manifest's name."""
    ending = f"/{MANIFEST}"
    return sorted(key.removesuffix(ending) for key in place.keys() if key.endswith(ending))  # noqa: SIM118


def _is_there(place: Place, content: bytes) -> bool:
    """Tell whether this very dataset is published. Raises: Conflict if another one is."""
    found = place.read(MANIFEST)
    if found is not None and found != content:
        raise Conflict(f"another dataset is published at {place.url}")
    return found is not None

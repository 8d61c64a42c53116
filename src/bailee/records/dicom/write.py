"""An object to the bytes of a file: a preamble of zeros, a header of our own, Explicit VR Little Endian."""

from __future__ import annotations

import io
from typing import Any, Final

from bailee.core.errors import Invalid
from bailee.records.dicom.read import quiet

EXPLICIT: Final = "1.2.840.10008.1.2.1"
IMPLEMENTATION_UID: Final = "2.25.272362903433771600318111940429134232706"
IMPLEMENTATION_NAME: Final = "BAILEE"


def written(dataset: Any, syntax: str = EXPLICIT) -> bytes:
    """Write an object in a transfer syntax of explicit little endian.

    Raises: Invalid if it has no SOP class or instance.
    """
    from pydicom.dataset import FileMetaDataset

    meta = FileMetaDataset()
    for place, name in (("MediaStorageSOPClassUID", "SOPClassUID"), ("MediaStorageSOPInstanceUID", "SOPInstanceUID")):
        value = str(dataset.get(name, "") or "")
        if not value:
            raise Invalid(f"a DICOM object without {name}", remedy="Leave it out.")
        setattr(meta, place, value)
    meta.TransferSyntaxUID = syntax
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = IMPLEMENTATION_NAME
    dataset.file_meta, dataset.preamble = meta, bytes(128)
    file = io.BytesIO()
    with quiet():
        dataset.save_as(file, implicit_vr=False, little_endian=True, enforce_file_format=True)
    return file.getvalue()

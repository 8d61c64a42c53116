"""DICOM objects to test with: made in memory, every attribute filled; and real ones, from pydicom's own test files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from bailee.records.dicom.read import silent

CT = "1.2.840.10008.5.1.4.1.1.2"
SECONDARY = "1.2.840.10008.5.1.4.1.1.7"
EXPLICIT = "1.2.840.10008.1.2.1"
NAME, NUMBER, DAY = "QXWENDELIN", "70931846205", "19310217"
# By VR, what an attribute is filled with; each holds one of the three.
FILLINGS = {
    "PN": f"{NAME}^{NAME}A=={NAME}", "LO": NAME, "SH": NAME, "ST": NAME, "LT": NAME, "UT": NAME, "UC": NAME, "CS": NAME,
    "AE": NAME, "UR": f"http://{NAME.lower()}.example", "UI": f"1.2.{NUMBER}", "DA": DAY, "DT": f"{DAY}101530",
    "TM": "131719", "AS": "097Y", "IS": f"{NUMBER}9999", "DS": f"{NUMBER}999999", "OB": NAME, "OW": NAME, "UN": NAME,
    "OF": NAME + "XX", "OL": NAME + "XX", "OD": NAME + "XXXXXX", "OV": NAME + "XXXXXX", "US": NAME, "SS": NAME,
    "UL": NAME + "XX", "SL": NAME + "XX", "FL": NAME + "XX", "FD": NAME + "XXXXXX", "SV": NAME + "XXXXXX",
    "UV": NAME + "XXXXXX", "AT": NAME + "XX",
}  # fmt: skip
CANARIES = [NAME, NUMBER, DAY, "131719", "097Y", NAME.lower()]


def files(shared: Path | None = None) -> list[Path]:
    """List pydicom's test files, and those of the shared data."""
    own = Path(pydicom.__file__).parent / "data"
    folders = [own, *([shared / "dicom_headers"] if shared else [])]
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".py")


def put(dataset: Dataset, tag: int, vr: str, value: str | bytes) -> None:
    """Put bytes into an attribute as they are."""
    content = value.encode() if isinstance(value, str) else value
    content += b" " * (len(content) % 2)
    dataset[tag] = RawDataElement(Tag(tag), vr, len(content), content, 0, False, True, True)


def image(pixels=None, *, sop=CT, patient="P-4711", study="1.2.3", series="1.2.3.4", instance="1.2.3.4.5", **more):
    """Make an image with little else."""
    dataset = Dataset()
    pixels = np.zeros((32, 32), np.uint8) if pixels is None else pixels
    dataset.SOPClassUID, dataset.SOPInstanceUID = sop, instance
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = study, series
    dataset.PatientID, dataset.PatientName, dataset.Modality = patient, "Doe^Jane", "CT"
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3
    frames = pixels.ndim - 2 - colour
    dataset.Rows, dataset.Columns = pixels.shape[frames : frames + 2]
    if frames:
        dataset.NumberOfFrames = pixels.shape[0]
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated = dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    for name, value in more.items():
        setattr(dataset, name, value)
    content = pixels.tobytes()
    put(dataset, 0x7FE00010, "OW" if bits > 8 else "OB", content + b"\0" * (len(content) % 2))
    return dataset


def as_file(dataset, *, preamble=bytes(128), syntax=EXPLICIT, **meta) -> bytes:
    """Write an object as a file, with a header of any content."""
    head = FileMetaDataset()
    head.MediaStorageSOPClassUID, head.MediaStorageSOPInstanceUID = CT, "1.2.3"
    head.TransferSyntaxUID, head.ImplementationClassUID = syntax, "1.2.3.4"
    for name, value in meta.items():
        setattr(head, name, value)
    dataset.file_meta, dataset.preamble = head, preamble
    file = io.BytesIO()
    with silent():  # what is written is meant to be wrong
        dataset.save_as(file, implicit_vr=syntax == "1.2.840.10008.1.2", little_endian=syntax != "1.2.840.10008.1.2.2",
                        enforce_file_format=True)  # fmt: skip
    return file.getvalue()


@silent()
def filled(*, nested: bool = True) -> Dataset:
    """Make an object that has every attribute of the dictionary but pixels, each with a canary; sequences hold them all again."""
    dataset = Dataset()
    for tag, (vr, _, _, _, _) in DicomDictionary.items():
        if not 0x00080000 <= tag < 0x7FE00000:
            continue
        first = vr.split(" or ")[0]
        if first == "SQ":
            if nested:
                dataset[tag] = pydicom.DataElement(tag, "SQ", Sequence([_item(tag)]))
        elif first in FILLINGS:
            put(dataset, tag, first, FILLINGS[first])
    put(dataset, 0x00091001, "LO", NAME)
    put(dataset, 0x00091002, "UN", NAME)
    put(dataset, 0x60003000, "OW", NAME)
    put(dataset, 0x50003000, "OW", NAME)
    put(dataset, 0xFFFCFFFC, "OB", NAME)
    put(dataset, 0x00080016, "UI", CT)
    return dataset


def _item(tag: int) -> Dataset:
    """Make an item that says something in each VR, and once more within."""
    item = Dataset()
    for number, vr in (
        (0x00080104, "LO"),
        (0x0040A160, "UT"),
        (0x00100010, "PN"),
        (0x00081155, "UI"),
        (0x0040A121, "DA"),
    ):
        put(item, number, vr, FILLINGS[vr])
    put(item, 0x00091001, "LO", NAME)
    within = Dataset()
    put(within, 0x00100020, "LO", NAME)
    put(within, 0x0040A123, "PN", NAME)
    item[0x0040A730] = pydicom.DataElement(0x0040A730, "SQ", Sequence([within]))
    return item


def found_in(content: bytes, words: list[str] = CANARIES) -> list[str]:
    """Tell which words stand in bytes, in the usual encodings."""
    return [word for word in words for code in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le")
            if word.encode(code) in content]  # fmt: skip

"""What an image may show besides its subject, told from its header: text burned in, a face. Nothing here looks at pixels."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

# SOP classes whose images commonly carry text: ultrasound, secondary capture, fluoroscopy and angiography, visible light.
_RISKY_CLASSES: Final = (
    "1.2.840.10008.5.1.4.1.1.3",  # ultrasound multi-frame, retired .3 and current .3.1
    "1.2.840.10008.5.1.4.1.1.6",  # ultrasound
    "1.2.840.10008.5.1.4.1.1.7",  # secondary capture, single and multi-frame
    "1.2.840.10008.5.1.4.1.1.12",  # X-ray angiography, fluoroscopy
    "1.2.840.10008.5.1.4.1.1.77.1.1",  # endoscopy
    "1.2.840.10008.5.1.4.1.1.77.1.4",  # photography
)
_PHOTOGRAPHS: Final = (
    "1.2.840.10008.5.1.4.1.1.77.1.4",
    "1.2.840.10008.5.1.4.1.1.77.1.4.1",
)
_VIDEOS: Final = (
    "1.2.840.10008.5.1.4.1.1.77.1.1.1",
    "1.2.840.10008.5.1.4.1.1.77.1.2.1",
    "1.2.840.10008.5.1.4.1.1.77.1.4.1",
)
_VOICES: Final = "1.2.840.10008.5.1.4.1.1.9.4."
_SURFACES: Final = "1.2.840.10008.5.1.4.1.1.68."
_RISKY_MODALITIES: Final = frozenset(
    [
        "BI",
        "CR",
        "DX",
        "DOC",
        "ES",
        "GM",
        "IO",
        "IVUS",
        "MG",
        "OT",
        "PX",
        "RF",
        "RG",
        "SC",
        "SM",
        "US",
        "VL",
        "XA",
        "XC",
    ]
)
_RISKY_TYPES: Final = frozenset({"SCREEN SAVE", "SCREENSHOT", "REPORT", "SCANNED", "DOSE_INFO"})
_RECONSTRUCTED: Final = frozenset({"CT", "MR", "PT", "NM"})
_HEADS: Final = frozenset({"HEAD", "HEADNECK", "BRAIN", "FACE", "SKULL", "ORBIT", "SINUS", "NECK", "JAW", "WHOLEBODY"})


class Risk(IntEnum):
    """How likely an image carries text of its own."""

    LOW = 0
    HIGH = 1


def risk_of(dataset: Any) -> Risk:
    """Tell whether an image of this kind commonly has text burned in; a header that says it has none is not believed."""
    sop, modality = _text(dataset, "SOPClassUID"), _text(dataset, "Modality")
    kinds = {part.strip() for part in str(_first(dataset, "ImageType")).split("\\")}
    colour = int(_first(dataset, "SamplesPerPixel") or 1) > 1 and modality in _RECONSTRUCTED
    stated = _text(dataset, "BurnedInAnnotation") == "YES"
    risky = any(sop == each or sop.startswith(each + ".") for each in _RISKY_CLASSES) or modality in _RISKY_MODALITIES
    return (
        Risk.HIGH if risky or colour or stated or kinds & _RISKY_TYPES or _text(dataset, "ConversionType") else Risk.LOW
    )


def refusal(dataset: Any, *, identified: bool = False) -> tuple[str, str] | None:
    """Say why an object cannot leave, and what would help; None if it can. `identified`: with all that the standard defines.

    Source: 45 CFR 164.514(b)(2)(i)(P), (Q) for voices and faces.
    """
    from pydicom.uid import UID_dictionary

    sop = _text(dataset, "SOPClassUID")
    if sop == "1.2.840.10008.1.3.10" or "DirectoryRecordSequence" in dataset:
        return "a DICOMDIR: an index of files with their names", "Make a new one from the output."
    if not sop:
        return "a DICOM object without SOPClassUID", "Export it again."
    if sop not in UID_dictionary:
        return "a DICOM object of a private class", "What it holds is not known; leave it out."
    if identified:
        return None
    if "EncapsulatedDocument" in dataset:
        return "a document within a DICOM object", "Take the document out, and de-identify it by itself."
    if is_photograph(dataset):
        return "a photograph or video, which may show a face", "Leave it out."
    if sop.startswith(_VOICES):
        return "a sound recording, which may hold a voice", "Leave it out."
    if sop.startswith(_SURFACES):
        return "a scanned surface, which may show a face", "Leave it out."
    return None


def is_photograph(dataset: Any) -> bool:
    """Tell photographs and videos of visible light, which may show a face. Source: 45 CFR 164.514(b)(2)(i)(Q)."""
    return _text(dataset, "SOPClassUID") in _PHOTOGRAPHS + _VIDEOS or _text(dataset, "Modality") == "XC"


def shows_head(dataset: Any) -> bool:
    """Tell sections through a head, from which a face can be rendered. What a header does not say is not known."""
    return _text(dataset, "Modality") in _RECONSTRUCTED and _text(dataset, "BodyPartExamined").upper() in _HEADS


def _text(dataset: Any, name: str) -> str:
    return str(_first(dataset, name) or "").strip()


def _first(dataset: Any, name: str) -> Any:
    value = dataset.get(name)
    if value is None or isinstance(value, str | int):
        return value
    return "\\".join(str(part) for part in value) if hasattr(value, "__iter__") else value

"""What a de-identified object says of itself: that it is, how, and what became of dates and of text in its image."""

from __future__ import annotations

from typing import Any, Final

from bailee.deid.dicom.profiles import BASIC, OPTIONS, DicomProfile

EDITION: Final = "PS3.15 Annex E 2026c"
# Transfer syntaxes that lose something of an image. Source: PS3.5 chapter 10 and annex A.
_LOSSY: Final = ("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.91")


def mark(dataset: Any, profile: DicomProfile, *, looked: bool, syntax: str) -> None:
    """Write what was done into an object. `looked`: its image was read and no text is left in it.

    Source: PS3.15 E.1.1 and E.3, PS3.16 CID 7050.
    """
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    dataset.SpecificCharacterSet = "ISO_IR 192"
    if syntax in _LOSSY:
        dataset.LossyImageCompression = "01"
    if profile.identified:
        dataset.PatientIdentityRemoved = "NO"
        return
    dataset.PatientIdentityRemoved = "YES"
    dataset.DeidentificationMethod = ["Bailee", f"profile {profile.name}", EDITION]
    codes = [BASIC, *(OPTIONS[name] for name in profile.options), *([OPTIONS["pixels"]] if looked else [])]
    items = []
    for value, meaning in sorted(codes):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
        items.append(item)
    dataset.DeidentificationMethodCodeSequence = Sequence(items)
    dataset.LongitudinalTemporalInformationModified = profile.times
    if looked:
        dataset.BurnedInAnnotation = "NO"

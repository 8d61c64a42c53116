"""Whose object it is, and who else is named in it: what links files of one patient, and the chart for the notes engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bailee.deid.dicom.clean import decoded, walk

_ID, _ISSUER, _QUALIFIERS, _UNIVERSAL = 0x00100020, 0x00100021, 0x00100024, 0x00400032
_OTHERS: Final = 0x00101002
_PATIENTS: Final = frozenset({0x00100010, 0x00101001, 0x00101005})  # Patient's Name, Other Patient Names, Birth Name
_RELATIVES: Final = frozenset({0x00101060, 0x00102297})  # Mother's Birth Name, Responsible Person
_IDS: Final = frozenset({
    0x00100020, 0x00101000, 0x00080050, 0x00380010, 0x00200010, 0x00101080, 0x00101090, 0x00402016, 0x00402017,
    0x00401001, 0x00120040, 0x00321021, 0x00100050,
})  # fmt: skip
_PLACES: Final = {
    0x00080080: "facility", 0x00081040: "facility", 0x00101040: "street", 0x00080081: "street", 0x00102154: "phone",
    0x00102299: "organization", 0x00380400: "facility", 0x00380300: "facility",
}  # fmt: skip
_BIRTH: Final = 0x00100030
_SHORTEST_ID: Final = 4


@dataclass(frozen=True, repr=False)
class Named:
    """An object's own knowledge. `identities`: (issuer or its OID, id) of the patient; `values`: (kind, value) of a chart."""

    id: str
    identities: tuple[tuple[str, str], ...]
    values: tuple[tuple[str, str], ...]
    study: str
    birth: str

    def __repr__(self) -> str:
        return f"Named({len(self.values)} values)"


def named_in(dataset: Any) -> Named:
    """Read who is named. Raises: Invalid where an attribute is cut short, or sequences lie too deep."""
    values: dict[tuple[str, str], None] = {}
    found: dict[int, str] = {}
    for here, tag, raw, encodings in walk(dataset):
        kind = _kind_of(tag, raw.VR)
        if not (kind or tag in {_ID, _ISSUER, _UNIVERSAL, _BIRTH, 0x0020000D}) or not raw.value:
            continue
        text = decoded("PN" if kind.endswith("full") else "LO", raw.value, encodings).strip()
        if here is dataset:
            found[tag] = text
        values.update(dict.fromkeys(_values(kind, text)))
    own = found.get(_ID, "")
    issuer = _oid_of(dataset) or found.get(_ISSUER, "")
    others = [(each.get(_ISSUER, ""), each.get(_ID, "")) for each in _others(dataset)]
    identities = [(issuer, own), *others] if own else others
    birth = found.get(_BIRTH, "")
    if birth[:8].isdigit() and len(birth) >= 8:
        values["date-birth", f"{birth[:4]}-{birth[4:6]}-{birth[6:8]}"] = None
    return Named(
        own,
        tuple(identity for identity in identities if identity[1]),
        tuple(sorted(values)),
        found.get(0x0020000D, "").strip("\0 "),
        birth,
    )


def _others(dataset: Any) -> Iterator[dict[int, str]]:
    for item in dataset.get("OtherPatientIDsSequence") or []:
        yield {tag: str(item.get(tag).value or "").strip() for tag in (_ID, _ISSUER) if tag in item}


def _oid_of(dataset: Any) -> str:
    """Read an issuer's OID. Source: PS3.3 table 10-18, Universal Entity ID of type ISO."""
    for item in dataset.get("IssuerOfPatientIDQualifiersSequence") or []:
        if str(item.get("UniversalEntityIDType") or "") == "ISO":
            return str(item.get("UniversalEntityID") or "").strip()
    return ""


def _kind_of(tag: int, vr: str | None) -> str:
    if tag in _PATIENTS:
        return "name-full"
    if tag in _RELATIVES:
        return "relative-full"
    if tag in _IDS:
        return "id"
    if tag in _PLACES:
        return _PLACES[tag]
    return "clinician-full" if (vr or _standard(tag)) == "PN" else ""


def _standard(tag: int) -> str:
    from pydicom.datadict import DicomDictionary

    entry = DicomDictionary.get(tag)
    return str(entry[0]) if entry else "UN"


def _values(kind: str, text: str) -> Iterator[tuple[str, str]]:
    """Give a value's parts as a chart holds them: of a name its family and given names, in each script."""
    if not kind:
        return
    for value in text.split("\\"):
        if not kind.endswith("full"):
            if value.strip() and (kind != "id" or len(value.strip()) >= _SHORTEST_ID):
                yield kind, value.strip()
            continue
        for script in value.split("="):
            family, *given = [part.strip() for part in script.split("^")][:3]
            person = kind.removesuffix("-full")
            if family and any(given):
                yield f"{person}-family", family
                yield from ((f"{person}-given", part) for part in given if part)
            elif family:
                yield kind, family

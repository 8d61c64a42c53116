"""Methods on one attribute's value, from the bytes of a file to bytes in Explicit VR Little Endian; None where nothing may stay."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final

import numpy as np

from bailee.deid.dicom.rules import Step, count_of, terms

SIZES: Final = {
    "US": 2, "SS": 2, "OW": 2, "UL": 4, "SL": 4, "FL": 4, "OF": 4, "OL": 4, "AT": 4, "FD": 8, "OD": 8, "SV": 8,
    "UV": 8, "OV": 8, "OB": 1, "UN": 1,
}  # fmt: skip
_SWAPPED: Final = {**SIZES, "AT": 2}
DUMMIES: Final = {
    "DA": b"19000101", "TM": b"000000", "DT": b"19000101000000", "AS": b"000Y", "IS": b"0", "DS": b"0", "UR": b"urn:removed",
    "OB": b"\0", "UN": b"\0",
}  # fmt: skip
_WHOLE: Final = re.compile(rb" *[+-]?\d{1,11} *")
_DECIMAL: Final = re.compile(rb" *[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})? *")
_DAY: Final = re.compile(r"(\d{4})\.?(\d\d)\.?(\d\d)", re.ASCII)
_MOMENT: Final = re.compile(
    r"(\d{4})(\d\d)?(\d\d)?((?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-6]\d(?:\.\d{1,6})?)?)?)?([+-](?:0\d|1[0-4])[0-5]\d)?",
    re.ASCII,
)
_TIME: Final = re.compile(r"(?:[01]\d|2[0-3])(?::?[0-5]\d(?::?[0-6]\d(?:\.\d{1,6})?)?)?", re.ASCII)
_AGE: Final = re.compile(r"\d{3}[DWMY]", re.ASCII)
_CODED: Final = re.compile(r"[A-Za-z0-9]|\d\d", re.ASCII)
_LETTERS_OF_TEXT: Final = 6
_OLDEST: Final = 89


def is_text(content: bytes) -> bool:
    """Tell bytes that stand for numbers but read as words: nearly all of them printable, most of them letters or digits."""
    shown = content.replace(b"\0", b"")
    if len(shown) < _LETTERS_OF_TEXT:
        return False
    codes = np.frombuffer(shown, np.uint8)
    printable = np.count_nonzero((codes >= 32) & (codes < 127))
    letters = np.count_nonzero(
        (codes >= 48) & (codes < 58) | (codes >= 65) & (codes < 91) | (codes >= 97) & (codes < 123)
    )
    return bool(printable * 10 >= len(codes) * 9 and letters * 2 >= len(codes) and len(np.unique(codes)) > 2)


def fits(count: int, vm: str) -> bool:
    """Tell whether so many values may stand in an attribute of this multiplicity."""
    least, most, step = count_of(vm)
    return count >= least and (not most or count <= most) and (count - least) % step == 0


def numbers(vr: str, vm: str, raw: bytes, *, little: bool) -> bytes | None:
    """Keep numbers: whole values, as many as belong there, that do not read as text."""
    if vr in {"IS", "DS"}:
        return _written_numbers(vr, vm, raw)
    size = SIZES[vr]
    if len(raw) % size or not fits(len(raw) // size, vm) or is_text(raw):
        return None
    return swapped(vr, raw, little=little)


def swapped(vr: str, raw: bytes, *, little: bool) -> bytes:
    """Give bytes of a binary VR in little endian."""
    width = _SWAPPED.get(vr, 1)
    return raw if little or width == 1 else np.frombuffer(raw, f">u{width}").astype(f"<u{width}").tobytes()


def _written_numbers(vr: str, vm: str, raw: bytes) -> bytes | None:
    pattern, longest = (_WHOLE, 12) if vr == "IS" else (_DECIMAL, 16)
    values = raw.rstrip(b"\0 ").split(b"\\")
    right = all(len(value) <= longest and pattern.fullmatch(value) for value in values)
    return b"\\".join(value.strip() for value in values) if right and fits(len(values), vm) else None


def coded(raw: bytes) -> bytes | None:
    """Keep coded values that are known terms; one that is not leaves an empty place among the others."""
    values = [value.strip() for value in _ascii(raw).split("\\")]
    known = [value if value in terms() or _CODED.fullmatch(value) else "" for value in values]
    return "\\".join(known).encode() if any(known) else None


def age(raw: bytes, *, fold: bool) -> bytes | None:
    """Keep an age. Units: days, weeks, months or years; above 89 years it becomes 90. Source: 45 CFR 164.514(b)(2)(i)(C)."""
    text = _ascii(raw).strip()
    if not _AGE.fullmatch(text):
        return None
    return b"090Y" if fold and text[3] == "Y" and int(text[:3]) > _OLDEST else text.encode()


def times(vr: str, raw: bytes, days: int) -> bytes | None:
    """Move dates by whole days; times of day, zones and precision stay. 0 days keeps what is a date."""
    method: Callable[[str, int], str | None] = {"DA": _moved_day, "DT": _moved_moment, "TM": _same_time}[vr]
    values = [method(value.strip(), days) for value in _ascii(raw).split("\\")]
    return "\\".join(value or "" for value in values).encode() if any(values) else None


def _moved_day(text: str, days: int) -> str | None:
    found = _DAY.fullmatch(text)
    return _moved(int(found[1]), int(found[2]), int(found[3]), days) if found else None


def _moved_moment(text: str, days: int) -> str | None:
    found = _MOMENT.fullmatch(text)
    if not found or (found[4] and not found[3]):
        return None
    moved = _moved(int(found[1]), int(found[2] or 1), int(found[3] or 1), days)
    precision = 8 if found[3] else 6 if found[2] else 4
    return moved[:precision] + (found[4] or "") + (found[5] or "") if moved else None


def _same_time(text: str, _days: int) -> str | None:
    return text.replace(":", "") if _TIME.fullmatch(text) else None


def _moved(year: int, month: int, day: int, days: int) -> str | None:
    try:
        moved = date(year, month, day) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"


def uids(raw: bytes, mapped: Callable[[str], str]) -> bytes | None:
    """Map each UID; those that the standard itself defines stay."""
    from pydicom.uid import UID_dictionary

    values = [value.strip() for value in raw.replace(b"\0", b"").decode("latin-1").split("\\")]
    done = [value if not value or value in UID_dictionary else mapped(value) for value in values]
    return "\\".join(done).encode() if any(done) else None


def keyed_uid(key: bytes, text: str) -> str:
    """Give the UID that stands for another: of a keyed hash, so that nobody without the key can join on it or turn it back.

    Source: PS3.5 B.2, UIDs of a UUID below 2.25; RFC 9562 section 5.8, UUID version 8.
    """
    drawn = int.from_bytes(hmac.digest(key, text.encode(), "sha256")[:16], "big")
    return f"2.25.{drawn & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62}"


def shaped(text: str, pattern: str) -> str | None:
    """Keep what looks as it should, each of several values."""
    values = [value.strip() for value in text.split("\\")]
    right = [value if re.fullmatch(pattern, value, re.ASCII) else "" for value in values]
    return "\\".join(right) if any(right) else None


def dummy(step: Step, vr: str) -> bytes:
    """Give a value that is valid for a VR and says nothing."""
    if vr in SIZES and vr not in DUMMIES:
        return bytes(SIZES[vr] * max(count_of(step.vm)[0], 1))
    return DUMMIES.get(vr, b"REMOVED")


def padded(vr: str, value: bytes) -> bytes:
    """Make a value's length even, as files want it."""
    return value + (b"\0" if vr in {"UI", "OB", "UN"} else b" ") if len(value) % 2 else value


def _ascii(raw: bytes) -> str:
    return raw.rstrip(b"\0 ").decode("latin-1")

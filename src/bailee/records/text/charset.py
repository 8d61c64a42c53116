"""Bytes to characters: what is declared, what the bytes say, and repair where it is certain. Refuses what is no text."""

from __future__ import annotations

import codecs
import re
from typing import Final

_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_KNOWN: Final = frozenset(
    {"utf-8", "utf-16", "utf-16-le", "utf-16-be", "iso8859-1", "iso8859-15", "cp1252", "ascii", "cp1250", "iso8859-2"}
)
# UTF-8 that was read as Windows-1252: a letter with a tilde or circumflex, then what a continuation byte looks like there.
_MISREAD: Final = re.compile(
    "[\u00c2-\u00c3][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u2122]|â€[^\\s\\w]?"
)
_CONTROLS: Final = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_LATIN: Final = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")


def decode(content: bytes, declared: str = "") -> str | None:
    """Read bytes as text; None for what is no text.

    A byte order mark wins, then UTF-8 if it fits, then what is declared, then the pattern of UTF-16, then Windows-1252.
    Line ends become newlines. Source: WHATWG Encoding, where Latin-1 is read as Windows-1252.
    """
    if not content:
        return ""
    text = _by_mark(content)
    if text is None:
        text = _by_trial(content, declared)
    if text is None or _is_binary(text):
        return None
    return repair(text).replace("\r\n", "\n").replace("\r", "\n")


def repair(text: str) -> str:
    """Mend UTF-8 that was read as Windows-1252, where the whole text allows it and so leaves no doubt.

    Example:
        >>> repair("NÃºÃ±ez"), repair("Ã la carte"), repair("naïve")
        ('Núñez', 'Ã la carte', 'naïve')

    """
    if not _MISREAD.search(text):
        return text
    try:
        return _bytes_of(text).decode("utf-8")
    except UnicodeError:
        return text


def _bytes_of(text: str) -> bytes:
    """Undo a reading as Windows-1252; its five unused bytes were read as control characters."""
    out = bytearray()
    for letter in text:
        try:
            out += letter.encode("cp1252")
        except UnicodeEncodeError:
            out += letter.encode("latin-1")
    return bytes(out)


def _by_mark(content: bytes) -> str | None:
    for mark, name in _MARKS:
        if content.startswith(mark):
            return _try(content, name)
    return None


def _by_trial(content: bytes, declared: str) -> str | None:
    wide = _wide(content)
    if wide:
        return _try(content, wide)
    text = _try(content, "utf-8")
    if text is not None:
        return text
    name = _codec(declared)
    if name and name not in {"utf-8", "ascii", "iso8859-1"}:
        text = _try(content, name)
    if text is None:
        text = content.decode("latin-1" if _LATIN.search(content) else "cp1252")
    return text


def _wide(content: bytes) -> str:
    """Tell UTF-16 without a mark by its zeros: most characters of a note are ASCII."""
    sample = content[:4096]
    if len(sample) < 4 or len(content) % 2:
        return ""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    return "utf-16-le" if odd > half * 0.7 and not even else "utf-16-be" if even > half * 0.7 and not odd else ""


def _codec(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name if declared else ""
    except LookupError:
        return ""
    return name if name in _KNOWN else ""


def _try(content: bytes, name: str) -> str | None:
    try:
        return content.decode(name)
    except UnicodeError:
        return None


def _is_binary(text: str) -> bool:
    return "\x00" in text or len(_CONTROLS.findall(text)) * 100 > len(text)

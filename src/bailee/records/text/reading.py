"""One document's bytes to its text, by its type as declared or as its first bytes tell it. What is not known is refused."""

from __future__ import annotations

import base64
import binascii
import re
import warnings
from enum import StrEnum
from typing import Final

from bailee.records.text.charset import decode
from bailee.records.text.markup import NotMarkup, body_of, text_from_html, text_from_xml

LARGEST: Final = 10_000_000  # bytes of a document; more is refused, so that none takes a worker's memory

_PLAIN: Final = frozenset(
    {"text/plain", "text/markdown", "text/csv", "text/tab-separated-values", "text/x-hl7-ft", "text/x-hl7-text+xml"}
)
_HTML: Final = frozenset({"text/html"})
_XML: Final = frozenset(
    {
        "application/xhtml+xml",
        "application/xml",
        "text/xml",
        "application/hl7-cda+xml",
        "application/cda+xml",
        "application/hl7-sda+xml",
    }
)
_RTF: Final = frozenset({"text/rtf", "application/rtf", "text/richtext"})
_PACKED: Final = (
    (b"%PDF", "pdf"),
    (b"PK\x03\x04", "packed"),
    (b"\x1f\x8b", "packed"),
    (b"BZh", "packed"),
    (b"7z\xbc\xaf", "packed"),
    (b"\x28\xb5\x2f\xfd", "packed"),
)


class Reason(StrEnum):
    """Why a document's text cannot be read. Codes are stable."""

    NO_DATA = "no-data"  # only a link, or nothing
    BASE64 = "base64"
    TOO_LARGE = "too-large"
    TYPE = "type"  # an unknown kind of document
    PDF = "pdf"
    PACKED = "packed"  # an archive or compressed file
    NOT_TEXT = "not-text"
    MARKUP = "markup"  # HTML, XML or RTF that does not parse, or XML with a document type
    NOT_AN_OBJECT = "not-an-object"


class Unreadable(ValueError):
    """A document that gives no text; holds the reason and none of the content."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


def read_text(content: bytes, content_type: str = "") -> str:
    """Read a document's text. Raises: Unreadable, with the reason."""
    if len(content) > LARGEST:
        raise Unreadable(Reason.TOO_LARGE)
    for magic, reason in _PACKED:
        if content.startswith(magic):
            raise Unreadable(Reason(reason))
    kind, _, parameters = content_type.lower().partition(";")
    kind = kind.strip() or sniff(content)
    if kind in _XML:
        return _from_xml(content)
    if kind in _RTF or content.lstrip()[:5] == b"{\\rtf":
        return _from_rtf(content)
    if kind not in _PLAIN and kind not in _HTML:
        raise Unreadable(Reason.PDF if kind == "application/pdf" else Reason.TYPE)
    charset = re.search(r"charset\s*=\s*\"?([\w.:-]+)", parameters)
    text = decode(content, charset[1] if charset else "")
    if text is None:
        raise Unreadable(Reason.NOT_TEXT)
    return text_from_html(text) if kind in _HTML else text


def sniff(content: bytes) -> str:
    """Tell a document's type from its beginning; plain text where it shows no other."""
    head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"{\\rtf"):
        return "text/rtf"
    if head.startswith((b"<!doctype html", b"<html", b"<body", b"<div", b"<p>", b"<table")):
        return "text/html"
    return "text/xml" if head.startswith((b"<?xml", b"<clinicaldocument")) else "text/plain"


def _from_xml(content: bytes) -> str:
    try:
        inner = body_of(content)
        if inner is None:
            return text_from_xml(content)
    except NotMarkup:
        raise Unreadable(Reason.MARKUP) from None
    kind, packed = inner
    if kind.partition(";")[0].strip().lower() in _XML:
        raise Unreadable(Reason.TYPE)  # a document in a document in a document
    return read_text(from_base64(packed), kind)


def _from_rtf(content: bytes) -> str:
    from striprtf.striprtf import rtf_to_text

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            text = rtf_to_text(content.decode("latin-1"), errors="replace")
    except Exception:  # noqa: BLE001 the library fails in many ways on broken files
        raise Unreadable(Reason.MARKUP) from None
    return str(text).replace("\r\n", "\n").strip()


def from_base64(packed: str | bytes) -> bytes:
    """Decode base64, blanks and line ends allowed. Raises: Unreadable."""
    if len(packed) > LARGEST * 3 // 2:
        raise Unreadable(Reason.TOO_LARGE)
    source = packed.encode("ascii", "replace") if isinstance(packed, str) else packed
    if any(blank in source for blank in b" \t\r\n"):
        source = b"".join(source.split())
    try:
        return base64.b64decode(source, validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable(Reason.BASE64) from None

"""FHIR Attachments to texts and texts to Attachments, by whole columns. Nothing but the text and its language goes back."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

import msgspec
import pyarrow as pa

from bailee.records.text.reading import Reason, Unreadable, from_base64, read_text

_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2})?")


class Attachment(msgspec.Struct):
    """What is read of a FHIR R4 Attachment; all other members are left behind."""

    contentType: str = ""  # noqa: N815 the name in FHIR
    language: str = ""
    data: str = ""

    def __repr__(self) -> str:
        return "Attachment(…)"


_DECODER: Final = msgspec.json.Decoder(Attachment)


def attachment_texts(attachments: pa.Array) -> tuple[pa.LargeStringArray, pa.StringArray]:
    """Read the text of each Attachment.

    Shape: n JSON objects (string or binary) → texts large_string[n], null where unreadable; reasons string[n] of
    `reading.Reason`, null where readable. Source: http://hl7.org/fhir/R4/datatypes.html#attachment
    """
    texts: list[str | None] = []
    reasons: list[str | None] = []
    for source in attachments.to_pylist():
        try:
            texts.append(_text_of(source))
            reasons.append(None)
        except Unreadable as refused:
            texts.append(None)
            reasons.append(refused.reason.value)
    return pa.array(texts, pa.large_string()), pa.array(reasons, pa.string())


def attachments_from_texts(attachments: pa.Array, texts: pa.Array) -> pa.StringArray:
    """Write Attachments of plain text: type, language, data, size and hash are told anew, all else is gone.

    Shape: n originals, n texts → n JSON objects, null where the text is null. Source: FHIR R4: `hash` is SHA-1 in base64.
    """
    made = [
        None if text is None else _written(source, text)
        for source, text in zip(attachments.to_pylist(), texts.to_pylist(), strict=True)
    ]
    return pa.array(made, pa.string())


def _text_of(source: str | bytes | None) -> str:
    attachment = _read(source)
    if not attachment.data:
        raise Unreadable(Reason.NO_DATA)
    text = read_text(from_base64(attachment.data), attachment.contentType)
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text


def _read(source: str | bytes | None) -> Attachment:
    try:
        return _DECODER.decode(source or b"")
    except (msgspec.DecodeError, UnicodeError):
        raise Unreadable(Reason.NOT_AN_OBJECT) from None


def _written(source: str | bytes | None, text: str) -> str:
    content = text.encode()
    document: dict[str, str | int] = {"contentType": "text/plain; charset=utf-8"}
    language = _read(source).language
    if _LANGUAGE.fullmatch(language):
        document["language"] = language
    document["data"] = base64.b64encode(content).decode()
    document["size"] = len(content)
    document["hash"] = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    return msgspec.json.encode(document).decode()

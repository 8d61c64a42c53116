"""Which characters a message's bytes are: MSH-18, or UTF-8 where it says nothing. Never a guess."""

from __future__ import annotations

from typing import Final

from bailee.core.errors import Invalid

# HL7 table 0211, and how Python calls each.
CODECS: Final = {
    "": "utf-8",
    "ASCII": "utf-8",  # UTF-8 has ASCII in it; systems that moved on often still say ASCII
    "UNICODE UTF-8": "utf-8",
    "UNICODE": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    **{f"8859/{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc-kr",
    "CNS 11643-1992": "big5",
    "BIG-5": "big5",
}


def text_of_bytes(body: bytes) -> tuple[str, str]:
    """Read a message's bytes; give its text and the codec.

    Raises: Invalid if a byte is not of the character set that the message names, or it names one that is not known.
    """
    header = body[:4096].splitlines()[0] if body else b""
    fields = header.split(header[3:4]) if len(header) > 3 else []
    named = fields[17].decode("latin-1").strip() if len(fields) > 17 else ""
    first, *others = named.split(chr(header[5]) if len(header) > 5 else "~")
    codec = CODECS.get(first.strip().upper())
    if body.isascii():
        codec = codec or "utf-8"
    elif codec is None or any(CODECS.get(other.strip().upper()) != codec for other in others):
        raise Invalid(
            "a message in a character set that is not known",
            remedy="Convert it to UTF-8, with UNICODE UTF-8 in MSH-18.",
        )
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        text = ""
    if text.encode(codec) != body:
        raise Invalid(
            "bytes that are not of the message's character set",
            remedy="Name the right one in MSH-18, such as 8859/1, or convert it to UTF-8.",
        )
    return text, codec

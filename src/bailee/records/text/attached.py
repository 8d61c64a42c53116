"""The text of an attachment of a released record, where it is one."""

from __future__ import annotations

from binascii import a2b_base64


def attached_text(data: str | memoryview) -> str | None:
    """Read an attachment's base64 data; None for one that is no UTF-8 text, which only identified data can have."""
    try:
        return a2b_base64(data, strict_mode=True).decode()
    except ValueError:
        return None

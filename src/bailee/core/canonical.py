"""Canonical JSON of our own documents, for hashing and signing; clinical JSON is never canonicalised.

The form: UTF-8, keys sorted by code point, no blanks, no floats, integers within ±2^53, strings in NFC.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any

from bailee.core.errors import Invalid

_LIMIT = 2**53


def canonical_bytes(document: Any) -> bytes:
    r"""Write a JSON document in canonical form.

    Raises: Invalid if it holds a float, an integer beyond ±2^53, a key that is not text, or another type.
    Example:
        >>> canonical_bytes({"b": 1, "a": [True, None, "é"]})
        b'{"a":[true,null,"\\xc3\\xa9"],"b":1}'

    """
    return json.dumps(_checked(document), ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sha256_hex(content: bytes) -> str:
    """Hash bytes. Shape: 64 lower-case hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def document_hash(document: Any) -> str:
    """Hash a JSON document by its canonical form. Shape: 64 lower-case hexadecimal digits."""
    return sha256_hex(canonical_bytes(document))


def strict_json(content: bytes | str) -> Any:
    """Read JSON, refusing what the standard library lets pass: duplicate keys, NaN, Infinity.

    Raises: Invalid, without quoting the content.
    """
    try:
        return json.loads(content, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        position = f"character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Invalid("not valid JSON", where=position, remedy="Mend the document and try again.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("duplicate key")
    return document


def _no_constant(_name: str) -> Any:
    raise ValueError("not a number")


def _checked(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, int) and abs(value) < _LIMIT:
        return value
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {unicodedata.normalize("NFC", key): _checked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_checked(item) for item in value]
    raise Invalid(f"canonical JSON has no {type(value).__name__}", remedy="Use text or whole numbers within ±2^53.")

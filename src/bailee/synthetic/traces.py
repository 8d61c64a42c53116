"""Looking for canaries in bytes: every usual encoding of every needle, over whole buffers, in archives and tables too."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from bailee.synthetic.canaries import Canary
from bailee.synthetic.unpacking import unpacked

_WINDOW = 8
_STRIDE = 1 << 21
_BLOOM_BITS = 24
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_LOWER = bytes(range(65)) + bytes(range(97, 123)) + bytes(range(91, 256))


@dataclass(frozen=True, repr=False)
class Trace:
    """A canary met: where, and in what disguise."""

    canary: Canary
    encoding: str
    where: str

    def __repr__(self) -> str:
        return f"Trace({self.canary!r}, {self.encoding}, in {self.where})"


class Scanner:
    """Needles of many canaries in many encodings, ready to be looked for.

    Cost: building, some 60 needles a canary; scanning, about a second for 50 MB, whatever the number of needles.
    """

    def __init__(self, canaries: Iterable[Canary]) -> None:
        folded: dict[bytes, tuple[Canary, str]] = {}
        exact: dict[bytes, tuple[Canary, str]] = {}
        for canary in canaries:
            for encoding, needle, is_folded in _disguises(canary):
                (folded if is_folded else exact).setdefault(needle, (canary, encoding))
        self._folded, self._exact = _Index(folded), _Index(exact)

    def traces(self, content: bytes, where: str = "") -> list[Trace]:
        """Find every canary in the bytes and in whatever they unpack to, once each per place and encoding."""
        found: dict[tuple[int, str, str], Trace] = {}
        for place, plain in unpacked(content, where):
            for canary, encoding in (*self._folded.hits(plain.translate(_LOWER)), *self._exact.hits(plain)):
                found.setdefault((canary.number, encoding, place), Trace(canary, encoding, place))
        return list(found.values())


class _Index:
    """Needles by their first eight bytes, behind a table of bits that lets most windows of a buffer pass unread."""

    def __init__(self, needles: dict[bytes, tuple[Canary, str]]) -> None:
        self._by_key: dict[int, list[tuple[bytes, Canary, str]]] = {}
        for needle, (canary, encoding) in needles.items():
            self._by_key.setdefault(int.from_bytes(needle[:_WINDOW], "little"), []).append((needle, canary, encoding))
        self._keys = np.sort(np.fromiter(self._by_key, dtype=np.uint64, count=len(self._by_key)))
        self._bits = np.zeros(1 << _BLOOM_BITS, dtype=np.bool_)
        self._bits[_hashed(self._keys)] = True

    def hits(self, content: bytes) -> Iterator[tuple[Canary, str]]:
        """Yield what lies in the buffer."""
        if len(content) < _WINDOW or not len(self._keys):
            return
        view = np.frombuffer(content, dtype=np.uint8)
        for start in range(0, len(view) - _WINDOW + 1, _STRIDE):
            windows = np.lib.stride_tricks.sliding_window_view(view[start : start + _STRIDE + _WINDOW - 1], _WINDOW)
            keys = np.ascontiguousarray(windows).view(np.uint64).ravel()
            likely = np.flatnonzero(self._bits[_hashed(keys)])
            sure = likely[
                self._keys[np.minimum(np.searchsorted(self._keys, keys[likely]), len(self._keys) - 1)] == keys[likely]
            ]
            for position in sure:
                for needle, canary, encoding in self._by_key[int(keys[position])]:
                    if content.startswith(needle, start + int(position)):
                        yield canary, encoding


def _hashed(keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    shifted: npt.NDArray[np.uint64] = (keys * _MULTIPLIER) >> np.uint64(64 - _BLOOM_BITS)
    return shifted


def _disguises(canary: Canary) -> Iterator[tuple[str, bytes, bool]]:
    """Give (encoding, needle, whether letters' case is folded) for all of a canary's needles."""
    for needle in canary.needles:
        for name, disguise in _FOLDED_DISGUISES.items():
            text = disguise(needle).encode("utf-8").translate(_LOWER)
            if len(text) >= _WINDOW:
                yield name, text, True
        for case in {needle, needle.lower(), needle.upper()}:
            yield from _encoded(case)
    for value in {canary.value, canary.value.lower(), canary.value.upper(), *canary.needles}:
        yield from _digested(value.encode())


def _escaped(text: str) -> str:
    return json.dumps(text)[1:-1]


def _all_escaped(text: str) -> str:
    return "".join(f"\\u{ord(sign):04x}" for sign in text)


def _full_width(text: str) -> str:
    return "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)


_FOLDED_DISGUISES: dict[str, Callable[[str], str]] = {
    "plain": str,
    "lower": str.lower,
    "upper": str.upper,
    "NFD": lambda text: unicodedata.normalize("NFD", text),
    "NFKC": lambda text: unicodedata.normalize("NFKC", text),
    "unaccented": lambda text: "".join(
        sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign)
    ),
    "full width": _full_width,
    "reversed": lambda text: text[::-1],
    "URL": lambda text: quote(text, safe=""),
    "HTML": html.escape,
    "HTML decimal": lambda text: "".join(sign if sign.isascii() else f"&#{ord(sign)};" for sign in text),
    "HTML hexadecimal": lambda text: "".join(sign if sign.isascii() else f"&#x{ord(sign):x};" for sign in text),
    "JSON": _escaped,
    "JSON, every sign": _all_escaped,
    "RTF": lambda text: "".join(sign if sign.isascii() else f"\\u{ord(sign)}?" for sign in text),
    "RTF, code page": lambda text: "".join(sign if sign.isascii() else f"\\'{ord(sign):02x}" for sign in text),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal, lower": lambda text: text.lower().encode().hex(),
    "hexadecimal, upper": lambda text: text.upper().encode().hex(),
}


def _encoded(text: str) -> Iterator[tuple[str, bytes, bool]]:
    raw = text.encode()
    yield "UTF-16", text.encode("utf-16-le"), False
    yield "UTF-16, big end first", text.encode("utf-16-be"), False
    if not text.isascii():
        yield "Latin-1", text.encode("latin-1", "replace"), False
    for lead in range(3):
        whole = base64.b64encode(b"\0" * lead + raw)
        first = (lead * 8 + 5) // 6
        inner = whole[first : (lead + len(raw)) * 8 // 6]
        if len(inner) >= _WINDOW:
            yield "base64", inner, False
            yield "base64 for URLs", inner.translate(_URLSAFE), False


def _digested(raw: bytes) -> Iterator[tuple[str, bytes, bool]]:
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        digest = hashlib.new(algorithm, raw, usedforsecurity=False).digest()
        yield f"{algorithm} of it", digest.hex().encode(), True
        yield f"{algorithm} of it, base64", base64.b64encode(digest)[:20], False
        yield f"{algorithm} of it, base64 for URLs", base64.urlsafe_b64encode(digest)[:20], False
        yield f"{algorithm} of it, bytes", digest[:16], False

"""How exported bytes become records: checked, identified, tied to their patient; Bundles opened; nothing dropped.

Every input record ends as exactly one row or one problem. A Bundle is a container: its entries count, it does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bailee.core.columns import column_of
from bailee.records.masks import truth
from bailee.records.owner import owner_paths, patients_of
from bailee.records.r4 import resource_types
from bailee.records.walk import Bytes, Collected, Numbers, Paths, Problem, collect, sentence

TYPE, ID, UPDATED, ENTRY, URL, PATIENT = 0, 1, 2, 3, 4, 8
MOST_NESTED_BUNDLES = 4
_ID = r"^[A-Za-z0-9\-.]{1,64}$"
_URN = re.compile(rb'"(urn:uuid:[^"\\]{1,200})"')
_NEVER = np.iinfo(np.int64).min

REMEDIES = {
    "json": "Export it again, or mend that line.",
    "type": "FHIR R4 4.0.1 has no such resource type; export as R4.",
    "id": "Give it an id of 1 to 64 letters, digits, '-' or '.'.",
    "consent": "Name the patient in Consent.patient, or nobody's choice is heeded.",
    "nesting": "Send the inner Bundle by itself.",
    "line-too-long": "Split the export so that a line has at most 64 MiB.",
    "document-too-long": "Send it as NDJSON, or as several Bundles of at most 512 MiB.",
    "gzip-cut-short": "The file ends in the middle: transfer it again; what came before was taken.",
    "gzip-damaged": "The file is damaged: transfer it again; what came before was taken.",
    "encoding": "Save it as UTF-8.",
    "conflict": "The same record came with other content and no later meta.lastUpdated; the first stays.",
}


@dataclass(frozen=True, repr=False)
class Trouble:
    """One input record that was not taken. `line` counts from 1; `what` never quotes the record."""

    line: int
    code: str
    what: str
    content: bytes

    def __repr__(self) -> str:
        return f"Trouble(line {self.line}, {self.code})"


@dataclass(frozen=True, repr=False)
class Parsed:
    """Shape: rows = type, id, patient (string), updated_ms, line (int64), json (large_binary)."""

    rows: pa.Table
    troubles: tuple[Trouble, ...]
    bundles: int


@cache
def _paths() -> Paths:
    tags = {("*", "resourceType"): TYPE, ("*", "id"): ID, ("*", "meta.lastUpdated"): UPDATED}
    tags |= {("Bundle", "entry.resource"): ENTRY, ("Bundle", "entry.fullUrl"): URL}
    for kind in resource_types():
        tags |= {(kind, path): PATIENT + rank for rank, path in enumerate(owner_paths(kind))}
    return Paths(tags)


def parse_lines(content: bytes, first_line: int) -> Parsed:
    """Parse NDJSON: whole lines, blank ones skipped."""
    buffer = np.frombuffer(content, np.uint8)
    ends = np.append(np.flatnonzero(buffer == ord("\n")) + 1, len(buffer))
    offsets = np.unique(np.concatenate([np.zeros(1, np.int64), ends]))
    lines = first_line + np.arange(len(offsets) - 1)
    return _parse(buffer, offsets, lines, depth=0)


def parse_document(content: bytes) -> Parsed:
    """Parse one JSON document: a resource or a Bundle, however it is laid out."""
    try:
        compact = msgspec.json.format(content.removeprefix(b"\xef\xbb\xbf"), indent=-1)
    except msgspec.DecodeError:
        compact = content  # the walk tells what is wrong with it
    return _parse(np.frombuffer(compact, np.uint8), np.array([0, len(compact)]), np.ones(1, np.int64), depth=0)


def _parse(buffer: Bytes, offsets: Numbers, lines: Numbers, *, depth: int) -> Parsed:
    found = collect(buffer, offsets, _paths())
    count = len(offsets) - 1
    types = found.tagged(TYPE).first_texts(buffer, count)
    ids = found.tagged(ID).first_texts(buffer, count)
    is_patient = pc.fill_null(pc.equal(types, "Patient"), fill_value=False)
    referring = found.where(found.tag >= PATIENT)
    patients = pc.if_else(is_patient, ids, patients_of(referring, referring.tag, buffer, count))
    codes = _troubled(found, types, ids, patients)
    troubles = tuple(
        _trouble(found, codes, int(row), buffer, offsets, lines) for row in np.flatnonzero(codes > _BUNDLE)
    )
    kept = np.flatnonzero(codes == _FINE)
    columns = [types, ids, patients, _updated(found, buffer, count), pa.array(lines)]
    records = column_of(*_trimmed(buffer, offsets), pa.large_binary())
    rows = pa.table([column.take(kept) for column in (*columns, records)], _NAMES)
    inner = _open_bundles(found, np.flatnonzero(codes == _BUNDLE), buffer, lines, depth=depth)
    return Parsed(
        pa.concat_tables([rows, *(each.rows for each in inner)]),
        troubles + tuple(trouble for each in inner for trouble in each.troubles),
        int(np.sum(codes == _BUNDLE)) + sum(each.bundles for each in inner),
    )


_NAMES = ["type", "id", "patient", "updated_ms", "line", "json"]
_FINE, _BLANK, _BUNDLE, _JSON, _BAD_TYPE, _BAD_ID, _NOBODYS = range(7)


def _troubled(found: Collected, types: pa.Array, ids: pa.Array, patients: pa.Array) -> npt.NDArray[np.int64]:
    known = truth(pc.is_in(types, pa.array(resource_types())))
    named = truth(pc.match_substring_regex(ids, _ID))
    nobodys = truth(pc.and_(pc.equal(types, "Consent"), patients.is_null()))
    codes = np.where(nobodys, _NOBODYS, _FINE)
    codes = np.where(named, codes, _BAD_ID)
    codes = np.where(known, codes, _BAD_TYPE)
    codes = np.where(truth(pc.equal(types, "Bundle")), _BUNDLE, codes)
    codes = np.where(found.codes != 0, _JSON, codes)
    return np.asarray(np.where(found.codes == Problem.EMPTY, _BLANK, codes), np.int64)


def _trouble(
    found: Collected, codes: npt.NDArray[np.int64], row: int, buffer: Bytes, offsets: Numbers, lines: Numbers
) -> Trouble:
    content = buffer[offsets[row] : offsets[row + 1]].tobytes()
    if codes[row] == _JSON:
        code = "encoding" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} or b"\x00" in content[:64] else "json"
        what = f"the record {sentence(int(found.codes[row]))}, byte {int(found.positions[row]) + 1}"
        return Trouble(int(lines[row]), code, what, content)
    if codes[row] == _BAD_TYPE:
        return Trouble(int(lines[row]), "type", "the record has no resourceType that R4 knows", content)
    if codes[row] == _NOBODYS:
        return Trouble(int(lines[row]), "consent", "the Consent does not name one patient", content)
    return Trouble(int(lines[row]), "id", "the record has no usable id", content)


def _trimmed(buffer: Bytes, offsets: Numbers) -> tuple[Bytes, Numbers]:
    """Take line ends off the slices: what the vault keeps is one line without its end."""
    lasts = offsets[1:] - 1
    ended = buffer[lasts] == ord("\n") if len(buffer) else np.zeros(len(lasts), np.bool_)
    returned = ended & (lasts > offsets[:-1])
    returned[returned] = buffer[lasts[returned] - 1] == ord("\r")
    keep = np.ones(len(buffer), np.bool_)
    keep[lasts[ended]] = False
    keep[lasts[returned] - 1] = False
    removed = np.concatenate([np.zeros(1, np.int64), np.cumsum(ended.astype(np.int64) + returned)])
    return buffer[keep], offsets - removed


def _updated(found: Collected, buffer: Bytes, count: int) -> pa.Array:
    texts = found.tagged(UPDATED).first_texts(buffer, count)
    shaped = pc.match_substring_regex(texts, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$")
    usable = pc.if_else(shaped, texts, None).dictionary_encode()
    moments = np.array([_moment(text) for text in usable.dictionary.to_pylist()] or [_NEVER], np.int64)
    codes = pc.fill_null(usable.indices, -1).to_numpy()
    return pa.array(np.where(codes < 0, _NEVER, moments[codes]))


def _moment(text: str) -> int:
    """Units: milliseconds since the epoch; the least int64 for a day that does not exist."""
    try:
        return (
            int(np.datetime64(text[:19]).astype("datetime64[ms]").astype(np.int64)) - _zone_ms(text) + _fraction(text)
        )
    except ValueError:
        return int(_NEVER)


def _zone_ms(text: str) -> int:
    if text.endswith("Z"):
        return 0
    hours, minutes = text[-6:].split(":")
    sign = -1 if hours.startswith("-") else 1
    return sign * (abs(int(hours)) * 60 + int(minutes)) * 60_000


def _fraction(text: str) -> int:
    match = re.search(r"\.(\d{1,3})", text)
    return int(match[1].ljust(3, "0")) if match else 0


def _open_bundles(
    found: Collected, bundles: npt.NDArray[np.int64], buffer: Bytes, lines: Numbers, *, depth: int
) -> list[Parsed]:
    return [_open_bundle(found, int(row), buffer, int(lines[row]), depth=depth) for row in bundles]


def _open_bundle(found: Collected, row: int, buffer: Bytes, line: int, *, depth: int) -> Parsed:
    """Parse a Bundle's entries as records; `urn:uuid:` references become references to the entries they mean."""
    if depth == MOST_NESTED_BUNDLES:
        trouble = Trouble(line, "nesting", "Bundles lie in Bundles more than four deep", b"")
        return Parsed(pa.table([[]] * len(_NAMES), _NAMES), (trouble,), 0)
    low, high = np.searchsorted(found.record, [row, row + 1])
    here = found.where(np.isin(np.arange(len(found)), np.arange(low, high), assume_unique=True))
    entries = here.tagged(ENTRY)
    named = dict(zip(here.tagged(URL).parent.tolist(), here.tagged(URL).texts(buffer).to_pylist(), strict=True))
    slices = [buffer[start:end].tobytes() for start, end in zip(entries.start, entries.end, strict=True)]
    urls = [named.get(parent, "") for parent in entries.parent.tolist()]
    content, offsets = _resolved(slices, urls)
    return _parse(content, offsets, np.full(len(slices), line), depth=depth + 1)


def _resolved(slices: list[bytes], urls: list[str]) -> tuple[Bytes, Numbers]:
    heads = [_Head.decode(content) for content in slices]
    slices = [
        _with_id(content, url) if head.id is None and url.startswith("urn:uuid:") else content
        for content, head, url in zip(slices, heads, urls, strict=True)
    ]
    known = {
        url.encode(): f'"{head.resourceType}/{head.id or url.removeprefix("urn:uuid:")}"'.encode()
        for head, url in zip(heads, urls, strict=True)
        if url.startswith("urn:uuid:") and head.resourceType
    }
    slices = [_URN.sub(lambda match: known.get(match[1], match[0]), content) for content in slices]
    joined = np.frombuffer(b"".join(slices), np.uint8)
    return joined, np.concatenate([np.zeros(1, np.int64), np.cumsum([len(each) for each in slices], dtype=np.int64)])


class _Head(msgspec.Struct, frozen=True):
    resourceType: str | None = None  # noqa: N815 - FHIR's name
    id: str | None = None

    @staticmethod
    def decode(content: bytes) -> _Head:
        try:
            return msgspec.json.decode(content, type=_Head)
        except msgspec.DecodeError:
            return _Head()


def _with_id(content: bytes, url: str) -> bytes:
    return b'{"id":"' + url.removeprefix("urn:uuid:").encode() + b'",' + content.lstrip()[1:]

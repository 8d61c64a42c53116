"""The kinds of files that `bailee deid` takes, told apart by name and first bytes; each has functions of its own.

A kind is three things: how to know one of its files, `survey` (whose identifiers occur in it, so that a person is one
person in every format), and `clean` (write what leaves). All files are surveyed before any is cleaned. A new kind is one
more row of KINDS; a file of no kind does not leave, and is counted.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final

from bailee.core.errors import UserError
from bailee.flows.deidentify.run import Run
from bailee.flows.ingest.sources import DOCUMENTS, EXPORT_LOG, LINES, Source, opened, shown_name
from bailee.records.cda.reading import looks_like_cda
from bailee.records.dicom.sniff import is_dicom

HEAD_BYTES: Final = 4096
_MESSAGE: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\s\x0b]*(?:MSH|FHS|BHS)[^\w\s]")
_XML: Final = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?\s*\x00?<")

Work = Callable[[Run, list[Source]], None]


@dataclass(frozen=True)
class Kind:
    """One kind of file. `module` has the functions `survey` and `clean`, imported when there is such a file."""

    name: str
    module: str
    known: Callable[[str, bytes], bool]  # lower-case file name, first bytes
    what: str

    @property
    def survey(self) -> Work:
        """Give the function that tells the run whose identifiers the files hold."""
        work: Work = import_module(self.module).survey
        return work

    @property
    def clean(self) -> Work:
        """Give the function that writes what leaves."""
        work: Work = import_module(self.module).clean
        return work


def _is_fhir(name: str, head: bytes) -> bool:
    del head
    return name.endswith(LINES + DOCUMENTS)


def _is_message(name: str, head: bytes) -> bool:
    del name
    return _MESSAGE.match(head) is not None


def _is_dicom(name: str, head: bytes) -> bool:
    del name
    return is_dicom(head)


def _is_cda(name: str, head: bytes) -> bool:
    del name
    return _XML.match(head) is not None and looks_like_cda(head)


KINDS: Final = (
    Kind("FHIR", "bailee.flows.deidentify.fhir", _is_fhir, ", ".join(LINES + DOCUMENTS)),
    Kind("HL7v2", "bailee.flows.deidentify.hl7v2", _is_message, "messages and batches, whatever their names"),
    Kind("DICOM", "bailee.flows.deidentify.dicom", _is_dicom, "objects, whatever their names"),
    Kind("C-CDA", "bailee.flows.deidentify.ccda", _is_cda, "documents and parts of them, whatever their names"),
)


@dataclass(frozen=True)
class Sorted:
    """Files by kind, and those of no kind."""

    by_kind: dict[Kind, list[Source]]
    unknown: list[Source]


def sort_files(source: Path) -> Sorted:
    """Tell the kind of a file, or of every file in a folder, in a fixed order. Numbers count within a kind.

    Raises: UserError if the path does not exist or holds no file of a known kind.
    """
    if not source.exists():
        raise UserError("no such file or folder", where=str(source), remedy="Name an existing one.")
    paths = sorted(each for each in source.rglob("*") if each.is_file()) if source.is_dir() else [source]
    by_kind: dict[Kind, list[Source]] = {}
    unknown: list[Source] = []
    for path in paths:
        if path.name == EXPORT_LOG:
            continue
        kind = _kind_of(path)
        files = unknown if kind is None else by_kind.setdefault(kind, [])
        named = "" if kind is None else f"{kind.name} "
        files.append(Source(path, len(files) + 1, shown_name(path, f"{named}file {len(files) + 1}")))
    if not by_kind:
        raise UserError(
            "no files of a kind that is known",
            where=str(source),
            remedy="Known are " + "; ".join(f"{kind.name}: {kind.what}" for kind in KINDS) + ".",
        )
    return Sorted({kind: by_kind[kind] for kind in KINDS if kind in by_kind}, unknown)


def _kind_of(path: Path) -> Kind | None:
    name, head = path.name.lower(), _head(path)
    return next((kind for kind in KINDS if kind.known(name, head)), None)


def _head(path: Path) -> bytes:
    try:
        with opened(Source(path, 0, "")) as file:
            return file.read(HEAD_BYTES)
    except (EOFError, zlib.error):
        return b""

"""DICOM files: each object by its profile, its image looked at for text, written anew as a DICOM file.

survey    the identifiers of each object's patient
clean     file by file: header, pixels, what the file says of itself; then one file, whole or not at all
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from bailee.core.errors import Invalid, Unavailable
from bailee.deid.dicom.burned import Look, look, without_text
from bailee.deid.dicom.clean import Person
from bailee.deid.dicom.clean import clean as clean_object
from bailee.deid.dicom.identity import Named, named_in
from bailee.deid.dicom.marks import mark
from bailee.deid.dicom.pixels import Image, Pixels, Undecodable, image_of, taken
from bailee.deid.dicom.profiles import DicomProfile, dicom_profile
from bailee.deid.dicom.risk import Risk, refusal, risk_of, shows_head
from bailee.deid.dicom.rules import Plan
from bailee.deid.dicom.values import keyed_uid
from bailee.deid.dicom.wording import is_wording
from bailee.deid.formats.identities import authority
from bailee.deid.notes.chart.charts import charts_from_columns
from bailee.deid.notes.scrub import Subjects
from bailee.engines.ocr import has_tesseract, read_words
from bailee.flows.deidentify.outputs import whole_file
from bailee.flows.deidentify.run import Run, Unread
from bailee.flows.ingest.sources import Source, opened
from bailee.flows.release.texts import TextCleaner
from bailee.records.dicom.read import MOST_BYTES, Opened, quiet, read, read_header, silent
from bailee.records.dicom.write import EXPLICIT, written

KIND: Final = "DICOM object"
FOLDER: Final = "dicom"
REPORT: Final = "images.tsv"
_MOST_REMEMBERED: Final = 50_000
_IDENTIFIABILITY: Final = {"research-identified": "identified"}


def survey(run: Run, files: list[Source]) -> None:
    """Tell the run whose identifiers the objects hold. Raises: UserError for a profile that says nothing of DICOM."""
    dicom_profile(run.profile)
    for source in files:
        run.expect(source.path.stat().st_size)
        try:
            run.persons.meet(_identities(named_in(_header(source).dataset)))
        except (Invalid, EOFError, zlib.error):
            continue  # told when it is cleaned


def clean(run: Run, files: list[Source]) -> None:
    """Write what leaves of each file."""
    run.each(files, _Cleaning(run))


def _read(source: Source) -> Opened:
    with opened(source) as file:
        content = bytearray()
        while piece := file.read(1 << 24):
            content += piece
            if len(content) > MOST_BYTES:
                raise Invalid("a DICOM file of more than 2 GiB", remedy="Split it into single frames.")
    return read(bytes(content))


def _header(source: Source) -> Opened:
    with source.path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        return _read(source) if packed else read_header(file)


def _identities(named: Named) -> list[tuple[str, str]]:
    return [(authority(issuer), value) for issuer, value in named.identities]


@dataclass(frozen=True)
class _Seen:
    """A line of the report on images."""

    file: str
    frames: int
    looked: bool
    texts: int
    boxes: int


class _Cleaning:
    """The plan, ready, and what was cleaned before."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.profile: DicomProfile = dicom_profile(run.profile)
        self.plan = Plan(self.profile)
        self.terms = run.terms(self.profile.name, "", _IDENTIFIABILITY.get(self.profile.name, self.profile.name))
        self._remembered: dict[tuple[Any, ...], str | None] = {}
        self._seen: list[_Seen] = []

    def take(self, source: Source) -> None:
        """Clean one file, or tell why it does not leave."""
        account = self.run.account
        account.came[KIND] += 1
        try:
            content = self._cleaned(source, _read(source))
        except Unavailable as error:
            account.cannot_read(Unread(source.shown, 1, str(error), "Then run it again.", unit="object"))
            return
        except Invalid as error:
            account.cannot_read(Unread(source.shown, 1, error.what, error.remedy, unit="object"))
            return
        except (EOFError, zlib.error):
            account.cannot_read(Unread(source.shown, 1, "a damaged gzip file", "Transfer it again.", unit="object"))
            return
        if content is None:
            return
        with whole_file(self.run.place_of(source, FOLDER, ".dcm")) as write:
            write(content)
        account.left[KIND] += 1

    def finish(self) -> None:
        """Write the report on images: one line a file, counts only."""
        if self._seen:
            with whole_file(self.run.target / FOLDER / REPORT) as write:
                write(b"file\tframes\tlooked at\tframes with text\tboxes blacked out\n")
                for seen in sorted(self._seen, key=lambda each: each.file):
                    looked = "yes" if seen.looked else "no"
                    write(f"{seen.file}\t{seen.frames}\t{looked}\t{seen.texts}\t{seen.boxes}\n".encode())

    def _cleaned(self, source: Source, opened: Opened) -> bytes | None:
        dataset = opened.dataset
        with quiet():
            refused = refusal(dataset, identified=self.profile.identified)
            named = named_in(dataset)
        if refused:
            self.run.account.refused[f"{refused[0]}. {refused[1]}"] += 1
            return None
        root, person = self._person(named, dataset)
        done = clean_object(dataset, self.plan, person, lambda texts: self._texts(texts, named, root))
        self.run.account.dropped.update({f"DICOM, {kind}": count for kind, count in done.unknown.items()})
        pixels, looked = self._pixels(source, opened)
        with silent():
            _add_pixels(done.dataset, pixels)
            if not self.profile.identified:
                done.dataset.PatientID = done.dataset.PatientName = person.pseudonym
            mark(done.dataset, self.profile, looked=looked, syntax=opened.syntax)
            return written(done.dataset, EXPLICIT if pixels is None else pixels.syntax)

    def _person(self, named: Named, dataset: Any) -> tuple[bytes, Person]:
        """Find whose object it is: by patient ID, else it belongs to its study's nobody."""
        run, keys = self.run, self.run.keys
        root = run.persons.root(_identities(named))
        if root is None:
            root = run.persons.root([("study", named.study or str(dataset.get("SOPInstanceUID")))])
        assert root is not None
        uid_key = keys.subkey("dicom uids")

        return root, Person(
            named.id, keys.pseudonym(root), keys.shift_days(root), lambda text: keyed_uid(uid_key, text)
        )

    def _texts(self, texts: list[str], named: Named, root: bytes) -> Sequence[str | None]:
        """Clean texts with the object's own names as the chart; what was cleaned before is remembered."""
        if len(self._remembered) > _MOST_REMEMBERED:
            self._remembered.clear()
        names = [value for _, value in named.values]
        plain = {text for text in texts if is_wording(text, names)}
        fresh = [text for text in texts if text not in plain and (root, named.values, text) not in self._remembered]
        if fresh:
            charts = charts_from_columns(
                1, [0] * len(named.values), [kind for kind, _ in named.values], [value for _, value in named.values]
            )
            shift = self.profile.times == "MODIFIED"
            subjects = Subjects.of(self.run.keys, [root], shift=shift, ninety=np.ones(1, np.bool_), charts=charts)
            cleaner = TextCleaner(charts, subjects, self.run.keys, self.run.account.counts, plan=self.terms)
            cleaned = cleaner.texts(pa.array(fresh, pa.string()), np.zeros(len(fresh), np.int32)).to_pylist()
            self._remembered.update(
                {(root, named.values, text): done for text, done in zip(fresh, cleaned, strict=True)}
            )
        return [text if text in plain else self._remembered[root, named.values, text] for text in texts]

    def _pixels(self, source: Source, opened: Opened) -> tuple[Pixels | None, bool]:
        """Take an object's pixels along, without the text in them; tell whether they were looked at.

        Raises: Invalid, Unavailable for an image that may bear text and cannot be looked at.
        """
        with quiet():
            image = image_of(opened.dataset, opened.syntax)
        if image is None:
            return None, False
        found = None if self.profile.identified else self._look(image)
        with quiet():
            if not self.profile.identified:
                self._check_statement(opened.dataset, found)
                self._report(source, image, found)
            return (without_text(image, found) if found and found.boxes else taken(image)), found is not None

    def _look(self, image: Image) -> Look | None:
        """Look for text; None where an image cannot be looked at, and is of a kind that hardly ever bears any."""
        if not image.is_integer:
            return None
        with quiet():
            risky = risk_of(image.dataset) == Risk.HIGH
        if not has_tesseract():
            if risky:
                raise Unavailable(
                    "an image that may bear text, and no tesseract to read it: install Debian's tesseract-ocr"
                )
            return None
        try:
            return look(image, read_words, thorough=risky)
        except Undecodable:
            if risky:
                raise Invalid(
                    "an image that may bear text, in a compression that cannot be read here",
                    remedy="Decompress it first, or install a decoder for pydicom.",
                ) from None
            return None

    def _check_statement(self, dataset: Any, found: Look | None) -> None:
        if str(dataset.get("BurnedInAnnotation") or "") == "YES" and not (found and found.boxes):
            raise Invalid("an image that says it bears text, in which none is found", remedy="Look at it yourself.")

    def _report(self, source: Source, image: Image, found: Look | None) -> None:
        place, looked = self.run.place_of(source, FOLDER, ".dcm").name, found is not None
        found = found or Look()
        self._seen.append(_Seen(place, image.frames, looked, found.frames, len(found.boxes)))
        images = self.run.account.images
        images["looked at for text" if looked else "not looked at for text"] += 1
        if found.boxes:
            images["with text, blacked out"] += 1
        if shows_head(image.dataset):
            images["of heads: a face can be rendered from sections"] += 1


def _add_pixels(dataset: Any, pixels: Pixels | None) -> None:
    from pydicom.dataelem import DataElement

    if pixels is None:
        return
    element = DataElement(pixels.tag, pixels.vr, pixels.content)
    element.is_undefined_length = pixels.syntax != EXPLICIT
    dataset[pixels.tag] = element
    for name, value in pixels.changed.items():
        setattr(dataset, name, value)

"""DICOM: files and megabytes a second beside pydicom's own reading and writing; how much burned-in text is blacked out.

    python benchmarks/dicom.py [--images N]

Speed: 100 CT slices of 512 x 512 in a folder, headers and pixels; once as `bailee deid` treats headers and pixels, with
and without looking for text. Text: images drawn by tests/support/lettered.py, every background, size and contrast.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support import dicom, lettered

from bailee.core.keys import Secret
from bailee.deid.dicom import burned
from bailee.engines.ocr import read_words
from bailee.flows.deidentify import dicom as flow
from bailee.flows.deidentify.profile import deidentify_files

SLICES, TURNS = 100, 4


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--speed-only", action="store_true")
    parser.add_argument("--text-only", action="store_true")
    parser.add_argument("--images", type=int, default=2, help="of each background, size and contrast")
    arguments = parser.parse_args()
    if not arguments.text_only:
        with tempfile.TemporaryDirectory() as folder:
            speed(Path(folder))
    if not arguments.speed_only:
        recall(arguments.images)


def cpu() -> float:
    """Units: seconds of processor time, of this process and of those that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def study(folder: Path) -> int:
    """Write a study of slices. Units: bytes."""
    rng = np.random.default_rng(1)
    picture = lettered.background(rng, 512, 512, "anatomy").astype(np.int16)
    folder.mkdir()
    for number in range(SLICES):
        image = dicom.image(
            picture + np.int16(number % 7), instance=f"1.2.3.{number}", StudyDescription="CT chest with contrast",
            SeriesDescription="AX LUNG 1.0 B70", StudyDate="20200301", StudyTime="101112", Manufacturer="SIEMENS",
            ReferringPhysicianName="Abernathy^Quentin", AccessionNumber="4482093", InstanceNumber=number,
            ImagePositionPatient=[0, 0, number], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], SliceThickness=1,
            KVP=120, ConvolutionKernel="B70f", BodyPartExamined="CHEST", ImageType=["ORIGINAL", "PRIMARY", "AXIAL"],
        )  # fmt: skip
        dicom.put(image, 0x00291010, "OB", bytes(2000))
        (folder / f"{number:04d}.dcm").write_bytes(dicom.as_file(image))
    return sum(path.stat().st_size for path in folder.iterdir())


def speed(folder: Path) -> None:
    size = study(folder / "in") / 1e6
    files = sorted((folder / "in").iterdir())
    key, outs = Secret(bytes(32)), iter(range(1_000))

    def copied(*, every: bool) -> None:
        for path in files:
            dataset, out = pydicom.dcmread(path), io.BytesIO()
            if every:
                for element in dataset.iterall():
                    str(element.keyword)
            dataset.save_as(out)
            (folder / "copy").write_bytes(out.getvalue())

    def cleaned(source: Path) -> None:
        deidentify_files(source, folder / f"out{next(outs)}", "safe-harbor", key)

    def told(name: str, work: Callable[[], None]) -> None:
        seconds = []
        for _ in range(TURNS):
            start = cpu()
            work()
            seconds.append(cpu() - start)
        best = min(seconds)
        print(f"  {name:<44}{SLICES / best:8.0f} files/s {size / best:8.1f} MB/s", flush=True)

    print(f"{SLICES} slices, {size:.0f} MB; processor time of one core, best of {TURNS} turns")
    told("pydicom, read and write", lambda: copied(every=False))
    told("pydicom, read, every element, write", lambda: copied(every=True))
    cleaned(files[0])  # models are loaded once
    told("bailee deid, text looked for", lambda: cleaned(folder / "in"))
    flow.has_tesseract = lambda: False
    told("bailee deid, without tesseract", lambda: cleaned(folder / "in"))


def recall(count: int) -> None:
    tallies: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    for ground in lettered.GROUNDS:
        for size in (9, 12, 16, 24):
            for contrast in ("high", "middle", "low"):
                for seed in range(count):
                    one(tallies, ground, size, contrast, seed)
        told = tallies["behind", ground]
        print(f"  behind {ground}: {told[0]:.0f} of {told[1]:.0f} lines", flush=True)
    print("lines of text blacked out, by what is behind, size and contrast; area blacked out beside text; refused")
    for (kind, value), (hidden, lines, area, images, refused) in tallies.items():
        share = f"{hidden:.0f}/{lines:.0f}" if lines else "none drawn"
        print(f"  {kind:<10}{value:<10}{share:>12}   {area / images:7.2%}   {refused:.0f}")


def one(tallies: dict[tuple[str, str], list[float]], ground: str, size: int, contrast: str, seed: int) -> None:
    made = lettered.lettered(seed * 100 + size, ground=ground, size=size, contrast=contrast)
    image = burned.Image(dicom.image(made.pixels), dicom.EXPLICIT, 0x7FE00010)
    black, refused = np.zeros(made.pixels.shape, bool), 0
    try:
        boxes = burned.look(image, read_words).boxes
    except burned.Invalid:
        boxes, refused = [], 1
    for left, top, right, bottom in boxes:
        black[top:bottom, left:right] = True
    away = np.ones(black.shape, bool)
    for left, top, right, bottom in made.boxes:
        away[max(top - size, 0) : bottom + size, max(left - 2 * size, 0) : right + 2 * size] = False
    hidden = len(made.boxes) if refused else made.hidden(black)
    values = (hidden, len(made.boxes), black[away].mean() if away.any() else 0, 1, refused)
    for key in (("all", ""), ("behind", ground), ("size", str(size)), ("contrast", contrast)):
        tallies[key] = [old + new for old, new in zip(tallies[key], values, strict=True)]


if __name__ == "__main__":
    main()

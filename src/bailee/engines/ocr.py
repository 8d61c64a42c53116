"""Tesseract as a process: an image goes in by a pipe, boxes of words come out; nothing of either touches the disk."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Unavailable

TIMEOUT_SECONDS: Final = 120
_COLUMNS: Final = 12
_WORD: Final = "5"


@dataclass(frozen=True, repr=False)
class Word:
    """Where a word stands, how sure tesseract is (0 to 100), and how many letters and digits it has; not the word.

    Units: pixels of the image that was read.
    """

    left: int
    top: int
    right: int
    bottom: int
    sure: float
    letters: int

    def __repr__(self) -> str:
        return f"Word({self.left}, {self.top}, {self.right}, {self.bottom})"


@cache
def has_tesseract() -> bool:
    """Tell whether tesseract is on this machine."""
    return shutil.which("tesseract") is not None


def read_words(image: npt.NDArray[np.uint8], *, languages: str = "eng") -> list[Word]:
    """Find words that lie scattered over an image, dark on light.

    Shape: uint8[height, width].
    Raises: Unavailable if tesseract is not there, fails or takes too long.
    Cost: some tenths of a second, a process each.
    """
    if not has_tesseract():
        raise Unavailable("text in images needs tesseract: install Debian's tesseract-ocr")
    height, width = image.shape
    page = b"P5 %d %d 255\n" % (width, height) + np.ascontiguousarray(image).tobytes()
    command = ["tesseract", "stdin", "stdout", "--psm", "11", "-l", languages, "--dpi", "150", "-c",
               "tessedit_do_invert=0", "tsv"]  # fmt: skip
    try:
        done = subprocess.run(
            command, input=page, capture_output=True, check=True, timeout=TIMEOUT_SECONDS, env=_environment()
        )
    except subprocess.TimeoutExpired:
        raise Unavailable("tesseract took too long over an image") from None
    except subprocess.CalledProcessError:
        raise Unavailable("tesseract failed on an image") from None
    return words_of(done.stdout.decode("utf-8", "replace"))


def words_of(table: str) -> list[Word]:
    """Read tesseract's table of tab-separated values."""
    found = []
    for line in table.splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) != _COLUMNS or cells[0] != _WORD:
            continue
        left, top, width, height = (int(cell) for cell in cells[6:10])
        letters = sum(letter.isalnum() for letter in cells[11])
        if letters:
            found.append(Word(left, top, left + width, top + height, float(cells[10]), letters))
    return found


def _environment() -> dict[str, str]:
    """Give tesseract one thread: images are read side by side, not each by several threads."""
    return {**os.environ, "OMP_THREAD_LIMIT": "1"}

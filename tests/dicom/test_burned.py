"""Text burned into images: drawn, found by tesseract, blacked out, and not found again; nothing of it touches the disk."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pydicom
import pytest
from tests.dicom.test_flow import objects, one, run
from tests.support import dicom, lettered

from bailee.core.errors import Invalid
from bailee.deid.dicom import burned
from bailee.deid.dicom.pixels import PIXELS, Image
from bailee.engines.ocr import Word, has_tesseract, read_words, words_of

needs_tesseract = pytest.mark.skipif(not has_tesseract(), reason="needs tesseract: apt-get install tesseract-ocr")
ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"


def image(pixels, **more):
    return Image(dicom.image(pixels, **more), dicom.EXPLICIT, PIXELS[0])


def black_of(boxes, shape):
    black = np.zeros(shape, bool)
    for left, top, right, bottom in boxes:
        black[top:bottom, left:right] = True
    return black


@needs_tesseract
@pytest.mark.parametrize("ground", ["black", "anatomy", "bone"])
def test_what_machines_write_is_found(ground):
    made = lettered.lettered(11, ground=ground, size=16, contrast="high")
    found = burned.look(image(made.pixels), read_words)
    assert made.hidden(black_of(found.boxes, made.pixels.shape)) == len(made.boxes) > 2


@needs_tesseract
def test_text_of_an_ultrasound_is_black_in_every_frame_that_leaves(tmp_path):
    made = lettered.lettered(12, ground="speckle", size=20, contrast="high")
    least = max(bottom for _, _, _, bottom in made.boxes) + 30
    frames = np.stack([made.pixels[:least], np.roll(made.pixels[:least] // 2, 1, axis=1)])
    out, account = one(tmp_path, dicom.image(frames, sop=ULTRASOUND, Modality="US"))
    assert out.BurnedInAnnotation == "NO"
    assert "113101" in {item.CodeValue for item in out.DeidentificationMethodCodeSequence}
    for frame in out.pixel_array:
        seen = frame.astype(int)
        assert not (seen[made.ink[:least] > 0.9] > 200).any()
    assert account.images["with text, blacked out"] == 1
    report = (tmp_path / "out" / "dicom" / "images.tsv").read_text().splitlines()
    assert report[0].split("\t") == ["file", "frames", "looked at", "frames with text", "boxes blacked out"]
    name, frames, looked, texts, boxes = report[1].split("\t")
    assert (frames, looked) == ("2", "yes")
    assert int(texts) >= 2
    assert int(boxes) > 3
    assert (tmp_path / "out" / "dicom" / name).is_file()


@needs_tesseract
def test_text_in_colour_is_found(tmp_path):
    made = lettered.lettered(13, ground="black", size=18, contrast="high")
    pixels = np.zeros((*made.pixels.shape, 3), np.uint8)
    pixels[..., 2] = made.pixels  # blue, which is dark to the eye
    out, account = one(tmp_path, dicom.image(pixels, sop=dicom.SECONDARY, Modality="OT"))
    assert account.images["with text, blacked out"] == 1
    assert not (out.pixel_array[made.ink > 0.9] > 100).any()


def test_text_that_is_still_read_after_all_rounds_refuses_the_image():
    pixels = np.zeros((400, 200), np.uint8)
    for row in range(8):  # eight rows of three letters, far apart
        for letter in range(3):
            pixels[row * 50 + 5 : row * 50 + 17, 20 + letter * 14 : 28 + letter * 14] = 255

    def one_row_at_a_time(paper):
        return [Word(12, 12, 40, 30, 95.0, 5)]

    with pytest.raises(Invalid, match="still read"):
        burned.look(image(pixels), one_row_at_a_time)

    def all_at_once(paper):
        return [Word(0, 0, paper.shape[1], paper.shape[0], 95.0, 5)]

    found = burned.look(image(pixels), all_at_once)
    assert not (pixels[~black_of(found.boxes, pixels.shape)] > 0).any()


def test_an_image_that_says_it_bears_text_in_which_none_is_found_is_refused(tmp_path):
    out, account = one(tmp_path, dicom.image(BurnedInAnnotation="YES"))
    assert out is None
    assert account.unread.total() == 1


def test_a_risky_image_without_tesseract_is_refused_and_others_say_that_nobody_looked(tmp_path, monkeypatch):
    monkeypatch.setattr("bailee.flows.deidentify.dicom.has_tesseract", lambda: False)
    (tmp_path / "in").mkdir()
    for name, more in {"us": {"sop": ULTRASOUND, "Modality": "US"}, "ct": {}}.items():
        (tmp_path / "in" / name).write_bytes(dicom.as_file(dicom.image(**more)))
    account = run(tmp_path / "in", tmp_path / "out")
    (out,) = objects(tmp_path / "out")
    assert out.Modality == "CT"
    assert "BurnedInAnnotation" not in out
    assert "113101" not in {item.CodeValue for item in out.DeidentificationMethodCodeSequence}
    assert "tesseract-ocr" in str(account.shown[0])


def test_a_risky_image_that_cannot_be_decoded_is_refused(tmp_path):
    dataset = dicom.image(sop=ULTRASOUND, Modality="US")
    element = pydicom.DataElement(PIXELS[0], "OB", pydicom.encaps.encapsulate([b"\xff\xd8\xff\xd9"]))
    element.is_undefined_length = True
    dataset[PIXELS[0]] = element
    out, account = one(tmp_path, dicom.as_file(dataset, syntax="1.2.840.10008.1.2.4.57"))
    assert out is None
    assert "ecompress" in str(account.shown[0]) or "tesseract" in str(account.shown[0])


def test_words_are_counted_and_not_kept():
    table = "level\t…\n5\t1\t1\t1\t1\t1\t10\t20\t30\t8\t91.5\tQXWENDELIN\n5\t1\t1\t1\t1\t2\t10\t20\t30\t8\t91.5\t—\n"
    (word,) = words_of(table)
    assert (word.left, word.right, word.bottom, word.letters) == (10, 40, 28, 10)
    assert "QX" not in repr(word)


@needs_tesseract
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace: apt-get install strace")
def test_no_image_touches_the_disk(tmp_path):
    script = (
        "import numpy as np; from tests.support import lettered; from bailee.engines.ocr import read_words;"
        "read_words(255 - lettered.lettered(11, ground='black', size=18, contrast='high').pixels)"
    )
    log = tmp_path / "calls"
    command = [
        "strace",
        "-f",
        "-qq",
        "-e",
        "trace=openat,creat,open,memfd_create",
        "-o",
        str(log),
        sys.executable,
        "-c",
        script,
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    )
    if "ptrace" in done.stderr.lower():
        pytest.skip("tracing is not allowed here")
    assert done.returncode == 0, done.stderr[-500:]
    written = [
        line for line in log.read_text().splitlines() if "O_WRONLY" in line or "O_RDWR" in line or "creat(" in line
    ]
    assert [line for line in written if "/dev/null" not in line and "= -1" not in line] == []

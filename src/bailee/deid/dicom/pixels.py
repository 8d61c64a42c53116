"""An object's image: read by pydicom's decoders, looked at, with boxes blacked out, and with nothing beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bailee.core.errors import Invalid
from bailee.deid.dicom import streams
from bailee.deid.dicom.clean import UNDEFINED, raw_of
from bailee.deid.dicom.values import swapped
from bailee.records.dicom.read import quiet
from bailee.records.dicom.write import EXPLICIT

Frame = npt.NDArray[Any]
Box = tuple[int, int, int, int]  # left, top, right, bottom: pixels, the last two not included
PIXELS: Final = (0x7FE00010, 0x7FE00008, 0x7FE00009)
_IMPLICIT, _BIG, _RLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"
_NATIVE: Final = frozenset({"", _IMPLICIT, EXPLICIT, "1.2.840.10008.1.2.1.99", _BIG})
MOST_BYTES: Final = 2 << 30
_REMEDY: Final = "Decompress it first, or leave it out."


class Undecodable(Invalid):
    """Pixels that pydicom cannot decode here."""


@dataclass(frozen=True, repr=False)
class Image:
    """What an object holds of pixels. `tag` is one of PIXELS."""

    dataset: Any
    syntax: str
    tag: int

    @property
    def is_integer(self) -> bool:
        """Tell pixels of whole numbers, which have a look, from maps of measured values, which have none."""
        return self.tag == PIXELS[0]

    @property
    def frames(self) -> int:
        """Count the frames."""
        return max(int(self.dataset.get("NumberOfFrames") or 1), 1)

    @property
    def samples(self) -> int:
        """Count the samples of a pixel."""
        return int(self.dataset.get("SamplesPerPixel") or 1)

    @property
    def rows(self) -> int:
        """Height. Units: pixels."""
        return int(self.dataset.get("Rows") or 0)

    @property
    def columns(self) -> int:
        """Width. Units: pixels."""
        return int(self.dataset.get("Columns") or 0)

    def frame(self, index: int, *, raw: bool = False) -> tuple[Frame, str]:
        """Decode one frame: its pixels and how they are coloured. Raises: Undecodable if it cannot be decoded."""
        from pydicom.pixels import get_decoder
        from pydicom.uid import UID

        try:
            with quiet():
                decoder = get_decoder(UID(self.syntax or _guessed(self.dataset)))
                frame, meta = decoder.as_array(self.dataset, index=index, raw=raw)
        except Invalid:
            raise Undecodable("an image that cannot be decoded here", remedy=_REMEDY) from None
        return frame, str(meta["photometric_interpretation"])


@dataclass(frozen=True, repr=False)
class Pixels:
    """Pixels as they leave: the element's bytes, and the attributes that describe them anew."""

    tag: int
    vr: str
    content: bytes
    syntax: str
    changed: dict[str, Any]


def image_of(dataset: Any, syntax: str) -> Image | None:
    """Find an object's pixels. Raises: Invalid if they are larger than can be held, or there is no size to them."""
    tag = next((tag for tag in PIXELS if tag in dataset), None)
    if tag is None:
        return None
    image = Image(dataset, syntax, tag)
    with quiet():
        size = image.rows * image.columns * image.frames * image.samples
        bits = int(dataset.get("BitsAllocated") or 0)
    if not size or not bits:
        raise Invalid("an image without a size", remedy="Export it again.")
    if size * bits // 8 > MOST_BYTES:
        raise Invalid("an image that is too large to hold", remedy="Split it into single frames.")
    return image


def taken(image: Image) -> Pixels:
    """Give the pixels as they are, without what is no pixel: padding, unused bits, comments in compressed frames.

    Raises: Invalid for pixels that are cut short or damaged.
    """
    raw = raw_of(image.dataset, image.tag)
    if raw is None:
        raise Invalid("an image whose pixels cannot be read", remedy=_REMEDY)
    if image.syntax not in _NATIVE and image.is_integer:
        return _recoded(image, {}, raw_colours=True) if image.syntax == _RLE else _compressed(image, raw)
    if raw.length == UNDEFINED:
        raise Invalid("compressed pixels in a file that says they are not", remedy=_REMEDY)
    if not image.is_integer:
        vr = "OF" if image.tag == PIXELS[1] else "OD"
        content = _trimmed(image, swapped(vr, raw.value, little=bool(raw.is_little_endian)))
        return Pixels(image.tag, vr, content, EXPLICIT, {})
    if not raw.is_little_endian:
        return _recoded(image, {}, raw_colours=True)
    return _native(image, _trimmed(image, raw.value), {})


def blacked_out(image: Image, boxes: dict[int, list[Box]]) -> Pixels:
    """Give the pixels with boxes blacked out, frame by frame, uncompressed."""
    return _recoded(image, boxes, raw_colours=False)


def blacken(image: Image, frame: Frame, colours: str, boxes: Iterable[Box]) -> Frame:
    """Black out boxes of one frame: with the darkest value that it has."""
    done = np.array(frame)
    for left, top, right, bottom in boxes:
        done[top:bottom, left:right] = _darkest(image, frame, colours)
    return done


def shown(image: Image, frame: Frame, colours: str) -> Frame:
    """Give a frame as it is seen: indexes of a palette as their colours."""
    if colours != "PALETTE COLOR":
        return frame
    from pydicom.pixels import apply_color_lut

    with quiet():
        return np.asarray(apply_color_lut(frame, image.dataset))


def _darkest(image: Image, frame: Frame, colours: str) -> Any:
    if colours == "PALETTE COLOR":
        seen = shown(image, frame, colours).astype(np.int64).sum(axis=2)
        return frame.reshape(-1)[int(seen.argmin())]
    if colours.startswith("YBR_FULL"):
        return np.array([0, 128, 128], frame.dtype)
    return frame.max() if colours == "MONOCHROME1" else 0 if colours == "RGB" else frame.min()


def _recoded(image: Image, boxes: dict[int, list[Box]], *, raw_colours: bool) -> Pixels:
    content, colours = bytearray(), ""
    bits = int(image.dataset.get("BitsAllocated"))
    for index in range(image.frames):
        frame, colours = image.frame(index, raw=raw_colours)
        frame = blacken(image, frame, colours, boxes.get(index, ())) if boxes else frame
        if bits == 1:
            frame = np.packbits(frame.astype(np.uint8), bitorder="little")
            if image.frames > 1 and image.rows * image.columns % 8:
                raise Invalid("frames of single bits that do not fill bytes", remedy=_REMEDY)
        content += frame.astype(frame.dtype.newbyteorder("<")).tobytes()
    changed: dict[str, Any] = {"PhotometricInterpretation": colours}
    if bits != 1:
        changed["BitsAllocated"] = len(content) * 8 // (image.rows * image.columns * image.frames * image.samples)
    if image.samples > 1:
        changed["PlanarConfiguration"] = 0
    return _native(image, bytes(content), changed)


def _native(image: Image, content: bytes, changed: dict[str, Any]) -> Pixels:
    bits = int(image.dataset.get("BitsAllocated"))
    content = _without_unused_bits(image.dataset, content)
    return Pixels(image.tag, "OB" if bits <= 8 else "OW", content + b"\0" * (len(content) % 2), EXPLICIT, changed)


def _trimmed(image: Image, content: bytes) -> bytes:
    dataset = image.dataset
    samples = image.samples * image.rows * image.columns * image.frames
    if str(dataset.get("PhotometricInterpretation") or "").endswith("_422"):
        samples = samples // 3 * 2
    expected = (samples * int(dataset.get("BitsAllocated")) + 7) // 8
    if len(content) < expected:
        raise Invalid("an image whose pixels are cut short", remedy="Export it again.")
    return content[:expected]


def _without_unused_bits(dataset: Any, content: bytes) -> bytes:
    """Clear the bits beside the stored ones, where old files keep overlays; pixels of the padding value stay."""
    allocated, stored = int(dataset.get("BitsAllocated")), int(dataset.get("BitsStored") or 0)
    high, signed = int(dataset.get("HighBit") or 0), bool(dataset.get("PixelRepresentation"))
    if allocated not in {8, 16, 32} or not 0 < stored < allocated:
        return content
    pixels = np.frombuffer(content, f"<{'i' if signed else 'u'}{allocated // 8}")
    if signed and high == stored - 1:
        kept = (pixels << (allocated - stored)) >> (allocated - stored)
    else:
        kept = pixels & np.array(((1 << stored) - 1) << max(high - stored + 1, 0)).astype(pixels.dtype)
    padding = dataset.get("PixelPaddingValue")
    if isinstance(padding, int):
        kept = np.where(pixels == padding, pixels, kept)
    return kept.astype(pixels.dtype).tobytes()


def _compressed(image: Image, raw: Any) -> Pixels:
    """Give compressed frames anew: one fragment each, an offset table, no comments."""
    from pydicom.encaps import encapsulate, generate_frames

    with quiet():
        frames = [bytes(frame) for frame in generate_frames(raw.value, number_of_frames=image.frames)]
    content = encapsulate([streams.cleaned(frame) for frame in frames], has_bot=False)
    return Pixels(image.tag, "OB", content, image.syntax, {})


def _guessed(dataset: Any) -> str:
    """Tell the transfer syntax of an object whose file has no header, as pydicom found it."""
    implicit, little = dataset.original_encoding
    return _IMPLICIT if implicit else EXPLICIT if little else _BIG

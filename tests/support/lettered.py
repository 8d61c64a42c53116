"""Images with text drawn into them, over what medical images look like, and what was drawn where."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

FOLDERS = (Path("/usr/share/fonts/truetype"), Path("/usr/share/fonts"))
GROUNDS = ("black", "anatomy", "noise", "speckle", "bright", "bone")
NAMES = ["DOE^JANE", "Smith, John", "MUELLER ANNA", "GARCIA LOPEZ M.", "Kowalski P", "Nguyen, Thi", "OBRIEN SEAN"]
PLACES = ["St. Mary Hospital", "Mercy General", "City Clinic", "Radiology Dept. 3"]


@dataclass(frozen=True)
class Lettered:
    """`pixels` uint8[height, width]; `ink` how much of each pixel is text, 0 to 1; `boxes` left, top, right, bottom of lines."""

    pixels: np.ndarray
    ink: np.ndarray
    boxes: list[tuple[int, int, int, int]]

    def hidden(self, black: np.ndarray, share: float = 0.95) -> int:
        """Count the lines of which no more can be read: all but 1 - `share` of their ink is black."""
        return sum(
            black[top:bottom, left:right][self.ink[top:bottom, left:right] > 0.5].mean() >= share
            for left, top, right, bottom in self.boxes
        )


def fonts() -> list[Path]:
    """List fonts that are on this machine; without any, Pillow's own."""
    return sorted(path for path in FOLDERS[0].rglob("*.ttf") if "Math" not in path.name)


def font(choice: random.Random, size: int):
    paths = fonts()
    return ImageFont.truetype(str(choice.choice(paths)), size) if paths else ImageFont.load_default(size)


def lettered(seed: int, *, ground: str, size: int, contrast: str, lines: int = 5) -> Lettered:
    """Draw a patient's lines in one font into one picture. Units: size in pixels of the font."""
    choice, noise = random.Random(seed), np.random.default_rng(seed)
    height, width = choice.choice([(512, 512), (480, 640), (600, 800)])
    back = background(noise, height, width, ground)
    layer = Image.new("L", (width, height), 0)
    pen, face = ImageDraw.Draw(layer), font(choice, size)
    x, y, boxes = choice.choice([6, width // 2]), choice.randrange(3, 20), []
    for text in texts(choice)[:lines]:
        box = tuple(int(edge) for edge in pen.textbbox((x, y), text, font=face))
        if box[2] < width - 2 and box[3] < height - 2:
            pen.text((x, y), text, fill=255, font=face)
            boxes.append(box)
            y = box[3] + choice.randrange(2, 8)
    ink = np.asarray(layer) / 255.0
    return Lettered((back * (1 - ink) + _tone(back, ground, contrast) * ink).astype(np.uint8), ink, boxes)


def texts(choice: random.Random) -> list[str]:
    """Make up what machines write into images: a name, a number, dates, a place."""
    day, month = choice.randrange(1, 29), choice.randrange(1, 13)
    return [
        choice.choice(NAMES),
        f"ID: {choice.randrange(10**6, 10**8)}",
        f"DOB {month:02d}/{day:02d}/{choice.randrange(1930, 2015)}",
        f"{choice.randrange(2000, 2024)}-{month:02d}-{day:02d} {choice.randrange(24):02d}:{choice.randrange(60):02d}",
        choice.choice(PLACES),
    ]


def background(noise: np.random.Generator, height: int, width: int, ground: str) -> np.ndarray:
    """Make a picture without text."""
    y, x = np.mgrid[:height, :width]
    picture = np.zeros((height, width))
    if ground == "noise":
        picture = noise.normal(60, 25, (height, width))
    elif ground == "bright":
        picture = noise.normal(190, 15, (height, width))
    elif ground == "speckle":
        fan = (abs(x - width / 2) < y * 0.7) & (y > 40) & (y < height * 0.9)
        picture = noise.rayleigh(35, (height, width)) * fan
    elif ground in {"anatomy", "bone"}:
        for _ in range(14):
            cy, cx, ry, rx = (noise.uniform(*span) for span in ((0.2, 0.8), (0.2, 0.8), (0.04, 0.3), (0.04, 0.3)))
            inside = ((y / height - cy) / ry) ** 2 + ((x / width - cx) / rx) ** 2 < 1
            picture += noise.uniform(20, 240 if ground == "bone" else 90) * inside
        picture = np.minimum(picture, 200) + noise.normal(0, 8, (height, width))  # white on white is no text
    return np.clip(picture, 0, 255)


def _tone(back: np.ndarray, ground: str, contrast: str) -> float:
    if ground == "bright":
        return {"high": 0.0, "middle": 60.0, "low": 110.0}[contrast]
    most = float(np.percentile(back, 95))
    return {"high": 255.0, "middle": min(255.0, most + 90), "low": min(255.0, most + 45)}[contrast]

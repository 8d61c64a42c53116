"""A progress bar with rate and time left, on standard error, only where a person looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def progress_bar(label: str, *, unit: str = "MB", scale: float = 1e6) -> Iterator[Callable[[int, int], None]]:
    """Give a function of (done, whole). Units: `scale` of what is counted makes one `unit`."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    began = time.monotonic()
    with click.progressbar(
        length=1, label=label, file=sys.stderr, show_eta=True, item_show_func=lambda rate: rate
    ) as bar:

        def show(done: int, whole: int) -> None:
            bar.length = max(1, whole)
            seconds = max(1e-3, time.monotonic() - began)
            bar.update(max(0, done - bar.pos), f"{done / scale / seconds:,.1f} {unit}/s")

        yield show

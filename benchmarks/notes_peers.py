"""One peer over the notes of a file, run by the interpreter of the peers' environment: prints kB a CPU second.

Run: VENV/bin/python benchmarks/notes_peers.py NAME NOTES.json. Uses nothing of ours.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

TURNS = 3


def scrubadub() -> Callable[[str], object]:
    import scrubadub as peer

    scrubber = peer.Scrubber()
    return lambda text: list(scrubber.iter_filth(text))


def presidio() -> Callable[[str], object]:
    import spacy
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine

    engine = SpacyNlpEngine()
    engine.nlp = {"en": spacy.blank("en")}
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    return lambda text: analyzer.analyze(text=text, language="en")


def philter() -> Callable[[str], object]:
    import philter_lite
    from philter_lite.filters import filter_db  # noqa: F401 - tells early that the filters are there

    filters = philter_lite.load_filters(str(Path(philter_lite.__file__).parent / "configs" / "philter_delta.toml"))
    return lambda text: philter_lite.detect_phi(text, patterns=filters)


def main() -> None:
    makers = {"scrubadub": scrubadub, "presidio-analyzer, blank model": presidio, "philter-lite": philter}
    notes = json.loads(Path(sys.argv[2]).read_text("utf-8"))
    work = makers[sys.argv[1]]()
    try:
        work(notes[0])
    except LookupError:  # NLTK's data lie outside PyPI
        sys.exit("its language data (NLTK) are not on this machine")
    size = sum(len(note.encode()) for note in notes)
    best = float("inf")
    for _ in range(TURNS):
        began = time.process_time()
        for note in notes:
            work(note)
        best = min(best, time.process_time() - began)
    print(round(size / 1e3 / best, 2))


if __name__ == "__main__":
    main()

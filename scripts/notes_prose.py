"""Ordinary prose that identifies nobody, from packages that are installed: what the notes model learns to leave alone.

English: ICD-10-CM descriptions (`pip install simple-icd-10-cm`, public domain), docstrings of Python's library, NumPy and
fhir.resources. Other languages: sentences of random words from Faker's lists. Nothing of it is shipped.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from random import Random

SENTENCE = re.compile(r"(?<![\w.] )(?<=[ (])[A-Z][a-z]+(?: [a-z]+[,;:]?| [a-z]+-[a-z]+| \([a-z ]+\)){4,40}[.?]")


def docstrings() -> Iterator[str]:
    """Give sentences of docstrings that have no capital but their first."""
    folders = [
        Path(sysconfig.get_path("stdlib")),
        *(Path(str(import_module(name).__path__[0])) for name in ("numpy", "fhir.resources")),
    ]
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            if "site-packages" in path.relative_to(folder).parts:
                continue
            text = re.sub(r"\s+", " ", path.read_text("utf-8", "ignore"))
            yield from (match[0] for match in SENTENCE.finditer(text))


def prose(language: str, seed: int = 1) -> list[str]:
    """Give some thousands of sentences of a language."""
    if language != "en":
        return list(random_words({"es": "es_ES", "fr": "fr_FR", "de": "de_DE"}[language], Random(seed)))  # noqa: S311
    import simple_icd_10_cm as icd

    titles = [icd.get_description(code) for code in icd.get_all_codes()]
    return sorted(set(docstrings())) + titles[::3]


def random_words(locale: str, rng: Random) -> Iterator[str]:
    """Give sentences of a locale's words in any order."""
    listed = import_module(f"faker.providers.lorem.{locale}").Provider.word_list
    for _ in range(12_000):
        words = [rng.choice(listed) for _ in range(rng.randint(3, 18))]
        text = " ".join(word + (rng.choice((",", ";", "")) if rng.random() < 0.1 else "") for word in words)
        yield text[:1].upper() + text[1:] + rng.choice((".", ".", "", "?"))

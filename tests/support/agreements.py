"""The example agreement of the documentation, and variations of it."""

from pathlib import Path

from bailee.agreements.check import Approval, ask_of
from bailee.agreements.documents import agreement_hash, read_agreement
from bailee.agreements.terms import Agreement
from bailee.core.clock import ms_from_iso
from bailee.core.grants import Ask

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "oncology-notes.yaml"
PROFILE = "ab" * 32
NOW = ms_from_iso("2027-01-15T12:00:00Z")


def example_text(**changes: str) -> str:
    """Give the example's text, with `old=new` replacements of whole fragments."""
    text = EXAMPLE.read_text("utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def example(*changes: tuple[str, str]) -> Agreement:
    """Give the example agreement with fragments of its text replaced."""
    return read_agreement(example_text(**dict(changes)))


def active(agreement: Agreement) -> Approval:
    """Say that an agreement is signed and active."""
    return Approval(state="ACTIVE", signed_sha256=agreement_hash(agreement))


def everything(agreement: Agreement) -> Ask:
    """Ask for all that an agreement gives."""
    return ask_of(agreement, profile_sha256=PROFILE)

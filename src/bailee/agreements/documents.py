"""An agreement as a file: reading it strictly, checking that its terms fit together, and its hash.

The hash is of the terms in canonical form: comments and layout may change, a term may not. Whoever approved a
hash approved these terms and no others.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from bailee.agreements.fitness import misfits
from bailee.agreements.lines import Document, path_from_error
from bailee.agreements.requests import Request
from bailee.agreements.terms import Agreement
from bailee.core.canonical import document_hash
from bailee.core.errors import Invalid, UserError

_EXPECTED = re.compile(r"^Expected `([^`]+)`((?: of length)? (?:>=|<=|>|<) \d+)?")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")


def read_agreement(source: Path | str, *, name: str = "agreement") -> Agreement:
    """Read an agreement from a file, or from the text itself, and check that its terms fit together.

    Raises: Invalid naming the file, the line, the rule and the remedy: for bad YAML, an unknown or missing term,
    a value outside of its vocabulary, or terms that contradict each other; UserError if the file cannot be read.
    """
    if isinstance(source, Path):
        name, source = source.name, _text_of(source)
    document = Document(source, name=name)
    try:
        agreement = msgspec.convert(document.values, Agreement)
    except msgspec.ValidationError as error:
        raise _explained(document, str(error)) from None
    for path, rule, remedy in misfits(agreement):
        raise Invalid(rule, where=document.where(path), remedy=remedy)
    return agreement


def read_request(source: Path | str, *, name: str = "request") -> Request:
    """Read a request from a file, or from the text itself.

    Raises: Invalid naming the file, the line, the rule and the remedy; UserError if the file cannot be read.
    """
    if isinstance(source, Path):
        name, source = source.name, _text_of(source)
    document = Document(source, name=name)
    try:
        return msgspec.convert(document.values, Request)
    except msgspec.ValidationError as error:
        raise _explained(document, str(error)) from None


def agreement_hash(agreement: Agreement) -> str:
    """Hash the terms. Shape: 64 lower-case hexadecimal digits."""
    return document_hash(agreement_document(agreement))


def agreement_document(agreement: Agreement) -> dict[str, Any]:
    """Give the terms as plain JSON values, dates as ISO 8601, every term present."""
    document: dict[str, Any] = msgspec.to_builtins(agreement)
    return document


def agreement_from_document(document: dict[str, Any]) -> Agreement:
    """Read stored terms back. Raises: Invalid if they are not an agreement of this format."""
    try:
        return msgspec.convert(document, Agreement)
    except msgspec.ValidationError:
        raise Invalid(
            "stored terms that are not an agreement", remedy="Add the agreement again from its file."
        ) from None


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise Invalid("not UTF-8 text", where=path.name, remedy="Save the file as UTF-8.") from None
    except OSError as error:
        raise UserError(f"the agreement cannot be read: {error.strerror}", where=path.name) from None


def _explained(document: Document, message: str) -> Invalid:
    path = path_from_error(message)
    if found := _UNKNOWN.search(message):
        path = (*path, found[1])
        return Invalid(
            f"unknown term `{found[1]}`", where=document.where(path), remedy="Remove it or correct its name."
        )
    if found := _MISSING.search(message):
        remedy = f"Add `{found[1]}`; docs/agreements.md says what it means."
        return Invalid(f"the term `{found[1]}` is missing", where=document.where(path), remedy=remedy)
    term = ".".join(str(step) for step in path) or "the document"
    return Invalid(
        f"`{term}` {_rule_of(message)}", where=document.where(path), remedy="docs/agreements.md lists what it may be."
    )


def _rule_of(message: str) -> str:
    """Keep msgspec's rule and drop the value that broke it."""
    if message.startswith(("Invalid enum value", "Invalid value")):
        return "is not a word of its vocabulary"
    if found := _EXPECTED.search(message):
        return f"must be {found[1]}{found[2] or ''}" + (" of the right form" if "matching regex" in message else "")
    if "ISO8601" in message or "RFC3339" in message:
        return "must be a day, such as 2027-01-31"
    return "breaks a rule"

"""The public register as static files: HTML, JSON, CSV and RSS of one list of uses; no storage here.

Every entry stands in the ledger by the hash of its JSON, and has the proof of it beside it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from bailee.core.canonical import canonical_bytes
from bailee.core.clock import iso_from_ms
from bailee.ledger.retention import moment_of
from bailee.ledger.uses import HDR_FIELDS, OWN_FIELDS, Refusal, Use, cell


@dataclass(frozen=True)
class Published:
    """A use with its place in the ledger: number and time of its leaf, and those of its earlier versions."""

    use: Use
    seq: int
    at_ms: int
    earlier: tuple[tuple[int, int], ...] = ()

    @property
    def content(self) -> bytes:
        """Give the bytes whose hash the leaf names."""
        return use_bytes(self.use)


@dataclass(frozen=True)
class Register:
    """All that is published at one time."""

    hospital: str
    at_ms: int
    uses: tuple[Published, ...]
    refusals: tuple[Refusal, ...]
    checkpoint: str
    verifier: str


def use_bytes(use: Use) -> bytes:
    """Write a use in canonical form; its SHA-256 is in the ledger."""
    return canonical_bytes(msgspec.to_builtins(use))


def files_of(register: Register) -> dict[str, bytes]:
    """Write the register's files. Shape: path → content; proofs are added by whoever has the ledger."""
    files = {
        "index.html": _template("register.html.j2").render(register=register, day=_day).encode(),
        "register.json": canonical_bytes(_document(register)),
        "register.csv": _csv(register.uses).encode(),
        "register.rss": _rss(register).encode(),
        "checkpoint": register.checkpoint.encode(),
    }
    for one in register.uses:
        files[f"uses/{one.use.agreement}.json"] = one.content
        page = _template("use.html.j2").render(
            one=one, register=register, fields=(*HDR_FIELDS, *OWN_FIELDS), cell=cell, day=_day
        )
        files[f"uses/{one.use.agreement}.html"] = page.encode()
    return files


def _document(register: Register) -> dict[str, Any]:
    return {
        "format": "bailee-register/1",
        "hospital": register.hospital,
        "published": iso_from_ms(register.at_ms),
        "uses": [
            {"use": msgspec.to_builtins(one.use), "ledger_entry": one.seq, "published": iso_from_ms(one.at_ms)}
            for one in register.uses
        ],
        "refusals": [
            {"on": item.on, "what": item.what, "about": item.about, "reasons": list(item.reasons)}
            for item in register.refusals
        ],
    }


def _csv(uses: Sequence[Published]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    fields = (*HDR_FIELDS, *OWN_FIELDS)
    writer.writerow([field.title for field in fields])
    for one in uses:
        cells = [cell(one.use, field) for field in fields]
        writer.writerow([f"'{text}" if text[:1] in set("=+-@\t\r") else text for text in cells])
    return out.getvalue()


def _rss(register: Register) -> str:
    items = "".join(
        f"<item><title>{escape(one.use.organisation)}: {escape(one.use.title)}</title>"
        f"<link>uses/{escape(one.use.agreement)}.html</link>"
        f'<guid isPermaLink="false">ledger-entry-{one.seq}</guid>'
        f"<pubDate>{format_datetime(moment_of(one.at_ms))}</pubDate>"
        f"<description>{escape(one.use.lay_summary)}</description></item>\n"
        for one in sorted(register.uses, key=lambda one: -one.seq)
    )
    title = f"{escape(register.hospital)}: uses of patients' data"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0"><channel>'
        f"<title>{title}</title><link>index.html</link><description>{title}</description>\n{items}</channel></rss>\n"
    )


def _day(at_ms: int) -> str:
    return iso_from_ms(at_ms)[:10]


@cache
def _template(name: str) -> Template:
    loader = FileSystemLoader(Path(__file__).with_name("pages"))
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)

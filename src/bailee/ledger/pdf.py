"""An accounting, or letters, as a PDF to print and post; needs the extra `pdf`.

The document's date is the one given, so that the same content gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from bailee.core.errors import UserError
from bailee.ledger.accounting import Accounting
from bailee.ledger.report import STATES, day, notes_of, purpose_words

_FONT, _BOLD = "Vera", "VeraBd"


def accounting_pdf(accounting: Accounting, *, hospital: str, person: str) -> bytes:
    """Write an accounting as a PDF. `person` is how the reader is named on it. Raises: UserError without the extra."""
    story = [
        ("h1", "Accounting of disclosures"),
        ("p", f"{hospital}, for {person}, asked for on {day(accounting.asked_ms)} (45 CFR 164.528)"),
    ]
    for row in accounting.rows:
        story += [
            ("h2", f"{day(row.at_ms)}: {row.partner}"),
            ("p", " · ".join(part for part in (row.address, row.phone) if part)),
            ("p", f"What: {', '.join(row.data)} ({row.identifiability})"),
            ("p", f"Why: {purpose_words(row.purpose)}. On what ground: {row.route}, agreement {row.agreement}"),
            (
                "small",
                f"{STATES[row.state]}; release {row.release}; ledger entry {row.seq}, your entry no. {row.number}",
            ),
        ]
    if not accounting.rows:
        story.append(("p", "Nothing was disclosed in this time."))
    return document_pdf(
        [*story, *(("small", note) for note in notes_of(accounting))], title="Accounting of disclosures"
    )


def document_pdf(story: Sequence[tuple[str, str]], *, title: str) -> bytes:
    """Write paragraphs as a PDF. Shape: (style, text); styles h1, h2, p, small, page (a new page; its text is ignored)."""
    platypus, styles = _styles()
    flow: list[Any] = []
    for style, content in story:
        flow.append(platypus.PageBreak() if style == "page" else platypus.Paragraph(escape(content), styles[style]))
    out = io.BytesIO()
    platypus.SimpleDocTemplate(out, title=title, author="Bailee", invariant=1, lang="en").build(flow)
    return out.getvalue()


def _styles() -> tuple[Any, dict[str, Any]]:
    try:
        from reportlab import platypus
        from reportlab.lib.styles import ParagraphStyle
        from reportlab.pdfbase.pdfmetrics import registerFont
        from reportlab.pdfbase.ttfonts import TTFont
    except ModuleNotFoundError:
        raise UserError(
            "PDF needs an extra package", remedy="Run: pip install 'bailee[pdf]', or ask for csv."
        ) from None
    for font in (_FONT, _BOLD):
        registerFont(TTFont(font, f"{font}.ttf"))

    def style(size: int, font: str = _FONT, before: int = 2) -> Any:
        return ParagraphStyle(f"s{size}{font}", fontName=font, fontSize=size, leading=size * 1.4, spaceBefore=before)

    return platypus, {"h1": style(16, _BOLD), "h2": style(11, _BOLD, 10), "p": style(10), "small": style(8)}

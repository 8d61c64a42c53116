"""The markup of a section's text: which elements and attributes it has, and which of them part the text."""

from __future__ import annotations

from typing import Final

# Elements between which a reader sees a gap; text goes on across the others.
BLOCKS: Final = frozenset(
    {
        "text",
        "paragraph",
        "list",
        "item",
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "td",
        "th",
        "br",
        "col",
        "colgroup",
    }
)
INLINE: Final = frozenset({"content", "linkHtml", "sub", "sup", "footnote", "footnoteRef"})
ELEMENTS: Final = BLOCKS | INLINE
REMOVED: Final = frozenset({"renderMultiMedia"})  # stands for an image
# Attributes that say how a thing looks, and what they may be.
_COUNT: Final = r"\d{1,4}"
_SIZE: Final = r"\d{1,4}(\.\d{1,2})?(%|px|pt|em)?"
LOOKS: Final = {
    "border": _SIZE,
    "width": _SIZE,
    "cellspacing": _SIZE,
    "cellpadding": _SIZE,
    "span": _COUNT,
    "colspan": _COUNT,
    "rowspan": _COUNT,
    "align": "left|center|right|justify|char",
    "valign": "top|middle|bottom|baseline",
    "listType": "ordered|unordered",
    "frame": "void|above|below|hsides|lhs|rhs|vsides|box|border",
    "rules": "none|groups|rows|cols|all",
    "scope": "row|col|rowgroup|colgroup",
    "revised": "insert|delete",
    "styleCode": r"(( |^)(Bold|Italics|Underline|Emphasis|Lrule|Rrule|Toprule|Botrule|Arabic|LittleRoman|BigRoman|LittleAlpha|BigAlpha|Disc|Circle|Square|xRowNormal|xRowAlt|xCellHeader))+",
}
IDS: Final = frozenset({"ID"})
REFERENCES: Final = frozenset({"IDREF", "headers"})

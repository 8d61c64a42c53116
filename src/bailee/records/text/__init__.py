"""Text of notes out of the bytes that carry it (base64, character sets, HTML, RTF, C-CDA), and back. Finds nothing in it."""

from bailee.records.text.attachments import attachment_texts, attachments_from_texts
from bailee.records.text.reading import LARGEST, Unreadable, read_text

__all__ = ["LARGEST", "Unreadable", "attachment_texts", "attachments_from_texts", "read_text"]

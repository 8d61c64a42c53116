"""Telling a DICOM file by its first bytes: with or without preamble, of any byte order, whatever it is called."""

from __future__ import annotations

import struct
from typing import Final

HEAD_BYTES: Final = 132 + 1024
PREAMBLE_BYTES: Final = 128
_GROUPS: Final = frozenset({0x0002, 0x0008})
_VRS: Final = frozenset(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV".split()
)
_LONGEST_FIRST: Final = 256  # the first element of an object without a header is short


def is_dicom(head: bytes) -> bool:
    """Tell whether a file that begins so is a DICOM file. `head` is its first HEAD_BYTES, or all of it."""
    if head[PREAMBLE_BYTES : PREAMBLE_BYTES + 4] == b"DICM":
        return True
    return len(head) >= 16 and (_begins(head, "<") or _begins(head, ">"))


def _begins(head: bytes, order: str) -> bool:
    """Tell whether bytes look like an element of group 0002 or 0008, followed by another that is no smaller."""
    group, element = struct.unpack_from(order + "HH", head)
    if group not in _GROUPS or element > 0x0100:
        return False
    explicit = head[4:6] in _VRS
    if explicit:
        start, length = 8, struct.unpack_from(order + "H", head, 6)[0]
        if head[4:6] in {b"OB", b"OW", b"UN", b"SQ", b"UT"}:
            return False
    else:
        start, length = 8, struct.unpack_from(order + "I", head, 4)[0]
    if length > _LONGEST_FIRST or length % 2 or start + length + 8 > len(head):
        return False
    following, number = struct.unpack_from(order + "HH", head, start + length)
    return (following, number) > (group, element) and following in {0x0002, 0x0004, 0x0008, 0x0010, 0x0018, 0x0020}

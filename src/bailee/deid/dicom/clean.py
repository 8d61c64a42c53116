"""A whole object by a plan: made anew from what may leave, so that nothing comes along unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bailee.core.errors import Invalid
from bailee.deid.dicom import codes, values
from bailee.deid.dicom.rules import TEXTS, Action, Plan, Step
from bailee.records.dicom.read import quiet, silent

Texts = Callable[[list[str]], Sequence[str | None]]
MOST_NESTED: Final = 40
UNDEFINED: Final = 0xFFFFFFFF
_CHARSET: Final = 0x00080005
_CODE: Final = (0x00080100, 0x00080119)
_SCHEME: Final = 0x00080102
_LONGEST: Final = {"SH": 16, "LO": 64, "ST": 1024, "LT": 10240}
_WORDS: Final = TEXTS | {"PN", "UR", "AE", "CS"}
_REMEDY: Final = "Export it again."


@dataclass(frozen=True, repr=False)
class Person:
    """Whose object it is: the id it came with, the pseudonym it leaves with, the days that dates move; how UIDs map."""

    id: str
    pseudonym: str
    shift_days: int
    uid: Callable[[str], str]

    def __repr__(self) -> str:
        return "Person(…)"


@dataclass(repr=False)
class Cleaned:
    """The new object, without pixels. `removed` counts attributes by what decided, `unknown` those without a rule."""

    dataset: Any
    removed: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    texts: int = 0


@dataclass(frozen=True, repr=False)
class _Slot:
    """A place for a cleaned text."""

    into: Any
    tag: int
    vr: str
    texts: list[str]
    step: Step


def clean(source: Any, plan: Plan, person: Person, texts: Texts) -> Cleaned:
    """Make an object anew: attributes that may leave, treated; pixels excepted.

    Raises: Invalid where an attribute is cut short, or sequences lie too deep.
    """
    with silent():
        return _Object(plan, person, texts).run(source)


class _Object:
    """One object under way."""

    def __init__(self, plan: Plan, person: Person, texts: Texts) -> None:
        from pydicom.dataset import Dataset

        self._plan, self._person, self._texts = plan, person, texts
        self._cleaned = Cleaned(Dataset())
        self._slots: list[_Slot] = []
        self._signed = False

    def run(self, source: Any) -> Cleaned:
        raw = raw_of(source, 0x00280103)
        self._signed = bool(raw and any(raw.value or b""))
        self._walk(source, self._cleaned.dataset, ["iso8859"], depth=0)
        self._fill()
        return self._cleaned

    def _walk(self, source: Any, into: Any, encodings: list[str], *, depth: int) -> None:
        if depth > MOST_NESTED:
            raise Invalid(f"sequences nested deeper than {MOST_NESTED}", remedy=_REMEDY)
        encodings = encodings_of(source) or encodings
        code = _code_of(source, encodings)
        for tag in sorted(source.keys()):
            number = int(tag)
            if number & 0xFFFF == 0:
                continue  # lengths of groups: retired, and wrong after any change
            step = None if _is_foreign(number) else self._plan.step(number)
            if step is None:
                self._cleaned.unknown[_kind_of(number)] += 1
            elif step.action == Action.ENTER:
                self._enter(source, tag, into, encodings, depth=depth)
            elif step.action != Action.PIXELS:
                self._one(source, tag, into, encodings, code, step, depth=depth)

    def _enter(self, source: Any, tag: Any, into: Any, encodings: list[str], *, depth: int) -> None:
        from pydicom.dataelem import DataElement
        from pydicom.dataset import Dataset
        from pydicom.sequence import Sequence as Items

        raw = raw_of(source, tag)
        if raw is not None and raw.VR not in {None, "SQ", "UN"}:
            self._cleaned.removed["another VR than the standard's"] += 1
            return
        with quiet():
            element = source[tag]
        if element.VR != "SQ":
            self._cleaned.removed["another VR than the standard's"] += 1
            return
        items = []
        for item in element.value or []:
            items.append(Dataset())
            self._walk(item, items[-1], encodings, depth=depth + 1)
        into[tag] = DataElement(tag, "SQ", Items(items))

    def _one(
        self, source: Any, tag: Any, into: Any, encodings: list[str], code: tuple[str, str], step: Step, *, depth: int
    ) -> None:
        if step.action == Action.REMOVE:
            self._cleaned.removed[step.rule or "rule"] += 1
            return
        raw = raw_of(source, tag)
        if raw is None or (step.vr != "SQ" and raw.VR == "SQ"):
            self._cleaned.removed["another VR than the standard's"] += 1
            return
        vr = self._vr(step, raw)
        if step.action == Action.EMPTY or not raw.value:
            self._put(into, tag, vr, b"")
            return
        done = self._done(step, vr, raw, into, encodings, code, depth=depth)
        if done is None:
            self._otherwise(into, tag, vr, step)
        elif done is not _WAITS:
            self._put(into, tag, vr, done)

    def _done(
        self, step: Step, vr: str, raw: Any, into: Any, encodings: list[str], code: tuple[str, str], *, depth: int
    ) -> bytes | None:
        little = bool(raw.is_little_endian)
        match step.action:
            case Action.KEEP:
                return self._kept(step, vr, raw.value, little=little)
            case Action.ALL:
                return self._all(vr, raw.value, encodings, little=little)
            case Action.TERM:
                return values.coded(raw.value)
            case Action.UID:
                return values.uids(raw.value, self._person.uid) if vr == "UI" else None
            case Action.SHIFT:
                return values.times(vr, raw.value, self._person.shift_days)
            case Action.AGE:
                return values.age(raw.value, fold=True)
            case Action.BULK:
                return None if values.is_text(raw.value) else values.swapped(vr, raw.value, little=little)
            case Action.PERSON:
                return self._pseudonym(step, decoded(vr, raw.value, encodings), depth=depth)
            case Action.SHAPE:
                return _encoded(values.shaped(decoded(vr, raw.value, encodings), step.argument))
            case Action.CODE:
                return self._code(step, raw, vr, into, encodings, code)
            case Action.TEXT:
                return self._wait(step, raw.tag, vr, into, decoded(vr, raw.value, encodings))
        return None

    def _kept(self, step: Step, vr: str, raw: bytes, *, little: bool) -> bytes | None:
        if vr in {"DA", "DT", "TM"}:
            return values.times(vr, raw, 0)
        if vr == "AS":
            return values.age(raw, fold=False)
        return values.numbers(vr, step.vm, raw, little=little) if vr in values.SIZES or vr in {"IS", "DS"} else None

    def _all(self, vr: str, raw: bytes, encodings: list[str], *, little: bool) -> bytes:
        if vr in _WORDS:
            return decoded(vr, raw, encodings).encode()
        return values.swapped(vr, raw, little=little)

    def _pseudonym(self, step: Step, text: str, *, depth: int) -> bytes | None:
        if depth and (step.keyword != "PatientID" or text.strip() != self._person.id):
            return None
        return self._person.pseudonym.encode()

    def _code(
        self, step: Step, raw: Any, vr: str, into: Any, encodings: list[str], code: tuple[str, str]
    ) -> bytes | None:
        text = decoded(vr, raw.value, encodings).strip()
        public = codes.is_public(*code)
        if step.argument == "meaning" and not (public and codes.is_meaning(*code, text)):
            return self._wait(step, raw.tag, vr, into, text)
        return text.encode() if public else None

    def _wait(self, step: Step, tag: int, vr: str, into: Any, text: str) -> bytes | None:
        parts = text.split("\\") if vr in {"LO", "SH", "UC"} else [text]
        if not text.strip():
            return b""
        self._slots.append(_Slot(into, int(tag), vr, [part.strip(" \0") for part in parts], step))
        return _WAITS

    def _fill(self) -> None:
        """Clean all texts at once, and put them in their places."""
        unique = list(dict.fromkeys(text for slot in self._slots for text in slot.texts if text))
        cleaned = dict(zip(unique, self._texts(unique), strict=True)) if unique else {}
        self._cleaned.texts += len(unique)
        for slot in self._slots:
            parts = [_cut(cleaned.get(text) or "", slot.vr) for text in slot.texts]
            if any(parts):
                self._put(slot.into, slot.tag, slot.vr, "\\".join(parts).encode())
            else:
                self._otherwise(slot.into, slot.tag, slot.vr, slot.step)

    def _otherwise(self, into: Any, tag: int, vr: str, step: Step) -> None:
        self._cleaned.removed[step.rule if step.action == Action.DUMMY else "not what belongs there"] += 1
        if step.otherwise == Action.EMPTY:
            self._put(into, tag, vr, b"")
        elif Action.DUMMY in {step.otherwise, step.action}:
            self._put(into, tag, vr, values.dummy(step, vr))

    def _put(self, into: Any, tag: Any, vr: str, value: bytes) -> None:
        from pydicom.dataelem import RawDataElement
        from pydicom.tag import Tag

        value = values.padded(vr, value)
        into[tag] = RawDataElement(Tag(tag), vr, len(value), value, 0, False, True, True)

    def _vr(self, step: Step, raw: Any) -> str:
        """Choose a VR: the standard's; of several the file's, if it is one of them, else the one that signs suit."""
        options = step.vr.split(" or ")
        if len(options) == 1:
            return options[0]
        if raw.VR in options:
            return str(raw.VR)
        if "SS" in options and self._signed and "OW" not in options:
            return "SS"
        return "OW" if "OW" in options else options[0]


_WAITS: Final = b"\0waits"


def _cut(text: str, vr: str) -> str:
    kept = "".join(letter for letter in text if letter >= " " or (letter in "\n\r\t\f" and vr in {"ST", "LT", "UT"}))
    return kept.replace("\\", "/")[: _LONGEST.get(vr, len(kept))].strip()


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def raw_of(source: Any, tag: Any) -> Any:
    """Give an attribute as the file holds it, None for one that is not there or is a sequence already read.

    Raises: Invalid if the file ends before the value does.
    """
    raw = source.get_item(tag) if tag in source else None
    if raw is None or (not raw.is_raw and raw.VR == "SQ"):
        return None
    if not raw.is_raw:
        return _raw_again(raw)
    if raw.length not in {UNDEFINED, len(raw.value or b"")}:
        raise Invalid("an attribute that is cut short", remedy=_REMEDY)
    return raw


def _raw_again(element: Any) -> Any:
    """Undo pydicom's reading of one attribute: it reads some ahead, and all that are empty."""
    from pydicom.dataelem import RawDataElement
    from pydicom.filebase import DicomBytesIO
    from pydicom.filewriter import write_data_element

    file = DicomBytesIO()
    file.is_little_endian, file.is_implicit_VR = True, True
    with quiet():
        write_data_element(file, element)
    value = file.getvalue()[8:]
    return RawDataElement(element.tag, element.VR, len(value), value, 0, False, True, True)


def encodings_of(source: Any) -> list[str]:
    """Tell the character sets that a data set states; empty if it states none."""
    from pydicom.charset import python_encoding

    raw = raw_of(source, _CHARSET)
    if raw is None or not raw.value:
        return []
    stated = raw.value.decode("latin-1").rstrip("\0 ").split("\\")
    return [python_encoding.get(each.strip(), "iso8859") for each in stated]


def decoded(vr: str, raw: bytes, encodings: list[str]) -> str:
    """Read text in the character sets of its data set; what cannot be read becomes U+FFFD."""
    from pydicom.charset import TEXT_VR_DELIMS, decode_bytes
    from pydicom.valuerep import PN_DELIMS

    if vr in {"CS", "AE", "UR", "UI", "DA", "TM", "DT", "AS", "IS", "DS"} or (raw.isascii() and b"\x1b" not in raw):
        return raw.decode("latin-1").rstrip("\0 ")
    delimiters = PN_DELIMS if vr == "PN" else TEXT_VR_DELIMS
    return str(decode_bytes(raw, encodings, delimiters)).rstrip("\0 ")


def _code_of(source: Any, encodings: list[str]) -> tuple[str, str]:
    scheme = raw_of(source, _SCHEME)
    code = next((raw for raw in (raw_of(source, tag) for tag in _CODE) if raw is not None), None)
    texts = [decoded("SH", raw.value or b"", encodings).strip() if raw is not None else "" for raw in (scheme, code)]
    return texts[0], texts[1]


def _is_foreign(tag: int) -> bool:
    """Tell private attributes, curves, overlays and what belongs to messages and file headers."""
    group = tag >> 16
    return bool(group % 2) or group >> 8 in {0x50, 0x60} or group < 8


def _kind_of(tag: int) -> str:
    group = tag >> 16
    if group % 2:
        return "private"
    if group >> 8 in {0x50, 0x60}:
        return "curves and overlays"
    return "messages and headers" if group < 8 else "not in the standard"


def walk(source: Any) -> Iterator[tuple[Any, int, Any, list[str]]]:
    """Give every attribute of an object at any depth but sequences: data set, tag, raw element, character sets."""
    waiting = [(source, ["iso8859"], 0)]
    while waiting:
        here, above, depth = waiting.pop()
        if depth > MOST_NESTED:
            raise Invalid(f"sequences nested deeper than {MOST_NESTED}", remedy=_REMEDY)
        encodings = encodings_of(here) or above
        for tag in here.keys():  # noqa: SIM118 - a data set iterates over elements
            number = int(tag)
            if _is_foreign(number) or number & 0xFFFF == 0:
                continue
            raw = raw_of(here, tag)
            if raw is None or (raw.VR or _standard_vr(number)) == "SQ":
                with quiet():
                    element = here[tag]
                waiting += [(item, encodings, depth + 1) for item in element.value or [] if element.VR == "SQ"]
            else:
                yield here, number, raw, encodings


def _standard_vr(tag: int) -> str:
    from pydicom.datadict import DicomDictionary

    entry = DicomDictionary.get(tag)
    return str(entry[0]) if entry else "UN"

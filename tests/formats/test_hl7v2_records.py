"""Taken apart and put together, HL7 v2 is the same bytes; what cannot be read is refused with a reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bailee.core.errors import Invalid
from bailee.records.hl7v2.charset import text_of_bytes
from bailee.records.hl7v2.escapes import Delimiters
from bailee.records.hl7v2.files import parts_of
from bailee.records.hl7v2.message import message_from_text
from bailee.records.hl7v2.tables import codes, data_types, primitives, segments

PLAIN = Delimiters.of("MSH|^~\\&|")
ENDS = st.sampled_from(["\r", "\n", "\r\n", "\r\r\n"])
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
FIELD = st.lists(TEXT | st.sampled_from(["", "~", "^a", "\\F\\", "\\X41\\", '""', "&"]), max_size=3).map("".join)


@st.composite
def texts(draw):
    """A message: any fields, any line ends, lines that start no segment among them."""
    header = draw(st.sampled_from(["MSH|^~\\&|", "MSH#$%*@#", "MSH|^~\\&#|", "MSH!^~!".replace("!", "|")]))
    end = draw(ENDS)
    lines = [header + "|".join(draw(st.lists(FIELD, max_size=4)))]
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(["PID", "OBX", "ZZZ", "pid", "", "a line of text"]))
        lines.append(name + header[3] + header[3].join(draw(st.lists(FIELD, max_size=5))))
    return end.join(lines) + draw(st.sampled_from(["", end, end * 2]))


@given(texts())
def test_a_message_is_the_same_after_it_was_taken_apart(text):
    assert message_from_text(text).text() == text


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"", b"\x0b", b"\xef\xbb\xbf"]),
            texts(),
            st.sampled_from([b"\r", b"\r\n", b"\r\x1c\r", b"\n\x1c\r\n"]),
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 40),
)
def test_a_file_is_the_same_after_it_was_cut_whatever_the_blocks(framed, size):
    content = b"".join(lead + text.encode() + tail for lead, text, tail in framed)
    blocks = [content[at : at + size] for at in range(0, len(content), size)]
    parts = list(parts_of(blocks))
    assert b"".join(part.lead + part.body + part.tail for part in parts) == content
    assert parts == list(parts_of([content]))


def test_a_file_of_many_messages_is_cut_at_each():
    content = b"FHS|^~\\&|\rBHS|^~\\&|\r\x0bMSH|^~\\&|A\rPID|1\r\x1c\rMSH|^~\\&|B\rBTS|2\rFTS|1\r"
    parts = list(parts_of([content]))
    assert [part.name for part in parts] == ["FHS", "BHS", "MSH", "MSH", "BTS", "FTS"]
    assert parts[2].lead == b"\x0b"
    assert parts[2].tail == b"\x1c\r"
    assert parts[2].body == b"MSH|^~\\&|A\rPID|1\r"


@given(TEXT)
def test_what_is_escaped_says_the_same(text):
    assert PLAIN.unescape(PLAIN.escape_text(text)) == text


@given(TEXT.map(lambda text: text.replace("\\", "")), st.sampled_from("|^~&"))
def test_no_delimiter_stands_in_an_escaped_value(text, mark):
    assert mark not in PLAIN.escape_text(text + mark)


def test_escapes_are_read():
    said = PLAIN.unescape(
        "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f\\X4A6F\\g\\.br\\h\\.sp+2\\i\\H\\j\\N\\\\Zlocal\\k\\C2842\\l\\"
    )
    assert said == "a|b^c&d~e\\fJog\nh\nij k l\\"


@pytest.mark.parametrize(
    "text",
    [
        "PID|1",
        "MSH",
        "MSH|",
        "MSH|^^~\\",
        "MSHaa~\\&",
        "MSH|ab~\\&|",
        "MSH|^~\\&|\x00",
        "MSH|^~\\&|\x0bMSH|",
        "MSH|^~\\&\x01|",
    ],
)
def test_what_is_no_message_is_refused_without_its_content(text):
    with pytest.raises(Invalid) as refused:
        message_from_text(text)
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("named", "letters", "works"),
    [
        ("", "Núñez", "utf-8"),
        ("UNICODE UTF-8", "Núñez", "utf-8"),
        ("8859/1", "Núñez", "latin-1"),
        ("8859/15~8859/15", "Núñez", "iso8859-15"),
        ("GB 18030-2000", "王小明", "gb18030"),
        ("BIG-5", "王小明", "big5"),
    ],
)
def test_a_message_is_read_in_its_own_characters(named, letters, works):
    body = (r"MSH|^~\&|||||||||P|2.5|||||" + f"|{named}" + f"\rPID|||||{letters}\r").encode(works)
    text, codec = text_of_bytes(body)
    assert letters in text
    assert text.encode(codec) == body


@pytest.mark.parametrize(
    ("named", "codec"),
    [
        ("", "latin-1"),
        ("UNICODE UTF-8", "latin-1"),
        ("ASCII", "latin-1"),
        ("ISO IR87", "utf-8"),
        ("8859/1~ISO IR87", "utf-8"),
    ],
)
def test_bytes_that_are_not_of_the_character_set_are_refused(named, codec):
    body = (r"MSH|^~\&|||||||||P|2.5|||||" + f"|{named}" + "\rPID|||||Núñez\r").encode(codec)
    with pytest.raises(Invalid):
        text_of_bytes(body)


def test_the_tables_are_whole():
    assert segments()["PID"][5].type == "XPN"
    assert segments()["PID"][3].required
    assert segments()["OBX"][5].repeats
    assert segments()["MSH"][9].type == "MSG"
    assert data_types()["CX"][4].type == "HD"
    assert "F" in codes()["0001"]
    assert not segments().keys() & (data_types().keys() | primitives())
    assert {"ST", "TX", "FT", "NM", "DTM"} <= primitives()
    for owner in (*segments().values(), *data_types().values()):
        assert list(owner) == list(range(1, len(owner) + 1))

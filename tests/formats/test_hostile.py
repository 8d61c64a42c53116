"""Whatever bytes come, a file is cleaned or refused with a reason: nothing else happens, and nothing known gets through."""

import base64
import re

from hypothesis import given
from hypothesis import strategies as st
from tests.formats.test_ccda_rules import DOCUMENT
from tests.formats.test_ccda_rules import left as document_left
from tests.formats.test_hl7v2_rules import left as message_left
from tests.support.hl7v2 import MSH, PID

from bailee.core.errors import Invalid
from bailee.deid.cda.plan import shipped_plan as document_plan
from bailee.deid.hl7v2.plan import shipped_plan as message_plan
from bailee.records.cda.reading import looks_like_cda, tree_from_bytes
from bailee.records.hl7v2.charset import text_of_bytes
from bailee.records.hl7v2.files import parts_of

SECRET = "Quillfeather"
MESSAGE = "\r".join(
    [
        MSH.format(number=1),
        PID.format(number=1).replace("Doe", SECRET),
        f"PV1|1|I|{SECRET}^1||||1^{SECRET}^A",
        f"OBX|1|ED|1^x^LN|1|^TEXT^^Base64^{base64.b64encode(SECRET.encode()).decode()}|a",
    ]
)
PROFILES = ["safe-harbor", "limited-data-set", "expert-determination"]


@st.composite
def mutated(draw, text):
    """Cut, repeat, swap and strew bytes; what is secret stays whole or is cut."""
    content = text
    for _ in range(draw(st.integers(0, 4))):
        at, to = sorted((draw(st.integers(0, len(content))), draw(st.integers(0, len(content)))))
        strewn = draw(
            st.sampled_from(
                [
                    b"",
                    b"|",
                    b"^",
                    b"~",
                    b"&",
                    b"\\",
                    b"\\X",
                    b"\r",
                    b"\n",
                    b"<",
                    b">",
                    b"&#x0;",
                    b"&lt;",
                    b'"',
                    b"\xff",
                    b"\xc3\xa9",
                    b"OBX|1|TX|",
                    b"<!--",
                    b"<![CDATA[",
                    b"]]>",
                ]
            )
        )
        content = draw(
            st.sampled_from(
                [
                    content[:at] + strewn + content[to:],
                    content[:at] + strewn + content[at:],
                    content[at:to] + strewn + content,
                ]
            )
        )
        if len(content) > 20_000:
            break
    return content


@given(mutated(MESSAGE.encode()), st.sampled_from(PROFILES))
def test_any_message_is_cleaned_or_refused(content, profile):
    try:
        out = [message_left(message_plan(profile), text_of_bytes(part.body)[0]) for part in parts_of([content])]
    except Invalid as refused:
        out = [str(refused)]
    assert not any(SECRET in text for text in out)


@given(st.binary(max_size=300))
def test_any_bytes_are_parted_and_joined(content):
    assert b"".join(part.lead + part.body + part.tail for part in parts_of([content])) == content
    looks_like_cda(content)
    remedies = []
    for read in (tree_from_bytes, text_of_bytes):
        try:
            read(content)
        except Invalid as refused:
            remedies.append(refused.remedy)
    assert all(remedies)


@given(mutated(DOCUMENT.replace("Doe", SECRET).encode()), st.sampled_from(PROFILES))
def test_any_document_is_cleaned_or_refused(content, profile):
    try:
        out = document_left(document_plan(profile), content)
    except Invalid as refused:
        out = str(refused).encode()
    # A limited data set lets a town stay, whatever a broken document has in its place.
    towns = re.sub(rb"<city>.*?</city>", b"", out, flags=re.DOTALL)
    assert SECRET.encode() not in towns


def test_a_packed_text_that_xml_cannot_write_is_written_without_it():
    packed = base64.b64encode("a\ufffeb\x0bc".encode()).decode()
    text = f'<text mediaType="text/plain" representation="B64">{packed}</text>'
    document = f'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody>{text}</nonXMLBody></component></ClinicalDocument>'
    out = document_left(document_plan("safe-harbor"), document.encode(), texts=lambda pieces: pieces)
    assert base64.b64encode(b"abc") in out

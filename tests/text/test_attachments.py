"""Text of attachments: read whatever carries it, refused with a reason where it cannot be, put back as plain text."""

import base64
import hashlib
import json
import os
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailee.records.text import LARGEST, attachment_texts, attachments_from_texts
from bailee.records.text.charset import decode, repair


def attachment(content, kind="text/plain", **other):
    data = base64.b64encode(content).decode() if isinstance(content, bytes) else content
    return json.dumps({"contentType": kind, "data": data, **other})


def read(content, kind="text/plain", **other):
    texts, reasons = attachment_texts(pa.array([attachment(content, kind, **other)]))
    return texts[0].as_py(), reasons[0].as_py()


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_plain_text_is_read_in_every_character_set(charset):
    assert read("Señor Núñez fue visto\r\nayer".encode(charset)) == ("Señor Núñez fue visto\nayer", None)


def test_a_declared_character_set_is_used_where_utf8_does_not_fit():
    assert read("Łódź".encode("iso8859-2"), "text/plain; charset=ISO-8859-2")[0] == "Łódź"


def test_utf8_that_was_read_as_windows_1252_is_mended():
    text = "Señor Núñez – “Müller”"
    assert decode(text.encode().decode("cp1252", "ignore").encode()) in {
        text,
        repair(text.encode().decode("cp1252", "ignore")),
    }
    assert repair("José".encode().decode("cp1252")) == "José"


@pytest.mark.parametrize("text", ["Ã la carte", "naïve café", "Â", "plain", "Ãé José"])
def test_text_that_may_be_right_is_not_mended(text):
    assert repair(text) == text


HTML = (
    "<html><head><style>p{}</style><script>x='Bad'</script></head><body><p>Seen by Dr.&nbsp;Ana&#32;Ruiz</p>"
    "<table><tr><td>HR</td><td>72</td></tr></table><div style='display:none'>MRN 12345</div>a<br>b &lt; c<!-- no --></body></html>"
)


def test_html_gives_its_text_hidden_text_too_and_no_script():
    text, _ = read(HTML.encode(), "text/html; charset=utf-8")
    assert text.replace("\xa0", " ").split("\n") == [
        "Seen by Dr. Ana Ruiz",
        "",
        "HR\t72",
        "",
        "MRN 12345",
        "a",
        "b < c",
    ]


def test_rtf_gives_its_text():
    assert read(rb"{\rtf1\ansi\ansicpg1252 Patient \b Jos\'e9 Ruiz\b0\par DOB 3/2/61}", "text/rtf")[0].split("\n") == [
        "Patient José Ruiz",
        "DOB 3/2/61",
    ]


CDA = """<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><recordTarget/><component><structuredBody><component>
<section><title>Plan</title><text><paragraph>See <content>Ana</content> soon.</paragraph><table><tbody><tr><td>HR</td><td>72</td></tr></tbody>
</table></text></section></component></structuredBody></component></ClinicalDocument>"""


def test_a_clinical_document_gives_its_sections():
    text, _ = read(CDA.encode(), "text/xml")
    assert [line for line in text.split("\n") if line] == ["Plan", "See Ana soon.", "HR\t72"]


def test_a_clinical_document_with_another_body_gives_that_bodys_text():
    body = base64.b64encode(b"Seen today").decode()
    cda = f'<ClinicalDocument xmlns="urn:hl7-org:v3"><component><nonXMLBody><text mediaType="text/plain" representation="B64">{body}</text></nonXMLBody></component></ClinicalDocument>'
    assert read(cda.encode(), "application/xml") == ("Seen today", None)


BOMB = '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><ClinicalDocument xmlns="urn:hl7-org:v3"><title>&b;</title></ClinicalDocument>'
REFUSED = {
    "pdf": (b"%PDF-1.7 ...", "application/pdf"),
    "packed": (b"PK\x03\x04zipped", "text/plain"),
    "type": (b"\x89PNG", "image/png"),
    "not-text": (bytes(range(1, 32)) * 10, "text/plain"),
    "markup": (BOMB.encode(), "text/xml"),
    "base64": ("%%%", "text/plain"),
    "no-data": ("", "text/plain"),
    "too-large": (b"a" * (LARGEST + 1), "text/plain"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_cannot_be_read_is_refused_with_the_reason(reason):
    assert read(*REFUSED[reason]) == (None, reason)


def test_what_is_no_attachment_is_refused():
    texts, reasons = attachment_texts(pa.array(["[1]", None, '{"data": 5}', '{"url": "http://x"}']))
    assert (texts.null_count, reasons.to_pylist()) == (4, ["not-an-object"] * 3 + ["no-data"])


def test_a_missing_type_is_told_from_the_content():
    for content, expected in ((b"plain", "plain"), (b"<html><p>x</p></html>", "x"), (rb"{\rtf1 y}", "y")):
        assert read(content, "") == (expected, None)


def test_an_attachment_goes_back_as_plain_text_with_size_and_hash_and_nothing_else():
    original = attachment(
        b"Ana", "text/html", title="Letter for Ana", creation="2020-01-01", url="http://x/1", language="en-US", size=9
    )
    back = attachments_from_texts(pa.array([original, original]), pa.array(["Núria", None]))
    content = "Núria".encode()
    assert json.loads(back[0].as_py()) == {
        "contentType": "text/plain; charset=utf-8",
        "language": "en-US",
        "data": base64.b64encode(content).decode(),
        "size": len(content),
        "hash": base64.b64encode(hashlib.sha1(content).digest()).decode(),
    }
    assert back[1].as_py() is None


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1))
def test_text_comes_back_as_it_went(text):
    made = attachments_from_texts(pa.array(["{}"]), pa.array([text]))
    back = attachment_texts(made)[0][0].as_py()
    assert back in {text, repair(text)} or text.startswith("\ufeff")


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from(["text/plain", "text/html", "text/rtf", "text/xml", "", "application/pdf"])
)
def test_no_bytes_break_the_reader(content, kind):
    text, reason = read(content, kind)
    assert (text is None) == (reason is not None) or content == b""


SHARED = Path(os.environ.get("BAILEE_SHARED", Path(__file__).parents[3] / "shared")) / "data"


@pytest.mark.skipif(not (SHARED / "ccda_hl7_examples").exists(), reason="no shared data (BAILEE_SHARED)")
def test_published_clinical_documents_are_read():
    files = [
        path
        for path in sorted((SHARED / "ccda_hl7_examples").rglob("*.xml"))[:60]
        if b"<ClinicalDocument" in path.read_bytes()
    ]
    for path in files:
        assert read(path.read_bytes(), "text/xml")[1] is None

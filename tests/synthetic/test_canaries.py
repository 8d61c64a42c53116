"""Claims about canaries: planted in every element that holds text, found in every disguise, never found where they are not."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import json
import sqlite3
import tarfile
import unicodedata
import zipfile
from random import Random
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bailee.records.r4.tables import children, is_primitive, owners, resource_types
from bailee.synthetic.canaries import CLASSES, Canary, Flock
from bailee.synthetic.planting import Planter
from bailee.synthetic.traces import Scanner

_MUTE = {"boolean", "integer", "positiveInt", "unsignedInt", "decimal", "time", "code"}


@pytest.fixture(scope="module")
def planted():
    flock = Flock(7)
    planter = Planter(flock, modifiers=True)
    return flock, planter, [json.dumps(record, ensure_ascii=False) for record in planter.records()]


@pytest.fixture(scope="module")
def few():
    flock = Flock(3)
    return [flock.make(letter) for letter in CLASSES * 3]


@pytest.fixture(scope="module")
def scanner(few):
    return Scanner(few)


def test_all_types_are_planted(planted):
    _, _, lines = planted
    assert {json.loads(line)["resourceType"] for line in lines} == set(resource_types())


def test_every_element_that_can_hold_text_holds_a_canary(planted):
    _, planter, _ = planted
    places = set(planter.places.values())
    bare = set()
    for name, described in owners().items():
        if described.kind not in {"resource", "backbone"} or name.partition(".")[0] not in resource_types():
            continue
        for element in children(name).values():
            if not is_primitive(element.type) or element.type in _MUTE:
                continue
            place = f"{name}.{element.name}"
            if place not in places:
                bare.add(place)
    assert bare == set()


def test_every_canary_is_met_in_the_records(planted):
    flock, _, lines = planted
    traces = Scanner(flock.canaries).traces("\n".join(lines).encode())
    met = {folded(needle) for trace in traces for needle in trace.canary.needles}
    assert [canary for canary in flock.canaries if not any(folded(needle) in met for needle in canary.needles)] == []


def folded(text):
    plain = "".join(sign for sign in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(sign))
    return plain[:9]  # base64 of a date shares all its whole sextets with the day after


def test_a_canary_prints_no_value(few):
    assert all(canary.value not in repr(canary) for canary in few)


def test_no_needle_is_short_enough_to_be_met_by_chance(few):
    assert all(len(needle) >= 8 for canary in few for needle in canary.needles)


HIDINGS = {
    "as it is": str.encode,
    "small letters": lambda v: v.lower().encode(),
    "capitals": lambda v: v.upper().encode(),
    "decomposed": lambda v: unicodedata.normalize("NFD", v).encode(),
    "full width": lambda v: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in v).encode(),
    "reversed": lambda v: v[::-1].encode(),
    "UTF-16": lambda v: v.encode("utf-16"),
    "Latin-1": lambda v: v.encode("latin-1"),
    "hexadecimal": lambda v: v.encode().hex().encode(),
    "URL": lambda v: quote(v, safe="").encode(),
    "HTML": lambda v: "".join(c if c.isascii() else f"&#{ord(c)};" for c in html.escape(v)).encode(),
    "JSON": lambda v: json.dumps(v).encode(),
    "JSON escapes": lambda v: "".join(f"\\u{ord(c):04X}" for c in v).encode(),
    "base64": lambda v: base64.b64encode(v.encode()),
    "base64, one before": lambda v: base64.b64encode(b"x" + v.encode() + b"yz"),
    "base64, two before": lambda v: base64.urlsafe_b64encode(b"xx" + v.encode() + b"y"),
    "MD5": lambda v: hashlib.md5(v.encode()).hexdigest().encode(),
    "SHA-1": lambda v: hashlib.sha1(v.encode()).hexdigest().upper().encode(),
    "SHA-256": lambda v: hashlib.sha256(v.lower().encode()).hexdigest().encode(),
    "SHA-512": lambda v: base64.b64encode(hashlib.sha512(v.encode()).digest()),
}


@pytest.mark.parametrize("name", HIDINGS)
def test_every_canary_is_found_in_every_disguise(name, few, scanner):
    for canary in few:
        content = b"The lungs are clear. " + HIDINGS[name](canary.value) + b" No effusion."
        assert canary.number in {trace.canary.number for trace in scanner.traces(content)}, canary


def packed_parquet(content):
    sink = io.BytesIO()
    pq.write_table(pa.table({"n": [1], "nested": [{"text": [content.decode()]}]}), sink)
    return sink.getvalue()


def packed_zip(content):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.gz", gzip.compress(content))
    return sink.getvalue()


def packed_tar(content):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        entry = tarfile.TarInfo("inner.gz")
        entry.size = len(gzip.compress(content))
        archive.addfile(entry, io.BytesIO(gzip.compress(content)))
    return sink.getvalue()


def packed_sqlite(content):
    connection = sqlite3.connect(":memory:")
    connection.execute('CREATE TABLE "a ""b" (c BLOB)')
    connection.execute('INSERT INTO "a ""b" VALUES (?)', (gzip.compress(content),))
    connection.commit()
    made = connection.serialize()
    connection.close()
    return made


@pytest.mark.parametrize("pack", [gzip.compress, packed_parquet, packed_zip, packed_tar, packed_sqlite])
def test_archives_and_tables_are_opened(pack, few, scanner):
    content = "; ".join(canary.value for canary in few).encode()
    found = {trace.canary.number for trace in scanner.traces(pack(content), "file")}
    assert found == {canary.number for canary in few}


def test_a_broken_archive_is_read_as_bytes(few, scanner):
    content = b"\x1f\x8b broken " + few[0].value.encode()
    assert [trace.canary for trace in scanner.traces(content)] == [few[0]]


def test_a_canary_across_the_scanner_s_stride_is_found(few, scanner):
    stride = 1 << 21
    for canary in few[:18]:
        raw = canary.value.encode()
        content = b" " * (stride - len(raw) // 2) + raw + b" " * 40
        assert canary.number in {trace.canary.number for trace in scanner.traces(content)}


def test_nothing_is_found_where_nothing_is(few, scanner):
    others = Flock(4)
    values = [others.make(letter).value for letter in "ABDEFGHIJKLMNPQR" * 40]
    noise = Random(5).randbytes(400_000)
    assert scanner.traces(" ".join(values).encode() + noise + noise.hex().encode() + base64.b64encode(noise)) == []


def test_a_canary_is_what_it_says():
    made = Flock(1).make("G")
    assert made == Canary(0, "G", made.value, (made.value,))

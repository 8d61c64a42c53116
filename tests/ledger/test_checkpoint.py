from __future__ import annotations

import pytest

from bailee.core.errors import Invalid
from bailee.ledger.checkpoint import (
    WITNESS_KEY,
    Checkpoint,
    Note,
    NoteKey,
    VerifierKey,
    base64_bytes,
    read_checkpoint,
    read_note,
    signature_time,
)

KEY = NoteKey("hospital.example/ledger", b"k" * 32)
WITNESS = NoteKey("witness.example/w1", b"w" * 32, WITNESS_KEY)
BODY = Checkpoint("hospital.example/ledger", 7, b"r" * 32).body()
NOTE = str(Note(BODY, (KEY.signature_line(BODY), WITNESS.cosignature_line(BODY, 1_700_000_000))))


def test_a_published_verifier_key_is_read_and_written_alike():
    # the key that the signed-note package of the Go checksum database has in its documentation
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert str(VerifierKey.parse(text)) == text


def test_a_published_signed_note_verifies():
    key = VerifierKey.parse("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = read_note(
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    assert signature_time(note, key) == 0


def test_log_and_witness_sign_one_note():
    note = read_note(NOTE)
    assert signature_time(note, KEY.verifier) == 0
    assert signature_time(note, WITNESS.verifier) == 1_700_000_000
    assert read_checkpoint(note.body) == Checkpoint("hospital.example/ledger", 7, b"r" * 32)


def test_a_signature_of_an_unknown_key_counts_for_nothing():
    assert signature_time(read_note(NOTE), NoteKey("hospital.example/ledger", b"x" * 32).verifier) is None


def test_every_changed_byte_of_a_note_is_noticed():
    content = NOTE.encode()
    for at in range(len(content)):
        for bit in (0, 2, 5):
            changed = bytearray(content)
            changed[at] ^= 1 << bit
            assert not _accepted(bytes(changed)), (at, bit)


def _accepted(content: bytes) -> bool:
    """Both signatures, over the same checkpoint."""
    try:
        note = read_note(content.decode())
        times = signature_time(note, KEY.verifier), signature_time(note, WITNESS.verifier)
    except (Invalid, UnicodeDecodeError):
        return False
    return times == (0, 1_700_000_000) and note.body == BODY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "text\n",
        "text\n\n",
        "text\n\n— a b\n",
        "a\tb\n\n— n AAAAAAE=\n",
        NOTE.replace("\n", "\r\n"),
        NOTE[:-1],
    ],
)
def test_what_is_no_note_is_refused(text: str):
    with pytest.raises(Invalid):
        read_note(text)


@pytest.mark.parametrize(
    "body",
    [
        "o\n07\n" + BODY.split("\n")[2] + "\n",
        "o\n7\nAAAA\n",
        BODY + "more\n",
        "o o\n7\n" + BODY.split("\n")[2] + "\n",
        "o\n7",
    ],
)
def test_what_is_no_checkpoint_is_refused(body: str):
    with pytest.raises(Invalid):
        read_checkpoint(body)


@pytest.mark.parametrize("text", ["AAB=", "AA", "A A=", "AA==\n", "-_8="])
def test_base64_has_one_form(text: str):
    with pytest.raises(Invalid):
        base64_bytes(text)


@pytest.mark.parametrize("text", ["", "a+b+c", "a b+00000000+AQ==", str(KEY.verifier)[:-4] + "AAA="])
def test_what_is_no_verifier_key_is_refused(text: str):
    with pytest.raises(Invalid):
        VerifierKey.parse(text)


def test_a_private_key_shows_nothing():
    assert "k" * 8 not in repr(KEY)
    assert (b"k" * 32).hex() not in repr(KEY)

"""Odd notes never make the compiled code of the sequence model read or write where it may not."""


def test_odd_notes_touch_no_memory_that_is_not_theirs(sanitized):
    done = sanitized("notes_fuzz.py", 25)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "clean"

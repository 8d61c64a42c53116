"""Hostile notes and charts never make the compiled code read or write where it may not."""


def test_hostile_notes_and_charts_break_no_bound(sanitized):
    done = sanitized("charts_fuzz.py", 150)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "clean"

"""Damaged records never make the compiled code read or write where it may not."""

import json


def test_damaged_generated_records_break_no_bound(sanitized):
    done = sanitized("structure_fuzz.py", 2500)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["cases"] >= 2500


def test_damaged_real_records_break_no_bound(sanitized, shared):
    done = sanitized("structure_fuzz.py", 800, *sorted((shared / "synthea_bulk_10").glob("*.ndjson")))
    assert done.returncode == 0, done.stderr[-3000:]

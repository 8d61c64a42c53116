"""Damaged records never make the compiled code read or write where it may not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    compiler = shutil.which(os.environ.get("CC", "gcc").split()[0])
    if compiler is None:
        pytest.skip("no C compiler that builds with address and undefined-behaviour checks")
    asan = subprocess.run(
        [compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    if not Path(asan).is_absolute():
        pytest.skip("the compiler has no address sanitizer library")
    target = tmp_path_factory.mktemp("kernels") / "checked.so"
    subprocess.run(
        [sys.executable, ROOT / "kernels" / "build.py", "--sanitize", target], check=True, capture_output=True
    )
    return target, asan


def fuzz(sanitized, cases, files=()):
    library, asan = sanitized
    environment = os.environ | {
        "LD_PRELOAD": asan,
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PYTHONPATH": str(ROOT),
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, ROOT / "tests" / "support" / "structure_fuzz.py", library, str(cases), *files]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_damaged_generated_records_break_no_bound(sanitized):
    done = fuzz(sanitized, 2500)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout)["cases"] >= 2500


def test_damaged_real_records_break_no_bound(sanitized, shared):
    done = fuzz(sanitized, 800, sorted((shared / "synthea_bulk_10").glob("*.ndjson")))
    assert done.returncode == 0, done.stderr[-3000:]

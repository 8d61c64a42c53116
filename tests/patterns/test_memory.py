"""Hostile notes and rules never make the compiled code read or write where it may not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = "150"


@pytest.fixture(scope="module")
def sanitized(tmp_path_factory):
    compiler = shutil.which(os.environ.get("CC", "gcc").split()[0])
    if compiler is None:
        pytest.skip("no C compiler that builds with address and undefined-behaviour checks")
    answer = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    asan = answer.stdout.strip()
    if not Path(asan).is_absolute():
        pytest.skip("the compiler has no address sanitizer library")
    target = tmp_path_factory.mktemp("kernels") / "checked.so"
    build = [sys.executable, ROOT / "kernels" / "build.py", "--sanitize", target]
    subprocess.run(build, check=True, capture_output=True)
    return target, asan


def test_hostile_notes_and_rules_break_no_bound(sanitized):
    library, asan = sanitized
    environment = os.environ | {
        "LD_PRELOAD": asan,
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PYTHONPATH": str(ROOT),
        "PYTHONMALLOC": "malloc",
    }
    command = [sys.executable, ROOT / "tests" / "support" / "patterns_fuzz.py", library, CASES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.strip() == "clean"

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(not shutil.which("gcc"), reason="needs gcc, whose sanitizer is loaded into Python")
def test_odd_notes_touch_no_memory_that_is_not_theirs(tmp_path):
    library = tmp_path / "libk.so"
    build = [sys.executable, str(ROOT / "kernels/build.py"), "--sanitize", str(library)]
    subprocess.run(build, check=True, capture_output=True, env={**os.environ, "CC": "gcc"})
    runtime = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        "PYTHONMALLOC": "malloc",
    }
    run = subprocess.run(
        [sys.executable, str(ROOT / "tests/support/notes_fuzz.py"), str(library), "25"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    assert run.stdout.strip() == "clean"

"""The kernels built with address and undefined-behaviour checks, once for all tests, and a way to run a script with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def sanitized(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs `tests/support/SCRIPT LIBRARY ARGUMENTS…` in a process of its own, where a bad read or write aborts."""
    asan = _address_sanitizer()
    library = tmp_path_factory.mktemp("kernels") / "checked.so"
    build = [sys.executable, ROOT / "kernels" / "build.py", "--sanitize", library]
    subprocess.run(build, check=True, capture_output=True, env={**os.environ, "CC": "gcc"})

    def run(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, ROOT / "tests" / "support" / script, library, *map(str, arguments)]
        return subprocess.run(command, env=_environment(asan), capture_output=True, text=True, check=False, timeout=300)

    return run


def _address_sanitizer() -> str:
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc, whose address sanitizer is loaded into Python")
    answer = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    asan = answer.stdout.strip()
    if not Path(asan).is_absolute():
        pytest.skip("gcc has no address sanitizer library")
    return asan


def _environment(asan: str) -> dict[str, str]:
    return {
        **os.environ,
        "LD_PRELOAD": asan,
        "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        # Arrow's own pools hide an overrun from the sanitizer, as Python's allocator does.
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
    }

"""The check that takes each guard out (scripts/mutants.py) finds its guards, and in the deep run no test misses one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "mutants.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


def test_every_guard_that_it_names_is_there() -> None:
    listed = run("--list")
    assert listed.returncode == 0, listed.stderr
    names = listed.stdout.splitlines()
    assert len(names) > 400
    for word in (
        "_check_separation",
        "evaluate._weigh",
        "grants._scope",
        "consents.recheck",
        "recall.publish_recalling",
    ):
        assert any(word in name for name in names)


@pytest.mark.skipif(not os.environ.get("BAILEE_DEEP"), reason="takes hours: set BAILEE_DEEP")
def test_no_guard_can_be_taken_out_unnoticed() -> None:
    ended = run()
    assert ended.returncode == 0, ended.stdout

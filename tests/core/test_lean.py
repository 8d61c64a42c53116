"""A lean start: lists become Arrow arrays without pandas, which stays there for whoever asks for it."""

import subprocess
import sys

STARTED = """
import sys
from bailee.core.lean import start_lean
start_lean()
import pyarrow as pa
pa.array(["a", None]), pa.table({"a": [[1]]}), pa.array([1.5], pa.float64())
assert "pandas" not in sys.modules, "pandas was imported"
"""


def run(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_lean_process_makes_arrays_of_lists_without_pandas():
    run(STARTED)


def test_without_it_pandas_is_imported():
    """If this fails, Arrow has mended its ways and the lean start is not needed."""
    run(
        'import sys, pyarrow as pa; import importlib.util as u; pa.array([1]); assert not u.find_spec("pandas") or "pandas" in sys.modules'
    )


def test_tables_still_become_frames():
    run(
        STARTED
        + 'import importlib.util as u\nif u.find_spec("pandas"): assert len(pa.table({"a": [1, 2]}).to_pandas()) == 2'
    )

"""What every test stands on: reproducible examples, and where shared data lies."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest_plugins = ["tests.support.databases", "tests.support.sanitized"]

settings.register_profile(
    "ci", derandomize=True, deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("deep", deadline=None, max_examples=5_000, suppress_health_check=list(HealthCheck))
settings.register_profile(
    "mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate]
)  # no shrinking
settings.load_profile("deep" if os.environ.get("BAILEE_DEEP") else os.environ.get("BAILEE_PROFILE", "ci"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real input that is not part of the repository: BAILEE_SHARED, default ../shared."""
    folder = Path(os.environ.get("BAILEE_SHARED") or Path(__file__).parents[2] / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}: set BAILEE_SHARED")
    return folder / "data"

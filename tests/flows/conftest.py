"""What tests of flows share: a copy of their module's `template` hospital."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.hospitals import copied

from bailee.flows.hospital import Hospital


@pytest.fixture
def hospital(template: Path, tmp_path: Path) -> Iterator[Hospital]:
    """A hospital of the test's own."""
    with copied(template, tmp_path / "hospital") as ready:
        yield ready

"""Finding a profile by the name that an agreement gives: the hospital's own in `profiles/`, else one that ships."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bailee.deid.profiles.compile import compile_profile, shipped_plan
from bailee.deid.profiles.profile import profile_from_text
from bailee.deid.structure.plan import Plan
from bailee.stores.home import Home

FOLDER = "profiles"


def plan_named(home: Home, name: str) -> Plan:
    """Compile a profile. Raises: Invalid naming file and line for a bad one; UserError if there is none of that name."""
    path = home.folder / FOLDER / f"{name}.toml"
    return plan_from_file(path) if path.is_file() else shipped_plan(name)


@lru_cache(maxsize=8)
def _compiled(text: str, name: str, file: str) -> Plan:
    return compile_profile(profile_from_text(text, name=name, file=file)).plan


def plan_from_file(path: Path) -> Plan:
    """Compile a profile's file."""
    return _compiled(path.read_text("utf-8"), path.stem, path.name)

"""Writes `docs/profiles.md` from the profiles. Run it after changing one: `python scripts/profile_handbook.py`."""

from __future__ import annotations

from pathlib import Path

from bailee.deid.profiles.handbook import handbook

PAGE = Path(__file__).parent.parent / "docs" / "profiles.md"

if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(handbook(), encoding="utf-8")

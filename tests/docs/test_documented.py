"""What can be set, called or refused is documented."""

from pathlib import Path

import pytest

from bailee.cli.main import COMMANDS
from bailee.core.reasons import REASONS
from bailee.stores.home import Configuration

DOCS = Path(__file__).parents[2] / "docs"


def text_of(name):
    return (DOCS / name).read_text("utf-8")


@pytest.mark.parametrize("setting", Configuration.__struct_fields__)
def test_every_setting_is_documented(setting):
    assert f"| `{setting}` |" in text_of("configuration.md")


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_code_is_documented(code):
    assert f"| `{code}` | {REASONS[code]} |" in text_of("reasons.md")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_and_loads(name):
    import importlib

    assert f"bailee {name}" in text_of("commands.md")
    module = importlib.import_module(f"bailee.cli.{COMMANDS[name][0]}")
    assert module.command.name == name

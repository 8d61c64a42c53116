"""The stand-alone verifier over real exports: what is whole passes, what was touched does not."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import Engine
from tests.support.ledger import export_of, full_ledger, policy_of

import bailee_verify


def report(folder: Path, policy: Path, *options: str, capsys) -> tuple[int, dict]:
    code = bailee_verify.main([str(folder), "--keys", str(policy), *options])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def failing(result: dict) -> set[int]:
    return {check["check"] for check in result["checks"] if check["findings"]}


def test_a_whole_ledger_passes_all_checks(database: Engine, tmp_path: Path, capsys):
    log = full_ledger(database)
    code, result = report(export_of(log, tmp_path), policy_of(log, tmp_path), capsys=capsys)
    assert (code, result["ok"], failing(result)) == (0, True, set())
    assert result["size"] == log.size()
    assert result["releases"] == 3


def test_the_verifier_is_one_short_file_that_imports_nothing_of_ours():
    source = Path(bailee_verify.__file__).read_text()
    assert len(source.splitlines()) < 400
    assert "import bailee" not in source
    assert "from bailee" not in source

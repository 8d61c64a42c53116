"""The flagship: identifiers planted everywhere, the whole main job run, and none of them in any byte that comes out."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.hospitals import AGREEMENT, hospital_with

from bailee.engines.local import LocalEngine
from bailee.flows.release.run import release
from bailee.flows.verify import verify
from bailee.stores.sql.ledger_export import export_ledger
from bailee.synthetic.canaries import Flock
from bailee.synthetic.planting import Planter
from bailee.synthetic.traces import Scanner


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Canaries in every string-bearing element of every type, taken in and released; everything written down."""
    folder = tmp_path_factory.mktemp("canaries")
    flock = Flock(11)
    planter = Planter(flock)
    named = flock.make("A")
    export = folder / "export"
    export.mkdir()
    # Linked patients are one person, and the refusal in one's Consent would keep all of them out.
    records = [{name: value for name, value in each.items() if name != "link"} for each in planter.records()]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    (export / f"{named.value} chart.ndjson").write_text("\n".join([*lines, '{"resourceType":"Broken"}', lines[0][:-9]]))
    hospital = hospital_with(folder / "hospital", export, terms=_terms())
    with _logged(folder / "log"):
        done = release(hospital, AGREEMENT, LocalEngine(1))
        findings = list(verify(hospital))
    export_ledger(hospital.engine, folder / "hospital" / "exported-ledger")
    command = [sys.executable, "-m", "bailee", "--home", str(folder / "hospital")]
    said = [subprocess.run([*command, *call], capture_output=True, check=False) for call in CALLS]
    hospital.close()
    return folder, flock, done, findings, said


CALLS = [["quarantine"], ["releases"], ["verify"], ["agreement", "list"], ["ingest", "absent"], ["release", "absent"]]


def test_the_release_is_whole(ran):
    _, _, done, findings, _ = ran
    summary = done.summary
    assert findings == []
    assert sum(summary.left.values()) > 100
    assert sum(summary.taken.values()) == sum(summary.left.values()) + sum(summary.refused.values())


@pytest.mark.parametrize("what", ["releases", "exported-ledger", "vault", "quarantine", "staging", "bailee.toml"])
def test_no_canary_is_in_any_byte(ran, what):
    folder, flock, *_ = ran
    scanner = Scanner(flock.canaries)
    for path in _files(folder / "hospital" / what):
        name = str(path.relative_to(folder)).encode()
        assert list(scanner.traces(name)) == []
        assert [(trace.canary, trace.encoding) for trace in scanner.traces(path.read_bytes())][:5] == [], path.name


def test_no_canary_is_in_what_was_said(ran):
    folder, flock, _, _, said = ran
    scanner = Scanner(flock.canaries)
    heard = b"".join(ended.stdout + ended.stderr for ended in said) + (folder / "log").read_bytes()
    assert list(scanner.traces(heard)) == []


def test_the_scanner_finds_what_was_planted(ran):
    folder, flock, *_ = ran
    scanner = Scanner(flock.canaries)
    export = b"".join(path.read_bytes() for path in (folder / "export").iterdir())
    met = {trace.canary.number for trace in scanner.traces(export)}
    assert len(met) > 0.95 * (len(flock.canaries) - 1)


def _files(place: Path) -> list[Path]:
    return [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]


class _logged:  # noqa: N801 - reads as what it does
    """Writes every log record of every library to a file."""

    def __init__(self, path):
        self.handler = logging.FileHandler(path)

    def __enter__(self):
        logging.getLogger().addHandler(self.handler)
        logging.getLogger().setLevel(logging.DEBUG)

    def __exit__(self, *_):
        logging.getLogger().removeHandler(self.handler)
        logging.getLogger().setLevel(logging.WARNING)
        self.handler.close()


def _terms() -> str:
    from datetime import UTC, datetime

    from tests.support.hospitals import AT_MS

    from bailee.synthetic.agreement import agreement_text

    text = agreement_text(datetime.fromtimestamp(AT_MS / 1000, UTC).date(), name=AGREEMENT)
    first, rest = text.split("  types: [", 1)
    return first + "  types: [all" + rest[rest.index("]") :]

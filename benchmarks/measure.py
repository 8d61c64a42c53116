"""Measures commands from outside: CPU seconds of a process and its children, wall seconds, peak memory."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measured:
    """CPU seconds (user and system, children included), wall seconds, peak resident memory of the tree in MiB."""

    cpu: float
    wall: float
    peak_mib: float


def run(command: Sequence[str], **environment: str) -> Measured:
    """Run a command to its end. Raises: CalledProcessError if it fails."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL)
    peak = _Peak(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 65}:  # 65: something was quarantined, the rest went on
        raise subprocess.CalledProcessError(process.returncode, command)
    wall, most = time.monotonic() - began, peak.stop()
    # Workers of a fork server are not waited for by the command, so that the kernel's own sum lacks them.
    return Measured(max(usage.ru_utime + usage.ru_stime, peak.cpu_seconds), wall, most)


def bailee(*arguments: str | Path, **environment: str) -> Measured:
    """Run a `bailee` command with this interpreter."""
    return run([sys.executable, "-m", "bailee", *map(str, arguments)], **environment)


def size_of(folder: Path) -> int:
    """Count the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(rows: Sequence[Sequence[object]], head: Sequence[str]) -> None:
    """Print a table; the first column is text, the others are numbers."""
    lines = [[str(cell) if not isinstance(cell, float) else f"{cell:,.2f}" for cell in row] for row in (head, *rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(head))]
    for line in lines:
        print(
            "  ".join(
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(line, widths, strict=True))
            )
        )


class _Peak(threading.Thread):
    """Samples the resident memory and the CPU time of a process and its children, ten times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended, self._most = pid, threading.Event(), 0
        self._ticks: dict[int, int] = {}
        self.start()

    def run(self) -> None:
        while not self._ended.wait(0.1):
            pids = _tree(self._pid)
            self._most = max(self._most, sum(_resident(pid) for pid in pids))
            self._ticks |= {pid: ticks for pid in pids if (ticks := _ticks(pid))}

    @property
    def cpu_seconds(self) -> float:
        return sum(self._ticks.values()) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> float:
        self._ended.set()
        self.join()
        return self._most / 1024


def _tree(pid: int) -> list[int]:
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [each for child in path.read_text().split() for each in _tree(int(child))]
        except OSError:
            continue
    return found


def _resident(pid: int) -> int:
    """Read a process's proportional share of memory, so that pages shared by workers count once. Units: KiB."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def _ticks(pid: int) -> int:
    """Read a process's own CPU time, user and system. Units: clock ticks; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])

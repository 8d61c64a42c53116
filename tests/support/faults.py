"""Faults under a writer, by strace: an error or a kill at any system call, and the calls themselves, recorded."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

WRITING = ("pwrite64", "fdatasync", "fsync", "ftruncate", "openat", "unlink", "rename", "write")
_CALL = re.compile(r"^(\w+)\((.*)\)\s+= (\S+)")


def why_no_strace() -> str | None:
    """Say why faults cannot be injected here, or None."""
    if not shutil.which("strace"):
        return "strace is not installed (apt-get install strace)"
    probe = subprocess.run(["strace", "-o", os.devnull, "true"], check=False, capture_output=True)
    return None if probe.returncode == 0 else "this system does not let a process be traced"


@dataclass
class Outcome:
    """What became of one run: exit status, and the steps that were acknowledged."""

    status: int
    acks: list[str]


class Writers:
    """A process that forks a fresh writer for each run."""

    def __init__(self) -> None:
        writer = Path(__file__).with_name("fault_writer.py")
        self._process = subprocess.Popen(
            [sys.executable, str(writer)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def run(self, folder: Path, strace: list[str], pragmas: tuple[str, ...] = ()) -> Outcome:
        """Run one writer in a prepared folder under strace."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([str(folder), *pragmas]) + "\n")
        child = self._process.stdout.readline().strip()
        paths = [folder / name for name in ("x.db", "x.db-wal", "seen", f".seen.{child}", "acks")]
        asked = [word for path in paths for word in ("-P", str(path))]
        tracer = subprocess.Popen(["strace", "-p", child, *strace, *asked], stderr=subprocess.PIPE, text=True)
        assert tracer.stderr
        while "attached" not in tracer.stderr.readline():
            assert tracer.poll() is None
        (folder / "go").touch()
        status = int(self._process.stdout.readline())
        tracer.communicate(timeout=60)
        acks = folder / "acks"
        return Outcome(status, acks.read_text().splitlines() if acks.exists() else [])

    def close(self) -> None:
        """Stop the process."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@contextmanager
def writers() -> Iterator[Writers]:
    """Give a process of writers, and stop it."""
    process = Writers()
    try:
        yield process
    finally:
        process.close()


@dataclass(frozen=True)
class Call:
    """One recorded system call on a file. `data` is what was written; `offset` also a new length."""

    name: str
    path: str
    data: bytes = b""
    offset: int = 0
    to: str = ""


def recorded_calls(trace: Path) -> list[Call]:
    """Read a trace made with `-y -xx`: the calls that succeeded, in order."""
    return [call for line in trace.read_text().splitlines() if (call := _call(line))]


def _call(line: str) -> Call | None:
    match = _CALL.match(line)
    if not match or match[3].startswith("-"):
        return None
    name, texts = match[1], [_plain(text) for text in re.findall(r'"([^"]*)"', line)]
    if name in {"unlink", "rename", "openat"}:
        created = name != "openat" or "O_CREAT" in line
        return Call(name, texts[0].decode(), to=texts[-1].decode()) if created else None
    path = _plain(re.search(r"\(\d+<([^>]*)>", line)[1]).decode()  # type: ignore[index]
    numbers = re.findall(r", (\d+)(?=[,)])", line)
    if name == "pwrite64":
        return Call(name, path, texts[0], int(numbers[-1]))
    if name == "write":
        return Call(name, path, texts[0])
    return Call(name, path, offset=int(numbers[-1]) if name == "ftruncate" else 0)


def _plain(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


class Disk:
    """What a disk may hold when the power goes: what was synced for certain, of the rest any part, torn at sectors."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = {name: bytearray(content) for name, content in files.items()}
        self.pending: list[Call] = []

    def apply(self, call: Call) -> None:
        """Go one call further."""
        name = Path(call.path).name
        if call.name in {"fdatasync", "fsync"}:
            for earlier in [one for one in self.pending if Path(one.path).name == name]:
                _do(self.files, earlier)
                self.pending.remove(earlier)
        elif call.name == "openat":
            self.files.setdefault(name, bytearray())
        else:
            self.pending.append(call)
            if call.name == "rename":  # the folder is synced before the caller goes on
                self._settle_rename(call)

    def cut(self, chance: random.Random) -> dict[str, bytes]:
        """Cut the power: each change that was not synced happened, did not, or was torn."""
        files = {name: bytearray(content) for name, content in self.files.items()}
        for call in self.pending:
            fate = chance.random()
            if fate < 0.4:
                continue
            torn = call.name == "pwrite64" and fate > 0.8
            _do(files, replace(call, data=call.data[: 512 * chance.randrange(9)]) if torn else call)
        return {name: bytes(content) for name, content in files.items()}

    def _settle_rename(self, call: Call) -> None:
        self.pending.remove(call)
        _do(self.files, call)


def _do(files: dict[str, bytearray], call: Call) -> None:
    name = Path(call.path).name
    if call.name == "unlink":
        files.pop(name, None)
        return
    if call.name == "rename":
        files[Path(call.to).name] = files.pop(name)
        return
    content = files.setdefault(name, bytearray())
    if call.name == "ftruncate":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
    elif call.name == "write":
        content.extend(call.data)
    else:
        content.extend(bytes(max(0, call.offset + len(call.data) - len(content))))
        content[call.offset : call.offset + len(call.data)] = call.data

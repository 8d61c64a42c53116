"""Compile the kernels into one shared library beside `bailee.core`; also the build hook of the package.

Run `python kernels/build.py` after changing a source, `--sanitize OUT.so` for a build that checks memory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run as a script, without the build backend
    BuildHookInterface = object

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "src" / "bailee" / "core" / "_kernels.so"
# Integer arithmetic only decides what is released, so results do not depend on the compiler's floating point.
FLAGS = ["-std=c11", "-O3", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-strict-aliasing", "-Wall", "-Wextra"]
CHECKS = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-O1"]


def compiler() -> list[str]:
    """Find a C compiler: the system's, else the one that PyPI's ziglang carries."""
    named = os.environ.get("CC")
    if named:
        return named.split()
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return [name]
    return [sys.executable, "-m", "ziglang", "cc"]


def build(target: Path = TARGET, extra: tuple[str, ...] = ()) -> Path:
    """Compile every source below `kernels/` into `target`, replacing it in one step."""
    sources = sorted(str(path) for path in HERE.rglob("*.c"))
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_suffix(f".{os.getpid()}.tmp")
    subprocess.run([*compiler(), *FLAGS, *extra, f"-I{HERE}", *sources, "-o", str(fresh), "-lm"], check=True)
    fresh.replace(target)
    return target


class CustomBuildHook(BuildHookInterface):
    """Build the library when the package is built or installed for editing."""

    def dependencies(self) -> list[str]:
        """Ask for a compiler from PyPI only where the machine has none."""
        return ["ziglang==0.14.1"] if compiler()[0] == sys.executable else []

    def initialize(self, version: str, build_data: dict[str, object]) -> None:
        """Compile, and mark the wheel as made for this platform."""
        del version
        build()
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--sanitize"]:
        print(build(Path(sys.argv[2]).resolve(), tuple(CHECKS)))
    else:
        print(build())

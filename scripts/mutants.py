"""Take each guard out of the rules on who may receive what, one at a time, and see that some test fails.

    python scripts/mutants.py [--list] [--only WORD]

A guard is an `if` that never holds, one part of an `and` or `or` left out, a comparison that lets its edge in or out, or an arrow of
a state machine left out. Each mutant runs in a fork of a process that has loaded everything but our own code. Ends with 1 if a
mutant survives that is not listed below with the reason why nothing can tell it from the original.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 240
HEAVY = (
    "pytest",
    "hypothesis",
    "numpy",
    "pyarrow",
    "pyarrow.compute",
    "sqlalchemy",
    "alembic",
    "msgspec",
    "celpy",
    "click",
    "duckdb",
    "cryptography",
)


@dataclass(frozen=True)
class Target:
    """Functions of one module (none: all of it), and the tests that must notice, quickest first."""

    module: str
    functions: tuple[str, ...]
    tests: tuple[str, ...]


_MACHINE = (
    "tests/agreements/test_requests.py",
    "tests/stores/test_release_machine.py",
    "tests/stores/test_agreements.py",
)
_DECIDE = (
    "tests/consent/test_boundaries.py",
    "tests/consent/test_properties.py",
    "tests/agreements/test_check.py",
    "tests/consent/test_oracle.py",
    "tests/consent/test_tables.py",
    "tests/consent/test_bulk.py",
    "tests/consent/test_cedar.py",
)
TARGETS = (
    Target("bailee.agreements.requests", (), _MACHINE),
    Target("bailee.agreements.people", ("check_role",), _MACHINE),
    Target(
        "bailee.agreements.states",
        ("step", "AGREEMENT_STEPS", "REQUEST_STEPS"),
        (*_MACHINE, "tests/agreements/test_docs.py"),
    ),
    Target(
        "bailee.stores.sql.agreements",
        (
            "put_agreement",
            "move_agreement",
            "put_request",
            "move_request",
            "approval_of",
            "hold_agreement",
            "_check_signatories",
            "_check_agreement",
        ),
        _MACHINE,
    ),
    Target(
        "bailee.consent.evaluate",
        ("_closed", "_decide", "_weigh", "_protected", "_decide_patient", "_may_permit", "_gate_of"),
        _DECIDE,
    ),
    Target("bailee.core.grants", (), _DECIDE),
    Target(
        "bailee.consent.rules",
        (
            "outcome",
            "applies",
            "needs_record",
            "reach",
            "_refuses_ask",
            "_permits_ask",
            "_refuses_item",
            "_permits_item",
            "_labels_permit",
            "_data_touches",
            "_data_permits",
            "_happened_touches",
            "_happened_inside",
        ),
        _DECIDE,
    ),
    Target("bailee.consent.bulk", ("decide_patients", "what_is_said", "_permitting"), _DECIDE[3:]),
    Target(
        "bailee.stores.sql.consents",
        ("recheck", "_narrows"),
        ("tests/stores/test_consents.py", "tests/flows/test_store_consents.py"),
    ),
    Target(
        "bailee.consent.policies",
        ("words_of", "_rule", "_patients", "_contested"),
        ("tests/consent/test_policies.py", "tests/flows/test_store_consents.py"),
    ),
    Target(
        "bailee.flows.recall",
        ("publish_recalling", "_gone", "_refusing", "_Read.has"),
        ("tests/flows/test_recall.py", "tests/flows/test_store_consents.py"),
    ),
)
# name of a mutant → why nothing can tell it from the original
_FAST = (
    "not own and (not snapshot.house) and (not grant.needs_permit) and (not grant.special) and (not grant.leaves_out)"
)
EQUIVALENT: dict[str, str] = {
    "bailee.consent.evaluate._decide: without not subject (or 0)": "no record is of a patient without a name",
    f"bailee.consent.evaluate._decide: never if {_FAST}": "the short way and the long way give the same",
    "bailee.agreements.requests._check_bound: without not progress.bound_sha256 (or 0)": "a hash in hand is never empty",
}


@dataclass(frozen=True)
class Mutant:
    """One change of one module."""

    target: Target
    function: str
    line: int
    what: str
    source: str

    @property
    def name(self) -> str:
        """Name it without a line number, which changes."""
        return f"{self.target.module}.{self.function}: {self.what}"


class _Changer(ast.NodeTransformer):
    """Makes the n-th change that can be made below a node, and counts them."""

    def __init__(self, chosen: int) -> None:
        self.chosen, self.count, self.what, self.line = chosen, 0, "", 0

    def _is_next(self, node: ast.AST, what: str) -> bool:
        self.count += 1
        if self.count - 1 != self.chosen:
            return False
        self.what, self.line = what, getattr(node, "lineno", 0)
        return True

    def visit_If(self, node: ast.If) -> ast.AST:
        if self._is_next(node, f"never if {ast.unparse(node.test)}"):
            node.test = ast.Constant(value=False)
            return node
        return self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        if self._is_next(node, f"never {ast.unparse(node.test)} in a choice"):
            return node.orelse
        return self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        for at, part in enumerate(node.values):
            if self._is_next(
                node, f"without {ast.unparse(part)} ({'and' if isinstance(node.op, ast.And) else 'or'} {at})"
            ):
                rest = [one for number, one in enumerate(node.values) if number != at]
                return rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
        return self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        edges = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
        for at, operator in enumerate(node.ops):
            if type(operator) in edges and self._is_next(node, f"edge {at} of {ast.unparse(node)}"):
                node.ops[at] = edges[type(operator)]()
                return node
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Leave a state out of an arrow of a machine."""
        if isinstance(node.func, ast.Name) and node.func.id == "Step" and isinstance(node.args[1], ast.Tuple):
            for at, state in enumerate(node.args[1].elts):
                if self._is_next(node, f"{ast.unparse(node.args[0])} no longer from {ast.unparse(state)}"):
                    del node.args[1].elts[at]
                    return node
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Leave out a call that only checks."""
        call = node.value
        name = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
        if name.rpartition(".")[2].startswith(("_check", "check_")) and self._is_next(node, f"without {name}"):
            return ast.Pass()
        return self.generic_visit(node)


def mutants() -> Iterator[Mutant]:
    """Make every mutant."""
    for target in TARGETS:
        path = ROOT / "src" / Path(*target.module.split(".")).with_suffix(".py")
        source = path.read_text("utf-8")
        for name in target.functions or _functions(ast.parse(source)):
            number = 0
            while True:
                tree = ast.parse(source)
                changer = _Changer(number)
                _replace(tree, name, changer)
                if number >= changer.count:
                    break
                yield Mutant(target, name, changer.line, changer.what, ast.unparse(ast.fix_missing_locations(tree)))
                number += 1


def _functions(tree: ast.Module) -> list[str]:
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]


def _replace(tree: ast.Module, name: str, changer: _Changer) -> None:
    """Change the function, method or constant of that name."""
    body, last = tree.body, name
    if "." in name:
        owner, _, last = name.partition(".")
        body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner)
    for at, node in enumerate(body):
        named = getattr(node, "name", "")
        if isinstance(node, ast.AnnAssign | ast.Assign):
            targets = [node.target] if isinstance(node, ast.AnnAssign) else node.targets
            named = ast.unparse(targets[0])
        if named == last:
            body[at] = changer.visit(node)
            return
    raise SystemExit(f"there is no {name} any more: mend TARGETS")


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant's source in the place of its module's."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        del path, target
        if fullname != self.mutant.target.module:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=fullname)

    def exec_module(self, module: object) -> None:
        exec(compile(self.mutant.source, self.mutant.target.module, "exec"), vars(module))  # noqa: S102  # our own source


def is_noticed(mutant: Mutant | None, tests: tuple[str, ...]) -> bool:
    """Run tests against a mutant in a fork; a mutant that never ends is noticed too."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        quiet = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(quiet, number)
        if mutant is not None:
            sys.meta_path.insert(0, _Finder(mutant))
        import pytest

        options = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        code = pytest.main([*options, "-m", "not postgres and not spark and not browser", *tests])
        os._exit(0 if code == 0 else 1)
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.05)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def main() -> int:
    """Run every mutant, or list them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", default="", help="mutants whose name has this word")
    given = parser.parse_args()
    chosen = [one for one in mutants() if given.only in one.name]
    if given.list:
        print("\n".join(one.name for one in chosen))
        return 0
    os.chdir(ROOT)
    os.environ["BAILEE_PROFILE"] = "mutants"
    for name in HEAVY:
        importlib.import_module(name)
    for tests in sorted({tests for one in chosen for tests in one.target.tests}):
        if is_noticed(None, (tests,)):
            print(f"the tests fail without any mutant: {tests}")
            return 1
    survived = [one for one in chosen if not _run(one)]
    print(f"{len(chosen)} mutants, {len(survived)} survived")
    return 1 if survived else 0


def _run(mutant: Mutant) -> bool:
    began = time.monotonic()
    noticed = any(is_noticed(mutant, (one,)) for one in mutant.target.tests)
    told = "noticed" if noticed else "equivalent" if mutant.name in EQUIVALENT else "SURVIVED"
    if not noticed or time.monotonic() - began > 30:
        print(f"{told:10} {time.monotonic() - began:6.1f} s  {mutant.name}  (line {mutant.line})", flush=True)
    return told != "SURVIVED"


if __name__ == "__main__":
    sys.exit(main())

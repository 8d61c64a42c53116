# The checks, each by its name; `scripts/test` runs all of them from nothing.

default:
    @just --list

# Everything that must hold before a change lands
check: lint types rooms test

lint:
    ruff format --check .
    ruff check .

types:
    mypy

rooms:
    lint-imports

test *arguments:
    pytest -n auto {{arguments}}

# Tests with thousands of examples, all crash points, all interleavings
deep *arguments:
    BAILEE_DEEP=1 pytest {{arguments}}

kernels:
    python kernels/build.py

lock:
    scripts/lock

"""Authorization rules: a small part of CEL over request attributes; comparisons, `in`, `&&`, `||`, parentheses.

No negation, no function, no member access, at most ten logical operators: a rule must be readable by the person
whose consent it is. Source: cel.dev, and the part of it that Google's Consent Management API allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from bailee.core.errors import Invalid

MOST_OPERATORS = 10
MOST_CHARACTERS = 2000
_ALLOWED = frozenset(
    [
        "expr",
        "conditionalor",
        "conditionaland",
        "relation",
        "relation_eq",
        "relation_ne",
        "relation_in",
        "relation_lt",
        "relation_le",
        "relation_gt",
        "relation_ge",
        "addition",
        "multiplication",
        "unary",
        "member",
        "primary",
        "ident",
        "literal",
        "paren_expr",
        "list_lit",
        "exprlist",
    ]
)
_ONE_CHILD = frozenset({"expr", "addition", "multiplication", "unary", "member"})
_REMEDY = "Use ==, !=, <, <=, >, >=, in, && and || over request attributes."


def check_rule(expression: str, attributes: frozenset[str]) -> None:
    """Hold that a rule can be read and uses known attributes only. Raises: Invalid, saying what is wrong."""
    if not expression.strip() or len(expression) > MOST_CHARACTERS:
        raise Invalid(f"a rule of no or more than {MOST_CHARACTERS} characters", remedy=_REMEDY)
    tree = _tree(expression)
    names = set()
    operators = 0
    for part in _parts(tree):
        if part.data not in _ALLOWED or (part.data in _ONE_CHILD and len(part.children) != 1):
            raise Invalid("a rule with something else than comparisons", remedy=_REMEDY)
        operators += part.data in {"conditionalor", "conditionaland"} and len(part.children) > 1
        if part.data == "ident":
            names.add(str(part.children[0]))
    if operators > MOST_OPERATORS:
        raise Invalid(f"a rule with more than {MOST_OPERATORS} logical operators", remedy="Make two policies of it.")
    if not names <= attributes:
        raise Invalid("a rule over an attribute that is not defined", remedy="Define it as a REQUEST attribute.")


def holds(expression: str, request: Mapping[str, str]) -> bool | None:
    """Evaluate a rule over request attributes; None where it cannot be said, as when an attribute is missing."""
    from celpy import CELEvalError
    from celpy.celtypes import BoolType, StringType

    try:
        found = _program(expression).evaluate({name: StringType(value) for name, value in request.items()})
    except (CELEvalError, Invalid, TypeError, ValueError, RecursionError):
        return None
    return bool(found) if isinstance(found, BoolType) else None


@lru_cache(maxsize=1024)
def _program(expression: str) -> Any:
    environment = _environment()
    return environment.program(_tree(expression))


@lru_cache(maxsize=1024)
def _tree(expression: str) -> Any:
    from celpy import CELParseError

    try:
        return _environment().compile(expression)
    except (CELParseError, RecursionError):
        raise Invalid("a rule that is not CEL", remedy=_REMEDY) from None


@lru_cache(maxsize=1)
def _environment() -> Any:
    import celpy

    return celpy.Environment()


def _parts(tree: Any) -> Iterator[Any]:
    return iter(tree.iter_subtrees())

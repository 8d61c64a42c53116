"""Text of an expression → its tree. Knows the names of the functions that evaluation supports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bailee.core.errors import Invalid
from bailee.deid.structure.microsoft.fhirpath.moments import Moment, moment_from_literal


@dataclass(frozen=True)
class Literal:
    """A value written down, or {}."""

    value: Any  # bool, int, Decimal, str, Moment; None is the empty collection


@dataclass(frozen=True)
class Name:
    """A name at the start of an expression: a type or a member."""

    text: str


@dataclass(frozen=True)
class Special:
    """A variable: $this, $index, %resource, %rootResource, %context."""

    text: str


@dataclass(frozen=True)
class Member:
    """A member of what stands before the dot."""

    target: Expression
    text: str


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    target: Expression | None
    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class TypeCall:
    """`is`, `as`, `ofType` as operator or function: the argument is a type's name."""

    target: Expression | None
    name: str
    type: str


@dataclass(frozen=True)
class Item:
    """An item by its index."""

    target: Expression
    index: Expression


@dataclass(frozen=True)
class Unary:
    """A sign before a number."""

    operator: str
    operand: Expression


@dataclass(frozen=True)
class Binary:
    """Two operands and an operator."""

    operator: str
    left: Expression
    right: Expression


Expression = Literal | Name | Special | Member | Call | TypeCall | Item | Unary | Binary

# name → numbers of arguments
FUNCTIONS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(
        ("empty", "not", "allTrue", "anyTrue", "allFalse", "anyFalse", "count", "distinct", "isDistinct", "single"),
        (0,),
    ),
    **dict.fromkeys(("first", "last", "tail", "children", "descendants", "hasValue", "getValue", "today", "now"), (0,)),
    **dict.fromkeys(("toString", "toInteger", "toDecimal", "toBoolean", "toDate", "toDateTime", "toTime"), (0,)),
    **dict.fromkeys(("upper", "lower", "length", "toChars", "trim", "abs", "ceiling", "floor", "truncate"), (0,)),
    **dict.fromkeys(("convertsToInteger", "convertsToDecimal", "convertsToBoolean", "convertsToString"), (0,)),
    **dict.fromkeys(("convertsToDate", "convertsToDateTime", "convertsToTime"), (0,)),
    **dict.fromkeys(("nodesByType", "nodesByName", "where", "select", "all", "repeat", "skip", "take"), (1,)),
    **dict.fromkeys(("union", "combine", "intersect", "exclude", "subsetOf", "supersetOf", "extension"), (1,)),
    **dict.fromkeys(
        ("startsWith", "endsWith", "contains", "indexOf", "lastIndexOf", "matches", "matchesFull", "split"), (1,)
    ),
    **dict.fromkeys(("replace", "replaceMatches"), (2,)),
    "exists": (0, 1),
    "substring": (1, 2),
    "iif": (2, 3),
    "round": (0, 1),
    "join": (0, 1),
    "trace": (1, 2),
}
TYPE_FUNCTIONS = frozenset({"is", "as", "ofType"})
_LEVELS: tuple[tuple[str, ...], ...] = (
    ("implies",),
    ("or", "xor"),
    ("and",),
    ("in", "contains"),
    ("=", "~", "!=", "!~"),
    (">", "<", ">=", "<="),
    ("|",),
    ("is", "as"),
    ("+", "-", "&"),
    ("*", "/", "div", "mod"),
)
_TOKEN = re.compile(
    r"""(?P<skip>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<moment>@(?:T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?
          | \d{4}(?:-\d\d(?:-\d\d)?)?(?:T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)?))
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<text>'(?:[^'\\]|\\.)*')
      | (?P<quoted>`(?:[^`\\]|\\.)*`|"(?:[^"\\]|\\.)*")
      | (?P<special>\$this|\$index|%resource|%context|%rootResource)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<sign><=|>=|!=|!~|[-+*/&|=~<>.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def parse(text: str) -> Expression:
    """Parse an expression. Raises: Invalid if it is not FHIRPath, or uses what is not supported."""
    parser = _Parser(_tokens(text))
    expression = parser.level(0)
    if parser.peek().kind != "end":
        raise Invalid("an expression with something left over at its end")
    return expression


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise Invalid(f"an expression with an unexpected character at {at + 1}")
        at = found.end()
        if found.lastgroup != "skip":
            tokens.append(_Token(found.lastgroup, found.group()))
    return [*tokens, _Token("end", "")]


def _unescaped(text: str) -> str:
    """Resolve the escapes of a quoted text."""

    def one(found: re.Match[str]) -> str:
        code = found[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else _ESCAPES.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", one, text[1:-1], flags=re.DOTALL)


class _Parser:
    """Precedence climbing over the ten levels of binary operators."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def peek(self) -> _Token:
        """See the next token."""
        return self._tokens[self._at]

    def take(self) -> _Token:
        """Take the next token."""
        token = self.peek()
        self._at += 1
        return token

    def accept(self, *signs: str) -> str:
        """Take the next token if it is one of these operators or words."""
        token = self.peek()
        if token.kind in {"sign", "name"} and token.text in signs:
            self._at += 1
            return token.text
        return ""

    def expect(self, sign: str) -> None:
        """Take a sign that must come."""
        if not self.accept(sign):
            raise Invalid(f"an expression that lacks “{sign}”")

    def level(self, depth: int) -> Expression:
        """Read operators of one level and tighter."""
        if depth == len(_LEVELS):
            return self.signed()
        left = self.level(depth + 1)
        while operator := self.accept(*_LEVELS[depth]):
            if operator in TYPE_FUNCTIONS:
                left = TypeCall(left, operator, self.type_name())
            else:
                left = Binary(operator, left, self.level(depth + 1))
        return left

    def signed(self) -> Expression:
        """Read a path, perhaps with a sign."""
        sign = self.accept("+", "-")
        return Unary(sign, self.signed()) if sign else self.path()

    def path(self) -> Expression:
        """Read a term and what follows it by dots and brackets."""
        expression = self.term()
        while True:
            if self.accept("."):
                expression = self.invocation(expression)
            elif self.accept("["):
                expression = Item(expression, self.level(0))
                self.expect("]")
            else:
                return expression

    def term(self) -> Expression:
        """Read a literal, a variable, a name, a call or something in parentheses."""
        token = self.peek()
        if self.accept("("):
            inner = self.level(0)
            self.expect(")")
            return inner
        if self.accept("{"):
            self.expect("}")
            return Literal(None)
        if token.kind in {"moment", "number", "text"} or token.text in {"true", "false"}:
            return Literal(_literal(self.take()))
        if token.kind == "special":
            return Special(self.take().text)
        return self.invocation(None)

    def invocation(self, target: Expression | None) -> Expression:
        """Read a name or a call."""
        token = self.take()
        if token.kind == "special" and target is not None:
            return Special(token.text)
        if token.kind not in {"name", "quoted"}:
            raise Invalid("an expression with a name missing")
        text = _unescaped(token.text) if token.kind == "quoted" else token.text
        if token.kind == "name" and self.accept("("):
            return self.call(target, text)
        return Name(text) if target is None else Member(target, text)

    def call(self, target: Expression | None, name: str) -> Expression:
        """Read a call's arguments, after its opening parenthesis."""
        if name in TYPE_FUNCTIONS:
            kind = self.type_name()
            self.expect(")")
            return TypeCall(target, name, kind)
        arguments: list[Expression] = []
        if not self.accept(")"):
            arguments.append(self.level(0))
            while self.accept(","):
                arguments.append(self.level(0))
            self.expect(")")
        if name not in FUNCTIONS or len(arguments) not in FUNCTIONS[name]:
            raise Invalid(f"the function {name}() is not supported with {len(arguments)} arguments")
        return Call(target, name, tuple(arguments))

    def type_name(self) -> str:
        """Read a type's name, with or without its namespace."""
        token = self.take()
        if token.kind == "text":  # ofType('Age') is tolerated
            return _unescaped(token.text)
        if token.kind not in {"name", "quoted"}:
            raise Invalid("an expression with a type's name missing")
        name = token.text.strip('`"')
        return self.type_name() if name in {"FHIR", "System"} and self.accept(".") else name


def _literal(token: _Token) -> bool | int | Decimal | str | Moment:
    if token.kind == "name":
        return token.text == "true"
    if token.kind == "text":
        return _unescaped(token.text)
    if token.kind == "number":
        return Decimal(token.text) if "." in token.text else int(token.text)
    moment = moment_from_literal(token.text)
    if moment is None:
        raise Invalid("an expression with a date that does not exist")
    return moment

"""YAML with line numbers: plain values, and the line of every path in them; no tags, no duplicate keys, no anchors."""

from __future__ import annotations

import re
from typing import Any

import yaml

from bailee.core.errors import Invalid

MAX_BYTES = 1_000_000
Path = tuple[str | int, ...]
_REMEDY = "Mend the file: it must be plain YAML of one mapping."
_STEP = re.compile(r"\.([^.\[\]`]+)|\[(\d+|\.\.\.)\]")


class Document:
    """A YAML document: its values, and where each stands."""

    def __init__(self, text: str, *, name: str) -> None:
        self.name = name
        self._lines: dict[Path, int] = {}
        node = _composed(text, name)
        if not isinstance(node, yaml.MappingNode):
            raise Invalid("not a mapping of terms", where=name, remedy=_REMEDY)
        self.values: dict[str, Any] = self._value(node, ())

    def line(self, path: Path) -> int:
        """Give the line of a path, or of its nearest ancestor that stands in the document."""
        while path not in self._lines:
            path = path[:-1]
        return self._lines[path]

    def where(self, path: Path) -> str:
        """Name the file and line of a path, for an error."""
        return f"{self.name}, line {self.line(path)}"

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, number)) for number, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if key_node.tag != "tag:yaml.org,2002:str":
                raise Invalid("a key that is not text", where=f"{self.name}, line {line}", remedy="Quote the key.")
            if key_node.value in found:
                raise Invalid("the same term twice", where=f"{self.name}, line {line}", remedy="Keep one of the two.")
            self._lines[(*path, key_node.value)] = line
            found[key_node.value] = self._value(value_node, (*path, key_node.value))
        return found

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        try:
            return yaml.SafeLoader("").construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError):
            raise Invalid(
                "a value that cannot be read", where=self.where(path), remedy="Quote it if it is text."
            ) from None


def path_from_error(message: str) -> Path:
    """Find the path in msgspec's message, such as "… - at `$.scope.types[0]`"."""
    _, _, tail = message.rpartition("`$")
    return tuple(
        name or (int(number) if number.isdigit() else 0) for name, number in _STEP.findall("." * 0 + tail.rstrip("`"))
    )


def _composed(text: str, name: str) -> yaml.Node | None:
    if len(text) > MAX_BYTES:
        raise Invalid(f"longer than {MAX_BYTES} characters", where=name, remedy="An agreement is a short document.")
    try:
        tokens = yaml.scan(text, Loader=yaml.SafeLoader)
        if any(isinstance(token, yaml.AliasToken | yaml.AnchorToken | yaml.TagToken) for token in tokens):
            raise Invalid("an anchor, alias or tag", where=name, remedy="Write each term out in full.")
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise Invalid("not YAML", where=f"{name}, line {line}", remedy=_REMEDY) from None
    except (yaml.YAMLError, RecursionError):
        raise Invalid("not YAML", where=name, remedy=_REMEDY) from None

"""Slow, obvious models of the compiled JSON walkers, and texts to try them on."""

import json

from hypothesis import strategies as st

NAMES = st.sampled_from(
    ["id", "name", "given", "family", "contained", "resourceType", "reference", "x", "", "é", "\U0001f600"]
)
TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["Patient", "Observation", '"', "\\", "\n", "\u2028", "\x00", "a" * 40])
)
NUMBERS = st.sampled_from(["0", "-0", "0.10", "1e5", "1E-400", "123456789012345678901234567890", "-1.50"])


def spelled(text, escaped):
    """Write a JSON string; where `escaped`, every character as \\uXXXX."""
    if not escaped:
        return json.dumps(text, ensure_ascii=False)
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2)) + '"'


STRINGS = st.builds(spelled, TEXTS, st.booleans())
SCALARS = st.one_of(STRINGS, STRINGS, NUMBERS, st.sampled_from(["true", "false", "null"]))
BLANKS = st.sampled_from(["", "", "", " ", "\n\t"])


@st.composite
def _object(draw, values):
    members = draw(st.lists(st.tuples(NAMES, st.booleans(), values), max_size=6, unique_by=lambda member: member[0]))
    blank = draw(BLANKS)
    return (
        "{"
        + ",".join(f"{blank}{spelled(name, escaped)}{blank}:{value}" for name, escaped, value in members)
        + blank
        + "}"
    )


@st.composite
def _array(draw, values):
    blank = draw(BLANKS)
    return "[" + f"{blank},{blank}".join(draw(st.lists(values, max_size=4))) + "]"


VALUES = st.recursive(SCALARS, lambda inner: st.one_of(_object(inner), _array(inner)), max_leaves=25)
OBJECTS = _object(VALUES)


class Refused(Exception):
    pass


def read(content):
    """Parse strictly; numbers come as their text in a 1-tuple. Raises: Refused."""
    try:
        document = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_int=lambda n: (n,),
            parse_float=lambda n: (n,),
        )
    except (ValueError, RecursionError):
        raise Refused from None
    if not isinstance(document, dict) or _depth(document) > 64 or _lone(document):
        raise Refused
    return document


def _unique(pairs):
    if len({name for name, _ in pairs}) != len(pairs):
        raise Refused
    return dict(pairs)


def _refuse(_):
    raise Refused


def _depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(_depth, inner), default=0)


def _lone(value):
    if isinstance(value, str):
        return any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, dict):
        return any(_lone(name) or _lone(item) for name, item in value.items())
    return isinstance(value, list) and any(map(_lone, value))


def found(document, tags, *, contained=False):
    """List what `collect` finds, as (tag, value) in the record's order of meeting them, sorted."""
    return sorted(_resource(document, tags, contained, inside=False), key=repr)


def _resource(document, tags, contained, *, inside):
    kind = document.get("resourceType")
    kind = kind if isinstance(kind, str) else ""
    for (wanted, path), tag in tags.items():
        if wanted in (kind, "*") and not path.startswith("**."):
            for value in _at(document, path.split("."), skip="contained" if contained else None):
                yield tag, value, inside
        elif path.startswith("**."):
            for value in _anywhere(document, path[3:], skip="contained" if contained else None):
                yield tag, value, inside
    inner = document.get("contained") if contained else None
    for item in inner if isinstance(inner, list) else [inner]:
        if isinstance(item, dict):
            yield from _resource(item, tags, contained, inside=True)


def _items(value):
    if isinstance(value, list):
        for item in value:
            yield from _items(item)
    elif value is not None:
        yield value


def _at(document, names, skip):
    if not isinstance(document, dict) or names[0] not in document or names[0] == skip:
        return
    for item in _items(document[names[0]]):
        if len(names) == 1:
            yield item
        else:
            yield from _at(item, names[1:], None)


def _anywhere(value, name, skip):
    if isinstance(value, list):
        for item in value:
            yield from _anywhere(item, name, None)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == skip:
                continue
            if key == name:
                yield from _items(inner)
            yield from _anywhere(inner, name, None)

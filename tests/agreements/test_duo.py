"""Data use terms: the seven cases that other matchers answer wrongly, and every small set of modifiers against a table."""

import itertools
import random
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from tests.support.duo_oracle import CODES, LATTICE, oracle

from bailee.agreements import duo
from bailee.agreements.days import add_months, first_ms
from bailee.agreements.diseases import built_in_diseases, diseases_from_text
from bailee.agreements.duo import Use, Verdict, match
from bailee.agreements.terms import Modifier, Purposes
from bailee.core.errors import Invalid

GRANTED = date(2027, 1, 31)
NOW = first_ms(date(2027, 2, 10))
CANCER, BREAST, ASTHMA = "MONDO:0004992", "MONDO:0007254", "MONDO:0004979"
VALUES = {"RS": ("t1",), "GS": ("US",), "US": ("u1",), "PS": ("p1",), "IS": ("i1",)}
DISEASES = built_in_diseases()


def terms(permission: str, *modifiers: str, months: int = 1) -> Purposes:
    made = tuple(
        Modifier(code=CODES[name], values=VALUES.get(name, ()), months=months if name in {"TS", "MOR"} else None)
        for name in modifiers
    )
    diseases = (CANCER,) if permission == "DS" else ()
    return Purposes(permission=CODES[permission], diseases=diseases, modifiers=made, in_words="x")


def ask(permission: Purposes | None, at_ms: int = NOW, **said: Any) -> Verdict:
    use = Use(**{"clinical": False, "ancestry": False, **said})
    return match(permission, use, granted_on=GRANTED, at_ms=at_ms, diseases=DISEASES).verdict


SEVEN = [
    ("a purpose against data without terms", None, {"aim": CODES["HMB"]}),
    ("general research against disease-specific data", terms("DS"), {"aim": CODES["GRU"]}),
    ("general research against population data", terms("POA"), {"aim": CODES["GRU"]}),
    ("methods against data without methods", terms("HMB", "NMDS"), {"aim": CODES["HMB"], "methods": True}),
    ("methods without a disease against disease-specific data", terms("DS"), {"methods": True}),
    (
        "for profit, with a doubt beside it, against non-profit data",
        terms("GRU", "NCU", "RS"),
        {"aim": CODES["GRU"], "commercial": True, "research_types": ("children",)},
    ),
    ("a region and a board that nobody mentioned", terms("HMB", "GS", "IRB"), {"aim": CODES["HMB"]}),
]


@pytest.mark.parametrize("words, data, use", SEVEN, ids=[case[0] for case in SEVEN])
def test_what_another_matcher_approved_is_denied(words: str, data: Purposes | None, use: dict[str, Any]) -> None:
    assert ask(data, **use) is Verdict.DENY


MODIFIERS = sorted(set(CODES) - set(LATTICE))
GRID: dict[str, list[Any]] = {
    "aim": [None, *LATTICE],
    "disease": [None, CANCER, BREAST, ASTHMA],
    "methods": [None, True, False],
    "genetic": [None, True, False],
    "ancestry": [None, True, False],
    "commercial": [None, True, False],
    "non_profit": [None, True, False],
    "clinical": [None, True, False],
    "research_type": [None, "t1", "t2"],
    "user": [None, "u1", "u2"],
    "institution": [None, "i1", "i2"],
    "project": [None, "p1", "p2"],
    "region": [None, "US", "DE"],
    "board": [None, True, False],
}
GOOD = {
    "methods": False,
    "genetic": True,
    "ancestry": False,
    "commercial": False,
    "non_profit": True,
    "clinical": False,
    "research_type": "t1",
    "user": "u1",
    "institution": "i1",
    "project": "p1",
    "region": "US",
    "board": True,
}


def _cases() -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
    """Every permission with every set of up to three modifiers, each under a spread of uses."""
    chance = random.Random(7)
    for permission in LATTICE:
        for count in range(4):
            for modifiers in itertools.combinations(MODIFIERS, count):
                for number in range(22):
                    use = {"aim": chance.choice(GRID["aim"][1:]), "disease": chance.choice(GRID["disease"]), **GOOD}
                    for name in chance.sample(sorted(GRID), number % 5):
                        use[name] = chance.choice(GRID[name])
                    yield permission, modifiers, use


def _use(said: dict[str, Any]) -> Use:
    def some(name: str) -> tuple[str, ...] | None:
        return None if said[name] is None else (said[name],)

    board = {None: (None, None), True: (GRANTED, date(2028, 1, 1)), False: (GRANTED, date(2027, 2, 10))}[said["board"]]
    return Use(
        aim=CODES[said["aim"]] if said["aim"] else None,
        diseases=some("disease") or (),
        **{name: said[name] for name in ("methods", "genetic", "ancestry", "commercial", "non_profit", "clinical")},
        research_types=some("research_type"),
        users=some("user"),
        institutions=some("institution"),
        projects=some("project"),
        regions=some("region"),
        board_from=board[0],
        board_until=board[1],
    )


def test_a_hundred_thousand_cases_agree_with_the_table() -> None:
    wrong: list[Any] = []
    seen: dict[str, int] = {}
    for permission, modifiers, said in _cases():
        found = match(terms(permission, *modifiers), _use(said), granted_on=GRANTED, at_ms=NOW, diseases=DISEASES)
        below = said["disease"] in {CANCER, BREAST}
        expected = oracle(permission, frozenset(modifiers), said, below=below, in_time=True)
        answer = {Verdict.DENY: "DENY", Verdict.NEEDS_HUMAN: "HUMAN", Verdict.PERMIT: "PERMIT"}[found.verdict]
        seen[answer] = seen.get(answer, 0) + 1
        if answer != expected:
            wrong.append((permission, modifiers, said, answer, expected))
    assert wrong[:3] == []
    assert sum(seen.values()) >= 100_000
    assert min(seen.values()) > 5_000  # each answer is well represented


def test_every_code_of_the_vocabulary_has_a_meaning() -> None:
    assert set(duo._PREDICATES) == duo.MODIFIERS == {CODES[name] for name in MODIFIERS}
    assert set(duo.COVERS) == {CODES[name] for name in LATTICE}


@pytest.mark.parametrize("code", ["DUO:0000001", "DUO:0000017", "DUO:9999999", CODES["GRU"]])
def test_an_unknown_or_abstract_modifier_denies(code: str) -> None:
    made = Purposes(permission=CODES["GRU"], modifiers=(Modifier(code=code),), in_words="x")
    assert ask(made, aim=CODES["GRU"]) is Verdict.DENY
    assert list(duo.malformed(made))


@pytest.mark.parametrize("left_out", sorted(set(GOOD)))
def test_saying_less_never_permits_more(left_out: str) -> None:
    for modifier in MODIFIERS:
        said = {"aim": "HMB", "disease": None, **GOOD}
        full = match(terms("HMB", modifier), _use(said), granted_on=GRANTED, at_ms=NOW, diseases=DISEASES)
        less = match(
            terms("HMB", modifier), _use({**said, left_out: None}), granted_on=GRANTED, at_ms=NOW, diseases=DISEASES
        )
        assert less.verdict >= full.verdict


@pytest.mark.parametrize(
    "granted, months, ends",
    [
        (date(2027, 1, 31), 1, date(2027, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2027, 12, 31), 2, date(2028, 2, 29)),
        (date(2027, 1, 1), 12, date(2028, 1, 1)),
    ],
)
def test_months_end_where_the_calendar_says(granted: date, months: int, ends: date) -> None:
    assert add_months(granted, months) == ends
    made, use = terms("GRU", "TS", months=months), Use(aim=CODES["GRU"], clinical=False)
    for at_ms, verdict in ((first_ms(ends) - 1, Verdict.PERMIT), (first_ms(ends), Verdict.DENY)):
        assert match(made, use, granted_on=granted, at_ms=at_ms, diseases=DISEASES).verdict is verdict


def test_obligations_come_with_the_answer() -> None:
    use = Use(aim=CODES["GRU"], clinical=False)
    found = match(terms("GRU", "PUB", "MOR", "RTN"), use, granted_on=GRANTED, at_ms=NOW, diseases=DISEASES)
    assert found.obligations == ("publish-results", "publication-moratorium", "return-results")


TABLE = "# release r1\nMONDO:0000001\t\tdisease\nMONDO:0000002\tMONDO:0000001\tone\nMONDO:0000003\tMONDO:0000002 MONDO:0000001\ttwo\n"


def test_a_site_loads_its_own_release_pinned_by_its_hash() -> None:
    found = diseases_from_text(TABLE, name="mondo.txt")
    assert found.above("MONDO:0000003") == {"MONDO:0000001", "MONDO:0000002", "MONDO:0000003"}
    assert diseases_from_text(TABLE, name="mondo.txt", sha256=found.sha256).release == "r1"
    with pytest.raises(Invalid, match="pinned"):
        diseases_from_text(TABLE + "\n", name="mondo.txt", sha256=found.sha256)


@pytest.mark.parametrize(
    "text, words",
    [
        ("MONDO:0000001\t\tdisease\n", "no release"),
        ("# release r\nMONDO:1\t\tx\n", "line 2"),
        ("# release r\nMONDO:0000001\n", "line 2"),
        ("# release r\nMONDO:0000001\tMONDO:0000009\tx\n", "lacks"),
        ("# release r\nMONDO:0000001\tMONDO:0000002\tx\nMONDO:0000002\tMONDO:0000001\ty\n", "circle"),
        ("", "no release"),
    ],
)
def test_a_broken_release_is_refused(text: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        diseases_from_text(text, name="mondo.txt")

"""The evaluator against the same rules written as Cedar policies and evaluated by Cedar."""

import itertools
import json
import os
import random
from typing import Any

import pytest
from tests.support.cedar import CATEGORIES, SCHEMA, entities_of, policies_of, request_of
from tests.support.consents import ASK, ITEM, ask, item, rule, snapshot

from bailee.consent.evaluate import decide
from bailee.consent.rules import Item, Rule
from bailee.core.grants import Ask

cedarpy = pytest.importorskip("cedarpy")

DEEP = bool(os.environ.get("BAILEE_DEEP"))
ONE = {
    "purposes": ["HRESCH", "CLINTRCH", "HMARKT", "PurposeOfUse"],
    "recipients": ["acme", "Organization/acme", "other"],
    "projects": ["a1", "a2"],
    "regions": ["US", "US-MN", "DE"],
    "identifiability": ["safe-harbor", "identified"],
    "actions": ["disclose", "access", "collect"],
    "classes": ["Condition", "Patient", "s|2"],
    "codes": ["s|1", "s|2", "s|3"],
    "labels": ["confidentiality:N", "confidentiality:R", "category:hiv", "category:substance-use", "x|y"],
    "data": ["instance:Condition/c1", "related:Observation/o1", "dependents:Encounter/e1", "authoredby:Practitioner/x"],
}
CRITERIA: list[dict[str, Any]] = [
    {},
    *({name: frozenset({word})} for name, words in ONE.items() for word in words),
    {"not_before": 50},
    {"not_before": 51},
    {"not_after": 50},
    {"not_after": 51},
    {"data_from": 100},
    {"data_from": 150},
    {"data_until": 200},
    {"data_until": 150},
]
SINGLES = [rule(effect, f"{effect}{n}", **one) for effect in ("permit", "deny") for n, one in enumerate(CRITERIA)]
ITEMS: list[Item] = [
    ITEM,
    item(type="Patient"),
    item(type="Claim"),
    *(item(**{name: None}) for name in ("codes", "mentions", "labels", "happened", "refers_to", "referred_by")),
    item(codes=frozenset({"s|2"}), mentions=frozenset({"s|3"})),
    item(labels=frozenset({"confidentiality:R", "category:hiv"})),
    item(labels=frozenset({"category:hiv", "category:substance-use"})),
    item(labels=frozenset()),
    item(happened=(0, 101)),
    item(happened=(200, 300)),
    item(refers_to=frozenset({"Practitioner/x"}), referred_by=frozenset({"Observation/o1"})),
]
ASKS: list[Ask] = [
    ASK,
    ask(purposes=frozenset({"CLINTRCH"})),
    ask(regions=frozenset({"US"}), actions=frozenset({"access"})),
]
GRANTS: list[dict[str, Any]] = [
    {"needs_permit": needs, "special": special, "leaves_out": out}
    for needs in (True, False)
    for special in (frozenset(), frozenset({"hiv"}))
    for out in (frozenset(), frozenset({"substance-use"}))
]
SCOPE = {"purposes": frozenset({"HRESCH", "CLINTRCH"})}
MOMENTS = [9, 10, 49, 50, 51, 999, 1000]
ENTITIES = cedarpy.Entities.from_json_str(json.dumps(entities_of(ITEMS)), SCHEMA)


def disagreements(rules: list[Rule], grant: dict[str, Any], questions: list[tuple[Ask, Item, int]]) -> list[Any]:
    """Ask both, and give where they differ. An error that Cedar tells is a refusal, and one of the policies is a failure."""
    policies = policies_of(rules, grant)
    answers = cedarpy.is_authorized_batch([request_of(*one) for one in questions], policies, ENTITIES)
    world = snapshot(*rules, **grant, **SCOPE)
    wrong = []
    for (asked, record, at_ms), answer in zip(questions, answers, strict=True):
        assert answer.diagnostics.errors == []
        ours = decide("p1", record, asked, world, at_ms).permit
        if ours is not answer.allowed:
            wrong.append((rules, grant, asked.purposes, record, at_ms, ours))
    return wrong


def everything(asks: list[Ask], moments: list[int]) -> list[tuple[Ask, Item, int]]:
    return list(itertools.product(asks, ITEMS, moments))


@pytest.mark.parametrize("grant", GRANTS[:: 1 if DEEP else 3])
def test_each_criterion_alone(grant: dict[str, Any]) -> None:
    """Each of the rules with one criterion, against each record, at the edges of every window."""
    questions = everything(ASKS, [9, 10, 50, 51, 999, 1000] if DEEP else [50, 51])
    wrong = [found for one in SINGLES for found in disagreements([one], grant, questions)]
    assert wrong[:2] == []


def _draw(chance: random.Random, depth: int) -> Rule:
    """Draw a rule of up to three criteria with exceptions in it."""
    criteria: dict[str, Any] = {}
    for one in chance.sample(CRITERIA, chance.randrange(4)):
        criteria |= one
    inner = tuple(_draw(chance, depth - 1) for _ in range(chance.randrange(3))) if depth else ()
    layer = chance.choice(["patient", "patient", "admin"])
    return rule(
        chance.choice(["permit", "deny"]), f"r{chance.randrange(100)}", layer=layer, exceptions=inner, **criteria
    )


@pytest.mark.parametrize("part", range(4))
def test_rules_together_and_inside_each_other(part: int) -> None:
    """Sets of up to four rules, nested twice, drawn in a fixed order."""
    wrong = []
    for seed in range(part, 4000 if DEEP else 120, 4):
        chance = random.Random(seed)
        rules = [_draw(chance, 2) for _ in range(chance.randrange(1, 5))]
        questions = chance.sample(everything(ASKS, MOMENTS), 24)
        wrong += disagreements(rules, GRANTS[seed % len(GRANTS)], questions)
    assert wrong[:2] == []


def test_the_policies_fit_the_schema_so_that_none_is_skipped() -> None:
    """Cedar leaves out a policy that fails: one that names what is not there would permit by silence."""
    chance = random.Random(7)
    for grant in GRANTS:
        rules = [*SINGLES, *(_draw(chance, 2) for _ in range(20))]
        checked = cedarpy.validate_policies(policies_of(rules, grant), SCHEMA)
        assert checked.validation_passed, checked.errors
    assert not cedarpy.validate_policies("forbid(principal, action, resource) when { resource.kinds == 1 };", SCHEMA)


def test_both_answers_occur() -> None:
    """The control: agreement on refusals alone would prove little."""
    questions = everything(ASKS, [50])
    told = [
        decide("p1", record, asked, snapshot(one, needs_permit=needs, **SCOPE), at_ms).permit
        for needs in (True, False)
        for one in SINGLES
        for asked, record, at_ms in questions
    ]
    assert min(told.count(True), told.count(False)) > len(told) // 10


def test_the_categories_are_those_of_the_rules() -> None:
    named = {word.removeprefix("category:") for one in SINGLES for word in one.labels if word.startswith("category:")}
    assert named <= set(CATEGORIES)

"""The evaluator against a second reading of the rules, and every small world there is."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.consent_oracle import oracle
from tests.support.consents import ASK, ITEM, MOMENTS, grants, items, rule, rules, snapshot

from bailee.consent.evaluate import decide
from bailee.consent.rules import Item, Rule


@settings(max_examples=400)
@given(st.lists(rules(), max_size=4), items(), grants(), MOMENTS)
def test_every_decision_agrees_with_the_second_reading(
    said: list[Rule], record: Item, changes: dict[str, Any], at_ms: int
) -> None:
    found = decide("p1", record, ASK, snapshot(*said, **changes), at_ms).permit
    plain = [msgspec.structs.asdict(one) | {"exceptions": _plain(one)} for one in said]
    assert found is oracle(plain, msgspec.structs.asdict(ASK), msgspec.structs.asdict(record), at_ms, changes)


def _plain(said: Rule) -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(one) | {"exceptions": _plain(one)} for one in said.exceptions]


KINDS: dict[str, dict[str, Any]] = {
    "speaks": {},
    "of another purpose": {"purposes": frozenset({"HMARKT"})},
    "of another record": {"classes": frozenset({"Observation"})},
    "too early": {"not_after": 50},
    "too late": {"not_before": 51},
    "of another partner": {"recipients": frozenset({"other"})},
}
WORLD = [
    (effect, layer, kind, rule(effect, f"{effect}-{layer}-{kind}".replace(" ", "-"), layer=layer, **KINDS[kind]))
    for effect in ("permit", "deny")
    for layer in ("patient", "admin", "law")
    for kind in KINDS
    if not (effect == "permit" and layer == "law")
]


@pytest.mark.parametrize("needs_permit", [True, False])
def test_every_world_of_up_to_three_rules(needs_permit: bool) -> None:
    """All ordered sets of up to three of thirty rules: 25,000 worlds, each with and without a needed permission."""
    wrong, count = [], 0
    for size in range(4):
        for chosen in itertools.permutations(WORLD, size):
            speaking = {(effect, layer) for effect, layer, kind, _ in chosen if kind == "speaks"}
            refused = any(effect == "deny" for effect, _ in speaking)
            expected = not refused and (not needs_permit or ("permit", "patient") in speaking)
            said = snapshot(*(one for *_, one in chosen), needs_permit=needs_permit)
            count += 1
            if decide("p1", ITEM, ASK, said, 50).permit is not expected:
                wrong.append([one.id for *_, one in chosen])
    assert wrong[:3] == []
    assert count == 1 + 30 + 30 * 29 + 30 * 29 * 28

"""Rules as FHIR Consents: what is written reads back as the same rule."""

import json
from typing import Any

import msgspec
import pytest
from fhir.resources.R4B.consent import Consent as Model
from hypothesis import given
from tests.support.consents import rule, rules

from bailee.consent.directives import body_of
from bailee.consent.fhir import rules_from_consent
from bailee.consent.fhir_write import consent_from_rule
from bailee.consent.labels import LEVEL, LEVELS, built_in_sensitivity
from bailee.consent.rules import Rule
from bailee.core.errors import Invalid

TABLE = built_in_sensitivity()


def _plain(said: Rule) -> Rule:
    """Keep what FHIR has a place for, with levels as a Consent means them."""
    labels = {word for word in said.labels if not word.startswith(LEVEL)}
    levels = [LEVELS.index(word.removeprefix(LEVEL)) for word in said.labels if word.startswith(LEVEL)]
    if levels:
        chosen = LEVELS[min(levels) :] if said.effect == "deny" else LEVELS[: max(levels) + 1]
        labels |= {f"{LEVEL}{level}" for level in chosen}
    changes: dict[str, Any] = dict.fromkeys(("regions", "projects", "identifiability"), frozenset())
    inner = tuple(_plain(one) for one in said.exceptions)
    return msgspec.structs.replace(
        said, layer="patient", code="E-DENY", labels=frozenset(labels), exceptions=inner, **changes
    )


@given(rules())
def test_a_rule_comes_back_from_its_consent(drawn: Rule) -> None:
    said = _plain(drawn)
    made = consent_from_rule("p1", said, TABLE)
    found = rules_from_consent(json.dumps(made).encode(), TABLE)
    assert (found.patient, found.fault) == ("p1", "")
    (back,) = found.rules
    assert (back.id, back.not_before, back.not_after, body_of(back)) == (
        said.id,
        said.not_before,
        said.not_after,
        body_of(said),
    )


def test_it_is_a_consent_by_hl7s_own_definition() -> None:
    said = rule(
        "deny",
        recipients=frozenset({"Organization/acme", "acme", "urn:oid:1|x"}),
        purposes=frozenset({"HRESCH"}),
        classes=frozenset({"Condition"}),
        labels=frozenset({"category:hiv"}),
        data=frozenset({"instance:Condition/c1"}),
        exceptions=(rule("permit", codes=frozenset({"http://loinc.org|1-8"})),),
    )
    assert Model.model_validate(consent_from_rule("p1", said, TABLE)).status == "active"


@pytest.mark.parametrize(
    "said",
    [
        rule(regions=frozenset({"US"})),
        rule(projects=frozenset({"a1"})),
        rule(exceptions=(rule("permit", identifiability=frozenset({"safe-harbor"})),)),
        rule(layer="admin"),
        rule(labels=frozenset({"category:state-protected"})),
    ],
)
def test_what_fhir_has_no_place_for_is_refused(said: Rule) -> None:
    with pytest.raises(Invalid):
        consent_from_rule("p1", said, TABLE)

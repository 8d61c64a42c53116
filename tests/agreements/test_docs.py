"""The documentation says what the tables say."""

from pathlib import Path

import msgspec
import pytest

from bailee.agreements.people import AGREEMENT_ROLES, REQUEST_ROLES
from bailee.agreements.states import AGREEMENT_STEPS, REQUEST_STEPS, mermaid
from bailee.agreements.terms import Agreement
from bailee.consent.rules import Rule
from bailee.core.decisions import SENTENCES

DOCS = Path(__file__).parents[2] / "docs"
AGREEMENTS, CONSENT = ((DOCS / name).read_text("utf-8") for name in ("agreements.md", "consent.md"))


@pytest.mark.parametrize("table", [AGREEMENT_STEPS, REQUEST_STEPS])
def test_the_diagrams_are_drawn_from_the_tables(table: object) -> None:
    assert f"```mermaid\n{mermaid(table)}\n```" in AGREEMENTS  # type: ignore[arg-type]


@pytest.mark.parametrize("roles", [AGREEMENT_ROLES, REQUEST_ROLES])
def test_every_action_stands_there_with_its_roles(roles: dict[str, frozenset[str]]) -> None:
    for action, allowed in roles.items():
        assert f"| {action} | {', '.join(sorted(allowed))} |" in AGREEMENTS


def test_every_reason_code_and_every_term_is_explained() -> None:
    for code in SENTENCES:
        assert f"| `{code}` |" in AGREEMENTS
    for field in msgspec.structs.fields(Agreement):
        assert f"`{field.name}`" in AGREEMENTS


def test_every_criterion_of_a_rule_is_explained() -> None:
    for field in msgspec.structs.fields(Rule):
        if field.name not in {
            "id",
            "effect",
            "layer",
            "not_before",
            "not_after",
            "code",
            "revision",
            "artifact_sha256",
        }:
            assert field.name in CONSENT

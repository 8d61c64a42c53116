"""The explanation of a path is what the engine does, and the handbook is what the profiles say."""

from __future__ import annotations

from pathlib import Path

import pytest

from bailee.core.errors import UserError
from bailee.deid.profiles.compile import shipped_plan
from bailee.deid.profiles.explain import decisions, explain
from bailee.deid.profiles.handbook import METHODS, handbook
from bailee.deid.profiles.profile import profile_names, shipped_profile
from bailee.records import r4


@pytest.mark.parametrize(
    ("profile", "path", "outcome", "rule"),
    [
        ("safe-harbor", "Patient.name", "is removed", "HumanName"),
        ("safe-harbor", "Patient.name.family", "is removed", "HumanName"),
        ("safe-harbor", "Observation.effectiveDateTime", "is cut to its year", "dateTime"),
        ("limited-data-set", "Observation.effectiveDateTime", "stays if it looks like such a value, else is removed", "dateTime"),
        ("expert-determination", "Encounter.period.start", "is moved by the patient's secret number of days", "dateTime"),
        ("safe-harbor", "Patient.gender", "stays if it is in the list, else is removed", "code"),
        ("safe-harbor", "Observation.valueQuantity.unit", "stays if it is in the list, else goes through the notes engine", "Quantity.unit"),
        ("safe-harbor", "Observation.code.coding.code", "is removed", "Coding.code"),
        ("safe-harbor", "Questionnaire.item.item.item.text", "goes through the notes engine", "Questionnaire.item.text"),
        ("safe-harbor", "Practitioner.address.postalCode", "is removed", "Practitioner.address.postalCode"),
        ("safe-harbor", "Binary.data", "is refused", ""),
        ("research-identified", "Patient.name.family", "stays", "string"),
    ],
)  # fmt: skip
def test_a_path_is_explained_by_the_rule_that_decides_it(profile, path, outcome, rule):
    decided = explain(shipped_plan(profile), path)
    assert (decided.outcome, decided.rule) == (outcome, rule)


def test_a_condition_chooses_what_a_rule_selects_by():
    plan = shipped_plan("safe-harbor")
    known = explain(plan, "Observation.code.coding.where(system='http://loinc.org').code")
    assert known.outcome == "stays if it looks like such a value, else is removed"
    years = explain(plan, "Observation.valueQuantity.where(code='a').value")
    assert years.outcome == "stays up to 89 years, else becomes 90"
    home = explain(plan, "Patient.address.where(country='US').postalCode")
    assert home.outcome.startswith("is cut to three digits")


@pytest.mark.parametrize("path", ["Patient.nmae", "Nothing.name", "HumanName..family", ""])
def test_a_path_that_does_not_exist_is_not_explained(path):
    with pytest.raises(UserError):
        explain(shipped_plan("safe-harbor"), path)


def test_every_element_of_every_released_type_has_a_rule_and_a_reason():
    plan = shipped_plan("safe-harbor")
    without = [d.path for name in plan.roots for d in decisions(plan, name) if not (d.rule and d.reason)]
    assert without == []
    assert sum(1 for name in r4.resource_types() for _ in decisions(plan, name)) > 5000


def test_an_explanation_reads_as_a_sentence():
    told = str(explain(shipped_plan("safe-harbor"), "Patient.photo"))
    assert told == (
        "Patient.photo is removed: Images, sounds, files: faces and voices among them "
        "(164.514(b)(2)(i)(P), (Q)). Rule: Attachment"
    )


def test_the_handbook_in_the_documentation_is_the_profiles():
    page = Path(__file__).parents[3] / "docs" / "profiles.md"
    assert page.read_text("utf-8") == handbook(), "run: python scripts/profile_handbook.py"


def test_the_handbook_explains_every_method_that_a_profile_uses():
    used = {rule.group.method for name in profile_names() for rule in shipped_profile(name).rules}
    assert used <= set(METHODS)

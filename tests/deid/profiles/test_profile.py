"""A profile's mistakes are errors that name the file and the line."""

from __future__ import annotations

import pytest

from bailee.core.errors import UserError
from bailee.deid.profiles.compile import compile_profile
from bailee.deid.profiles.paths import parse_path
from bailee.deid.profiles.profile import profile_from_text, profile_names, shipped_profile

HEAD = """title = "Site"
identifiability = "safe-harbor"
summary = "Ours"
extends = "safe-harbor"
"""


def site(*groups, head=HEAD):
    return profile_from_text(head + "\n".join(groups), name="site")


def rule(path, method="remove", **settings):
    more = "".join(f"{key} = {value}\n" for key, value in settings.items())
    return f'[[rules]]\nmethod = "{method}"\nwhy = "Because"\n{more}paths = [\n  "{path}",\n]\n'


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("Patient.brithDate", "Patient has no element brithDate"),
        ("Pateint.birthDate", "R4 has no type Pateint"),
        ("Patient.name.famly", "HumanName has no element famly"),
        ("Patient.name.family.value", "string has no element value"),
        ("Patient.telecom.where(sistem='phone').value", "ContactPoint has no element sistem"),
        ("Patient.address.where(country in @contries).city", "no list @contries"),
        ("Patient.name.first()", "`first()` is not a step"),
        ("Patient..name", "steps with dots between"),
        ("Patient.name.where(use='usual').where(use='old')", "two conditions"),
    ],
)
def test_a_path_that_does_not_exist_is_an_error_that_names_the_line(path, complaint):
    with pytest.raises(UserError) as error:
        site(rule(path))
    assert complaint in str(error.value)
    assert "site.toml:9" in str(error.value)


@pytest.mark.parametrize(
    ("group", "complaint"),
    [
        (rule("Patient.name", "delete"), "no method delete"),
        (rule("Patient.name", "keep", only='"@nmaes"'), "no list @nmaes"),
        (rule("Patient.name") + rule("Patient.name"), "two rules for Patient.name"),
        ('[[refuse]]\ntypes = ["Patent"]\nwhy = "x"\n', "R4 has no resource type Patent"),
        ('[[rules]]\nmethod = "keep"\nwhy = "x"\npaths = []\nshape = "#"\n', "unknown field `shape`"),
        ("[[rules]\n", "not TOML"),
    ],
)
def test_a_mistake_in_a_profile_is_an_error(group, complaint):
    with pytest.raises(UserError) as error:
        site(group)
    assert complaint in str(error.value)
    assert "site.toml" in str(error.value)


@pytest.mark.parametrize(
    ("path", "method", "settings", "complaint"),
    [
        ("Patient.gender", "year", {}, "year is no method for code"),
        ("Patient.name", "keep", {"unchecked": "true"}, "keep is no method for HumanName"),
        ("Patient.birthDate", "inside", {}, "inside is no method for date"),
        ("Organization.name", "keep", {}, "whatever it holds"),
        ("Patient.address", "attachment", {}, "attachment is no method for Address"),
    ],
)
def test_a_method_that_does_not_fit_its_element_is_an_error(path, method, settings, complaint):
    with pytest.raises(UserError) as error:
        compile_profile(site(rule(path, method, **settings)))
    assert complaint in str(error.value)
    assert "site.toml:" in str(error.value)


def test_there_is_no_profile_of_another_name():
    with pytest.raises(UserError, match="no profile is called safe-habor"):
        shipped_profile("safe-habor")


def test_the_shipped_profiles_are_the_four_levels():
    assert profile_names() == ("expert-determination", "limited-data-set", "research-identified", "safe-harbor")


def test_a_site_profile_replaces_rules_and_opens_types_of_the_one_that_it_extends():
    profile = site(
        rule("Patient.maritalStatus"),
        '[[refuse]]\ntypes = ["Media"]\nwhy = "Images"\n',
        head=HEAD + 'carry = ["Person"]\n',
    )
    plan = compile_profile(profile).plan
    assert "Media" not in plan.roots
    assert "Person" in plan.roots
    step = plan.nodes[plan.roots["Patient"]].steps["maritalStatus"]
    assert (plan.rules[step.rule].path, plan.rules[step.rule].reason) == ("Patient.maritalStatus", "Because")


def test_conditions_are_read_as_one_some_or_a_list():
    assert parse_path("ContactPoint.where(system='phone')").where.values == ("phone",)
    assert parse_path("Patient.telecom.where(system in ('fax', 'sms')).use").steps[0].where.values == ("fax", "sms")
    assert parse_path("Quantity.where(code in @units).unit").where.named == "@units"

"""What a profile's rules become: precedence, conditions, recursion, checks."""

from __future__ import annotations

import pytest
from tests.support.oracle import Oracle, Person

from bailee.deid.profiles.compile import compile_profile, shipped_plan
from bailee.deid.profiles.profile import profile_from_text, profile_names

HEAD = 'title = "T"\nidentifiability = "safe-harbor"\nsummary = "S"\n'
BASE = """
[[rules]]
method = "keep"
unchecked = true
why = "test"
paths = ["string", "code", "uri", "boolean", "decimal", "positiveInt"]
[[rules]]
method = "inside"
why = "test"
paths = ["HumanName", "ContactPoint", "CodeableConcept", "Coding", "Quantity", "Identifier", "Reference", "Extension"]
"""


def treated(resource, *groups, head=HEAD):
    text = head + BASE + "".join(f'[[rules]]\nwhy = "test"\n{group}\n' for group in groups)
    plan = compile_profile(profile_from_text(text, name="test")).plan
    oracle = Oracle(plan, clean_text=lambda text, _: text.upper(), zip3=frozenset())
    return oracle.deidentify(resource, "p", {"p": Person("pseudo", 1)}).resource


def patient(**members):
    return {"resourceType": "Patient", **members}


NAMES = patient(name=[{"family": "a", "use": "usual"}], contact=[{"name": {"family": "b", "use": "old"}}])


def test_a_rule_for_a_path_goes_before_a_rule_for_its_data_type():
    done = treated(
        NAMES,
        'method = "remove"\npaths = ["HumanName.family"]',
        'method = "text"\npaths = ["Patient.contact.name.family"]',
    )
    assert done == patient(name=[{"use": "usual"}], contact=[{"name": {"family": "B", "use": "old"}}])


def test_a_rule_for_an_element_of_a_type_goes_before_a_rule_for_the_elements_type():
    done = treated(NAMES, 'method = "text"\npaths = ["HumanName.family"]')
    assert done["name"] == [{"family": "A", "use": "usual"}]


def test_the_order_of_rules_does_not_matter():
    groups = [
        'method = "remove"\npaths = ["HumanName.family"]',
        'method = "text"\npaths = ["Patient.contact.name.family"]',
    ]
    assert treated(NAMES, *groups) == treated(NAMES, *reversed(groups))


def test_a_condition_selects_by_a_siblings_text():
    telecom = [{"system": "phone", "value": "1"}, {"system": "email", "value": "a"}, {"value": "b"}]
    done = treated(patient(telecom=telecom), 'method = "text"\npaths = ["ContactPoint.where(system=\'email\').value"]')
    assert [item["value"] for item in done["telecom"]] == ["1", "A", "b"]


def test_a_condition_may_remove_the_whole_object_or_let_only_it_pass():
    telecom = patient(telecom=[{"system": "phone", "value": "1"}, {"system": "email", "value": "a"}])
    removed = treated(telecom, 'method = "remove"\npaths = ["Patient.telecom.where(system=\'phone\')"]')
    assert removed["telecom"] == [{"system": "email", "value": "a"}]
    groups = (
        'method = "remove"\npaths = ["Patient.telecom"]',
        'method = "inside"\npaths = ["Patient.telecom.where(system=\'phone\')"]',
    )
    assert treated(telecom, *groups)["telecom"] == [{"system": "phone", "value": "1"}]


def test_a_part_that_recurs_is_treated_alike_at_every_depth():
    item = {"linkId": "1", "text": "a", "item": [{"linkId": "2", "text": "b", "item": [{"linkId": "3", "text": "c"}]}]}
    done = treated(
        {"resourceType": "Questionnaire", "item": [item]}, 'method = "text"\npaths = ["Questionnaire.item.text"]'
    )
    inner = done["item"][0]["item"][0]
    assert (done["item"][0]["text"], inner["text"], inner["item"][0]["text"]) == ("A", "B", "C")


def test_an_element_without_a_rule_does_not_leave_and_is_counted():
    compiled = compile_profile(profile_from_text(HEAD + BASE, name="test"))
    assert "Patient.birthDate" in compiled.undecided
    done = Oracle(compiled.plan).deidentify(patient(birthDate="1970-01-01", active=True), "p", {})
    assert (done.resource, done.unknown) == (patient(active=True), {"Patient": 1})


def test_a_choice_is_ruled_whole_or_by_its_types():
    resource = {"resourceType": "Observation", "valueString": "a", "valueBoolean": True}
    assert treated(resource, 'method = "remove"\npaths = ["Observation.value"]') == {"resourceType": "Observation"}
    only = treated(
        resource,
        'method = "remove"\npaths = ["Observation.value"]',
        'method = "text"\npaths = ["Observation.valueString"]',
    )
    assert only == {"resourceType": "Observation", "valueString": "A"}


def test_an_extension_leaves_by_its_url_and_its_values_type():
    text = (
        HEAD
        + BASE
        + '[[extensions]]\nurl = "http://x/a"\nwhy = "test"\nvalue = { string = "text", code = ["y", "n"] }\n'
    )
    plan = compile_profile(profile_from_text(text, name="test")).plan
    oracle = Oracle(plan, clean_text=lambda text, _: text.upper())
    extensions = [
        {"url": "http://x/a", "valueString": "a"},
        {"url": "http://x/a", "valueCode": "y"},
        {"url": "http://x/a", "valueCode": "Smith"},
        {"url": "http://x/a", "valueDate": "2020-01-01"},
        {"url": "http://x/b", "valueString": "b"},
    ]
    done = oracle.deidentify(patient(extension=extensions), "p", {})
    assert done.resource["extension"] == [
        {"url": "http://x/a", "valueString": "A"},
        {"url": "http://x/a", "valueCode": "y"},
    ]


@pytest.mark.parametrize("name", profile_names())
def test_a_shipped_profile_compiles_alike_every_time(name):
    from bailee.deid.profiles.profile import shipped_profile

    assert compile_profile(shipped_profile(name)).plan == shipped_plan(name)


def test_the_hash_of_a_plan_changes_with_the_profile():
    one = compile_profile(profile_from_text(HEAD + BASE, name="test")).plan.sha256
    other = compile_profile(profile_from_text(HEAD + BASE + "# a remark\n", name="test")).plan.sha256
    assert one != other


@pytest.mark.parametrize("name", profile_names())
def test_every_node_of_a_plan_is_reachable_and_every_index_is_inside(name):
    plan = shipped_plan(name)
    seen, waiting = set(), list(plan.roots.values())
    while waiting:
        index = waiting.pop()
        if index in seen or index == -1:
            continue
        seen.add(index)
        node = plan.nodes[index]
        waiting += [*node.select.values(), node.otherwise, *(step.node for step in node.steps.values())]
        for step in node.steps.values():
            assert 0 <= step.rule < len(plan.rules)
            assert -1 <= step.check < len(plan.checks)
    assert seen == set(range(len(plan.nodes)))

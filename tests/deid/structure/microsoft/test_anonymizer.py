"""Rules over resources: order, marks, nested resources, labels, failures."""

import json

import pytest
from tests.support.microsoft import TODAY, anonymized, configuration, labels_of, rule, without_labels

from bailee.core.errors import Invalid
from bailee.deid.structure.microsoft import Anonymizer, read_configuration
from bailee.deid.structure.microsoft.errors import ConfigurationInvalid, ProcessingFailed

NAME = {
    "use": "official",
    "family": "Green",
    "given": ["Chris", "Jason"],
    "period": {"start": "2020-01-01", "end": "2022-01-01"},
}
PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "name": [NAME],
    "address": [{"city": "A", "country": "B"}],
}


def test_the_first_rule_wins_node_by_node():
    done = anonymized(PATIENT, rule("nodesByType('HumanName').use", "keep"), rule("nodesByType('HumanName')", "redact"))
    assert done["name"] == [{"use": "official"}]


def test_a_later_keep_comes_too_late():
    done = anonymized(PATIENT, rule("nodesByType('HumanName')", "redact"), rule("nodesByType('HumanName').use", "keep"))
    assert "name" not in done


def test_a_rule_for_a_data_type_matches_nothing():
    assert anonymized(PATIENT, rule("Address.city", "redact")) == PATIENT


def test_a_rule_that_is_only_a_type_takes_the_whole_resource():
    assert anonymized(PATIENT, rule("Patient", "redact")) == {"resourceType": "Patient"}
    assert anonymized(PATIENT, rule("Resource", "redact")) == {"resourceType": "Patient"}
    assert anonymized(PATIENT, rule("Patient", "keep"), rule("Patient.name", "redact"), labels=True) == PATIENT


def test_extensions_of_a_primitive_go_with_it():
    extended = {
        "resourceType": "Patient",
        "birthDate": "2000-01-01",
        "_birthDate": {"extension": [{"url": "u", "valueString": "s"}]},
    }
    assert anonymized(extended, rule("Patient.birthDate", "redact")) == {"resourceType": "Patient"}


def test_positions_stay_where_an_extension_needs_them():
    resource = {"resourceType": "Patient", "name": [{"given": ["a", "b"], "_given": [{"id": "i"}, None]}]}
    done = anonymized(
        resource, rule("Patient.name.given.where($this = 'a').id", "keep"), rule("Patient.name.given[0]", "redact")
    )
    assert done["name"] == [{"given": [None, "b"], "_given": [{"id": "i"}, None]}]


ORGANIZATION = {"resourceType": "Organization", "id": "o", "name": "Org", "address": [{"city": "C"}]}
BUNDLE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [{"fullUrl": "urn:x", "resource": PATIENT | {"contained": [ORGANIZATION]}}, {"resource": ORGANIZATION}],
}


def test_nested_resources_follow_the_rules_of_their_own_type():
    done = anonymized(BUNDLE, rule("Organization.name", "redact"), rule("Patient.active", "redact"))
    patient, organization = (entry["resource"] for entry in done["entry"])
    assert "active" not in patient
    assert "name" not in patient["contained"][0]
    assert "name" not in organization


def test_a_parents_rule_does_not_enter_a_child_resource():
    done = anonymized(BUNDLE, rule("Bundle.entry", "redact"))
    assert [entry["resource"]["id"] for entry in done["entry"]] == ["p", "o"]
    assert "fullUrl" not in done["entry"][0]


def test_plain_steps_reach_into_child_resources():
    done = anonymized(BUNDLE, rule("Bundle.entry.resource.id", "redact"))
    assert [entry["resource"].get("id") for entry in done["entry"]] == [None, None]


def test_the_index_holds_a_child_resource_and_not_what_it_holds():
    rules = rule("Bundle.nodesByType('Patient').id", "redact"), rule("Bundle.nodesByType('Address')", "redact")
    assert without_labels(anonymized(BUNDLE, *rules)) == BUNDLE


def test_labels_come_once_in_their_order_and_climb_to_containers():
    done = anonymized(
        BUNDLE,
        rule("Organization.name", "cryptoHash"),
        rule("Patient.active", "redact"),
        rule("Patient.name.use", "substitute", replaceWith="x"),
        labels=True,
    )
    patient, organization = (entry["resource"] for entry in done["entry"])
    assert labels_of(done) == labels_of(patient) == ["REDACTED", "CRYTOHASH", "SUBSTITUTED"]
    assert labels_of(organization) == ["CRYTOHASH"]
    assert "meta" not in patient["contained"][0]


def test_a_label_that_is_there_is_not_added_again():
    resource = PATIENT | {"meta": {"security": [{"code": "redacted"}], "profile": ["http://p"]}}
    done = anonymized(resource, rule("Patient.active", "redact"), labels=True)
    assert labels_of(done) == ["redacted"]
    assert done["meta"]["profile"] == ["http://p"]


def test_labels_have_their_systems():
    rules = [
        rule("Patient.active", "redact"),
        rule("Patient.name", "encrypt"),
        rule("Patient.address", "substitute", replaceWith={}),
    ]
    done = anonymized(PATIENT, *rules, labels=True)
    systems = {coding["code"]: coding.get("system", "") for coding in done["meta"]["security"]}
    assert [code for code, system in systems.items() if system.endswith("v3-ObservationValue")] == [
        "REDACTED",
        "MASKED",
    ]
    assert systems["SUBSTITUTED"] == ""


REPLACED = {"use": "nickname", "family": "Harry", "given": ["Jim", "Cook"]}


@pytest.mark.parametrize(
    "replacement, touched, expected",
    [
        (REPLACED, None, REPLACED),
        (json.dumps(REPLACED), None, REPLACED),
        ({"given": ["Jim"]}, None, {"given": ["Jim"]}),
        ({"given": ["A", "B", "C"]}, None, {"given": ["A", "B", "C"]}),
        (None, None, None),
        (REPLACED, "given[0]", REPLACED | {"given": ["Chris", "Cook"]}),
        ({"given": ["Jim"]}, "given[1]", {"given": ["Jim", "Jason"]}),
        ({}, "period.start", {"period": {"start": "2020-01-01"}}),
        ({"period": {"end": "2030"}}, "period.start", {"period": {"start": "2020-01-01", "end": "2030"}}),
    ],
)
def test_substitute_merges_around_what_is_touched(replacement, touched, expected):
    rules = [rule("Patient.name", "substitute", replaceWith=replacement)]
    if touched:
        rules.insert(0, rule(f"Patient.name.{touched}", "keep"))
    done = anonymized(PATIENT, *rules)
    assert done.get("name") == (None if expected is None else [expected])


def test_what_was_substituted_is_out_of_reach_of_later_rules():
    done = anonymized(
        PATIENT,
        rule("Patient.address", "substitute", replaceWith={"city": "X"}),
        rule("Patient.address.city", "redact"),
    )
    assert done["address"] == [{"city": "X"}]


@pytest.mark.parametrize("replacement", ["", "2019-01-01", {"nosuch": 1}, 5])
def test_a_replacement_that_does_not_fit_is_an_error(replacement):
    with pytest.raises(ConfigurationInvalid):
        anonymized(PATIENT, rule("Patient.address", "substitute", replaceWith=replacement))


FAILING = rule("Patient.gender", "generalize", cases={"$this > 5": "1"})


def test_a_failed_resource_is_emptied_when_failures_are_skipped():
    resource = PATIENT | {"gender": "male"}
    done = anonymized(resource, FAILING, errors="skip", labels=True)
    assert set(done) == {"resourceType", "meta"}
    assert labels_of(done) == ["REDACTED"]
    with pytest.raises(ProcessingFailed):
        anonymized(resource, FAILING)


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Nothing"},
        {"id": "x"},
        [],
        PATIENT | {"secret": 1},
        PATIENT | {"name": "Ann"},
        PATIENT | {"active": {}},
        PATIENT | {"birthDate": ["2000"]},
    ],
)
def test_what_r4_does_not_have_is_an_input_error_that_tells_no_value(resource):
    with pytest.raises(Invalid) as caught:
        anonymized(resource, rule("Patient.name", "redact"))
    assert "Ann" not in str(caught.value)


def test_nesting_without_end_is_an_input_error():
    depth = 3000
    text = '{"resourceType":"QuestionnaireResponse","item":' + '[{"item":' * depth + "[]" + "}]" * depth + "}"
    with pytest.raises(Invalid, match=r"JSON|deeply"):
        Anonymizer(configuration(rule("Patient.name", "redact")), clock=TODAY).anonymize_text(text)
    text = '{"resourceType":"QuestionnaireResponse","item":' + '[{"item":' * 420 + "[]" + "}]" * 420 + "}"
    with pytest.raises(Invalid, match="deeply"):
        Anonymizer(configuration(rule("Patient.name", "redact")), clock=TODAY).anonymize_text(text)


def test_a_single_object_where_a_list_belongs_comes_out_as_a_list():
    assert anonymized(PATIENT | {"name": NAME}, rule("Patient.active", "redact"))["name"] == [NAME]


def test_numbers_keep_their_digits():
    ready = Anonymizer(configuration(rule("Observation.id", "redact")), clock=TODAY)
    text = '{"resourceType":"Observation","valueQuantity":{"value":0.10}}'
    assert ready.anonymize_text(text) == text


def test_an_expression_that_gives_values_is_an_error():
    with pytest.raises(ConfigurationInvalid):
        anonymized(PATIENT, rule("Patient.name.count()", "redact"))


def test_the_linear_shift_is_warned_of():
    assert not any("linear" in warning for warning in Anonymizer(configuration()).warnings)
    assert any("linear" in warning for warning in Anonymizer(configuration(), linear_shift=True).warnings)


def test_the_shipped_configurations_run_on_the_shipped_samples(shared):
    folder = shared / "ms_anonymizer_samples"
    sample = (folder / "samples_r4" / "practitionerInformation1583281853074.json").read_bytes()
    people = [entry["resource"] for entry in json.loads(sample)["entry"]]
    names = {name["family"] for person in people for name in person.get("name", [])}
    assert len(names) > 5
    for file in sorted((folder / "sample_configs").glob("*.json")):
        done = json.loads(Anonymizer(read_configuration(file.read_bytes()), clock=TODAY).anonymize_text(sample))
        assert labels_of(done)[:1] == ["REDACTED"]
        assert all("name" not in entry["resource"] for entry in done["entry"])
        assert not any(name in json.dumps(done) for name in names)

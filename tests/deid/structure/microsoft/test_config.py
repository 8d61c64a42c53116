"""Configuration files: what is refused when read, what is only warned of."""

import json

import pytest
from tests.support.microsoft import anonymized, rule

from bailee.core.entropy import SeededEntropy
from bailee.deid.structure.microsoft import read_configuration
from bailee.deid.structure.microsoft.errors import ConfigurationInvalid

KEEP = rule("Patient.name", "keep")


def document(**changes):
    return json.dumps({"fhirVersion": "R4", "fhirPathRules": [KEEP], "parameters": {}} | changes)


@pytest.mark.parametrize("version", ["R4", "r4", "STU3", "", None])
def test_versions_are_read_whatever_their_case(version):
    assert len(read_configuration(document(fhirVersion=version)).rules) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"fhirVersion": "R5"},
        {"processingErrors": "ignore"},
        {"fhirPathRules": None},
        {"fhirPathRules": [{"path": "Patient.name"}]},
        {"fhirPathRules": [{"method": "redact"}]},
        {"fhirPathRules": [rule("Patient.name[", "redact")]},
        {"fhirPathRules": [rule("Patient.name.conformsTo('x')", "redact")]},
        {"fhirPathRules": [rule("Patient.name.where()", "redact")]},
        {"fhirPathRules": [rule("Patient.gender", "substitute")]},
        {"fhirPathRules": [rule("Observation.value", "perturb")]},
        {"fhirPathRules": [rule("Observation.value", "perturb", span=-1)]},
        {"fhirPathRules": [rule("Observation.value", "perturb", span="x")]},
        {"fhirPathRules": [rule("Observation.value", "perturb", span=1, roundTo=29)]},
        {"fhirPathRules": [rule("Observation.value", "perturb", span=1, roundTo=-1)]},
        {"fhirPathRules": [rule("Observation.value", "perturb", span=1, roundTo=2.5)]},
        {"fhirPathRules": [rule("Observation.value", "perturb", span=1, rangeType="normal")]},
        {"fhirPathRules": [rule("Patient.gender", "generalize")]},
        {"fhirPathRules": [rule("Patient.gender", "generalize", cases={"$this =": "'x'"})]},
        {"fhirPathRules": [rule("Patient.gender", "generalize", cases={"true": "'x'"}, otherValues="hash")]},
        {"parameters": {"encryptKey": "short"}},
        {"parameters": {"dateShiftScope": "patient"}},
        {"parameters": {"dateShiftFixedOffsetInDays": 1.5}},
        {"parameters": {"enablePartialDatesForRedact": "yes"}},
        {"parameters": {"restrictedZipCodeTabulationAreas": "036"}},
        {"parameters": {"cryptoHashKey": 5}},
    ],
)
def test_a_faulty_configuration_is_refused(changes):
    with pytest.raises(ConfigurationInvalid):
        read_configuration(document(**changes))


@pytest.mark.parametrize("text", ["[]", "{", '{"fhirPathRules":[],"fhirPathRules":[]}', "null"])
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(ConfigurationInvalid):
        read_configuration(text)


def test_a_byte_order_mark_is_allowed():
    assert read_configuration(b"\xef\xbb\xbf" + document().encode()).rules


def test_an_error_names_the_rule():
    with pytest.raises(ConfigurationInvalid, match=r"rule 2, Patient\.photo"):
        read_configuration(document(fhirPathRules=[KEEP, rule("Patient.photo", "substitute")]))


def test_a_method_that_does_not_exist_is_an_error_only_where_its_rule_is_reached():
    rules = [rule("Patient.name", "scramble")]
    assert any("not known" in warning for warning in read_configuration(document(fhirPathRules=rules)).warnings)
    assert anonymized({"resourceType": "Observation"}, *rules) == {"resourceType": "Observation"}
    with pytest.raises(ConfigurationInvalid):
        anonymized({"resourceType": "Patient"}, *rules, errors="skip")


def test_methods_are_read_whatever_their_case():
    assert anonymized({"resourceType": "Patient", "gender": "male"}, rule("Patient.gender", "REDACT")) == {
        "resourceType": "Patient"
    }


def test_missing_keys_are_random_and_said_to_be():
    one, two = (read_configuration(document(), entropy=SeededEntropy(seed)) for seed in (b"1", b"2"))
    assert one.parameters.hash_key != two.parameters.hash_key
    assert sum("cannot be repeated" in warning for warning in one.warnings) == 3


def test_keys_do_not_show():
    configuration = read_configuration(document(parameters={"cryptoHashKey": "hush-hush"}))
    assert "hush-hush" not in repr(configuration)


def test_an_unknown_key_is_pointed_out():
    assert any(
        "processingError" in warning for warning in read_configuration(document(processingError="skip")).warnings
    )


def test_remarks_and_last_commas_are_let_pass_and_told():
    text = """{ // the hospital's own
        "fhirVersion": "R4", /* both
        lines */ "fhirPathRules": [{"path": "Patient.extension('http://u')", "method": "redact",}, ],}"""
    configuration = read_configuration(text)
    assert [each.path for each in configuration.rules] == ["Patient.extension('http://u')"]
    assert any("no strict JSON" in warning for warning in configuration.warnings)


def test_unknown_parameters_are_pointed_out():
    warnings = read_configuration(document(parameters={"dateShiftKeys": "x", "customSettings": {"a": 1}})).warnings
    assert any("dateShiftKeys" in warning for warning in warnings)
    assert any("customSettings" in warning for warning in warnings)


@pytest.mark.parametrize(
    "path, said",
    [
        ("Patient.nmae", "Patient has no nmae there"),
        ("Patient.name.givn", "Patient has no givn there"),
        ("Observation.valueQuantity", "bare name"),
        ("Address.city", "no resource type"),
        ("nodesByType('Adress')", "no type"),
        ("Patient.contact[0].nam", "no nam"),
    ],
)
def test_a_rule_that_can_match_nothing_is_pointed_out(path, said):
    warnings = read_configuration(document(fhirPathRules=[rule(path, "redact")])).warnings
    assert any("can match nothing" in warning and said in warning for warning in warnings)


@pytest.mark.parametrize(
    "path",
    [
        "Patient",
        "Resource.id",
        "DomainResource.text",
        "Patient.name.given",
        "Observation.value.value",
        "Bundle.entry.resource.name",
        "Patient.contained.anything",
        "nodesByType('HumanName').family",
        "nodesByName('x')",
        "Patient.name.where(nosuch = 1)",
    ],
)
def test_a_rule_that_may_match_is_not(path):
    warnings = read_configuration(document(fhirPathRules=[rule(path, "redact")])).warnings
    assert not any("can match nothing" in warning for warning in warnings)

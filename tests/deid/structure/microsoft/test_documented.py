"""What the anonymizer's documentation says of each method, case by case, on values at the edges."""

import pytest
from tests.support.microsoft import KEYS, anonymized, labels_of, rule

from bailee.deid.structure.microsoft.errors import ConfigurationInvalid, ProcessingFailed

PARTIAL = {
    "enablePartialDatesForRedact": True,
    "enablePartialAgesForRedact": True,
    "enablePartialZipCodesForRedact": True,
}


def observed(name, value, method, path="value", **settings):
    """Treat one element of an Observation and give what became of it."""
    done = anonymized({"resourceType": "Observation", name: value}, rule(f"Observation.{path}", method, **settings))
    return done.get(name)


def shifted(value, days, kind="valueDateTime", path="value", **parameters):
    resource = {"resourceType": "Observation", kind: value}
    done = anonymized(
        resource, rule(f"Observation.{path}", "dateShift"), dateShiftFixedOffsetInDays=days, labels=True, **parameters
    )
    return done.get(kind), labels_of(done)


# ---- dateShift: the test's day is 2026-06-15


@pytest.mark.parametrize(
    "value, days, expected",
    [
        ("2016-02-28", 1, "2016-02-29"),
        ("2015-02-28", 1, "2015-03-01"),
        ("2016-03-01", -1, "2016-02-29"),
        ("2019-12-31", 1, "2020-01-01"),
        ("2020-03-29T01:30:00+01:00", 1, "2020-03-30T00:00:00+01:00"),
        ("2020-10-25T02:30:00+02:00", 1, "2020-10-26T00:00:00+02:00"),
        ("2020-01-01T23:59:59.999Z", 0, "2020-01-01T00:00:00.000Z"),
        ("2020-01-01T00:30:00+14:00", 1, "2020-01-02T00:00:00+14:00"),
        ("2020-01-01T23:30:00-11:00", -1, "2019-12-31T00:00:00-11:00"),
        ("1937-06-15", 1, "1937-06-16"),
        ("1936-06-16", 1, "1936-06-17"),
    ],
)
def test_a_shifted_date_keeps_zone_and_form_and_loses_its_time(value, days, expected):
    assert shifted(value, days) == (expected, ["PERTURBED"])


@pytest.mark.parametrize(
    "value, partial, expected",
    [
        ("2020-01", True, "2020"),
        ("2020", True, "2020"),
        ("2020-01", False, None),
        ("2020", False, None),
        ("1936-06-15", True, None),
        ("1936", True, None),
        ("1937", True, "1937"),
        ("1936-06-15T10:00:00Z", False, None),
    ],
)
def test_a_date_without_a_day_or_older_than_89_years_is_redacted_in_place_of_shifted(value, partial, expected):
    assert shifted(value, 1, enablePartialDatesForRedact=partial) == (expected, ["REDACTED"])


def test_an_instant_is_shifted_and_redacted_as_a_date_time_is():
    assert shifted("2015-02-07T13:28:17.239+02:00", 3, "issued", "issued")[0] == "2015-02-10T00:00:00.000+02:00"
    resource = {"resourceType": "Observation", "issued": "2015-02-07T13:28:17Z"}
    assert anonymized(resource, rule("Observation.issued", "redact"), **PARTIAL)["issued"] == "2015"


def test_only_dates_are_shifted():
    resource = {
        "resourceType": "Observation",
        "status": "final",
        "valueTime": "10:00:00",
        "code": {"text": "2020-01-01"},
    }
    done = anonymized(resource, rule("Observation", "dateShift"), dateShiftFixedOffsetInDays=5, labels=True)
    assert done == resource


# ---- redact


@pytest.mark.parametrize(
    "age, stays",
    [(0, True), (89, True), ("NaN", False), ("old", False), (88.5, True), (89.5, False), (90, False), (101, False)],
)
def test_an_age_stays_up_to_89(age, stays):
    resource = {"resourceType": "Condition", "onsetAge": {"value": age, "unit": "years"}}
    done = anonymized(resource, rule("nodesByType('Age').value", "redact"), labels=True, **PARTIAL)
    assert ("value" in done["onsetAge"], labels_of(done)) == (stays, ["REDACTED"])


def test_an_age_goes_whole_without_the_switch():
    resource = {"resourceType": "Condition", "onsetAge": {"value": 5, "unit": "years"}}
    assert "onsetAge" not in anonymized(resource, rule("nodesByType('Age')", "redact"))


def test_a_quantity_is_no_age():
    assert observed("valueQuantity", {"value": 5, "unit": "a"}, "redact", "value.value") == {"unit": "a"}


@pytest.mark.parametrize(
    "code, expected",
    [
        ("98052", "98000"),
        ("10104", "10100"),
        ("20301", "00000"),
        ("55602", "00000"),
        ("98028-1830", "98000-0000"),
        ("20301-1830", "00000-0000"),
        ("980", "980"),
        ("9", "9"),
        ("SW1A 1AA", "SW1A 0AA"),
    ],
)
def test_a_zip_code_keeps_three_characters_unless_its_area_is_restricted(code, expected):
    resource = {"resourceType": "Patient", "address": [{"postalCode": code}]}
    areas = {"restrictedZipCodeTabulationAreas": ["203", "556"]}
    done = anonymized(resource, rule("nodesByType('Address')", "redact"), labels=True, **PARTIAL, **areas)
    assert (done["address"], labels_of(done)) == ([{"postalCode": expected}], ["ABSTRED"])


def test_a_zip_code_goes_whole_without_the_switch():
    resource = {"resourceType": "Patient", "address": [{"postalCode": "98052", "state": "WA"}]}
    done = anonymized(resource, rule("Patient.address.postalCode", "redact"), labels=True)
    assert (done["address"], labels_of(done)) == ([{"state": "WA"}], ["REDACTED"])


def test_booleans_numbers_and_lists_are_redacted_and_what_is_empty_then_is_pruned():
    resource = {
        "resourceType": "Patient",
        "active": False,
        "multipleBirthInteger": 0,
        "telecom": [{"rank": 1}, {"rank": 2}],
    }
    rules = [rule(f"Patient.{name}", "redact") for name in ("active", "multipleBirth", "telecom")]
    assert anonymized(resource, *rules) == {"resourceType": "Patient"}


# ---- generalize


def generalized(kind, value, cases, path="value", **settings):
    return observed(kind, value, "generalize", path, cases=cases, **settings)


BY_TWENTY = {f"$this>={low} and $this<{low + 20}": str(low + 20) for low in range(0, 80, 20)}


@pytest.mark.parametrize("value, expected", [(0, 20), (19, 20), (20, 40), (79, 80), (80, None), (-1, None)])
def test_numbers_become_their_range(value, expected):
    assert generalized("valueInteger", value, BY_TWENTY) == expected


def test_the_first_case_that_holds_wins_and_other_values_stay_or_go():
    overlapping = {"$this<20": "20", "$this<40": "40"}
    assert [generalized("valueInteger", value, overlapping) for value in (5, 25, 50)] == [20, 40, None]
    assert generalized("valueInteger", 50, overlapping, otherValues="keep") == 50


def test_the_value_of_a_quantity_becomes_its_range():
    done = generalized("valueQuantity", {"value": 18.5, "unit": "kg"}, BY_TWENTY, "value.value")
    assert done == {"value": 20, "unit": "kg"}


LANGUAGES = {"$this in ('en-AU' | 'en-CA')": "'en'", "('es-AR' | 'es-ES') contains $this": "'es'"}


@pytest.mark.parametrize("code, expected", [("en-AU", "en"), ("es-ES", "es"), ("fr-FR", None)])
def test_codes_become_their_set(code, expected):
    assert generalized("valueString", code, LANGUAGES) == expected


TIMES = {
    "$this >= @T13:45:02 and $this < @T23:45:02": "@T12:00:00",
    "$this = @T00:00:00": "@T00:00:00",
    "$this ~ @T10:00:00": "@T10:00:00",
}


@pytest.mark.parametrize(
    "value, expected",
    [("13:45:02", "12:00:00"), ("02:00:00", None), ("00:00:00", "00:00:00"), ("10:00:00", "10:00:00")],
)
def test_times_become_their_range(value, expected):
    assert generalized("valueTime", value, TIMES) == expected


@pytest.mark.parametrize(
    "value, kept",
    [("2001-04-06T04:13:14Z", True), ("1995-04-06T05:13:14+05:00", True), ("2020-04-06T05:13:14Z", False)],
)
def test_instants_become_their_range_across_zones(value, kept):
    cases = {"$this >= @1990-01-01T00:00:00Z and $this <= @2020-01-01T00:00:00+08:00": "@1990-01-01T00:00:00Z"}
    assert generalized("issued", value, cases, "issued") == ("1990-01-01T00:00:00Z" if kept else None)


@pytest.mark.parametrize("value, expected", [("1990-11-01", "1990-11"), ("1990", "1990"), ("1990-11", "1990-11")])
def test_a_day_is_cut_off_by_a_pattern_with_named_groups(value, expected):
    pattern = r"'\\b(?<year>\\d{2,4})-(?<month>\\d{1,2})-(?<day>\\d{1,2})\\b'"
    cases = {"true": f"$this.toString().replaceMatches({pattern}, '${{year}}-${{month}}')"}
    assert generalized("valueDateTime", value, cases) == expected


def test_results_are_numbers_and_truth_values_as_json_has_them():
    assert generalized("valueInteger", 5, {"$this<20": "$this / 2"}) == 2.5
    assert generalized("valueInteger", 5, {"$this<5.5": "$this"}) == 5
    assert generalized("valueInteger", 18, {"true": "($this div 10)*10"}) == 10
    assert generalized("valueBoolean", True, {"$this = true": "false"}) is False


@pytest.mark.parametrize(
    "kind, value, case",
    [
        ("valueInteger", 5, "$this>='0' and $this<'20'"),
        ("valueDateTime", "2015-01-01T00:00:00Z", "$this > @2015-1-1"),
        ("valueString", "2015-01-01", "$this > @2015-01-01"),
    ],
)
def test_values_of_other_types_fail_the_resource(kind, value, case):
    with pytest.raises(ProcessingFailed, match="rule 1"):
        generalized(kind, value, {case: "1"})


def test_a_failure_in_an_entry_empties_the_bundle_when_failures_are_skipped():
    entry = {"resource": {"resourceType": "Observation", "id": "o", "valueInteger": 5}}
    bundle = {"resourceType": "Bundle", "id": "b", "type": "collection", "entry": [entry]}
    failing = rule("Observation.value", "generalize", cases={"$this > 'a'": "1"})
    done = anonymized(bundle, failing, errors="skip", labels=True)
    security = [{"system": done["meta"]["security"][0]["system"], "code": "REDACTED", "display": "redacted"}]
    assert done == {"resourceType": "Bundle", "meta": {"security": security}}


# ---- perturb


@pytest.mark.parametrize(
    "kind, value, settings, least, most, places",
    [
        ("valueQuantity", 20, {"span": 0}, 20, 20, 2),
        ("valueQuantity", 1024.12345678, {"span": 0.00002, "roundTo": 4}, 1024.1234, 1024.1235, 4),
        ("valueQuantity", 0.0001, {"span": 0.00002}, 0, 0, 2),
        ("valueQuantity", 25162.1378, {"span": 1, "rangeType": "Proportional"}, 12581.07, 37743.21, 2),
        ("valueQuantity", 5.234, {"span": "6", "roundTo": 2}, 2.23, 8.23, 2),
        ("valueInteger", 100, {"span": 0, "roundTo": 5}, 100, 100, 0),
        ("valueInteger", 5, {"span": 0.4, "rangeType": "proportional"}, 4, 6, 0),
    ],
)
def test_noise_stays_within_half_the_span_and_is_rounded(kind, value, settings, least, most, places):
    held = {"value": value, "unit": "kg"} if kind == "valueQuantity" else value
    done = observed(kind, held, "perturb", **settings)
    number = done["value"] if isinstance(done, dict) else done
    assert least <= number <= most
    assert round(number, places) == number


@pytest.mark.parametrize("kind", ["Age", "Duration", "Distance", "Money", "Quantity"])
def test_every_kind_of_quantity_is_perturbed(kind):
    resource = {"resourceType": "Parameters", "parameter": [{"name": "x", f"value{kind}": {"value": 100}}]}
    done = anonymized(resource, rule(f"nodesByType('{kind}')", "perturb", span=20), labels=True)
    assert 90 <= done["parameter"][0][f"value{kind}"]["value"] <= 110
    assert labels_of(done) == ["PERTURBED"]


def test_an_unsigned_number_does_not_fall_below_zero():
    resource = {"resourceType": "ImagingStudy", "numberOfSeries": 1, "numberOfInstances": 0}
    done = anonymized(resource, rule("nodesByType('unsignedInt')", "perturb", span=60))
    assert min(done["numberOfSeries"], done["numberOfInstances"]) >= 0


def test_a_value_that_an_earlier_rule_took_is_not_perturbed():
    low = {"value": 10, "unit": "kg"}
    resource = {"resourceType": "Observation", "referenceRange": [{"low": low}]}
    rules = [
        rule("Observation.referenceRange.low.value", "redact"),
        rule("Observation.referenceRange.low", "perturb", span=2),
    ]
    done = anonymized(resource, *rules, labels=True)
    assert (done["referenceRange"], labels_of(done)) == ([{"low": {"unit": "kg"}}], ["REDACTED"])


def test_a_text_is_not_perturbed():
    assert observed("valueString", "5", "perturb", span=2) == "5"


# ---- substitute

NAMES = [
    {"use": "official", "family": "A", "given": ["B", "C"], "period": {"start": "2001-03-04", "end": "2002"}},
    {"use": "usual", "given": ["B"]},
]


def test_a_replacement_takes_the_place_of_every_match():
    example = {"family": "example", "given": ["test", "testing"]}
    done = anonymized(
        {"resourceType": "Patient", "name": NAMES}, rule("Patient.name", "substitute", replaceWith=example)
    )
    assert done["name"] == [example, example]


def test_what_an_earlier_rule_left_stays_within_a_replacement():
    rules = [
        rule("Patient.name.period.start", "redact"),
        rule("Patient.name", "substitute", replaceWith={"family": "example"}),
    ]
    done = anonymized({"resourceType": "Patient", "name": NAMES}, *rules, labels=True, **PARTIAL)
    assert done["name"] == [{"family": "example", "period": {"start": "2001"}}, {"family": "example"}]
    assert labels_of(done) == ["REDACTED", "SUBSTITUTED"]


def test_an_empty_text_in_a_replacement_is_no_value():
    replacement = {"use": "work", "period": {"start": "2020", "end": ""}}
    resource = {"resourceType": "Patient", "telecom": [{"system": "email", "period": {"end": "2019"}}]}
    done = anonymized(resource, rule("Patient.telecom", "substitute", replaceWith=replacement))
    assert done["telecom"] == [{"use": "work", "period": {"start": "2020"}}]


def test_a_replacement_of_another_type_is_an_error():
    resource = {"resourceType": "Patient", "telecom": [{"system": "email"}]}
    with pytest.raises(ConfigurationInvalid, match="rule 1"):
        anonymized(resource, rule("Patient.telecom", "substitute", replaceWith={"use": "usual", "given": ["x"]}))


# ---- keys, references, ids


def test_an_id_hashes_alike_in_resources_and_references_of_all_kinds():
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"resource": {"resourceType": "Patient", "id": "123"}},
            {
                "resource": {
                    "resourceType": "Observation",
                    "id": "123",
                    "subject": {"reference": "Patient/123"},
                    "focus": [{"reference": "https://h.org/fhir/Patient/123/_history/7"}],
                    "specimen": {"reference": "#123"},
                    "contained": [{"resourceType": "Specimen", "id": "123"}],
                }
            },
        ],
    }
    rules = [rule("Resource.id", "cryptoHash"), rule("nodesByType('Reference').reference", "cryptoHash")]
    patient, observation = (entry["resource"] for entry in anonymized(bundle, *rules)["entry"])
    hashed = patient["id"]
    assert len(hashed) == 64
    assert observation["id"] == observation["contained"][0]["id"] == hashed
    assert observation["subject"]["reference"] == f"Patient/{hashed}"
    assert observation["focus"][0]["reference"] == f"https://h.org/fhir/Patient/{hashed}/_history/7"
    assert observation["specimen"]["reference"] == f"#{hashed}"


def test_the_hash_depends_on_its_key():
    resource = {"resourceType": "Patient", "id": "1"}
    hashes = {anonymized(resource, rule("Resource.id", "cryptoHash"), cryptoHashKey=key)["id"] for key in ("a", "b")}
    assert len(hashes) == 2


def test_encryption_differs_each_time_and_takes_keys_of_three_lengths():
    resource = {"resourceType": "Patient", "address": [{"city": "X"}, {"city": "X"}]}
    for size in (16, 24, 32):
        done = anonymized(resource, rule("nodesByType('Address').city", "encrypt"), encryptKey="k" * size, labels=True)
        assert done["address"][0]["city"] != done["address"][1]["city"]
        assert labels_of(done) == ["MASKED"]


# ---- labels


def test_every_method_has_its_label_in_the_documented_order():
    resource = {
        "resourceType": "Patient",
        "meta": {"versionId": "1", "security": [{"code": "ADDITION"}]},
        "id": "1",
        "gender": "male",
        "birthDate": "2000-01-01",
        "multipleBirthInteger": 2,
        "active": True,
        "name": [{"family": "A"}],
        "language": "en",
        "address": [{"postalCode": "98052"}],
    }
    rules = [
        rule("Patient.gender", "generalize", cases={"true": "'unknown'"}),
        rule("Patient.name", "substitute", replaceWith={"family": "X"}),
        rule("Patient.birthDate", "dateShift"),
        rule("Patient.language", "encrypt"),
        rule("Patient.id", "cryptoHash"),
        rule("Patient.address", "redact"),
        rule("Patient.active", "redact"),
    ]
    done = anonymized(resource, *rules, labels=True, **PARTIAL)
    expected = ["REDACTED", "ABSTRED", "CRYTOHASH", "MASKED", "PERTURBED", "SUBSTITUTED", "GENERALIZED"]
    assert labels_of(done) == ["ADDITION", *expected]
    assert done["meta"]["versionId"] == "1"


def test_a_resource_that_nothing_happened_to_gets_no_label():
    resource = {"resourceType": "Patient", "gender": "male", "birthDate": "2000"}
    rules = [rule("Patient.gender", "keep"), rule("Patient.photo", "redact")]
    assert anonymized(resource, *rules, labels=True) == resource


def test_labels_are_put_in_the_place_of_a_meta_that_was_redacted():
    resource = {"resourceType": "Patient", "meta": {"source": "urn:x", "security": [{"code": "R"}]}, "gender": "male"}
    done = anonymized(resource, rule("Patient.meta", "redact"), labels=True)
    assert (labels_of(done), set(done["meta"])) == (["REDACTED"], {"security"})


# ---- extensions


def test_extensions_go_by_their_type_and_those_of_values_with_them():
    extension = [{"url": "http://u", "valueString": "secret"}]
    resource = {
        "resourceType": "Patient",
        "extension": extension,
        "birthDate": "2000-01-01",
        "_birthDate": {"extension": extension},
        "name": [{"given": ["A", "B"], "_given": [None, {"extension": extension}]}],
    }
    done = anonymized(resource, rule("nodesByType('Extension')", "redact"))
    assert done == {"resourceType": "Patient", "birthDate": "2000-01-01", "name": [{"given": ["A", "B"]}]}


def test_a_value_is_kept_while_its_extension_goes():
    extension = {"extension": [{"url": "http://u", "valueDateTime": "2000-01-01T10:00:00Z"}]}
    resource = {"resourceType": "Patient", "birthDate": "2000-01-01", "_birthDate": extension}
    rules = [rule("Patient.birthDate.extension", "redact"), rule("Patient.birthDate", "keep")]
    assert anonymized(resource, *rules) == {"resourceType": "Patient", "birthDate": "2000-01-01"}


def test_a_null_among_the_values_is_nothing():
    assert anonymized(
        {"resourceType": "Patient", "birthDate": None, "gender": "male"}, rule("Patient.name", "redact")
    ) == {
        "resourceType": "Patient",
        "gender": "male",
    }


# ---- paths

PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "active": True,
    "deceasedDateTime": "2020-01-01",
    "name": [{"use": "official", "family": "F", "given": ["Ann", "Bo"]}, {"use": "nickname", "given": ["CJ"]}],
    "telecom": [{"system": "phone", "value": "1", "use": "home", "rank": 2}, {"system": "email", "value": "e@x"}],
    "address": [{"city": "A", "line": ["1", "2"]}],
    "contact": [{"name": {"family": "G"}, "address": {"city": "X"}}],
    "extension": [{"url": "http://u", "valueString": "v"}],
}


def reached(path):
    """Replace what a path reaches by a mark, and give the marked values' places."""
    done = anonymized(PATIENT, rule(path, "cryptoHash"))
    return {place for place, value in _leaves(done) if value != dict(_leaves(PATIENT))[place]}


def _leaves(value, place=""):
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{place}.{key}".strip("."))]
    if isinstance(value, list):
        return [leaf for number, item in enumerate(value) for leaf in _leaves(item, f"{place}.{number}")]
    return [(place, value)]


@pytest.mark.parametrize(
    "path, places",
    [
        ("Patient.name.where(use = 'official').given", {"name.0.given.0", "name.0.given.1"}),
        ("Patient.name.where(use='official').given.first()", {"name.0.given.0"}),
        ("Patient.nodesByType('HumanName').family", {"name.0.family", "contact.0.name.family"}),
        ("Patient.nodesByName('city')", {"address.0.city", "contact.0.address.city"}),
        ('nodesByName("telecom").value', {"telecom.0.value", "telecom.1.value"}),
        (
            "nodesByType('Address').city | nodesByType('HumanName').family",
            {"address.0.city", "contact.0.address.city", "name.0.family", "contact.0.name.family"},
        ),
        ("nodesByType('ContactPoint').where(use='home').value", {"telecom.0.value"}),
        ("Patient.descendants().where($this is HumanName).family", {"name.0.family", "contact.0.name.family"}),
        ("Resource.descendants().ofType(HumanName).family", {"name.0.family", "contact.0.name.family"}),
        ("Patient.name[1]", {"name.1.use", "name.1.given.0"}),
        ("Patient.name.given[1]", {"name.0.given.1"}),
        ("Patient.telecom.where(system = 'phone' and use = 'home').value", {"telecom.0.value"}),
        ("Patient.telecom.where(system = 'email' or rank > 1).value", {"telecom.0.value", "telecom.1.value"}),
        ("Patient.telecom.where(system = 'phone' implies rank > 5).value", {"telecom.1.value"}),
        ("Patient.telecom.where(system in ('fax' | 'email')).value", {"telecom.1.value"}),
        ("Patient.telecom.where(value.matches('^.@')).value", {"telecom.1.value"}),
        ("Patient.telecom.where(value.split('@').count() = 2).value", {"telecom.1.value"}),
        ("Patient.name.where(given.join('-') = 'Ann-Bo').family", {"name.0.family"}),
        ("Patient.name.given.where($this.matchesFull('[A-Z]{2}'))", {"name.1.given.0"}),
        ("Patient.name.given.where($this.startsWith('A'))", {"name.0.given.0"}),
        ("Patient.name.where(given contains 'Bo').family", {"name.0.family"}),
        ("Patient.`name`.family", {"name.0.family"}),
        ("Patient.deceased as dateTime", {"deceasedDateTime"}),
        ("(Patient.deceased as dateTime)", {"deceasedDateTime"}),
        ("Patient.deceased.ofType(dateTime)", {"deceasedDateTime"}),
        ("Patient.deceased.ofType(boolean)", set()),
        ("Patient.deceased.is(dateTime).not()", None),
        ("Patient.where(%resource.id = 'p').address.city", {"address.0.city"}),
        ("Patient.extension('http://u').value", {"extension.0.valueString"}),
        ("Patient.extension.where(url = 'http://u').value as string", {"extension.0.valueString"}),
        ("Patient.address.line.skip(1)", {"address.0.line.1"}),
        ("Patient.address.line.last()", {"address.0.line.1"}),
        ("Patient.name.where(family.exists().not()).given", {"name.1.given.0"}),
        (
            "Patient.name.select(given | family)",
            {"name.0.family", "name.0.given.0", "name.0.given.1", "name.1.given.0"},
        ),
        ("iif(active, address.city, name.family)", {"address.0.city"}),
        ("Patient.children().where($this is boolean)", {"active"}),
        ("nodesByType('BackboneElement').name.family", {"contact.0.name.family"}),
        ("nodesByType('boolean')", {"active"}),
        ("Observation.id", set()),
        ("Address.city", set()),
        ("DomainResource.id", {"id"}),
    ],
)
def test_a_path_reaches_its_nodes(path, places):
    if places is None:
        with pytest.raises(ConfigurationInvalid, match="values, not elements"):
            reached(path)
    else:
        assert reached(path) == places


@pytest.mark.parametrize(
    "path",
    [
        "Patient.generalPractitioner.resolve()",
        "Patient.name.given.frobnicate()",
        "Patient.name.where(use",
        "Patient.telecom.aggregate($total + 1)",
        "%ucum",
    ],
)
def test_what_is_not_supported_is_refused_with_the_rules_number_and_path(path):
    with pytest.raises(ConfigurationInvalid) as caught:
        anonymized(PATIENT, rule("Patient.photo", "keep"), rule(path, "redact"))
    assert caught.value.where == f"rule 2, {path}"


def test_the_keys_of_the_documentation_are_read():
    assert set(KEYS) == {"dateShiftKey", "cryptoHashKey", "encryptKey"}
    with pytest.raises(ConfigurationInvalid, match="encryptKey"):
        anonymized(PATIENT, rule("Patient.name", "keep"), encryptKey="fifteen letters")

"""Each method on single values."""

import base64
import json
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from tests.support.microsoft import KEYS, anonymized, labels_of, rule

from bailee.deid.structure.microsoft import Scope
from bailee.deid.structure.microsoft.dates import keyed_offset, linear_offset
from bailee.deid.structure.microsoft.errors import ConfigurationInvalid, ProcessingFailed


def one(name, value, method, kind="Patient", **options):
    """Treat one element of a resource and give what became of it."""
    settings = options.pop("settings", {})
    path = name if name in {"birthDate", "gender", "active"} else "value" if name.startswith("value") else name
    done = anonymized({"resourceType": kind, name: value}, rule(f"{kind}.{path}", method, **settings), **options)
    return done.get(name)


PARTIAL = {
    "enablePartialDatesForRedact": True,
    "enablePartialAgesForRedact": True,
    "enablePartialZipCodesForRedact": True,
}


@pytest.mark.parametrize(
    "value, expected",
    [
        ("2015", "2015"),
        ("2015-02", "2015"),
        ("2015-02-07", "2015"),
        ("1937", "1937"),
        ("1936-06-16", "1936"),
        ("1936-06-15", None),
        ("1925-02-07", None),
        ("soon", None),
    ],
)
def test_redact_keeps_the_year_of_what_is_at_most_89_years_ago(value, expected):
    assert one("birthDate", value, "redact", **PARTIAL) == expected


def test_redact_removes_dates_without_the_switch():
    assert one("birthDate", "2015-02-07", "redact") is None


def test_redact_keeps_the_year_of_a_date_with_a_time():
    assert one("valueDateTime", "2015-02-07T13:28:17-05:00", "redact", "Observation", **PARTIAL) == "2015"


@pytest.mark.parametrize("age, expected", [(89, {"value": 89}), (90, None), (101, None)])
def test_redact_removes_ages_above_89(age, expected):
    done = anonymized(
        {"resourceType": "Condition", "onsetAge": {"value": age}}, rule("nodesByType('Age')", "redact"), **PARTIAL
    )
    assert done.get("onsetAge") == expected


@pytest.mark.parametrize(
    "code, expected",
    [("98052", "98000"), ("20301", "00000"), ("98052-1234", "98000-0000"), ("12", "12"), ("A1B 2C3", "A1B 0C0")],
)
def test_redact_keeps_three_characters_of_a_postal_code(code, expected):
    resource = {"resourceType": "Patient", "address": [{"postalCode": code}]}
    done = anonymized(
        resource, rule("Patient.address", "redact"), labels=True, restrictedZipCodeTabulationAreas=["203"], **PARTIAL
    )
    assert done["address"] == [{"postalCode": expected}]
    assert labels_of(done) == ["ABSTRED"]


@pytest.mark.parametrize(
    "value, expected",
    [
        ("2015-02-07", "2015-01-17"),
        ("2015-02-07T13:28:17-05:00", "2015-01-17T00:00:00-05:00"),
        ("2015-02-07T13:28:17Z", "2015-01-17T00:00:00Z"),
        ("2015-02-07T13:28:17.12345-05:00", "2015-01-17T00:00:00.00000-05:00"),
        ("2015-02", "2015"),
        ("1925-02-07T13:28:17-05:00", None),
    ],
)
def test_the_linear_shift_is_the_tools(value, expected):
    assert one("valueDateTime", value, "dateShift", "Observation", **PARTIAL) == expected


def test_the_linear_shift_takes_the_id_as_it_stands():
    resource = {"resourceType": "Patient", "id": "a", "birthDate": "2015-02-07"}
    shift = rule("Patient.birthDate", "dateshift")
    hashing = rule("Resource.id", "cryptoHash")
    before, after = anonymized(resource, shift, hashing), anonymized(resource, hashing, shift)
    assert before["birthDate"] == moved("2015-02-07", linear_offset("a", KEYS["dateShiftKey"]))
    assert after["birthDate"] == moved("2015-02-07", linear_offset(after["id"], KEYS["dateShiftKey"]))


def moved(text, days):
    from datetime import date, timedelta

    return (date.fromisoformat(text) + timedelta(days=days)).isoformat()


@pytest.mark.parametrize("scope", ["file", "folder"])
def test_the_scope_decides_what_the_linear_shift_depends_on(scope):
    place = Scope(file="f.ndjson", folder="export")
    offset = linear_offset({"file": "f.ndjson", "folder": "export"}[scope], "dummy")
    done = one("birthDate", "2015-02-07", "dateShift", dateShiftScope=scope, scope=place)
    assert done == moved("2015-02-07", offset)


def test_a_fixed_offset_goes_first():
    assert one("birthDate", "2015-02-07", "dateShift", dateShiftFixedOffsetInDays=-7) == "2015-01-31"


def test_without_the_switch_all_resources_of_a_patient_move_alike():
    shift = (
        rule("nodesByType('date')", "dateShift"),
        rule("nodesByType('dateTime')", "dateShift"),
        rule("Resource.id", "cryptoHash"),
    )
    patient = anonymized({"resourceType": "Patient", "id": "a", "birthDate": "2015-02-07"}, *shift, linear_shift=False)
    resource = {
        "resourceType": "Condition",
        "id": "z",
        "subject": {"reference": "Patient/a"},
        "recordedDate": "2015-02-07",
    }
    condition = anonymized(resource, *shift, linear_shift=False)
    assert patient["birthDate"] == condition["recordedDate"] == moved("2015-02-07", keyed_offset("patient/a", "dummy"))


def test_the_hash_is_the_tools():
    resource = {"resourceType": "Patient", "address": [{"city": "patienttestcity1"}]}
    done = anonymized(resource, rule("Patient.address", "cryptoHash"))
    assert done["address"][0]["city"] == "c4321653de997f3029d2efa38dd4baa6c9c2f6bd67b8a52be789f157f8b286ce"


H = {
    name: one("gender", name, "cryptoHash")
    for name in ("p1", "034AB16", "apo-1.x", "C757873D-EC9A-4326-A141-556F43239520", "1.2.3")
}


@pytest.mark.parametrize(
    "reference, expected",
    [
        ("#p1", f"#{H['p1']}"),
        ("Patient/034AB16", f"Patient/{H['034AB16']}"),
        (
            "http://example.org/fhir/Observation/apo-1.x/_history/2",
            f"http://example.org/fhir/Observation/{H['apo-1.x']}/_history/2",
        ),
        ("urn:uuid:C757873D-EC9A-4326-A141-556F43239520", f"urn:uuid:{H['C757873D-EC9A-4326-A141-556F43239520']}"),
        ("urn:oid:1.2.3", f"urn:oid:{H['1.2.3']}"),
        ("034AB16", H["034AB16"]),
    ],
)
def test_of_a_reference_only_the_id_is_hashed(reference, expected):
    resource = {"resourceType": "Observation", "subject": {"reference": reference}}
    assert (
        anonymized(resource, rule("nodesByType('Reference').reference", "cryptoHash"))["subject"]["reference"]
        == expected
    )


@pytest.mark.parametrize(
    "reference",
    ["Patient?identifier=1", "Nothing/1", "ftp://h/Patient/1", "Patient/é", "urn:uuid:1", "urn:oid:1.2.3=4"],
)
def test_any_other_reference_is_hashed_whole(reference):
    resource = {"resourceType": "Observation", "subject": {"reference": reference}}
    done = anonymized(resource, rule("nodesByType('Reference').reference", "cryptoHash"))
    assert done["subject"]["reference"] == one("gender", reference, "cryptoHash")


def test_encrypted_values_come_back_with_the_key():
    sealed = base64.b64decode(one("gender", "patienttestcity1", "encrypt"))
    cipher = Cipher(AES(KEYS["encryptKey"].encode()), CBC(sealed[:16])).decryptor()
    assert cipher.update(sealed[16:]) + cipher.finalize() == b"patienttestcity1" + bytes([16]) * 16


RANGES = {"$this>=0 and $this<20": "20", "$this>=20 and $this<40": "40"}


@pytest.mark.parametrize(
    "value, others, expected", [(5, "redact", 20), (20, "redact", 40), (110, "redact", None), (110, "Keep", 110)]
)
def test_generalize_takes_the_first_case_that_holds(value, others, expected):
    settings = {"cases": RANGES, "otherValues": others}
    assert one("valueInteger", value, "generalize", "Observation", settings=settings) == expected


DATES = {
    "$this >= @1990-01-01 and $this < @2000-01-01": "@1990",
    "$this = @2010": "@2010-01-01",
    "$this ~ @2020": "@2020-01-01",
}


@pytest.mark.parametrize(
    "value, expected",
    [
        ("1990-01-01", "1990"),
        ("2000-01-01", None),
        ("1990", "1990"),
        ("2000", "1990"),
        ("2010", "2010-01-01"),
        ("2010-01-02", "2010-01-01"),
        ("2020", "2020-01-01"),
        ("2020-05-20", None),
    ],
)
def test_generalize_treats_an_undecided_date_as_fitting(value, expected):
    assert one("birthDate", value, "generalize", settings={"cases": DATES}) == expected


MOMENTS = {
    "$this >= @1990-01-01T00:00:00Z and $this <= @2000-01-01T00:00:00+08:00": "@1990",
    "$this = @2010-01-01T00:00:00+08:00": "@2010-01-01",
    "$this ~ @2020-01-01T00:00:00": "@2020-01-01",
}


@pytest.mark.parametrize(
    "value, expected",
    [
        ("1990-01-01T00:00:00Z", "1990"),
        ("1990-01-01T00:00:00+08:00", None),
        ("1990-01-01", "1990"),
        ("1990-01", "1990"),
        ("2000-01-01T00:00:00Z", None),
        ("2000-01-01T00:00:00+08:00", "1990"),
        ("2000-01-01T00:00:00-09:00", None),
        ("2010-01-01", None),
        ("2010-01-01T00:00:00+08:00", "2010-01-01"),
        ("2009-12-31T16:00:00Z", "2010-01-01"),
        ("2020-01-01T00:00:00", "2020-01-01"),
        ("2020-01-01T00:00:00+08:00", None),
        ("2020-01-01", None),
    ],
)
def test_generalize_compares_moments_across_zones(value, expected):
    assert one("valueDateTime", value, "generalize", "Observation", settings={"cases": MOMENTS}) == expected


def test_generalize_can_mask_and_calculate():
    masked = {"$this.startsWith('123')": "$this.substring(0,3)+'****'"}
    assert one("gender", "1230005", "generalize", settings={"cases": masked}) == "123****"
    tens = {"$this>=-20 and $this<80": "($this div 10 -1)*10"}
    assert one("valueInteger", 43, "generalize", "Observation", settings={"cases": json.dumps(tens)}) == 30


def test_generalize_on_a_complex_element_is_an_error_that_skip_does_not_catch():
    resource = {"resourceType": "Patient", "name": [{"family": "Ash"}]}
    with pytest.raises(ConfigurationInvalid):
        anonymized(resource, rule("Patient.name", "generalize", cases={"true": "'x'"}), errors="skip")


@pytest.mark.parametrize("case", ["$this >= '0'", "$this > @2015-01-01"])
def test_a_case_that_does_not_fit_fails_the_resource(case):
    with pytest.raises(ProcessingFailed):
        one("valueInteger", 5, "generalize", "Observation", settings={"cases": {case: "1"}})


def noisy(value, settings, name="valueQuantity"):
    held = {"value": value, "unit": "kg"} if name == "valueQuantity" else value
    done = one(name, held, "perturb", "Observation", settings=settings)
    return Decimal(str(done["value"] if isinstance(done, dict) else done))


def test_perturb_stays_in_its_span_and_rounds():
    values = {noisy(10 + n, {"span": 4, "roundTo": 1}) - n for n in range(40)}
    assert all(8 <= value <= 12 and value == round(value, 1) for value in values)
    assert noisy(10, {"span": 0}) == 10
    assert abs(noisy(1000, {"span": 0.1, "rangeType": "proportional"}) - 1000) <= 50


def test_perturb_gives_whole_numbers_for_whole_numbers():
    assert noisy(7, {"span": 3, "roundTo": 2}, "valueInteger") % 1 == 0


def test_perturb_keeps_positive_numbers_positive():
    resource = {"resourceType": "Patient", "telecom": [{"rank": 1}] * 30}
    done = anonymized(resource, rule("Patient.telecom.rank", "perturb", span=20))
    assert min(point["rank"] for point in done["telecom"]) == 1


def test_perturb_leaves_the_rest_of_a_quantity_to_nobody():
    resource = {"resourceType": "Observation", "valueQuantity": {"value": 10, "unit": "kg"}}
    done = anonymized(
        resource, rule("Observation.value", "perturb", span=0), rule("Observation.value", "redact"), labels=True
    )
    assert done["valueQuantity"] == {"value": 10, "unit": "kg"}
    assert labels_of(done) == ["PERTURBED"]


@pytest.mark.parametrize("given, expected", [("abc", "abc"), (None, None), (False, "False"), (1, "1")])
def test_substitute_puts_a_text_in_place_of_a_value(given, expected):
    assert one("gender", "male", "substitute", settings={"replaceWith": given}) == expected

"""FHIRPath as configurations use it."""

from decimal import Decimal

import pytest

from bailee.core.errors import Invalid
from bailee.deid.structure.microsoft.fhirpath import Misfit, evaluate, parse, predicate
from bailee.deid.structure.microsoft.fhirpath.values import system_value
from bailee.deid.structure.microsoft.tree import parse_json, read_resource

PATIENT = read_resource(
    parse_json(
        """{"resourceType":"Patient","id":"p","active":true,"gender":"male","birthDate":"1990-05-01","multipleBirthInteger":2,
        "name":[{"use":"official","family":"Ash","given":["Bo","Cy"]},{"use":"usual","given":["Di"]}],
        "telecom":[{"system":"phone","value":"1"}],"contact":[{"name":{"family":"Elm"}}],
        "extension":[{"url":"http://a","valueQuantity":{"value":1.50}},{"url":"http://b","valueString":"x"}],
        "contained":[{"resourceType":"Organization","id":"o","name":"Org"}]}"""
    )
)


def values(text):
    found = evaluate(parse(text), PATIENT, now="2026-06-15T12:00:00Z")
    return [system_value(item) for item in found]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("id", ["p"]),
        ("Patient.id", ["p"]),
        ("Resource.id", ["p"]),
        ("Observation.id", []),
        ("name.given", ["Bo", "Cy", "Di"]),
        ("name[0].given[1]", ["Cy"]),
        ("name[7].given", []),
        ("name.where(use = 'usual').given", ["Di"]),
        ("name.where(use != 'usual').family", ["Ash"]),
        ("name.where(family.exists().not()).use", ["usual"]),
        ("name.select(given.first())", ["Bo", "Di"]),
        ("(name | contact.name).family", ["Ash", "Elm"]),
        ("name.given | name.given", ["Bo", "Cy", "Di"]),
        ("nodesByType('HumanName').family", ["Ash", "Elm"]),
        ("nodesByName('name').family", ["Ash", "Elm"]),
        ("nodesByType('Organization').id", []),
        ("descendants().where($this is Organization).name", ["Org"]),
        ("descendants().ofType(Quantity).value", [Decimal("1.50")]),
        ("extension.value as Quantity", [None]),
        ("(extension.value as string)", ["x"]),
        ("extension('http://b').value", ["x"]),
        ("multipleBirth", [2]),
        ("multipleBirth is integer", [True]),
        ("multipleBirth + 1", [3]),
        ("multipleBirth / 4", [Decimal("0.5")]),
        ("7 div 2 - 1", [2]),
        ("-7 mod 2", [-1]),
        ("2 + 3 * 2", [8]),
        ("'a' + 'b'", ["ab"]),
        ("{} & 'b'", ["b"]),
        ("gender in ('male' | 'female')", [True]),
        ("('x' | 'male') contains gender", [True]),
        ("active and gender = 'male'", [True]),
        ("{} and false", [False]),
        ("{} and true", []),
        ("{} or true", [True]),
        ("false implies {}", [True]),
        ("true xor true", [False]),
        ("gender.startsWith('ma') and gender.endsWith('le')", [True]),
        ("gender.substring(1, 2)", ["al"]),
        ("gender.substring(9)", []),
        ("gender.substring(0,2) + '**'", ["ma**"]),
        ("gender.upper().indexOf('L')", [2]),
        ("birthDate.toString().replaceMatches('(?<y>\\\\d+)-(?<m>\\\\d+)-\\\\d+', '${m}/$1')", ["05/1990"]),
        ("gender.matches('^m.l')", [True]),
        ("name.given.count()", [3]),
        ("name.exists(use = 'old')", [False]),
        ("name.all(given.exists())", [True]),
        ("iif(active, 'yes', 'no')", ["yes"]),
        ("birthDate > @1990", []),
        ("birthDate > @1989-12", [True]),
        ("birthDate = @1990-05-01", [True]),
        ("birthDate = @1990", []),
        ("birthDate ~ @1990", [False]),
        ("today() > birthDate", [True]),
        ("gender ~ ' MALE '", [True]),
        ("%resource.id", ["p"]),
        ("`name`.given.first()", ["Bo"]),
        ("name.given.skip(1).take(1)", ["Cy"]),
        ("contact.name.family // and a remark", ["Elm"]),
        ("'it\\'s \\u00e9'", ["it's é"]),
        ("'12'.toInteger() + 1", [13]),
        ("'1.5'.toDecimal()", [Decimal("1.5")]),
        ("'x'.toInteger()", []),
    ],
)
def test_an_expression_has_its_value(text, expected):
    assert values(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name.",
        "name[0",
        "a b",
        "name.where",
        "resolve()",
        "name.foo()",
        "$that",
        "1 = ",
        "@2020-13",
        "name.memberOf('x')",
    ],
)
def test_what_is_not_supported_is_an_error_when_parsed(text):
    if text == "name.where":
        assert values(text) == []
    else:
        with pytest.raises(Invalid):
            parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "multipleBirth > '0'",
        "gender > @2015-01-01",
        "name.given.upper()",
        "birthDate > @2015-1-1",
        "active + 1",
        "gender.abs()",
    ],
)
def test_values_that_do_not_fit_are_an_error(text):
    with pytest.raises(Misfit):
        values(text)


@pytest.mark.parametrize(
    "left, right, below, same",
    [
        ("@2000-01-01T00:00:00+08:00", "@2000-01-01T00:00:00Z", True, False),
        ("@2010-01-01T00:00:00+08:00", "@2009-12-31T16:00:00Z", False, True),
        ("@T10:00:00", "@T10:00:01", True, False),
        ("@2010-01-01", "@2010-01-01T00:00:00+08:00", False, False),
        ("@2009-12-31", "@2010-01-01", True, False),
    ],
)
def test_moments_compare_across_zones(left, right, below, same):
    assert (values(f"{left} < {right}"), values(f"{left} = {right}")) == ([below], [same])


def test_an_undecided_condition_counts_as_true():
    assert predicate(parse("birthDate < @1990 or {}"), PATIENT)
    assert predicate(parse("photo"), PATIENT)
    assert not predicate(parse("gender = 'x'"), PATIENT)

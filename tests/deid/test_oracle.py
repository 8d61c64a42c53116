"""The slow model of a plan does what the plan's words say."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

import pytest
from tests.support.oracle import Oracle, Person, read_json, write_json

from bailee.deid.structure.plan import Action, Check, CheckKind, Node, Plan, Rule, Step

PEOPLE = {
    "p": Person("pseudo", shift_days=10),
    "old": Person("older", shift_days=-1, ninety=True),
    "q": Person("other"),
}


def outcome(resource, steps, *, patient="p", nodes=(), checks=(), **settings):
    oracle = Oracle(
        plan(steps, nodes, checks, **settings),
        zip3=frozenset({"021"}),
        clean_text=lambda text, patient: text.replace("Ann", patient or "-") if text != "bad" else None,
    )
    return oracle.deidentify(read_json(resource) if isinstance(resource, str) else resource, patient, PEOPLE)


def plan(steps, nodes=(), checks=(), **settings):
    root = Node(name="Basic", steps={key: as_step(step) for key, step in steps.items()})
    return Plan(
        profile="test", sha256="", identifiability="safe-harbor", nodes=(root, *nodes), roots={"Basic": 0},
        rules=(Rule(path="*", method="*"),), checks=checks, **settings,
    )  # fmt: skip


def as_step(step):
    return step if isinstance(step, Step) else Step(action=step, rule=0)


def treated(value, step, **settings):
    done = outcome({"resourceType": "Basic", "x": value}, {"x": step}, **settings)
    return done.resource.get("x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-02-29", "2020"),
        ("2020", "2020"),
        ("2020-02", "2020"),
        ("2020-02-29T10:00:00.5+14:00", "2020"),
        ("2019-02-29", None),
        ("2020-02-29 10:00", None),
        ("Ann, 2020", None),
        ("20200229", None),
    ],
)
def test_year_keeps_the_year_of_a_date_and_of_nothing_else(value, expected):
    assert treated(value, Action.YEAR) == expected


def test_year_may_be_completed_to_an_instant():
    step = Step(action=Action.YEAR, rule=0, argument="-01-01T00:00:00Z")
    assert treated("2020-05-05T01:02:03Z", step) == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize(("patient", "expected"), [("p", "1930"), ("old", None), (None, None)])
def test_birth_year_leaves_only_where_the_patient_is_under_ninety(patient, expected):
    assert treated("1930-01-01", Action.BIRTH_YEAR, patient=patient) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2020-02-25", "2020-03-06"),
        ("2020-12-31T23:59:59.25-05:00", "2021-01-10T23:59:59.25-05:00"),
        ("2020-02", "2020-02"),
        ("2020", "2020"),
        ("9999-12-31", None),
    ],
)
def test_shift_moves_the_day_and_keeps_time_zone_and_precision(value, expected):
    assert treated(value, Action.SHIFT) == expected


def test_shift_without_a_patient_keeps_the_year():
    step = Step(action=Action.SHIFT, rule=0, argument="-01-01T00:00:00Z")
    assert treated("2020-02-25", Action.SHIFT, patient=None) == "2020"
    assert treated("2020-02-25T10:00:00Z", step, patient=None) == "2020-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("02139", "021"),
        ("02139-1234", "021"),
        ("021391234", "021"),
        ("99999", "000"),
        ("K1A 0B1", None),
        ("0213", None),
    ],
)
def test_zip_keeps_three_digits_of_the_whitelist(value, expected):
    assert treated(value, Action.ZIP3) == expected


@pytest.mark.parametrize(
    ("value", "argument", "expected"),
    [
        ("89", "", "89"),
        ("89.0", "", "89.0"),
        ("89.5", "", "90"),
        ("90", "", "90"),
        ("104", "", "90"),
        ("1079", "1080", "1079"),
        ("1080", "1080", "1080"),
        ("1300", "1080", "1080"),
        ("-1", "", None),
        ("1e3", "", None),
        ('"93"', "", None),
    ],
)
def test_ages_from_ninety_on_are_one(value, argument, expected):
    done = outcome(f'{{"resourceType":"Basic","x":{value}}}', {"x": Step(action=Action.AGE, rule=0, argument=argument)})
    assert done.resource.get("x") == expected


def hashed(text):
    return blake2b(text.encode(), key=b"i" * 32, digest_size=32).hexdigest()


UUID_FORM = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Patient/p", "Patient/pseudo"),
        ("Patient/p/_history/3", "Patient/pseudo"),
        ("https://ehr.example/r4/Patient/p", "Patient/pseudo"),
        ("Patient/q", None),
        ("Patient?identifier=x|123", None),
        ("Encounter/e", "Encounter/" + hashed("Encounter/e")),
        ("http://ehr.example/Encounter/e/_history/1", "Encounter/" + hashed("Encounter/e")),
        (UUID_FORM, f"urn:uuid:{UUID(hashed(UUID_FORM)[:32])}"),
        ("urn:oid:1.2.3", f"urn:uuid:{UUID(hashed('urn:oid:1.2.3')[:32])}"),
        ("#", "#"),
        ("#med", "#" + hashed("#med")),
        ("Ann", None),
        ("Nonsense/1", None),
        ("http://hl7.org/fhir/ValueSet/x|4.0", None),
        ("Encounter/e/extra", None),
    ],
)
def test_every_kind_of_reference_is_rewritten_or_goes(value, expected):
    assert treated(value, Action.REFERENCE) == expected


def test_references_to_one_resource_agree_whatever_their_form():
    forms = ["Encounter/e", "Encounter/e/_history/2", "https://x.example/fhir/Encounter/e"]
    assert len({treated(form, Action.REFERENCE) for form in forms}) == 1


def test_other_patients_stay_where_the_plan_says_so():
    assert treated("Patient/q", Action.REFERENCE, keeps_other_patients=True) == "Patient/other"


def test_an_id_and_the_references_to_it_agree():
    contained = Step(action=Action.RESOURCE, rule=0, argument="contained")
    steps = {"id": Action.OWN_ID, "x": Action.REFERENCE, "y": Action.REFERENCE, "contained": contained}
    resource = {"resourceType": "Basic", "id": "b", "x": "Basic/b", "y": "#c",
                "contained": [{"resourceType": "Basic", "id": "c"}]}  # fmt: skip
    done = outcome(resource, steps).resource
    assert done["x"] == f"Basic/{done['id']}"
    assert done["y"] == "#" + done["contained"][0]["id"]


def test_text_goes_through_the_notes_engine_with_its_patient():
    assert treated("Ann fell", Action.TEXT) == "p fell"
    assert treated("bad", Action.TEXT) is None


def test_text_that_passes_its_check_is_not_handed_out():
    checks = (Check(kind=CheckKind.ONE_OF, values=("bad", "Ann")),)
    assert treated("Ann", Step(action=Action.TEXT, rule=0, check=0), checks=checks) == "Ann"
    assert treated("Anna", Step(action=Action.TEXT, rule=0, check=0), checks=checks) == "pa"


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (Check(kind=CheckKind.NUMBER), "1.50", '"1.50"'),
        (Check(kind=CheckKind.BOOLEAN), "true", '"true"'),
        (Check(kind=CheckKind.ONE_OF, values=("a", "b")), '"b"', '"c"'),
        (Check(kind=CheckKind.CHARS, chars="0123456789-", longest=6), '"8480-6"', '"8480-67"'),
        (Check(kind=CheckKind.CHARS, chars="0123456789-", longest=6), '"1"', '"Ann"'),
        (Check(kind=CheckKind.SHAPE, values=("@#&", "@#&.&")), '"C5A.9"', '"CAA"'),
        (Check(kind=CheckKind.SHAPE, values=("~~", "~~-@@")), '"de-CH"', '"de_CH"'),
    ],
)
def test_a_checked_value_leaves_only_if_it_passes(check, good, bad):
    step = Step(action=Action.KEEP, rule=0, check=0)
    source = f'{{"resourceType":"Basic","x":[{good},{bad},{{"y":1}}]}}'
    done = outcome(source, {"x": step}, checks=(check,))
    assert write_json(done.resource) == f'{{"resourceType":"Basic","x":[{good}]}}'
    assert done.removed[0] == 2


def test_a_member_without_a_step_goes_and_is_counted():
    done = outcome({"resourceType": "Basic", "x": "1", "y": "2"}, {"x": Action.KEEP})
    assert done.resource == {"resourceType": "Basic", "x": "1"}
    assert done.unknown == {"Basic": 1}


def test_what_is_empty_at_the_end_goes_up_to_the_resource():
    inner = Node(name="Inner", steps={"y": as_step(Action.REMOVE)})
    steps = {"x": Step(action=Action.DESCEND, rule=0, node=1)}
    assert outcome({"resourceType": "Basic", "x": [{"y": "1"}]}, steps, nodes=[inner]).resource == {
        "resourceType": "Basic"
    }


def test_a_member_that_fhir_requires_has_a_stand_in():
    steps = {"x": Step(action=Action.REMOVE, rule=0, absent='{"a":1}')}
    done = outcome({"resourceType": "Basic", "x": {"y": "1"}}, steps).resource
    assert write_json(done) == '{"resourceType":"Basic","x":{"a":1}}'
    done = outcome({"resourceType": "Basic", "x": ["1", "2"]}, steps).resource
    assert write_json(done) == '{"resourceType":"Basic","x":[{"a":1}]}'
    assert outcome({"resourceType": "Basic"}, steps).resource == {"resourceType": "Basic"}


def test_items_that_go_leave_no_gap_unless_their_siblings_need_the_positions():
    element = Node(name="Element", steps={"k": as_step(Action.KEEP)})
    steps = {"x": Action.TEXT, "_x": Step(action=Action.DESCEND, rule=0, node=1)}
    bare = {"resourceType": "Basic", "x": ["a", "bad", "b"]}
    assert outcome(bare, steps, nodes=[element]).resource["x"] == ["a", "b"]
    done = outcome(bare | {"_x": [None, {"k": 1}, {"z": 1}]}, steps, nodes=[element]).resource
    assert (done["x"], done["_x"]) == (["a", None, "b"], [None, {"k": 1}, None])
    done = outcome(bare | {"_x": [None, {"z": 1}, None]}, steps, nodes=[element]).resource
    assert (done["x"], done.get("_x")) == (["a", "b"], None)


def test_an_object_of_which_only_its_label_survives_is_empty():
    inner = Node(name="Extension", steps={"url": as_step(Action.KEEP), "v": as_step(Action.TEXT)}, alone="url")
    steps = {"x": Step(action=Action.DESCEND, rule=0, node=1)}
    done = outcome(
        {"resourceType": "Basic", "x": [{"url": "a", "v": "bad"}, {"url": "a", "v": "b"}]}, steps, nodes=[inner]
    )
    assert done.resource["x"] == [{"url": "a", "v": "b"}]


def test_select_takes_the_node_of_the_members_text_and_absence_is_the_empty_text():
    nodes = [
        Node(name="Coding", steps={}, select_on="system", select={"http://a": 2, "": 3}),
        Node(name="known", steps={"code": as_step(Action.KEEP)}),
        Node(name="none", steps={"display": as_step(Action.KEEP)}),
    ]
    steps = {"x": Step(action=Action.DESCEND, rule=0, node=1)}
    resource = {"resourceType": "Basic", "x": [
        {"system": "http://a", "code": "1", "display": "d"}, {"code": "2", "display": "d"}, {"system": "b", "code": "3"},
        {"system": 4, "code": "4"}]}  # fmt: skip
    assert outcome(resource, steps, nodes=nodes).resource["x"] == [{"code": "1"}, {"display": "d"}]


def test_an_unknown_modifier_extension_refuses_the_resource():
    nodes = [Node(name="Modifier", steps={}, select_on="url", refuse=True)]
    steps = {"modifierExtension": Step(action=Action.DESCEND, rule=0, node=1)}
    done = outcome({"resourceType": "Basic", "modifierExtension": [{"url": "http://x"}]}, steps, nodes=nodes)
    assert (done.resource, done.refused) == (None, "modifier")


def test_an_unknown_type_is_refused_outside_and_removed_inside():
    assert outcome({"resourceType": "Nonsense"}, {}).refused == "type"
    contained = Step(action=Action.RESOURCE, rule=0, argument="contained")
    done = outcome({"resourceType": "Basic", "contained": [{"resourceType": "Nonsense"}]}, {"contained": contained})
    assert done.resource == {"resourceType": "Basic"}


def test_the_plans_meta_stands_in_place_of_the_resources_own_but_not_in_contained_ones():
    contained = Step(action=Action.RESOURCE, rule=0, argument="contained")
    done = outcome({"resourceType": "Basic", "meta": {"source": "x"}, "contained": [{"resourceType": "Basic"}]},
                   {"contained": contained, "meta": Action.REMOVE}, meta='{"security":[{"code":"X"}]}')  # fmt: skip
    assert done.resource["meta"] == {"security": [{"code": "X"}]}
    assert done.resource["contained"] == [{"resourceType": "Basic"}]


def test_numbers_keep_their_digits():
    assert write_json(read_json('{"a":[1.50,1E+2,-0]}')) == '{"a":[1.50,1E+2,-0]}'

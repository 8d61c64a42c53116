"""Every example of HL7, and samples of generated hospitals, come out as valid FHIR or are refused with a reason."""

from __future__ import annotations

import importlib
import json
from collections import Counter
from pkgutil import iter_modules

import fhir.resources.R4B
import pytest
from tests.support.oracle import Number, Oracle, Person, write_json
from tests.support.shared_records import EXAMPLES, patient_of, shared_records

from bailee.deid.profiles.compile import shipped_plan
from bailee.deid.profiles.profile import shipped_profile
from bailee.deid.structure.zip3 import zip3_table

pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="the shared examples are not here: set BAILEE_SHARED")
MODELLED = {module.name for module in iter_modules(fhir.resources.R4B.__path__)}


def released(profile):
    oracle = Oracle(
        shipped_plan(profile),
        zip3=zip3_table().whitelist(),
        clean_text=lambda text, _: text,
        clean_attachment=lambda value, _: value,
    )
    for name, record in shared_records(each=25):
        patient = patient_of(record)
        parsed = json.loads(json.dumps(record), parse_float=Number, parse_int=Number)
        done = oracle.deidentify(parsed, patient or None, {patient: Person("a" * 64, 30)})
        yield parsed, record["resourceType"], done, name


def valid(resource):
    name = resource["resourceType"]
    if name.lower() not in MODELLED:
        return True
    model = getattr(importlib.import_module(f"fhir.resources.R4B.{name.lower()}"), name)
    try:
        model.model_validate(json.loads(write_json(resource)))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("profile", ["safe-harbor", "expert-determination", "limited-data-set"])
def test_every_example_is_valid_afterwards_or_refused_with_a_reason(profile):
    invalid, refused, carried = Counter(), Counter(), Counter()
    for number, (before, kind, done, _) in enumerate(released(profile)):
        if done.refused:
            refused[done.refused, kind] += 1
            continue
        carried[kind] += 1
        sampled = profile == "safe-harbor" or number % 5 == 0
        if sampled and not valid(done.resource) and valid(before):
            invalid[kind] += 1
    assert invalid == {}
    assert len(carried) > 90
    why = shipped_profile(profile).refused
    assert all(reason == "modifier" or kind in why for reason, kind in refused)


def test_an_unknown_modifier_extension_among_the_examples_refuses_its_record():
    refused = {name for _, _, done, name in released("safe-harbor") if done.refused == "modifier"}
    assert refused == {"Basic-referral.json"}

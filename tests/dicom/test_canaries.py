"""Canaries in every attribute, at any depth, beside the object and after it: none leaves; each rule is needed for that."""

import io

import pydicom
import pytest
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from tests.support import dicom

from bailee.deid.dicom.clean import Person, clean
from bailee.deid.dicom.marks import mark
from bailee.deid.dicom.profiles import dicom_profile
from bailee.deid.dicom.rules import Action, Plan, annex_e
from bailee.records.dicom.read import read, silent
from bailee.records.dicom.write import written

CLEANED = ["safe-harbor", "limited-data-set", "expert-determination"]
# What a profile means to keep: dates and times of day, ages.
MEANT = {"limited-data-set": {dicom.DAY, "131719", "097Y"}, "expert-determination": {"131719"}}


def person():
    return Person("P-4711", "f" * 64, 40, lambda text: f"2.25.{abs(hash(text))}")


def released(content: bytes, plan: Plan, texts=lambda texts: [None] * len(texts)) -> bytes:
    done = clean(read(content).dataset, plan, person(), texts).dataset
    with silent():
        done.SOPClassUID, done.SOPInstanceUID = dicom.CT, "2.25.1"
    mark(done, plan.profile, looked=False, syntax="")
    return written(done)


def canary_file() -> bytes:
    dataset = dicom.filled()
    name = dicom.NAME
    return dicom.as_file(
        dataset,
        preamble=(name * 20).encode()[:128],
        SourceApplicationEntityTitle=name,
        SendingApplicationEntityTitle=name,
        PrivateInformationCreatorUID="1.2.3",
        PrivateInformation=name.encode(),
    )


@pytest.mark.parametrize("name", CLEANED)
def test_no_canary_leaves_whatever_holds_it(name):
    content = canary_file()
    assert set(dicom.found_in(content)) == set(dicom.CANARIES)
    out = released(content, Plan(dicom_profile(name)))
    assert set(dicom.found_in(out)) <= MEANT.get(name, set())
    again = pydicom.dcmread(io.BytesIO(out))
    assert len(list(again.iterall())) > 1_000
    assert not any(element.tag.is_private for element in again.iterall())


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.2"])
def test_no_canary_leaves_from_other_encodings(syntax):
    dataset = dicom.filled(nested=False)
    if syntax.endswith(".2.2"):
        for element in list(dataset.keys()):
            raw = dataset.get_item(element)
            dataset[element] = raw._replace(is_little_endian=False) if raw.is_raw else raw
    content = dicom.as_file(dataset, syntax=syntax)
    assert dicom.NAME in dicom.found_in(content)
    assert not dicom.found_in(released(content, Plan(dicom_profile("safe-harbor"))))


def loosened():
    for tag, row in sorted(annex_e().items()):
        entry = DicomDictionary.get(int(tag, 16)) if "x" not in tag and tag != "private" else None
        if entry and 0x00080000 <= int(tag, 16) < 0x7FE00000 and int(tag, 16) >> 16 not in {0x4, 0x2}:
            yield pytest.param(int(tag, 16), entry[0].split(" or ")[0], id=row.keyword)


@pytest.mark.parametrize(("tag", "vr"), list(loosened()))
def test_each_rule_is_needed(tag, vr):
    dataset = Dataset()
    if vr == "SQ":
        item = Dataset()
        dicom.put(item, 0x00080070, "LO", dicom.NAME)  # a maker's name: cleaned as text
        dataset[tag] = pydicom.DataElement(tag, "SQ", Sequence([item]))
    else:
        dicom.put(dataset, tag, vr, dicom.FILLINGS[vr])
    content = dicom.as_file(dataset)
    profile = dicom_profile("safe-harbor")
    assert not dicom.found_in(released(content, Plan(profile)))
    loose = Plan(profile, changed={tag: Action.ENTER if vr == "SQ" else Action.ALL})
    out = released(content, loose, texts=lambda texts: texts)
    if tag == 0x00080018:  # the header of a file repeats it
        return
    assert dicom.found_in(out)


def test_words_in_what_should_be_numbers_do_not_leave():
    dataset = dicom.image(SliceThickness="1.5")
    dicom.put(dataset, 0x00181310, "US", b"QXWENDEL")  # acquisition matrix: four numbers that spell a name
    dicom.put(dataset, 0x00280106, "US", "QXWENDELIN")  # one number that is many
    out = pydicom.dcmread(io.BytesIO(released(dicom.as_file(dataset), Plan(dicom_profile("safe-harbor")))))
    assert "AcquisitionMatrix" not in out
    assert "SmallestImagePixelValue" not in out
    assert out.SliceThickness == 1.5


def test_another_vr_than_the_standards_does_not_get_a_value_past_the_rules():
    dataset = dicom.image()
    dicom.put(dataset, 0x00100010, "DS", dicom.NAME)  # a name as a number
    dicom.put(dataset, 0x00180050, "LT", dicom.NAME)  # a thickness as text
    dicom.put(dataset, 0x00080060, "OB", dicom.NAME)  # a modality as bytes
    out = released(dicom.as_file(dataset), Plan(dicom_profile("safe-harbor")))
    assert not dicom.found_in(out)

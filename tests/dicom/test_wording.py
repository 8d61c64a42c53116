"""Descriptions of images stay as they are; names, dates and numbers of people never pass for them."""

import pytest

from bailee.deid.dicom.wording import is_wording, words

# Descriptions as scanners and departments write them.
USUAL = [
    "AX T2 FLAIR FS", "SAG T1 MPRAGE", "t1_mprage_sag_p2_iso", "CT ABD PEL W CONTRAST", "ep2d_diff_3scan_trace_p2_ADC",
    "AX LUNG 1.0 B70", "3D TOF MRA", "MIP COR", "XR HAND RT 3V", "US ABDOMEN COMPLETE", "R CC", "L MLO", "t2_tse", "PET WB CTAC",
    "Mammo Screening Bilateral 3D", "Topogram 0.6 T20f", "SPGR", "SSFSE", "Ax DWI ASSET", "DTI 64 dir", "Dose Report",
    "SOMATOM Definition AS+", "Aquilion ONE", "LightSpeed VCT", "Discovery MR750", "MAGNETOM Aera", "Skyra", "EPIQ 7C",
    "GE MEDICAL SYSTEMS", "SIEMENS", "FUJIFILM Corporation", "Agfa", "KONICA MINOLTA", "Gadavist", "HeadNeck_20",
]  # fmt: skip


@pytest.mark.parametrize("text", USUAL)
def test_usual_descriptions_stay(text):
    assert is_wording(text, [])


@pytest.mark.parametrize(
    "text",
    [
        "Doe Jane",
        "CT chest Doe",
        "AX 03/04",
        "AX 2020",
        "acc 4482093",
        "CT 1-2-12",
        "MR 10:15",
        "Smith",
        "Müller CT",
        "",
        "12",
        "Max Power",
    ],
)
def test_what_may_be_somebodys_goes_to_the_notes_engine(text):
    assert not is_wording(text, [])


def test_a_word_that_the_header_knows_as_a_name_is_one():
    assert is_wording("AX PRE", [])
    assert not is_wording("CT HEAD", ["Head^Anthony"])


def test_no_common_name_is_among_the_words():
    assert not {"dixon", "vida", "victor", "smith", "john", "mary", "maria", "anna", "lee", "long", "young"} & set(
        words()
    )

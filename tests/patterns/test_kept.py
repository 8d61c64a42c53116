"""Clinical language that must stay: no rule of ordinary strength may touch it."""

import pytest
from tests.patterns.support import found

KEPT = [
    ("en", "BP 120/80, HR 72, RR 16, T 98.6 F, SpO2 97% on RA"),
    ("en", "strength 5/5 in all extremities, DTR 2+"),
    ("en", "pain 8/10, GCS 15/15, MMSE 28/30"),
    ("en", "II/VI or 2/6 systolic murmur"),
    ("en", "metformin 500 mg twice daily, aspirin 81 mg, heparin 5000 units"),
    ("en", "WBC 12.3, Hgb 9.8, Plt 250,000, Na 138, K 4.1, Cr 1.2"),
    ("en", "platelets 250000/mm3 and CD4 350"),
    ("en", "mass of 3.5 x 2.1 x 1.0 cm"),
    ("en", "pT2N0M0, stage IIIB, Gleason 3+4=7"),
    ("en", "ICD-10 code C50.911 and CPT 99213"),
    ("en", "BRCA1 c.68_69delAG, EGFR p.L858R, BRAF V600E"),
    ("en", "translocation t(9;22)(q34;q11.2), 46,XY"),
    ("en", "Parkinson's disease and Alzheimer's disease"),
    ("en", "Foley catheter, Babinski sign, Glasgow Coma Scale"),
    ("en", "Guillain-Barre syndrome, Hodgkin lymphoma, Crohn's disease"),
    ("en", "a 45-year-old man, 3 weeks ago, for 10 days"),
    ("en", "3-0 Vicryl, 18 gauge needle, L4-L5 disc"),
    ("en", "vision 20/40, titer 1:160, INR 2.5"),
    ("en", "ringer's lactate, Coumadin, Lasix 40 mg IV"),
    ("en", "E. coli, S. aureus and C. difficile"),
    ("en", "875/125 mg every 12 hours for 7-10 days"),
    ("en", "pH 7.31, lactate 4.2, BE -5"),
    ("en", "GCS E2V1M5 on arrival"),
    ("en", "found at 0415, then at 0430"),
    ("en", "Epi given 0216, 0219, 0222"),
    ("en", "Nottingham grade 2 (3+2+1=6/9)"),
    ("en", "the cardiology device clinic will call; GENETICS CLINIC"),
    ("en", "Hans algorithm, Reed-Sternberg cells, Hodgkin cells"),
    ("en", "Ehlers-Danlos, Loeys-Dietz syndrome, Prader-Willi syndrome"),
    ("en", "read the results at home"),
    ("es", "enfermedad de Parkinson y signo de Babinski"),
    ("es", "TA 120/80 mmHg, 36,5 ºC, PSA 794 ng/ml"),
    ("es", "varón de 53 años, carcinoma grado 2 de Fuhrman, T3N0M0"),
    ("fr", "maladie de Crohn, signe de Babinski, TA 12/8"),
    ("fr", "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0"),
    ("fr", "32 06 4561 21 22 0 3 231 0 2 271 111 0 11 0 12 13 14 15 16 1234 12"),
    ("fr", "paracétamol 1 g x 3/jour pendant 5 jours"),
    ("de", "Morbus Crohn, Babinski-Zeichen negativ"),
    ("de", "RR 130/80 mmHg, Metoprolol 47,5 mg 1-0-1"),
]


@pytest.mark.parametrize(("language", "text"), KEPT, ids=[text[:30] for _, text in KEPT])
def test_clinical_language_stays(language, text):
    assert found(text, language) == []


@pytest.mark.parametrize(
    "text",
    [
        "entered at Palmer's point with a needle",
        "staged excision (Johnson square) was offered",
        "St. John's wort was stopped",
        "pH 7.31 / 58",
        "pump alarmed at 0340.",
        "paged at 0915 on the ward",
        "registered as NCT04884035",
        "pain is 7/10",
    ],
)
def test_terms_times_and_values_are_kept(text):
    assert found(text, "en") == []


@pytest.mark.parametrize(
    "text", ["Mrs. Jones point out", "Dr. Foley catheter rounds", "Ms. Bell's palsy clinic", "Mr. Wilson disease"]
)
def test_after_a_title_a_name_is_a_persons_whatever_follows(text):
    assert ("NAME" in {label for _, label in found(text, "en")}) is True


def test_a_house_number_is_no_time():
    assert found("lives at 1234 N. Main St", "en")[0][1] == "LOCATION"

"""Formats of identifiers, one a row: what must be found whole in each language, and its label."""

import pytest
from tests.patterns.support import found

ROWS = [
    # dates
    ("en", "seen on 03/05/2019 here", "03/05/2019", "DATE"),
    ("en", "seen on 3-5-19 here", "3-5-19", "DATE"),
    ("en", "at 2019-03-02T14:05:00Z again", "2019-03-02T14:05:00Z", "DATE"),
    ("en", "stamp 20190302140500 ok", "20190302140500", "DATE"),
    ("en", "on 12 / 03 / 2019 scan", "12 / 03 / 2019", "DATE"),
    ("en", "on March 3rd, 2019 he", "March 3rd, 2019", "DATE"),
    ("en", "on the 3rd of May 2019 he", "3rd of May 2019", "DATE"),
    ("en", "on 3-May-19 he", "3-May-19", "DATE"),
    ("en", "on 12Mar2019 he", "12Mar2019", "DATE"),
    ("en", "in March 2019 he", "March 2019", "DATE"),
    ("en", "until Dec. 12 he", "Dec. 12", "DATE"),
    ("en", "since 3/14 he", "3/14", "DATE"),
    ("en", "March 3-5, 2019 stay", "March 3-5, 2019", "DATE"),
    ("en", "in spring 2018 he", "spring 2018", "DATE"),
    ("en", "DOB 031452 noted", "031452", "DATE"),
    ("en", "born in 1934 in", "1934", "DATE"),
    ("en", "the third of May he", "the third of May", "DATE"),
    ("es", "el 12 de marzo de 2019 acude", "12 de marzo de 2019", "DATE"),
    ("es", "en septiembre de 2005 acude", "septiembre de 2005", "DATE"),
    ("fr", "le 1er mars 2019 il", "1er mars 2019", "DATE"),
    ("fr", "vu en mars 2019 ici", "mars 2019", "DATE"),
    ("de", "am 3. März 2019 kam", "3. März 2019", "DATE"),
    ("de", "am 03.05.2019 kam", "03.05.2019", "DATE"),
    ("de", "vom 3.5. bis heute", "3.5.", "DATE"),
    ("en", "JAN 07, 2015@06:15 note", "JAN 07, 2015@06:15", "DATE"),
    ("en", "from 11/05/08 to 11/14/08 then", "11/05/08 to 11/14/08", "DATE"),
    ("en", "visits 1/2, 1/9 and 1/16/2020 ok", "1/2, 1/9 and 1/16/2020", "DATE"),
    ("en", "on Christmas Day 2019 he", "Christmas Day 2019", "DATE"),
    ("en", "Tuesday, Jan 5 she", "Tuesday, Jan 5", "DATE"),
    ("es", "el lunes 4 de octubre acude", "lunes 4 de octubre", "DATE"),
    ("de", "vom 01.02. bis 14.02.2020 hier", "01.02. bis 14.02.2020", "DATE"),
    ("de", "seit Anfang November krank", "Anfang November", "DATE"),
    ("en", "admitted 17-SEP-25 to", "17-SEP-25", "DATE"),
    ("en", "CT 12/03/2019 normal", "12/03/2019", "DATE"),
    ("en", "PSA 4/12/22 was", "4/12/22", "DATE"),
    ("en", "MRI 3/14 showed", "3/14", "DATE"),
    ("en", "cultures cleared 10/5. TEE", "10/5", "DATE"),
    ("en", "s/p R TKA 9/3 by", "9/3", "DATE"),
    ("en", "9/5 0830: met with", "9/5", "DATE"),
    ("en", "either sat 11/9 or", "sat 11/9", "DATE"),
    ("en", "the Q3 2024 audit", "Q3 2024", "DATE"),
    ("en", "in September of last year she", "September of last year", "DATE"),
    ("en", "on Ash Wednesday he", "Ash Wednesday", "DATE"),
    # ages over 89
    ("en", "95 female with", "95", "AGE"),
    ("en", "mother died at 90.", "90", "AGE"),
    ("en", "her 95th birthday", "95th", "AGE"),
    ("en", "a 92-year-old man", "92-year-old", "AGE"),
    ("en", "a 94 y/o man", "94 y/o", "AGE"),
    ("en", "pt is 92F with", "92", "AGE"),
    ("en", "aged 101 now", "101", "AGE"),
    ("en", "in her nineties now", "nineties", "AGE"),
    ("en", "ninety-two years old man", "ninety-two years old", "AGE"),
    ("es", "mujer de 95 años con", "95 años", "AGE"),
    ("fr", "patiente de 93 ans avec", "93 ans", "AGE"),
    ("de", "eine 91-jährige Frau", "91-jährige", "AGE"),
    # contacts
    ("en", "mail jane.doe+x@mail.example.org now", "jane.doe+x@mail.example.org", "CONTACT"),
    ("en", "mail jane at example dot com now", "jane at example dot com", "CONTACT"),
    ("en", "see https://portal.example.org/u/17?x=1 now", "https://portal.example.org/u/17?x=1", "CONTACT"),
    ("en", "call (555) 123-4567 x89 now", "(555) 123-4567 x89", "CONTACT"),
    ("en", "fax 555.123.4567 now", "555.123.4567", "CONTACT"),
    ("en", "cell +1 555 123 4567 now", "+1 555 123 4567", "CONTACT"),
    ("en", "pager 4432 please", "4432", "CONTACT"),
    ("en", "from 192.168.10.14 today", "192.168.10.14", "CONTACT"),
    ("en", "from 2001:db8:85a3:0:0:8a2e:370:7334 today", "2001:db8:85a3:0:0:8a2e:370:7334", "CONTACT"),
    ("es", "tlf. 915 123 456 casa", "915 123 456", "CONTACT"),
    ("es", "móvil 612345678 casa", "612345678", "CONTACT"),
    ("fr", "au 01 42 34 56 78 svp", "01 42 34 56 78", "CONTACT"),
    ("fr", "fax +33 1 42 34 56 78 svp", "+33 1 42 34 56 78", "CONTACT"),
    ("de", "unter 0221/478-1234 an", "0221/478-1234", "CONTACT"),
    ("en", "at five five five, one two one two now", "five five five, one two one two", "CONTACT"),
    ("en", "mail jane (at) example (dot) org now", "jane (at) example (dot) org", "CONTACT"),
    ("en", "handle @drjane_doe now", "drjane_doe", "CONTACT"),
    ("fr", "joignable au 73389 si besoin", "73389", "CONTACT"),
    ("de", "Tel (0 60) 48 73-14 33 an", "0 60) 48 73-14 33", "CONTACT"),
    # numbers of persons and things
    ("en", "SSN xxx-xx-6789 on file", "6789", "ID"),
    ("en", "NPI 1234567893 on file", "1234567893", "ID"),
    ("en", "UDI (01)00643169007222(17)141231(21)A213B1 device", "01)00643169007222(17)141231(21)A213B1", "ID"),
    ("en", "accession S21-10455 path", "S21-10455", "ID"),
    ("en", "user=ronaldd action=VIEW", "ronaldd", "ID"),
    ("fr", "véhicule AB-123-CD vu", "AB-123-CD", "ID"),
    ("de", "Aktenzeichen 39 XVII 137/17 Gericht", "39 XVII 137/17", "ID"),
    ("de", "Steuer-ID 34 472 920 874 liegt", "34 472 920 874", "ID"),
    ("en", "SSN 123-45-6789 on file", "123-45-6789", "ID"),
    ("en", "MRN: 00123456 seen", "00123456", "ID"),
    ("en", "MRN# AB-123456 seen", "AB-123456", "ID"),
    ("en", "account number 98-7654321 due", "98-7654321", "ID"),
    ("en", "card 4111 1111 1111 1111 used", "4111 1111 1111 1111", "ID"),
    ("en", "serial number SN-20394X5 implanted", "SN-20394X5", "ID"),
    ("en", "license plate 7ABC123 parked", "7ABC123", "ID"),
    ("en", "VIN 1HGCM82633A004352 towed", "1HGCM82633A004352", "ID"),
    ("en", "MAC 00:1A:2B:3C:4D:5E device", "00:1A:2B:3C:4D:5E", "ID"),
    ("en", "DEA AB1234563 prescriber", "AB1234563", "ID"),
    ("en", "member id XYZ123456789 plan", "XYZ123456789", "ID"),
    ("es", "DNI 12345678Z consta", "12345678Z", "ID"),
    ("es", "NIE X1234567L consta", "X1234567L", "ID"),
    ("es", "NHC: 2569870 consta", "2569870", "ID"),
    ("es", "NºCol: 28 28 20943 firma", "28 28 20943", "ID"),
    ("es", "cuenta ES91 2100 0418 4502 0005 1332 banco", "ES91 2100 0418 4502 0005 1332", "ID"),
    ("fr", "NIR 2 85 05 78 006 084 36 assure", "2 85 05 78 006 084 36", "ID"),
    ("fr", "IPP 9876543210 dossier", "9876543210", "ID"),
    ("de", "Fallnummer 20193344 Station", "20193344", "ID"),
    ("de", "Versichertennummer A123456780 Kasse", "A123456780", "ID"),
    # places
    ("en", "lives at 1234 N. Main St. Apt 4B, Springfield, IL 62701 now", "1234 N. Main St. Apt 4B, Springfield, IL 62701", "LOCATION"),
    ("en", "P.O. Box 1234 mail", "P.O. Box 1234", "LOCATION"),
    ("en", "from Springfield, IL today", "Springfield, IL", "LOCATION"),
    ("es", "Calle Carmen Romero, 23, 1D cerca", "Calle Carmen Romero, 23, 1D", "LOCATION"),
    ("fr", "au 12 rue de la République, 75011 Paris hier", "12 rue de la République, 75011 Paris", "LOCATION"),
    ("de", "wohnt Hauptstraße 12, 50667 Köln seit", "Hauptstraße 12, 50667 Köln", "LOCATION"),
    ("en", "Flat 25, 196 High Street, Derby, D88 3EB uk", "Flat 25, 196 High Street, Derby, D88 3EB", "LOCATION"),
    ("en", "moved from Wolfford last", "Wolfford", "LOCATION"),
    ("es", "CP: 28035.", "28035", "LOCATION"),
    ("fr", "94010 Créteil Cedex", "94010 Créteil Cedex", "LOCATION"),
    ("de", "Kepplerstraße 24/5 wohnt", "Kepplerstraße 24/5", "LOCATION"),
    # facilities and employers
    ("en", "at Massachusetts General Hospital for", "Massachusetts General Hospital", "FACILITY"),
    ("en", "from Green Valley Family Practice for", "Green Valley Family Practice", "FACILITY"),
    ("en", "works at Consolidated Steel now", "Consolidated Steel", "ORGANIZATION"),
    ("fr", "à l'EHPAD Les Tilleuls depuis", "EHPAD Les Tilleuls", "FACILITY"),
    ("de", "in der Adler-Apotheke geholt", "Adler-Apotheke", "FACILITY"),
    ("en", "at St. Mary's Hospital for", "St. Mary's Hospital", "FACILITY"),
    ("en", "at Mount Sinai Medical Center for", "Mount Sinai Medical Center", "FACILITY"),
    ("es", "en el Hospital Clínico San Carlos por", "Hospital Clínico San Carlos", "FACILITY"),
    ("fr", "au CHU de Nantes pour", "CHU de Nantes", "FACILITY"),
    ("de", "im Universitätsklinikum Köln mit", "Universitätsklinikum Köln", "FACILITY"),
    # names
    ("en", "seen by Dr. Smith today", "Smith", "NAME"),
    ("en", "Patient: Jane Q. Doe arrived", "Jane Q. Doe", "NAME"),
    ("en", "Smith, John A. arrived", "Smith, John A.", "NAME"),
    ("en", "spoke with Maria Gonzalez today", "Maria Gonzalez", "NAME"),
    ("en", "his wife Ngozi Okonkwo called", "Ngozi Okonkwo", "NAME"),
    ("en", "my name is Xiomara Delacroix ok", "Xiomara Delacroix", "NAME"),
    ("en", "reviewed by Jane Roe, MD then", "Jane Roe", "NAME"),
    ("en", "Mrs. O'Brien-Núñez came", "O'Brien-Núñez", "NAME"),
    ("en", "hi , martha . how are you", "martha", "NAME"),
    ("en", "Falabi, A. in bed", "Falabi, A.", "NAME"),
    ("en", "tell Siobhán that", "Siobhán", "NAME"),
    ("en", "J. Martinez reviewed", "J. Martinez", "NAME"),
    ("fr", "interne : C. BERGERON ici", "C. BERGERON", "NAME"),
    ("es", "Dra. Estefanía Romero Selas firma", "Estefanía Romero Selas", "NAME"),
    ("es", "Nombre: Pedro.", "Pedro", "NAME"),
    ("fr", "Mme Christine JALONNET vient", "Christine JALONNET", "NAME"),
    ("fr", "Dr Rémi Foliet vient", "Rémi Foliet", "NAME"),
    ("de", "Herr Prof. Dr. med. Weber kam", "Weber", "NAME"),
    ("de", "Frau Müller-Lüdenscheidt kam", "Müller-Lüdenscheidt", "NAME"),
    ("en", "write to kathy at gmail.com please", "kathy at gmail.com", "CONTACT"),
    ("en", "sent to USNS Bergman\nFPO AA 65728 today", "USNS Bergman\nFPO AA 65728", "LOCATION"),
    ("en", "sent to PSC 3 Box 4120, APO AP 96266 today", "PSC 3 Box 4120, APO AP 96266", "LOCATION"),
    ("en", "at the corner of Main Street and Oak Avenue he", "the corner of Main Street and Oak Avenue", "LOCATION"),
    ("en", "lives at 5th and Main there", "5th and Main", "LOCATION"),
    ("en", "crash on I-95 near exit 43 there", "I-95", "LOCATION"),
    ("en", "from South Dakota State Penitentiary on", "South Dakota State Penitentiary", "FACILITY"),
    ("en", "at Tiny Tots Preschool in", "Tiny Tots Preschool", "ORGANIZATION"),
    ("en", "waits at the Home Depot in", "Home Depot", "ORGANIZATION"),
    ("en", "PID DOE^JANE^Q seen", "DOE^JANE^Q", "NAME"),
    ("en", "DV: RV/kms  Job", "RV/kms", "NAME"),
    ("en", "discussed. LT PGY-2 paged", "LT", "NAME"),
    ("en", "ACCOUNT_NUMBER=ACCT-000333; next", "ACCT-000333", "ID"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "text", "identifier", "label"), ROWS, ids=[row[2] for row in ROWS])
def test_an_identifier_is_found_whole(language, text, identifier, label):
    finds = found(text, language)
    assert any(identifier in whole and kind == label for whole, kind in finds), finds


@pytest.mark.parametrize(
    "name",
    [
        "Lee",
        "Nguyen",
        "Garcia",
        "Okonkwo",
        "Kowalczyk",
        "Al-Hassan",
        "Patel",
        "Yazzie",
        "Jónsdóttir",
        "Öztürk",
        "Papadopoulos",
    ],
)
def test_a_family_name_of_any_people_is_found_after_a_title(name):
    for language, title in (("en", "Mrs."), ("es", "Sra."), ("fr", "Mme"), ("de", "Frau")):
        assert (name, "NAME") in found(f"{title} {name} today", language)


def test_only_ages_over_89_are_found_unless_all_are_asked_for():
    assert found("a 45-year-old man", "en") == []
    assert found("a 45-year-old man", "en", asked=("ages",)) == [("45-year-old", "AGE")]
    assert found("an 89-year-old man", "en") == []


def test_relative_dates_and_weekdays_are_found_where_asked_for():
    assert found("seen yesterday, back on Friday", "en") == []
    asked = found("seen yesterday, back on Friday", "en", asked=("relative", "weekdays"))
    assert asked == [("yesterday", "DATE"), ("Friday", "DATE")]


@pytest.mark.parametrize(
    ("good", "bad"),
    [("12345678Z", "12345678A"), ("4111111111111111", "4111111111111112"), ("AB1234563", "AB1234567")],
)
def test_a_number_that_passes_its_checksum_is_believed_more(good, bad):
    from bailee.deid.notes.patterns import scan

    def strength(number):
        import pyarrow as pa

        from bailee.deid.notes.text import Text

        return scan(Text(pa.array([f"seen {number} here"])), "en").found.strength.max()

    assert strength(good) > strength(bad)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("does hope need a repeat crp?", "hope"),
        ("hope says she is fine", "hope"),
        ("Will had his stent in the spring", "Will"),
        ("Grace denies chest pain", "Grace"),
        ("is may due for her mammogram", "may"),
        ("Ask Young if the labs came back", "Young"),
        ("tell rose that her scan is clear", "rose"),
    ],
)
def test_a_name_that_is_a_word_is_told_by_its_verb(text, name):
    assert (name, "NAME") in found(text, "en")


@pytest.mark.parametrize(
    "text",
    [
        "Mother denies fever. Pain needs control.",
        "does pain need a block",
        "tell nurse that he slept",
        "the doctor will call",
    ],
)
def test_a_word_before_a_verb_is_no_name(text):
    assert found(text, "en") == []

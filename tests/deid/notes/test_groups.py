import pyarrow as pa
import pytest

from bailee.deid.notes.find import find

GROUPS = {
    "American": (["Emily", "Jacob", "Heather", "Brandon"], ["Miller", "Thompson", "Jenkins", "Schultz"]),
    "Spanish": (["Guadalupe", "Xavier", "Araceli"], ["Echeverría", "Núñez", "Zambrano"]),
    "Polish": (["Łukasz", "Grażyna", "Zbigniew"], ["Wójcik", "Brzeziński", "Szczepańska"]),
    "Vietnamese": (["Thuy", "Quang", "Huong"], ["Nguyen", "Tran", "Dinh"]),
    "Nigerian": (["Ngozi", "Chukwuemeka", "Oluwaseun"], ["Okonkwo", "Adeyemi", "Nwachukwu"]),
    "Arabic": (["Fatima", "Khalid", "Layla"], ["Al-Masri", "Haddad", "Mansour"]),
    "Turkish": (["Gökhan", "Şule", "Emre"], ["Yılmaz", "Öztürk", "Çelik"]),
    "word-like": (["Hope", "Grace", "Faith"], ["Young", "Price", "Marsh"]),
    "unheard-of": (["Quorra", "Xanthe", "Brivik"], ["Tchissakid", "Vrbskyo", "Ptakauskas"]),
}
SENTENCES = [
    "{given} {family} was seen today for knee pain.",
    "Patient: {family}, {given}  DOB: 3/4/1961",
    "Spoke with {given} {family} regarding lab results.",
    "Dr. {family} will follow up in two weeks.",
    "The patient's daughter {given} is at the bedside.",
    "Mrs. {family} tolerated the procedure well.",
    "Signed electronically by {given} {family}",
    "Next of kin: {given} {family} (brother)",
    "RE: {given} {family}",
]


def share_found(group: str, written) -> float:
    texts, names = [], []
    for given in GROUPS[group][0]:
        for family in GROUPS[group][1]:
            for sentence in SENTENCES:
                used = [name for key, name in (("{given}", given), ("{family}", family)) if key in sentence]
                texts.append(written(sentence.format(given=given, family=family)))
                names.append([written(name) for name in used])
    found = find(pa.array(texts), language="en")
    first = found.first()
    whole = total = 0
    for note, (text, wanted) in enumerate(zip(texts, names, strict=True)):
        covered = {i for k in range(first[note], first[note + 1]) for i in range(found.start[k], found.end[k])}
        for name in wanted:
            start = text.index(name)
            total += 1
            whole += all(i in covered for i in range(start, start + len(name)) if text[i].isalnum())
    return whole / total


@pytest.mark.parametrize("group", GROUPS)
def test_names_of_every_group_are_found_alike(group):
    assert share_found(group, str) >= share_found("American", str) - 0.03


@pytest.mark.parametrize("group", GROUPS)
def test_names_in_small_letters_are_found(group):
    assert share_found(group, str.lower) > 0.9

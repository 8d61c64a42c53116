"""A slow reader of notes against what a chart holds. Shares no code, list or kernel with the product; for tests and checks.

It is given a note, the places that were found in it, and the people and numbers of the chart, and lists what of the chart is
still to be read in what was not found: words in any case, order and company, nicknames, initials, one wrong letter, what looks or
sounds alike, broken by lines or blanks, dates in any format, numbers with any separators.
"""

import itertools
import re
import unicodedata
from datetime import date

LOOKALIKE = dict(
    zip(
        "аеорсхуіѕјԁɡһкмтвнАВЕНКМОРСТХЅІЈУΑΒΕΖΗΙΚΜΝΟΡΤΥΧο",
        "aeopcxyisjdghkmtbhABEHKMOPCTXSIJYABEZHIKMNOPTYXo",
        strict=True,
    )
)
PLAIN = {
    "ß": "ss",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "æ": "ae",
    "œ": "oe",
    "ı": "i",
    "ð": "d",
    "þ": "th",
}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
NICKS = [
    "william bill will billy liam", "robert bob rob bobby", "richard dick rick rich", "james jim jimmy jamie", "john jack johnny",
    "elizabeth liz beth betty lizzie eliza", "margaret peggy maggie meg", "katherine kate kathy katie", "patricia pat patty trish",
    "michael mike mick", "thomas tom tommy", "edward ted ed eddie", "charles chuck charlie", "joseph joe joey", "daniel dan danny",
    "christopher chris kit", "jennifer jen jenny", "susan sue susie", "deborah deb debbie", "barbara barb", "matthew matt",
    "anthony tony", "steven steve", "stephen steve", "timothy tim", "kenneth ken kenny", "gregory greg", "samuel sam", "rebecca becky becca",
    "victoria vicky", "alexander alex", "benjamin ben", "theodore teddy ted", "dorothy dottie dot", "francisco paco pancho", "jose pepe",
    "guadalupe lupita lupe", "jesus chuy", "dolores lola", "josephine josie", "abigail abby", "nicholas nick", "jonathan jon",
    "stephanie steph", "kimberly kim", "jessica jess jessie", "amanda mandy", "lawrence larry", "gerald jerry",
]  # fmt: skip
PARTICLES = {
    "de",
    "la",
    "del",
    "van",
    "von",
    "der",
    "den",
    "du",
    "di",
    "da",
    "dos",
    "das",
    "le",
    "el",
    "al",
    "bin",
    "ibn",
    "st",
    "san",
    "santa",
    "y",
    "und",
    "zu",
    "ter",
    "ten",
}
TITLES = {
    "mr",
    "mrs",
    "ms",
    "miss",
    "mx",
    "dr",
    "prof",
    "md",
    "do",
    "np",
    "rn",
    "pa",
    "phd",
    "jr",
    "sr",
    "ii",
    "iii",
    "iv",
    "rev",
    "fr",
    "sister",
    "brother",
    "mister",
    "doctor",
}
STREETS = {
    "street",
    "st",
    "avenue",
    "ave",
    "road",
    "rd",
    "drive",
    "dr",
    "lane",
    "ln",
    "court",
    "ct",
    "boulevard",
    "blvd",
    "way",
    "place",
    "pl",
    "terrace",
    "trail",
    "circle",
    "apt",
    "apartment",
    "unit",
    "suite",
    "ste",
    "county",
    "high",
}


def folded(text):
    """Plain small letters and digits of a text, with the place that each comes from; invisible signs fall away."""
    out, places = [], []
    for place, given in enumerate(text):
        sign = LOOKALIKE.get(given, given)
        for one in unicodedata.normalize("NFKD", PLAIN.get(sign, sign)):
            if unicodedata.category(one) in {"Cf", "Mn", "Me"}:
                continue
            small = one.lower()
            out.append(small if len(small) == 1 else one)
            places.append(place)
    return "".join(out), places


def plain(text):
    return folded(text)[0]


def edits(a, b, most):
    """Damerau's distance of neighbouring swaps, or more than `most`."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before, row = None, list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]


def scanned(word):
    """How a word looks to a scanner."""
    for wrong, right in (("rn", "m"), ("cl", "d"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("8", "b"), ("j", "l"), ("9", "g"), ("2", "z")):  # fmt: skip
        word = word.replace(wrong, right)
    return word


def soundex(word):
    codes = {c: str(n) for n, group in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), 1) for c in group}
    out, last = word[0], codes.get(word[0], "")
    for c in word[1:]:
        code = codes.get(c, "")
        if code and code != last:
            out += code
        if c not in "hw":
            last = code
    return (out + "000")[:4]


class Person:
    """One person's names as words."""

    def __init__(self, given, family):
        self.given = [w for part in given for w in re.findall(r"[^\W\d_]+", plain(part)) if w not in TITLES]
        self.family = [w for part in family for w in re.findall(r"[^\W\d_]+", plain(part)) if w not in TITLES]

    @property
    def words(self):
        return [*self.given, *self.family]


def joined_runs(words):
    """Neighbouring words written as one, and each word alone."""
    return {"".join(words[a:b]) for a in range(len(words)) for b in range(a + 1, len(words) + 1)}


class Known:
    """What a chart holds. `people` Persons; the others lists of strings; `days` dates."""

    def __init__(self, people, *, numbers=(), places=(), bodies=(), addresses=(), days=()):
        self.people = people
        self.names = {w for one in people for w in one.words if w not in PARTICLES}
        self.given = {w for one in people for w in one.given}
        self.nicks = {nick for line in NICKS if self.given & set(line.split()) for nick in line.split()}
        self.glued, self.initials = {}, set()
        for one in people:
            for g in one.given:
                for f in joined_runs(one.family):
                    if len(f) < 2:
                        continue
                    for form in (g + f, f + g, g[0] + f, f + g[0]):
                        if len(form) >= 5:
                            self.glued[form] = f
            if one.given and one.family:
                self.initials |= {
                    one.given[0][0] + one.family[-1][0],
                    one.given[0][0] + one.family[0][0],
                    "".join(g[0] for g in one.given) + one.family[0][0],
                }
            joined = "".join(one.family)
            if len(one.family) > 1:
                self.glued[joined] = joined
        self.numbers = {n for raw in numbers for n in number_forms(raw)}
        self.places = [p for raw in places if (p := re.findall(r"\w+", plain(raw)))]
        self.bodies = [p for raw in bodies if (p := re.findall(r"\w+", plain(raw)))]
        self.addresses = {plain(a) for a in addresses if len(a) >= 6}
        self.days = set(days)

    def name_rule(self, word):
        """Tell by which rule a word is a name of the chart, or nothing."""
        if word in self.names and len(word) > 1:
            return "exact"
        if word in self.nicks:
            return "nick"
        if word in self.glued:
            return "glued"
        if len(word) < 4:
            return ""
        look = scanned(word)
        for name in self.names:
            if len(name) < 4:
                continue
            if scanned(name) == look:
                return "looks"
            if len(name) >= 5 and edits(word, name, 1) <= 1:
                return "edit"
            if len(name) >= 5 and name[0] == word[0] and soundex(name) == soundex(word) and edits(word, name, 2) <= 2:
                return "sounds"
        return ""


def number_forms(raw):
    bare = re.sub(r"[^a-z0-9]", "", plain(raw))
    if not any(map(str.isdigit, bare)):
        return
    forms = {bare}
    digits = bare.lstrip("abcdefghijklmnopqrstuvwxyz")
    forms |= {digits, digits.lstrip("0")}
    if bare.isdigit() and len(bare) == 11 and bare[0] == "1":
        forms.add(bare[1:])
    if bare.isdigit() and len(bare) in {10, 11} and not raw.isdigit():
        forms.add(bare[-7:])
    yield from (form for form in forms if len(form) >= 5)


def runs(text):
    """Words of a folded text, whole and as they might have been broken: (word, start, end)."""
    found = [(m[0], m.start(), m.end()) for m in re.finditer(r"[^\W_]+", text)]
    out = list(found)
    for word, start, _ in found:
        out += [(m[0], start + m.start(), start + m.end()) for m in re.finditer(r"[^\W\d_]+", word) if m[0] != word]
    for (a, start, end), (b, begin, stop) in itertools.pairwise(found):
        gap = text[end:begin]
        if re.fullmatch(r"-?[ \t>]*\r?\n?[ \t>]*", gap) and len(gap) < 12:
            out.append((a + b, start, stop))
    for m in re.finditer(r"\b\w(?:[ .-]\w)+\b", text):
        out.append((re.sub(r"[ .-]", "", m[0]), m.start(), m.end()))
    return out


_SEPARATED = re.compile(r"(?<!\d)(\d{1,4})\s?[-/. ]\s?(\d{1,2})\s?[-/. ]\s?(\d{1,4})(?!\d)")
_NAMED = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th)?[\s,.-]*(?:of\s+)?([a-z]{3,9})\.?[\s,.'-]*(\d{4}|\d{2})(?!\d)")
_MONTH = re.compile(r"\b([a-z]{3,9})\.?[\s,.-]*(\d{1,2})(?:st|nd|rd|th)?[\s,.'-]+(?:of\s+)?(\d{4}|\d{2})(?!\d)")
_SOLID = re.compile(r"(?<!\d)(\d{8}|\d{6})(?!\d)")


def days_in(text):
    """Every day that a text might name: (days, start, end)."""
    for m in _SEPARATED.finditer(text):
        a, b, c = m.groups()
        found = [(a, b, c)] if len(a) == 4 else [(c, a, b), (c, b, a)] if len(a) <= 2 else []
        if len(a) == 2 and len(c) == 2:
            found.append((a, b, c))
        yield [d for one in found for d in _days(*one)], m.start(), m.end()
    for pattern, order in ((_NAMED, (2, 1, 0)), (_MONTH, (2, 0, 1))):
        for m in pattern.finditer(text):
            parts = m.groups()
            name = parts[order[1]]
            month = next((n for n, short in enumerate(MONTHS, 1) if name.startswith(short)), 0)
            yield _days(parts[order[0]], str(month), parts[order[2]]), m.start(), m.end()
    for m in _SOLID.finditer(text):
        s = m[0]
        if len(s) == 8:
            found = [(s[:4], s[4:6], s[6:]), (s[4:], s[:2], s[2:4]), (s[4:], s[2:4], s[:2])]
        else:
            found = [(s[4:], s[:2], s[2:4]), (s[4:], s[2:4], s[:2]), (s[:2], s[2:4], s[4:])]
        yield [d for one in found for d in _days(*one)], m.start(), m.end()


def _days(year, month, day):
    out = []
    for full in [year] if len(year) == 4 else ["19" + year, "20" + year] if len(year) == 2 else []:
        try:
            out.append(date(int(full), int(month), int(day)))
        except ValueError:
            continue
    return out


def left_over(text, spans):
    """The text with what was found blanked out, place for place."""
    signs = list(text)
    for start, end, *_ in spans:
        for place in range(start, min(end, len(signs))):
            signs[place] = "\n" if signs[place] == "\n" else "\ue000"
    return "".join(signs)


def survivors(known, text, spans, *, fuzzy):
    """List (rule, start, end) of what of the chart is left outside of `spans`. `fuzzy`: also misspellings and what looks or sounds alike."""
    rest, place = folded(left_over(text, spans))
    out = []

    def add(rule, start, end):
        out.append((rule, place[start], place[end - 1] + 1))

    for word, start, end in runs(rest):
        if len(word) == 2 and word in known.names:
            if text[place[start]].isupper():
                add("exact", start, end)
            continue
        exact = (
            "exact"
            if word in known.names and len(word) > 2
            else "nick"
            if word in known.nicks
            else "glued"
            if word in known.glued
            else ""
        )
        rule = exact or (known.name_rule(word) if fuzzy and len(word) >= 4 else "")
        if rule:
            add(rule, start, end)
    for m in re.finditer(r"\b[a-z]\.\s?[a-z]\.(?:\s?[a-z]\.)?", rest):
        if re.sub(r"[^a-z]", "", m[0]) in known.initials and text[place[m.start()]].isupper():
            add("initials", m.start(), m.end())
    add_numbers(known, rest, add)
    for days, start, end in days_in(rest):
        if known.days.intersection(days):
            add("day", start, end)
    for address in known.addresses:
        at = rest.find(address)
        if at >= 0:
            add("address", at, at + len(address))
    add_places(known, rest, add)
    return out


def add_numbers(known, rest, add):
    kept = [at for at, sign in enumerate(rest) if sign.isascii() and sign.isalnum()]
    solid = "".join(rest[at] for at in kept)
    for number in known.numbers:
        at = solid.find(number)
        while at >= 0:
            start, end = kept[at], kept[at + len(number) - 1] + 1
            inside = rest[start:end]
            before = rest[start - 1 : start]
            after = rest[end : end + 1]
            tight = not re.search(r"\n\s*\n|\ue000|[^\W\d_]{3,}.*[^\W\d_]{3,}|[;,!?=]", inside) and len(
                inside
            ) <= 3 * len(number)
            if tight and not (before.isdigit() or after.isdigit()):
                add("number", start, end)
            at = solid.find(number, at + 1)


def add_places(known, rest, add):
    words = [(m[0], m.start(), m.end()) for m in re.finditer(r"\w+", rest)]
    firsts = {}
    for at, (word, _, _) in enumerate(words):
        firsts.setdefault(word, []).append(at)
    for rule, lines in (("place", known.places), ("body", known.bodies)):
        for line in lines:
            telling = [w for w in line if not w.isdigit() and w not in STREETS and len(w) > 2]
            if not telling:
                continue
            for at in firsts.get(line[0], ()):
                said = words[at : at + len(line)]
                if [w for w, _, _ in said] == line and "\n\n" not in rest[said[0][1] : said[-1][2]]:
                    add(rule, said[0][1], said[-1][2])


OWNERS = ("subject", "patient", "beneficiary", "individual", "subscriber", "for")
SHARED = {"Practitioner", "PractitionerRole", "Organization", "Location", "HealthcareService"}


def owner_of(record):
    """The id of a record's patient."""
    if record["resourceType"] == "Patient":
        return record["id"]
    for key in OWNERS:
        target = record.get(key)
        target = target.get("reference", "") if isinstance(target, dict) else ""
        if "Patient/" in target or target.startswith("urn:uuid:"):
            return target.split("Patient/")[-1].removeprefix("urn:uuid:")
    return None


def references_in(value):
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for one in value.values():
            yield from references_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from references_in(one)


class Hospital:
    """Records by patient and what they point to, read with plain dictionaries."""

    def __init__(self, records):
        self.own, self.shared, self.patient_of = {}, {}, {}
        for record in records:
            owner = owner_of(record)
            if record["resourceType"] in SHARED:
                self.shared[f"{record['resourceType']}/{record['id']}"] = record
                self.shared[record["id"]] = record
                for one in record.get("identifier", ()):
                    self.shared[f"{record['resourceType']}|{one.get('value')}"] = record
            elif owner:
                self.own.setdefault(owner, []).append(record)
                self.patient_of[record["id"]] = owner

    def _found(self, reference):
        search = re.match(r"([A-Za-z]+)\?identifier=(?:.*\|)?(.*)", reference)
        return self.shared.get(f"{search[1]}|{search[2]}" if search else reference.removeprefix("urn:uuid:"))

    def around(self, patient):
        """The patient's records and the shared records behind them."""
        seen, todo = {}, list(self.own[patient])
        yield from todo
        while todo:
            for reference in references_in(todo.pop()):
                shared = self._found(reference)
                if shared is not None and shared["id"] not in seen:
                    seen[shared["id"]] = shared
                    todo.append(shared)
        yield from seen.values()

    def known(self, patient):
        people, numbers, places, bodies, addresses, days = [], [], [], [], [], []
        for record in self.around(patient):
            kind = record["resourceType"]
            persons = [record] if kind in {"Patient", "RelatedPerson", "Practitioner"} else []
            for holder in [*persons, *record.get("contact", ())] if kind in {"Patient", "Organization"} else persons:
                named = holder.get("name", ())
                named = [named] if isinstance(named, dict) else named
                given = [g for n in named for g in n.get("given", ())]
                people.append(Person(given, [n["family"] for n in named if "family" in n]))
            if kind in {"Organization", "Location", "HealthcareService"}:
                bodies += [record.get("name", "")]
            for holder in (
                [record, *record.get("contact", ())] if isinstance(record.get("contact", ()), list) else [record]
            ):
                telecom = holder.get("telecom", ())
                for one in telecom if kind in {*SHARED, "Patient", "RelatedPerson"} else ():
                    (addresses if "@" in one.get("value", "") else numbers).append(one.get("value", ""))
                home = holder.get("address", ())
                for one in (
                    ([home] if isinstance(home, dict) else home)
                    if kind in {*SHARED, "Patient", "RelatedPerson"}
                    else ()
                ):
                    places += [*list(one.get("line", ())), one.get("city", "")]
                    numbers.append(one.get("postalCode", ""))
            numbers += [one.get("value", "") for one in record.get("identifier", ()) if isinstance(one, dict)]
            numbers += [record.get(key, "") for key in ("subscriberId", "serialNumber", "lotNumber")]
            days += [
                record[key][:10]
                for key in ("birthDate", "deceasedDateTime")
                if kind == "Patient" and len(record.get(key, "")) >= 10
            ]
        found = [date.fromisoformat(day) for day in days]
        return Known(people, numbers=numbers, places=places, bodies=bodies, addresses=addresses, days=found)

"""HL7 v2 messages with a canary in every subcomponent of every component of every field of every segment."""

import itertools

from bailee.records.hl7v2.tables import data_types, segments

MSH = r"MSH|^~\&|LAB||EHR||20260102||ORU^R01^ORU_R01|{number}|P|2.8.2"
PID = "PID|1||{number}^^^MAIN^MR||Doe^Jane||19800102|F"
HEADERS = {"MSH", "FHS", "BHS", "BTS", "FTS"}
# What may stand in OBX-5, each with its parts.
OBSERVED = ("ST", "TX", "FT", "NM", "SN", "CWE", "CNE", "CE", "DT", "DTM", "TM", "TS", "XPN", "XCN", "XAD", "XTN", "XON", "CX",
            "EI", "ED", "RP", "ID", "IS", "MO", "CP", "DR", "NR", "PL", "HD", "NA", "MA", "PPN", "CQ", "??")  # fmt: skip


class Pool:
    """Some hundred canaries of every class, drawn in turn, so that a field is met with every class in some segment."""

    def __init__(self, flock, letters, size=180):
        self._drawn = itertools.cycle(
            [flock.make(letter).value for letter, _ in zip(itertools.cycle(letters), range(size))]
        )
        self.planted = 0

    def draw(self):
        self.planted += 1
        return next(self._drawn).replace("@", "\\X40\\")


def part(pool, kind, marks):
    """Fill a data type, to the depth that delimiters go."""
    elements = data_types().get(kind, {})
    if not elements or not marks:
        return pool.draw()
    return marks[0].join(part(pool, each.type, marks[1:]) for each in elements.values())


def segment(pool, name):
    """Fill a segment: every field twice over, and two fields more than it has."""
    elements = segments()[name]
    last = max(elements)
    fields = []
    for number in range(1, last + 3):
        kind = elements[number].type if number in elements else "ST"
        filled = [part(pool, kind, ("^", "&")) for _ in range(2)]
        fields.append("~".join(filled))
    if name in {"MSH", "FHS", "BHS"}:
        fields[0:2] = [r"^~\&"]
    return "|".join([name, *fields])


def messages(pool):
    """One message for each segment and for each type of OBX-5, and a segment of a site's own."""
    made = []
    for number, name in enumerate(segments()):
        body = segment(pool, name)
        if name in {"FHS", "BHS", "BTS", "FTS"}:
            continue
        head = body if name == "MSH" else MSH.format(number=number)
        who = [] if name == "PID" else [PID.format(number=number)]
        made.append([head, *who, *([] if name == "MSH" else [body])])
    for number, kind in enumerate(OBSERVED):
        values = "~".join(part(pool, kind, ("^", "&")) for _ in range(2))
        unit = pool.draw()
        obx = f"OBX|1|{kind}|8867-4^{pool.draw()}^LN||{values}|{unit}"
        made.append([MSH.format(number=number), PID.format(number=number), obx])
    made.append([MSH.format(number=7), PID.format(number=7), "ZPI|" + "|".join(pool.draw() for _ in range(9))])
    return made

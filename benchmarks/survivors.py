"""What of the charts is left in notes after finding: read by the slow oracle of the tests, which shares no code with the product.

    python benchmarks/survivors.py --patients 1000 --seed 1 [--point strict]     a synthetic hospital, with its truth
    python benchmarks/survivors.py --folder DIR                                  FHIR NDJSON; every misspelling is listed

A survivor is a value of the patient's chart in a place that was not found. With the truth of a synthetic hospital only places
that the generator marked as identifiers count; a chart's word that stands there as a common word is counted apart.
"""

import argparse
import base64
import json
import random
import sys
import tempfile
from collections import Counter
from functools import lru_cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support.chart_oracle import Hospital, survivors

from bailee.deid.notes.chart.folder import read_charts
from bailee.deid.notes.find import find
from bailee.deid.notes.found import LABELS
from bailee.deid.notes.text import texts_from_strings
from bailee.synthetic.hospital import hospital_files

IGNORED = {"AGE_UNDER_90", "COUNTRY", "YEAR", "WEEKDAY", "TIME", "DEPARTMENT"}
BATCH = 400


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--patients", type=int, default=1000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--folder", type=Path)
    options.add_argument("--point", default="balanced")
    options.add_argument("--difficulty", type=float, default=0.3)
    options.add_argument("--common", action="store_true", help="also list chart words that stand as common words")
    options.add_argument("--show", type=int, default=30)
    args = options.parse_args()
    if args.folder:
        report(args, args.folder, None)
        return
    with tempfile.TemporaryDirectory() as folder:
        truth = {}
        for name, piece in hospital_files(args.patients, args.seed, difficulty=args.difficulty):
            if name.startswith("truth/notes"):
                truth |= {row["id"]: row for row in map(json.loads, piece.splitlines())}
            elif name.startswith("fhir/"):
                (Path(folder) / name).parent.mkdir(exist_ok=True)
                with (Path(folder) / name).open("ab") as out:
                    out.write(piece)
        report(args, Path(folder), truth)


@lru_cache(maxsize=4096)
def known_of(hospital, patient):
    return hospital.known(patient)


def report(args, folder, truth):
    records = list(records_of(folder))
    hospital, charts = Hospital(records), read_charts(folder)
    notes = [
        (r["id"], text)
        for r in records
        if r["resourceType"] in {"DocumentReference", "DiagnosticReport"}
        for text in texts_of(r)
    ]
    if truth is not None:
        notes = [(row["id"], row["text"]) for row in truth.values()]
    random.Random(args.seed).shuffle(notes)
    counted, common, clean = Counter(), Counter(), Counter()
    shown = 0
    for at in range(0, len(notes), BATCH):
        for name, text, spans in found_in(notes[at : at + BATCH], charts, args.point):
            gold = [s for s in truth[name]["spans"] if s[2] not in IGNORED] if truth else None
            left = []
            if gold is None or args.common:
                left = list(survivors(known_of(hospital, hospital.patient_of[name]), text, spans, fuzzy=gold is None))
            if gold is not None:
                real = in_gold(hospital, name, text, spans, gold)
                common.update(text[a:b].lower() for rule, a, b in left if not any(s[0] < b and a < s[1] for s in gold))
                left = real
                clean[leaks(text, spans, gold)] += 1
            counted["notes"] += 1
            counted["notes with survivors"] += bool(left)
            for rule, start, end in left:
                counted[rule] += 1
                if shown < args.show:
                    shown += 1
                    print(f"  {rule}: {text[start:end]!r} in …{text[max(start - 40, 0) : end + 30]!r}…")
    print(dict(counted))
    if truth:
        print("notes that leak nothing", f"{clean[False] / max(sum(clean.values()), 1):.4f}")
    if common:
        print("common words", common.most_common(40))


def in_gold(hospital, name, text, spans, gold):
    """Survivors among what the generator marked, by every rule; each piece that was not found is read by itself too."""
    covered = bytearray(len(text))
    for start, end, _ in spans:
        covered[start:end] = b"\1" * (end - start)
    out = []
    known = None
    for start, end, label in gold:
        left = [at for at in range(start, end) if text[at].isalnum() and not covered[at]]
        if not left:
            continue
        known = known or known_of(hospital, hospital.patient_of[name])
        low, high = max(start - 1, 0), min(end + 1, len(text))
        piece = [(a - low, b - low) for a, b, _ in spans if a < high and b > low]
        piece = [(max(a, 0), b) for a, b in piece]
        hits = survivors(known, text[low:high], piece, fuzzy=True)
        out += [(f"{label}/{rule}", low + a, low + b) for rule, a, b in hits]
        if not hits and label == "NAME" and is_initial(known, text, start, end, left):
            out.append((f"{label}/initial", start, end))
    return out


def is_initial(known, text, start, end, left):
    letters = "".join(text[at] for at in left).lower()
    words = [w for one in known.people for w in one.words]
    if len(letters) <= 3 and letters in known.initials:
        return True
    return (
        len(letters) == 1
        and any(known.name_rule(w) for w in text[start:end].lower().split())
        and any(w[0] == letters for w in words)
    )


def leaks(text, spans, gold):
    covered = bytearray(len(text))
    for start, end, _ in spans:
        covered[start:end] = b"\1" * (end - start)
    return any(text[at].isalnum() and not covered[at] for start, end, _ in gold for at in range(start, end))


def found_in(notes, charts, point):
    ids, texts = [name for name, _ in notes], texts_from_strings([text for _, text in notes])
    found = find(texts, charts=charts.charts, chart_of=charts.chart_of(ids), operating_point=point)
    first = found.first().tolist()
    spans = list(zip(found.start.tolist(), found.end.tolist(), [LABELS[n] for n in found.label.tolist()], strict=True))
    for at, (name, text) in enumerate(notes):
        yield name, text, spans[first[at] : first[at + 1]]


def records_of(folder):
    for path in sorted(folder.rglob("*.ndjson")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line) if line.strip() else {}
                if "resourceType" in record:
                    yield record


def texts_of(record):
    for holder in [c.get("attachment", {}) for c in record.get("content", ())] + list(record.get("presentedForm", ())):
        if "data" in holder:
            yield base64.b64decode(holder["data"]).decode("utf-8", "replace")


if __name__ == "__main__":
    main()

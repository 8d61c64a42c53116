"""Feeds damaged records to a sanitized build of the kernels; run in its own process: `structure_fuzz.py LIBRARY CASES [FILE…]`."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.support import plans

from bailee.core import kernels
from bailee.deid.profiles.compile import shipped_plan
from bailee.deid.structure.engine import Engine
from bailee.records import walk

SEEDS = [
    '{"resourceType":"Observation","id":"x","given":["a",null,"\\u00e9\\n"],"_given":[null,{"extension":[{"url":"http://a","when":"2020-02-29"}]}]}',
    '{"resourceType":"Patient","id":"p1","born":"1931-01-01","part":{"zip":"02139-1234","age":91.5,"reference":"http://h/r4/Patient/p1/_history/1"}}',
    '{"resourceType":"Bundle","resource":[{"resourceType":"Patient","id":"p1"},{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"c"}]}]}',
    '{ "resourceType" : "Observation" , "attachment" : { "data" : "QQ==" } , "odd" : [ 1 , { "a" : [ ] } ] , "text" : "\\ud83d\\ude00 b" }',
    '{"resourceType":"Observation","reference":["#","#a","urn:uuid:12","Observation/1","Patient?identifier=x"],"hash":"a","constant":1,"display":"male"}',
    '{"resourceType":"Observation","part":' + '{"part":' * 30 + '{"keep":1}' + "}" * 30 + "}",
    '{"resourceType":"Observation",' + ",".join(f'"k{i}":{i}' for i in range(40)) + "}",
]
PIECES = [
    b'"',
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\u0069d",
    b"\xff",
    b"\xe2\x82",
    b"\x00",
    b"null",
    b"-",
    b"1e9",
    b"\\ud800",
    b'"_given":[',
    b"#",
]


def damaged(chance, record):
    content = bytearray(record)
    for _ in range(chance.choice([0, 1, 1, 2, 5])):
        at, to = sorted(chance.randrange(len(content) + 1) for _ in range(2))
        match chance.randrange(5):
            case 0:
                content[at:at] = chance.choice(PIECES)
            case 1:
                del content[at : min(to, at + 20)]
            case 2:
                content[at:at] = content[at : min(to, at + 60)]
            case 3:
                content[at : at + 1] = bytes([chance.randrange(256)])
            case 4:
                del content[max(to, 1) :]
    return bytes(content)


def callbacks(chance):
    def clean(values, _):
        return pa.array([chance.choice([None, value, ""]) for value in values.to_pylist()], pa.string())

    def clean_json(values, _):
        return pa.array([chance.choice([None, value, '{"a": [1, {}]}']) for value in values.to_pylist()], pa.string())

    return {
        "clean_text": clean,
        "clean_attachment": clean_json,
        "method": lambda _, values, rows: clean_json(values, rows),
    }


def exercise(chance, engine, records):
    buffer, offsets = np.frombuffer(b"".join(records), np.uint8).copy(), np.cumsum([0, *map(len, records)])
    paths = walk.Paths({("*", "id"): 0, ("*", "part.zip"): 1, ("*", "**.url"): 2}, contained=True)
    codes = walk.check(buffer, offsets).codes
    found = walk.collect(buffer, offsets, paths)
    assert (codes == found.codes).all()
    found.texts(buffer)
    who = [chance.choice([*plans.PEOPLE, None]) for _ in records]
    engine.deidentify(plans.raw_batch(records, who), plans.people(), **callbacks(chance))


def main(library, cases, files):
    kernels.LIBRARY = Path(library)
    chance = random.Random(7)
    seeds = [seed.encode() for seed in SEEDS]
    for file in files:
        seeds += [line for line in Path(file).read_bytes().splitlines()[:20] if len(line) < 20_000]
    chosen = [plans.plan(meta='{"a":1}'), *map(shipped_plan, ("safe-harbor", "expert-determination") if files else ())]
    engines = [Engine(plan, ids_key=b"i" * 32, hash_key=b"h" * 32, zip3=["021"]) for plan in chosen]
    done = 0
    while done < cases:
        records = [damaged(chance, chance.choice(seeds)) for _ in range(chance.choice([1, 1, 1, 40]))]
        exercise(chance, chance.choice(engines), records)
        done += len(records)
    print(json.dumps({"cases": done}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3:])

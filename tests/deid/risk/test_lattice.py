"""The search finds the optimum: as brute force does on small lattices, and as ARX does on Adult."""

from __future__ import annotations

import csv
import os
from collections import Counter
from itertools import product
from math import log2
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailee.core.errors import Invalid
from bailee.deid.risk.hierarchies import dates, hierarchy, intervals, masked, suggested
from bailee.deid.risk.lattice import Goal, Lattice, best_levels
from bailee.deid.risk.measures import Sensitive
from bailee.deid.risk.recode import recode

ADULT = Path(os.environ.get("BAILEE_SHARED", Path(__file__).parents[4] / "shared")) / "data" / "arx_microdata"
HIERARCHIES = (
    intervals("age", range(40), widths=(5, 10, 20)),
    masked("zip", [f"{number:03}" for number in range(30)], width=3),
    hierarchy("sex", [["f", "*"], ["m", "*"]]),
)
ROWS = st.lists(
    st.tuples(st.integers(0, 39), st.integers(0, 29), st.sampled_from("fm"), st.sampled_from("abc")),
    min_size=1,
    max_size=60,
)


def table_of(rows):
    ages, zips, sexes, drugs = zip(*rows, strict=True)
    return pa.table({"age": map_text(ages), "zip": [f"{z:03}" for z in zips], "sex": list(sexes), "drug": list(drugs)})


def map_text(numbers):
    return [str(number) for number in numbers]


def classes_at(rows, levels):
    """The obvious way: the generalised record, its rows."""
    classes = {}
    for age, zip_code, sex, drug in rows:
        values = (str(age), f"{zip_code:03}", sex)
        key = tuple(h.rows[value][level] for h, value, level in zip(HIERARCHIES, values, levels, strict=True))
        classes.setdefault(key, []).append((values, drug))
    return classes


def model_loss(rows, levels, goal, measure):
    """Loss by definition, or None where the goal is not reached."""
    classes = classes_at(rows, levels)
    whole = Counter(row[3] for row in rows)
    bad = {key for key, members in classes.items() if fails(members, goal, whole)}
    suppressed = sum(len(classes[key]) for key in bad)
    if suppressed > goal.suppression * len(rows) + 1e-9:
        return None
    total = 0.0
    for column, (h, level) in enumerate(zip(HIERARCHIES, levels, strict=True)):
        values = [(str(row[0]), f"{row[1]:03}", row[2])[column] for row in rows]
        raw = Counter(values)
        merged = Counter(h.rows[value][level] for value in values)
        spread = Counter(h.rows[value][level] for value in set(values))
        for key, members in classes.items():
            for member, _ in members:
                value = member[column]
                if measure == "entropy":
                    total += log2(merged[h.rows[value][level]] / raw[value])
                else:
                    total += 1.0 if key in bad else (spread[h.rows[value][level]] - 1) / max(len(raw) - 1, 1)
    return total


def fails(members, goal, whole):
    counts = Counter(drug for _, drug in members)
    size, everybody = len(members), sum(whole.values())
    asked = goal.sensitive.get("drug", Sensitive())
    entropy = -sum(n / size * log2(n / size) for n in counts.values())
    distance = sum(abs(counts[drug] / size - whole[drug] / everybody) for drug in whole) / 2
    return (
        size < goal.k
        or len(counts) < asked.distinct
        or 2**entropy < asked.entropy - 1e-12
        or distance > asked.closeness + 1e-12
    )


ASKED = st.sampled_from(
    [{}, {"drug": Sensitive(distinct=2)}, {"drug": Sensitive(entropy=1.7)}, {"drug": Sensitive(closeness=0.3)}]
)


@given(ROWS, st.integers(1, 6), st.sampled_from([0.0, 0.05, 0.3, 1.0]), ASKED, st.sampled_from(["entropy", "loss"]))
@settings(max_examples=100, deadline=None)
def test_brute_force_finds_nothing_better(rows, k, suppression, asked, measure):
    goal = Goal(k=k, suppression=suppression, sensitive=asked)
    nodes = product(*(range(h.levels) for h in HIERARCHIES))
    losses = [loss for node in nodes if (loss := model_loss(rows, node, goal, measure)) is not None]
    if not losses:
        with pytest.raises(Invalid, match="no generalisation"):
            best_levels(table_of(rows), HIERARCHIES, goal, measure=measure)
        return
    found = best_levels(table_of(rows), HIERARCHIES, goal, measure=measure)
    assert found.loss == pytest.approx(min(losses), abs=1e-9)
    assert model_loss(rows, tuple(found.levels.values()), goal, measure) == pytest.approx(found.loss, abs=1e-9)


@given(ROWS, st.integers(1, 6))
@settings(max_examples=30, deadline=None)
def test_the_recoded_table_reaches_the_threshold_that_was_searched_for(rows, k):
    goal = Goal(k=k, suppression=1.0)
    found = best_levels(table_of(rows), HIERARCHIES, goal)
    recoded = recode(table_of(rows), HIERARCHIES, found.levels, k=k)
    sizes = Counter(zip(*(recoded.table.column(name).to_pylist() for name in ("age", "zip", "sex")), strict=True))
    assert all(size >= k for size in sizes.values())
    assert recoded.suppressed == found.suppressed == len(rows) - recoded.table.num_rows


def adult():
    with (ADULT / "adult.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=";"))
    columns = rows[0]
    table = pa.table({name: [row[number] for row in rows[1:]] for number, name in enumerate(columns)})
    made = []
    for name in columns:
        with (ADULT / f"adult_hierarchy_{name}.csv").open(encoding="utf-8") as file:
            made.append(hierarchy(name, csv.reader(file, delimiter=";")))
    return table, made


# ARX's own optimum for Adult, all nine columns, by non-uniform entropy: k, suppression limit, loss, levels.
ARX = [
    (5, 0.04, 255559.85455731067, (1, 0, 1, 1, 3, 2, 2, 0, 1)),
    (5, 0.0, 407289.5388925293, (1, 2, 1, 1, 3, 2, 2, 1, 1)),
    (100, 0.0, 453196.8932458743, (0, 4, 1, 1, 3, 2, 2, 1, 1)),
]


@pytest.mark.skipif(not ADULT.exists(), reason="the Adult data are not here: set BAILEE_SHARED")
def test_adult_loses_exactly_what_arx_s_optimum_loses():
    table, made = adult()
    for k, suppression, loss, levels in ARX:
        found = best_levels(table, made, Goal(k=k, suppression=suppression))
        assert found.loss == pytest.approx(loss, rel=1e-12)
        assert tuple(found.levels.values()) == levels
        assert found.suppressed <= suppression * table.num_rows
        assert found.tried < found.nodes / 5


def test_a_lattice_past_any_hope_is_refused():
    wide = [intervals(f"c{number}", range(64), widths=(2, 4, 8, 16, 32)) for number in range(9)]
    with pytest.raises(Invalid, match="a lattice of"):
        Lattice(pa.table({h.column: ["1"] for h in wide}), wide, Goal(k=2))


def test_a_value_that_its_hierarchy_lacks_is_refused_and_not_named():
    with pytest.raises(Invalid) as error:
        best_levels(pa.table({"sex": ["f", "Zqx"]}), [hierarchy("sex", [["f", "*"]])], Goal(k=1))
    assert "1 values of sex are not in its hierarchy" in str(error.value)
    assert "Zqx" not in str(error.value)


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ([["a", "x", "*"], ["b", "x"]], "different lengths"),
        ([["a", "x"], ["a", "y"]], "occurs twice"),
        ([["a", "x", "1"], ["b", "x", "2"]], "splits a value"),
        ([[]], "empty"),
    ],
)
def test_a_hierarchy_that_is_none_is_refused(rows, complaint):
    with pytest.raises(Invalid, match=complaint):
        hierarchy("c", rows)


def test_intervals_must_nest():
    with pytest.raises(Invalid, match="do not divide"):
        intervals("age", [1], widths=(5, 12))


def test_ready_made_hierarchies_go_from_the_value_to_a_star():
    assert masked("zip", ["02139"], width=5).rows["02139"] == ("02139", "0213*", "021**", "02***", "0****", "*")
    assert intervals("age", [37], widths=(5, 10)).rows["37"] == ("37", "35-39", "30-39", "*")
    assert dates("seen", ["2020-05-06"]).rows["2020-05-06"] == ("2020-05-06", "2020-05", "2020", "2020s", "*")


@pytest.mark.parametrize(
    ("column", "values", "value", "row"),
    [
        ("Patient.birthDate", ["1970", "1985-03-02"], "1985-03-02", ("1985-03-02", "1985-03", "1985", "1980s", "*")),
        ("Patient.birthDate", ["1970", "1985"], "1970", ("1970", "1970", "1970", "1970s", "*")),
        ("age", ["7", "41"], "41", ("41", "40-44", "40-49", "40-59", "*")),
        ("Patient.address.postalCode", ["021", "100"], "021", ("021", "02*", "0**", "*")),
        ("Patient.gender", ["male", None], "male", ("male", "*")),
        ("Patient.gender", ["male", None], "", ("", "*")),
        ("Patient.birthDate", ["1970", None], "", ("", "", "", "", "*")),
    ],
)
def test_a_hierarchy_is_suggested_by_what_the_values_look_like(column, values, value, row):
    made = suggested(column, pa.array(values, pa.string()))
    assert made.rows[value] == row
    assert hierarchy(column, made.rows.values()).levels == made.levels


def test_suggested_hierarchies_bring_a_small_extract_to_its_threshold():
    table = pa.table(
        {"Patient.gender": ["male", "female", None] * 8, "Patient.birthDate": [str(1950 + n) for n in range(24)]}
    )
    made = [suggested(name, table.column(name).combine_chunks()) for name in table.column_names]
    found = best_levels(table, made, Goal(k=5, suppression=0.1))
    assert recode(table, made, found.levels, k=5).table.num_rows >= 22
    assert found.levels["Patient.birthDate"] >= 3

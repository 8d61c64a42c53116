"""Risk, diversity, closeness and differences: against their definitions, on tables small enough to see."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import log2

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bailee.core.errors import Denied, Invalid
from bailee.deid.risk.classes import count_classes, count_in_population, count_sensitive
from bailee.deid.risk.differencing import Difference, difference
from bailee.deid.risk.gate import Thresholds, assess, require
from bailee.deid.risk.measures import Sensitive, diversity_of, risk_of, small_cells


def table_of(text):
    """Read a table from lines of words; the first line names the columns, a dot is a null."""
    head, *lines = [line.split() for line in text.strip().splitlines()]
    return pa.table(
        {
            name: pa.array([None if line[number] == "." else line[number] for line in lines], pa.string())
            for number, name in enumerate(head)
        }
    )


WARD = """
    age    zip  drug   person
    30-39  021  x      1
    30-39  021  x      2
    30-39  021  y      3
    40-49  021  x      4
    40-49  021  y      5
    40-49  .    x      6
"""


def test_classes_are_counted_and_a_null_is_a_value():
    classes = count_classes(table_of(WARD), ["age", "zip"])
    assert classes.sizes.tolist() == [3, 2, 1]
    assert classes.values.to_pylist()[2] == {"age": "40-49", "zip": None}


def test_classes_are_counted_from_a_stream_of_batches_as_from_a_table():
    table = table_of(WARD)
    stream = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=2))
    assert count_classes(stream, ["age"]).sizes.tolist() == count_classes(table, ["age"]).sizes.tolist()


def test_the_risks_of_a_small_ward():
    risk = risk_of(count_classes(table_of(WARD), ["age", "zip"]).sizes)
    assert (risk.records, risk.classes, risk.smallest, risk.unique) == (6, 3, 1, 1)
    assert (risk.prosecutor_highest, risk.prosecutor_average) == (1.0, 0.5)
    assert (risk.below[2], risk.below[3], risk.below[5]) == (1, 3, 6)


def test_a_population_lowers_the_journalists_risk_and_not_the_prosecutors():
    classes = count_classes(table_of(WARD), ["age"])
    town = pa.table({"age": ["30-39"] * 10 + ["40-49"] * 30 + ["50-59"]})
    population = count_in_population(classes, town)
    assert population.tolist() == [10, 30]
    risk = risk_of(classes.sizes, population=population)
    assert risk.prosecutor_highest == pytest.approx(1 / 3)
    assert risk.journalist_highest == pytest.approx(1 / 10)
    assert risk.marketer == pytest.approx((3 / 10 + 3 / 30) / 6)


def test_a_population_smaller_than_the_extract_is_refused():
    with pytest.raises(Invalid, match="fewer people"):
        risk_of(np.array([3, 2]), population=np.array([3, 1]))


def test_nothing_is_no_risk():
    risk = risk_of(np.zeros(0, np.int64))
    assert (risk.records, risk.prosecutor_highest, risk.marketer) == (0, 0.0, 0.0)


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, max_size=40)


@given(ROWS)
@settings(max_examples=40, deadline=None)
def test_diversity_and_closeness_are_what_their_definitions_say(rows):
    table = pa.table({"q": [row[0] for row in rows], "s": [row[1] for row in rows]})
    measured = diversity_of(*count_sensitive(table, ["q"], "s"))
    classes, whole = defaultdict(Counter), Counter(value for _, value in rows)
    for key, value in rows:
        classes[key][value] += 1
    sizes = {key: sum(counts.values()) for key, counts in classes.items()}
    assert measured.distinct == min(map(len, classes.values()))
    entropies = [
        -sum(n / sizes[key] * log2(n / sizes[key]) for n in counts.values()) for key, counts in classes.items()
    ]
    assert measured.entropy == pytest.approx(2 ** min(entropies))
    distances = [
        sum(abs(counts[value] / sizes[key] - whole[value] / len(rows)) for value in whole) / 2
        for key, counts in classes.items()
    ]
    assert measured.closeness == pytest.approx(max(distances), abs=1e-12)


def test_ordered_values_are_closer_when_they_are_neighbours():
    near = count_sensitive(pa.table({"q": list("aabb"), "s": list("1234")}), ["q"], "s")
    assert diversity_of(*near, ordered=True).closeness < diversity_of(*near).closeness


def test_cells_from_one_to_below_the_least_are_small():
    assert small_cells(np.array([0, 1, 10, 11, 12]), least=11) == 2


def ask(**settings):
    return Thresholds(quasi=("age", "zip"), **{"k": 1, **settings})


@pytest.mark.parametrize(
    ("thresholds", "passes"),
    [
        (ask(k=1), True),
        (ask(k=2), False),
        (ask(highest_risk=0.99), False),
        (ask(average_risk=0.5), True),
        (ask(average_risk=0.49), False),
        (ask(unique=1), True),
        (ask(unique=0), False),
        (ask(sensitive={"drug": Sensitive(distinct=1)}), True),
        (ask(sensitive={"drug": Sensitive(distinct=2)}), False),
        (ask(sensitive={"drug": Sensitive(closeness=0.2)}), False),
    ],
)
def test_every_threshold_is_held(thresholds, passes):
    report = assess(table_of(WARD), thresholds)
    assert report.passes is passes
    if passes:
        require(report)
        return
    with pytest.raises(Denied) as error:
        require(report)
    assert error.value.reasons == ("E-OUTPUT-RISK",)
    assert "021" not in str(error.value)


def test_an_extract_of_nobody_passes():
    assert assess(table_of(WARD).slice(0, 0), ask(k=11)).passes


def test_a_column_that_is_not_there_is_an_error():
    with pytest.raises(Invalid, match="no column weight"):
        assess(table_of(WARD), Thresholds(quasi=("age", "weight")))


PEOPLE = pa.table({"person": [str(number) for number in range(100)], "age": ["30-39"] * 60 + ["40-49"] * 40})


def changed(came=(), went=()):
    rows = [row for row in PEOPLE.to_pylist() if row["person"] not in went] + [
        {"person": p, "age": "30-39"} for p in came
    ]
    return pa.Table.from_pylist(rows, schema=PEOPLE.schema)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (PEOPLE, (0, 0, None)),
        (changed(came=["new"]), (1, 0, 1)),
        (changed(went=["1"]), (0, 1, 1)),
        (changed(came=[f"n{n}" for n in range(11)]), (11, 0, 11)),
        (changed(came=["new"], went=["1"]), (1, 1, None)),
        (changed(came=[f"n{n}" for n in range(11)], went=[str(n) for n in range(60, 61)]), (11, 1, 1)),
    ],
)
def test_a_difference_counts_who_came_who_went_and_the_least_change_of_look_alikes(later, expected):
    found = difference(PEOPLE, later, name="1", key="person", quasi=["age"])
    assert (found.came, found.went, found.smallest_class) == expected


@pytest.mark.parametrize(("came", "passes"), [(0, True), (1, False), (10, False), (11, True)])
def test_few_new_people_since_an_earlier_release_are_refused(came, passes):
    found = Difference(earlier="1", came=came, went=0, smallest_class=None)
    report = assess(PEOPLE, Thresholds(quasi=("age",), k=11), differences=(found,))
    assert report.passes is passes
    if not passes:
        with pytest.raises(Denied) as error:
            require(report)
        assert error.value.reasons == ("E-DIFFERENCING",)

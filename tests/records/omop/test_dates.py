"""FHIR's dates become days, and moments only where a time was released."""

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from bailee.records.omop.dates import days, moments

CASES = [
    ("2019", date(2019, 1, 1), None),
    ("2019-03", date(2019, 3, 1), None),
    ("2019-03-04", date(2019, 3, 4), None),
    ("2019-03-04T10:20", date(2019, 3, 4), None),
    ("2019-03-04T23:10:05-05:00", date(2019, 3, 4), datetime(2019, 3, 4, 23, 10, 5, tzinfo=UTC)),
    ("2019-03-04T23:10:05.123Z", date(2019, 3, 4), datetime(2019, 3, 4, 23, 10, 5, tzinfo=UTC)),
    ("2019-01-01T00:00:00Z", date(2019, 1, 1), None),  # an instant of which the year was released
    ("2019-02-30", None, None),
    ("2019-13-01", None, None),
    ("last spring", None, None),
    (None, None, None),
]


@pytest.mark.parametrize("text, day, moment", CASES)
def test_a_date_is_a_day_and_perhaps_a_moment(text, day, moment):
    column = pa.array([text], pa.string())
    assert days(column).to_pylist() == [day]
    assert moments(column).to_pylist() == [moment]


def test_columns_of_any_length_are_read_as_their_rows_are():
    column = pa.array([text for text, _, _ in CASES], pa.string())
    assert days(column).to_pylist() == [day for _, day, _ in CASES]
    assert moments(column).to_pylist() == [moment for _, _, moment in CASES]
    assert len(days(column.slice(0, 0))) == 0

"""A query sees its tables and nothing else."""

import pyarrow as pa
import pytest

from bailee.core.errors import UserError
from bailee.engines.query import run_query, tables_named

TABLES = {"Condition": pa.table({"patient": ["a", "b"], "code_code": ["1", "2"]})}


def test_a_query_runs_over_its_tables():
    assert run_query("select patient from condition where code_code = '1'", TABLES)["patient"].to_pylist() == ["a"]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "copy (select 1) to '/tmp/bailee-escape.csv'",
        "set enable_external_access = true",
        "attach '/tmp/bailee-escape.db'",
        "select patient from nowhere",
        "selec",
    ],
)
def test_no_door_is_open(sql):
    with pytest.raises(UserError) as caught:
        run_query(sql, TABLES)
    assert "passwd" not in str(caught.value)


def test_the_tables_that_a_query_mentions_are_told():
    known = frozenset({"Condition", "Patient", "Observation"})
    assert tables_named("select patient from CONDITION join patient using (patient)", known) == {"Condition", "Patient"}

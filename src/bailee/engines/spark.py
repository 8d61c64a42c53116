"""Runs tasks on a Spark cluster: each names what it works on, so no record passes through the driver."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import pyarrow as pa

from bailee.core.errors import Unavailable

Task = TypeVar("Task")
Result = TypeVar("Result")

_SCHEMA = "content binary"


class SparkEngine:
    """Runs tasks by `mapInArrow`. The hospital's folder must be reachable by every executor under the same path."""

    def __init__(self, master: str = "local[2]", *, session: Any = None) -> None:
        self._session = session or _session(master)

    def run(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Run `work`, an importable function, on every task. Raises: what `work` raises, as Spark reports it."""
        rows = [(pickle.dumps(task),) for task in tasks]
        if not rows:
            return
        frame = self._session.createDataFrame(rows, _SCHEMA).repartition(len(rows))
        for row in frame.mapInArrow(_mapper(work), _SCHEMA).toLocalIterator():
            yield pickle.loads(bytes(row.content))  # noqa: S301 - made by our own workers

    def stop(self) -> None:
        """End the session."""
        self._session.stop()


def _mapper(work: Callable[[Any], Any]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def over(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for content in batch.column(0).to_pylist():
                done = pickle.dumps(work(pickle.loads(content)))  # noqa: S301 - made by our own driver
                yield pa.RecordBatch.from_arrays([pa.array([done], pa.binary())], ["content"])

    return over


def _session(master: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise Unavailable("Spark is not installed: pip install 'bailee[spark]'") from None
    # Without this the workers take whichever python stands first on PATH.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    return (
        SparkSession.builder.master(master)
        .appName("bailee")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )

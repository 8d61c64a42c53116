"""Runs tasks on this machine: in this process, or over a pool of worker processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from typing import TypeVar

from bailee.core.errors import Unavailable

Task = TypeVar("Task")
Result = TypeVar("Result")

# Imported once by the fork server, so that a worker starts in milliseconds, and what they build is shared by all.
PRELOAD = ["bailee.engines.quiet", "bailee.flows.release.warm"]


class LocalEngine:
    """Runs tasks over `workers` processes; one worker means this process. Results come as they are ready.

    The fork server starts with the engine, so that it gets ready while this process still prepares the tasks.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or len(os.sched_getaffinity(0))
        if self.workers > 1:
            _context()
            forkserver.ensure_running()

    def run(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> Iterator[Result]:
        """Run `work` on every task. Raises: what `work` raises; Unavailable if a worker is killed.

        Not more tasks than twice the workers are under way, so that results do not pile up.
        """
        if self.workers == 1 or len(tasks) <= 1:
            yield from map(work, tasks)
            return
        with ProcessPoolExecutor(min(self.workers, len(tasks)), mp_context=_context()) as pool:
            try:
                yield from _completed(pool, work, tasks, most=2 * self.workers)
            except BrokenProcessPool:
                raise Unavailable(
                    "a worker process was killed, most likely for want of memory; run again to go on, with fewer workers"
                ) from None
            finally:
                pool.shutdown(wait=True, cancel_futures=True)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    return context


def _completed(
    pool: ProcessPoolExecutor, work: Callable[[Task], Result], tasks: Sequence[Task], *, most: int
) -> Iterator[Result]:
    waiting: set[Future[Result]] = set()
    for task in tasks:
        waiting.add(pool.submit(work, task))
        if len(waiting) >= most:
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            yield from (future.result() for future in done)
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        yield from (future.result() for future in done)

"""Workers that are processes of their own, and die by SIGKILL: run by test_kill through tests.outside.

Every worker is a fork of one driver, so that a death costs no start. Between deaths the lease is let run out, as it
does when nobody keeps it.
"""

import os
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from typing import Any
from unittest import mock

from django.db import connection, connections
from django.utils import timezone

from subscriptions.models import Order, Watch
from subscriptions.orders import answering, placing, rows

CHUNK, STRIDE = 100, 1000  # lines that are answered, and read, at a time
BEFORE, AFTER = "before", "after"
Step = tuple[str, str, str, int]  # a module, a function of it, which side of it, and at which call


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep() -> None:
    """Do nothing more until woken, however long that is."""
    os.kill(os.getpid(), signal.SIGSTOP)


@contextmanager
def at_step(step: Step, stop: Callable[[], None]) -> Iterator[None]:
    """Within, the process stops on one side of a call of a function."""
    module, name, side, nth = step
    owner = import_module(module)
    true, calls = getattr(owner, name), []

    def call(*args: Any, **kwargs: Any) -> Any:
        calls.append(name)
        if len(calls) == nth and side == BEFORE:
            stop()
        done = true(*args, **kwargs)
        if len(calls) == nth and side == AFTER:
            stop()
        return done

    with mock.patch.object(owner, name, call):
        yield


@contextmanager
def dying_after(statements: int) -> Iterator[None]:
    """Within, the process dies when the database has been asked so often, before the answer is known to it or after."""
    asked = []

    def ask(execute: Callable, *args: Any) -> Any:
        asked.append(1)
        if len(asked) == statements and statements % 2:
            die()
        done = execute(*args)
        if len(asked) == statements:
            die()
        return done

    with connection.execute_wrapper(ask):
        yield


def start(work: Callable[[], Any]) -> int:
    """Have a process of its own do something; return its id."""
    connections.close_all()
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def ended(process: int) -> bool:
    """Wait for a process; return whether it was killed. Raise AssertionError if it failed."""
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "a worker failed"
    return False


def worker(order: int, stopping: AbstractContextManager[None]) -> int:
    """Start a worker at an order; return its process."""

    def work() -> None:
        with small_chunks(), stopping:
            placing.work_on(order)

    return start(work)


def killed_worker(order: int, dying: AbstractContextManager[None]) -> bool:
    """Let a worker at an order; return whether it died there. Its lease has run out when this returns."""
    killed = ended(worker(order, dying))
    let_go(order)
    return killed


def let_go(order: int) -> None:
    """The lease runs out; and if the order is given up after so many tries, somebody has it go on."""
    Order.objects.filter(pk=order).update(leased_until=timezone.now())
    found = Order.objects.get(pk=order)
    if found.tries >= placing.TRIES:
        found = placing.work_on(order)
    if found.status == Order.Status.STOPPED:
        placing.resume(found)


@contextmanager
def small_chunks() -> Iterator[None]:
    with mock.patch.object(answering, "CHUNK", CHUNK), mock.patch.object(rows, "STRIDE", STRIDE):
        yield


def killed_at_steps(order: int, steps: list[Step]) -> None:
    for step in steps:
        assert killed_worker(order, at_step(step, die)), f"no worker came to {step}"


def killed_at_random(order: int, times: int, most: int, seed: str) -> None:
    """Kill workers at so many random moments, each within `most` statements of its start."""
    moments = random.Random(seed)
    for _ in range(times):
        assert killed_worker(order, dying_after(moments.randint(1, most))), "the order was done too soon"
    found = Order.objects.get(pk=order)
    assert 0 < found.lines_done < (found.line_count or 0), "nobody died while answering"


def overtaken_at(order: int, steps: list[Step]) -> None:
    """A worker sleeps through its lease at each step; when another has got somewhat further, it wakes and goes on."""
    for step in steps:
        sleeper = worker(order, at_step(step, sleep))
        _, status = os.waitpid(sleeper, os.WUNTRACED)
        assert os.WIFSTOPPED(status), f"no worker came to {step}"
        let_go(order)
        assert killed_worker(order, at_step(OVERTAKEN, die))
        before = _state(order)
        os.kill(sleeper, signal.SIGCONT)
        assert not ended(sleeper)
        assert _state(order) == before, "a worker went on with what was another's"


# Where the one that takes over dies: it has read the file, if that was left to do, and answered two chunks.
OVERTAKEN: Step = ("subscriptions.orders.placing", "_answer", BEFORE, 3)


def _state(order: int) -> tuple[Any, ...]:
    found = Order.objects.get(pk=order)
    return found.lines_read, found.line_count, found.lines_done, found.counts, found.lines.count()


def many_at_once(order: int, workers: int) -> None:
    """Workers that all begin at the same time."""
    for process in [worker(order, nullcontext()) for _ in range(workers)]:
        assert not ended(process), "a worker was killed by nobody"


def finish(order: int) -> None:
    """Let an undisturbed worker do what is left."""
    with small_chunks():
        placing.work_on(order)


def same_outcome(disturbed: int, undisturbed: int) -> None:
    """Raise AssertionError unless two orders of the same lines, each in a stream of its own, came to the same."""
    one, other = Order.objects.get(pk=disturbed), Order.objects.get(pk=undisturbed)
    for order in (one, other):
        assert order.status == Order.Status.DONE
        numbers = list(order.lines.order_by("line").values_list("line", flat=True))
        assert numbers == list(range(1, len(numbers) + 1)), "a line is lost, or answered twice"
        assert len(numbers) == order.line_count == order.lines_done == sum(order.counts.values())
    assert one.counts == other.counts
    assert _lines(one) == _lines(other)
    assert _watches(one) == _watches(other)


def _lines(order: Order) -> list[tuple[Any, ...]]:
    said = ("line", "file_row", "kind", "number", "benefit", "from_date", "reference", "answer")
    watched = ("watch__ordered_number", "watch__benefit", "watch__from_date")
    return list(order.lines.order_by("line").values_list(*said, *watched))


def _watches(order: Order) -> list[tuple[Any, ...]]:
    """All watches of the order's stream, each with what it is owed."""
    names = ("ordered_number", "benefit", "from_date", "case_reference", "need_reference", "end_reason", "ended_as_of")
    found = Watch.objects.filter(stream=order.stream_id).prefetch_related("pending")
    return sorted(
        (*(str(getattr(one, name)) for name in names), *sorted(owed.reason for owed in one.pending.all()))
        for one in found
    )

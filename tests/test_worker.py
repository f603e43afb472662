"""True processes: a night killed outright, and Celery workers on Redis and on plain files."""

import os
import random
import signal
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.db import connection

from tests.histories.sources import FP, SJP, line_of, parental, sickness
from tests.histories.world import World, world
from tests.outside import Outside, until

PERSONS = 40
CHECK = """
from collections import Counter
from deliveries.models import Delivery, Disclosure, Run, StreamRun
from subscriptions.models import Stream
for stream in Stream.objects.all():
    numbers = list(Delivery.objects.filter(stream=stream).order_by("number").values_list("number", flat=True))
    assert numbers == list(range(1, stream.last_number + 1)), numbers
for delivery in Delivery.objects.all():
    assert Disclosure.objects.filter(delivery=delivery).count() >= delivery.persons
assert not Run.objects.filter(status="running").exists()
assert set(StreamRun.objects.values_list("status", flat=True)) == {"released"}
assert set(Counter(StreamRun.objects.values_list("run", "stream")).values()) == {1}
"""
REAP = """
from deliveries import tasks
from subscriptions.models import Stream
Stream.objects.update(leased_until=None)
tasks.put_back_what_is_stuck()
"""
# A worker of our own queue, so that no other worker on the same broker takes its tasks.
WORKER = """
from lefi.celery import app
app.conf.task_default_queue = "{queue}"
app.conf.task_create_missing_queues = True
app.worker_main("worker --pool=solo --loglevel=WARNING --without-gossip --without-mingle -Q {queue}".split())
"""
SEND = """
from lefi.celery import app
app.conf.task_default_queue = "{queue}"
from benefits.tasks import import_benefits
from deliveries.tasks import put_back_what_is_stuck, release_stream
"""
# The night of today can only be started once it is night: this starts a past one, and sends what the task sends, the
# first stream's task never and the others' twice; and the reaper twice.
NIGHT = """
from datetime import date
from django.utils import timezone
from deliveries import runs
run = runs.start_night(day=date({day:%Y, %-m, %-d}), at=timezone.now())
for pk in [*run.streams.values_list("pk", flat=True)[1:]] * 2:
    release_stream.delay(pk)
for _ in range(2):
    put_back_what_is_stuck.delay()
"""


@pytest.fixture
def scene(transactional_db, tmp_path) -> Iterator[World]:
    """Forty watched persons in two streams, known and not yet told."""
    with world(tmp_path, persons=PERSONS) as made:
        for place, person in enumerate(made.sources.people):
            person.items("sjukpenningarende").append(sickness(made.day - timedelta(days=30 + place), 9))
        made.sources.hand_over(made.now, *made.sources.people)
        for person in range(PERSONS):
            made.watch(made.streams[0], person, SJP)
            made.watch(made.streams[2], person, FP)
        yield made


def news(made: World, sequence: int) -> Path:
    """A file of one more case for everybody, not yet imported."""
    for person in made.sources.people:
        person.items("foraldrapenningarende").append(parental(made.day - timedelta(days=30 * sequence), 5))
    lines = [line_of(person, "FK", ["foraldrapenningarende"]) for person in made.sources.people]
    return made.sources.write("FK", sequence, lines, made.now)


def test_a_night_killed_outright_at_any_moment_is_taken_up_again(scene, tmp_path):
    """Killed while it works, and whoever takes it up killed too."""
    outside = Outside(tmp_path)
    moments = random.Random(os.environ.get("HISTORY_SEED", "5"))
    victims = [
        lambda: outside.start("run_night", "--date", scene.day.isoformat()),
        lambda: outside.start_python(REAP),
    ]
    for start in victims:
        victim = start()
        until(lambda: outside.value("SELECT count(*) FROM deliveries_streamrun") > 0)
        time.sleep(moments.uniform(0, 0.4))
        victim.send_signal(signal.SIGKILL)
        victim.communicate()

    outside.python(REAP + CHECK)

    assert outside.value("SELECT count(*) FROM deliveries_delivery") == 3
    assert outside.run("verify", "--all").splitlines()[-1] == f"equal {2 * PERSONS} · pending 0 · different 0"


@contextmanager
def worker(outside: Outside, queue: str) -> Iterator[subprocess.Popen]:
    process = outside.start_python(WORKER.format(queue=queue))
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def a_night_through_workers(made: World, outside: Outside) -> None:
    """An import and a night, with every task sent twice and one lost."""
    queue = f"test-{uuid.uuid4().hex}"
    send = SEND.format(queue=queue)
    path = news(made, 2)
    with worker(outside, queue):
        outside.python(f"{send}for _ in range(2):\n    import_benefits.delay({str(path)!r})\n")
        until(lambda: outside.value("SELECT count(*) FROM benefits_import WHERE number = 2") == 1)
        outside.python(send + NIGHT.format(day=made.day))
        until(lambda: outside.value("SELECT count(*) FROM deliveries_run WHERE status = 'done'") == 1)
    outside.python(CHECK)
    assert outside.value("SELECT count(*) FROM deliveries_delivery") == 3
    assert outside.run("verify", "--all").splitlines()[-1] == f"equal {2 * PERSONS} · pending 0 · different 0"


@pytest.mark.services
def test_the_services_that_this_suite_needs_are_there():
    """`make test-all` names them; a missing one fails here and is never skipped."""
    assert connection.vendor == "postgresql"
    assert redis.Redis.from_url(os.environ["CELERY_BROKER_URL"]).ping()


@pytest.mark.services
def test_a_night_through_a_true_worker_on_redis(scene, tmp_path):
    broker = os.environ["CELERY_BROKER_URL"]
    assert broker.startswith("redis://"), "make test-all names the broker"

    a_night_through_workers(scene, Outside(tmp_path, CELERY_TASK_ALWAYS_EAGER="false", CELERY_BROKER_URL=broker))


def test_a_night_through_a_true_worker_on_plain_files_as_in_the_quickstart(scene, tmp_path):
    a_night_through_workers(
        scene, Outside(tmp_path, CELERY_TASK_ALWAYS_EAGER="false", CELERY_BROKER_URL="filesystem://")
    )

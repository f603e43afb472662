"""Machines ask whether a process answers, and whether it can do its work."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from deliveries import health, plan
from deliveries.models import Run
from tests.factories import DAY, RunFactory

pytestmark = pytest.mark.django_db
NIGHT = plan.night_of(DAY)


@pytest.fixture(autouse=True)
def nothing_remembered():
    health._migrated.cache_clear()


def test_a_process_that_answers_is_alive_whatever_else_fails(client, settings, django_assert_num_queries):
    settings.DOCUMENTS_DIR = "/proc/none"

    with django_assert_num_queries(0):
        assert client.get("/healthz/live").json() == {"status": "ok"}


def test_a_process_that_can_do_its_work_is_ready(client):
    answer = client.get("/healthz/ready")

    assert answer.status_code == 200
    assert set(answer.json()["parts"].values()) == {"ok"}
    assert "no-store" in answer["Cache-Control"]


def test_a_folder_that_cannot_be_written_makes_it_unready(client, settings, tmp_path):
    (tmp_path / "documents").write_text("no folder")
    settings.DOCUMENTS_DIR = tmp_path / "documents"

    answer = client.get("/healthz/ready")

    assert answer.status_code == 503
    assert answer.json()["parts"]["storage"] == "failing"
    assert str(tmp_path) not in answer.content.decode()


def test_a_cache_that_forgets_makes_it_unready(client, monkeypatch):
    monkeypatch.setattr(cache, "get", lambda key, default=None: None)

    assert client.get("/healthz/ready").json()["parts"]["cache"] == "failing"


def test_a_broker_that_does_not_answer_makes_it_unready(client, monkeypatch):
    def away(**kwargs):
        raise ConnectionRefusedError

    monkeypatch.setattr(health.current_app, "connection_for_write", away)

    assert client.get("/healthz/ready").json()["parts"]["broker"] == "failing"


def test_tables_that_are_not_those_of_the_code_make_it_unready_until_they_are(client, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(MigrationExecutor, "migration_plan", lambda self, targets: ["one to run"])
        answer = client.get("/healthz/ready").json()

    assert answer["parts"]["migrations"] == "failing"
    assert "oldest_due_run_seconds" not in answer
    assert client.get("/healthz/ready").json()["parts"]["migrations"] == "ok"


def test_a_run_that_should_have_begun_is_due_since_its_start():
    begun = NIGHT.starts + timedelta(minutes=5)

    assert health.oldest_due(begun) == 300
    RunFactory(day=DAY, status=Run.Status.RUNNING, deadline=NIGHT.deadline)
    assert health.oldest_due(begun) == 0


def test_a_run_that_should_have_ended_is_due_since_its_deadline():
    RunFactory(day=DAY, status=Run.Status.HELD, deadline=NIGHT.deadline)

    assert health.oldest_due(NIGHT.deadline + timedelta(hours=1)) == 3600


def test_a_late_run_is_told_and_stops_nobody(client):
    answer = client.get("/healthz/ready")

    assert answer.status_code == 200
    night = plan.past_nights(timezone.now(), 1)[0]
    since = (timezone.now() - night.starts).total_seconds()
    assert answer.json()["oldest_due_run_seconds"] == pytest.approx(since, abs=5)


def test_a_redirect_to_https_does_not_stand_in_the_way(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_REDIRECT_EXEMPT = [r"^healthz/"]

    assert client.get("/healthz/live").status_code == 200
    assert client.get("/service/").status_code == 301

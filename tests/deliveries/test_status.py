"""How the service stands, told to everybody: from the nights as they went, and from what staff have said."""

from datetime import timedelta

import pytest
from django.utils import timezone

from benefits.models import Import
from deliveries import plan
from deliveries.models import NoRun, Run, StreamRun
from deliveries.status import Standing, State, last_nights, status_at
from lefi.service.models import ServiceNotice
from tests.factories import (
    DAY,
    ImportFactory,
    MemberFactory,
    RunFactory,
    ServiceNoticeFactory,
    StreamRunFactory,
)

pytestmark = pytest.mark.django_db
NIGHT = plan.night_of(DAY)
MORNING = NIGHT.deadline + timedelta(hours=2)
ONE_DAY = timedelta(days=1)


def run(day=DAY, status=Run.Status.DONE, **values):
    night = plan.night_of(day)
    return RunFactory(day=day, status=status, planned_for=night.starts, deadline=night.deadline, **values)


def streams(of, **counts) -> None:
    for status, count in counts.items():
        StreamRunFactory.create_batch(count, run=of, status=status)


def test_a_night_is_told_by_its_figures_alone():
    streams(run(), released=3, carried_over=1, failed=1, stopped=2)

    night = status_at(MORNING).last_night

    assert (night.state, night.released, night.left) == (State.PARTLY, 3, 2)


@pytest.mark.parametrize(
    ("status", "left", "state", "standing"),
    [
        (Run.Status.DONE, 0, State.DONE, Standing.OK),
        (Run.Status.DONE, 1, State.PARTLY, Standing.LATE),
        (Run.Status.RUNNING, 0, State.RUNNING, Standing.OK),
        (Run.Status.HELD, 0, State.HELD, Standing.LATE),
        (Run.Status.ABORTED, 1, State.ABORTED, Standing.LATE),
    ],
)
def test_how_the_service_stands_follows_from_the_last_night(status, left, state, standing):
    streams(run(status=status), released=2, carried_over=left)

    found = status_at(MORNING)

    assert (found.nights[0].state, found.standing) == (state, standing)


def test_a_night_that_was_not_run_is_told():
    run()

    nights = last_nights(MORNING + ONE_DAY, 5)

    assert [(one.night.day, one.state) for one in nights] == [(DAY + ONE_DAY, State.MISSED), (DAY, State.DONE)]
    assert status_at(MORNING + ONE_DAY).standing == Standing.LATE


def test_a_night_waits_to_begin_until_its_deadline_and_one_without_a_run_is_not_missed():
    run()
    begun = plan.night_of(DAY + ONE_DAY).starts + timedelta(minutes=1)

    assert last_nights(begun, 5)[0].state == State.WAITING
    NoRun.objects.create(day=DAY + ONE_DAY, reason="Driftstopp")
    assert last_nights(begun, 5)[0].state == State.DONE


def test_rehearsals_and_runs_on_demand_are_no_nights():
    run()
    RunFactory(day=DAY + ONE_DAY, dry_run=True)
    RunFactory(day=DAY + ONE_DAY, kind=Run.Kind.REPAIR)

    assert [one.night.day for one in last_nights(MORNING, 5)] == [DAY]


def test_before_the_first_night_nothing_is_missed():
    assert status_at(MORNING).nights == []
    assert status_at(MORNING).standing == Standing.OK
    assert status_at(MORNING).last_night is None


@pytest.mark.parametrize(
    ("kinds", "standing"),
    [
        (["disturbance"], Standing.DISTURBED),
        (["stop"], Standing.STOPPED),
        (["disturbance", "stop"], Standing.STOPPED),
        (["news"], Standing.OK),
    ],
)
def test_what_staff_say_goes_before_the_nights(kinds, standing):
    for kind in kinds:
        ServiceNoticeFactory(kind=kind, begins_at=MORNING - ONE_DAY, ends_at=MORNING + ONE_DAY)

    assert status_at(MORNING).standing == standing


def test_a_source_is_told_by_its_state_and_its_newest_import():
    ImportFactory(source="FK", published_at=MORNING - timedelta(hours=1))
    ImportFactory(source="PM", published_at=MORNING - timedelta(hours=50))
    ImportFactory(source="FK", status=Import.Status.REFUSED, number=None, published_at=None)

    sources = {one.name: (one.state, one.at) for one in status_at(MORNING).sources}

    assert sources == {
        "FK": ("OK", MORNING - timedelta(hours=1)),
        "PM": ("UTEBLIVEN", MORNING - timedelta(hours=50)),
    }


def test_machines_read_the_same(client):
    streams(run(day=timezone.localdate() - ONE_DAY), released=2)
    notice = ServiceNoticeFactory(kind="disturbance", begins_at=timezone.now() - ONE_DAY)

    answer = client.get("/service/status.json")

    said = answer.json()
    assert (said["format"], said["status"]) == ("lefi-status/1", "disturbed")
    assert said["last_night"]["streams_released"] == 2
    assert said["interruptions"][0]["sv"] == {"title": notice.title_sv, "text": notice.text_sv}
    assert len(said["coming"]) == 3
    assert "max-age=30" in answer["Cache-Control"]


def test_nothing_of_a_customer_is_told(client):
    stream_run = StreamRunFactory(run=run(day=timezone.localdate() - ONE_DAY), status=StreamRun.Status.FAILED)
    customer = stream_run.stream.agreement.customer

    for url in ("/", "/service/status/", "/service/status.json"):
        page = client.get(url).content.decode()
        for secret in (customer.name, customer.organisation_number, stream_run.stream.agreement.code):
            assert secret not in page


@pytest.mark.parametrize("url", ["/", "/service/", "/service/status/", "/service/status.json"])
def test_the_pages_ask_as_few_questions_however_much_there_is(client, url, django_assert_max_num_queries):
    for back in range(1, 20):
        streams(run(day=timezone.localdate() - back * ONE_DAY), released=3)
    ServiceNoticeFactory.create_batch(20, kind=ServiceNotice.Kind.DISTURBANCE)

    with django_assert_max_num_queries(12):
        client.get(url)


def test_a_visitor_meets_the_front_page_and_a_member_the_start_page(client):
    member = MemberFactory()

    visitor = client.get("/")
    client.force_login(member.user)
    own = client.get("/")

    assert (visitor.templates[0].name, own.templates[0].name) == ("service/front.html", "portal/start.html")
    page = visitor.content.decode()
    assert 'href="/accounts/login/"' in page and 'href="/connect/"' in page
    assert client.get("/service/").templates[0].name == "service/front.html"


def test_what_is_told_of_the_service_stands_on_a_members_start_page(client):
    ServiceNoticeFactory(kind="disturbance", title_sv="API:et svarar långsamt", begins_at=timezone.now() - ONE_DAY)
    client.force_login(MemberFactory().user)

    assert "API:et svarar långsamt" in client.get("/").content.decode()

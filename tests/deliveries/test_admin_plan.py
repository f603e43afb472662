"""The plan of the nights and the page of a run, as staff look on: what comes, how it goes, and a rehearsal."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse

from deliveries import runs
from deliveries.models import Delivery, NoRun, Run
from lefi.audit.models import AuditEvent
from tests.deliveries.test_ordered import undo
from tests.deliveries.test_runs import news
from tests.factories import RunFactory, StreamRunFactory, UserFactory
from tests.histories.sources import SJP

PLAN = reverse("admin:deliveries_run_plan")
WHY = "Ärende 2026-17"


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def text(response):
    return response.content.decode()


def test_the_plan_shows_the_coming_nights_and_the_days_without(office, world):
    NoRun.objects.create(day=world.day + timedelta(days=1), reason="Driftstopp")
    shown = text(office.get(PLAN))

    assert "Nästa natt börjar 2026-01-05 22:00 och är slut senast 2026-01-06 05:00." in shown
    assert "Ingen körning" in shown and "(Driftstopp)" in shown
    assert shown.count('<th scope="row">') == 14 + 2


def test_the_plan_says_how_the_last_night_went_and_how_the_sources_are(office, world):
    world.sources.hand_over(world.now, *world.sources.people)
    run = world.start_night()
    runs.release_stream(run.streams.first())
    world.next_day()
    runs.end_overdue_runs(world.now)

    shown = text(office.get(PLAN))

    assert "inte allt i tid" in shown and "2 strömmar inte utlämnade" in shown
    assert "Har inte hörts av" in shown


def test_the_plan_points_to_what_has_been_undone_and_not_compensated(office, wrong):
    reversal = undo(wrong)
    shown = text(office.get(PLAN))
    link = f"{reverse('admin:deliveries_orderedrun_add')}?kind=compensating&amp;reversal={reversal.pk}"
    assert link in shown

    form = text(office.get(link.replace("&amp;", "&")))
    assert f'<option value="{reversal.pk}" selected>' in form
    assert '<option value="compensating" selected>' in form


def test_the_next_night_is_rehearsed_from_the_plan_with_a_reason(office, world, django_capture_on_commit_callbacks):
    news(world)
    world.watch(world.streams[0], 0, SJP)
    office.post(PLAN, {"reason": ""})
    assert not Run.objects.exists()

    with django_capture_on_commit_callbacks(execute=True):
        answer = office.post(PLAN, {"reason": WHY})

    run = Run.objects.get()
    assert answer.url == reverse("admin:deliveries_run_change", args=[run.pk])
    assert (run.dry_run, run.day, run.status, run.counts["persons"]) == (True, world.day, Run.Status.DONE, 1)
    assert not Delivery.objects.exists()
    assert AuditEvent.objects.get(object_type="deliveries.run").reason == WHY


def test_no_rehearsal_while_a_run_goes_on(office, world):
    world.start_night()
    shown = text(office.get(PLAN))
    assert "Pågår nu:" in shown and 'name="reason"' not in shown

    assert "En annan körning är inte slut" in text(office.post(PLAN, {"reason": WHY}))
    assert Run.objects.count() == 1


def test_a_calendar_without_nights_has_nothing_to_rehearse(office, world, settings):
    settings.NIGHT_WEEKDAYS = []

    assert "ingen natt med körning" in text(office.post(PLAN, {"reason": WHY}))


def test_who_may_not_see_runs_sees_no_plan_and_who_may_only_see_them_rehearses_none(client, world):
    user = UserFactory(is_staff=True)
    client.force_login(user)
    assert client.get(PLAN).status_code == 403

    user.user_permissions.add(Permission.objects.get(codename="view_run"))
    assert 'name="reason"' not in text(client.get(PLAN))
    assert client.post(PLAN, {"reason": WHY}).status_code == 403
    assert not Run.objects.exists()


def test_the_plan_costs_as_much_whatever_the_number_of_nights(office, world, django_assert_max_num_queries):
    for _ in range(20):
        StreamRunFactory(run=RunFactory())
    with django_assert_max_num_queries(20):
        office.get(PLAN)


def test_the_page_of_a_run_shows_its_progress_and_asks_for_it_again_until_it_is_over(office, world):
    run = world.start_night()
    runs.release_stream(run.streams.first())
    page, part = (reverse(f"admin:deliveries_run_{name}", args=[run.pk]) for name in ("change", "progress"))

    shown = text(office.get(page))
    assert "1 av 3 strömmar" in shown and "kvar till tidsgränsen" in shown
    assert f'hx-get="{part}"' in shown
    assert "1 av 3 strömmar" in text(office.get(part))
    runs.perform(run)
    assert office.get(part)["HX-Refresh"] == "true"
    shown = text(office.get(page))
    assert "3 av 3 strömmar" in shown and "I tid" in shown and "hx-get" not in shown


def test_the_page_of_a_run_says_how_the_sources_were_and_counts_in_words(office, world):
    world.sources.hand_over(world.now, *world.sources.people)
    world.watch(world.streams[0], 0, SJP)
    run = world.night()

    shown = text(office.get(reverse("admin:deliveries_run_change", args=[run.pk])))

    assert "Försäkringskassan: Tillgänglig, fullständig till och med import 1" in shown
    assert "Pensionsmyndigheten: Har inte hörts av, fullständig till och med import 0" in shown
    assert "personer 1" in shown and "released" not in shown.partition("Antal")[2].partition("Se även")[0]


def test_the_list_of_runs_says_which_were_in_time(office, world):
    StreamRunFactory(run=RunFactory(), status="failed")
    RunFactory(dry_run=True)
    world.start_night()

    shown = text(office.get(reverse("admin:deliveries_run_changelist")))

    assert "inte allt i tid" in shown and "provkörning" in shown


@pytest.mark.parametrize("name", ["progress", "change"])
def test_who_may_not_see_runs_sees_no_progress(client, world, name):
    client.force_login(UserFactory(is_staff=True))

    assert client.get(reverse(f"admin:deliveries_run_{name}", args=[RunFactory().pk])).status_code == 403

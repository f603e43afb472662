"""The staff's start page, and the page of figures: by the reader's rights, with as many queries whatever there is."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from deliveries.admin import figures
from deliveries.models import StreamRun
from subscriptions.models import Pending
from tests.factories import (
    AgreementFactory,
    ConnectionFactory,
    DebtCheckFactory,
    DebtFactory,
    DeliveryFactory,
    HeldSliceFactory,
    ImportFactory,
    LagFactory,
    NoRunFactory,
    PendingFactory,
    RunFactory,
    StreamRunFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
QUERIES = 25  # with session, user and what the figures of three kinds ask


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def reader(client, *codenames):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return client


def a_night(ago=0, **said):
    now = timezone.now()
    run = RunFactory(
        day=timezone.localdate() - timedelta(days=ago + 1),
        started_at=now - timedelta(days=ago, hours=9),
        ended_at=now - timedelta(days=ago, hours=7, minutes=48),
        deadline=now - timedelta(days=ago, hours=2),
        counts={"released": 1, "persons": 12, "items": 30},
        **said,
    )
    StreamRunFactory(run=run, status=StreamRun.Status.RELEASED, news={"FK:SJP": 4})
    DeliveryFactory(run=run, persons=12, released_at=run.ended_at)
    return run


def test_who_has_nothing_to_do_is_told_so(office):
    page = office.get("/admin/").content.decode()

    assert "Inget väntar på dig." in page
    assert "Det har inte varit någon nattlig körning ännu." in page


def test_the_last_night_is_told_in_words(office):
    run = a_night()
    StreamRunFactory(run=run, status=StreamRun.Status.FAILED)
    HeldSliceFactory(run=run)
    DebtCheckFactory()

    page = re.sub(r"\s+", " ", office.get("/admin/").content.decode())

    assert f"/admin/deliveries/run/{run.pk}/change/" in page
    for words in (
        "1 leverans släppt",
        "1 misslyckades eller sköts upp",
        "1 skiva",
        "tog 1 h 12 min och var klar 5 h 48 min före tidsgränsen",
        "3 bevakningar kontrollerade, 1 skulder",
    ):
        assert words in page


def test_the_next_night_is_told_with_what_keeps_it_from_being(office):
    NoRunFactory(day=timezone.localdate(), reason="Underhåll av databasen")
    ImportFactory(number=1, sequence=1, counts={"touched": 1234}, published_at=timezone.now())
    PendingFactory(reason=Pending.Reason.FIRST)

    page = re.sub(r"\s+", " ", office.get("/admin/").content.decode())

    assert "Ingen körning i dag: Underhåll av databasen" in page
    assert "1 234 avsnitt om personer har ändrats" in page
    assert "1 bevakning väntar på leverans" in page
    assert "Tyst för länge: Pensionsmyndigheten" in page


def test_who_may_not_see_runs_is_told_nothing_of_the_nights(client):
    a_night()
    page = reader(client, "view_connection", "change_connection").get("/admin/").content.decode()

    assert "start-last" not in page
    assert 'class="figure' not in page


def test_who_may_not_see_deliveries_is_not_told_which_customers_are_behind(client):
    a_night()
    page = reader(client, "view_run").get("/admin/").content.decode()

    assert "figure-persons" in page
    assert "figure-waiting" not in page


def test_the_queries_of_the_start_page_do_not_grow(office):
    a_night()
    office.get("/admin/")
    with CaptureQueriesContext(connection) as of_little:
        office.get("/admin/")
    for ago in range(1, 12):
        LagFactory(delivery=DeliveryFactory(run=a_night(ago)))
        ConnectionFactory()
        DebtFactory()
        AgreementFactory(status="examined", approved_at=None, prepared_by=UserFactory())
    with CaptureQueriesContext(connection) as of_much:
        office.get("/admin/")

    assert len(of_much) == len(of_little) <= QUERIES


def test_a_figure_stands_with_its_table_and_says_what_it_shows(office):
    for ago in range(3):
        a_night(ago)

    page = office.get("/admin/").content.decode()
    figure = page.partition('id="figure-persons"')[2].partition("</figure>")[0]

    assert re.search(r'<svg[^>]*role="img" aria-label="Personer i leveranserna, natt för natt. Senast: ', figure)
    assert figure.count("<rect") == 3
    assert figure.count("<tr>") == 4


def test_the_page_of_figures_needs_the_right_to_see_runs(client):
    assert client.get("/admin/figures/").status_code == 302
    assert reader(client, "view_delivery").get("/admin/figures/").status_code == 403
    assert reader(client, "view_run").get("/admin/figures/").status_code == 200


def test_the_page_of_figures_has_every_picture_with_its_table(office, django_assert_max_num_queries):
    for ago in range(3):
        a_night(ago)

    with django_assert_max_num_queries(8):
        page = office.get("/admin/figures/").content.decode()

    for key in ("persons", "streams", "lengths", "volumes", "waiting"):
        assert "<table>" in page.partition(f'id="figure-{key}"')[2].partition("</figure>")[0]
    assert "Sjukpenning" in page
    assert "style=" not in page


def test_a_link_to_a_customers_waiting_deliveries_leads_to_just_those(office):
    run = a_night()
    waiting = DeliveryFactory(run=run)
    DeliveryFactory(run=run, stream=waiting.stream, number=2, first_fetched_at=timezone.now())

    page = office.get("/admin/figures/").content.decode()
    customer = waiting.stream.agreement.customer_id
    (link,) = re.findall(rf'href="(/admin/deliveries/delivery/\?stream__agreement__customer={customer}&[^"]+)"', page)

    assert office.get(link.replace("&amp;", "&")).context["cl"].result_count == 1


def test_before_the_first_night_the_figures_say_that_there_is_nothing(office):
    assert office.get("/admin/figures/").content.decode().count("Inget ännu.") == 5


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (None, "–"),
        (timedelta(seconds=1.7), "2 s"),
        (timedelta(seconds=179), "179 s"),
        (timedelta(minutes=48), "48 min"),
        (timedelta(hours=5, minutes=2), "5 h 2 min"),
    ],
)
def test_a_length_is_said_in_what_people_count_it_in(length, words):
    assert figures.spell(length) == words


@pytest.mark.parametrize(("hours", "unit"), [(0.01, "sekunder"), (1, "minuter"), (6, "timmar")])
def test_nights_are_drawn_in_a_unit_that_fits_the_longest(office, hours, unit):
    now = timezone.now()
    RunFactory(started_at=now - timedelta(hours=hours), ended_at=now, deadline=now + timedelta(hours=1))

    assert f"Hur lång tid varje natt tog, i {unit}" in office.get("/admin/figures/").content.decode()

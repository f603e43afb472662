"""What everybody can read of the service: notices, releases, documents; and what staff may write there."""

import json
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from lxml import etree

from lefi.audit.models import AuditEvent
from lefi.service import views
from lefi.service.models import ServiceNotice
from lefi.service.releases import releases
from tests.factories import ServiceNoticeFactory, identity_number

pytestmark = pytest.mark.django_db
Kind = ServiceNotice.Kind
NOW = timezone.now()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ADMIN = "/admin/service/servicenotice/"
ATOM = "{http://www.w3.org/2005/Atom}"


def written(**changed) -> dict[str, str]:
    """A notice as the form in the admin sends it."""
    said = {
        "kind": "disturbance",
        "title_sv": "API:et svarar långsamt",
        "title_en": "The API is slow",
        "text_sv": "Vi söker felet.",
        "text_en": "We are looking for the fault.",
        "begins_at_0": "2026-11-29",
        "begins_at_1": "08:00",
        "ends_at_0": "",
        "ends_at_1": "",
    }
    return said | changed


@pytest.mark.parametrize(
    ("kind", "begins", "ends", "interrupts", "planned", "topical", "shown"),
    [
        (Kind.DISTURBANCE, -HOUR, None, True, False, True, True),
        (Kind.DISTURBANCE, -40 * DAY, None, True, False, True, True),
        (Kind.DISTURBANCE, -HOUR, HOUR, True, False, True, True),
        (Kind.DISTURBANCE, -2 * HOUR, -HOUR, False, False, False, True),
        (Kind.STOP, 6 * DAY, 6 * DAY + HOUR, False, True, True, True),
        (Kind.STOP, -HOUR, HOUR, True, False, True, True),
        (Kind.STOP, -2 * HOUR, -HOUR, False, False, False, True),
        (Kind.NEWS, -HOUR, None, False, False, True, True),
        (Kind.NEWS, -15 * DAY, None, False, False, False, True),
        (Kind.NEWS, HOUR, None, False, False, False, False),
        (Kind.RELEASE, -15 * DAY, DAY, False, False, True, True),
    ],
)
def test_a_notice_is_shown_where_and_while_it_matters(kind, begins, ends, interrupts, planned, topical, shown):
    ServiceNoticeFactory(kind=kind, begins_at=NOW + begins, ends_at=None if ends is None else NOW + ends)
    notices = ServiceNotice.objects

    found = [notices.interrupting(NOW), notices.planned(NOW), notices.topical(NOW), notices.shown(NOW)]

    assert [rows.exists() for rows in found] == [interrupts, planned, topical, shown]


@pytest.mark.parametrize(("kind", "ends"), [(Kind.DISTURBANCE, NOW), (Kind.DISTURBANCE, NOW - HOUR), (Kind.STOP, None)])
def test_a_notice_ends_after_it_begins_and_a_planned_stop_has_an_end(kind, ends):
    with pytest.raises(IntegrityError), transaction.atomic():
        ServiceNoticeFactory(kind=kind, begins_at=NOW, ends_at=ends)


def test_staff_write_a_notice_in_both_languages_and_it_is_logged(client, staff):
    client.force_login(staff)

    client.post(f"{ADMIN}add/", written())

    notice = ServiceNotice.objects.get()
    event = AuditEvent.objects.get(object_type="service.servicenotice")
    assert (notice.published_by, notice.published_at) == (staff, notice.changed_at)
    assert (event.actor, event.action, event.object_id) == (staff, "create", str(notice.pk))
    assert "API:et svarar långsamt" in client.get("/service/status/").content.decode()


def test_a_disturbance_is_given_an_end_and_who_told_it_stands(client, staff):
    told = ServiceNoticeFactory(kind=Kind.DISTURBANCE)
    client.force_login(staff)

    client.post(f"{ADMIN}{told.pk}/change/", written(ends_at_0="2026-11-29", ends_at_1="09:00"))

    notice = ServiceNotice.objects.get()
    assert notice.ends_at is not None
    assert notice.published_by == told.published_by
    assert notice.changed_at > notice.published_at
    assert AuditEvent.objects.get(object_type="service.servicenotice").action == "change"


def test_what_was_told_is_never_deleted(client, staff):
    client.force_login(staff)

    assert client.post(f"{ADMIN}{ServiceNoticeFactory().pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"title_sv": f"Fel för {identity_number(1)}"}, "title_sv"),
        ({"text_en": f"A fault for {identity_number(1)}"}, "text_en"),
        ({"title_en": ""}, "title_en"),
        ({"kind": "stop"}, "begins_at"),
        ({"ends_at_0": "2026-11-28", "ends_at_1": "08:00"}, "__all__"),
    ],
)
def test_a_notice_that_is_not_fit_for_everybody_is_refused_at_its_field(client, staff, changed, field):
    client.force_login(staff)

    answer = client.post(f"{ADMIN}add/", written(**changed))

    assert field in answer.context["adminform"].form.errors
    assert not ServiceNotice.objects.exists()


def test_a_planned_stop_is_told_as_many_days_ahead_as_is_promised(client, staff, settings):
    settings.PLANNED_STOP_NOTICE_DAYS = 3
    begins = timezone.localtime() + timedelta(days=3, minutes=5)
    day, time = f"{begins:%Y-%m-%d}", f"{begins:%H:%M}"
    said = written(kind="stop", begins_at_0=day, begins_at_1=time, ends_at_0=f"{begins + DAY:%Y-%m-%d}", ends_at_1=time)
    client.force_login(staff)

    client.post(f"{ADMIN}add/", said)

    assert ServiceNotice.objects.get().kind == Kind.STOP
    assert ">3 dagar" in client.get("/service/promises/").content.decode().replace("minst ", ">")


def test_who_is_no_staff_writes_nothing(client, member):
    client.force_login(member.user)

    assert client.post(f"{ADMIN}add/", written()).status_code in (302, 403)
    assert not ServiceNotice.objects.exists()


def test_a_notice_is_read_in_the_readers_language(client):
    notice = ServiceNoticeFactory()

    assert "Nytt på sidorna" in client.get(notice.get_absolute_url()).content.decode()
    english = client.get(notice.get_absolute_url(), headers={"Accept-Language": "en"}).content.decode()
    assert "New on the pages" in english and "This is how it is now." in english


def test_a_notice_that_has_not_begun_is_nowhere(client):
    notice = ServiceNoticeFactory(begins_at=timezone.now() + HOUR)

    assert client.get(notice.get_absolute_url()).status_code == 404
    assert notice.title_sv not in client.get("/service/notices/").content.decode()


@pytest.mark.parametrize(("language", "title"), [("sv", "Nyhet: Nytt på sidorna"), ("en", "News: New on the pages")])
def test_notices_are_a_feed_in_each_language(client, language, title):
    notice = ServiceNoticeFactory()

    answer = client.get(f"/service/notices/{language}.atom")

    feed = etree.fromstring(answer.content)
    assert answer["Content-Type"].startswith("application/atom+xml")
    assert feed.get("{http://www.w3.org/XML/1998/namespace}lang") == language
    assert [one.text for one in feed.iter(f"{ATOM}title")][1:] == [title]
    assert feed.find(f"{ATOM}entry/{ATOM}link").get("href").endswith(notice.get_absolute_url())
    assert "anna" not in answer.content.decode()  # who told it is nobody's business


def test_there_is_no_feed_in_other_languages(client):
    assert client.get("/service/notices/de.atom").status_code == 404


@pytest.mark.parametrize("language", ["sv", "en"])
def test_every_release_says_what_customers_have_to_do(client, language):
    found = releases(language)

    days = [str(one.day or "9999") for one in found]
    assert days == sorted(days, reverse=True)
    assert all(one.title and one.news and one.to_do for one in found)
    page = client.get("/service/releases/", headers={"Accept-Language": language}).content.decode()
    assert all(one.title in page for one in found)
    assert all(str(one.day) in page for one in found if one.day)


@pytest.mark.parametrize("name", views.FILES)
def test_every_file_to_take_home_is_there_as_it_is(client, name):
    answer = client.get(f"/service/technical/files/{name}")

    assert b"".join(answer.streaming_content) == (views.DOCS / name).read_bytes()
    assert answer["Content-Type"].endswith("charset=utf-8")
    assert f"/service/technical/files/{name}" in client.get("/service/technical/").content.decode()


@pytest.mark.parametrize("name", ["law.md", "../README.md", "..%2FREADME.md", "proof.md"])
def test_no_other_file_is_given_out(client, name):
    assert client.get(f"/service/technical/files/{name}").status_code == 404


def test_links_between_the_documents_lead_to_what_is_given_out():
    """But for what is written for those who run the system."""
    ours = {"proof.md", "performance.md", "import.md", "law.md", "night.md", "openapi.yaml"}
    for name in views.FILES:
        if name.endswith(".md"):
            text = (views.DOCS / name).read_text(encoding="utf-8")
            links = {link for link in re.findall(r"\]\(([^)#:]+)\)", text) if not link.startswith("schema/")}
            assert links - ours - views.FILES.keys() == set(), name


@pytest.mark.parametrize("url", ["/service/promises/", "/service/about/"])
def test_figures_are_those_that_the_system_keeps_to(client, settings, url):
    settings.NIGHT_STARTS = settings.NIGHT_STARTS.replace(hour=21, minute=17)

    assert "21:17" in client.get(url).content.decode()


def test_whom_to_turn_to_is_a_setting(client, settings):
    settings.CONTACT = {"email": "partner@example.org", "phone": "010-1", "hours": "09:00–15:00"}

    for url in ("/service/contact/", "/service/promises/"):
        page = client.get(url).content.decode()
        assert "partner@example.org" in page and "010-1" in page and "09:00–15:00" in page
    assert "mailto:partner@example.org" in client.get("/service/accessibility/").content.decode()


def test_the_accessibility_statement_says_what_the_act_asks_for(client):
    page = client.get("/service/accessibility/").content.decode()

    for said in ("Försäkringskassan", "delvis förenlig", "2018:1937", "mailto:", "https://www.digg.se/tdosanmalan"):
        assert said in page
    assert len(re.findall(r"\d{4}-\d\d-\d\d", page)) == 2  # assessed, updated
    assert "självskattning" in page


@pytest.mark.parametrize("path", ["accessibility", "privacy", "contact", "about", "recipients", "status"])
def test_every_page_leads_to_the_pages_about_itself(client, path):
    assert f'href="/service/{path}/"' in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize("url", ["/service/notices/", "/service/releases/", "/service/about/"])
def test_the_pages_ask_few_questions_however_much_is_told(client, url, django_assert_max_num_queries):
    ServiceNoticeFactory.create_batch(30, kind=Kind.RELEASE)

    with django_assert_max_num_queries(3):
        client.get(url)


def test_both_languages_are_complete_in_the_releases():
    for one in json.loads((views.DOCS.parent / "lefi/service/releases.json").read_text(encoding="utf-8")):
        texts = [one["title"], one["to_do"], *one["news"]]
        assert all(text.keys() == {"sv", "en"} and all(text.values()) for text in texts)


def test_a_notice_is_called_by_its_title():
    with translation.override(settings.LANGUAGE_CODE):
        assert str(ServiceNoticeFactory()) == "Nytt på sidorna"

"""The menu of the admin: by the work that pages belong to, on each of them, with what the reader may open."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, Permission
from django.urls import reverse

from lefi import navigation
from tests.factories import CustomerFactory, PersonFactory, RunFactory, UserFactory


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def menu_of(response) -> str:
    """The menu alone, of a page."""
    return re.search(r'<nav class="menu".*?</nav>', response.content.decode(), re.DOTALL)[0]


def of_the_staff(*codenames):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def test_every_page_of_the_admin_has_one_place_in_the_menu():
    named = [label for group in navigation.GROUPS for label in navigation._labels(group) if label]
    registered = {model._meta.label for model in admin.site._registry}

    assert registered - set(named) == set(), "Name the page in lefi.navigation.GROUPS, by the work it belongs to."
    assert len(named) == len(set(named))
    assert set(named) <= registered
    assert set(navigation.SHORTCUTS) <= registered


def test_a_page_that_no_group_names_stands_last():
    page = {"name": "Nyheter", "admin_url": "/admin/nyheter/"}

    groups = navigation.menu({"nytt.Nyhet": page}, user=AnonymousUser(), path="/")

    assert [one["name"] for one in groups[-1]["models"]] == ["Nyheter"]
    assert groups[-1]["app_label"] == "other"


@pytest.mark.django_db
def test_the_menu_holds_all_that_there_is_for_who_has_every_right(office):
    page = menu_of(office.get("/admin/subscriptions/customer/"))

    for model in admin.site._registry:
        name = "search" if model._meta.label == "benefits.Person" else "changelist"
        assert reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}") in page
    assert reverse("registers") in page
    assert reverse("admin:subscriptions_protected_queue") in page


@pytest.mark.django_db
def test_the_menu_holds_only_what_the_reader_may_open(client):
    client.force_login(of_the_staff("view_run"))

    page = menu_of(client.get("/admin/deliveries/run/"))

    assert set(re.findall(r'href="(/admin/[^"]+)"', page)) == {
        "/admin/deliveries/run/",
        "/admin/deliveries/run/plan/",
        "/admin/figures/",
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/admin/deliveries/run/", "page"),
        ("/admin/deliveries/run/{run}/change/", "true"),
        ("/admin/deliveries/run/?status__exact=done", "page"),
    ],
)
def test_the_menu_marks_where_the_reader_is(office, path, here):
    page = menu_of(office.get(path.format(run=RunFactory().pk)))

    marked = set(re.findall(r'href="([^"]+)" aria-current="([^"]+)"', page))
    assert marked == {("/admin/deliveries/run/", here)}
    assert re.findall(r'class="menu__here">([^<]+)<', page) == ["Natten"]


@pytest.mark.django_db
def test_of_two_pages_one_below_the_other_the_lower_is_marked(office):
    queue = reverse("admin:subscriptions_protected_queue")

    page = menu_of(office.get(queue))

    assert set(re.findall(r'href="([^"]+)" aria-current', page)) == {queue}


@pytest.mark.django_db
def test_a_window_of_its_own_has_no_menu(office):
    assert 'class="menu"' not in office.get("/admin/subscriptions/customer/?_popup=1").content.decode()


@pytest.mark.django_db
def test_the_page_of_an_app_lists_what_belongs_to_it(office, client):
    page = office.get("/admin/benefits/").content.decode().partition('id="content-main"')[2]

    assert "/admin/benefits/import/" in page
    assert "/admin/deliveries/run/" not in page
    client.force_login(of_the_staff("view_run"))
    assert client.get("/admin/benefits/").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("sv", ["Andra faktorer", "Pågående inloggningar", "Registrerade system"]),
        ("en", ["Second factors", "Logins in use", "Registered systems"]),
    ],
)
def test_what_libraries_bring_is_called_in_the_readers_language(office, language, names):
    page = menu_of(office.get("/admin/", headers={"accept-language": language}))

    assert all(name in page for name in names)
    assert not re.search("Django OAuth|Authenticators|User sessions", page)


def trail_of(response) -> tuple[list[str], str]:
    """The addresses of the way to a page, and the words of the whole of it."""
    trail = re.search(r'<div class="breadcrumbs">(.*?)</div>', response.content.decode(), re.DOTALL)[1]
    return re.findall(r'href="([^"]+)"', trail), " ".join(re.sub(r"<[^>]+>", "", trail).split())


@pytest.mark.django_db
def test_the_way_to_a_page_goes_as_the_menu_does(office):
    run = RunFactory()
    runs = reverse("admin:deliveries_run_changelist")

    assert trail_of(office.get(runs)) == (["/admin/"], "Att göra › Natten › Körningar")
    addresses, words = trail_of(office.get(reverse("admin:deliveries_run_change", args=[run.pk])))
    assert addresses == ["/admin/", runs]
    assert words == f"Att göra › Natten › Körningar › nattlig {run.day}"
    addresses, words = trail_of(office.get(reverse("admin:deliveries_run_plan")))
    assert (addresses, words) == (["/admin/"], "Att göra › Natten › Plan för nätterna")


@pytest.mark.django_db
def test_the_way_to_what_is_done_with_a_row_goes_over_the_row(office):
    customer = CustomerFactory()
    row = reverse("admin:subscriptions_customer_change", args=[customer.pk])

    addresses, words = trail_of(office.get(reverse("admin:subscriptions_customer_stop", args=[customer.pk])))

    assert addresses == ["/admin/", reverse("admin:subscriptions_customer_changelist"), row]
    assert words == f"Att göra › Kunder och anslutning › Kunder › {customer} › Stoppa en kund"


@pytest.mark.django_db
def test_a_page_about_a_person_is_below_the_search(office):
    page = office.get(reverse("admin:benefits_person_change", args=[PersonFactory().pk]))

    addresses, words = trail_of(page)
    assert addresses == ["/admin/", reverse("admin:benefits_person_search")]
    assert words.startswith("Att göra › Skydd och granskning › Sök en person › ")
    assert 'aria-current="true">Sök en person' in menu_of(page)

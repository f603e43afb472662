"""The pages about a person: found by a posted number and a reason, opened under a token, logged."""

import logging
from datetime import timedelta

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from benefits.admin import AboutAPerson
from benefits.models import Protection
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import KEY, open_person
from tests.factories import (
    BenefitPeriodFactory,
    ClosingProposalFactory,
    ConsentFactory,
    DebtFactory,
    DisclosureFactory,
    HoldLiftFactory,
    ImportFactory,
    LeftAsItIsFactory,
    LegalHoldFactory,
    OrderLineFactory,
    PendingFactory,
    PersonFactory,
    PersonFactsFactory,
    PersonReportFactory,
    ProtectedReleaseFactory,
    SpontaneousDisclosureFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db
SEARCH = "/admin/benefits/person/search/"
REASON = "Ärende 2026-17"


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def search(client, number, reason=REASON, **kwargs):
    return client.post(SEARCH, {"number": number, "reason": reason}, **kwargs)


def events():
    return list(AuditEvent.objects.order_by("id").values_list("action", "person_id", "reason"))


def with_rights(*codenames):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


def test_a_person_is_found_by_number_and_reason_and_both_steps_are_logged(office):
    person = PersonFactory()

    response = search(office, person.first_number, follow=True)

    assert response.status_code == 200
    assert "Karin Testsson" in response.content.decode()
    assert events() == [("search", person.pk, REASON), ("read", person.pk, REASON)]


@pytest.mark.parametrize("form", ["{}", "{:.8}-{}", "short"])
def test_the_number_may_be_written_in_any_form(office, form):
    number = PersonFactory().first_number
    written = {"{}": number, "{:.8}-{}": f"{number[:8]}-{number[8:]}", "short": number[2:]}[form]

    assert search(office, written).status_code == 302


def test_an_earlier_number_finds_the_person_too(office):
    person = PersonFactory()
    person.numbers.update(current=False)

    assert search(office, person.first_number).status_code == 302


@pytest.mark.parametrize("reason", ["", "   ", "x"])
def test_a_search_without_a_reason_finds_nothing_and_looks_nothing_up(office, reason):
    response = search(office, PersonFactory().first_number, reason)

    assert response.status_code == 200
    assert response.context["form"].errors.keys() == {"reason"}
    assert events() == []


def test_a_reason_that_names_the_person_is_refused(office):
    number = PersonFactory().first_number

    response = search(office, number, f"Gäller {number}")

    assert response.context["form"].errors.keys() == {"reason"}


def test_what_is_no_identity_number_is_said_to_be_none(office):
    response = search(office, "199001010000")

    assert response.context["form"].errors.keys() == {"number"}
    assert events() == []


def test_an_unknown_number_is_said_to_be_unknown_and_the_search_is_logged(office):
    response = search(office, "199001012385")

    assert response.status_code == 200
    assert response.context["form"].errors.keys() == {"number"}
    assert events() == [("search", None, REASON)]


def test_no_address_log_line_or_logged_event_holds_the_number(office, caplog):
    person = PersonFactory()
    number = person.first_number

    with caplog.at_level(logging.DEBUG):
        response = search(office, number, follow=True)

    addresses = [SEARCH, *(address for address, _ in response.redirect_chain)]
    logged = [str(row) for row in AuditEvent.objects.values()]
    assert not [text for text in [*addresses, *logged, caplog.text] if number in text or number[2:] in text]


def test_the_page_shows_of_the_number_only_the_year(office):
    person = PersonFactory()

    content = search(office, person.first_number, follow=True).content.decode()

    assert f"{person.first_number[:4]}••••-••••" in content
    assert person.first_number[2:] not in content


def test_a_search_is_never_carried_out_by_an_address(office):
    response = office.get(SEARCH, {"number": PersonFactory().first_number, "reason": REASON})

    assert response.status_code == 200
    assert events() == []


def test_a_token_is_good_in_its_own_session_only(office, staff):
    page = search(office, PersonFactory().first_number).url
    other = Client()
    other.force_login(staff)

    assert office.get(page).status_code == 200
    assert other.get(page).status_code == 404


def test_a_token_grows_old(office):
    person = PersonFactory()
    session = office.session
    then = timezone.now() - timedelta(minutes=31)
    token = open_person(session, person_id=person.pk, reason=REASON, at=then)
    session.save()

    assert office.get(reverse("admin:benefits_person_page", args=[token])).status_code == 404


def test_old_tokens_leave_the_session(office):
    session = office.session
    for minutes in (90, 60, 0):
        at = timezone.now() - timedelta(minutes=minutes)
        open_person(session, person_id=1, reason=REASON, at=at)

    assert len(session[KEY]) == 1


def test_each_reading_of_the_page_is_logged(office):
    page = search(office, PersonFactory().first_number).url

    office.get(page)
    office.get(page)

    assert [action for action, _, _ in events()] == ["search", "read", "read"]


def test_there_is_no_list_of_persons(office):
    response = office.get("/admin/benefits/person/")

    assert (response.status_code, response.url) == (302, SEARCH)


def test_the_page_needs_the_right_to_see_persons(client, db):
    client.force_login(with_rights("view_watch"))

    assert client.get(SEARCH).status_code == 403
    assert search(client, PersonFactory().first_number).status_code == 403


@pytest.mark.parametrize("protection", [Protection.MARKED, Protection.REGISTRATION])
def test_a_protected_person_is_opened_only_with_the_right_to_it_and_the_attempt_is_logged(client, protection):
    person = PersonFactory(known__protection=protection)
    client.force_login(with_rights("view_person"))

    response = search(client, person.first_number, follow=True)

    assert response.status_code == 403
    assert "Karin Testsson" not in response.content.decode()
    assert AuditEvent.objects.get(action="read").details == {"withheld": True}


ABOUT_A_PERSON = {
    "benefits_benefitperiod": lambda: BenefitPeriodFactory(person=protected()),
    "benefits_leftasitis": lambda: LeftAsItIsFactory(person=protected()),
    "deliveries_closingproposal": lambda: ClosingProposalFactory(watch__person=protected()),
    "deliveries_debt": lambda: DebtFactory(watch__person=protected()),
    "deliveries_disclosure": lambda: DisclosureFactory(watch__person=protected()),
    "deliveries_holdlift": lambda: HoldLiftFactory(hold__person=protected(), hold__everything=False),
    "deliveries_legalhold": lambda: LegalHoldFactory(person=protected(), everything=False),
    "deliveries_personreport": lambda: PersonReportFactory(person=protected()),
    "deliveries_spontaneousdisclosure": lambda: SpontaneousDisclosureFactory(person=protected()),
    "subscriptions_consent": lambda: ConsentFactory(person=protected(), examination="waiting"),
    "subscriptions_orderline": lambda: OrderLineFactory(watch__person=protected()),
    "subscriptions_pending": lambda: PendingFactory(watch__person=protected()),
    "subscriptions_protectedrelease": lambda: ProtectedReleaseFactory(watch__person=protected()),
    "subscriptions_watch": lambda: WatchFactory(person=protected()),
}
PAGES = [
    *((name, "change") for name in ABOUT_A_PERSON),
    *(("subscriptions_consent", step) for step in ("accept", "refuse", "withdraw")),
    *(("deliveries_holdlift", step) for step in ("approve", "drop")),
    *(("deliveries_personreport", step) for step in ("approve", "drop", "withhold", "give")),
    *(("deliveries_spontaneousdisclosure", step) for step in ("approve", "drop")),
    *(("subscriptions_protectedrelease", step) for step in ("approve", "drop", "withdraw")),
]


def protected():
    return PersonFactory(known__protection=Protection.MARKED)


def test_every_row_about_a_person_is_in_the_table():
    named = {
        f"{model._meta.app_label}_{model._meta.model_name}"
        for model, one in site._registry.items()
        if isinstance(one, AboutAPerson)
    }

    assert named == ABOUT_A_PERSON.keys()


@pytest.mark.parametrize(("name", "view"), PAGES)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_row_about_a_protected_person_is_withheld_like_the_persons_page_and_the_attempt_is_logged(
    client, name, view, method
):
    row = ABOUT_A_PERSON[name]()
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename="view_protected"))
    person_id = row.watch.person_id if name.endswith(("closingproposal", "orderline", "pending")) else row.person_id
    address = reverse(f"admin:{name}_{view}", args=[row.pk])
    client.force_login(user)
    session = client.session
    open_person(session, person_id=person_id, reason=REASON, at=timezone.now())
    session.save()

    response = getattr(client, method)(address, {"reason": "Prövat i ärendet."})

    assert response.status_code == 403
    assert response.templates[0].name == "admin/benefits/person/withheld.html"
    event = AuditEvent.objects.get()
    assert (event.action, event.person_id, event.details) == ("read", person_id, {"withheld": True})
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    session = client.session
    open_person(session, person_id=person_id, reason=REASON, at=timezone.now())
    session.save()
    assert client.get(address).status_code == 200


@pytest.mark.parametrize("name", ABOUT_A_PERSON)
def test_a_list_shows_no_more_than_the_masked_number_of_a_protected_person(office, name):
    row = ABOUT_A_PERSON[name]()
    person = getattr(row, "watch", getattr(row, "hold", row)).person

    page = office.get(reverse(f"admin:{name}_changelist")).content.decode()

    for said in (person.first_number, person.first_number[2:], person.first_number[4:8], "Karin"):
        assert said not in page


def test_who_has_the_right_sees_the_protection_at_the_top(client):
    person = PersonFactory(known__protection=Protection.MARKED)
    client.force_login(with_rights("view_person", "view_protected"))

    response = search(client, person.first_number, follow=True)

    assert response.status_code == 200
    assert response.context["protection"] == Protection.MARKED.label


def test_a_person_who_is_protected_no_longer_is_opened_like_any_other(client):
    person = PersonFactory(known__protection=Protection.MARKED, known__withdrawn_in=2)
    PersonFactsFactory(person=person, recorded_in=2)
    client.force_login(with_rights("view_person"))

    assert search(client, person.first_number, follow=True).status_code == 200


def test_the_page_shows_what_stands_and_what_was_taken_away_with_the_imports(office):
    person = PersonFactory()
    ImportFactory(number=7)
    stands = BenefitPeriodFactory(person=person, recorded_in=7)
    gone = BenefitPeriodFactory(person=person, recorded_in=3, withdrawn_in=7)
    BenefitPeriodFactory()

    response = search(office, person.first_number, follow=True)

    assert {period for *_, period in response.context["periods"]} == {stands, gone}
    assert [bar.live for bar in response.context["timeline"].bars].count(False) == 1
    assert "/admin/benefits/import/?number=7" in response.content.decode()


def test_the_page_shows_who_watches_and_who_was_told(office):
    disclosure = DisclosureFactory()
    DisclosureFactory()

    content = search(office, disclosure.person.first_number, follow=True).content.decode()

    for row in (disclosure, disclosure.watch, disclosure.delivery, disclosure.customer):
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
        assert f'"{reverse(name, args=[row.pk])}"' in content


def test_the_cost_of_the_page_does_not_grow_with_what_is_known(office, django_assert_max_num_queries):
    person = PersonFactory()
    for _ in range(10):
        BenefitPeriodFactory(person=person)
        DisclosureFactory(person=person)
        WatchFactory(person=person)
    page = search(office, person.first_number).url

    with django_assert_max_num_queries(17):
        answer = office.get(page)

    assert len(answer.context["periods"]) == 10


@pytest.mark.parametrize("factory", [BenefitPeriodFactory, WatchFactory, DisclosureFactory, ConsentFactory])
def test_a_row_about_a_person_is_opened_after_a_reason_and_each_reading_is_logged(office, factory):
    row = factory()
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])

    asked = office.get(address, follow=True)
    back = office.post(asked.redirect_chain[-1][0], {"reason": REASON, "next": address}, follow=True)

    assert asked.redirect_chain[-1][0].startswith(f"/admin/benefits/person/{row.person_id}/change/")
    assert back.redirect_chain == [(address, 302)]
    assert back.status_code == 200
    assert events() == [("read", row.person_id, REASON)]


@pytest.mark.parametrize("factory", [BenefitPeriodFactory, WatchFactory, DisclosureFactory, ConsentFactory])
def test_a_list_of_one_persons_rows_is_shown_after_a_reason_and_logged_as_read(office, factory):
    row = factory()
    label = f"{row._meta.app_label}_{row._meta.model_name}"
    address = f"{reverse(f'admin:{label}_changelist')}?person={row.person_id}"

    asked = office.get(address, follow=True)
    back = office.post(asked.redirect_chain[-1][0], {"reason": REASON, "next": address}, follow=True)

    assert asked.redirect_chain[-1][0].startswith(f"/admin/benefits/person/{row.person_id}/change/")
    assert (back.redirect_chain, back.status_code) == ([(address, 302)], 200)
    assert events() == [("read", row.person_id, REASON)]


BY_A_WATCH = {
    OrderLineFactory: "view_orderline",
    PendingFactory: "view_pending",
    DebtFactory: "view_debt",
    ClosingProposalFactory: "view_closingproposal",
    ProtectedReleaseFactory: "view_protectedrelease",
    DisclosureFactory: "view_disclosure",
}


def by_watch(factory) -> tuple[str, int]:
    """The address of a list narrowed by a watch, and whom the watch is about."""
    watch = WatchFactory()
    row = factory(watch=watch)
    label = f"{row._meta.app_label}_{row._meta.model_name}"
    return f"{reverse(f'admin:{label}_changelist')}?watch={watch.pk}", watch.person_id


@pytest.mark.parametrize("factory", BY_A_WATCH)
def test_a_list_of_a_watchs_rows_is_one_of_its_person_and_logged_as_read(office, factory):
    address, person = by_watch(factory)

    asked = office.get(address)
    back = office.post(asked.url, {"reason": REASON, "next": address}, follow=True)

    assert asked.url.startswith(f"/admin/benefits/person/{person}/change/")
    assert (back.redirect_chain, back.status_code) == ([(address, 302)], 200)
    assert events() == [("read", person, REASON)]


def listed(model, **asked) -> str:
    return reverse(f"admin:{model}_changelist", query=asked)


def of_one_person(what):
    """The address of a list that is narrowed or searched to one person's rows, though by no person, and who that is."""
    others = [OrderLineFactory().watch for _ in range(2)]
    watch = WatchFactory()
    for one in (watch, *others):
        DisclosureFactory(watch=one)
    line = OrderLineFactory(watch=watch)
    addresses = {
        "order": listed("subscriptions_orderline", order=line.order_id),
        "delivery": listed("deliveries_disclosure", delivery=watch.disclosures.get().delivery_id),
    }
    return addresses[what], watch.person_id


def test_the_top_of_a_persons_page_leads_to_the_questions_at_its_foot(office):
    page = search(office, PersonFactory().first_number, follow=True).content.decode()

    for anchor in ("why", "knew"):
        assert page.index(f'href="#{anchor}"') < page.index("<table") < page.index(f'id="{anchor}"')


each_way = pytest.mark.parametrize("what", ["order", "delivery"])


@each_way
def test_a_list_that_comes_down_to_one_person_is_one_of_that_person_and_logged_as_read(office, what):
    address, person = of_one_person(what)

    asked = office.get(address)
    back = office.post(asked.url, {"reason": REASON, "next": address}, follow=True)

    assert asked.url.startswith(f"/admin/benefits/person/{person}/change/")
    assert (back.redirect_chain, back.status_code) == ([(address, 302)], 200)
    assert events() == [("read", person, REASON)]


@each_way
def test_who_may_not_read_about_persons_gets_a_list_that_comes_down_to_one_without_whom_it_is_about(client, what):
    address, person = of_one_person(what)
    client.force_login(with_rights("view_orderline", "view_disclosure", "view_watch"))

    answer = client.get(address)

    assert answer.status_code == 200
    assert f"/admin/benefits/person/{person}/" not in answer.content.decode()
    assert not AuditEvent.objects.exists()


def test_an_order_s_lines_that_are_about_more_than_one_ask_for_no_reason(office):
    line = OrderLineFactory(watch=WatchFactory())
    OrderLineFactory(order=line.order, line=2, watch=WatchFactory())

    assert office.get(listed("subscriptions_orderline", order=line.order_id)).status_code == 200
    assert not AuditEvent.objects.exists()


def test_a_refused_line_is_about_whoever_holds_its_number(office):
    person = PersonFactory()
    line = OrderLineFactory(watch=None, number=person.first_number)

    asked = office.get(listed("subscriptions_orderline", order=line.order_id))

    assert asked.url.startswith(f"/admin/benefits/person/{person.pk}/change/")


def test_a_list_that_nothing_narrows_asks_for_no_reason_though_it_holds_one_person_s_rows(office):
    OrderLineFactory(watch=WatchFactory())

    assert office.get(listed("subscriptions_orderline")).status_code == 200
    assert not AuditEvent.objects.exists()


def test_a_list_of_a_protected_persons_watch_is_withheld_too(client):
    watch = OrderLineFactory(watch=WatchFactory(person=protected())).watch
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename="view_protected"))
    client.force_login(user)
    session = client.session
    open_person(session, person_id=watch.person_id, reason=REASON, at=timezone.now())
    session.save()

    assert client.get(f"{reverse('admin:subscriptions_orderline_changelist')}?watch={watch.pk}").status_code == 403


@pytest.mark.parametrize(("factory", "right"), BY_A_WATCH.items())
def test_who_may_not_read_about_persons_gets_a_watchs_rows_without_whom_they_are_about(client, factory, right):
    address, person = by_watch(factory)
    client.force_login(with_rights(right))

    whole, answer = client.get(address.partition("?")[0]), client.get(address)

    assert answer.status_code == whole.status_code
    assert f"/admin/benefits/person/{person}/" not in answer.content.decode()
    assert not AuditEvent.objects.exists()


def test_a_list_by_a_watch_that_is_none_asks_for_no_reason(office):
    assert office.get(f"{reverse('admin:deliveries_debt_changelist')}?watch=ingen").status_code in (200, 302)


@pytest.mark.parametrize("written", ["{0}&person={1}", "{1}&person={0}", "%20{0}&person=%20{1}"])
def test_a_list_of_several_persons_asks_why_of_each(office, written):
    asked, other = WatchFactory(), WatchFactory()
    session = office.session
    open_person(session, person_id=asked.person_id, reason=REASON, at=timezone.now())
    session.save()
    address = reverse("admin:subscriptions_watch_changelist")

    answer = office.get(f"{address}?person={written.format(asked.person_id, other.person_id)}")

    assert answer.status_code == 302
    assert answer.url.startswith(f"/admin/benefits/person/{other.person_id}/change/")


def test_a_list_of_a_protected_persons_rows_is_withheld_like_the_persons_page(client):
    row = DisclosureFactory(watch__person=protected())
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.exclude(codename="view_protected"))
    client.force_login(user)
    session = client.session
    open_person(session, person_id=row.person_id, reason=REASON, at=timezone.now())
    session.save()

    assert client.get(f"{reverse('admin:deliveries_disclosure_changelist')}?person={row.person_id}").status_code == 403

    event = AuditEvent.objects.get()
    assert (event.action, event.person_id, event.details) == ("read", row.person_id, {"withheld": True})


def test_who_may_not_read_about_persons_narrows_no_list_to_one(client):
    row = DisclosureFactory()
    client.force_login(with_rights("view_disclosure"))
    address = reverse("admin:deliveries_disclosure_changelist")

    assert client.get(address).status_code == 200
    assert client.get(f"{address}?person={row.person_id}").status_code == 403


def test_a_persons_page_that_is_none_is_not_there(office):
    assert office.get("/admin/benefits/person/ingen/change/").status_code in (302, 404)


def test_the_way_back_never_leaves_the_site(office):
    person = PersonFactory()
    address = reverse("admin:benefits_person_change", args=[person.pk])

    response = office.post(address, {"reason": REASON, "next": "https://example.com/"})

    assert response.url.startswith("/admin/benefits/person/")


def test_the_content_of_a_period_is_shown_in_words_and_without_numbers_of_others(office):
    period = BenefitPeriodFactory(
        section="generellPersoninformation",
        content='{"namn": "Karin Testsson", "barn": [{"personnummer": "201501012384", "namn": "Bo"}]}',
    )
    search(office, period.person.first_number)

    content = office.get(f"/admin/benefits/benefitperiod/{period.pk}/change/").content.decode()

    assert "Karin Testsson" in content
    assert "201501012384" not in content

"""What a person is told of who was told what: every recipient by name, and only after two of the staff have seen it."""

import json
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from benefits.models import Person, Protection
from deliveries import personreport, services
from deliveries.models import Delivery, Disclosure, PersonReport, SpontaneousDisclosure
from lefi import foureyes
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from lefi.foureyes import NotApproved
from lefi.reasons import ReasonRefused
from subscriptions.models.orders import OrderKind
from tests.factories import (
    AT,
    BASIS,
    AgentFactory,
    ConsentFactory,
    DeliveryFactory,
    DisclosureFactory,
    LegalBasisFactory,
    OrderFactory,
    OrderLineFactory,
    PersonFactory,
    PersonReportFactory,
    PurgedFactory,
    SpontaneousDisclosureFactory,
    StoredDecisionFactory,
    UserFactory,
    WatchFactory,
    identity_number,
)
from tests.histories.sources import SJP, sickness
from tests.histories.world import World

CASES = "sjukpenningarende"
REASON = "Begäran om registerutdrag 2026-17"
GROUND = "OSL (2009:400) 21 kap. 3 §"
DIGEST = {CASES: "1" * 64}


def make(person: Person, *, by=None, at=AT, with_values: bool = False) -> PersonReport:
    return personreport.make_report(
        person=person,
        requested_on=date(2026, 11, 20),
        reference="DNR 2026-17",
        with_values=with_values,
        by=by or UserFactory(),
        at=at,
    )


def approve(report: PersonReport, by=None) -> dict:
    personreport.approve_report(report=report, by=by or UserFactory(), at=AT, reason=REASON)
    report.refresh_from_db()
    return personreport.readable(report)


def parts(report: PersonReport) -> dict:
    return json.loads(report.content)["parts"]


def a_disclosure(**values) -> Disclosure:
    """A watch that was told of a case, on the version of a basis that its decision names."""
    LegalBasisFactory(code=BASIS)
    return DisclosureFactory(**{"sections": DIGEST, "complete": True} | values)


# What it says


def test_a_recipient_stands_with_purpose_basis_period_categories_and_each_delivery(db):
    row = a_disclosure(delivery__number=1, delivery__first_fetched_at=AT)
    a_disclosure(watch=row.watch, delivery__number=2, complete=False)
    AgentFactory(customer=row.customer)
    AgentFactory(customer=row.customer, name="Förra ombudet AB", valid_from="2020-01-01", valid_to="2020-12-31")

    (told,) = parts(make(row.person))["told"]

    assert told["recipient"]["name"] == row.customer.name
    assert told["recipient"]["organisation_number"] == "556000-0001"
    assert [one["name"] for one in told["recipient"]["agents"]] == ["Ombudet AB"]
    assert told["purpose"]["code"] == row.watch.stream.purpose
    assert told["basis"] == {"code": BASIS, "version": 1, "title": "Skadereglering", "citations": ["Test 1 §"]}
    assert (told["times"], told["fetched"]) == (2, True)
    assert [(one["number"], one["fetched_at"] is None) for one in told["deliveries"]] == [(1, False), (2, True)]
    assert told["watches"][0]["from"] == "2026-01-01"
    assert told["categories"] and told["sections"]


@pytest.mark.parametrize(
    "values",
    [
        {"outcome": "withheld", "reason": "PROTECTED"},
        {"delivery__recalled_at": AT},
        {"complete": False, "sections": {}},
        {"delivery__released_at": AT + timedelta(days=1)},
    ],
    ids=["withheld", "recalled", "only an end", "released later"],
)
def test_what_told_the_customer_nothing_is_never_shown_as_told(db, values):
    row = a_disclosure(**values)

    assert parts(make(row.person))["told"] == []


def test_two_versions_of_a_basis_are_two_rows_and_another_persons_disclosures_none(db):
    row = a_disclosure()
    a_disclosure(watch=row.watch, decision=StoredDecisionFactory(basis_version=2))
    a_disclosure()

    told = parts(make(row.person))["told"]

    assert [one["basis"]["version"] for one in told] == [1, 2]


def test_orders_that_named_the_person_stand_there_whatever_they_were_answered(db):
    row = a_disclosure()
    order = OrderFactory(stream=row.watch.stream)
    OrderLineFactory(order=order, watch=row.watch, answer="ACCEPTED")
    refused = OrderLineFactory(order=order, answer="CONSENT_MISSING", number=row.person.first_number)
    type(refused).objects.filter(pk=refused.pk).update(watch=None)
    OrderLineFactory(order=order)

    orders = parts(make(row.person))["orders"]

    assert [one["answer"]["code"] for one in orders] == ["ACCEPTED", "CONSENT_MISSING"]
    assert {one["recipient"]["name"] for one in orders} == {row.customer.name}


def test_consents_and_what_was_told_unasked_stand_there(db):
    consent = ConsentFactory(valid_to=date(2026, 12, 31))
    unasked(consent.person)

    found = parts(make(consent.person))

    assert [(one["recipient"]["name"], one["valid_to"]) for one in found["consents"]] == [
        (consent.customer.name, "2026-12-31")
    ]
    assert [one["recipient"]["reveals_place"] for one in found["unasked"]] == [True]


def unasked(person: Person) -> SpontaneousDisclosure:
    row = SpontaneousDisclosureFactory(person=person)
    SpontaneousDisclosure.objects.filter(pk=row.pk).update(
        decision=StoredDecisionFactory(basis_code="KOM-SOC"),
        sha256="1" * 64,
        sections=DIGEST,
        approved_by=UserFactory(),
        approved_at=AT,
    )
    return row


def test_a_proposal_to_tell_something_unasked_has_told_nothing(db):
    row = SpontaneousDisclosureFactory()

    assert parts(make(row.person))["unasked"] == []


def test_who_was_told_nothing_is_told_so(db):
    assert set(map(len, parts(make(PersonFactory())).values())) == {0}


def test_the_report_names_the_person_and_its_labels_are_swedish(db, settings):
    settings.LANGUAGE_CODE = "en"
    row = a_disclosure()

    content = json.loads(make(row.person).content)

    assert content["person"]["number"].replace("-", "") == row.person.first_number
    assert content["parts"]["told"][0]["benefit"]["label"] == "Sjukpenning"


@pytest.mark.parametrize("with_values", [False, True])
def test_the_queries_do_not_grow_with_recipients_and_deliveries(db, with_values):
    def count(person: Person) -> int:
        with CaptureQueriesContext(connection) as queries:
            make(person, by=user, with_values=with_values)
        return len(queries)

    user, one, many = UserFactory(), a_disclosure(), PersonFactory()
    for place in range(5):
        watch = WatchFactory(person=many)
        for number in range(1, 4):
            a_disclosure(watch=watch, delivery__number=number + place * 10)
        OrderLineFactory(watch=watch)
        ConsentFactory(person=many)
        unasked(many)
    count(one.person)

    assert count(many) <= count(one.person) + 3  # the looks for what a single disclosure has none of


@pytest.fixture
def one_person(world: World) -> Person:
    """Told of as two persons to two customers, of whom one has ended its watch, and then found to be one."""
    first, second = world.sources.people[:2]
    for place, somebody in enumerate((first, second)):
        somebody.items(CASES).append(sickness(world.day - timedelta(days=40 + place), 9))
    world.sources.hand_over(world.now, first, second)
    world.watch(world.streams[0], 0)
    world.watch(world.streams[2], 1)
    world.night()
    world.order(world.streams[2], OrderKind.CANCEL, second.number, SJP)
    world.night()
    for delivery in Delivery.objects.order_by("stream", "number"):
        services.fetch(delivery=delivery, at=world.now)
    first.former.append(second.number)
    world.sources.hand_over(world.now, first)
    world.night()
    return person_of(world)


@pytest.mark.parametrize("values", [False, True])
def test_what_was_told_before_two_persons_were_found_to_be_one_stands_in_the_report(world, one_person, values):
    said = parts(make(one_person, at=world.now, with_values=values))

    customers = {world.streams[place].agreement.customer.name for place in (0, 2)}
    assert {row["recipient"]["name"] for row in said["told"]} == customers
    assert {row["recipient"]["name"] for row in said["orders"]} == customers
    if values:
        assert all(row["values"] for row in said["told"])


def test_after_a_wrong_merge_each_is_told_what_was_told_by_the_own_number(world, one_person):
    first, second = world.sources.people[:2]
    first.former.clear()
    world.sources.hand_over(world.now, first, second)
    world.night()

    for somebody, place in ((first, 0), (second, 2)):
        said = parts(make(Person.objects.holding(somebody.number).get(), at=world.now, with_values=True))
        customers = {world.streams[place].agreement.customer.name}
        assert {row["recipient"]["name"] for row in said["told"]} == customers
        assert {row["recipient"]["name"] for row in said["orders"]} == customers
        assert all(row["values"] for row in said["told"])


# Values


@pytest.fixture
def told(world: World) -> World:
    somebody = world.sources.people[0]
    somebody.items(CASES).append(sickness(world.day - timedelta(days=40), 9))
    world.sources.hand_over(world.now, somebody)
    world.watch(world.streams[0])
    world.night()
    for delivery in Delivery.objects.all():
        services.fetch(delivery=delivery, at=world.now)
    return world


def person_of(world: World) -> Person:
    return Person.objects.holding(world.sources.people[0].number).get()


def test_values_are_what_the_documents_say_with_labels(told):
    report = make(person_of(told), at=told.now, with_values=True)

    (row,) = parts(report)["told"]

    case = next(one for one in row["values"] if one["section"]["code"] == CASES)
    assert case["xml"].startswith(f"<{CASES} ")
    assert case["since"]["number"] == 1
    texts = {entry["text"] for entry in case["entries"]}
    assert (told.day - timedelta(days=41)).isoformat() in texts
    assert "Ja" in texts, "what is true or false is written in words"
    assert not {entry["label"] for entry in case["entries"]} & {"startades", "fattades"}, "names stand for labels"
    assert row["unread"] == []


def test_of_erased_deliveries_it_is_said_that_only_the_categories_are_kept(told):
    PurgedFactory(delivery=Delivery.objects.get(stream=told.streams[0]))

    (row,) = parts(make(person_of(told), at=told.now, with_values=True))["told"]

    assert (row["values"], row["unread"]) == ([], [1])
    assert row["categories"]


def test_without_values_none_stand_there(told):
    (row,) = parts(make(person_of(told), at=told.now))["told"]

    assert "values" not in row


# Secrecy and review


def test_what_one_made_another_approves_and_it_is_fixed_from_then_on(db):
    row = a_disclosure()
    user = UserFactory()
    report = make(row.person, by=user)
    with pytest.raises(NotApproved):
        approve(report, by=user)
    with pytest.raises(personreport.ReportRefused) as refused:
        personreport.readable(report)

    content = approve(report)

    assert refused.value.code == "NOT_APPROVED"
    assert len(content["parts"]["told"]) == 1
    assert len(report.sha256) == 64
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        PersonReport.objects.filter(pk=report.pk).update(content="{}")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        PersonReport.objects.filter(pk=report.pk).delete()


def test_a_row_that_is_withheld_leaves_no_trace_in_what_is_given_out(db):
    row, other = a_disclosure(), PersonFactory()
    second = a_disclosure(watch=WatchFactory(person=row.person))
    report = make(row.person)
    key = next(key for key, one in personreport.rows_of(report) if one["recipient"]["name"] == second.customer.name)
    personreport.withhold(report=report, row=key, ground=GROUND, reason="Kan röja en annan", by=UserFactory(), at=AT)

    content = approve(report)

    assert [one["recipient"]["name"] for one in content["parts"]["told"]] == [row.customer.name]
    assert second.customer.name not in report.content
    assert GROUND not in report.content
    assert '"key"' not in report.content
    assert not Disclosure.objects.about(other).exists()


def test_a_withheld_row_keeps_its_ground_and_who_decided_it(db):
    report, user = make(a_disclosure().person), UserFactory()

    made = personreport.withhold(report=report, row="told-1", ground=GROUND, reason=REASON, by=user, at=AT)

    assert (made.ground, made.reason, made.by) == (GROUND, REASON, user)
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.person_id, event.details) == (
        "refuse",
        report.person_id,
        {"row": "told-1", "ground": GROUND},
    )


def test_who_decided_what_is_withheld_does_not_approve_it(db):
    report, user = make(a_disclosure().person), UserFactory()
    personreport.withhold(report=report, row="told-1", ground=GROUND, reason=REASON, by=user, at=AT)

    with pytest.raises(NotApproved):
        approve(report, by=user)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"ground": "sekretess"}, "GROUND"),
        ({"row": "told-9"}, "ROW"),
        ({"reason": " "}, "REASON_MISSING"),
        ({"reason": f"Gäller {identity_number(3)}"}, "REASON_NAMES_A_PERSON"),
    ],
)
def test_what_cannot_be_withheld_is_refused(db, values, code):
    report = make(a_disclosure().person)
    asked = {"row": "told-1", "ground": GROUND, "reason": REASON} | values

    with pytest.raises((personreport.ReportRefused, ReasonRefused)) as refused:
        personreport.withhold(report=report, by=UserFactory(), at=AT, **asked)

    assert refused.value.code == code


def test_a_row_is_withheld_once_and_never_after_the_review(db):
    report, asked = make(a_disclosure().person), {"row": "told-1", "ground": GROUND, "reason": REASON, "at": AT}
    made = personreport.withhold(report=report, by=UserFactory(), **asked)
    with pytest.raises(personreport.ReportRefused, match="ROW"):
        personreport.withhold(report=report, by=UserFactory(), **asked)
    approve(report)

    with pytest.raises(personreport.ReportRefused, match="APPROVED"):
        personreport.withhold(report=report, by=UserFactory(), **asked)
    for change in (made.delete, lambda: type(made).objects.update(ground="OSL 1:1")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()


def test_a_report_that_is_dropped_goes_with_what_was_withheld(db):
    report = make(a_disclosure().person)
    personreport.withhold(report=report, row="told-1", ground=GROUND, reason=REASON, by=UserFactory(), at=AT)

    foureyes.drop(report, by=UserFactory(), reason=REASON)

    assert not PersonReport.objects.exists()


def test_it_is_noted_once_how_a_report_was_given_out(db):
    report, user = make(a_disclosure().person), UserFactory()
    with pytest.raises(personreport.ReportRefused, match="NOT_APPROVED"):
        personreport.give_out(report=report, how="address", by=user, at=AT)
    approve(report)

    personreport.give_out(report=report, how="address", by=user, at=AT, reason=REASON)

    assert (report.given_at, report.given_how) == (AT, "address")
    assert AuditEvent.objects.latest("pk").action == "send"
    with pytest.raises(personreport.ReportRefused, match="GIVEN"):
        personreport.give_out(report=report, how="secure", by=user, at=AT)


# Protected identity


@pytest.fixture
def protected(db) -> Person:
    person = a_disclosure().person
    person.facts.update(protection=Protection.MARKED)
    return person


def test_no_values_of_a_protected_person_are_written_out(protected):
    with pytest.raises(personreport.ReportRefused, match="PROTECTED"):
        make(protected, with_values=True)

    assert json.loads(make(protected).content)["protected"] is True


def test_who_became_protected_after_the_report_was_made_keeps_the_values_in(db):
    person = a_disclosure().person
    report = make(person, with_values=True)
    person.facts.update(protection=Protection.MARKED)

    with pytest.raises(personreport.ReportRefused, match="PROTECTED"):
        approve(report)


def test_a_report_to_a_protected_person_is_never_posted_to_an_address(protected):
    report = make(protected)
    approve(report)
    with pytest.raises(personreport.ReportRefused, match="PROTECTED"):
        personreport.give_out(report=report, how="address", by=UserFactory(), at=AT)

    personreport.give_out(report=report, how="forwarded", by=UserFactory(), at=AT)

    assert report.given_how == "forwarded"


# The pages


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def say_why(client, person: Person) -> str:
    session = client.session
    token = open_person(session, person_id=person.pk, reason=REASON, at=timezone.now())
    session.save()
    return str(token)


def address(view: str, *args) -> str:
    return reverse(f"admin:deliveries_personreport_{view}", args=args)


def test_a_report_is_made_from_the_persons_page(office, staff):
    row = a_disclosure(delivery__released_at=AT - timedelta(days=900))
    token = say_why(office, row.person)

    office.post(f"{address('add')}?about={token}", {"requested_on": "2026-11-20", "reference": "DNR 2026-17"})

    report = PersonReport.objects.get()
    assert (report.person, report.prepared_by, report.in_effect) == (row.person, staff, False)
    assert len(parts(report)["told"]) == 1


def test_without_a_person_no_report_is_made(office):
    response = office.post(address("add"), {"requested_on": "2026-11-20", "reference": "DNR 2026-17"})

    assert response.status_code == 200
    assert not PersonReport.objects.exists()


def test_a_row_is_left_out_on_a_page_of_its_own(office):
    report = make(a_disclosure().person)
    say_why(office, report.person)

    office.post(address("withhold", report.pk), {"row": "told-1", "ground": GROUND, "reason": REASON})
    text = office.get(address("approve", report.pk)).content.decode()

    assert report.withheld.get().row == "told-1"
    assert GROUND in text


def test_a_ground_that_names_no_paragraph_is_said_on_the_page(office):
    report = make(a_disclosure().person)
    say_why(office, report.person)

    response = office.post(address("withhold", report.pk), {"row": "told-1", "ground": "sekretess", "reason": REASON})

    assert response.status_code == 200
    assert not report.withheld.exists()


def test_the_print_and_the_file_say_the_same_and_each_is_logged(office):
    row = a_disclosure(delivery__number=1)
    report = make(row.person)
    approve(report)
    say_why(office, row.person)

    printed = office.get(address("print", report.pk)).content.decode()
    file = office.get(address("json", report.pk))

    assert row.customer.name in printed and '<html lang="sv">' in printed
    assert ("Vad som lämnades ut" in printed) is report.with_values
    assert file.json() == json.loads(report.content)
    assert file["Content-Disposition"] == f'attachment; filename="registerutdrag-{report.pk}.json"'
    reads = AuditEvent.objects.filter(action="read", object_type="deliveries.personreport")
    assert list(reads.values_list("person_id", "reason")) == [(row.person_id, REASON)] * 2


@pytest.mark.parametrize("view", ["print", "json", "withhold", "give"])
def test_nothing_is_read_before_the_reason_is_said(office, view):
    report = make(a_disclosure().person)
    approve(report)

    response = office.get(address(view, report.pk))

    assert response.status_code == 302
    assert f"/admin/benefits/person/{report.person_id}/" in response["Location"]


def test_what_has_not_been_reviewed_is_not_printed(office):
    report = make(a_disclosure().person)
    say_why(office, report.person)

    response = office.get(address("print", report.pk))

    assert response.status_code == 302


def test_a_protected_persons_report_is_withheld_from_who_may_not_open_such_persons(client, protected):
    report = make(protected)
    approve(report)
    user = UserFactory(is_staff=True)
    user.user_permissions.set(permissions("view_person", "view_personreport"))
    client.force_login(user)
    say_why(client, protected)

    assert client.get(address("print", report.pk)).status_code == 403


def permissions(*codenames):
    return Permission.objects.filter(codename__in=codenames)


def test_the_print_to_a_protected_person_warns_how_it_may_be_sent(office, protected):
    report = make(protected)
    approve(report)
    say_why(office, protected)

    assert 'class="warning on-screen"' in office.get(address("print", report.pk)).content.decode()


def test_how_it_went_out_is_noted_on_a_page_of_its_own(office):
    report = make(a_disclosure().person)
    approve(report)
    say_why(office, report.person)

    office.post(address("give", report.pk), {"how": "in_person", "reason": REASON})

    report.refresh_from_db()
    assert report.given_how == "in_person"


def test_ten_thousand_disclosures_are_printed_by_year_and_all_stand_in_the_file(office):
    watch = WatchFactory()
    LegalBasisFactory(code=BASIS)
    decision = StoredDecisionFactory()
    many = 10_000
    first = DeliveryFactory(stream=watch.stream, number=1)
    copies = []
    manifests = first.manifest
    for number in range(2, many + 1):
        copies.append(_copy(first, manifests, number))
    Delivery.objects.bulk_create(copies)
    Disclosure.objects.bulk_create(
        Disclosure(
            delivery=one,
            customer=watch.stream.agreement.customer,
            person=watch.person,
            watch=watch,
            decision=decision,
            outcome="sent",
            from_date=watch.from_date,
            sections=DIGEST,
        )
        for one in [first, *copies]
    )
    report = make(watch.person)
    approve(report)
    say_why(office, watch.person)

    with CaptureQueriesContext(connection) as queries:
        printed = office.get(address("print", report.pk)).content.decode()

    assert len(parts(report)["told"][0]["deliveries"]) == many
    assert printed.count("<tr>") < 150
    assert "9900" in printed
    assert len(queries) < 30


def _copy(delivery: Delivery, manifest, number: int) -> Delivery:
    """Another delivery of the stream, with a manifest of its own."""
    receipt = type(manifest).objects.create(
        stream=manifest.stream,
        number=number,
        kind=manifest.kind,
        key=manifest.key,
        previous=f"{number + 10**6:064x}",
        sha256=f"{number:064x}",
        jws="e30.e30.AA",
    )
    return Delivery(
        stream=delivery.stream,
        run=delivery.run,
        number=number,
        sha256=f"{number:064x}",
        size=1,
        schema_version="1.0",
        as_of_import=1,
        as_of_law=1,
        day=delivery.day,
        persons=1,
        blocks=1,
        planned_for=AT,
        released_at=AT,
        manifest=receipt,
    )


def test_an_erased_report_says_so(office):
    report = PersonReportFactory(approved_at=AT)
    PurgedFactory(delivery=None, report=report, file_gone=True, rows_done=True)
    PersonReport.objects.filter(pk=report.pk).update(content="")
    report.refresh_from_db()

    with pytest.raises(personreport.ReportRefused, match="ERASED"):
        personreport.readable(report)

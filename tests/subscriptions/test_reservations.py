"""Reservations: set and lifted by staff, acknowledged by the customer's administrator or system, and by nobody else."""

import pytest

from lefi.audit.models import Action, AuditEvent
from subscriptions.models import Member, Notice, Reservation
from subscriptions.reservations import (
    ReservationRefused,
    acknowledge_reservation,
    lift_reservation,
    set_reservation,
)
from tests.factories import (
    AT,
    AgreementFactory,
    ApiClientFactory,
    MemberFactory,
    ReservationFactory,
    StreamFactory,
    UserFactory,
)
from tests.partners import partner, refusal_of

pytestmark = pytest.mark.django_db
TEXT = "Uppgifterna får inte lämnas vidare."
PAGE = "/reservations/"
API = "/api/v1/reservations/"


@pytest.fixture
def stream(member):
    return StreamFactory(agreement__customer=member.customer)


@pytest.fixture
def reservation(stream):
    return ReservationFactory(agreement=stream.agreement)


@pytest.fixture
def administrator(member):
    Member.objects.filter(pk=member.pk).update(role=Member.Role.ADMINISTRATOR)
    return member.user


def acknowledged() -> bool:
    return Reservation.objects.get().acknowledged_at is not None


# Setting and lifting


@pytest.mark.parametrize("text", ["", "  \n ", "Gäller 19900101-2385", "Ett \x00", "Ett \ufffe"])
def test_a_text_is_something_that_names_nobody_and_can_be_written_in_a_document(text):
    with pytest.raises(ReservationRefused, match="TEXT"):
        set_reservation(agreement=AgreementFactory(), ground="OSL 10:14", text=text, by=UserFactory(), at=AT)


def test_a_ground_is_one_of_the_two_that_the_law_has():
    with pytest.raises(ReservationRefused):
        set_reservation(agreement=AgreementFactory(), ground="OSL 10:27", text=TEXT, by=UserFactory(), at=AT)


def test_setting_one_tells_the_customer_and_is_logged():
    agreement, by = AgreementFactory(), UserFactory()

    made = set_reservation(agreement=agreement, ground="OSL 12:2", text=f"{TEXT}\r\nEj heller.", by=by, at=AT)

    assert (made.text, made.set_by, made.acknowledged_at) == (f"{TEXT}\nEj heller.", by, None)
    notice = Notice.objects.get()
    assert (notice.customer, notice.code) == (agreement.customer, "RESERVATION_SET")
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.actor) == (Action.CREATE, str(made.pk), by)


def test_one_is_lifted_once_with_a_reason_that_is_logged(reservation):
    lift_reservation(reservation=reservation, reason="Villkoret behövs inte.", by=UserFactory(), at=AT)

    event = AuditEvent.objects.get()
    assert (reservation.lifted_at, event.action, event.reason) == (AT, Action.END, "Villkoret behövs inte.")
    with pytest.raises(ReservationRefused, match="LIFTED"):
        lift_reservation(reservation=reservation, reason="Igen.", by=UserFactory(), at=AT)


# Acknowledging


@pytest.mark.parametrize("role", [Member.Role.CASE_WORKER, Member.Role.INTEGRATION])
def test_only_an_administrator_of_the_customer_acknowledges(reservation, member, role):
    Member.objects.filter(pk=member.pk).update(role=role)
    elsewhere = MemberFactory(role=Member.Role.ADMINISTRATOR).user

    for user in (member.user, elsewhere, UserFactory(is_superuser=True)):
        with pytest.raises(ReservationRefused, match="NOT_ADMINISTRATOR"):
            acknowledge_reservation(reservation=reservation, by=user, at=AT)
    assert not acknowledged()


def test_an_acknowledgement_says_who_and_when_and_may_be_repeated(reservation, administrator):
    for hour in (18, 19):
        acknowledge_reservation(reservation=reservation, by=administrator, at=AT.replace(hour=hour))

    assert reservation.acknowledged_at == AT.replace(hour=18)
    assert reservation.acknowledged_by == administrator.get_username()
    assert AuditEvent.objects.filter(action=Action.ACKNOWLEDGE).count() == 1


def test_what_has_been_lifted_is_not_acknowledged(reservation, administrator):
    Reservation.objects.update(lifted_at=AT)

    with pytest.raises(ReservationRefused, match="LIFTED"):
        acknowledge_reservation(reservation=reservation, by=administrator, at=AT)


# The portal's page


def test_a_member_reads_the_reservations_of_the_own_customer_and_has_no_button(client, reservation, member):
    ReservationFactory()
    client.force_login(member.user)

    answer = client.get(PAGE)

    assert [one for one, _ in answer.context["rows"]] == [reservation]
    assert reservation.text in answer.content.decode()
    assert f"{PAGE}{reservation.pk}/" not in answer.content.decode()
    assert client.post(f"{PAGE}{reservation.pk}/acknowledge/").status_code == 403


def test_an_administrator_acknowledges_by_a_button(client, reservation, administrator):
    client.force_login(administrator)

    assert f'action="{PAGE}{reservation.pk}/acknowledge/"' in client.get(PAGE).content.decode()
    assert client.get(f"{PAGE}{reservation.pk}/acknowledge/").status_code == 405
    answer = client.post(f"{PAGE}{reservation.pk}/acknowledge/", follow=True)

    assert answer.redirect_chain == [(PAGE, 302)]
    assert acknowledged()


def test_a_strangers_reservation_is_not_there(client, reservation, stranger):
    client.force_login(stranger.user)

    assert client.post(f"{PAGE}{reservation.pk}/acknowledge/").status_code == 404


def test_the_page_asks_as_often_for_many_as_for_one(client, stream, administrator, django_assert_max_num_queries):
    for _ in range(15):
        ReservationFactory(agreement=stream.agreement)
    client.force_login(administrator)

    with django_assert_max_num_queries(6):
        client.get(PAGE)


def test_the_start_page_says_that_something_waits(client, reservation, member):
    client.force_login(member.user)
    assert client.get("/").context["reserved"] == {"all": 1, "waiting": 1}

    Reservation.objects.update(acknowledged_at=AT)
    assert client.get("/").context["reserved"] == {"all": 1, "waiting": 0}


# The API


def test_a_system_lists_and_acknowledges_what_holds_for_its_streams(stream, reservation):
    ReservationFactory(agreement__customer=stream.agreement.customer)
    ReservationFactory(agreement=stream.agreement, lifted_at=AT)
    client = ApiClientFactory(customer=stream.agreement.customer, all_streams=False)
    client.streams.add(stream)
    api = partner(client)

    (said,) = api.get(API).json()["results"]
    answers = [api.post(f"{API}{said['id']}/acknowledgement/").status_code for _ in range(2)]

    assert (said["agreement"], said["ground"], said["text"]) == (
        stream.agreement.code,
        "OSL 10:14",
        reservation.text,
    )
    assert said["acknowledged_at"] is None
    assert answers == [204, 204]
    reservation.refresh_from_db()
    assert reservation.acknowledged_by == client.application.client_id


def test_a_system_never_acknowledges_what_is_anothers_or_lifted(stream):
    api = partner(ApiClientFactory(customer=stream.agreement.customer))
    foreign, lifted = ReservationFactory(), ReservationFactory(agreement=stream.agreement, lifted_at=AT)

    for one in (foreign, lifted):
        assert refusal_of(api.post(f"{API}{one.pk}/acknowledgement/")) == (404, "NOT_FOUND")


def test_a_token_for_orders_alone_acknowledges_nothing(stream, reservation):
    api = partner(ApiClientFactory(customer=stream.agreement.customer), scope="orders")

    assert refusal_of(api.get(API)) == (403, "SCOPE_MISSING")
    assert refusal_of(api.post(f"{API}{reservation.pk}/acknowledgement/")) == (403, "SCOPE_MISSING")


# The admin


def test_staff_set_and_lift_one_with_a_reason(client, staff):
    agreement = AgreementFactory()
    client.force_login(staff)
    form = {"agreement": agreement.pk, "ground": "OSL 10:14", "text": TEXT}

    refused = client.post("/admin/subscriptions/reservation/add/", form | {"text": "Gäller 19900101-2385"})
    made = client.post("/admin/subscriptions/reservation/add/", form)

    assert (refused.status_code, made.status_code) == (200, 302)
    reservation = Reservation.objects.get()
    assert reservation.set_by == staff
    page = f"/admin/subscriptions/reservation/{reservation.pk}/"
    assert f"{page}lift/" in client.get(f"{page}change/").content.decode()
    client.post(f"{page}lift/", {"reason": "Behövs inte längre."})
    reservation.refresh_from_db()
    assert reservation.lifted_at is not None


def test_without_the_right_to_change_nothing_is_lifted(client, reservation):
    client.force_login(UserFactory(is_staff=True))

    assert (
        client.post(f"/admin/subscriptions/reservation/{reservation.pk}/lift/", {"reason": "Nej nej"}).status_code
        == 403
    )

"""What all pages of the admin have in common."""

import pytest

from lefi import admin as ground
from lefi.audit.models import AuditEvent
from tests.factories import CustomerFactory, PersonFactory, UserFactory


def test_nothing_is_linked_where_there_is_nothing():
    assert ground.anchor(None) == "–"


@pytest.mark.django_db
def test_a_link_says_what_it_leads_to_and_escapes_it():
    customer = CustomerFactory(name="<b>Norra & Co</b>")

    link = ground.anchor(customer)

    assert link == (
        f'<a href="/admin/subscriptions/customer/{customer.pk}/change/">&lt;b&gt;Norra &amp; Co&lt;/b&gt;</a>'
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    [
        "/admin/subscriptions/watch/?ordered_number__startswith=1990",
        "/admin/subscriptions/watch/?person__first_number=199001012385",
        "/admin/subscriptions/order/?raw__contains=1990",
        "/admin/benefits/benefitperiod/?content__contains=x",
        "/admin/accounts/user/?password__startswith=argon2",
    ],
)
def test_an_address_cannot_narrow_a_list_by_what_it_does_not_declare(client, staff, address):
    PersonFactory()
    client.force_login(staff)

    assert client.get(address).status_code == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "address",
    ["/admin/subscriptions/customer/?kind=forsakringsbolag", "/admin/subscriptions/legalbasis/?state=proposed"],
)
def test_a_filter_that_a_list_declares_narrows_it_by_its_own_parameter(client, staff, address):
    CustomerFactory()
    client.force_login(staff)

    assert client.get(address).status_code == 200


@pytest.mark.django_db
def test_users_are_made_inactive_and_never_deleted(client, staff):
    client.force_login(staff)
    user = UserFactory()

    assert client.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.django_db
def test_a_password_is_logged_as_changed_without_what_it_is(client, staff):
    client.force_login(staff)
    user = UserFactory()
    new = "en helt ny hemlighet"

    client.post(
        f"/admin/accounts/user/{user.pk}/password/",
        {"password1": new, "password2": new, "usable_password": "true"},
    )

    event = AuditEvent.objects.get()
    assert (event.action, event.object_id) == ("change", str(user.pk))
    assert new not in str(event.details)

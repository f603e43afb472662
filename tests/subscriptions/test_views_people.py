"""The pages of an organisation's people, and the page where an invitation is accepted."""

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.core import mail
from django.utils import timezone

from lefi.accounts import identities
from lefi.brokers import provider_apps
from subscriptions.models import Desk, Invitation, Member
from tests.factories import (
    AT,
    PASSWORD,
    AgreementFactory,
    ConnectionFactory,
    CustomerFactory,
    InvitationFactory,
    MemberFactory,
    UserFactory,
)
from tests.oidc import LOA3, Broker, sent_back_to, serving

Role = Member.Role
KEY = "a key of its own for identities, and long"
ACCOUNT = {"first_name": "Eva", "last_name": "Ek", "username": "eva.ek", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture
def administrator(client, db):
    member = MemberFactory(role=Role.ADMINISTRATOR, customer__name="Exempelnämnden")
    client.force_login(member.user)
    return member


def at(member, path: str = "people/") -> str:
    return f"/organisation/{member.customer_id}/{path}"


def link(capture, client, administrator, **said) -> str:
    """The address of an invitation that the administrator sends by the page."""
    with capture(execute=True):
        form = {"email": "eva@example.org", "role": Role.CASE_WORKER, **said}
        assert client.post(at(administrator, "people/invite/"), form).status_code == 302
    return re.search(r"http://testserver(/invitation/\S+)", mail.outbox[-1].body)[1]


@pytest.fixture
def followed(client, administrator, django_capture_on_commit_callbacks):
    """An invitation whose link an unknown person has followed."""
    address = link(django_capture_on_commit_callbacks, client, administrator)
    client.logout()
    assert client.get(address)["Location"] == "/invitation/"
    return address


# People


def test_people_are_listed_with_role_last_visit_and_second_factor(client, administrator):
    app, broker, nothing = (MemberFactory(customer=administrator.customer) for _ in range(3))
    Authenticator.objects.create(user=app.user, type="totp", data={})
    SocialAccount.objects.create(user=broker.user, provider="freja", uid="x")
    Desk.objects.create(user=app.user, here_at=AT)
    MemberFactory(user__last_name="Främling")

    page = client.get(at(administrator))

    assert "Främling" not in page.content.decode()
    secured = {member.pk: member.secured for member, _ in page.context["members"]}
    assert secured == {app.pk: True, broker.pk: True, nothing.pk: False, administrator.pk: False}
    assert dict(page.context["members"])[app] == AT


def test_a_list_of_people_costs_the_same_however_many_they_are(client, administrator, django_assert_max_num_queries):
    MemberFactory.create_batch(20, customer=administrator.customer)
    InvitationFactory.create_batch(5, customer=administrator.customer)

    with django_assert_max_num_queries(8):
        client.get(at(administrator))


@pytest.mark.parametrize("role", [Role.CASE_WORKER, Role.INTEGRATION, Role.AUDITOR, None])
@pytest.mark.parametrize(
    "path", ["people/", "people/invite/", "people/{m}/role/", "people/{m}/end/", "invitations/{i}/resend/"]
)
def test_only_its_administrators_reach_an_organisations_people(client, administrator, role, path):
    invitation = InvitationFactory(customer=administrator.customer)
    url = at(administrator, path.format(m=administrator.pk, i=invitation.pk))
    other = MemberFactory(role=role, customer=administrator.customer) if role else MemberFactory(role="administrator")
    client.force_login(other.user)

    assert client.post(url).status_code in (404, 405)
    assert client.get(url).status_code in (404, 405)


def test_a_row_of_anothers_is_not_found_by_ones_own_address(client, administrator):
    other, invitation = MemberFactory(), InvitationFactory()

    for path in (f"people/{other.pk}/role/", f"people/{other.pk}/end/", f"invitations/{invitation.pk}/withdraw/"):
        assert client.post(at(administrator, path), {"role": Role.AUDITOR}).status_code == 404
    assert Member.objects.filter(pk=other.pk, role=Role.CASE_WORKER).exists()


def test_a_role_is_changed_and_a_membership_ended(client, administrator):
    other = MemberFactory(customer=administrator.customer)

    client.post(at(administrator, f"people/{other.pk}/role/"), {"role": Role.AUDITOR})
    other.refresh_from_db()
    assert other.role == Role.AUDITOR

    assert "avslutas" in client.get(at(administrator, f"people/{other.pk}/end/")).content.decode()
    client.post(at(administrator, f"people/{other.pk}/end/"))
    assert not Member.objects.filter(pk=other.pk).exists()


def test_the_last_administrator_is_told_why_it_cannot_be(client, administrator):
    page = client.post(at(administrator, f"people/{administrator.pk}/end/"), follow=True).content.decode()

    assert "Organisationen måste ha en administratör" in page


def test_who_ends_the_own_access_is_led_out(client, administrator):
    MemberFactory(customer=administrator.customer, role=Role.ADMINISTRATOR)

    answer = client.post(at(administrator, f"people/{administrator.pk}/end/"))

    assert answer["Location"] == "/accounts/login/"
    assert client.get("/watches/").status_code == 302  # logged out


def test_an_invitation_is_sent_again_and_withdrawn(client, administrator, django_capture_on_commit_callbacks):
    first = link(django_capture_on_commit_callbacks, client, administrator)
    row = Invitation.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        client.post(at(administrator, f"invitations/{row.pk}/resend/"))
    assert client.get(first).status_code == 410
    client.post(at(administrator, f"invitations/{row.pk}/withdraw/"))

    assert "eva@example.org" not in client.get(at(administrator)).content.decode().split("<main")[1].split("<h1")[1]
    assert len(mail.outbox) == 2


def test_invitations_are_counted(client, administrator, monkeypatch):
    monkeypatch.setattr("subscriptions.views.people.INVITATIONS_AN_HOUR", 0)

    page = client.post(at(administrator, "people/invite/"), {"email": "a@b.se", "role": Role.AUDITOR})

    assert "För många inbjudningar" in page.content.decode()
    assert not Invitation.objects.exists()


# The organisation


def test_everybody_sees_who_administers_and_what_is_open_to_the_role(client, administrator):
    page = client.get("/organisation/").content.decode()
    assert at(administrator) in page

    worker = MemberFactory(customer=administrator.customer)
    client.force_login(worker.user)
    page = client.get("/organisation/").content.decode()
    assert at(administrator) not in page
    assert administrator.user.get_full_name() in page


def test_an_auditor_reads_nothing_of_the_cases(client, administrator):
    auditor = MemberFactory(customer=administrator.customer, role=Role.AUDITOR)
    agreement = AgreementFactory(customer=administrator.customer, status="active")
    client.force_login(auditor.user)

    assert client.get("/")["Location"] == "/organisation/"
    assert client.get(f"/agreements/{agreement.pk}/").status_code == 200
    assert agreement.code not in client.get("/orders/new/").content.decode()
    assert not type(administrator.customer).objects.visible_to(auditor.user).exists()


# Accepting


def test_a_link_leads_to_a_page_without_it_and_only_looking_uses_nothing_up(client, followed):
    assert client.get(followed).status_code == 302
    page = client.get("/invitation/")

    assert page.status_code == 200
    assert followed.split("/")[2] not in page.content.decode()
    assert "no-store" in page["Cache-Control"] or "max-age=0" in page["Cache-Control"]


def test_an_unknown_used_or_old_link_says_the_same(client, administrator):
    used = InvitationFactory(accepted_at=AT, accepted_by=UserFactory())
    old = InvitationFactory(expires_at=timezone.now() - timedelta(seconds=1))
    Invitation.objects.filter(pk=used.pk).update(digest="a" * 64)
    Invitation.objects.filter(pk=old.pk).update(digest="b" * 64)

    answers = [client.get(f"/invitation/{token}/") for token in ("x" * 43, "å", "y")]

    assert {(one.status_code, one.templates[0].name) for one in answers} == {(410, "organisation/invitation_void.html")}
    assert "INVITATION_VOID" in answers[0].content.decode()
    assert client.get("/invitation/").status_code == 410


def test_a_new_person_makes_an_account_and_is_logged_in(client, followed, administrator):
    answer = client.post("/invitation/", ACCOUNT)

    assert answer["Location"] == "/"
    member = Member.objects.get(user__username="eva.ek")
    assert (member.customer, member.role) == (administrator.customer, Role.CASE_WORKER)
    assert client.session["_auth_user_id"] == str(member.user_id)
    assert client.get("/invitation/").status_code == 410


@pytest.mark.parametrize(
    "fault",
    [
        {"password2": "ett annat lösenord här"},
        {"password1": "kort", "password2": "kort"},
        {"password1": "password1234", "password2": "password1234"},
        {"username": "19121212-1212"},
        {"first_name": "191212121212"},
        {"username": "ej/giltigt"},
        {"last_name": ""},
    ],
)
def test_an_account_that_is_not_good_is_not_made(client, followed, fault):
    page = client.post("/invitation/", ACCOUNT | fault)

    assert page.status_code == 200
    assert page.context["form"].errors
    assert not get_user_model().objects.filter(email="eva@example.org").exists()
    assert Invitation.objects.waiting().exists()


def test_a_username_is_taken_in_any_case_of_letters(client, followed):
    UserFactory(username="Eva.Ek")

    assert "upptaget" in client.post("/invitation/", ACCOUNT).content.decode()


def test_who_has_an_account_logs_in_and_joins(client, followed, administrator):
    elsewhere = MemberFactory()
    answer = client.post(
        "/accounts/login/?next=/invitation/",
        {"login": elsewhere.user.username, "password": PASSWORD, "next": "/invitation/"},
    )
    assert answer["Location"] == "/invitation/"

    client.post("/invitation/")

    assert Member.objects.filter(user=elsewhere.user, customer=administrator.customer).exists()


def test_staff_are_told_that_they_cannot_join(client, followed, staff):
    client.force_login(staff)  # forgets the link with the session before
    client.get(followed)

    page = client.post("/invitation/", follow=True).content.decode()

    assert "arbetar på Försäkringskassan" in page


@pytest.fixture
def broker(settings):
    settings.IDENTITY_KEY = KEY
    with serving(Broker({"sub": "s", "acr": LOA3, "given_name": "Åsa", "family_name": "Öberg"})) as one:
        brokers = provider_apps([one.configuration()], key=KEY)
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": brokers}}
        yield one


def by_broker(client):
    sent = client.get("/accounts/oidc/freja/login/?process=login&next=/invitation/")
    return client.get(sent_back_to(sent["Location"]))


def test_a_new_person_accepts_by_e_identification_and_is_known_again(client, followed, broker, administrator):
    assert "next=%2Finvitation%2F" in client.get("/invitation/").content.decode()
    assert by_broker(client)["Location"] == "/invitation/"
    assert 'value="Öberg"' in client.get("/invitation/").content.decode()

    client.post("/invitation/", {"first_name": "Åsa", "last_name": "Öberg"})

    member = Member.objects.get(user__last_name="Öberg")
    assert member.customer == administrator.customer
    assert SocialAccount.objects.get().user == member.user
    client.logout()
    assert by_broker(client)["Location"] == "/invitation/"
    assert client.session["_auth_user_id"] == str(member.user_id)


def test_a_link_that_is_followed_anew_takes_no_identity_that_came_before(client, followed, broker):
    """The one before may be of another person, who was at the same browser and went away."""
    by_broker(client)

    client.get(followed)

    assert 'value="Öberg"' not in client.get("/invitation/").content.decode()


def test_a_known_person_logs_in_by_e_identification_and_joins(client, followed, broker, administrator):
    elsewhere = MemberFactory()
    SocialAccount.objects.create(
        user=elsewhere.user, provider="freja", uid=identities.index("freja", "sub", "s"), extra_data={}
    )

    assert by_broker(client)["Location"] == "/invitation/"
    client.post("/invitation/")

    assert Member.objects.filter(user=elsewhere.user).count() == 2


def test_tries_at_links_are_counted(client, db, monkeypatch):
    monkeypatch.setattr("subscriptions.views.invitations.TRIES", 1)
    client.get("/invitation/a/")

    assert client.get("/invitation/b/").status_code == 429


# Försäkringskassan


def test_staff_invite_the_first_administrator_from_the_customers_page(
    client, staff, django_capture_on_commit_callbacks
):
    customer = CustomerFactory()
    agreement = AgreementFactory(customer=customer)
    ConnectionFactory(status="accepted", agreement=agreement, contact_email="chef@example.org")
    client.force_login(staff)
    url = f"/admin/subscriptions/customer/{customer.pk}/invite/"
    assert url in client.get(f"/admin/subscriptions/customer/{customer.pk}/change/").content.decode()

    with django_capture_on_commit_callbacks(execute=True):
        client.post(url, {"email": "chef@example.org", "reason": "Anmält av nämnden"})

    assert mail.outbox[0].to == ["chef@example.org"]
    MemberFactory(customer=customer, role=Role.ADMINISTRATOR)
    assert url not in client.get(f"/admin/subscriptions/customer/{customer.pk}/change/").content.decode()
    assert "har en administratör" in client.get(url).content.decode()


def test_the_page_offers_the_addresses_that_the_applications_name_and_takes_no_other(client, staff):
    customer = CustomerFactory()
    for contact in ("bo.ask@example.org", "Bo.Ask@example.org"):
        agreement = AgreementFactory(customer=customer)
        ConnectionFactory(status="accepted", agreement=agreement, contact_email=contact)
    client.force_login(staff)
    url = f"/admin/subscriptions/customer/{customer.pk}/invite/"

    offered = client.get(url).context["form"].fields["email"].choices
    answer = client.post(url, {"email": "chef@example.org", "reason": "Anmält av nämnden"})

    assert [address for address, _name in offered] == ["eva.al@example.org", "bo.ask@example.org"]
    assert answer.status_code == 200
    assert not Invitation.objects.exists()


def test_where_no_application_names_anybody_the_page_says_what_to_do(client, staff):
    customer = CustomerFactory()
    client.force_login(staff)

    page = client.get(f"/admin/subscriptions/customer/{customer.pk}/invite/")

    assert "en ny ansökan som namnger personen" in page.content.decode()
    assert 'name="email"' not in page.content.decode()


def test_staff_without_the_right_invite_nobody(client, db):
    customer = CustomerFactory()
    client.force_login(UserFactory(is_staff=True))

    assert client.get(f"/admin/subscriptions/customer/{customer.pk}/invite/").status_code in (403, 404)


def test_an_administrator_is_invited_with_the_approval_of_an_agreement(
    client, staff, django_capture_on_commit_callbacks
):
    officer = UserFactory(is_staff=True)
    agreement = AgreementFactory(status="signed_by_fk", prepared_by=officer, prepared_at=AT, approved_at=None)
    ConnectionFactory(status="accepted", agreement=agreement)
    client.force_login(staff)
    url = f"/admin/subscriptions/agreement/{agreement.pk}/approve/"
    field = client.get(url).context["form"].fields["administrator"]
    assert [address for address, _name in field.choices] == ["", "eva.al@example.org", "bo.ask@example.org"]
    MemberFactory(customer=agreement.customer, role=Role.ADMINISTRATOR)

    assert 'name="administrator"' not in client.get(url).content.decode()

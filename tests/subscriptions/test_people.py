"""Who belongs to a customer: invited, let in, given another role and let go."""

import hashlib
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import IntegrityError, transaction

from lefi.accounts.identities import Identity, IdentityRefused, bind
from lefi.audit.models import AuditEvent
from lefi.reasons import ReasonRefused
from subscriptions import people
from subscriptions.models import Agreement, Invitation, Member
from subscriptions.people import PeopleRefused
from tests.factories import (
    AT,
    PASSWORD,
    AgreementFactory,
    ConnectionFactory,
    CustomerFactory,
    InvitationFactory,
    MemberFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

Role = Member.Role


def link(token: str) -> str:
    return f"https://lefi.example/invitation/{token}/"


@pytest.fixture
def administrator(db):
    return MemberFactory(role=Role.ADMINISTRATOR)


def invited(administrator, capture, *, email="eva@example.org", role=Role.CASE_WORKER, at=AT):
    """An invitation, and the token that was mailed."""
    with capture(execute=True):
        invitation = people.invite(
            customer=administrator.customer, email=email, role=role, by=administrator.user, at=at, link=link
        )
    return invitation, mail.outbox[-1].body.split("/invitation/")[1].split("/")[0]


def refusal(act, **said) -> str:
    with pytest.raises(PeopleRefused) as refused, transaction.atomic():
        act(**said)
    return refused.value.code


def accepted(invitation, user=None):
    return people.accept(invitation=invitation, user=user or UserFactory(), at=AT)


# Inviting


def test_an_invitation_is_mailed_and_only_its_digest_is_kept(administrator, django_capture_on_commit_callbacks):
    invitation, token = invited(administrator, django_capture_on_commit_callbacks)

    assert invitation.digest == hashlib.sha256(token.encode()).hexdigest()
    assert len(token) >= 43
    assert Invitation.objects.get().mailed_at is not None
    assert mail.outbox[0].to == ["eva@example.org"]


def test_the_mail_names_no_person(administrator, django_capture_on_commit_callbacks):
    invited(administrator, django_capture_on_commit_callbacks)
    sent = mail.outbox[0]
    said = f"{sent.subject} {sent.body.split('http')[0]}"

    for name in (administrator.user.first_name, administrator.user.last_name, administrator.user.username, "eva"):
        assert name.lower() not in said.lower()
    assert administrator.customer.name in said and "2026-11-30" in said


def test_an_address_is_told_the_same_whether_it_has_an_account_or_not(
    administrator, django_capture_on_commit_callbacks
):
    UserFactory(email="eva@example.org")

    known, _ = invited(administrator, django_capture_on_commit_callbacks)
    unknown, _ = invited(administrator, django_capture_on_commit_callbacks, email="ny@example.org")

    assert (known.role, known.expires_at) == (unknown.role, unknown.expires_at)
    assert mail.outbox[0].subject == mail.outbox[1].subject


def test_who_waits_already_gets_a_new_link_and_the_old_one_is_void(administrator, django_capture_on_commit_callbacks):
    _, first = invited(administrator, django_capture_on_commit_callbacks)
    _, second = invited(administrator, django_capture_on_commit_callbacks, email="EVA@example.org", role=Role.AUDITOR)

    assert people.invitation_by(people.digest_of(first), AT) is None
    assert people.invitation_by(people.digest_of(second), AT).role == Role.AUDITOR
    assert Invitation.objects.count() == 1


def test_a_new_link_can_be_sent_after_the_old_one_is_too_old(administrator, django_capture_on_commit_callbacks):
    invitation, _ = invited(administrator, django_capture_on_commit_callbacks)
    later = AT + timedelta(days=30)

    with django_capture_on_commit_callbacks(execute=True):
        people.send_again(invitation=invitation, by=administrator.user, at=later, link=link)

    invitation.refresh_from_db()
    assert Invitation.objects.open(later).get() == invitation
    assert len(mail.outbox) == 2


def test_a_mail_server_that_is_away_leaves_the_invitation_to_be_sent_again(
    administrator, django_capture_on_commit_callbacks, monkeypatch
):
    def away(*args):
        raise OSError

    monkeypatch.setattr(EmailBackend, "send_messages", away)
    with django_capture_on_commit_callbacks(execute=True):
        people.invite(
            customer=administrator.customer, email="a@b.se", role="auditor", by=administrator.user, at=AT, link=link
        )

    assert Invitation.objects.get().mailed_at is None


@pytest.mark.parametrize("role", [Role.CASE_WORKER, Role.INTEGRATION, Role.AUDITOR])
def test_only_an_administrator_invites(administrator, role):
    other = MemberFactory(customer=administrator.customer, role=role)

    said = {"customer": other.customer, "email": "a@b.se", "role": role, "by": other.user, "at": AT, "link": link}
    assert refusal(people.invite, **said) == "NOT_ADMINISTRATOR"


def test_an_administrator_elsewhere_invites_nobody_here(administrator):
    said = {"customer": CustomerFactory(), "email": "a@b.se", "role": "auditor", "at": AT, "link": link}

    assert refusal(people.invite, by=administrator.user, **said) == "NOT_ADMINISTRATOR"


def applied(customer, status="active", **said):
    """An application that an agreement of the customer's has come of."""
    agreement = AgreementFactory(customer=customer, status=status)
    return ConnectionFactory(status="accepted", agreement=agreement, **said)


def test_staff_invite_the_first_administrator_with_a_reason(staff, django_capture_on_commit_callbacks):
    customer = CustomerFactory()
    applied(customer, contact_email="a@b.se")
    said = {"customer": customer, "email": "a@b.se", "by": staff, "at": AT, "link": link}

    with pytest.raises(ReasonRefused):
        people.invite_first_administrator(reason=" ", **said)
    with django_capture_on_commit_callbacks(execute=True):
        invitation = people.invite_first_administrator(reason="Beslut 12", **said)

    assert invitation.role == Role.ADMINISTRATOR
    event = AuditEvent.objects.get()
    assert (event.reason, event.customer_id, event.actor) == ("Beslut 12", None, staff)
    MemberFactory(customer=customer, role=Role.ADMINISTRATOR)
    assert refusal(people.invite_first_administrator, reason="Igen", **said) == "HAS_ADMINISTRATOR"


@pytest.mark.parametrize("role", ["signatory", "contact", "technical"])
def test_whom_an_application_names_is_invited_as_the_first_administrator(staff, role):
    customer = CustomerFactory()
    applied(customer, **{f"{role}_email": "Chef@example.org"})

    said = {"by": staff, "at": AT, "link": link, "reason": "Beslut 12"}
    people.invite_first_administrator(customer=customer, email="chef@Example.org", **said)

    assert Invitation.objects.get().email == "chef@example.org"


@pytest.mark.parametrize("named", ["nowhere", "of another customer", "waiting", "refused"])
def test_whom_no_application_of_the_customers_names_is_not_invited_as_the_first_administrator(staff, named):
    customer = CustomerFactory()
    if named == "of another customer":
        applied(customer)
        applied(CustomerFactory(), contact_email="a@b.se")
    elif named == "waiting":
        organisation = {"organisation_number": customer.organisation_number, "unit": customer.unit}
        ConnectionFactory(contact_email="a@b.se", **organisation)
    elif named == "refused":
        applied(customer, Agreement.Status.REFUSED, contact_email="a@b.se")

    said = {"customer": customer, "email": "a@b.se", "by": staff, "at": AT, "link": link, "reason": "Beslut 12"}

    assert refusal(people.invite_first_administrator, **said) == "ADDRESS_NOT_NAMED"
    assert not Invitation.objects.exists()


def test_who_is_named_in_the_application_invites_nobody_by_it(db):
    officer = UserFactory(is_staff=True, email="Per.Ask@example.org")
    customer = CustomerFactory()
    applied(customer, contact_email="per.ask@example.org", signatory_email="chef@example.org")

    said = {"customer": customer, "by": officer, "at": AT, "link": link, "reason": "Beslut 12"}

    for email in ("per.ask@example.org", "chef@example.org"):
        assert refusal(people.invite_first_administrator, email=email, **said) == "OWN_APPLICATION"


def test_nobody_is_invited_by_an_address_that_was_left_out(staff):
    customer = CustomerFactory()
    applied(customer, technical_email="")

    said = {"customer": customer, "email": "", "by": staff, "at": AT, "link": link, "reason": "Beslut 12"}

    assert refusal(people.invite_first_administrator, **said) == "ADDRESS_NOT_NAMED"


def test_who_was_administrator_and_is_closed_does_not_count(staff):
    customer = MemberFactory(role=Role.ADMINISTRATOR, user__is_active=False).customer

    assert not people.has_administrator(customer)


# Accepting


def test_a_link_is_used_once(administrator):
    invitation = InvitationFactory(customer=administrator.customer, role=Role.AUDITOR)
    user = UserFactory()

    member = accepted(invitation, user)

    assert (member.user, member.customer, member.role) == (user, administrator.customer, Role.AUDITOR)
    assert people.invitation_by(invitation.digest, AT) is None
    assert refusal(people.accept, invitation=invitation, user=UserFactory(), at=AT) == "INVITATION_VOID"


def test_a_link_that_is_too_old_or_withdrawn_opens_nothing(administrator):
    invitation = InvitationFactory(customer=administrator.customer)
    assert people.invitation_by(invitation.digest, invitation.expires_at) is None

    people.withdraw(invitation=invitation, by=administrator.user, at=AT)

    assert people.invitation_by(invitation.digest, AT) is None
    assert refusal(people.accept, invitation=invitation, user=UserFactory(), at=AT) == "INVITATION_VOID"
    assert refusal(people.withdraw, invitation=invitation, by=administrator.user, at=AT) == "INVITATION_VOID"


@pytest.mark.parametrize("gone", ["ended", "another role", "closed"])
def test_an_invitation_is_void_once_who_sent_it_may_let_nobody_in(
    administrator, gone, django_capture_on_commit_callbacks
):
    other = MemberFactory(customer=administrator.customer, role=Role.ADMINISTRATOR)
    invitation, _ = invited(other, django_capture_on_commit_callbacks)
    assert people.invitation_by(invitation.digest, AT) == invitation
    if gone == "ended":
        people.end_membership(member=other, by=administrator.user)
    elif gone == "another role":
        people.change_role(member=other, role=Role.CASE_WORKER, by=administrator.user)
    else:
        get_user_model().objects.filter(pk=other.user_id).update(is_active=False)

    assert people.invitation_by(invitation.digest, AT) is None
    assert refusal(people.accept, invitation=invitation, user=UserFactory(), at=AT) == "INVITATION_VOID"

    people.send_again(invitation=invitation, by=administrator.user, at=AT, link=link)
    assert accepted(Invitation.objects.get()).role == Role.CASE_WORKER


def test_a_link_replaced_while_its_page_was_open_is_void(administrator):
    invitation = InvitationFactory(customer=administrator.customer)
    old = Invitation.objects.get()
    Invitation.objects.update(digest="f" * 64)

    assert refusal(people.accept, invitation=old, user=UserFactory(), at=AT) == "INVITATION_VOID"
    assert invitation.pk == old.pk


def test_an_existing_user_gets_one_more_membership(administrator):
    elsewhere = MemberFactory()

    accepted(InvitationFactory(customer=administrator.customer), elsewhere.user)

    assert Member.objects.filter(user=elsewhere.user).count() == 2


def test_who_belongs_already_keeps_the_role(administrator):
    invitation = InvitationFactory(customer=administrator.customer)

    assert refusal(people.accept, invitation=invitation, user=administrator.user, at=AT) == "ALREADY_MEMBER"
    administrator.refresh_from_db()
    assert administrator.role == Role.ADMINISTRATOR


def test_staff_join_no_customer(administrator, staff):
    invitation = InvitationFactory(customer=administrator.customer)

    assert refusal(people.accept, invitation=invitation, user=staff, at=AT) == "STAFF_IS_NO_MEMBER"


def test_staff_see_nothing_as_members_whatever_rows_there_are(client, staff):
    watch = WatchFactory(stream=StreamFactory(served=True))
    customer = watch.stream.agreement.customer
    MemberFactory(user=staff, customer=customer, role=Role.ADMINISTRATOR)
    client.force_login(staff)

    assert not client.get("/watches/?state=all").context["rows"]
    assert client.post(f"/watches/{watch.pk}/number/").status_code == 404
    assert client.get("/orders/file/").status_code == 403
    assert client.get(f"/organisation/{customer.pk}/people/").status_code == 404


def test_a_new_account_has_the_invitations_address_and_no_other_right(administrator):
    invitation = InvitationFactory(customer=administrator.customer)

    member = people.accept_as_new(
        invitation=invitation, at=AT, first_name="Eva", last_name="Ek", username="eva.ek", password=PASSWORD
    )

    user = get_user_model().objects.get(username="eva.ek")
    assert member.user_id == user.pk and user.check_password(PASSWORD)
    assert (user.email, user.is_staff, user.is_superuser) == (invitation.email, False, False)


def test_an_invitation_to_one_of_the_staff_makes_no_second_account(administrator):
    UserFactory(is_staff=True, email="Karin.Ek@example.org")
    invitation = InvitationFactory(customer=administrator.customer, email="karin.ek@example.org")

    said = {"invitation": invitation, "at": AT, "first_name": "Karin", "last_name": "Ek", "username": "karin"}

    assert refusal(people.accept_as_new, **said) == "STAFF_IS_NO_MEMBER"
    assert not get_user_model().objects.filter(username="karin").exists()


def test_a_new_account_by_e_identification_has_no_password(administrator):
    identity = Identity("freja", "d" * 64, "Åsa", "Öberg", 0)

    member = people.accept_as_new(
        invitation=InvitationFactory(customer=administrator.customer),
        at=AT,
        first_name="Åsa",
        last_name="Öberg",
        identity=identity,
    )

    assert not member.user.has_usable_password()
    assert member.user.username.startswith("asa.oberg.")
    assert member.user.socialaccount_set.get().uid == "d" * 64


def test_an_identity_that_is_anothers_makes_no_account(administrator):
    identity = Identity("freja", "d" * 64, "Åsa", "Öberg", 0)
    bind(UserFactory(), identity)
    invitation = InvitationFactory(customer=administrator.customer)
    before = get_user_model().objects.count()

    with pytest.raises(IdentityRefused), transaction.atomic():
        people.accept_as_new(invitation=invitation, at=AT, first_name="Åsa", last_name="Öberg", identity=identity)

    assert get_user_model().objects.count() == before
    assert Invitation.objects.waiting().count() == 1


# Afterwards


def test_the_last_administrator_stays(administrator):
    MemberFactory(customer=administrator.customer, role=Role.ADMINISTRATOR, user__is_active=False)

    assert refusal(people.end_membership, member=administrator, by=administrator.user) == "LAST_ADMINISTRATOR"
    said = {"member": administrator, "role": Role.AUDITOR, "by": administrator.user}
    assert refusal(people.change_role, **said) == "LAST_ADMINISTRATOR"


def test_one_of_two_administrators_may_go(administrator):
    other = MemberFactory(customer=administrator.customer, role=Role.ADMINISTRATOR)

    people.end_membership(member=other, by=administrator.user)

    assert list(Member.objects.filter(customer=administrator.customer)) == [administrator]


def test_the_sessions_of_who_is_let_go_end(administrator, client):
    other = MemberFactory(customer=administrator.customer)
    client.post("/accounts/login/", {"login": other.user.username, "password": PASSWORD})
    assert UserSession.objects.filter(user=other.user).exists()

    people.end_membership(member=other, by=administrator.user)

    assert not UserSession.objects.filter(user=other.user).exists()
    assert client.get("/watches/").status_code == 302


def test_only_the_organisations_own_administrator_changes_its_people(administrator):
    other = MemberFactory()

    assert refusal(people.end_membership, member=other, by=administrator.user) == "NOT_ADMINISTRATOR"
    said = {"member": other, "role": Role.AUDITOR, "by": administrator.user}
    assert refusal(people.change_role, **said) == "NOT_ADMINISTRATOR"


def test_everything_is_logged_for_the_organisation(administrator, django_capture_on_commit_callbacks):
    other = MemberFactory(customer=administrator.customer)
    invitation, _ = invited(administrator, django_capture_on_commit_callbacks)
    joined = accepted(invitation)
    people.change_role(member=joined, role=Role.INTEGRATION, by=administrator.user)
    people.end_membership(member=other, by=administrator.user)
    late = InvitationFactory(customer=administrator.customer)
    people.withdraw(invitation=late, by=administrator.user, at=AT)

    events = AuditEvent.objects.for_customer(administrator.customer_id).order_by("pk")
    assert [one.action for one in events] == ["send", "create", "change", "end", "withdraw"]
    assert not [one for one in events if "@" in str(one.details)]


def test_two_invitations_of_one_address_cannot_wait(administrator):
    InvitationFactory(customer=administrator.customer, email="a@b.se")

    with pytest.raises(IntegrityError), transaction.atomic():
        InvitationFactory(customer=administrator.customer, email="A@b.se")
    InvitationFactory(email="a@b.se")

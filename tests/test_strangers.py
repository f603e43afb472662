"""Every address × every stranger: login, refused or not there, and never anything of the owner's.

An owner has a row of each kind, all with a mark in their texts. Each pattern that the resolver knows is filled in with
the owner's rows and tried by everybody who has no business there, with the owner's ids in the query and in what is
posted too. Nothing may be answered that holds a mark, nothing of the owner's may change, and nothing may be logged as
read. A pattern that the tables below cannot fill in, or a page of the portal without its roles, fails here.
"""

import logging
from collections.abc import Iterator
from functools import cached_property
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from lefi.accounts.roles import SUPPORT
from lefi.audit.models import AuditEvent
from subscriptions.models import Member
from tests import factories
from tests.documents import delivered, said_of, written
from tests.doors import Door, doors
from tests.factories import AT
from tests.partners import partner
from tests.rows import MADE_BY, forms_of

MARK = "zorblax"
CASE_WORKER, INTEGRATION, ADMINISTRATOR = Member.Role.CASE_WORKER, Member.Role.INTEGRATION, Member.Role.ADMINISTRATOR
ANY, WORK, HANDLE = frozenset(Member.Role), frozenset(Member.WORKING), frozenset(Member.HANDLERS)
NOT_LET_IN = {302, 401, 403, 404, 405, 410}

# Which of the owner's rows fills in a pattern: by how its route begins, the longest first.
ROWS = {
    "watches/": "watch",
    "orders/": "order",
    "agreements/": "agreement",
    "reconciliations/": "reconciliation",
    "reservations/": "reservation",
    "unasked/": "spontaneous",
    "deliveries/": "delivery",
    "organisation/": "customer",
}
# What fills in a field that is no row of the owner's, or not by its key.
FIELDS = {
    "stream_id": lambda owner: owner.stream.pk,
    "number": lambda owner: owner.delivery.number,
    "order_id": lambda owner: owner.order.pk,
    "consent_id": lambda owner: owner.consent.pk,
    "reservation_id": lambda owner: owner.reservation.pk,
    "reconciliation_id": lambda owner: owner.reconciliation.pk,
    "member": lambda owner: owner.member.pk,
    "invitation": lambda owner: owner.invitation.pk,
    "client": lambda owner: owner.system.pk,
    "delivery": lambda owner: owner.delivery.pk,
    "line": lambda owner: owner.line.line,
    "difference": lambda owner: owner.difference.pk,
    "token": lambda owner: uuid4(),  # those of the owner are told to nobody else
}
# What fills in the patterns that are about nobody: anybody may try them.
OPEN = {
    "connect-page": {"token": uuid4(), "slug": "organisation"},
    "reference-section": {"name": "sjukpenningarende"},
    "service:file": {"name": "verifier.py"},
    "service:feed": {"language": "sv"},
    "service:notice": {"pk": 1},
    "account_reset_password_from_key": {"uidb36": "1", "key": "abc-def"},
    "mfa_edit_webauthn": {"pk": 1},
    "mfa_remove_webauthn": {"pk": 1},
    "openid_connect_login": {"provider_id": "ingen"},
    "openid_connect_callback": {"provider_id": "ingen"},
}
# The roles of the portal's members that open each of its pages, and how it is asked for where that is not by GET.
ROLES: dict[str, frozenset[str]] = {
    "start": ANY,
    "watch-list": ANY,
    "watch-find": ANY,
    "watch-number": WORK,
    "watch-detail": WORK,
    "person-told": WORK,
    "watch-file": HANDLE,
    "watch-order": ANY,
    "watch-usual": ANY,
    "watches-to-close": ANY,
    "watch-reconfirm": ANY,
    "case-list": ANY,
    "case-file": ANY,
    "case-end": WORK,
    "case-undo": WORK,
    "organisation": ANY,
    "person-list": frozenset({ADMINISTRATOR}),
    "person-invite": frozenset({ADMINISTRATOR}),
    "person-role": frozenset({ADMINISTRATOR}),
    "person-end": frozenset({ADMINISTRATOR}),
    "invitation-resend": frozenset({ADMINISTRATOR}),
    "invitation-withdraw": frozenset({ADMINISTRATOR}),
    "client-list": HANDLE,
    "client-new": HANDLE,
    "client-detail": HANDLE,
    "client-secret": HANDLE,
    "client-stop": HANDLE,
    "own-log": frozenset(Member.LOG_READERS),
    "own-log-file": frozenset(Member.LOG_READERS),
    "proof-list": frozenset(Member.PROVERS),
    "proof": frozenset(Member.PROVERS),
    "order-list": ANY,
    "order-new": ANY,
    "order-file": HANDLE,
    "order-stock": HANDLE,
    "order-example": ANY,
    "order-detail": WORK,
    "order-progress": WORK,
    "order-step": HANDLE,
    "order-change": HANDLE,  # and who ordered
    "order-result": HANDLE,
    "order-number": WORK,
    "order-mend": HANDLE,  # and who ordered, of these three
    "order-faults": HANDLE,
    "order-settle": HANDLE,
    "reconciliation-list": HANDLE,
    "reconciliation-new": HANDLE,
    "reconciliation-example": HANDLE,
    "reconciliation-detail": HANDLE,
    "reconciliation-progress": HANDLE,
    "reconciliation-repair": HANDLE,
    "reconciliation-number": HANDLE,
    "agreement-list": ANY,
    "agreement-detail": ANY,
    "agreement-document": ANY,
    "agreement-pdf": ANY,
    "agreement-sign": frozenset({ADMINISTRATOR}),
    "notice-list": ANY,
    "notices-read": ANY,
    "reservation-list": ANY,
    "reservation-acknowledge": frozenset({ADMINISTRATOR}),
    "spontaneous-list": ANY,
    "spontaneous-detail": WORK,
    "delivery-list": ANY,
    "delivery-find": HANDLE,  # the owner's stream is a system's
    "deliveries-acknowledge": ANY,
    "delivery-detail": HANDLE,
    "delivery-file": frozenset({INTEGRATION}),
    "delivery-manifest": HANDLE,
    "delivery-acknowledge": HANDLE,
}
POSTED = {
    "agreement-sign",
    "case-undo",
    "deliveries-acknowledge",
    "delivery-acknowledge",
    "delivery-file",
    "delivery-find",
    "invitation-resend",
    "invitation-withdraw",
    "notices-read",
    "order-change",
    "order-faults",
    "order-number",
    "order-result",
    "order-settle",
    "order-step",
    "reconciliation-number",
    "reconciliation-repair",
    "reservation-acknowledge",
    "watch-number",
    "watch-usual",
}
# Pages on which the owner's own people do see a mark: else the strangers would be kept from nothing.
SHOWN = {
    "portal:agreement-detail",
    "portal:agreement-document",
    "portal:delivery-detail",
    "portal:order-detail",
    "portal:reconciliation-detail",
    "portal:reconciliation-list",
    "portal:reservation-list",
    "portal:watch-detail",
    "api:consent",
    "api:document",
    "api:order",
    "api:order-result",
    "api:reservations",
    "api:streams",
}
# What one of the owner's own is told all the same: a system which streams it may use, whatever it may do there.
OWN = {("api:streams", "without a scope")}
ALL = doors()
PORTAL = [door for door in ALL if door.name.startswith("portal:")]
API = [door for door in ALL if door.name.startswith("api:")]
ADMIN = [door for door in ALL if door.in_admin]
REST = [door for door in ALL if door not in [*PORTAL, *API, *ADMIN]]


class Owner:
    """A customer, and a row of each kind that is its own, with the mark in what can hold one."""

    def __init__(self) -> None:
        self.customer = factories.CustomerFactory(name="Zorblax AB", kind="forsakringsbolag")
        self.agreement = factories.AgreementFactory(customer=self.customer, code="ZORBLAX-1")
        self.stream = factories.StreamFactory(served=True, agreement=self.agreement)
        self.person = factories.PersonFactory(known__name="Zorblax Testsson")
        self.number = self.person.first_number
        references = {"case_reference": "ZORBLAX-ARENDE"}
        self.watch = factories.WatchFactory(stream=self.stream, person=self.person, **references)
        done = {"status": "done", "line_count": 1, "lines_done": 1, "done_at": AT}
        self.order = factories.OrderFactory(stream=self.stream, reference="ZORBLAX-REF", channel="portal", **done)
        self.line = factories.OrderLineFactory(order=self.order, watch=self.watch, reference="ZORBLAX-RAD")
        self.delivery = delivered([said_of(self.watch, name="Zorblax Testsson")], stream=self.stream)
        self.disclosure = factories.DisclosureFactory(watch=self.watch, delivery=self.delivery)
        self.reservation = factories.ReservationFactory(
            agreement=self.agreement, text="Zorblax förbehåll.", acknowledged_at=AT
        )
        self.consent = factories.ConsentFactory(customer=self.customer, person=self.person, evidence="Zorblax intyg")
        sha256, writer = written([said_of(self.watch, name="Zorblax Testsson")])
        self.spontaneous = factories.SpontaneousDisclosureFactory(
            customer=self.customer,
            person=self.person,
            decision=factories.StoredDecisionFactory(),
            sha256=sha256,
            size=writer.size,
            approved_by=factories.UserFactory(),
            approved_at=AT,
        )
        self.closing = factories.ClosingProposalFactory(watch=self.watch, kept_why="")
        self.reconciliation = factories.ReconciliationFactory(
            stream=self.stream, client="zorblax-system", status="done", done_at=AT, counts={"ONLY_WE": 1}
        )
        self.difference = factories.ReconciliationLineFactory(
            reconciliation=self.reconciliation, watch=self.watch, reference="ZORBLAX-SKILLNAD"
        )
        self.notice = factories.NoticeFactory(customer=self.customer, details={"agreement": "ZORBLAX-1"})
        self.member = factories.MemberFactory(customer=self.customer, user__username="zorblax.medlem")
        self.invitation = factories.InvitationFactory(customer=self.customer, email="zorblax@example.org")
        self.system = factories.ApiClientFactory(customer=self.customer, application__name="Zorblax system")
        self.connection = factories.ConnectionFactory(name="Zorblax AB")

    @cached_property
    def rows(self) -> list[Model]:
        return [one for one in vars(self).values() if isinstance(one, Model)]

    def state(self) -> list[dict[str, Any]]:
        """What stands in the owner's rows now."""
        return [type(row)._base_manager.filter(pk=row.pk).values().get() for row in self.rows]

    def bag(self) -> dict[str, Any]:
        """The owner's ids, under every name by which a page might take them."""
        rows = {"customer": self.customer, "agreement": self.agreement, "stream": self.stream, "watch": self.watch}
        rows |= {"order": self.order, "delivery": self.delivery, "proposal": self.closing, "consent": self.consent}
        ids = {name: row.pk for name, row in rows.items()}
        return ids | {"number": self.number, "kind": "cancel", "end": "1", "keep": "1", "why": "Pågår", "page": 1}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def owner(db) -> Owner:
    return Owner()


def browser(user: Any = None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def member_of(customer: Any, role: str) -> Client:
    return browser(factories.MemberFactory(customer=customer, role=role).user)


def another_customer() -> Any:
    """A customer that has an agreement, a stream and a watch of its own."""
    stream = factories.StreamFactory(served=True, agreement__customer__name="Norra Liv AB")
    factories.WatchFactory(stream=stream)
    return stream.agreement.customer


def people_outside() -> dict[str, Client]:
    """Who tries the pages: logged out; of another organisation, in each role; staff without a role; and nobody's."""
    other = another_customer()
    outside = {f"{role} elsewhere": member_of(other, role) for role in Member.Role}
    return outside | {
        "logged out": browser(),
        "staff without a role": browser(factories.UserFactory(is_staff=True)),
        "member of nothing": browser(factories.UserFactory()),
    }


def systems_outside(owner: Owner) -> dict[str, Client]:
    """Who tries the API: no token, a false one, another customer's system; the owner's without streams or scopes."""
    scopes = "orders deliveries consents"
    theirs = factories.ApiClientFactory(customer=another_customer())
    let_to_none = factories.ApiClientFactory(customer=owner.customer, all_streams=False)
    unscoped = factories.ApiClientFactory(customer=owner.customer)
    return {
        "without a token": Client(raise_request_exception=False),
        "with a false token": Client(headers={"Authorization": "Bearer falsk"}, raise_request_exception=False),
        "of another customer": partner(theirs, scopes),
        "let to no stream": partner(let_to_none, "orders deliveries"),
        "without a scope": partner(unscoped, ""),
    }


def filled(door: Door, owner: Owner) -> dict[str, Any]:
    """The pattern's fields with the owner's rows. Raise AssertionError if the tables do not say how."""
    if door.name in OPEN:
        return OPEN[door.name]
    beginnings = sorted((one for one in ROWS if door.route.startswith(one)), key=len)
    values = {name: value(owner) for name, value in FIELDS.items() if name in door.fields}
    if "pk" in door.fields:
        assert beginnings, f"Say in ROWS whose row fills in {door.route}"
        values["pk"] = getattr(owner, ROWS[beginnings[-1]]).pk
    missing = set(door.fields) - values.keys()
    assert not missing, f"Say in FIELDS or OPEN what fills in {missing} of {door.route}"
    return values


def body(response: Any) -> str:
    """All that was answered, as one would read it: headers too, where addresses and names of files stand."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return f"{response.headers}\n{content.decode('utf-8', 'replace')}".lower()


def try_all(found: list[Door], strangers: dict[str, Client], owner: Owner, methods: list[str]) -> list[str]:
    """Try every door in every way; return what was answered that should not be."""
    wrong = []
    for door in found:
        url = reverse(door.name, kwargs=filled(door, owner))
        about_a_row = bool(door.fields) and door.name not in OPEN
        for who, client in strangers.items():
            for method in methods:
                cache.clear()
                response = getattr(client, method)(url, owner.bag() if method in ("get", "post") else None)
                own = (door.name, who) in OWN
                fault = "" if own else _fault(response, NOT_LET_IN if about_a_row else set())
                wrong += [f"{method.upper()} {door.name} by {who}: {fault}"] if fault else []
    return wrong


def _fault(response: Any, allowed: set[int]) -> str:
    if MARK in body(response):
        return f"shows the owner's ({response.status_code})"
    if response.status_code >= 500 or (allowed and response.status_code not in allowed):
        return f"answered {response.status_code}"
    return ""


def nothing_happened(owner: Owner, before: list[dict[str, Any]]) -> None:
    assert owner.state() == before
    assert not AuditEvent.objects.filter(person_id=owner.person.pk).exists()
    assert not owner.delivery.fetches.exists()


def test_no_page_of_the_portal_shows_a_stranger_anything(owner):
    before = owner.state()

    wrong = try_all(PORTAL, people_outside(), owner, ["get", "post"])

    assert wrong == []
    nothing_happened(owner, before)


def test_no_address_of_the_api_tells_a_stranger_anything(owner):
    before = owner.state()

    wrong = try_all(API, systems_outside(owner) | people_outside(), owner, ["get", "post", "put", "patch", "delete"])

    assert wrong == []
    nothing_happened(owner, before)


def test_no_other_address_tells_anybody_anything(owner):
    """Those about logging in, the service and the schema: open to all or about oneself."""
    before = owner.state()

    wrong = try_all([door for door in REST if door.name], people_outside(), owner, ["get", "post"])

    assert wrong == []
    nothing_happened(owner, before)


def test_no_page_of_the_admin_shows_anything_to_who_is_not_staff_or_has_no_role(owner):
    before, people = owner.state(), people_outside()
    rows = {type(row)._meta.label_lower: row for row in owner.rows}
    made = {model._meta.label_lower: make for model, make in MADE_BY.items()}
    wrong = []
    for door in (one for one in ADMIN if one.name):
        row = rows.get(door.model) or (made[door.model]() if door.model else owner.agreement)
        url = reverse(door.name, kwargs=door.filled(row, {row.pk: uuid4()}))
        for who in ("logged out", "administrator elsewhere", "staff without a role"):
            for method in ("get", "post"):
                response = getattr(people[who], method)(url)
                row_of_a_model = door.model and not door.page.endswith("_history")  # which only leads on
                fault = _fault(response, NOT_LET_IN if row_of_a_model else set())
                wrong += [f"{method.upper()} {door.page} by {who}: {fault}"] if fault else []

    assert wrong == []
    nothing_happened(owner, before)


def test_every_page_of_the_portal_says_which_roles_open_it():
    assert {door.page for door in PORTAL} == ROLES.keys()
    assert ROLES.keys() >= POSTED


@pytest.mark.parametrize("role", Member.Role)
def test_a_member_with_too_low_a_role_is_refused(owner, role):
    client, wrong = member_of(owner.customer, role), []
    for door in PORTAL:
        url = reverse(door.name, kwargs=filled(door, owner))
        response = client.post(url) if door.page in POSTED else client.get(url)
        if role in ROLES[door.page]:
            wrong += [f"{door.page} refused"] if response.status_code == 403 else []
        elif response.status_code not in (403, 404) or MARK in body(response):
            wrong.append(f"{door.page}: {response.status_code}")

    assert wrong == []


def test_the_owners_own_people_and_system_do_see_what_strangers_do_not(owner):
    own = member_of(owner.customer, INTEGRATION)
    system = partner(factories.ApiClientFactory(customer=owner.customer), "orders deliveries consents")
    seen = set()
    for door in [*PORTAL, *API]:
        client = own if door in PORTAL else system
        response = client.get(reverse(door.name, kwargs=filled(door, owner)))
        seen |= {door.name} if MARK in body(response) else set()

    assert seen >= SHOWN, SHOWN - seen


def test_support_sees_no_personal_data_on_any_page_that_it_may_open(owner):
    """Neither about whom the service is, nor about the customers' own people."""
    support = factories.UserFactory(is_staff=True)
    support.groups.add(Group.objects.get(name=SUPPORT.code))
    client, people = browser(support), ["Zorblax Testsson", *forms_of(owner.number), "zorblax@", "zorblax.medlem"]
    factories.ContactFactory(customer=owner.customer, name="Zorblax Kontakt", email="zorblax@example.org")
    type(owner.order).objects.filter(pk=owner.order.pk).update(ordered_by=owner.member.user)
    sent = type(owner.reconciliation).objects.filter(pk=owner.reconciliation.pk)
    sent.update(client="", sent_by=owner.member.user)
    rows = {type(row)._meta.label_lower: row for row in owner.rows}
    made = {model._meta.label_lower: make for model, make in MADE_BY.items()}
    opened, shown = 0, []
    for door in (one for one in ADMIN if one.name):
        row = rows.get(door.model) or (made[door.model]() if door.model else owner.agreement)
        response = client.get(reverse(door.name, kwargs=door.filled(row, {row.pk: uuid4()})))
        opened += response.status_code == 200
        text = body(response)
        shown += [f"{door.page}: {one}" for one in [*people, "Zorblax Kontakt"] if one.lower() in text]

    assert opened > 40
    assert shown == []

"""What must stand before anything can be ordered: the demo's law, customers, agreements, people and systems."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from benefits.catalogue import catalogue
from deliveries.demo.cast import API, APPLICANT, LOGINS, ORGANISATIONS, WAITING, Login, Organisation, Part
from lefi import foureyes
from subscriptions import connections
from subscriptions.bases import approve_basis, propose_basis
from subscriptions.clients import issue_client
from subscriptions.models import Agreement, Connection, Customer, LegalBasis, Member, OwnerApproval, Stream
from subscriptions.scopes import open_stream

NOTE_SV = "DEMOLAG, gäller inte: startdag och status är påhittade för demonstrationen."
NOTE_EN = "DEMO LAW, not in force: its start and status are made up for the demonstration."
REASON = "Demonstration."
SIGNATORY = "Eva Al"


@dataclass(frozen=True, slots=True)
class Secret:
    """Something to log in with, kept in no other form than a hash once it has been written down."""

    who: str
    name: str
    secret: str
    client: bool = False


@dataclass(frozen=True, slots=True)
class Staff:
    """The two who do what takes two people: one prepares, the other approves."""

    prepares: Any
    approves: Any


def make_setting(day: date, at: datetime) -> list[Secret]:
    """Make all of it by two of the staff, the law in force from well before `day`; return the logins."""
    begins = day.replace(year=day.year - 2, month=1, day=1)
    people = [_person(login) for login in LOGINS]
    users = get_user_model().objects
    staff = Staff(users.get(username="admin"), users.get(username="jurist"))
    for part in _parts():
        _put_in_force(part.basis, begins, staff, at)
        _approve(part, begins, staff, at)
    systems = []
    for one in ORGANISATIONS:
        agreement = _agreement(one, staff, at)
        systems.append(_client(agreement.customer, one.name, staff))
    _sent(APPLICANT, staff, at)
    _applied(WAITING, at)
    _join()
    return [*people, *systems]


def _parts() -> Iterator[Part]:
    for one in ORGANISATIONS:
        yield from one.parts


def _put_in_force(code: str, begins: date, staff: Staff, at: datetime) -> None:
    """Add a version in force, marked as the demo's, of a basis that may serve nobody as it stands."""
    newest = LegalBasis.objects.newest().get(code=code)
    if newest.valid_from is not None and newest.status == LegalBasis.Status.ACTIVE:
        return
    newest.pk = None
    newest.version += 1
    newest.status = LegalBasis.Status.ACTIVE
    newest.valid_from = begins
    newest.note_sv = f"{NOTE_SV} {newest.note_sv}"
    newest.note_en = f"{NOTE_EN} {newest.note_en}"
    newest.ours = sorted({*newest.ours, "valid_from", "status"})
    propose_basis(basis=newest, by=staff.prepares, at=at)
    approve_basis(basis=newest, by=staff.approves, at=at, reason=REASON)


def _approve(part: Part, begins: date, staff: Staff, at: datetime) -> None:
    """The Pensions Agency's yes, where the basis lets its data be told at all."""
    owners = LegalBasis.objects.newest().get(code=part.basis).owners
    for code in part.benefits:
        owner = catalogue().benefits[code].owner
        if owner != "FK" and owner in owners:
            approval = OwnerApproval(owner=owner, basis_code=part.basis, benefit=code, valid_from=begins)
            foureyes.propose(approval, by=staff.prepares, at=at)
            foureyes.approve(approval, by=staff.approves, at=at, reason=REASON)


def _agreement(organisation: Organisation, staff: Staff, at: datetime) -> Agreement:
    """The organisation's agreement in force, with a stream for each channel of each part."""
    agreement = _sent(organisation, staff, at)
    connections.sign_for_customer(agreement=agreement, signatory=SIGNATORY, signature="papper", at=at)
    connections.sign_for_fk(agreement=agreement, signatory=staff.prepares.get_full_name(), by=staff.prepares, at=at)
    connections.approve_agreement(agreement=agreement, by=staff.approves, at=at, reason=REASON)
    for part in organisation.parts:
        purpose = agreement.scopes.get(basis_code=part.basis).purpose
        for channel in part.channels[1:]:
            open_stream(agreement=agreement, purpose=purpose, channel=channel, by=staff.prepares, at=at)
    return agreement


def _sent(organisation: Organisation, staff: Staff, at: datetime) -> Agreement:
    """The organisation's agreement, sent to be signed."""
    connection = _applied(organisation, at)
    code = f"{organisation.code}-1"
    agreement = connections.accept_connection(connection=connection, by=staff.prepares, at=at, code=code)
    connections.send_agreement(agreement=agreement, by=staff.prepares, at=at)
    return agreement


def _applied(organisation: Organisation, at: datetime) -> Connection:
    address = f"{organisation.code.lower()}@example.org"
    values = {
        "organisation_number": organisation.organisation_number,
        "unit": organisation.unit,
        "name": organisation.name,
        "kind": organisation.kind,
        "signatory_name": SIGNATORY,
        "signatory_email": address,
        "contact_name": "Bo Ask",
        "contact_email": address,
        "parts": [{"basis": part.basis, "benefits": list(part.benefits)} for part in organisation.parts],
        "channel": organisation.parts[0].channels[0],
        "persons": 500,
    }
    return connections.apply_for_connection(values=values, at=at)


def _client(customer: Customer, name: str, staff: Staff) -> Secret:
    """The customer's system, let to the streams that are for systems."""
    streams = list(Stream.objects.filter(agreement__customer=customer, channel=API))
    client, secret = issue_client(customer, f"{name}: system", streams, by=staff.prepares, reason=REASON)
    return Secret(name, client.application.client_id, secret, client=True)


def _person(login: Login) -> Secret:
    password = "-".join(secrets.token_hex(2) for _ in range(4))
    first, last = login.name
    staff = not login.customer
    user = get_user_model().objects.create_user(
        login.username,
        password=password,
        first_name=first,
        last_name=last,
        is_staff=staff,
        is_superuser=staff and not login.roles,
    )
    user.groups.set(Group.objects.filter(name__in=[role.code for role in login.roles]))
    return Secret(login.what, login.username, password)


def _join() -> None:
    """Make the customers' people members of them."""
    named = {one.code: one for one in (*ORGANISATIONS, APPLICANT)}
    for login in LOGINS:
        if login.customer:
            user = get_user_model().objects.get(username=login.username)
            customer = Customer.objects.get(name=named[login.customer].name)
            Member.objects.create(user=user, customer=customer, role=login.role)

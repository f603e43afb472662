"""What must stand before anything can be ordered: the demo's law, customers, agreements, people and systems."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib.auth import get_user_model
from oauth2_provider.models import get_application_model

from benefits.catalogue import catalogue
from deliveries.demo.cast import API, APPLICANT, LOGINS, ORGANISATIONS, Organisation, Part
from subscriptions.models import (
    Agreement,
    ApiClient,
    Customer,
    LegalBasis,
    Member,
    OwnerApproval,
    Scope,
    Stream,
)

NOTE_SV = "DEMOLAG, gäller inte: startdag och status är påhittade för demonstrationen."
NOTE_EN = "DEMO LAW, not in force: its start and status are made up for the demonstration."


@dataclass(frozen=True, slots=True)
class Secret:
    """Something to log in with, kept in no other form than a hash once it has been written down."""

    who: str
    name: str
    secret: str
    client: bool = False


def make_setting(day: date, at: datetime) -> list[Secret]:
    """Make all of it, in force from well before `day`, and return what people and systems log in with."""
    begins = day.replace(year=day.year - 2, month=1, day=1)
    for part in _parts():
        _put_in_force(part.basis, begins)
        _approve(part, begins)
    found = []
    for one in ORGANISATIONS:
        customer = _customer(one.name, one.kind, one.organisation_number, one.unit)
        agreement = _agreement(customer, f"{one.code}-1", begins, at)
        for part in one.parts:
            _scope(agreement, part)
        found.append(_client(customer, one.name))
    _apply(day)
    return [*_people(), *found]


def _parts() -> Iterator[Part]:
    for one in ORGANISATIONS:
        yield from one.parts


def _put_in_force(code: str, begins: date) -> None:
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
    newest.save(force_insert=True)


def _approve(part: Part, begins: date) -> None:
    """The Pensions Agency's yes, where the basis lets its data be told at all."""
    owners = LegalBasis.objects.newest().get(code=part.basis).owners
    for code in part.benefits:
        owner = catalogue().benefits[code].owner
        if owner != "FK" and owner in owners:
            OwnerApproval.objects.create(owner=owner, basis_code=part.basis, benefit=code, valid_from=begins)


def _customer(name: str, kind: str, organisation_number: str, unit: str) -> Customer:
    return Customer.objects.create(name=name, kind=kind, organisation_number=organisation_number, unit=unit)


def _agreement(customer: Customer, code: str, begins: date, at: datetime) -> Agreement:
    return Agreement.objects.create(
        customer=customer,
        code=code,
        status=Agreement.Status.ACTIVE,
        valid_from=begins,
        signed_by_customer_at=at,
        signed_by_fk_at=at,
    )


def _scope(agreement: Agreement, part: Part) -> None:
    """All that the basis can give of the part's benefits, and a stream for each channel."""
    basis = LegalBasis.objects.newest().get(code=part.basis)
    Scope.objects.create(
        agreement=agreement,
        purpose=basis.purpose,
        basis_code=basis.code,
        benefits=list(part.benefits),
        classes=sorted({*basis.classes, *basis.agreement_classes}),
    )
    Stream.objects.bulk_create(
        Stream(agreement=agreement, purpose=basis.purpose, channel=channel) for channel in part.channels
    )


def _client(customer: Customer, name: str) -> Secret:
    """The customer's system, let to the streams that are for systems."""
    application_model = get_application_model()
    secret = secrets.token_urlsafe(32)
    application = application_model.objects.create(
        name=f"{name}: system",
        client_secret=secret,
        client_type=application_model.CLIENT_CONFIDENTIAL,
        authorization_grant_type=application_model.GRANT_CLIENT_CREDENTIALS,
    )
    client = ApiClient.objects.create(application=application, customer=customer)
    client.streams.set(Stream.objects.filter(agreement__customer=customer, channel=API))
    return Secret(name, application.client_id, secret, client=True)


def _apply(day: date) -> None:
    """A customer that has been sent its agreement and has not signed it."""
    agreement = Agreement(customer=_customer(*APPLICANT), code="GRANN-1", status=Agreement.Status.SENT)
    agreement.valid_from = day
    agreement.save()


def _people() -> Iterable[Secret]:
    users = get_user_model().objects
    for one in LOGINS:
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        first, last = one.name
        staff = not one.customer
        user = users.create_user(
            one.username, password=password, first_name=first, last_name=last, is_staff=staff, is_superuser=staff
        )
        for organisation in _named(one.customer):
            customer = Customer.objects.get(name=organisation.name)
            Member.objects.create(user=user, customer=customer, role=one.role)
        yield Secret(one.what, one.username, password)


def _named(code: str) -> list[Organisation]:
    return [one for one in ORGANISATIONS if one.code == code]

"""What is looked into about an application by machine: for the officer who examines it, and for who fills it in."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.labels import benefit_name
from subscriptions.connections.application import annexes_needed, faults_of, filled_in, looks_back_far
from subscriptions.connections.customers import is_stopped
from subscriptions.models import Agreement, Connection, Customer, OwnerApproval, Stream
from subscriptions.models.law import covers
from subscriptions.scopes import Fault

READ_BY_PEOPLE = 2000  # watches that people can be expected to follow in the portal; more ask for a system


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked into about an application, how it came out, and in words."""

    code: str
    ok: bool
    sentence: str


def examine(connection: Connection) -> list[Check]:
    """What can be looked into by machine, for the officer who examines the application. Today's law is what counts."""
    day = timezone.localdate()
    faults = list(faults_of(connection, day))
    return [
        Check("COMPLETE", not faults, " ".join(f[2] for f in faults) or str(_("Complete, and the law allows it."))),
        _check_customer(connection),
        _check_look_back(connection),
        *_check_owners(connection, day),
        *_check_agent(connection),
        *_checks_of_the_rest(connection),
    ]


def look_over(values: Mapping[str, Any], at: datetime) -> list[Check]:
    """What who fills in an application is told about it. Nothing of whether, or as what, the organisation is known."""
    connection, day = filled_in(values), timezone.localdate(at)
    owners = _check_owners(connection, day) if isinstance(connection.parts, list) else ()
    return [_check_look_back(connection), *owners, *_check_agent(connection), *_checks_of_the_rest(connection)]


def faults_in(values: Mapping[str, Any], at: datetime) -> list[Fault]:
    """What hinders an application, perhaps not all filled in yet, from being sent: (field, code, sentence)."""
    return list(faults_of(filled_in(values), timezone.localdate(at)))


def _checks_of_the_rest(connection: Connection) -> Iterator[Check]:
    yield _check_contacts(connection)
    yield _check_estimate(connection)
    yield _check_annexes(connection)


def _check_contacts(connection: Connection) -> Check:
    if connection.channel == Stream.Channel.API and not connection.technical_email:
        return Check("CONTACTS", False, str(_("Name a technical contact: a system is to fetch.")))
    if connection.signatory_email == connection.contact_email:
        return Check("CONTACTS", True, str(_("One person signs and is the contact.")))
    return Check("CONTACTS", True, str(_("There are a signatory and a contact.")))


def _check_estimate(connection: Connection) -> Check:
    many = (connection.persons or 0) > READ_BY_PEOPLE and connection.channel == Stream.Channel.PORTAL
    words = (
        _("%(persons)s persons are many to follow in the portal. Consider the API.")
        if many
        else _("%(persons)s persons.")
    )
    return Check("ESTIMATE", not many, str(words) % {"persons": connection.persons or 0})


def _check_annexes(connection: Connection) -> Check:
    missing = [one for one in annexes_needed(connection) if not connection.annexes.get(one)]
    names = ", ".join(str(one.label) for one in missing)
    words = _("To be sent in: %(names)s.") if missing else _("All annexes are named.")
    return Check("ANNEXES", not missing, str(words) % {"names": names})


def _check_customer(connection: Connection) -> Check:
    customer = _existing_customer(connection)
    if customer is None:
        return Check("CUSTOMER", True, str(_("A new customer.")))
    active = Agreement.objects.filter(customer=customer, status=Agreement.Status.ACTIVE).values_list("code", flat=True)
    if is_stopped(customer):
        return Check(
            "CUSTOMER", False, str(_("The customer is stopped. It must be started before it gets an agreement."))
        )
    sentence = _("A customer already, with these active agreements: %(codes)s.")
    return Check("CUSTOMER", not active, str(sentence) % {"codes": ", ".join(active) or "-"})


def _check_look_back(connection: Connection) -> Check:
    far = looks_back_far(connection)
    words = _("%(days)s days back is an exception; the message says why.") if far else _("%(days)s days back.")
    return Check("LOOK_BACK", not far, str(words) % {"days": connection.look_back_days})


def _check_owners(connection: Connection, day: date) -> Iterator[Check]:
    """Whether owners of information other than us have said yes, for each part that asks for theirs."""
    known = catalogue().benefits
    for part in connection.parts:
        foreign = [code for code in part["benefits"] if code in known and known[code].owner != "FK"]
        if not foreign:
            continue
        approved = set(
            OwnerApproval.objects.approved()
            .filter(covers(day), basis_code=part["basis"])
            .values_list("owner", "benefit")
        )
        missing = [code for code in foreign if (known[code].owner, code) not in approved]
        said = _("Not told until the owner of the information has approved it: %(benefits)s.")
        words = str(said) % {"benefits": ", ".join(map(benefit_name, missing))} if missing else ""
        yield Check(
            "OWNER", not missing, f"{part['basis']}: {words or _('The owners of the information have approved.')}"
        )


def _check_agent(connection: Connection) -> Iterator[Check]:
    if not connection.agent_name:
        return
    own = connection.agent_organisation_number == connection.organisation_number
    words = _("The agent is the applicant itself.") if own else _("An agent speaks for the applicant: %(name)s.")
    yield Check("AGENT", not own, str(words) % {"name": connection.agent_name})


def _existing_customer(connection: Connection) -> Customer | None:
    return Customer.objects.filter(organisation_number=connection.organisation_number, unit=connection.unit).first()

"""What an authority must be able to show about its regular disclosures, made from the agreements and the law as data.

Four registers, each a table in the reader's language: the part of the description of public documents about what is
given to and fetched from others (OSL 4:2 p. 6), the recipients, the record of processing (GDPR 30.1), and the data
flows of an impact assessment (GDPR 35). Organisations stand in them, and no persons.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.labels import benefit_name, owner_name
from subscriptions.decision import in_force
from subscriptions.labels import basis_title, class_name, kind_name, purpose_name
from subscriptions.models import Agent, Agreement, Customer, LegalBasis, OwnerApproval, Scope, Stream
from subscriptions.models.law import covers
from subscriptions.profiles import standing_on

OWN = "FK"  # the data owner that the system belongs to
Cell = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """`key` names the column in files, whatever the language."""

    key: str
    title: str


@dataclass(frozen=True, slots=True)
class Register:
    """A table as of a day, with what is said before it. A cell is a text or a list of texts."""

    code: str
    title: str
    day: date
    intro: tuple[str, ...]
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def texts(self) -> list[list[tuple[str, ...]]]:
        """The rows with every cell as a list of texts."""
        return [[(cell,) if isinstance(cell, str) else cell for cell in row] for row in self.rows]


@dataclass(frozen=True, slots=True)
class _Flow:
    """What one customer is regularly told for one purpose, of all that the law and the agreement give together."""

    customer: Customer
    agreement: Agreement
    scope: Scope
    basis: LegalBasis
    benefits: tuple[str, ...]
    classes: tuple[str, ...]
    channels: tuple[str, ...]

    def of_owner(self, owner: str) -> tuple[str, ...]:
        return tuple(code for code in self.benefits if catalogue().benefits[code].owner == owner)

    @property
    def owners(self) -> tuple[str, ...]:
        return tuple(owner for owner in catalogue().owners if self.of_owner(owner))


def make(code: str, *, day: date) -> Register:
    """One register as of a day, in the active language. Raise KeyError for an unknown code."""
    title, builder = REGISTERS[code]
    intro, columns, rows = builder(day)
    return Register(code, str(title), day, intro, columns, tuple(rows))


# What is told to whom


def _flows(day: date) -> list[_Flow]:
    """The flows of a day by customer and purpose: active agreements whose basis can serve. Four queries."""
    scopes = list(
        Scope.objects.newest()
        .filter(_agreement_covers(day), agreement__status=Agreement.Status.ACTIVE, agreement__customer__active=True)
        .select_related("agreement__customer")
        .order_by("agreement__customer__name", "agreement__customer__unit", "agreement__code", "purpose")
    )
    bases = _bases({one.basis_code for one in scopes}, day)
    approved = _approved(bases, day)
    channels = _channels(scopes)
    flows = []
    for scope in scopes:
        basis = bases.get(scope.basis_code)
        if basis is None or not _serves(basis, scope, day):
            continue
        benefits = tuple(code for code in scope.benefits if _given(code, basis, approved))
        classes = {*basis.classes, *basis.agreement_classes} & set(scope.classes)
        named = tuple(code for code in catalogue().classes if code in classes)
        agreement = scope.agreement
        streams = tuple(channels[agreement.pk, scope.purpose])
        if benefits and named:
            flows.append(_Flow(agreement.customer, agreement, scope, basis, benefits, named, streams))
    return flows


def _agreement_covers(day: date) -> Q:
    ends = Q(agreement__valid_to=None) | Q(agreement__valid_to__gte=day)
    return Q(agreement__valid_from__lte=day) & ends


def _bases(codes: Iterable[str], day: date) -> dict[str, LegalBasis]:
    """The version of each basis that holds on the day."""
    versions: dict[str, list[LegalBasis]] = defaultdict(list)
    for one in LegalBasis.objects.approved().filter(code__in=list(codes)).order_by("-version"):
        versions[one.code].append(one)
    standing = {code: standing_on(found, day) for code, found in versions.items()}
    return {code: basis for code, basis in standing.items() if basis is not None}


def _serves(basis: LegalBasis, scope: Scope, day: date) -> bool:
    return (
        basis.status == LegalBasis.Status.ACTIVE
        and basis.service == LegalBasis.Service.STANDING
        and in_force(basis.valid_from, basis.valid_to, day)
        and scope.agreement.customer.kind in basis.recipient_kinds
        and basis.purpose == scope.purpose
    )


def _approved(bases: Iterable[str], day: date) -> set[tuple[str, str, str]]:
    rows = OwnerApproval.objects.approved().filter(covers(day), basis_code__in=list(bases))
    return set(rows.values_list("owner", "basis_code", "benefit"))


def _given(code: str, basis: LegalBasis, approved: set[tuple[str, str, str]]) -> bool:
    benefit = catalogue().benefits.get(code)
    if benefit is None or benefit.owner not in basis.owners:
        return False
    if basis.benefits is not None and code not in basis.benefits:
        return False
    return benefit.owner == OWN or (benefit.owner, basis.code, code) in approved


def _channels(scopes: Iterable[Scope]) -> Mapping[tuple[int, str], list[str]]:
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    streams = Stream.objects.filter(agreement__in={one.agreement_id for one in scopes}, closed=False)
    for one in streams.order_by("channel"):
        found[one.agreement_id, one.purpose].append(one.get_channel_display())
    return found


# Words


def _who(customer: Customer) -> str:
    number = f"{customer.organisation_number[:6]}-{customer.organisation_number[6:]}"
    return f"{customer.name} ({number}{f', {customer.unit}' if customer.unit else ''})"


def _benefits(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(benefit_name(code) for code in codes)


def _classes(codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(class_name(code) for code in codes)


def _ground(basis: LegalBasis) -> tuple[str, ...]:
    return (f"{basis.code} v{basis.version}, {basis_title(basis)}", *basis.citations)


def _when() -> str:
    return gettext("Every night from %(time)s: everything when a watch is new, then what has changed.") % {
        "time": f"{settings.NIGHT_STARTS:%H:%M}"
    }


def _conditions(basis: LegalBasis) -> tuple[str, ...]:
    """What must hold for one person beside the basis."""
    found = [gettext("The customer has named the person in an order.")]
    if basis.consent_needed:
        found.append(gettext("The person has consented, and has not withdrawn it."))
    if "case_reference" in basis.needs:
        found.append(gettext("The customer has stated the case."))
    if "need_reference" in basis.needs:
        found.append(gettext("The customer has stated the need."))
    if basis.reconfirm_days:
        found.append(gettext("Confirmed again within %(days)s days.") % {"days": basis.reconfirm_days})
    found.append(gettext("Protected identity: nothing without a release, and never what reveals a place."))
    return tuple(found)


def _columns(**titles: Any) -> tuple[Column, ...]:
    return tuple(Column(key, str(title)) for key, title in titles.items())


# The registers

Built = tuple[tuple[str, ...], tuple[Column, ...], Iterable[tuple[Cell, ...]]]


def _public_documents(day: date) -> Built:
    intro = gettext("What is regularly given to others and fetched from others, and how and when (OSL 4:2 p. 6).")
    columns = _columns(
        direction=_("Direction"),
        other=_("Who"),
        what=_("What"),
        ground=_("Legal basis"),
        how=_("How"),
        when=_("When"),
    )
    return (intro,), columns, [*_given_rows(day), *_fetched_rows()]


def _given_rows(day: date) -> Iterator[tuple[Cell, ...]]:
    for one in _flows(day):
        yield (
            gettext("given to"),
            _who(one.customer),
            (*_benefits(one.benefits), gettext("Field classes: %s") % ", ".join(_classes(one.classes))),
            _ground(one.basis),
            (gettext("Numbered documents, each after an examination of its own (XML or JSON)."), *one.channels),
            _when(),
        )


def _fetched_rows() -> Iterator[tuple[Cell, ...]]:
    direction = gettext("fetched from")
    for owner in catalogue().owners:
        codes = [code for code, one in catalogue().benefits.items() if one.owner == owner]
        if owner != OWN:
            yield (
                direction,
                owner_name(owner),
                _benefits(codes),
                gettext("The agency's own decision to give it; it is told on only where the agency has approved."),
                gettext("Files that are checked whole and numbered."),
                gettext("When the agency has something new, as a rule every night."),
            )
    yield (
        direction,
        gettext("Each customer above"),
        gettext("Orders: identity number, benefit, from-date, and the case, need or consent that is asked for."),
        gettext("The agreement."),
        gettext("API, file or portal."),
        gettext("When the customer orders."),
    )


def _recipients(day: date) -> Built:
    intro = gettext("Every customer under an agreement that has been in effect, with its agents.")
    columns = _columns(
        recipient=_("Recipient"),
        kind=_("Kind"),
        agreement=_("Agreement"),
        status=_("Status"),
        valid=_("Valid"),
        purposes=_("Purposes"),
        channels=_("Channels"),
        agents=_("Agents"),
    )
    return (intro,), columns, _recipient_rows(day)


def _recipient_rows(day: date) -> Iterator[tuple[Cell, ...]]:
    in_effect = (Agreement.Status.ACTIVE, Agreement.Status.ENDED)
    agreements = list(
        Agreement.objects.approved()
        .filter(status__in=in_effect)
        .select_related("customer")
        .order_by("customer__name", "customer__unit", "code")
    )
    scopes = list(Scope.objects.newest().filter(agreement__in=agreements).order_by("purpose"))
    channels = _channels(scopes)
    agents: dict[int, list[str]] = defaultdict(list)
    for agent in Agent.objects.filter(customer__in={one.customer_id for one in agreements}).order_by("name"):
        if agent.holds_on(day):
            agents[agent.customer_id].append(f"{agent.name} ({agent.organisation_number})")
    for one in agreements:
        purposes = [scope.purpose for scope in scopes if scope.agreement_id == one.pk]
        ways = {way for purpose in purposes for way in channels[one.pk, purpose]}
        yield (
            _who(one.customer),
            kind_name(one.customer.kind),
            one.code,
            one.get_status_display(),
            f"{one.valid_from} – {one.valid_to or ''}".strip(),
            tuple(purpose_name(purpose) for purpose in purposes),
            tuple(sorted(ways)),
            tuple(agents[one.customer_id]),
        )


def _processing(day: date) -> Built:
    said = settings.RECORD_OF_PROCESSING
    undecided = gettext("not stated")
    intro = (
        gettext("Record of processing activities under article 30.1 of the General Data Protection Regulation."),
        gettext("Controller: %s") % said["controller"],
        gettext("Data protection officer: %s") % (said["officer"] or undecided),
    )
    columns = _columns(
        purpose=_("Purpose"),
        subjects=_("Categories of persons"),
        data=_("Categories of personal data"),
        ground=_("Legal basis"),
        recipients=_("Categories of recipients"),
        third_countries=_("Transfers to third countries"),
        time_limits=_("Time limits for erasure"),
        security=_("Security measures"),
    )
    return intro, columns, _processing_rows(day)


def _processing_rows(day: date) -> Iterator[tuple[Cell, ...]]:
    """A row for each purpose that anything is told for, and two for what the service itself keeps."""
    by_purpose: dict[str, list[_Flow]] = defaultdict(list)
    for one in _flows(day):
        by_purpose[one.scope.purpose].append(one)
    for purpose, flows in sorted(by_purpose.items()):
        bases = {one.basis.code: one.basis for one in flows}
        classes = {cls for one in flows for cls in one.classes}
        yield _activity(
            gettext("Disclosure for: %s") % purpose_name(purpose),
            _subjects(classes),
            _classes(code for code in catalogue().classes if code in classes),
            tuple(text for basis in bases.values() for text in _ground(basis)),
            tuple(sorted({kind_name(one.customer.kind) for one in flows})),
            "documents",
            "disclosures",
            "orders",
        )
    yield _activity(
        gettext("Showing who was told what, and who read about whom"),
        (gettext("Persons about whom something is told"), gettext("Staff and customers' users")),
        gettext("Who did what, about whom, when and why"),
        ("GDPR 5.2, 32; SFB (2010:110) 114 kap. 13 §",),
        (gettext("The person, on request"), gettext("Supervisory authorities")),
        "log",
    )
    yield _activity(
        gettext("Connecting customers"),
        (gettext("Customers' contacts, signatories and users"),),
        (gettext("Name, e-mail, telephone, role"),),
        (gettext("The agreement."),),
        (),
        "agreements",
    )


def _subjects(classes: Iterable[str]) -> tuple[str, ...]:
    found = [gettext("Persons whom customers have named in orders")]
    return (*found, gettext("Their children and other related persons")) if "related" in classes else tuple(found)


def _activity(purpose: str, subjects: Cell, data: Cell, ground: Cell, recipients: Cell, *kept: str) -> tuple[Cell, ...]:
    limits = settings.RECORD_OF_PROCESSING["time_limits"]
    undecided = gettext("not decided; nothing is erased by itself (SFB 114:15, the National Archives' rules)")
    return (
        purpose,
        subjects,
        data,
        ground,
        recipients,
        gettext("None."),
        tuple(f"{KEPT[name]}: {limits.get(name) or undecided}" for name in kept),
        tuple(str(one) for one in MEASURES),
    )


KEPT: dict[str, Promise] = {
    "documents": _("delivered documents"),
    "disclosures": _("log of disclosures"),
    "orders": _("orders, watches and consents"),
    "log": _("log of reads and acts"),
    "agreements": _("agreements and contacts"),
}
MEASURES: tuple[Promise, ...] = (
    _("Each disclosure is examined and recorded before it leaves; nothing is open to be searched by customers."),
    _("Only the field classes that law, agreement and consent give together are told."),
    _("Legal bases, agreements and releases need two persons."),
    _("Every read of personal data by staff or customers' users is logged with its reason, in a log that only grows."),
    _("Persons with protected identity are held back until staff with a right of their own release them."),
    _("Identity numbers are kept out of addresses, mails and technical logs."),
)


def _data_flows(day: date) -> Built:
    intro = gettext("From source to recipient, for each purpose: what an impact assessment (GDPR 35) describes.")
    columns = _columns(
        purpose=_("Purpose"),
        source=_("Source"),
        data=_("Data"),
        classes=_("Field classes"),
        decision=_("Decision"),
        conditions=_("Conditions"),
        document=_("Document"),
        recipient=_("Recipient"),
    )
    rows = ((one, owner) for one in sorted(_flows(day), key=lambda one: one.scope.purpose) for owner in one.owners)
    return (intro,), columns, (_data_flow(one, owner) for one, owner in rows)


def _data_flow(one: _Flow, owner: str) -> tuple[Cell, ...]:
    number = {"agreement": one.agreement.code, "version": one.scope.version}
    return (
        purpose_name(one.scope.purpose),
        owner_name(owner),
        _benefits(one.of_owner(owner)),
        _classes(one.classes),
        (*_ground(one.basis), gettext("Agreement %(agreement)s, scope version %(version)s") % number),
        _conditions(one.basis),
        one.channels or gettext("No stream yet."),
        _who(one.customer),
    )


REGISTERS: dict[str, tuple[Promise, Callable[[date], Built]]] = {
    "public-documents": (_("Description of public documents"), _public_documents),
    "recipients": (_("Register of recipients"), _recipients),
    "processing": (_("Record of processing activities"), _processing),
    "data-flows": (_("Data flows for an impact assessment"), _data_flows),
}


# Files


def as_markdown(register: Register) -> str:
    """The register as a page of Markdown."""
    heads = [one.title for one in register.columns]
    table = [heads, ["---"] * len(heads), *([_markdown(cell) for cell in row] for row in register.texts)]
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([f"# {register.title}", "", *register.intro, "", f"{register.day}", "", *lines, ""])


def _markdown(texts: Iterable[str]) -> str:
    return "<br>".join(text.replace("|", "\\|").replace("\n", " ") for text in texts)


def as_data(register: Register) -> dict[str, Any]:
    """The register as values for JSON: rows by the columns' keys, lists as lists."""
    keys = [one.key for one in register.columns]
    return {
        "code": register.code,
        "title": register.title,
        "day": register.day.isoformat(),
        "intro": list(register.intro),
        "columns": {one.key: one.title for one in register.columns},
        "rows": [dict(zip(keys, row, strict=True)) for row in register.rows],
    }

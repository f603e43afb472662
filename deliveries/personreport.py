"""What one person is told of who was told what about them (GDPR article 15; CJEU C-154/21): every recipient by name.

A report is made by one of the staff, who decides row by row what is secret towards the person, and reviewed by another.
What is withheld leaves no trace in what is given out (lag 2018:218 5 kap. 1 §). It is written in Swedish.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, Value
from django.utils import timezone, translation
from lxml import etree

from benefits.catalogue import Field, catalogue
from benefits.labels import benefit_name, section_name
from benefits.models import Person, PersonFacts, PersonNumber
from benefits.presentation import WORDS, label_of, written
from deliveries.models import Disclosure, PersonReport, SpontaneousDisclosure, StoredDecision, Withholding
from deliveries.replay import KnownItem, KnownWatch, Replay, replay
from lefi import foureyes
from lefi.audit.models import Action, record
from lefi.errors import Refused
from lefi.foureyes import NotApproved
from lefi.reasons import demand_reason
from subscriptions.answers import sentence
from subscriptions.labels import basis_title, class_name, kind_name, purpose_name
from subscriptions.models import Agent, Consent, Customer, LegalBasis, OrderLine, Stream, Watch
from subscriptions.profiles import protected_among

LANGUAGE = "sv"
GROUND = re.compile(r"\d+ kap\. \d+|\d+:\d+")  # a paragraph, as "OSL (2009:400) 21 kap. 3 §" or "OSL 21:3"
# Kinds of customer whose very name says roughly where a person is.
LOCAL_KINDS = frozenset({"socialnamnd", "kommun", "region", "pensionsorgan_kommun_region"})
# A month from when it was asked for (GDPR article 12.3).
ANSWERED_BY = ExpressionWrapper(F("requested_on") + Value(timedelta(days=30)), output_field=DateTimeField())
Row = dict[str, Any]


class ReportRefused(Refused):
    """A report, or a step with one, that is not made.

    PROTECTED (values, or a letter to an address, of a person with protected identity), GROUND (no paragraph), ROW
    (there is none, or it is withheld already), APPROVED (nothing is changed after that), NOT_APPROVED, GIVEN (already),
    ERASED.
    """


@transaction.atomic
def make_report(
    *, person: Person, requested_on: date, reference: str, with_values: bool, by: Any, at: datetime
) -> PersonReport:
    """Make a report as of now, for another to review. Raise ReportRefused (PROTECTED), or ReasonRefused."""
    if with_values and protected_among([person.pk]):
        raise ReportRefused("PROTECTED", "Of a person with protected identity no values are written out.")
    report = PersonReport(
        person=person,
        requested_on=requested_on,
        reference=demand_reason(reference),
        with_values=with_values,
        as_of=at,
    )
    report.content = _text(contents(report))
    foureyes.propose(report, by=by, at=at)
    return report


def rows_of(report: PersonReport) -> list[tuple[str, Row]]:
    """The rows of a report that is not approved, by key, those withheld among them."""
    parts = json.loads(report.content)["parts"] if report.content else {}
    return [(row["key"], row) for part in parts.values() for row in part if "key" in row]


@transaction.atomic
def withhold(*, report: PersonReport, row: str, ground: str, reason: str, by: Any, at: datetime) -> Withholding:
    """Leave a row out, on a ground of secrecy. Raise ReportRefused (APPROVED, ROW or GROUND), or ReasonRefused."""
    _demand_proposal(report)
    if not GROUND.search(ground):
        raise ReportRefused("GROUND", "The ground is a paragraph of the Public Access to Information and Secrecy Act.")
    said = demand_reason(reason)
    known = {key for key, _ in rows_of(report)}
    if row not in known or report.withheld.filter(row=row).exists():
        raise ReportRefused("ROW", "There is no such row, or it is withheld already.")
    made = Withholding.objects.create(report=report, row=row, ground=ground.strip(), reason=said, by=by, at=at)
    _record(Action.REFUSE, report, by, said, row=row, ground=made.ground)
    return made


@transaction.atomic
def approve_report(*, report: PersonReport, by: Any, at: datetime, reason: str) -> None:
    """Approve a report, with what is withheld taken out of it for good.

    Raise NotApproved as four eyes do, also for one who decided what is withheld, and ReportRefused (ERASED; PROTECTED
    if the person has become so since and values are written out).
    """
    said = demand_reason(reason)
    foureyes.demand_another(report, by=by)
    withheld = list(report.withheld.all())
    if any(one.by_id == by.pk for one in withheld):
        raise NotApproved("SAME_PERSON", "Who decided what is withheld does not approve it.")
    report = PersonReport.objects.select_for_update(no_key=True, of=("self",)).get(pk=report.pk)
    if not report.content:
        raise ReportRefused("ERASED", "The content has been erased.")
    if report.with_values and protected_among([report.person_id]):
        raise ReportRefused("PROTECTED", "Of a person with protected identity no values are written out.")
    content = _text(_without(json.loads(report.content), {one.row for one in withheld}))
    PersonReport.objects.proposed().filter(pk=report.pk).update(
        content=content, sha256=hashlib.sha256(content.encode()).hexdigest()
    )
    foureyes.approve(report, by=by, at=at, reason=said)


@transaction.atomic
def give_out(*, report: PersonReport, how: str, by: Any, at: datetime, reason: str = "") -> None:
    """Note how an approved report reached the person. Raise ReportRefused (NOT_APPROVED, GIVEN or PROTECTED)."""
    if not report.in_effect:
        raise ReportRefused("NOT_APPROVED", "The report has not been reviewed.")
    if how == PersonReport.Way.ADDRESS and protected_among([report.person_id]):
        raise ReportRefused("PROTECTED", "A letter to a person with protected identity goes by another way.")
    if not PersonReport.objects.filter(pk=report.pk, given_at=None).update(given_at=at, given_how=how):
        raise ReportRefused("GIVEN", "It has been noted already that the report was given out.")
    report.refresh_from_db()
    _record(Action.SEND, report, by, reason, how=how)


def readable(report: PersonReport) -> dict[str, Any]:
    """What is given out. Raise ReportRefused (NOT_APPROVED or ERASED)."""
    if not report.in_effect:
        raise ReportRefused("NOT_APPROVED", "The report has not been reviewed.")
    if not report.content:
        raise ReportRefused("ERASED", "The content has been erased.")
    said: dict[str, Any] = json.loads(report.content)
    return said


def _demand_proposal(report: PersonReport) -> None:
    if report.in_effect:
        raise ReportRefused("APPROVED", "The report has been reviewed; what it says is fixed.")


def _without(content: dict[str, Any], withheld: set[str]) -> dict[str, Any]:
    """The content without some rows; the keys go too, whose gaps would tell."""
    parts = {
        name: [{key: value for key, value in row.items() if key != "key"} for row in rows if row["key"] not in withheld]
        for name, rows in content["parts"].items()
    }
    return content | {"parts": parts}


def _text(content: dict[str, Any]) -> str:
    return json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1)


def _record(action: str, report: PersonReport, by: Any, reason: str, **details: Any) -> None:
    record(
        action=action,
        object_type=report._meta.label_lower,
        object_id=report.pk,
        actor=by,
        person_id=report.person_id,
        reason=reason,
        **details,
    )


# What it says


def contents(report: PersonReport) -> dict[str, Any]:
    """The whole of a report, as values for JSON. The queries do not grow with what there is to say."""
    with translation.override(LANGUAGE):
        person, at = report.person, report.as_of
        known = replay(person=person, at=at) if report.with_values else {}
        parts: dict[str, Iterable[Row]] = {
            "told": _told(person, at, known),
            "unasked": _unasked(person, at, known),
            "orders": _orders(person, at),
            "consents": _consents(person, at),
        }
        return {
            "person": _who(person),
            "reference": report.reference,
            "requested_on": report.requested_on,
            "as_of": at,
            "controller": settings.RECORD_OF_PROCESSING["controller"],
            "officer": settings.RECORD_OF_PROCESSING["officer"],
            "protected": bool(protected_among([person.pk])),
            "parts": {name: _keyed(name, rows) for name, rows in parts.items()},
        }


def _keyed(name: str, rows: Iterable[Row]) -> list[Row]:
    return [{"key": f"{name}-{place}", **row} for place, row in enumerate(rows, start=1)]


def _who(person: Person) -> Row:
    number = PersonNumber.objects.live().filter(person=person, current=True).values_list("number", flat=True).first()
    facts = PersonFacts.objects.live().filter(person=person).first()
    return {"name": facts.name if facts else "", "number": written(number or person.first_number)}


@dataclass(frozen=True, slots=True)
class _Telling:
    """One disclosure, as much of it as the report says."""

    stream: int
    benefit: str
    watch: int
    decision: int
    number: int
    day: date
    released_at: datetime
    fetched_at: datetime | None
    complete: bool
    sections: dict[str, str]


def _told(person: Person, at: datetime, known: dict[int, Replay]) -> list[Row]:
    """A row for each recipient, purpose, benefit and version of a basis: what was released and never recalled.

    What was withheld from a customer told it nothing, nor did the word alone that a watch has ended. It is the numbers
    that the person holds that count: so what was told of somebody else, in a merge that was undone, is not in it.
    """
    sent = Disclosure.objects.filter(watch__ordered_number__in=person.held())
    sent = sent.filter(outcome=Disclosure.Outcome.SENT, delivery__recalled_at=None)
    sent = sent.filter(Q(complete=True) | ~Q(sections={}), delivery__released_at__lte=at)
    rows_sent = sent.order_by("pk").values_list(
        *("delivery__stream", "watch__benefit", "watch", "decision", "delivery__number", "delivery__day"),
        *("delivery__released_at", "delivery__first_fetched_at", "complete", "sections"),
    )
    tellings = [_Telling(*row) for row in rows_sent]
    decisions = StoredDecision.objects.defer("profile").in_bulk({one.decision for one in tellings})
    groups: dict[tuple[int, str, str, int], list[_Telling]] = defaultdict(list)
    for one in tellings:
        ground = decisions[one.decision]
        groups[one.stream, one.benefit, ground.basis_code, ground.basis_version or 0].append(one)
    streams = Stream.objects.select_related("agreement__customer").in_bulk({one.stream for one in tellings})
    watches = Watch.objects.in_bulk({one.watch for one in tellings})
    basis, agents = _bases(decisions.values()), _agents(one.agreement.customer for one in streams.values())
    rows = []
    for (stream_id, benefit, code, version), members in groups.items():
        stream = streams[stream_id]
        row = _recipient(stream.agreement.customer, members, agents)
        row |= {"agreement": stream.agreement.code, "purpose": _named(stream.purpose, purpose_name)}
        row |= {"basis": basis(code, version), "benefit": _named(benefit, benefit_name)}
        row |= _what(members, [decisions[one.decision] for one in members])
        own = {one.watch for one in members}
        row["watches"] = [_watch(watches[pk]) for pk in sorted(own)]
        if known:
            row |= _values(known.get(stream.agreement.customer_id), own)
        rows.append(row)
    return sorted(rows, key=lambda row: (row["recipient"]["name"], row["benefit"]["label"], row["first"]))


def _recipient(customer: Customer, members: Sequence[_Telling], agents: dict[int, list[Agent]]) -> Row:
    first, last = members[0].released_at, members[-1].released_at
    spoke = [one for one in agents[customer.pk] if _overlaps(one, timezone.localdate(first), timezone.localdate(last))]
    return {"recipient": _customer(customer) | {"agents": [_organisation(one) for one in spoke]}}


def _overlaps(agent: Agent, first: date, last: date) -> bool:
    return agent.valid_from <= last and (agent.valid_to is None or agent.valid_to >= first)


def _customer(customer: Customer) -> Row:
    return {
        **_organisation(customer),
        "unit": customer.unit,
        "kind": _named(customer.kind, kind_name),
        "reveals_place": customer.kind in LOCAL_KINDS,
    }


def _organisation(one: Customer | Agent) -> Row:
    number = one.organisation_number
    return {"name": one.name, "organisation_number": f"{number[:6]}-{number[6:]}"}


def _what(members: Sequence[_Telling], decisions: Iterable[StoredDecision]) -> Row:
    """What was told in words, and each delivery that did, from the first to the last."""
    classes = {cls for one in decisions for cls in one.classes}
    sections = {name for one in members for name in one.sections}
    return {
        "categories": [class_name(code) for code in catalogue().classes if code in classes],
        "sections": sorted(map(section_name, sections)),
        "times": len(members),
        "first": members[0].released_at,
        "last": members[-1].released_at,
        "fetched": any(one.fetched_at for one in members),
        "deliveries": [
            {
                "number": one.number,
                "day": one.day,
                "released_at": one.released_at,
                "fetched_at": one.fetched_at,
                "complete": one.complete,
                "sections": sorted(map(section_name, one.sections)),
            }
            for one in members
        ],
    }


def _watch(watch: Watch) -> Row:
    return {
        "from": watch.from_date,
        "opened": watch.opened_at,
        "ended": watch.ended_at,
        "why": watch.get_end_reason_display() if watch.ended_at else "",
    }


def _bases(decisions: Iterable[StoredDecision]) -> Callable[[str, int], Row]:
    """The versions of the bases that decisions rested on, in words."""
    rows = LegalBasis.objects.filter(code__in={one.basis_code for one in decisions})
    found = {(one.code, one.version): one for one in rows}

    def words(code: str, version: int) -> Row:
        one = found.get((code, version))
        said: Row = {"title": basis_title(one), "citations": one.citations} if one else {"title": "", "citations": []}
        return {"code": code, "version": version, **said}

    return words


def _agents(customers: Iterable[Customer]) -> dict[int, list[Agent]]:
    found: dict[int, list[Agent]] = defaultdict(list)
    for one in Agent.objects.filter(customer__in={customer.pk for customer in customers}).order_by("name", "pk"):
        found[one.customer_id].append(one)
    return found


def _named(code: str, name: Callable[[str], str]) -> Row:
    return {"code": code, "label": name(code)}


def _unasked(person: Person, at: datetime, known: dict[int, Replay]) -> list[Row]:
    """What was told of our own accord."""
    messages = SpontaneousDisclosure.objects.approved().about(person).filter(approved_at__lte=at)
    found = list(messages.select_related("customer", "decision").order_by("pk"))
    basis = _bases([one.decision for one in found if one.decision])
    rows = []
    for one in found:
        decided = one.decision
        classes = decided.classes if decided else []
        row = {
            "recipient": _customer(one.customer) | {"agents": []},
            "basis": basis(one.basis_code, (decided.basis_version or 0) if decided else 0),
            "benefit": _named(one.benefit, benefit_name),
            "from": one.from_date,
            "categories": [class_name(code) for code in catalogue().classes if code in classes],
            "sections": sorted(map(section_name, one.sections)),
            "told_at": one.approved_at,
            "fetched_at": one.first_fetched_at,
        }
        rows.append(row | (_values(known.get(one.customer_id), {0}) if known else {}))
    return rows


def _orders(person: Person, at: datetime) -> Iterator[Row]:
    """The lines of orders that named the person, whatever they were answered."""
    named = Q(watch__ordered_number__in=person.held()) | Q(watch=None, number__in=person.held())
    lines = OrderLine.objects.filter(named, order__received_at__lte=at)
    for one in lines.select_related("order__stream__agreement__customer").order_by("order", "line"):
        yield {
            "recipient": _customer(one.order.stream.agreement.customer),
            "received_at": one.order.received_at,
            "channel": one.order.get_channel_display(),
            "kind": one.get_kind_display(),
            "benefit": _named(one.benefit, benefit_name),
            "from": one.from_date,
            "answer": {"code": one.answer, "sentence": str(sentence(one.answer))},
        }


def _consents(person: Person, at: datetime) -> Iterator[Row]:
    consents = Consent.objects.filter(person__in=person.same)
    consents = consents.filter(Q(registered_at=None) | Q(registered_at__lte=at))
    for one in consents.select_related("customer").order_by("pk"):
        yield {
            "recipient": _customer(one.customer),
            "purpose": _named(one.purpose, purpose_name),
            "benefits": [benefit_name(code) for code in one.benefits],
            "categories": [class_name(code) for code in one.classes],
            "given_on": one.given_on,
            "giver": one.get_giver_display(),
            "valid_from": one.valid_from,
            "valid_to": one.valid_to,
            "withdrawn_at": one.withdrawn_at,
        }


# Values


def _values(known: Replay | None, watches: set[int]) -> Row:
    """What the documents said, item by item, of some watches; and which of them cannot be read any more."""
    own = [one for one in known.watches if one.watch in watches] if known else []
    unread = {source.number for one in own for section in one.sections for source in section.unread}
    return {"values": [value for one in own for value in _of_watch(one)], "unread": sorted(unread)}


def _of_watch(watch: KnownWatch) -> Iterator[Row]:
    for section in watch.sections:
        for item in section.items:
            yield _value(section.name, item)


def _value(section: str, item: KnownItem) -> Row:
    fields = catalogue().sections[section].fields if section in catalogue().sections else ()
    element = etree.fromstring(item.xml, etree.XMLParser(resolve_entities=False, no_network=True))
    return {
        "section": {"code": section, "label": section_name(section)},
        "since": {"number": item.since.number, "at": item.since.released_at, "fetched_at": item.since.fetched_at},
        "until": {"number": item.until.number, "at": item.until.released_at} if item.until else None,
        "entries": [{"label": label, "text": text} for label, text in _leaves(element, fields)],
        "xml": item.xml,
    }


def _leaves(element: Any, fields: Sequence[Field], above: str = "") -> Iterator[tuple[str, str]]:
    """The texts in an element with their labels; what the catalogue does not know goes by its own name."""
    known = {one.name: one for one in fields}
    for child in element:
        one = known.get(child.tag)
        label = above + (label_of(one, LANGUAGE) if one else child.tag)
        if len(child):
            yield from _leaves(child, one.children if one else (), f"{label} › ")
        else:
            yield label, _text_of(one, child.text or "")


def _text_of(field: Field | None, text: str) -> str:
    if field is None or field.kind != "boolean":
        return text
    return WORDS[LANGUAGE]["yes" if text in ("true", "1") else "no"]

"""Why a customer was, or was not, told about a person on a day, field by field.

All of it is read from what was stored when it was decided: nothing is decided anew, so the answer holds whatever the
law says today (C7). Whether an allowed field had a value is read from the document that was told, while that is kept.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from benefits.catalogue import catalogue
from benefits.labels import benefit_name, section_name
from benefits.models import Person
from deliveries import reading, storage
from deliveries.explanation import (
    ConsentUsed,
    Explanation,
    Ground,
    InDelivery,
    Message,
    SectionVerdict,
    State,
    Text,
    WatchAnswer,
    Withheld,
    verdicts,
)
from deliveries.models import Delivery, Disclosure, SpontaneousDisclosure, StoredDecision, StreamRun
from subscriptions.answers import sentence
from subscriptions.decision import Outcome
from subscriptions.labels import basis_title, purpose_name
from subscriptions.models import Customer, LegalBasis, Watch

OUTSIDE = 0  # the watch that the document of a message outside every stream names
LARGEST_READ = 5_000_000  # bytes of a document that is looked into for which fields had a value


@dataclass(slots=True)
class _Found:
    """All that the answer is made of, read in sets."""

    person: Person
    day: date
    watches: list[Watch]
    disclosures: dict[int, list[Disclosure]] = field(default_factory=lambda: defaultdict(list))
    nights: dict[int, StreamRun] = field(default_factory=dict)
    messages: list[SpontaneousDisclosure] = field(default_factory=list)
    bases: dict[tuple[str, int], LegalBasis] = field(default_factory=dict)
    values: dict[tuple[str, int, str], set[str]] = field(default_factory=dict)


def explain(*, person: Person, customer: Customer, day: date) -> Explanation:
    """Say what stood on a day, for each watch that the customer ever had on the person, and why.

    The day is that of the decisions: a night begun on the 1st is of the 1st. Whoever asks logs the read.
    """
    found = _find(person, customer, day)
    answers = tuple(_answer(found, watch) for watch in found.watches)
    messages = tuple(_message(found, one) for one in found.messages)
    return Explanation(
        customer=customer.name,
        day=day,
        sentence=_in_short(answers, messages),
        watches=answers,
        messages=messages,
    )


# Reading


def _find(person: Person, customer: Customer, day: date) -> _Found:
    """Nine queries, however much there is."""
    about = Disclosure.objects.about(person).of(customer)
    ids = set(Watch.objects.of(customer).filter(person__in=person.same).values_list("pk", flat=True))
    ids.update(about.values_list("watch", flat=True))  # watches that have gone on to another person since
    watches = Watch.objects.filter(pk__in=ids).select_related("stream__agreement").order_by("opened_at", "pk")
    found = _Found(person, day, list(watches))
    on_person = {one.pk for one in found.watches if one.person_id in person.same}
    rows = Disclosure.objects.filter(watch__in=ids, delivery__day__lte=day).select_related("decision", "delivery")
    for row in rows.order_by("-delivery__number"):
        if row.person_id in person.same or row.watch_id in on_person:
            found.disclosures[row.watch_id].append(row)
    streams = {one.stream_id for one in found.watches}
    nights = StreamRun.objects.filter(stream__in=streams, run__day=day, run__dry_run=False)
    found.nights = {one.stream_id: one for one in nights.select_related("delivery").order_by("run")}
    messages = SpontaneousDisclosure.objects.approved().filter(person__in=person.same, customer=customer)
    messages = messages.filter(approved_at__lte=_end_of(day)).order_by("pk")
    found.messages = list(messages.select_related("decision"))
    found.bases = _bases(found)
    found.values = _values_told(found)
    return found


def _end_of(day: date) -> datetime:
    return datetime.combine(day, datetime.max.time(), timezone.get_default_timezone())


def _bases(found: _Found) -> dict[tuple[str, int], LegalBasis]:
    """The versions of the bases that the decisions rested on."""
    decisions = [row.decision for rows in found.disclosures.values() for row in rows]
    decisions += [one.decision for one in found.messages if one.decision]
    codes = {one.basis_code for one in decisions}
    return {(one.code, one.version): one for one in LegalBasis.objects.filter(code__in=codes)}


def _values_told(found: _Found) -> dict[tuple[str, int, str], set[str]]:
    """The paths that had a value, by document, watch and section, of what stands."""
    wanted: dict[tuple[str, int], set[int]] = defaultdict(set)
    for rows in found.disclosures.values():
        for row in _standing_sections(rows).values():
            wanted[row.delivery.sha256, row.delivery.size].add(row.watch_id)
    for one in found.messages:
        wanted[one.sha256, one.size].add(OUTSIDE)
    values: dict[tuple[str, int, str], set[str]] = {}
    for (sha256, size), watches in wanted.items():
        for watch, section, paths in _values_in(sha256, size, watches):
            values[sha256, watch, section] = paths
    return values


def _values_in(sha256: str, size: int, watches: Collection[int]) -> Iterator[tuple[int, str, set[str]]]:
    path = storage.place_of(sha256)
    if size > LARGEST_READ or not path.is_file():
        return
    with suppress(reading.DocumentFault):  # then what it holds is not known
        for entry in reading.read(path, check=False):
            for block in entry.blocks:
                if block.watch in watches:
                    yield block.watch, block.section, {one for item in block.items for one in _paths(item.content)}


def _paths(content: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The dotted paths of all leaves that have a value."""
    for name, value in content.items():
        for element in value if isinstance(value, list) else [value]:
            if isinstance(element, Mapping):
                yield from _paths(element, f"{above}{name}.")
            elif element is not None:
                yield f"{above}{name}"


# Answering


def _in_short(answers: Sequence[WatchAnswer], messages: Sequence[Message]) -> Text:
    if not answers and not messages:
        return _("The customer has never had a watch on the person, and has been told nothing.")
    if any(one.state in (State.TOLD, State.ENDED) for one in answers) or messages:
        return _("The customer had been told something by the end of the day.")
    return _("The customer had been told nothing by the end of the day.")


def _answer(found: _Found, watch: Watch) -> WatchAnswer:
    rows = found.disclosures[watch.pk]
    standing = [row for row in rows if row.delivery.recalled_at is None]
    last = standing[0] if standing else None
    state = _state(found, watch, last)
    ended = watch.ended_at is not None and watch.ended_at <= _end_of(found.day)
    told = {} if state is State.WITHHELD and last and _refused(last) else _standing_sections(rows)
    return WatchAnswer(
        watch=watch.pk,
        benefit=watch.benefit,
        benefit_label=benefit_name(watch.benefit),
        stream=str(watch.stream),
        from_date=watch.from_date,
        opened_at=watch.opened_at,
        ended_at=watch.ended_at if ended else None,
        end_reason=watch.get_end_reason_display() if ended else "",
        state=state,
        reason=last.reason if last else "",
        sentence=sentence(last.reason) if last and last.reason else state.label,
        night=_night(found, watch, last),
        ground=_ground(found, last.decision, watch.stream.agreement.code) if last else None,
        delivery=_in_delivery(last.delivery) if last else None,
        complete=last.complete if last else False,
        references=bool(last and last.case_reference),
        outcomes=tuple((last.decision.profile.get("basis") or {}).get("outcomes", ())) if last else (),
        sections=tuple(
            _section(found, name, row.delivery.sha256, watch.pk, row.decision, row.delivery.number)
            for name, row in told.items()
        ),
        withheld=tuple(
            Withheld(row.reason, sentence(row.reason), _in_delivery(row.delivery))
            for row in standing
            if row.outcome == Disclosure.Outcome.WITHHELD
        ),
        recalled=tuple(_in_delivery(row.delivery) for row in rows if row.delivery.recalled_at),
    )


def _state(found: _Found, watch: Watch, last: Disclosure | None) -> State:
    if last is None:
        return State.NOT_OPENED if watch.opened_at > _end_of(found.day) else State.NOTHING_YET
    if last.outcome == Disclosure.Outcome.WITHHELD:
        return State.WITHHELD
    over = watch.ended_at is not None and watch.ended_at <= last.delivery.released_at
    return State.ENDED if over else State.TOLD


def _refused(row: Disclosure) -> bool:
    """Whether the customer was told that it may not be told, so that what it heard before stands no longer."""
    return row.outcome == Disclosure.Outcome.WITHHELD and row.decision.outcome != Outcome.FROZEN


def _standing_sections(rows: Iterable[Disclosure]) -> dict[str, Disclosure]:
    """The newest standing disclosure of each section, from newest to oldest; what came complete replaced all before."""
    sections: dict[str, Disclosure] = {}
    for row in rows:
        if row.delivery.recalled_at is not None:
            continue
        if _refused(row):
            break
        for name in row.sections:
            sections.setdefault(name, row)
        if row.complete:
            break
    return sections


def _night(found: _Found, watch: Watch, last: Disclosure | None) -> Text:
    """What the day's own run brought the watch; "" if that is what is explained."""
    if last is not None and last.delivery.day == found.day:
        return ""
    said = _said_of(found.nights.get(watch.stream_id))
    if last is None:
        return said
    since = {"said": said, "day": last.delivery.day, "number": last.delivery.number}
    return _("%(said)s Nothing new since %(day)s, delivery %(number)s.") % since


def _said_of(night: StreamRun | None) -> Text:
    """What a day's run gave a stream, for a watch that it brought nothing."""
    if night is None:
        return _("No run examined the stream on this day.")
    if night.status == StreamRun.Status.STOPPED:
        return _("The stream was given no document on this day: %(why)s") % {"why": sentence(night.code)}
    if night.delivery is None:
        return _("The stream was given no document on this day: %(why)s") % {"why": night.get_status_display()}
    return _("Delivery %(number)s of this day held nothing for this watch.") % {"number": night.delivery.number}


def _in_delivery(delivery: Delivery) -> InDelivery:
    return InDelivery(
        number=delivery.number,
        run=delivery.run_id,
        day=delivery.day,
        released_at=delivery.released_at,
        first_fetched_at=delivery.first_fetched_at,
        acknowledged_at=delivery.acknowledged_at,
        recalled_at=delivery.recalled_at,
    )


def _ground(found: _Found, decision: StoredDecision, agreement: str) -> Ground:
    profile = decision.profile
    basis = found.bases.get((decision.basis_code, decision.basis_version or 0))
    used = profile.get("consent")
    return Ground(
        decision=decision.pk,
        day=decision.day,
        outcome=decision.outcome,
        refusal=decision.refusal,
        sentence=sentence(decision.refusal) if decision.refusal else _("The legal basis allows it."),
        basis_code=decision.basis_code,
        basis_version=decision.basis_version,
        basis_title=basis_title(basis) if basis else "",
        citations=tuple(basis.citations) if basis else (),
        agreement=agreement,
        purpose=purpose_name((profile.get("terms") or {}).get("purpose", "")),
        scope_version=decision.scope_version,
        consent=_consent(used) if used else None,
        protected=bool(profile.get("protected")),
    )


def _consent(used: Mapping[str, Any]) -> ConsentUsed:
    return ConsentUsed(used["id"], used["valid_from"], used["valid_to"] or "", bool(used["withdrawn"]))


def _message(found: _Found, one: SpontaneousDisclosure) -> Message:
    decision = one.decision
    told = {name: decision for name in one.sections if decision}
    return Message(
        id=one.pk,
        benefit=one.benefit,
        benefit_label=benefit_name(one.benefit),
        approved_at=one.approved_at or _end_of(found.day),
        first_fetched_at=one.first_fetched_at,
        ground=_ground(found, decision, "") if decision else None,
        sections=tuple(_section(found, name, one.sha256, OUTSIDE, by) for name, by in told.items()),
    )


def _section(
    found: _Found, name: str, sha256: str, watch: int, decision: StoredDecision, number: int | None = None
) -> SectionVerdict:
    known = catalogue().sections.get(name)
    values = found.values.get((sha256, watch, name))
    return SectionVerdict(name, section_name(name), number, verdicts(known, decision, values) if known else ())

"""What an agreement's terms would mean if they were approved: reckoned from a sample, with nothing disclosed.

Decided as if both parties had signed and nothing were blocked, for an unprotected person whose consent, where one is
needed, covers all. Of the register only numbers come out; the specimen is on made-up persons.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from io import BytesIO

from django.db.models import Count, F, Max, Min, QuerySet
from django.utils import timezone
from django.utils.functional import Promise

from benefits.catalogue import HEADER, Field, Section, catalogue
from benefits.labels import benefit_name, labelled_leaves, section_name
from benefits.models import BenefitPeriod, Import, Person, Touched
from deliveries.decisions import Decider
from deliveries.document import Writer
from deliveries.known import Register, sections_of, tellable
from deliveries.specimen import entry_of, head, look_back, specimen
from subscriptions.answers import sentence
from subscriptions.decision import Consent, Decision, Profile, decide
from subscriptions.disclosable import THIRD_PERSON
from subscriptions.labels import class_name, purpose_name
from subscriptions.models import Agreement, Connection, Scope, Stream, Watch
from subscriptions.profiles import StreamLaw, law_of, law_under, protected_among

SAMPLE = 200  # watches read, at most
WINDOW = 5000  # persons among whom those who have a benefit are looked for
IMPORTS = 30  # the newest, that nightly changes are counted in
DIGITS_OF_A_NUMBER = "0" * 12


@dataclass(frozen=True, slots=True)
class FieldChange:
    section: str
    label: str
    class_label: str


@dataclass(frozen=True, slots=True)
class BenefitPreview:
    """What becomes of one benefit; `refusal` is why nothing of it would be told, "" if something would."""

    code: str
    label: str
    told_now: bool
    refusal: str
    sentence: Promise | str
    gained: tuple[FieldChange, ...]
    lost: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class Volume:
    """How much would be told: items of the register, and bytes of the document."""

    watches: int
    items: int
    size: int


@dataclass(frozen=True, slots=True)
class ScopePreview:
    """What one purpose's scope would mean. `estimated`: the numbers rest on the application's own estimate.

    `first` is the first delivery, `nightly` an ordinary night; None where nothing in the register says.
    """

    scope: Scope
    purpose: str
    basis_code: str
    basis_version: int | None
    watches: int
    persons: int
    estimated: bool
    sampled: int
    benefits: tuple[BenefitPreview, ...]
    first: Volume | None
    nightly: Volume | None
    specimen: bytes


@dataclass(frozen=True, slots=True)
class Preview:
    agreement: Agreement
    day: date
    parts: tuple[ScopePreview, ...]


@dataclass(frozen=True, slots=True)
class _Sample:
    """Watches that stand for all, with what each is decided."""

    watches: Sequence[Watch]
    decide: Callable[[Watch], Decision]


def preview(*, agreement: Agreement, scopes: Iterable[Scope], day: date | None = None) -> Preview:
    """What the scopes would mean for the agreement from a day on, today if not given. Changes and logs nothing."""
    begins = max(day or timezone.localdate(), agreement.valid_from)
    return Preview(agreement, begins, tuple(_part(agreement, scope, begins) for scope in scopes))


def specimen_of(scope: Scope, day: date | None = None) -> bytes:
    """The specimen of a scope alone."""
    law = _under(scope.agreement, scope, max(day or timezone.localdate(), scope.agreement.valid_from))
    return specimen(law, _decisions(law, scope.benefits))


def _part(agreement: Agreement, scope: Scope, day: date) -> ScopePreview:
    now = _settled(law_of(Stream(agreement=agreement, purpose=scope.purpose), day))
    then = _under(agreement, scope, day)
    told_now = sorted(now.terms.benefits)
    before, after = _decisions(now, told_now), _decisions(then, scope.benefits)
    streams = list(Stream.objects.filter(agreement=agreement, purpose=scope.purpose).values_list("pk", flat=True))
    watches = Watch.objects.open().filter(stream__in=streams)
    # Of stream, person and end alone, so that an index answers it.
    counts = watches.aggregate(watches=Count("*"), persons=Count("person", distinct=True))
    expected, persons = counts["watches"], counts["persons"]
    estimated = not expected
    if estimated:
        persons = _applied_for(agreement)
        expected = persons * sum(one.allowed for one in after.values())
        sample = _of_the_register(then, after)
    else:
        sample = _of_the_watches(then, watches, expected)
    first, nightly = _volumes(then, sample, expected)
    return ScopePreview(
        scope=scope,
        purpose=purpose_name(scope.purpose),
        basis_code=scope.basis_code,
        basis_version=then.basis.version if then.basis else None,
        watches=expected,
        persons=persons,
        estimated=estimated,
        sampled=len(sample.watches),
        benefits=tuple(
            _benefit(code, before.get(code), after.get(code)) for code in sorted({*told_now, *scope.benefits})
        ),
        first=first,
        nightly=nightly,
        specimen=specimen(then, after),
    )


# Law


def _under(agreement: Agreement, scope: Scope, day: date) -> StreamLaw:
    """The law under the scope, were the agreement active."""
    law = _settled(law_under(Stream(agreement=agreement, purpose=scope.purpose), scope, day))
    return replace(law, terms=replace(law.terms, active=True))


def _settled(law: StreamLaw) -> StreamLaw:
    """The law without what passes: blocks, and reservations that wait to be acknowledged."""
    terms = replace(law.terms, reservations_acknowledged=True)
    return replace(law, terms=terms, blocked=False, blocked_benefits=frozenset())


def _decisions(law: StreamLaw, benefits: Iterable[str]) -> dict[str, Decision]:
    return {code: decide(_profile(law, code)) for code in benefits if code in catalogue().benefits}


def _profile(law: StreamLaw, benefit: str) -> Profile:
    needed = law.basis is not None and law.basis.consent_needed
    profile = law.profile(benefit, consent=_full_consent(law, benefit) if needed else None, case=True, need=True)
    return replace(profile, customer_active=True)


def _full_consent(law: StreamLaw, benefit: str) -> Consent:
    return Consent(0, frozenset({benefit}), frozenset(catalogue().classes), law.day, None, withdrawn=False)


# Fields


def _benefit(code: str, now: Decision | None, then: Decision | None) -> BenefitPreview:
    refusal = "BENEFIT_NOT_AGREED" if then is None else then.refusal or ""
    gained: list[FieldChange] = []
    lost: list[FieldChange] = []
    for name in sections_of(code) if code in catalogue().benefits else ():
        section = catalogue().sections[name]
        for leaf, label in labelled_leaves(section.fields):
            before, after = _may_be_told(leaf, now), _may_be_told(leaf, then)
            if before != after:
                (gained if after else lost).append(_change(section, leaf, label))
    return BenefitPreview(
        code=code,
        label=benefit_name(code),
        told_now=now is not None and now.allowed,
        refusal=refusal,
        sentence=sentence(refusal) if refusal else "",
        gained=tuple(gained),
        lost=tuple(lost),
    )


def _may_be_told(leaf: Field, decision: Decision | None) -> bool:
    if decision is None or leaf.cls not in decision.classes:
        return False
    return leaf.subject != "other" or THIRD_PERSON in decision.classes


def _change(section: Section, leaf: Field, label: str) -> FieldChange:
    return FieldChange(section_name(section.name), label, class_name(leaf.cls))


# Samples


def _applied_for(agreement: Agreement) -> int:
    """How many persons the customer said that it would watch."""
    return Connection.objects.filter(agreement=agreement).values_list("persons", flat=True).first() or 0


def _of_the_watches(law: StreamLaw, watches: QuerySet[Watch], count: int) -> _Sample:
    """Open watches spread over all of them, each decided by its own consent, references and protection.

    They are chosen by person, as an index has them, and then read. Of many watches, among so few persons that about as
    many as are read are watched.
    """
    if count > WINDOW:
        persons_there = _persons_there()
        spread = watches.filter(person__in=_over(persons_there, min(WINDOW, SAMPLE * len(persons_there) // count)))
    else:
        spread = watches.annotate(place=F("person") % max(1, count // SAMPLE)).filter(place=0)
    persons = list(spread.order_by().values_list("person", flat=True)[:SAMPLE])
    chosen = list(watches.filter(person__in=persons).order_by("pk")[:SAMPLE])
    decider = Decider(law)
    decider.about(chosen)
    return _Sample(chosen, lambda watch: decider.decide(watch)[0])


def _of_the_register(law: StreamLaw, decisions: dict[str, Decision]) -> _Sample:
    """Persons who have the benefits, as if each were watched; none whose identity is protected."""
    told = [code for code, decision in decisions.items() if decision.allowed]
    having = _persons_having(told)
    protected = protected_among({person for persons in having.values() for person in persons})
    each = SAMPLE // max(1, len(told))
    chosen = [
        Watch(pk=0, person_id=person, benefit=code, from_date=look_back(law), ordered_number=DIGITS_OF_A_NUMBER)
        for code in told
        for person in sorted(having[code] - protected)[:each]
    ]
    return _Sample(chosen, lambda watch: decisions[watch.benefit])


def _persons_there() -> range:
    """The numbers that persons can have in the register."""
    ends = Person.objects.aggregate(first=Min("pk"), last=Max("pk"))
    return range(ends["first"], ends["last"] + 1) if ends["first"] is not None else range(0)


def _over(persons: range, count: int) -> list[int]:
    """So many of some numbers, or fewer, spread evenly over them."""
    return list(persons[:: -(-len(persons) // max(1, count)) or 1])


def _persons_having(benefits: Sequence[str]) -> dict[str, set[int]]:
    """Who has something of each benefit, among persons spread over the register."""
    window = _over(_persons_there(), WINDOW)
    by_section: dict[str, list[str]] = defaultdict(list)
    for code in benefits:
        for name in _telling_sections(code):
            by_section[name].append(code)
    rows = BenefitPeriod.objects.live().filter(person__in=window, section__in=list(by_section))
    having: dict[str, set[int]] = defaultdict(set)
    for person, name in rows.order_by().values_list("person", "section").distinct():
        for code in by_section[name]:
            having[code].add(person)
    return having


def _telling_sections(benefit: str) -> list[str]:
    """The sections that speak of the benefit alone; all of its sections if none does."""
    names = [name for name in sections_of(benefit) if name != HEADER]
    own = [name for name in names if len(catalogue().sections[name].benefits) == 1]
    return own or names


# Volumes


def _volumes(law: StreamLaw, sample: _Sample, expected: int) -> tuple[Volume | None, Volume | None]:
    """The first delivery and an ordinary night, scaled from the sample to all the watches."""
    if not sample.watches:
        return None, None
    items, size = _measured(law, sample)
    scale = expected / len(sample.watches)
    first = Volume(expected, round(items * scale), round(size * scale))
    share = _changed_in_a_night(sample.watches)
    if share is None:
        return first, None
    return first, Volume(round(expected * share), round(first.items * share), round(first.size * share))


def _measured(law: StreamLaw, sample: _Sample) -> tuple[int, int]:
    """Items and bytes of complete information on the sample's watches."""
    told = [watch for watch in sample.watches if sample.decide(watch).allowed]
    newest = Import.objects.last_number()
    names = {name for watch in told for name in sections_of(watch.benefit)}
    register = Register(sorted({watch.person_id for watch in told}), names, oldest=newest, newest=newest)
    writer = Writer(BytesIO(), head(law))
    empty, items = writer.size, 0
    for watch in told:
        sections = _told(register, watch, sample.decide(watch), newest)
        items += sum(len(found) for name, found in sections.items() if name != HEADER)
        writer.add([entry_of(watch, watch.ordered_number, sections)])
    return items, writer.size - empty


def _told(register: Register, watch: Watch, decision: Decision, as_of: int):
    sections = catalogue().sections
    return {name: tellable(register, watch, sections[name], decision, as_of) for name in sections_of(watch.benefit)}


def _changed_in_a_night(watches: Sequence[Watch]) -> float | None:
    """The share of the watches that a night touches, by the newest imports; a source's first brought everybody.

    At most: what was touched need not be anything that the watch may be told.
    """
    newest = Import.objects.published().filter(sequence__gt=1).order_by("-number")[:IMPORTS]
    days = {one.number: one.published_at.date() for one in newest if one.number and one.published_at}
    if not days:
        return None
    touched: dict[tuple[int, str], set[date]] = defaultdict(set)
    rows = Touched.objects.filter(number__in=list(days), person__in={watch.person_id for watch in watches})
    for number, person, section in rows.values_list("number", "person", "section"):
        touched[person, section].add(days[number])
    changed = sum(len(set().union(*_nights(touched, watch))) for watch in watches)
    return changed / len(watches) / len(set(days.values()))


def _nights(touched: dict[tuple[int, str], set[date]], watch: Watch) -> Iterator[set[date]]:
    return (touched.get((watch.person_id, name), set()) for name in sections_of(watch.benefit))

"""No delivered document holds a field that the law did not allow on that day, whatever the law says.

Every text and number of a person's register is a mark found nowhere else. Bases, agreements, consents, approvals,
protection and days are drawn at random; what may be told is worked out here, plainly, from what was drawn; and the
marks are looked for in the bytes of the documents.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from benefits.catalogue import HEADER, Field, Section, catalogue
from benefits.models import Person, PersonFacts, Protection
from deliveries import storage
from deliveries.models import Delivery
from deliveries.verification import verify
from subscriptions.models import Agreement, Pending, Stream
from tests.catalogue_content import item_of
from tests.factories import (
    AgreementFactory,
    ConsentFactory,
    LegalBasisFactory,
    OwnerApprovalFactory,
    PendingFactory,
    ProtectedReleaseFactory,
    ReservationFactory,
    ScopeFactory,
    StreamFactory,
    WatchFactory,
)
from tests.histories.world import World, world

BENEFITS = sorted(catalogue().benefits)
CLASSES = sorted(catalogue().classes)
PLACES = {"address", "employer", "contact", "related", "protection"}
CODE = "TEST-SLUMP"


def tells_places(benefit: str) -> bool:
    """Whether a benefit's sections have something that reveals a place or is about a third person."""
    sections = [catalogue().sections[name] for name in catalogue().benefits[benefit].sections]
    return any(leaf.cls in PLACES or leaf.subject == "other" for section in sections for leaf in section.leaves())


SENSITIVE = [benefit for benefit in BENEFITS if tells_places(benefit)]


@dataclass(frozen=True)
class Mark:
    """Where a mark stands: a leaf of an item about one benefit."""

    section: Section
    field: Field
    benefit: str


@dataclass(frozen=True)
class Drawn:
    """A law, a customer and a watch, drawn at random."""

    benefit: str
    basis_classes: list[str]
    left_to_agreement: list[str]
    scope_classes: list[str]
    consent_classes: list[str]
    right: dict[str, bool]  # for each thing that must be in order, whether it is
    consent_needed: bool
    protected: bool
    released: bool

    @property
    def told(self) -> set[str]:
        """The classes that may be told: none unless everything is in order."""
        needed = {name for name in self.right if name not in ("consent", "consent in time", "consent examined")}
        if self.consent_needed:
            needed = set(self.right)
        if self.benefit.startswith("FK:"):
            needed -= {"owner's approval", "owner's approval in time"}
        if not all(self.right[name] for name in needed) or (self.protected and not self.released):
            return set()
        classes = set(self.basis_classes) | set(self.left_to_agreement)
        if self.consent_needed:
            classes &= set(self.consent_classes)
        if self.protected:
            classes -= PLACES
        return classes & set(self.scope_classes)

    def may_tell(self, mark: Mark) -> bool:
        sections = {HEADER, *catalogue().benefits[self.benefit].sections}
        own = mark.section.name in sections and mark.benefit in (self.benefit, "")
        others = mark.field.subject == "other" and "related" not in self.told
        return own and mark.field.cls in self.told and not others


MUST_BE_RIGHT = (
    "basis in force",
    "basis approved",
    "basis active",
    "recipient kind",
    "benefit in basis",
    "agreement active",
    "agreement in time",
    "benefit agreed",
    "scope approved",
    "case",
    "confirmed",
    "reservation acknowledged",
    "owner's approval",
    "owner's approval in time",
    "consent",
    "consent in time",
    "consent examined",
)
OFTEN = st.integers(0, 24).map(bool)  # wrong once in 25
SOME = st.lists(st.sampled_from(CLASSES), min_size=4, unique=True)


def laws() -> st.SearchStrategy[Drawn]:
    return st.builds(
        Drawn,
        benefit=st.sampled_from(BENEFITS) | st.sampled_from(SENSITIVE),
        basis_classes=SOME,
        left_to_agreement=SOME,
        scope_classes=SOME | st.just(CLASSES),
        consent_classes=SOME | st.just(CLASSES),
        right=st.fixed_dictionaries(dict.fromkeys(MUST_BE_RIGHT, OFTEN)),
        consent_needed=st.booleans(),
        protected=st.integers(0, 3).map(lambda drawn: drawn == 0),
        released=st.booleans(),
    )


@pytest.fixture
def marked(db, tmp_path) -> Iterator[tuple[World, dict[str, Mark]]]:
    """One person who has something of everything, every text and number of it a mark."""
    with world(tmp_path, persons=1) as made:
        marks: dict[str, Mark] = {}
        for source in ("FK", "PM"):
            made.sources.send(source, [line_of(made, source, marks)], made.now)
        assert len(marks) > 400
        yield made, marks


def line_of(made: World, source: str, marks: dict[str, Mark]) -> dict[str, Any]:
    """A line with every section of a source."""
    [person] = made.sources.people
    line: dict[str, Any] = {"personnummer": person.number, "sektioner": [], "svar": {}}
    if source == "FK":
        line["person"] = person.facts()
    for section in catalogue().sections.values():
        if section.owner == source and section.name != HEADER:
            holder = line["svar"].setdefault(section.place, {}) if section.place else line["svar"]
            holder[section.name] = [*items_of(section, marks)]
            line["sektioner"].append(section.name)
    return line


def items_of(section: Section, marks: dict[str, Mark]) -> Iterator[dict[str, Any]]:
    shared = section.benefit_code is not None or section.payment is not None
    for benefit in section.benefits[: None if shared else 1]:
        item = item_of(section, benefit)
        owner = benefit if shared else ""
        set_marks(section.fields, item, lambda field, owner=owner: mark(marks, Mark(section, field, owner)))
        if section.payment is None or any(codes(section, item)):
            yield item
        if section.at_most == 1:
            return


def codes(section: Section, item: dict[str, Any]) -> Iterator[Any]:
    rule = section.payment
    for row in item[rule.rows] if rule else []:
        value: Any = row
        for name in rule.row_code.split(".") if rule else []:
            value = value[name]
        yield value


def mark(marks: dict[str, Mark], place: Mark, serial=count(1)) -> Any:  # noqa: B008 - one series for all marks
    number = 70_000_000 + next(serial)
    marks[str(number)] = place
    return number if place.field.kind in ("integer", "decimal") else f"m{number}"


def set_marks(fields: tuple[Field, ...], item: dict[str, Any], new) -> None:
    """Write a mark over every text and number that is no code, no date and nobody's key."""
    for field in fields:
        value = item.get(field.name)
        if field.is_leaf:
            if field.kind in ("string", "integer", "decimal") and is_free(field, value):
                item[field.name] = [new(field)] if field.many else new(field)
        else:
            for one in value if isinstance(value, list) else [value]:
                set_marks(field.children, one, new)


def is_free(field: Field, value: Any) -> bool:
    plain = value[0] if isinstance(value, list) else value
    return not field.codes and not field.refusal and not field.pattern and plain in ("Text 2025", 2025)


def stand_up(made: World, drawn: Drawn) -> Stream:
    """Make what was drawn; return the stream, whose one watch is owed its first delivery."""
    right, day = drawn.right, made.day
    tomorrow, yesterday = day + timedelta(days=1), day - timedelta(days=1)
    basis = LegalBasisFactory(
        code=CODE,
        purpose="slump",
        classes=drawn.basis_classes,
        agreement_classes=drawn.left_to_agreement,
        benefits=None if right["benefit in basis"] else ["FK:INGET"],
        recipient_kinds=["forsakringsbolag"] if right["recipient kind"] else ["socialnamnd"],
        valid_from=date(2024, 1, 1) if right["basis in force"] else tomorrow,
        status="active" if right["basis active"] else "draft",
        owners=["FK", "PM"],
        needs=["case_reference"],
        consent_needed=drawn.consent_needed,
        approved_at=made.now if right["basis approved"] else None,
    )
    agreement = AgreementFactory(
        valid_to=None if right["agreement in time"] else yesterday,
        status=Agreement.Status.ACTIVE if right["agreement active"] else Agreement.Status.SIGNED_BY_FK,
    )
    ScopeFactory(
        agreement=agreement,
        basis=basis,
        benefits=[drawn.benefit] if right["benefit agreed"] else ["FK:INGET"],
        classes=drawn.scope_classes,
        approved_at=made.now if right["scope approved"] else None,
    )
    stream = StreamFactory(agreement=agreement, purpose="slump")
    person = Person.objects.get(first_number=made.sources.people[0].number)
    watch = WatchFactory(
        stream=stream,
        person=person,
        benefit=drawn.benefit,
        from_date=date(2020, 1, 1),
        case_reference="A1" if right["case"] else "",
        reconfirm_by=None if right["confirmed"] else yesterday,
    )
    PendingFactory(watch=watch, reason=Pending.Reason.FIRST, since=made.now)
    if right["owner's approval"] and drawn.benefit.startswith("PM:"):
        begins = date(2024, 1, 1) if right["owner's approval in time"] else tomorrow
        OwnerApprovalFactory(basis_code=CODE, benefit=drawn.benefit, valid_from=begins)
    if not right["reservation acknowledged"]:
        ReservationFactory(agreement=agreement)
    if right["consent"]:
        ConsentFactory(
            customer=agreement.customer,
            person=person,
            purpose="slump",
            benefits=[drawn.benefit],
            classes=drawn.consent_classes,
            valid_to=None if right["consent in time"] else yesterday,
            examination="not_needed" if right["consent examined"] else "waiting",
        )
    if drawn.protected:
        PersonFacts.objects.live().filter(person=person).update(protection=Protection.MARKED)
    if drawn.released:
        ProtectedReleaseFactory(watch=watch)
    return stream


def marks_in(stream: Stream, marks: dict[str, Mark]) -> set[str]:
    """The marks that stand anywhere in the documents of a stream."""
    deliveries = Delivery.objects.filter(stream=stream)
    found = b"\n".join(storage.place_of(one.sha256).read_bytes() for one in deliveries).decode()
    return {number for number in re.findall(r"\d{8}", found) if number in marks}


def test_whatever_the_law_is_a_document_holds_what_it_allows_and_nothing_else(marked):
    made, marks = marked
    outcomes = {"told": 0, "nothing": 0}

    @settings(max_examples=120)
    @given(laws())
    def holds(drawn: Drawn) -> None:
        with transaction.atomic():
            stream = stand_up(made, drawn)
            made.on_demand()
            found = marks_in(stream, marks)
            allowed = {number for number, place in marks.items() if drawn.may_tell(place)}
            assert found <= allowed, [(marks[one].section.name, marks[one].field.path) for one in found - allowed][:5]
            whole = {number for number in allowed if marks[number].section.payment is None}
            assert whole <= found, [(marks[one].section.name, marks[one].field.path) for one in whole - found][:5]
            assert not verify(stream, made.now).different
            outcomes["told" if found else "nothing"] += 1
            transaction.set_rollback(True)

    holds()

    assert min(outcomes.values()) >= 20, outcomes

"""What the public service once missed (2020-02-14, 2021-09-16, 2021-09-30): told the next night, for every benefit."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date

import pytest

from benefits.catalogue import HEADER, Section, catalogue
from benefits.content import digest
from deliveries import storage
from deliveries.models import Delivery
from deliveries.reading import Block, read
from deliveries.verification import verify
from subscriptions.models import Stream
from tests.catalogue_content import item_of, row_code, with_another_end
from tests.factories import AgreementFactory, LegalBasisFactory, OwnerApprovalFactory, ScopeFactory, StreamFactory
from tests.histories.sources import Someone
from tests.histories.world import World, world

BENEFITS = list(catalogue().benefits)
CLASSES = list(catalogue().classes)
Items = list[dict]


def open_and_closed(section: Section) -> bool:
    return any(field.name == "aktivt" for field in section.fields)


def decided(section: Section) -> bool:
    return any(field.name == "beslut" and field.many for field in section.fields)


def closed(section: Section, items: Items) -> Items:
    return [one | {"aktivt": False} for one in items]


# What happens: in which sections it can, what the section holds before, and what it holds after.
HAPPENINGS: dict[str, tuple[Callable, Callable, Callable]] = {
    "retroactive payment": (
        lambda section: section.payment is not None,
        lambda section, items: items,
        lambda section, items: [*items, earlier(section, items)],
    ),
    "new case": (
        lambda section: section.payment is None and section.at_most != 1,
        lambda section, items: items,
        lambda section, items: [*items, earlier(section, items)],
    ),
    "closed case": (open_and_closed, lambda section, items: items, closed),
    "reopened case": (open_and_closed, closed, lambda section, items: items),
    "corrected period": (
        lambda section: bool(section.dated_by),
        lambda section, items: items,
        lambda section, items: [with_another_end(one, section.dated_by[0]) for one in items],
    ),
    "deleted decision": (
        decided,
        lambda section, items: items,
        lambda section, items: [one | {"beslut": []} for one in items],
    ),
    "removal of the last item": (
        lambda section: True,
        lambda section, items: items,
        lambda section, items: [],
    ),
    "first item of an empty section": (
        lambda section: True,
        lambda section, items: [],
        lambda section, items: items,
    ),
    "correction long after": (
        lambda section: section.key is None and text_in(section),
        lambda section, items: [earlier(section, items)],
        lambda section, items: [earlier(section, items, text="Rättat")],
    ),
    "one of two equal items removed": (
        lambda section: section.at_most != 1 and section.key is None,
        lambda section, items: items * 2,
        lambda section, items: items,
    ),
}


def earlier(section: Section, items: Items, text: str = "Text") -> dict:
    """An item of the same benefit in another year, long past."""
    benefit = next(one for one in section.benefits if items[0] == item_of(section, one))
    return item_of(section, benefit, 2024, text)


def text_in(section: Section) -> bool:
    benefit = section.benefits[0]
    return item_of(section, benefit) != item_of(section, benefit, text="Rättat")


@pytest.fixture
def register(db, tmp_path) -> Iterator[World]:
    """A person for each benefit, who has it and nothing else; and a customer who is told all of it."""
    with world(tmp_path, persons=len(BENEFITS)) as made:
        made.streams = [_told_everything()]
        for person, benefit in enumerate(BENEFITS):
            made.watch(made.streams[0], person, benefit, date(2024, 1, 10))
        yield made


def _told_everything() -> Stream:
    basis = LegalBasisFactory(code="TEST-ALLT", purpose="allt", classes=CLASSES, owners=["FK", "PM"])
    for benefit in BENEFITS:
        if benefit.startswith("PM:"):
            OwnerApprovalFactory(owner="PM", basis_code=basis.code, benefit=benefit)
    agreement = AgreementFactory()
    ScopeFactory(agreement=agreement, basis=basis, benefits=BENEFITS, classes=CLASSES)
    return StreamFactory(agreement=agreement, purpose=basis.purpose)


def hand_over(made: World, contents: Callable[[Section, str], Items | None]) -> dict[str, set[str]]:
    """Import what `contents` gives for each benefit's sections; return the sections spoken for, by benefit."""
    spoken: dict[str, set[str]] = {}
    lines: dict[str, list] = {"FK": [], "PM": []}
    for person, benefit in zip(made.sources.people, BENEFITS, strict=True):
        answers = {name: contents(catalogue().sections[name], benefit) for name in sections_of(benefit)}
        given = {name: items for name, items in answers.items() if items is not None}
        if given:
            spoken[benefit] = set(given)
            lines[catalogue().benefits[benefit].owner].append(_line(person, given))
    for source, said in lines.items():
        if said:
            made.sources.send(source, said, made.now)
    return spoken


def sections_of(benefit: str) -> list[str]:
    """The sections of a benefit, but for payments that no code of payments names the benefit in."""
    sections = (catalogue().sections[name] for name in catalogue().benefits[benefit].sections)
    return [one.name for one in sections if one.payment is None or row_code(benefit)]


def _line(person: Someone, given: dict[str, Items]) -> dict:
    answer: dict = {}
    for name, items in given.items():
        place = catalogue().sections[name].place
        (answer.setdefault(place, {}) if place else answer)[name] = deepcopy(items)
    return {"personnummer": person.number, "sektioner": list(given), "svar": answer}


def told(delivery: Delivery) -> dict[tuple[str, bool], dict[str, Block]]:
    """The blocks of a document by benefit and whether they are complete information; the header's left out."""
    found: dict[tuple[str, bool], dict[str, Block]] = {}
    for entry in read(storage.place_of(delivery.sha256)):
        for block in entry.blocks:
            if block.section != HEADER:
                found.setdefault((block.benefit, entry.complete), {})[block.section] = block
    return found


@pytest.mark.parametrize("happening", HAPPENINGS)
def test_whatever_happens_to_any_benefit_is_told_the_next_night(register, happening):
    can_happen, before, after = HAPPENINGS[happening]

    def items(section: Section, benefit: str) -> Items:
        return [item_of(section, benefit)]

    def held_before(section: Section, benefit: str) -> Items:
        held = items(section, benefit)
        return before(section, held) if can_happen(section) else held

    hand_over(register, held_before)
    register.night()
    happened = hand_over(
        register,
        lambda section, benefit: after(section, items(section, benefit)) if can_happen(section) else None,
    )
    register.night()

    stream = register.streams[0]
    first, second = Delivery.objects.filter(stream=stream).order_by("number")
    assert {benefit for benefit, complete in told(first) if complete} | _empty(held_before) == set(BENEFITS)
    changes = told(second)
    assert {(benefit, False): sections for benefit, sections in happened.items()} == {
        key: set(blocks) for key, blocks in changes.items()
    }
    for (benefit, _), blocks in changes.items():
        for name, block in blocks.items():
            section = catalogue().sections[name]
            _check(block, [digest(section.fields, one) for one in after(section, items(section, benefit))])
    report = verify(stream, register.now)
    assert (report.equal, report.pending, [*map(str, report.different)]) == (len(BENEFITS), [], [])


def _empty(held: Callable[[Section, str], Items]) -> set[str]:
    """The benefits of which nothing was held at first."""
    known = catalogue().sections
    return {one for one in BENEFITS if not any(held(known[name], one) for name in sections_of(one))}


def _check(block: Block, expected: list[str | None]) -> None:
    """The block is whole, and says of itself what is new, changed or gone; an item that says nothing is none."""
    assert sorted(item.id.split("-")[0] for item in block.items) == sorted(one for one in expected if one)
    assert block.removed or any(item.change for item in block.items)


def test_every_benefit_can_be_told_something():
    assert [benefit for benefit in BENEFITS if not sections_of(benefit)] == []

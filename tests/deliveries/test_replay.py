"""What a customer knew about a person on a day, and since when: from stored documents alone, byte for byte."""

import hashlib
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from unittest import mock
from xml.sax.saxutils import escape

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from benefits.models import Person, Protection
from deliveries import fragments, retention, services, storage
from deliveries import replay as replaying
from deliveries.fragments import NotReadable, read_about
from deliveries.models import Delivery, Disclosure, SigningKey, SpontaneousDisclosure
from deliveries.replay import Knowledge, KnownSection, Trouble, replay
from deliveries.verification import fold
from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from subscriptions.models import Watch
from tests.documents import said_of, written
from tests.factories import (
    AT,
    DeliveryFactory,
    DisclosureFactory,
    SpontaneousDisclosureFactory,
    StoredDecisionFactory,
    UserFactory,
    WatchFactory,
    identity_number,
)
from tests.histories.sources import FP, SJP, sickness
from tests.histories.world import World

CASES = "sjukpenningarende"
REASON = "Begäran om besked 2026-17"


def sick(world: World, *starts: date, place: int = 0) -> None:
    """The source says which cases of sickness a person has."""
    somebody = world.sources.people[place]
    somebody.sections[CASES] = [sickness(one, 10) for one in starts]
    world.sources.hand_over(world.now, somebody)


def person_of(world: World, place: int = 0) -> Person:
    return Person.objects.holding(world.sources.people[place].number).get()


def fetch(world: World, stream: int = 0) -> None:
    for delivery in Delivery.objects.filter(stream=world.streams[stream], first_fetched_at=None).order_by("number"):
        services.fetch(delivery=delivery, at=world.now)


def told(world: World, *, at=None, place: int = 0, stream: int = 0):
    """What the stream's customer knew of a person, of all watches together."""
    customer = world.streams[stream].agreement.customer
    return replay(person=person_of(world, place), customer=customer, at=at or world.now)[customer.pk]


def cases(world: World, **values) -> KnownSection:
    (watch,) = told(world, **values).watches
    return next(one for one in watch.sections if one.name == CASES)


def knowledge(world: World, **values) -> list[tuple[Knowledge, int, int | None]]:
    """Of each case: whether it was known, since which delivery, and until which."""
    at = values.get("at") or world.now
    return [
        (one.knowledge(at), one.since.number, one.until and one.until.number) for one in cases(world, **values).items
    ]


JANUARY, MARCH, MAY = date(2025, 7, 1), date(2025, 8, 1), date(2025, 9, 1)


# What was known, and since when


def test_an_item_is_the_bytes_that_stand_in_the_file(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    fetch(world)

    (item,) = cases(world).items

    document = storage.place_of(Delivery.objects.get(stream=world.streams[0]).sha256).read_bytes()
    assert document.count(item.xml.encode()) == 1
    assert item.xml.startswith(f'<{CASES} id="{item.id}">')
    assert item.xml.endswith(f"</{CASES}>")


def test_what_nobody_had_fetched_was_ready_and_not_known(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    before = world.now
    assert knowledge(world) == [(Knowledge.READY, 1, None)]

    world.next_day()
    fetch(world)

    assert knowledge(world) == [(Knowledge.KNOWN, 1, None)]
    assert knowledge(world, at=before) == [(Knowledge.READY, 1, None)]


def test_before_the_first_release_nothing_was_known(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    before = world.now
    world.night()
    fetch(world)

    assert told(world, at=before).watches == ()


def test_a_correction_replaces_what_was_known_once_it_is_fetched(world):
    sick(world, JANUARY, MARCH)
    world.watch(world.streams[0])
    world.night()
    fetch(world)
    sick(world, JANUARY, MAY)
    world.night()

    unfetched = [(Knowledge.KNOWN, 1, None), (Knowledge.READY, 2, None), (Knowledge.KNOWN, 1, 2)]
    assert knowledge(world) == unfetched
    fetch(world)

    assert knowledge(world) == [(Knowledge.KNOWN, 1, None), (Knowledge.KNOWN, 2, None), (Knowledge.REPLACED, 1, 2)]


def test_what_was_released_and_taken_away_unread_was_never_read(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    sick(world)
    world.night()
    fetch(world)

    (item,) = cases(world).items
    between = world.now - timedelta(days=1)

    assert item.knowledge(between) is Knowledge.NEVER_READ
    assert (item.since.number, item.until.number) == (1, 2)


def test_a_refresh_does_not_make_old_knowledge_new(world):
    sick(world, JANUARY)
    watch = world.watch(world.streams[0])
    world.night()
    fetch(world)
    world.order(world.streams[0], "heluppdateringBevakning", watch.ordered_number, SJP)
    world.night()
    fetch(world)

    assert Delivery.objects.filter(stream=world.streams[0]).count() == 2
    assert knowledge(world) == [(Knowledge.KNOWN, 1, None)]
    assert [one.source.number for one in told(world).watches[0].said] == [1, 2]


def test_a_refresh_that_leaves_a_section_out_says_that_it_is_gone(world):
    sick(world, JANUARY)
    watch = world.watch(world.streams[0])
    world.night()
    fetch(world)
    sick(world)
    world.order(world.streams[0], "heluppdateringBevakning", watch.ordered_number, SJP)
    world.night()
    fetch(world)

    assert knowledge(world) == [(Knowledge.REPLACED, 1, 2)]


def test_a_recalled_delivery_told_nothing_but_was_ready_before_its_recall(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    before = world.now
    world.next_day()
    Delivery.objects.filter(stream=world.streams[0]).update(recalled_at=world.now)

    assert told(world).watches == ()
    assert knowledge(world, at=before) == [(Knowledge.READY, 1, None)]


def test_an_end_says_until_when_and_why(world):
    sick(world, JANUARY)
    watch = world.watch(world.streams[0])
    world.night()
    world.order(world.streams[0], "avbestallningBevakning", watch.ordered_number, SJP)
    world.night()
    fetch(world)

    assert knowledge(world) == [(Knowledge.REPLACED, 1, 2)]
    assert [(one.code, one.reason) for one in told(world).watches[0].said] == [("1", ""), ("3", "AVBESTALLD")]


def test_a_right_that_ends_says_until_when(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    fetch(world)
    world.scope(world.streams[0], benefits=[FP])
    world.night()
    fetch(world)

    assert knowledge(world) == [(Knowledge.REPLACED, 1, 2)]


def test_the_end_of_a_stream_is_the_end_of_all_that_was_known(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    fetch(world)
    agreement = world.streams[0].agreement
    type(agreement).objects.filter(pk=agreement.pk).update(status="ended", valid_to=world.day - timedelta(days=1))
    world.night()

    assert Delivery.objects.get(stream=world.streams[0], number=2).final
    assert knowledge(world) == [(Knowledge.KNOWN, 1, 2)], "nobody has fetched the last document"


def test_each_number_is_told_as_it_then_was(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    somebody = world.sources.people[0]
    old, new = somebody.number, world.sources.new_number()
    somebody.former, somebody.number = [old], new
    sick(world, JANUARY, MARCH)
    world.night()
    fetch(world)

    (watch,) = told(world).watches

    assert watch.numbers == (old, new)
    assert knowledge(world) == [(Knowledge.KNOWN, 1, None), (Knowledge.KNOWN, 2, None)]


def test_two_equal_items_are_two(world):
    sick(world, JANUARY, JANUARY)
    world.watch(world.streams[0])
    world.night()
    fetch(world)

    assert len(cases(world).items) == 2


def test_only_the_person_asked_for_is_told_of(world):
    sick(world, JANUARY, place=0)
    sick(world, MARCH, place=1)
    world.watch(world.streams[0], 0)
    world.watch(world.streams[0], 1)
    world.night()
    fetch(world)

    (watch,) = told(world, place=1).watches

    said = "".join(item.xml for section in watch.sections for item in section.items)
    assert world.sources.people[0].number not in said
    assert "2025-08-01" in said and "2025-07-01" not in said


def test_of_one_stream_of_one_customer_or_of_all(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.watch(world.streams[2])
    world.night()
    one, two = world.streams[0], world.streams[2]

    assert len(replay(person=person_of(world), at=world.now)) == 2
    assert list(replay(person=person_of(world), at=world.now, stream=two)) == [two.agreement.customer_id]
    assert list(replay(person=person_of(world), at=world.now, customer=one.agreement.customer)) == [
        one.agreement.customer_id
    ]


@pytest.mark.parametrize("nights", [1, 6])
def test_the_queries_and_the_documents_read_are_those_about_the_person(world, nights):
    for night in range(nights):
        sick(world, JANUARY + timedelta(days=night))
        sick(world, MARCH + timedelta(days=night), place=1)
        if not night:
            world.watch(world.streams[0], 0)
            world.watch(world.streams[0], 1)
        world.night()
    sick(world, MAY, place=1)
    world.night()
    person = person_of(world)

    reading = mock.patch("deliveries.replay.read_about", side_effect=read_about)
    with reading as read, CaptureQueriesContext(connection) as queries:
        replay(person=person, at=world.now)

    assert len(read.mock_calls) == nights
    assert len(queries) <= 7


def test_after_many_nights_what_is_known_is_what_a_receiver_holds(world):
    """Told, corrected, removed, refreshed, renumbered and told again, of two benefits."""
    watch = world.watch(world.streams[0])
    world.watch(world.streams[0], benefit=FP)
    story = [[JANUARY], [JANUARY, MARCH], [MARCH, MAY], [], [JANUARY, JANUARY], [MAY]]
    for night, starts in enumerate(story):
        if night == 3:
            somebody = world.sources.people[0]
            somebody.former, somebody.number = [somebody.number], world.sources.new_number()
        if night == 4:
            world.order(world.streams[0], "heluppdateringBevakning", watch.ordered_number, SJP)
        sick(world, *starts)
        world.night()
        fetch(world)

        folded = fold(world.streams[0])
        for one in told(world).watches:
            known = {
                section.name: Counter(
                    item.id.split("-")[0] for item in section.items if item.knowledge(world.now) is Knowledge.KNOWN
                )
                for section in one.sections
            }
            assert {name: items for name, items in known.items() if items} == folded.watches[one.watch].blocks
            assert not any(section.gap for section in one.sections)


# Independent of today's code


OLD = """<?xml version="1.0" encoding="UTF-8"?>
<leverans xmlns="urn:lefi:prenumeration:leverans:0" schemaversion="0.3">
<generelltfalt><avtal>A</avtal><foregaende></foregaende></generelltfalt>
<informationsfalt>
<person informationstyp="0"><personnummer>{number}</personnummer><statusBestallning bevakning="{watch}">\
<kundStatus>1</kundStatus><formansinformation><nedlagdForman>1</nedlagdForman></formansinformation></statusBestallning>
<block bevakning="{watch}" forman="XX:GAMMAL" sektion="nedlagdSektion" fore="" efter="{after}">\
<nedlagdSektion id="{after}" nytt='ja'><nedlagtFalt x="1">Å &amp; ä&#13;</nedlagtFalt><tom/></nedlagdSektion >\
<nedlagdSektion id="{after}-2"/><borttagen id="x"/></block></person>
<person informationstyp="0"><personnummer>{other}</personnummer><block bevakning="{other_watch}" forman="XX:GAMMAL" \
sektion="nedlagdSektion" fore="" efter=""><nedlagdSektion id="1">bevakning="{watch}"</nedlagdSektion></block></person>
</informationsfalt>
<slutfalt><personer>2</personer></slutfalt>
</leverans>
"""


def keep(text: str) -> dict[str, object]:
    """Put a document in place; return what its delivery's row says of it."""
    data = text.encode()
    sha256 = hashlib.sha256(data).hexdigest()
    draft = storage.temporary()
    draft.write_bytes(data)
    storage.keep(draft, sha256)
    return {"delivery__sha256": sha256, "delivery__size": len(data)}


def an_old_document(watch: Watch, text: str = OLD, **values) -> Disclosure:
    """A stored document of an older schema, with a section that no catalogue knows, told to a watch."""
    said = {"number": identity_number(0), "other": identity_number(1), "after": "a" * 64}
    text = text.format(watch=watch.pk, other_watch=watch.pk + 1, **said)
    fields = {"delivery__number": 1, "complete": True, "sections": {"nedlagdSektion": "a" * 64}} | values
    return DisclosureFactory(watch=watch, **fields, **keep(text))


def test_a_section_that_the_catalogue_no_longer_has_is_replayed_as_it_was_told(db):
    row = an_old_document(WatchFactory(), delivery__first_fetched_at=AT)

    (watch,) = replay(person=row.person, at=AT)[row.customer_id].watches

    (section,) = watch.sections
    assert (section.name, section.benefit) == ("nedlagdSektion", "XX:GAMMAL")
    assert [one.xml for one in section.items] == [
        f"<nedlagdSektion id=\"{'a' * 64}\" nytt='ja'>"
        '<nedlagtFalt x="1">Å &amp; ä&#13;</nedlagtFalt><tom/></nedlagdSektion >',
        f'<nedlagdSektion id="{"a" * 64}-2"/>',
    ]
    assert {one.knowledge(AT) for one in section.items} == {Knowledge.KNOWN}
    assert watch.numbers == (identity_number(0),)


def test_the_catalogue_is_never_asked(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    person = person_of(world)

    with mock.patch("benefits.catalogue.catalogue", side_effect=AssertionError):
        assert replay(person=person, at=world.now)
    assert not {"catalogue", "reading", "schema"} & {*vars(fragments), *vars(replaying)}


def test_a_form_that_is_not_looked_for_first_is_found_by_reading_the_whole(db):
    other = OLD.replace('bevakning="{watch}"', "bevakning = '{watch}'", 1).replace("<person info", "<person  info")
    row = an_old_document(WatchFactory(), other)

    (watch,) = replay(person=row.person, at=AT)[row.customer_id].watches

    assert [one.code for one in watch.said] == ["1"]


@given(
    texts=st.lists(st.text("a<&\"' å\n\r]>=", max_size=9), max_size=4),
    watch=st.integers(0, 3),
    whole=st.booleans(),
)
def test_items_are_cut_out_exactly_whatever_they_hold(tmp_path_factory, texts, watch, whole):
    items = [f'<post id="{n}"><text>{escape(text)}</text>{escape(text)}</post>' for n, text in enumerate(texts)]
    blocks = "".join(
        f'<block bevakning="{one}" sektion="s" forman="f">{"".join(items)}<borttagen id="x"/></block>\n'
        for one in range(3)
    )
    person = f'<person informationstyp="1"><personnummer>1</personnummer>{blocks}</person>\n'
    path = tmp_path_factory.mktemp("replay") / "one.xml"
    head = "<leverans><generelltfalt><foregaende>abc</foregaende></generelltfalt><informationsfalt>\n"
    path.write_text(f"{head}{person}</informationsfalt></leverans>", encoding="utf-8", newline="")

    before, entries = read_about(path, {watch}, {99} if whole else ())

    found = [item.xml for entry in entries for block in entry.blocks for item in block.items]
    assert (before, found) == ("abc", items if watch < 3 else [])


@pytest.mark.parametrize("text", ["<leverans>", "", "<a></b>", '<person informationstyp="1"> bevakning="1" </p'])
def test_what_is_not_well_formed_is_not_read(tmp_path, text):
    path = tmp_path / "one.xml"
    path.write_text(text)

    with pytest.raises(NotReadable):
        read_about(path, {1}, {1})


# Documents that cannot be read


def test_a_document_that_is_not_the_one_released_is_not_believed(world):
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    fetch(world)
    path = storage.place_of(Delivery.objects.get(stream=world.streams[0]).sha256)
    path.write_bytes(path.read_bytes().replace(b"2025-07-01", b"2025-07-02"))

    found = told(world)

    assert [one.trouble for one in found.sources] == [Trouble.DAMAGED]
    assert [section.items for section in found.watches[0].sections] == [()] * len(found.watches[0].sections)
    assert {one.number for section in found.watches[0].sections for one in section.unread} == {1}


@pytest.mark.parametrize("field", ["previous_sha256", "number"])
def test_a_document_out_of_its_place_in_the_chain_is_not_believed(db, field):
    broken = {f"delivery__{field}": "b" * 64 if field == "previous_sha256" else 2}
    row = an_old_document(WatchFactory(), **broken, delivery__first_fetched_at=AT)
    if field == "number":
        DeliveryFactory(stream=row.watch.stream, number=1, sha256="c" * 64, manifest__key=SigningKey.objects.first())

    (source,) = replay(person=row.person, at=AT)[row.customer_id].sources

    assert source.trouble is Trouble.CHAIN


def test_of_an_erased_document_it_is_said_when_and_which_sections_and_the_rest_goes_on(world, settings):
    settings.RETENTION_DECISION = "Gallringsbeslut 2026:1"
    sick(world, JANUARY)
    world.watch(world.streams[0])
    world.night()
    fetch(world)
    (first,) = Delivery.objects.filter(stream=world.streams[0])
    services.acknowledge(delivery=first, sha256=first.sha256, at=world.now)
    world.next_day(500)
    retention.purge(at=world.now, kinds=["documents"])
    sick(world, JANUARY, MARCH)
    world.night()
    fetch(world)

    found = told(world)
    section = cases(world)

    assert [(one.trouble, one.erased_at is not None, len(one.sha256)) for one in found.sources] == [
        (Trouble.ERASED, True, 64),
        (None, False, 64),
    ]
    assert [one.number for one in section.unread] == [1]
    assert [(one.since.number, one.or_earlier) for one in section.items] == [(2, True), (2, True)]
    assert not section.gap


def test_a_block_that_builds_on_another_state_is_pointed_out(db):
    watch = WatchFactory()
    first = an_old_document(watch)
    later = OLD.replace("<foregaende>", f"<foregaende>{first.delivery.sha256}").replace("kundStatus>1", "kundStatus>9")
    values = {"delivery__stream": watch.stream, "delivery__previous_sha256": first.delivery.sha256}
    an_old_document(watch, later.replace('fore=""', f'fore="{"b" * 64}"'), delivery__number=2, **values)

    (found,) = replay(person=watch.person, at=AT)[watch.stream.agreement.customer_id].watches

    assert [section.gap for section in found.sections] == [True]


# Told of our own accord


def test_what_was_told_unasked_is_replayed_too(world):
    row = told_unasked(world)

    found = replay(person=row.person, at=world.now)[row.customer_id]

    (watch,) = found.watches
    assert (watch.watch, watch.benefit, watch.numbers) == (0, SJP, (row.person.first_number,))
    assert {one.knowledge(world.now) for section in watch.sections for one in section.items} == {Knowledge.READY}
    of_stream = replay(person=row.person, at=world.now, stream=world.streams[0])
    assert [one.watches for one in of_stream.values()] == [()]


def told_unasked(world: World) -> SpontaneousDisclosure:
    watch = WatchFactory(stream=world.streams[0])
    entry = said_of(watch)
    entry.statuses.clear()
    for number, block in enumerate(entry.blocks):
        entry.blocks[number] = replace(block, watch=0)
    sha256, writer = written([entry], number=0)
    row = SpontaneousDisclosureFactory(person=watch.person)
    SpontaneousDisclosure.objects.filter(pk=row.pk).update(
        decision=StoredDecisionFactory(),
        sha256=sha256,
        size=writer.size,
        sections={CASES: "1" * 64},
        approved_by=UserFactory(),
        approved_at=world.now,
    )
    row.refresh_from_db()
    return row


# The page


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def token_of(client, person: Person):
    session = client.session
    token = open_person(session, person_id=person.pk, reason=REASON, at=timezone.now())
    session.save()
    return token


def post(client, person: Person, customer, **values):
    address = reverse("admin:benefits_person_replay", args=[token_of(client, person)])
    at = {"at_0": "2026-12-31", "at_1": "12:00"} | values
    return client.post(address, {"customer": customer.pk, **at})


@pytest.fixture
def known(db) -> Disclosure:
    return an_old_document(WatchFactory(), delivery__first_fetched_at=AT)


def test_the_page_shows_the_fragments_since_when_and_whether_they_were_fetched(office, known):
    text = post(office, known.person, known.customer).content.decode()

    assert "&lt;nedlagtFalt x=&quot;1&quot;&gt;Å &amp;amp; ä&amp;#13;&lt;/nedlagtFalt&gt;" in text
    assert "2026-11-23" in text
    assert known.delivery.sha256 in text


def test_each_replay_is_logged_with_person_reason_customer_and_instant(office, known):
    post(office, known.person, known.customer)

    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.person_id, event.reason) == ("read", known.person_id, REASON)
    assert event.details["customer"] == known.customer_id
    assert event.details["at"].startswith("2026-12-31")


def test_who_may_not_replay_is_refused(client, known):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_person"]))
    client.force_login(user)

    assert post(client, known.person, known.customer).status_code == 403


def test_a_protected_persons_replay_is_withheld_from_who_may_not_open_such_persons(client, known):
    known.person.facts.update(protection=Protection.MARKED)
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_person", "replay_disclosure"]))
    client.force_login(user)

    response = post(client, known.person, known.customer)

    assert response.status_code == 403
    assert AuditEvent.objects.latest("pk").details["withheld"] is True
    assert b"nedlagtFalt" not in response.content


def test_a_get_leads_back_to_the_person(office, known):
    token = token_of(office, known.person)

    response = office.get(reverse("admin:benefits_person_replay", args=[token]))

    assert response.status_code == 302


def test_what_cannot_be_asked_is_said_in_the_form(office, known):
    response = post(office, known.person, known.customer, at_0="igår")

    assert response.status_code == 200
    assert response.context["form"].errors.keys() == {"at"}


# The command


def call(number: str, monkeypatch, *arguments: str) -> str:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{number}\n"))
    call_command("replay", "--by", reading("view_protected", "replay_disclosure"), *arguments, stdout=out)
    return out.getvalue()


def reading(*rights: str) -> str:
    """The username of one of the staff who may read about persons, with some other rights."""
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_person", *rights]))
    return user.username


def test_the_command_prints_what_was_known_and_logs_why_it_was_asked(known, monkeypatch):
    known.person.numbers.update(number=identity_number(0))
    said = call(
        identity_number(0),
        monkeypatch,
        *("--customer", known.watch.stream.agreement.code, "--at", "2026-12-31T12:00", "--reason", REASON),
    )

    assert "nedlagdSektion" in said
    assert "<tom/></nedlagdSektion >" in said
    assert "known" in said
    assert list(AuditEvent.objects.order_by("pk").values_list("action", "reason")) == [
        ("search", REASON),
        ("read", REASON),
    ]


def test_the_command_gives_json_of_one_stream(known, monkeypatch):
    known.person.numbers.update(number=identity_number(0))
    arguments = ("--stream", str(known.watch.stream_id), "--at", "2026-12-31", "--reason", REASON, "--json")

    (found,) = json.loads(call(identity_number(0), monkeypatch, *arguments))

    assert found["customer"] == known.customer.name
    (section,) = found["watches"][0]["sections"]
    assert [item["knowledge"] for item in section["items"]] == ["known", "known"]
    assert section["items"][0]["since"]["sha256"] == known.delivery.sha256


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--at", "2026-12-31", "--reason", REASON], "customer or a stream"),
        (["--stream", "0", "--at", "2026-12-31", "--reason", REASON], "no such stream"),
        (["--stream", "1", "--at", "2026-12-31", "--reason", " "], "reason"),
        (["--stream", "1", "--at", "igår", "--reason", REASON], "at"),
    ],
)
def test_the_command_refuses_what_it_cannot_answer(known, monkeypatch, arguments, words):
    arguments = [str(known.watch.stream_id) if one == "1" else one for one in arguments]
    with pytest.raises(CommandError, match=words):
        call(identity_number(0), monkeypatch, *arguments)


def test_the_command_withholds_a_protected_person(known, monkeypatch):
    known.person.numbers.update(number=identity_number(0))
    known.person.facts.update(protection=Protection.MARKED)
    arguments = ("--stream", str(known.watch.stream_id), "--at", "2026-12-31", "--reason", REASON)

    with pytest.raises(CommandError, match="protected"):
        call(identity_number(0), monkeypatch, *arguments, "--by", reading("replay_disclosure"))

    assert "<tom/>" in call(identity_number(0), monkeypatch, *arguments)


def test_the_command_answers_nobody_without_the_right_to_replay(known, monkeypatch):
    arguments = ("--stream", str(known.watch.stream_id), "--at", "2026-12-31", "--reason", REASON)

    with pytest.raises(CommandError, match="--by"):
        call(identity_number(0), monkeypatch, *arguments, "--by", reading())

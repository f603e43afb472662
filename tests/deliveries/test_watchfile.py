"""The watches that stand, taken as a file: by whom, of whose, logged, and taken back to be compared as it is."""

from datetime import date
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from deliveries import watchfile
from deliveries.claims import read_claims
from deliveries.models import Reconciliation
from lefi.audit.models import Action, AuditEvent
from subscriptions import ownlog
from subscriptions.models import Member, Watch
from tests.factories import AT, DAY, CustomerFactory, MemberFactory, StreamFactory, WatchFactory

URL = "/watches/file/"


@pytest.fixture
def handler(client, db) -> Member:
    made = MemberFactory(role=Member.Role.INTEGRATION)
    client.force_login(made.user)
    return made


@pytest.fixture
def stream(handler):
    return StreamFactory(served=True, agreement__customer=handler.customer)


def watches(stream) -> list[Watch]:
    said = {"stream": stream, "from_date": date(2026, 1, 1)}
    return [
        WatchFactory(**said, case_reference="SOC-2026-9"),
        WatchFactory(**said, need_reference="=1+1"),
        WatchFactory(**said, case_reference='Åsas "första"; ärende'),
    ]


def text_of(answer) -> str:
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def test_each_watch_that_stands_is_a_row(client, stream):
    one, *_ = watches(stream)
    WatchFactory(stream=stream, ended_at=AT, ended_as_of=0, end_reason=Watch.EndReason.CANCELLED)

    header, *rows = text_of(client.post(URL)).splitlines()

    assert header == ";".join(watchfile.COLUMNS)
    assert rows[0] == f"{one.pk};{one.ordered_number};sjukpenning;2026-01-01;SOC-2026-9;"
    assert len(rows) == 3


def test_the_file_is_read_as_a_list_to_compare_just_as_it_was_written(client, stream):
    made = watches(stream)

    claims = list(read_claims(BytesIO(text_of(client.post(URL)).encode()), "csv", DAY))

    assert [one.code for one in claims] == ["", "", ""]
    for claim, watch in zip(claims, made, strict=True):
        assert (claim.watch, claim.from_date) == (watch.pk, "2026-01-01")
        assert (claim.case_reference, claim.need_reference) == (watch.case_reference, watch.need_reference)


def test_the_file_sent_back_differs_in_nothing(client, stream):
    watches(stream)
    file = SimpleUploadedFile("bevakningar.csv", text_of(client.post(URL)).encode())

    client.post("/reconciliations/new/", {"file": file, "key": "8a2e1c60-93b7-4c52-9d3e-1f4f9b7f0c11"})

    assert {code: count for code, count in Reconciliation.objects.get().counts.items() if count} == {"EQUAL": 3}


def test_that_it_was_taken_is_logged_with_how_many_it_held_and_seen_in_the_own_log(client, handler, stream):
    watches(stream)
    client.get(URL)
    assert not AuditEvent.objects.exists()

    client.post(URL)

    event = AuditEvent.objects.get()
    assert (event.action, event.object_type, event.object_id) == (Action.FETCH, "subscriptions.stream", str(stream.pk))
    assert (event.actor, event.customer_id, event.details) == (handler.user, handler.customer_id, {"lines": 3})
    (entry,) = ownlog.entries([event], handler.customer)
    assert entry.why == "hämtad som fil"


@pytest.mark.parametrize("role", Member.Role)
def test_the_file_is_for_who_may_compare_lists_and_orders_by_files(client, handler, stream, role):
    Member.objects.filter(pk=handler.pk).update(role=role)
    may = role in Member.HANDLERS

    assert [client.get(URL).status_code, client.post(URL).status_code] == ([200, 200] if may else [403, 403])
    assert AuditEvent.objects.count() == may
    assert (URL in client.get("/watches/").content.decode()) is may


def test_of_several_streams_one_is_chosen_and_anothers_is_not_there(client, handler, stream):
    other = StreamFactory(served=True, agreement__customer=handler.customer)
    WatchFactory(stream=other)
    foreign = StreamFactory(served=True, agreement__customer=CustomerFactory())

    assert b'name="stream"' in client.post(URL).content
    assert len(text_of(client.post(URL, {"stream": other.pk})).splitlines()) == 2
    assert client.post(URL, {"stream": foreign.pk}).status_code == 404
    assert AuditEvent.objects.count() == 1


def test_the_file_costs_as_much_however_many_watches_there_are(client, stream, django_assert_max_num_queries):
    for _ in range(3):
        watches(stream)

    with django_assert_max_num_queries(12):
        assert len(text_of(client.post(URL)).splitlines()) == 10

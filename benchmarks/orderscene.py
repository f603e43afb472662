"""What an order of full size is measured on: a register, a stream with its law, and watches that stand before it."""

from collections.abc import Iterator
from datetime import date, datetime

from benchmarks import orderfile, scene
from benefits.models import Protection
from lefi.bulk import copy_rows, execute
from subscriptions.models import Agreement, Customer, LegalBasis, Scope, Stream

PURPOSE = "bestallning"
ORGANISATION = "5590000000"
PROTECTED = 250  # persons of the register, of whom one is protected and has a number that stands apart
BENEFITS = ["FK:SJP", "FK:FP", "PM:AP"]


def make(lines: int, at: datetime) -> Stream:
    """A register of as many persons as the order has lines, half of whom it names; and its stream."""
    _register(lines)
    stream = _stream(at)
    _watches(stream, lines, at)
    return stream


def _register(lines: int) -> None:
    copy_rows("benefits_person", ["first_number"], ((orderfile.number(one),) for one in range(lines)))
    execute(
        "INSERT INTO benefits_personnumber (person_id, number, current, recorded_in) "
        "SELECT id, first_number, true, 1 FROM benefits_person ORDER BY id"
    )
    execute(
        "INSERT INTO benefits_personfacts (person_id, name, born, died_on, protection, recorded_in) "
        "SELECT id, 'Karin Testsson', substr(first_number, 1, 4), '', CASE WHEN id %% %s = 0 THEN %s ELSE %s END, 1 "
        "FROM benefits_person ORDER BY id",
        [PROTECTED, Protection.MARKED, Protection.NONE],
    )


def _stream(at: datetime) -> Stream:
    """A stream whose basis asks for both references, and whose agreement names more than the basis and owners give."""
    LegalBasis.objects.create(
        code="BENCH-ORDER",
        title_sv="Mätning av beställningar",
        title_en="Benchmark of orders",
        citations=[],
        recipient_kinds=["forsakringsbolag"],
        purpose=PURPOSE,
        valid_from=date(2024, 1, 1),
        status="active",
        service="standing",
        owners=["FK", "PM"],
        benefits=["FK:SJP", "PM:AP"],
        needs=["case_reference", "need_reference"],
        classes=scene.CLASSES,
        outcomes=["granted"],
        reconfirm_days=365,
        approved_at=at,
    )
    customer = Customer.objects.create(organisation_number=ORGANISATION, name="Stora Bolaget", kind="forsakringsbolag")
    agreement = Agreement.objects.create(
        customer=customer,
        code="BENCH-ORDER",
        status=Agreement.Status.ACTIVE,
        valid_from=date(2024, 1, 1),
        signed_by_customer_at=at,
        signed_by_fk_at=at,
        approved_at=at,
    )
    Scope.objects.create(
        agreement=agreement,
        purpose=PURPOSE,
        basis_code="BENCH-ORDER",
        benefits=BENEFITS,
        classes=scene.CLASSES,
        approved_at=at,
    )
    return Stream.objects.create(agreement=agreement, purpose=PURPOSE)


def _watches(stream: Stream, lines: int, at: datetime) -> None:
    """The stock before the order: the persons whom some lines name although they are watched."""
    execute(
        "INSERT INTO subscriptions_watch (stream_id, person_id, ordered_number, by_number, benefit, from_date, "
        "case_reference, need_reference, opened_at, end_reason) SELECT %s, id, first_number, id %% %s = 0, 'FK:SJP', "
        "%s, 'C', 'D', %s, '' FROM benefits_person WHERE first_number = ANY(%s)",
        [stream.pk, PROTECTED, scene.FROM, at, orderfile.watched_numbers(lines)],
    )


# What an order leaves, each row as one text without ids.
_LINES = """
SELECT concat_ws(',', l.line, l.file_row - %d, l.kind, l.number, l.benefit, l.from_date, l.reference, l.answer,
  w.ordered_number)
FROM subscriptions_orderline l LEFT JOIN subscriptions_watch w ON w.id = l.watch_id ORDER BY l.line
"""
_WATCHES = """
SELECT concat_ws(',', n.number, w.ordered_number, w.by_number, w.benefit, w.from_date, w.case_reference,
  w.need_reference, w.reconfirm_by, w.ended_at IS NULL, w.end_reason,
  (SELECT string_agg(p.reason, '' ORDER BY p.id) FROM subscriptions_pending p WHERE p.watch_id = w.id))
FROM subscriptions_watch w
JOIN benefits_personnumber n ON n.person_id = w.person_id AND n.withdrawn_in IS NULL
ORDER BY n.number, w.benefit, w.id
"""


def effects(first_row: int) -> dict[str, str]:
    """The queries for what an order leaves, the file's first line standing in row `first_row`."""
    return {"lines": _LINES % first_row, "watches": _WATCHES}


def expected(lines: int) -> Iterator[tuple[int, str, str]]:
    """Each line's place, reference and answer, as the order is to be answered."""
    for place, one in enumerate(orderfile.wanted_lines(lines), start=1):
        yield place, one.reference[:100], one.answer

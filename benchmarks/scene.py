"""Customers, agreements and streams to measure with, and watches beyond those that were ordered.

The bench has a legal basis of its own, open to insurers without consent, so that what is measured is the telling of
much and not of little.
"""

from datetime import date, datetime

from django.db import connection

from benefits.models import Import
from deliveries.models import Delivery
from lefi.bulk import execute
from subscriptions.models import Agreement, Customer, LawChange, LegalBasis, Scope, Stream

BENEFIT = "FK:SJP"
ORDER_NAME = "sjukpenning"
FROM = date(2025, 6, 1)
PURPOSE = "matning"
CLASSES = ["identity", "name", "application", "benefit", "period", "extent", "amount", "payment_date"]


def make(streams: int, at: datetime) -> None:
    """As many customers, each with one active agreement and one stream."""
    LegalBasis.objects.create(
        code="BENCH",
        title_sv="Mätning",
        title_en="Benchmark",
        citations=[],
        recipient_kinds=["forsakringsbolag"],
        purpose=PURPOSE,
        valid_from=date(2024, 1, 1),
        status="active",
        service="standing",
        owners=["FK"],
        classes=CLASSES,
        outcomes=["granted"],
        approved_at=at,
    )
    for place in range(streams):
        customer = Customer.objects.create(
            organisation_number=f"55{place:08d}", name=f"Bolag {place}", kind="forsakringsbolag"
        )
        agreement = Agreement.objects.create(
            customer=customer,
            code=f"BENCH-{place}",
            status=Agreement.Status.ACTIVE,
            valid_from=date(2024, 1, 1),
            signed_by_customer_at=at,
            signed_by_fk_at=at,
            approved_at=at,
        )
        Scope.objects.create(
            agreement=agreement,
            purpose=PURPOSE,
            basis_code="BENCH",
            benefits=[BENEFIT],
            classes=CLASSES,
            approved_at=at,
        )
        Stream.objects.create(agreement=agreement, purpose=PURPOSE)


# One more watch on each person who does not change, in a stream without orders, until there are enough.
_WATCHES = """
INSERT INTO subscriptions_watch (stream_id, person_id, ordered_number, benefit, from_date, case_reference,
  need_reference, opened_at, end_reason)
SELECT s.id, p.id, p.first_number, %s, %s, '', '', now(), ''
FROM unnest(%s::bigint[]) WITH ORDINALITY s(id, place)
JOIN benefits_person p ON p.id > %s
WHERE NOT EXISTS (SELECT 1 FROM subscriptions_watch w WHERE w.stream_id = s.id AND w.person_id = p.id)
ORDER BY s.place, p.id LIMIT %s
"""
_TOLD = """
INSERT INTO deliveries_told (watch_id, section, digest, items, delivery_id)
SELECT w.id, t.section, t.digest, t.items, d.id FROM subscriptions_watch w
JOIN deliveries_delivery d ON d.id = (SELECT min(f.id) FROM deliveries_delivery f WHERE f.stream_id = w.stream_id)
CROSS JOIN LATERAL (SELECT section, digest, items FROM deliveries_told m WHERE m.watch_id = %s) t
WHERE w.id > %s
"""
_DISCLOSURES = """
INSERT INTO deliveries_disclosure (delivery_id, customer_id, person_id, watch_id, decision_id, outcome, reason,
  complete, from_date, case_reference, sections, items)
SELECT d.id, a.customer_id, w.person_id, w.id, m.decision_id, 'sent', '', true, w.from_date, '', m.sections, m.items
FROM subscriptions_watch w JOIN subscriptions_stream s ON s.id = w.stream_id
JOIN subscriptions_agreement a ON a.id = s.agreement_id
JOIN deliveries_delivery d ON d.id = (SELECT min(f.id) FROM deliveries_delivery f WHERE f.stream_id = w.stream_id)
CROSS JOIN (SELECT * FROM deliveries_disclosure WHERE watch_id = %s AND outcome = 'sent' LIMIT 1) m
WHERE w.id > %s
"""
# What the ordered watches on protected persons are owed, these are owed too.
_PENDING = """
INSERT INTO subscriptions_pending (watch_id, reason, since)
SELECT w.id, 'protected', now() FROM subscriptions_watch w JOIN benefits_personfacts f ON f.person_id = w.person_id
AND f.withdrawn_in IS NULL AND f.protection <> 'INGET' WHERE w.id > %s
"""


def add_told_watches(count: int, *, beyond_person: int) -> None:
    """Add watches as if ordered and told their first delivery long ago, set-based.

    Each is on a person above `beyond_person`, who never changes here. What it is said to have been told is a copy of
    what one ordered watch was told: right in size and number, and never compared, because no log touches it.
    """
    model = _typical_watch()
    last = _scalar("SELECT coalesce(max(id), 0) FROM subscriptions_watch")
    streams = list(Stream.objects.filter(watches=None).order_by("pk").values_list("pk", flat=True))
    streams = streams or list(Stream.objects.order_by("pk").values_list("pk", flat=True)[4:])
    execute(_WATCHES, [BENEFIT, FROM, streams, beyond_person, count])
    execute(_TOLD, [model, last])
    execute(_DISCLOSURES, [model, last])
    execute(_PENDING, [last])
    newest = LawChange.objects.order_by("-pk").values_list("pk", flat=True)[0]
    Stream.objects.update(examined_law=newest, examined_import=Import.objects.last_number())
    for name in ("subscriptions_watch", "deliveries_told", "deliveries_disclosure", "subscriptions_pending"):
        execute(f"ANALYZE {name}")


def _typical_watch() -> int:
    """An ordered watch that was told as many sections as most are."""
    return _scalar(
        "SELECT min(watch_id) FROM (SELECT watch_id, count(*) AS sections FROM deliveries_told GROUP BY watch_id) t "
        "WHERE sections = (SELECT mode() WITHIN GROUP (ORDER BY c) FROM "
        "(SELECT count(*) AS c FROM deliveries_told GROUP BY watch_id) n)"
    )


def _scalar(query: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def standing() -> int:
    return _scalar("SELECT count(*) FROM subscriptions_watch WHERE ended_at IS NULL")


def documents_size(since: int) -> int:
    """The bytes of the documents of runs after one."""
    return sum(Delivery.objects.filter(run__gt=since).values_list("size", flat=True))

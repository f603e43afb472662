"""The watches, and the orders that opened them."""

from benchmarks import orderfile, scene
from benchmarks.facescene.shared import COLLEAGUE, FIRST_MEMBER, moment_of_night, sha_of
from benchmarks.facesizes import COLLEAGUES, SMALL, SMALL_WATCHES, STREAMS, FaceSizes
from benchmarks.filling import fill, run
from subscriptions import models as subscriptions


def fill_watches(sizes: FaceSizes) -> None:
    """Each with the night that told it first; of the large customer's, four in five came with one order."""
    small = f"{SMALL.start} AND {SMALL.stop - 1}"
    early = max(2, sizes.nights // 10)
    run(
        "CREATE TEMPORARY TABLE wanted AS SELECT s, k, CASE WHEN s = 1 AND k % 5 > 0 "
        f"THEN {early} ELSE 1 + ((k * 7919::bigint + s * 31) % ({sizes.nights} - 1))::int END AS night "
        f"FROM generate_series(1, {STREAMS}) s CROSS JOIN LATERAL generate_series(0, CASE WHEN s = 1 "
        f"THEN {sizes.large} WHEN s BETWEEN {small} THEN {SMALL_WATCHES} ELSE {sizes.middling} END - 1) k"
    )
    run(
        "CREATE TEMPORARY TABLE opened AS SELECT row_number() OVER (ORDER BY night, (k * 613 + s) % 1009, s, k) AS id, "
        f"s, k, night, 1 + (s * 7919 + k) % {sizes.persons} AS person FROM wanted"
    )
    opened = moment_of_night(sizes, "o.night")
    order = f"((o.night - 1) / 7 * {STREAMS} + o.s)"
    ended = "o.id % 10 = 9"
    fill(
        subscriptions.Watch,
        "opened o JOIN benefits_person p ON p.id = o.person ORDER BY o.id",
        id="o.id",
        stream="o.s",
        person="o.person",
        ordered_number="p.first_number",
        benefit=f"'{scene.BENEFIT}'",
        from_date="DATE '2024-01-01' + (o.id % 700)::int",
        case_reference="CASE WHEN o.id % 3 = 0 THEN 'DNR-' || o.id / 5 ELSE '' END",
        need_reference="CASE WHEN o.id % 7 = 1 THEN 'BEHOV-' || o.id ELSE '' END",
        reconfirm_by="CASE WHEN o.id % 4 = 0 THEN current_date + (o.id % 300)::int - 10 END",
        ordered_by=_orderer(order),
        opened_at=opened,
        ended_at=f"CASE WHEN {ended} THEN {opened} + interval '20 days' END",
        end_reason=f"CASE WHEN {ended} THEN 'AVBESTALLD' ELSE '' END",
        ended_as_of=f"CASE WHEN {ended} THEN 3 * o.night END",
    )
    fill(
        subscriptions.Watch,
        f"generate_series(1, {STREAMS}) s, benefits_person p WHERE p.id = 1",
        stream="s",
        id=f"{sizes.watches} + s",
        person="1",
        ordered_number="p.first_number",
        benefit="'FK:FP'",
        from_date="'2025-01-01'",
        opened_at="now()",
    )


def _orderer(order: str) -> str:
    """Who made an order: one of the large customer's many colleagues, one of another's few; or a system."""
    few = f"{FIRST_MEMBER} + (o.s - 1) * 10 + 4 + ({order} / {STREAMS})::int % 5"
    many = f"CASE WHEN o.s = 1 THEN {COLLEAGUE} + ({order} / {STREAMS})::int % {COLLEAGUES} ELSE {few} END"
    return f"CASE WHEN o.s = 1 OR o.s % 4 <> 2 THEN {many} END"


def fill_orders(sizes: FaceSizes) -> None:
    """One order a week and stream; two lines in a hundred have a fault."""
    run(
        f"CREATE TEMPORARY TABLE ordered AS SELECT (night - 1) / 7 * {STREAMS} + s AS id, s, count(*)::int AS lines, "
        "min(night) AS night, count(*)::int / 50 + 1 AS faults FROM opened GROUP BY 1, 2"
    )
    moment = moment_of_night(sizes, "o.night")
    fill(
        subscriptions.Order,
        "ordered o ORDER BY o.id",
        id="o.id",
        stream="o.s",
        received_at=moment,
        done_at=moment,
        channel="(ARRAY['portal', 'file', 'api', 'portal'])[CASE WHEN o.s = 1 THEN 2 ELSE o.s % 4 + 1 END]",
        form="CASE WHEN o.s = 1 OR o.s % 4 IN (1, 2) THEN 'csv' ELSE '' END",
        ordered_by=_orderer("o.id"),
        client="CASE WHEN o.s > 1 AND o.s % 4 = 2 THEN 'client-' || o.s ELSE '' END",
        reference="'LISTA-' || o.id",
        file_name="'lista.csv'",
        size="o.lines * 60",
        sha256=sha_of("o.id"),
        status="'done'",
        lines_read="o.lines + o.faults",
        line_count="o.lines + o.faults",
        lines_done="o.lines + o.faults",
        carried_in="o.night",
        counts="jsonb_build_object('ACCEPTED', o.lines, 'NUMBER_INVALID', o.faults)",
    )
    line = {"kind": f"'{orderfile.NEW}'", "benefit": f"'{scene.ORDER_NAME}'", "from_date": "'2025-01-01'"}
    fill(
        subscriptions.OrderLine,
        "opened o JOIN benefits_person p ON p.id = o.person ORDER BY o.id",
        order=f"(o.night - 1) / 7 * {STREAMS} + o.s",
        number="p.first_number",
        answer="'ACCEPTED'",
        watch="o.id",
        line=f"row_number() OVER (PARTITION BY (o.night - 1) / 7 * {STREAMS} + o.s ORDER BY o.id)",
        **line,
    )
    fill(
        subscriptions.OrderLine,
        "ordered o CROSS JOIN LATERAL generate_series(1, o.faults) n",
        order="o.id",
        line="o.lines + n",
        number="'199001019999'",
        answer="'NUMBER_INVALID'",
        reference="'Rad ' || n",
        **line,
    )

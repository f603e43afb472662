"""The nights, what was told in them, and what is owed."""

from benchmarks import scene
from benchmarks.facescene.shared import CLIENTS, FIRST_MEMBER, SECTION, ago, day_of_night, moment_of_night, sha_of
from benchmarks.facesizes import STREAMS, FaceSizes
from benchmarks.filling import fill
from deliveries import models as deliveries
from subscriptions import models as subscriptions

REFRESHED = 50_000  # watches of the large customer, told whole by the run


def fill_nights(sizes: FaceSizes) -> None:
    nights = f"generate_series(1, {sizes.nights}) n"
    planned = moment_of_night(sizes, "n")
    fill(
        deliveries.Run,
        nights,
        id="n",
        kind="'nightly'",
        status="'done'",
        day=day_of_night(sizes, "n"),
        planned_for=planned,
        deadline=f"{planned} + interval '7 hours'",
        started_at=planned,
        ended_at=f"{planned} + interval '1 hour'",
        as_of_import="3 * n",
        as_of_law="n",
        counts="'{\"persons\": 10000}'::jsonb",
    )
    each = f"{nights} CROSS JOIN generate_series(1, {STREAMS}) s"
    order = "ORDER BY n, s"
    number = f"(n - 1) * {STREAMS} + s"
    fill(
        deliveries.Receipt,
        f"{each} {order}",
        id=number,
        stream="s",
        number="n",
        kind="'manifest'",
        key="1",
        previous=f"CASE WHEN n > 1 THEN {sha_of(f'{number} - {STREAMS}')} ELSE '' END",
        sha256=sha_of(number),
        jws="repeat('e30.', 150)",
    )
    read = f"n <= {sizes.nights} - CASE s % 10 WHEN 5 THEN 20 WHEN 6 THEN 2 ELSE 0 END"
    fetched = f"CASE WHEN {read} THEN {planned} + interval '9 hours' END"
    confirmed = (
        f"CASE WHEN {read} AND (s % 10 <> 7 OR n < {sizes.nights} - 10) THEN {planned} + interval '10 hours' END"
    )
    fill(
        deliveries.Delivery,
        f"{each} {order}",
        id=number,
        stream="s",
        run="n",
        number="n",
        sha256=sha_of(number),
        previous_sha256=f"CASE WHEN n > 1 THEN {sha_of(f'{number} - {STREAMS}')} ELSE '' END",
        size="204800",
        schema_version="'1.0.0'",
        as_of_import="3 * n",
        as_of_law="n",
        day=day_of_night(sizes, "n"),
        persons="50",
        blocks="60",
        planned_for=planned,
        released_at=f"{planned} + interval '30 minutes'",
        manifest=number,
        first_fetched_at=fetched,
        acknowledged_at=confirmed,
    )
    fill(
        deliveries.StreamRun,
        f"{each} {order}",
        run="n",
        stream="s",
        delivery=number,
        status="CASE WHEN (n * 31 + s) % 997 = 0 THEN 'failed' ELSE 'released' END",
        candidates="60",
        examined="60",
        counts='\'{"persons": 50, "changed": 60}\'::jsonb',
        news=f"'{{\"{scene.BENEFIT}\": 60}}'::jsonb",
    )
    fill(
        deliveries.Fetch,
        "deliveries_delivery d WHERE d.first_fetched_at IS NOT NULL ORDER BY d.id",
        delivery="d.id",
        at="d.first_fetched_at",
        client="CASE WHEN d.stream_id % 2 = 0 THEN 'client-' || d.stream_id ELSE '' END",
        user=f"CASE WHEN d.stream_id % 2 = 1 THEN {FIRST_MEMBER} + (d.stream_id - 1) * 10 + 4 END",
    )
    fill(
        deliveries.StoredDecision,
        f"{nights} CROSS JOIN generate_series(0, 19) s {order}",
        id="(n - 1) * 20 + s + 1",
        key=sha_of("(n - 1) * 20 + s"),
        day=day_of_night(sizes, "n"),
        outcome="'allowed'",
        basis_code="'BENCH'",
        basis_version="1",
        scope_version="1",
        benefit=f"'{scene.BENEFIT}'",
        classes="'[\"identity\"]'::jsonb",
        profile='\'{"basis": {"outcomes": ["granted"]}}\'::jsonb',
    )


def fill_told(sizes: FaceSizes) -> None:
    """Each watch was told twice: when it was new, and some night after."""
    later = f"o.night + 1 + (o.id % ({sizes.nights} - o.night))::int"
    sections = f"jsonb_build_object('{SECTION}', {sha_of('t.id')})"
    told = (
        "(SELECT o.id, o.s, o.person, o.night, true AS complete FROM opened o "
        f"UNION ALL SELECT o.id, o.s, o.person, {later}, false FROM opened o) t"
    )
    fill(
        deliveries.Disclosure,
        f"{told} ORDER BY t.night, t.s, t.id",
        delivery=f"(t.night - 1) * {STREAMS} + t.s",
        customer="t.s",
        person="t.person",
        watch="t.id",
        decision="(t.night - 1) * 20 + t.s % 20 + 1",
        outcome="CASE WHEN t.id % 40 = 0 THEN 'withheld' ELSE 'sent' END",
        reason="CASE WHEN t.id % 40 = 0 THEN 'CONSENT_MISSING' ELSE '' END",
        complete="t.complete",
        from_date="'2025-01-01'",
        sections=sections,
        items="1",
    )
    fill(
        deliveries.Disclosure,
        f"generate_series(1, {STREAMS}) s CROSS JOIN generate_series(1, 2) v",
        customer="s",
        delivery=f"({sizes.nights} - v) * {STREAMS} + s",
        person="1",
        watch=f"{sizes.watches} + s",
        decision="1",
        outcome="'sent'",
        complete="v = 2",
        from_date="'2025-01-01'",
        sections="'{}'::jsonb",
        items="1",
    )
    fill(
        deliveries.Told,
        "opened o ORDER BY o.id",
        watch="o.id",
        section=f"'{SECTION}'",
        digest=sha_of("o.id"),
        items=sha_of("o.id"),
        delivery=f"({later} - 1) * {STREAMS} + o.s",
    )


def fill_owed(sizes: FaceSizes) -> None:
    """What protection holds back, and a full refresh of some watches: many of the large customer's, few of others'."""
    fill(
        subscriptions.Pending,
        "subscriptions_watch w JOIN benefits_personfacts f ON f.person_id = w.person_id "
        "WHERE w.ended_at IS NULL AND f.withdrawn_in IS NULL AND f.protection <> 'INGET' ORDER BY w.id",
        watch="w.id",
        reason="'protected'",
        since="now() - (w.id % 60) * interval '1 day'",
    )
    fill(
        subscriptions.Pending,
        "(SELECT o.id, o.s, row_number() OVER (PARTITION BY o.s ORDER BY o.id) AS place FROM opened o "
        "WHERE (o.s = 1 OR o.s % 5 = 0) AND o.id % 10 <> 9 AND o.person % 50 <> 0) w "
        f"WHERE w.place <= CASE WHEN w.s = 1 THEN {sizes.times(REFRESHED)} ELSE 50 END",
        watch="w.id",
        reason="'refresh'",
        since="now()",
    )
    fill(
        subscriptions.ProtectedRelease,
        f"(SELECT watch_id, row_number() OVER (ORDER BY id) AS n "
        f"FROM subscriptions_pending WHERE reason = 'protected' LIMIT {sizes.times(30_000)}) w",
        watch="w.watch_id",
        valid_from="current_date - 100",
        valid_to="current_date - 70 + CASE WHEN n % 100 < 3 THEN 100 ELSE 0 END",
        reason="'Nämnden behöver uppgifterna.'",
        prepared_by="11",
        prepared_at="now()",
        approved_by="CASE WHEN n % 100 > 1 THEN 12 END",
        approved_at="CASE WHEN n % 100 > 1 THEN now() END",
    )
    fill(
        deliveries.ClosingProposal,
        "subscriptions_watch w WHERE w.id % 50 = 1 AND w.ended_at IS NULL ORDER BY w.id",
        watch="w.id",
        stream="w.stream_id",
        reason="'DORMANT'",
        since="w.opened_at",
        noted_at="now()",
        told_at="CASE WHEN w.id % 100 = 1 THEN now() END",
    )
    fill(
        deliveries.Debt,
        "subscriptions_watch w WHERE w.id % 97 = 0 ORDER BY w.id",
        watch="w.id",
        section=f"'{SECTION}'",
        cause="'untold'",
        since_import="3",
        found_at="now()",
        settled_at="CASE WHEN w.id % 9 > 0 THEN now() END",
    )
    fill(
        deliveries.DebtCheck,
        "generate_series(1, 200) n",
        status="'done'",
        started_at="now() - n * interval '1 day'",
        ended_at="now() - n * interval '1 day'",
        counts='\'{"watches": 5000000, "equal": 4999900, "debts": 100}\'::jsonb',
    )
    many = sizes.times(5000)
    fill(
        deliveries.Reconciliation,
        f"generate_series(1, {many}) n",
        id="n",
        stream=f"1 + n % {STREAMS}",
        client=f"'client-' || 1 + n % {CLIENTS}",
        form="'csv'",
        size="1000",
        sha256=sha_of("n"),
        received_at=ago("n", many, 365),
        status="'done'",
        counts="'{\"lines\": 100}'::jsonb",
        done_at=ago("n", many, 365),
    )
    fill(
        deliveries.ReconciliationLine,
        "opened o WHERE o.id % 10 = 0",
        reconciliation=f"1 + o.id % {many}",
        kind="'ONLY_WE'",
        watch="o.id",
        number="'199001019999'",
        benefit=f"'{scene.BENEFIT}'",
    )
    fill(
        deliveries.HeldSlice,
        f"generate_series(1, {sizes.times(2000)}) n",
        stream=f"1 + n % {STREAMS}",
        benefit=f"CASE WHEN n <= 20 THEN '{scene.BENEFIT}' ELSE 'FK:FP' END",
        run=f"1 + n % {sizes.nights}",
        watches="2000",
        limit="500",
        usual="100",
        held_at="now() - n * interval '1 hour'",
        status="CASE WHEN n <= 20 THEN 'held' ELSE 'released' END",
    )
    fill(
        deliveries.SliceVerdict,
        "deliveries_heldslice h",
        slice="h.id",
        verdict="'release'",
        reason="'Höjningen är riktig.'",
        prepared_by="9",
        prepared_at="now()",
        approved_by="CASE WHEN h.status <> 'held' THEN 10 END",
        approved_at="CASE WHEN h.status <> 'held' THEN now() END",
    )
    fill(
        deliveries.Lag,
        "deliveries_delivery d WHERE d.id % 40 = 5 AND d.first_fetched_at IS NOT NULL",
        stream="d.stream_id",
        kind="'not_fetched'",
        delivery="d.id",
        since="d.released_at",
        alerted_at="d.released_at",
        recovered_at="d.first_fetched_at",
    )

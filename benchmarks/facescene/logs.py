"""The logs, and all that there is little of."""

from benchmarks import scene
from benchmarks.facescene.shared import BUSY, CLIENTS, FIRST_MEMBER, STAFF, ago
from benchmarks.facesizes import PORTAL_USERS, STREAMS, FaceSizes
from benchmarks.filling import fill, run
from deliveries import models as deliveries
from lefi.audit import models as audit
from lefi.service.models import ServiceNotice
from subscriptions.models import ApiCall


def fill_logs(sizes: FaceSizes) -> None:
    """What people read and did, over a year, a third of it the portal's; and what systems called, over a month."""
    many = sizes.times(4_000_000)
    member = f"{FIRST_MEMBER} + (n * 31) % {STREAMS * PORTAL_USERS}"
    actor = f"CASE WHEN n % 3 = 0 THEN {member} WHEN n % 3 = 1 THEN 1 + n % {STAFF} ELSE 20 + n % 50 END"
    labels = "['subscriptions.watch', 'benefits.person', 'deliveries.delivery', 'subscriptions.order', 'audit.finding']"
    fill(
        audit.AuditEvent,
        f"generate_series(1, {many}) n",
        at=ago("n", many, 365),
        actor=actor,
        action="(ARRAY['read', 'read', 'read', 'search', 'fetch', 'order', 'read', 'change'])[n % 8 + 1]",
        object_type=f"(ARRAY{labels})[n % 5 + 1]",
        object_id=f"(1 + n % {sizes.persons})::text",
        person_id=f"CASE WHEN n % 5 < 2 THEN 1 + (n * 7919::bigint) % {sizes.persons} END",
        customer_id=f"CASE WHEN n % 3 = 0 THEN 1 + (n * 31) % {STREAMS * PORTAL_USERS} / 10 END",
        reason="'Ärende 2026-17'",
    )
    fill(
        audit.AuditEvent,
        f"generate_series(1, {10 * BUSY}) n",
        at=ago("n", 10 * BUSY, 30),
        actor="1 + n % 200",
        action="'read'",
        object_type="'benefits.person'",
        object_id="'1'",
        person_id="1",
        reason="'Ärende 2026-17'",
    )
    fill(
        audit.FollowUp,
        "generate_series(0, 35) n",
        id="n + 1",
        findings="100",
        found_at="now()",
        month="date_trunc('month', current_date - (n + 1) * interval '1 month')::date",
        due_at="now()",
        thresholds="'{\"many_persons\": 50}'::jsonb",
        digest="repeat('0', 64)",
    )
    fill(
        audit.Finding,
        "generate_series(0, 3599) n",
        followup="n / 100 + 1",
        rule="'many'",
        reader="20 + n % 50",
        day="current_date - n / 4",
        persons="60",
        reads="70",
    )
    fill(
        audit.SignOff,
        "generate_series(4, 36) n",
        followup="n",
        by="5",
        at="now()",
        remarks="'Genomgånget.'",
        findings="100",
        digest="repeat('0', 64)",
    )
    many = sizes.times(2_000_000)
    client = f"CASE WHEN n % 3 = 0 THEN 1 ELSE 1 + n % {CLIENTS} END"
    fill(
        ApiCall,
        f"generate_series(1, {many}) n",
        at=ago("n", many, 30),
        client=client,
        method="'GET'",
        route="'document'",
        status="CASE WHEN n % 211 = 0 THEN 403 ELSE 200 END",
        milliseconds="12",
    )


def fill_rest(sizes: FaceSizes) -> None:
    four = {"prepared_by": "9", "prepared_at": "now()"}
    both = four | {
        "approved_by": "CASE WHEN n % 10 > 0 THEN 10 END",
        "approved_at": "CASE WHEN n % 10 > 0 THEN now() END",
    }
    few, many = f"generate_series(1, {sizes.times(1000)}) n", f"generate_series(1, {sizes.times(5000)}) n"
    person = f"1 + (n * 7919) % {sizes.persons}"
    fill(
        deliveries.HandoutRelease,
        few,
        delivery="n",
        reason="'Kundens system har förlorat dokumentet.'",
        valid_to="current_date + n % 30 - 20",
        **both,
    )
    fill(
        deliveries.PersonReport,
        many,
        person=person,
        requested_on="current_date - n / 10",
        reference="'DNR 2026-' || n",
        as_of="now()",
        content="(SELECT content FROM report)",
        sha256="CASE WHEN n % 10 > 0 THEN repeat('1', 64) ELSE '' END",
        **both,
    )
    fill(
        deliveries.SpontaneousDisclosure,
        many,
        customer=f"1 + n % {STREAMS}",
        person=person,
        basis_code="'KOM-SOC'",
        benefit=f"'{scene.BENEFIT}'",
        from_date="'2025-01-01'",
        reason="'Nämnden utreder ett barn.'",
        decision="1",
        sha256="repeat('1', 64)",
        **both,
    )
    fill(
        deliveries.Checkpoint,
        many,
        stream=f"1 + n % {STREAMS}",
        number="n",
        sha256="repeat('0', 64)",
        watches="100",
        made_at="now() - n * interval '1 hour'",
        key="1",
        jws="'e30.e30.AA'",
    )
    fill(
        deliveries.Purge,
        few,
        kind="'documents'",
        reference="'SFB 114:15'",
        decision="'Beslut 2026:' || n",
        before="now() - (n + 1000) * interval '1 day'",
        at="now() - n * interval '1 day'",
    )
    fill(
        deliveries.LegalHold,
        "generate_series(1, 100) n",
        everything="n = 1",
        reason="'Tvist i förvaltningsrätten.'",
        set_by="9",
        set_at="now()",
        person="CASE WHEN n > 1 THEN n END",
    )
    fill(deliveries.HoldLift, "deliveries_legalhold h WHERE id % 2 = 0", hold="h.id", reason="'Avgjord.'", **four)
    fill(deliveries.OrderedRun, "generate_series(1, 50) n", kind="'repair'", cause="'Retroaktivt.'", **both)
    fill(deliveries.NoRun, "generate_series(1, 30) n", day="current_date + 10 * n", reason="'Driftstopp'")
    fill(
        deliveries.SchemaValidation,
        f"generate_series(1, {STREAMS}) n, generate_series(1, 3) v",
        customer="n",
        version="'1.' || v || '+9.0.0-1'",
        ok="true",
        at="now() - n * interval '1 hour'",
        client="'client-1'",
    )
    fill(
        ServiceNotice,
        "generate_series(1, 200) n",
        kind="'news'",
        title_sv="'Nytt ' || n",
        title_en="'New ' || n",
        text_sv="'Så är det nu.'",
        text_en="'So it is now.'",
        begins_at="now() - n * interval '3 days'",
        published_at="now() - n * interval '3 days'",
        published_by="9",
        changed_at="now()",
    )
    run(
        "INSERT INTO mfa_authenticator (type, data, user_id, created_at) "
        "SELECT 'totp', '{\"secret\": \"x\"}', id, now() FROM accounts_user"
    )
    run(
        "INSERT INTO usersessions_usersession (created_at, ip, last_seen_at, session_key, user_agent, data, user_id) "
        "SELECT now() - n * interval '1 minute', '127.0.0.1', now(), 'key' || n, 'Mozilla', '{}', "
        f"{FIRST_MEMBER} + n % {STREAMS * PORTAL_USERS} FROM generate_series(1, {2 * STREAMS * PORTAL_USERS}) n"
    )

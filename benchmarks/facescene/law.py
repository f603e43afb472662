"""Consents, connections and whatever else the law rests on."""

from benchmarks import scene
from benchmarks.facescene.shared import FIRST_MEMBER, ago, sha_of
from benchmarks.facesizes import STREAMS, FaceSizes
from benchmarks.filling import fill, run
from subscriptions import models as subscriptions


def fill_law(sizes: FaceSizes) -> None:
    many = sizes.times(500_000)
    kinds = "(ARRAY['watch', 'watch', 'watch', 'consent', 'personfacts', 'scope', 'agreement'])[n % 7 + 1]"
    fill(
        subscriptions.LawChange,
        f"generate_series(1, {many}) n",
        at=ago("n", many, 365),
        kind=kinds,
        customer_id=f"1 + n % {STREAMS}",
        stream_id=f"1 + n % {STREAMS}",
        watch_from="n",
        watch_to="n",
    )
    run(
        "UPDATE subscriptions_stream SET examined_law = (SELECT max(id) FROM subscriptions_lawchange), "
        "examined_import = (SELECT max(number) FROM benefits_import)"
    )
    many = sizes.times(500_000)
    fill(
        subscriptions.Consent,
        f"generate_series(1, {many}) n",
        customer=f"1 + n % {STREAMS}",
        person=f"1 + (n * 7919::bigint) % {sizes.persons}",
        purpose=f"'{scene.PURPOSE}'",
        benefits=f"'[\"{scene.BENEFIT}\"]'::jsonb",
        classes="'[\"identity\"]'::jsonb",
        valid_from="'2025-01-01'",
        valid_to="current_date + n % 900 - 30",
        given_on="'2025-01-01'",
        evidence="'BLANKETT-' || n",
        examination="CASE WHEN n % 200 = 0 THEN 'waiting' ELSE 'not_needed' END",
        channel="'api'",
        giver="CASE WHEN n % 200 = 0 THEN 'guardian' ELSE 'self' END",
        registered_at=ago("n", many, 300),
    )
    every = f"generate_series(1, {STREAMS}) n"
    fill(
        subscriptions.Block,
        "generate_series(1, 100) n",
        customer="n + 300",
        reason="'Misstänkt intrång.'",
        set_at="now() - n * interval '1 day'",
        lifted_at="now()",
    )
    fill(
        subscriptions.Reservation,
        f"{every}, generate_series(1, 2) v",
        agreement="n",
        ground="'OSL 10:14'",
        text="'Uppgifterna får bara användas av handläggarna.'",
        set_at="now() - n * interval '1 day'",
        acknowledged_at="now()",
        acknowledged_by="'Anna Lind'",
    )
    many = sizes.times(2000)
    fill(
        subscriptions.Connection,
        f"generate_series(1, {many}) n",
        id="n",
        token="gen_random_uuid()",  # noqa: S106 - an expression
        status="CASE WHEN n % 20 = 0 THEN 'notified' ELSE 'refused' END",
        organisation_number="'5560000001'",
        unit="'E' || n",
        name="'Sökande ' || n",
        kind="'forsakringsbolag'",
        signatory_name="'Eva Al'",
        signatory_email="'eva@example.org'",
        contact_name="'Bo Ask'",
        contact_email="'bo@example.org'",
        parts=f'\'[{{"basis": "BENCH", "benefits": ["{scene.BENEFIT}"]}}]\'::jsonb',
        persons="100",
        submitted_at=ago("n", many, 700),
        refusal="CASE WHEN n % 20 = 0 THEN '' ELSE 'Ingen grund.' END",
    )
    fill(
        subscriptions.ConnectionMessage,
        f"generate_series(1, {3 * many}) n",
        connection=f"1 + n % {many}",
        by="CASE WHEN n % 3 > 0 THEN 9 END",
        at=ago("n", 3 * many, 700),
        text="'Hur går det?'",
    )
    fill(
        subscriptions.Invitation,
        f"generate_series(1, {many}) n",
        customer=f"1 + n % {STREAMS}",
        email="'ny' || n || '@example.org'",
        role="'case_worker'",
        digest=sha_of("n"),
        invited_by="9",
        invited_at=ago("n", many, 700),
        expires_at="now() + interval '2 days'",
        accepted_at="CASE WHEN n % 9 > 0 THEN now() END",
        accepted_by=f"CASE WHEN n % 9 > 0 THEN {FIRST_MEMBER} END",
    )
    many = sizes.times(100_000)
    fill(
        subscriptions.Notice,
        f"generate_series(1, {many}) n",
        customer=f"1 + n % {STREAMS}",
        code="'AGREEMENT_SENT'",
        details='\'{"agreement": "AVTAL-1"}\'::jsonb',
        at=ago("n", many, 700),
        mailed_at="now()",
    )

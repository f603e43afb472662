"""Staff, customers, and the people and systems of those."""

from benchmarks import scene
from benchmarks.facescene.shared import CLIENTS, COLLEAGUE, FIRST_MEMBER, OF_MANY, STAFF, SUPERUSER, sha_of
from benchmarks.facesizes import COLLEAGUES, PORTAL_USERS, SMALL, STREAMS, FaceSizes
from benchmarks.filling import fill, run
from lefi.accounts.models import User
from lefi.accounts.roles import ROLES
from subscriptions import models as subscriptions


def fill_people(sizes: FaceSizes) -> None:
    plain = {"password": "'!'", "is_active": "true", "date_joined": "now()"}
    fill(
        User,
        f"generate_series(1, {STAFF}) n",
        id="n",
        username="'staff.' || n",
        first_name="'Stina'",
        last_name="'Berg ' || n",
        is_staff="true",
        is_superuser=f"n = {SUPERUSER}",
        **plain,
    )
    run(
        "INSERT INTO accounts_user_groups (user_id, group_id) SELECT r.place, g.id "
        f"FROM unnest(ARRAY{[role.code for role in ROLES]}) WITH ORDINALITY r(code, place) "
        "JOIN auth_group g ON g.name = r.code"
    )
    members = f"generate_series(0, {STREAMS * PORTAL_USERS - 1}) n"
    fill(
        User,
        members,
        id=f"{FIRST_MEMBER} + n",
        username="'member.' || n",
        first_name="'Anna'",
        last_name="'Lind ' || n",
        email="'member.' || n || '@example.org'",
        **plain,
    )
    fill(
        User,
        f"generate_series(0, {COLLEAGUES - 1}) n",
        id=f"{COLLEAGUE} + n",
        username="'colleague.' || n",
        first_name="'Bo'",
        last_name="'Ask ' || n",
        **plain,
    )
    fill(
        User, "(VALUES (1)) v(n)", id=str(OF_MANY), username="'of.many'", first_name="'Eva'", last_name="'Al'", **plain
    )


def fill_customers(sizes: FaceSizes) -> None:
    run("TRUNCATE subscriptions_stream, subscriptions_scope, subscriptions_agreement, subscriptions_customer CASCADE")
    every = f"generate_series(1, {STREAMS}) n"
    fill(
        subscriptions.Customer,
        every,
        id="n",
        organisation_number="'55' || lpad(n::text, 8, '0')",
        name="'Bolaget ' || n",
        kind="'forsakringsbolag'",
        active="true",
    )
    fill(
        subscriptions.Agreement,
        every,
        id="n",
        customer="n",
        code="'AVTAL-' || n",
        status="'active'",
        valid_from="'2024-01-01'",
        signed_by_customer_at="now()",
        signed_by_fk_at="now()",
        approved_at="now()",
        sent_at="now()",
    )
    classes = "'" + str(scene.CLASSES).replace("'", '"') + "'::jsonb"
    fill(
        subscriptions.Scope,
        f"{every}, generate_series(1, 3) v",
        agreement="n",
        purpose=f"'{scene.PURPOSE}'",
        version="v",
        basis_code="'BENCH'",
        benefits=f'\'["{scene.BENEFIT}", "FK:FP"]\'::jsonb',
        classes=classes,
        approved_at="now()",
    )
    fill(
        subscriptions.Stream,
        every,
        id="n",
        agreement="n",
        purpose=f"'{scene.PURPOSE}'",
        channel="CASE WHEN n % 2 = 1 THEN 'portal' ELSE 'api' END",
        last_number=str(sizes.nights),
        last_sha256=sha_of(f"({sizes.nights} - 1) * {STREAMS} + n"),
        examined_day="current_date",
    )
    role = "(ARRAY['administrator', 'integration', 'auditor'])[n % 10 + 1]"
    fill(
        subscriptions.Member,
        f"generate_series(0, {STREAMS * PORTAL_USERS - 1}) n",
        user=f"{FIRST_MEMBER} + n",
        customer="n / 10 + 1",
        role=f"coalesce({role}, 'case_worker')",
    )
    fill(subscriptions.Member, f"generate_series(0, {COLLEAGUES - 1}) n", user=f"{COLLEAGUE} + n", customer="1")
    fill(
        subscriptions.Member,
        f"generate_series({SMALL.start}, {SMALL.start + 29}) n",
        user=str(OF_MANY),
        customer="n",
        role="'administrator'",
    )
    fill(
        subscriptions.Contact,
        f"{every}, (VALUES ('signatory'), ('connection'), ('technical')) r(code)",
        customer="n",
        role="code",
        name="'Bo Ask'",
        email="'bo.' || n || '@example.org'",
    )
    fill(
        subscriptions.Agent,
        every,
        customer="n",
        organisation_number="'5590000021'",
        name="'Ombudet ' || n",
        processing_agreement="'PUB-1'",
        valid_from="'2024-01-01'",
    )
    applications = subscriptions.ApiClient._meta.get_field("application").related_model
    clients = f"generate_series(1, {CLIENTS}) n"
    fill(
        applications,
        clients,
        id="n",
        name="'Systemet ' || n",
        client_id="'client-' || n",
        client_type="'confidential'",
        authorization_grant_type="'client-credentials'",
        created="now()",
        updated="now()",
    )
    fill(subscriptions.ApiClient, clients, id="n", application="n", customer="n", all_streams="true")

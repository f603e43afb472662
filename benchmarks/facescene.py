"""What the pages are measured on: a country's worth of persons, customers, watches, nights and logs, set-based.

Stream, agreement and customer of a number belong to each other. Number 1 is the large customer; person 1 is watched by
all. Night n of stream s made delivery (n - 1) * STREAMS + s, week w of it order (w - 1) * STREAMS + s. The rows of
each table lie in order of time, as they do where they came one by one.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import count, islice
from pathlib import Path

from django.core.serializers.json import DjangoJSONEncoder

from benchmarks import orderfile, scene
from benchmarks.facesizes import COLLEAGUES, PORTAL_USERS, SMALL, SMALL_WATCHES, STREAMS, FaceSizes
from benchmarks.filling import fill, run, unhindered
from benchmarks.population import write_part
from benefits import models as benefits
from benefits.services import import_file
from benefits.synthetic import Register
from deliveries import models as deliveries
from deliveries import personreport
from deliveries.signing_keys import signer
from lefi.accounts.models import User
from lefi.accounts.roles import ROLES
from lefi.audit import models as audit
from lefi.bulk import copy_rows
from lefi.service.models import ServiceNotice
from subscriptions import models as subscriptions
from subscriptions.models import ApiCall

PATTERNS = 500  # made-up persons whose benefit periods the others get copies of
PERIODS = 4  # of each person
STAFF = 200  # the first have the roles, in their order, and one more has every right
SUPERUSER = len(ROLES) + 1
FIRST_MEMBER = 1000  # the user of the portal whose id is the lowest
COLLEAGUE = 100_000  # the first of the large customer's many
OF_MANY = 99_999  # who works for many small customers
CLIENTS = 300
BUSY = 500  # watches on person 1, and periods and events of it
REFRESHED = 5000  # watches of the large customer, told whole by the run
SECTION = "sjukpenningarende"
ROOT_TABLES = ("benefits_personnumber", "benefits_personfacts", "benefits_benefitperiod")

# Day of a night, the last being yesterday; and a digest made of a number.
_DAY = "(current_date - {nights} + {night} - 1)"
_SHA = "md5({0}::text) || md5('x' || {0}::text)"


def make(sizes: FaceSizes, folder: Path, at: datetime) -> None:
    signer(at)
    scene.make(1, at)  # the legal basis
    for written in write_part(Register(PATTERNS), 1, range(PATTERNS), folder, at):
        import_file(manifest_path=written.manifest, at=at)
    _report(at)
    with unhindered():
        _people(sizes)
        _customers(sizes)
        _register(sizes)
        _nights(sizes)
        _watches(sizes)
        _told(sizes)
        _orders(sizes)
        _owed(sizes)
        _law(sizes)
        _logs(sizes)
        _rest(sizes)


def _report(at: datetime) -> None:
    """What a report says of a person of whom nothing has been told, as the text of all reports."""
    person = benefits.Person.objects.earliest("pk")
    said = personreport.contents(deliveries.PersonReport(person=person, requested_on=at.date(), as_of=at))
    run("CREATE TEMPORARY TABLE report (content text)")
    copy_rows("report", ["content"], [(json.dumps(said | {"withheld": 0}, cls=DjangoJSONEncoder),)])


def tell_busy_report(at: datetime) -> None:
    """A report to the person who is watched by all, which nobody has reviewed."""
    person = benefits.Person.objects.get(pk=1)
    by = User.objects.get(pk=SUPERUSER)
    personreport.make_report(person=person, requested_on=at.date(), reference="DNR-1", with_values=False, by=by, at=at)


def _day(sizes: FaceSizes, night: str) -> str:
    return _DAY.format(nights=sizes.nights, night=f"({night})")


def _moment(sizes: FaceSizes, night: str) -> str:
    return f"({_day(sizes, night)} + time '21:00')::timestamptz"


def _ago(step: str, count: int, days: int) -> str:
    """An instant, the rows being spread evenly over the days before now, the last now."""
    return f"now() - (({count} - {step}) * interval '{days} days' / {count})"


def _sha(number: str) -> str:
    return _SHA.format(f"({number})")


def _people(sizes: FaceSizes) -> None:
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


def _customers(sizes: FaceSizes) -> None:
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
        last_sha256=_sha(f"({sizes.nights} - 1) * {STREAMS} + n"),
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


def _register(sizes: FaceSizes) -> None:
    """Each person's number and facts, and copies of some periods of one of those that were imported."""
    names = ["id", "first_number"]
    taken = set(benefits.PersonNumber.objects.values_list("number", flat=True))  # read before rows are copied
    numbers = islice(_new_numbers(taken), sizes.persons - PATTERNS)
    copy_rows("benefits_person", names, enumerate(numbers, start=PATTERNS + 1))
    others = f"benefits_person p WHERE p.id > {PATTERNS} ORDER BY p.id"
    imports = 3 * sizes.nights
    by = f"3 + p.id * {imports} / {sizes.persons}"
    fill(benefits.PersonNumber, others, person="p.id", number="p.first_number", current="true", recorded_in=by)
    fill(
        benefits.PersonFacts,
        others,
        person="p.id",
        name="'Karin Testsson'",
        born="substr(p.first_number, 1, 4)",
        protection="CASE WHEN p.id % 50 = 0 THEN 'SEKRETESSMARKERING' ELSE 'INGET' END",
        recorded_in=by,
    )
    run(
        "CREATE TEMPORARY TABLE pattern AS SELECT b.*, row_number() OVER (PARTITION BY person_id ORDER BY "
        f"section <> '{SECTION}', id) AS place FROM benefits_benefitperiod b WHERE person_id <= {PATTERNS}"
    )
    copied = {
        name: f"t.{name}"
        for name in ("section", "digest", "ordinal", "starts_on", "ends_on", "extent", "amount", "content")
    }
    fill(
        benefits.BenefitPeriod,
        f"benefits_person p JOIN pattern t ON t.person_id = p.id % {PATTERNS} + 1 AND t.place <= {PERIODS} "
        f"WHERE p.id > {PATTERNS} ORDER BY p.id, t.place",
        person="p.id",
        recorded_in=by,
        withdrawn_in=f"CASE WHEN t.place = {PERIODS} AND p.id % 3 = 0 THEN {by} + 1 END",
        **copied,
    )
    fill(
        benefits.BenefitPeriod,
        f"generate_series(1, {BUSY}) n, (SELECT * FROM pattern LIMIT 1) t",
        person="1",
        recorded_in="n",
        **copied | {"digest": _sha("n")},
    )
    source = "(ARRAY['FK', 'FK', 'PM'])[n % 3 + 1]"
    fill(
        benefits.Import,
        f"generate_series(3, {imports}) n",
        number="n",
        source=source,
        sequence="n + 10",
        status="'published'",
        state="'OK'",
        file_name="'fil-' || n || '.jsonl'",
        sha256=_sha("n"),
        lines="10000",
        lines_checked="10000",
        created_at=_ago("n", imports, 365),
        received_at=_ago("n", imports, 365),
        published_at=_ago("n", imports, 365),
        counts='\'{"items": 10000, "touched": 3000}\'::jsonb',
    )
    many = sizes.times(3_000_000)
    fill(
        benefits.Touched,
        f"generate_series(1, {many}) n",
        number=f"3 + n::bigint * ({imports} - 3) / {many + 1}",
        person=f"1 + (n * 7919::bigint) % {sizes.persons}",
        section=f"'{SECTION}'",
    )
    many = sizes.times(50_000)
    fill(
        benefits.Quarantined,
        f"generate_series(1, {many}) n",
        imported=f"(SELECT max(id) FROM benefits_import) - n % {sizes.nights}",
        line="n",
        section=f"'{SECTION}'",
        code="'REQUIRED'",
        reason="'A required field is missing.'",
    )
    fill(
        benefits.Reversal,
        "generate_series(0, 49) n",
        imported="(SELECT max(id) FROM benefits_import) - n",
        reason="'Körningen gick en månad för tidigt.'",
        prepared_by="9",
        prepared_at="now()",
        approved_by="CASE WHEN n > 3 THEN 10 END",
        approved_at="CASE WHEN n > 3 THEN now() END",
    )
    fill(
        benefits.LeftAsItIs,
        f"generate_series(1, {sizes.times(20_000)}) n",
        reversal="(SELECT min(id) FROM benefits_reversal) + n % 50",
        person=f"1 + n % {sizes.persons}",
        section=f"'{SECTION}'",
        why="'later'",
    )


def _new_numbers(taken: set[str]) -> Iterator[str]:
    """Identity numbers that nobody holds, without end; those of `taken` are held, and so is each that is given."""
    for index in count(PATTERNS):
        number = orderfile.number(index)
        if number not in taken:
            taken.add(number)
            yield number


def _nights(sizes: FaceSizes) -> None:
    nights = f"generate_series(1, {sizes.nights}) n"
    planned = _moment(sizes, "n")
    fill(
        deliveries.Run,
        nights,
        id="n",
        kind="'nightly'",
        status="'done'",
        day=_day(sizes, "n"),
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
        previous=f"CASE WHEN n > 1 THEN {_sha(f'{number} - {STREAMS}')} ELSE '' END",
        sha256=_sha(number),
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
        sha256=_sha(number),
        previous_sha256=f"CASE WHEN n > 1 THEN {_sha(f'{number} - {STREAMS}')} ELSE '' END",
        size="204800",
        schema_version="'1.0.0'",
        as_of_import="3 * n",
        as_of_law="n",
        day=_day(sizes, "n"),
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
        key=_sha("(n - 1) * 20 + s"),
        day=_day(sizes, "n"),
        outcome="'allowed'",
        basis_code="'BENCH'",
        basis_version="1",
        scope_version="1",
        benefit=f"'{scene.BENEFIT}'",
        classes="'[\"identity\"]'::jsonb",
        profile='\'{"basis": {"outcomes": ["granted"]}}\'::jsonb',
    )


def _watches(sizes: FaceSizes) -> None:
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
    opened = _moment(sizes, "o.night")
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


def _told(sizes: FaceSizes) -> None:
    """Each watch was told twice: when it was new, and some night after."""
    later = f"o.night + 1 + (o.id % ({sizes.nights} - o.night))::int"
    sections = f"jsonb_build_object('{SECTION}', {_sha('t.id')})"
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
        digest=_sha("o.id"),
        items=_sha("o.id"),
        delivery=f"({later} - 1) * {STREAMS} + o.s",
    )


def _orders(sizes: FaceSizes) -> None:
    """One order a week and stream; two lines in a hundred have a fault."""
    run(
        f"CREATE TEMPORARY TABLE ordered AS SELECT (night - 1) / 7 * {STREAMS} + s AS id, s, count(*)::int AS lines, "
        "min(night) AS night, count(*)::int / 50 + 1 AS faults FROM opened GROUP BY 1, 2"
    )
    user = f"{FIRST_MEMBER} + (o.s - 1) * 10 + 4 + (o.id / {STREAMS})::int % 5"
    colleague = f"CASE WHEN o.s = 1 THEN {COLLEAGUE} + (o.id / {STREAMS})::int % {COLLEAGUES} ELSE {user} END"
    moment = _moment(sizes, "o.night")
    fill(
        subscriptions.Order,
        "ordered o ORDER BY o.id",
        id="o.id",
        stream="o.s",
        received_at=moment,
        done_at=moment,
        channel="(ARRAY['portal', 'file', 'api', 'portal'])[CASE WHEN o.s = 1 THEN 2 ELSE o.s % 4 + 1 END]",
        form="CASE WHEN o.s = 1 OR o.s % 4 IN (1, 2) THEN 'csv' ELSE '' END",
        ordered_by=f"CASE WHEN o.s = 1 OR o.s % 4 <> 2 THEN {colleague} END",
        client="CASE WHEN o.s > 1 AND o.s % 4 = 2 THEN 'client-' || o.s ELSE '' END",
        reference="'LISTA-' || o.id",
        file_name="'lista.csv'",
        size="o.lines * 60",
        sha256=_sha("o.id"),
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


def _owed(sizes: FaceSizes) -> None:
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
        sha256=_sha("n"),
        received_at=_ago("n", many, 365),
        status="'done'",
        counts="'{\"lines\": 100}'::jsonb",
        done_at=_ago("n", many, 365),
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


def _law(sizes: FaceSizes) -> None:
    many = sizes.times(500_000)
    kinds = "(ARRAY['watch', 'watch', 'watch', 'consent', 'personfacts', 'scope', 'agreement'])[n % 7 + 1]"
    fill(
        subscriptions.LawChange,
        f"generate_series(1, {many}) n",
        at=_ago("n", many, 365),
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
        registered_at=_ago("n", many, 300),
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
        submitted_at=_ago("n", many, 700),
        refusal="CASE WHEN n % 20 = 0 THEN '' ELSE 'Ingen grund.' END",
    )
    fill(
        subscriptions.ConnectionMessage,
        f"generate_series(1, {3 * many}) n",
        connection=f"1 + n % {many}",
        by="CASE WHEN n % 3 > 0 THEN 9 END",
        at=_ago("n", 3 * many, 700),
        text="'Hur går det?'",
    )
    fill(
        subscriptions.Invitation,
        f"generate_series(1, {many}) n",
        customer=f"1 + n % {STREAMS}",
        email="'ny' || n || '@example.org'",
        role="'case_worker'",
        digest=_sha("n"),
        invited_by="9",
        invited_at=_ago("n", many, 700),
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
        at=_ago("n", many, 700),
        mailed_at="now()",
    )


def _logs(sizes: FaceSizes) -> None:
    """What people read and did, over a year, a third of it the portal's; and what systems called, over a month."""
    many = sizes.times(4_000_000)
    member = f"{FIRST_MEMBER} + (n * 31) % {STREAMS * PORTAL_USERS}"
    actor = f"CASE WHEN n % 3 = 0 THEN {member} WHEN n % 3 = 1 THEN 1 + n % {STAFF} ELSE 20 + n % 50 END"
    labels = "['subscriptions.watch', 'benefits.person', 'deliveries.delivery', 'subscriptions.order', 'audit.finding']"
    fill(
        audit.AuditEvent,
        f"generate_series(1, {many}) n",
        at=_ago("n", many, 365),
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
        at=_ago("n", 10 * BUSY, 30),
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
        at=_ago("n", many, 30),
        client=client,
        method="'GET'",
        route="'document'",
        status="CASE WHEN n % 211 = 0 THEN 403 ELSE 200 END",
        milliseconds="12",
    )


def _rest(sizes: FaceSizes) -> None:
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

"""Signing off what was found in the log of reads: by whom, what is frozen, and what is overdue."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from lefi.accounts.roles import AUDITOR, DATA_PROTECTION
from lefi.audit import followup
from lefi.audit.followup import FollowUpRefused, Found, freeze, sign_off
from lefi.audit.models import Action, AuditEvent, Finding, FollowUp, SignOff
from lefi.reasons import ReasonRefused
from tests.factories import FindingFactory, UserFactory

pytestmark = pytest.mark.django_db
MONTH = date(2026, 10, 1)
AT = datetime(2026, 11, 2, 5, tzinfo=UTC)
LATE = AT + timedelta(days=30)
REMARKS = "Genomgånget med chefen."


def officer():
    user = UserFactory(is_staff=True)
    user.groups.add(Group.objects.get(name=DATA_PROTECTION.code))
    return user


def found(reader, **values):
    return Found(**{"rule": Finding.Rule.MANY, "reader": reader.pk, "persons": 60, "reads": 70} | values)


def frozen(*rows):
    return freeze(month=MONTH, found=rows, thresholds={"many_persons": 50}, at=AT)


def sign(month, by):
    return sign_off(followup=month, remarks=REMARKS, by=by, at=AT)


def refused(code):
    return pytest.raises(FollowUpRefused, match=code)


def test_what_was_found_is_kept_with_its_number_its_digest_and_the_thresholds_of_then():
    rows = [found(UserFactory(), day=date(2026, 10, 6), usual=12), found(UserFactory(), person=7)]

    month = frozen(*rows)

    assert (month.findings, month.digest) == (2, followup.digest(reversed(rows)))
    assert month.thresholds == {"many_persons": 50}
    assert month.due_at == datetime(2026, 11, 14, 23, tzinfo=UTC), "fourteen days, by the clock of Sweden"
    assert set(month.found.values_list("reader", "day", "usual", "person_id")) == {
        (rows[0].reader, date(2026, 10, 6), 12, None),
        (rows[1].reader, None, None, 7),
    }


def test_a_month_is_not_frozen_before_it_is_over():
    with refused("NOT_OVER"):
        freeze(month=MONTH, found=[], thresholds={}, at=datetime(2026, 10, 31, 22, tzinfo=UTC))

    assert freeze(month=MONTH, found=[], thresholds={}, at=datetime(2026, 10, 31, 23, tzinfo=UTC)).findings == 0


def test_a_month_is_frozen_once():
    first = frozen(found(UserFactory()))

    assert frozen() == first
    assert first.found.count() == 1


def test_a_signature_says_who_when_and_over_which_findings_and_is_logged():
    signer, row = officer(), found(UserFactory())
    month = frozen(row)

    kept = sign(month, signer)

    assert (kept.by, kept.at, kept.remarks, kept.findings) == (signer, AT, REMARKS, 1)
    assert kept.digest == month.digest
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.object_id, event.reason) == (
        Action.SIGN,
        signer,
        str(month.pk),
        REMARKS,
    )
    assert not FollowUp.objects.unsigned().exists()


def test_nobody_signs_for_the_own_reading():
    signer, other = officer(), officer()
    own, theirs = found(signer), found(UserFactory())
    month = frozen(own, theirs)

    kept = sign(month, signer)

    assert (kept.findings, kept.digest) == (1, followup.digest([theirs]))
    assert list(FollowUp.objects.unsigned()) == [month]
    assert not FollowUp.objects.to_sign(signer).exists()
    assert list(FollowUp.objects.to_sign(other)) == [month]
    sign(month, other)
    assert not FollowUp.objects.unsigned().exists()


def test_two_who_read_sign_for_each_other():
    one, other = officer(), officer()
    month = frozen(found(one), found(other))

    sign(month, one)
    assert FollowUp.objects.unsigned().exists()
    sign(month, other)

    assert not FollowUp.objects.unsigned().exists()


def test_a_month_in_which_all_that_was_found_is_the_own_reading_is_anothers_to_sign():
    signer = officer()
    month = frozen(found(signer))

    with refused("OWN_READING"):
        sign(month, signer)
    assert not FollowUp.objects.to_sign(signer).exists()
    assert not SignOff.objects.exists()


def test_a_month_without_findings_is_signed_off_too():
    signer = officer()
    month = frozen()
    assert list(FollowUp.objects.to_sign(signer)) == [month]

    assert sign(month, signer).findings == 0
    assert not FollowUp.objects.unsigned().exists()


def test_nobody_signs_twice():
    signer = officer()
    month = frozen()
    sign(month, signer)

    with refused("SIGNED"):
        sign(month, signer)


def test_rows_that_are_not_those_that_were_frozen_are_not_signed():
    month = frozen()
    FindingFactory(followup=month)

    with refused("ALTERED"):
        sign(month, officer())


@pytest.mark.parametrize("remarks", ["", "  ", "Gäller 19641230-2384"])
def test_remarks_are_needed_and_name_nobody(remarks):
    month = frozen()

    with pytest.raises(ReasonRefused):
        sign_off(followup=month, remarks=remarks, by=officer(), at=AT)


def test_a_month_is_overdue_until_it_is_signed_in_whole():
    signer = officer()
    month = frozen(found(signer), found(UserFactory()))

    assert not followup.overdue(month.due_at)
    assert list(followup.overdue(LATE)) == [month]
    sign(month, signer)
    assert list(followup.overdue(LATE)) == [month]
    sign(month, officer())
    assert not followup.overdue(LATE)


@pytest.mark.parametrize("model", [FollowUp, Finding, SignOff])
def test_what_was_found_and_signed_is_never_changed_nor_taken_away(model):
    sign(frozen(found(UserFactory())), officer())
    rows = model.objects.all()
    change = {FollowUp: {"findings": 0}, Finding: {"reads": 0}, SignOff: {"remarks": "x"}}[model]

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows._raw_delete(rows.db)


def page_of(month, name="change"):
    return reverse(f"admin:audit_followup_{name}", args=[month.pk])


def test_the_officer_reads_what_was_found_and_signs_it_off_on_its_page(client):
    signer, reader = officer(), UserFactory(username="lena.dahl")
    month = frozen(found(reader, day=date(2026, 10, 6)))
    client.force_login(signer)

    page = client.get(page_of(month), HTTP_ACCEPT_LANGUAGE="sv").content.decode()
    assert page_of(month, "sign") in page
    assert "lena.dahl" in page or str(reader) in page
    answer = client.post(page_of(month, "sign"), {"reason": REMARKS}, follow=True)

    assert REMARKS in answer.content.decode()
    assert SignOff.objects.get().by == signer
    assert page_of(month, "sign") not in client.get(page_of(month)).content.decode()


def test_the_page_of_the_step_says_that_the_own_reading_is_left_to_another(client):
    signer = officer()
    month = frozen(found(signer))
    client.force_login(signer)

    shown = client.get(page_of(month, "sign"))
    assert [row[1] for row in shown.context["consequences"][0].rows] == [1, 1]
    answer = client.post(page_of(month, "sign"), {"reason": REMARKS})

    assert answer.status_code == 200
    assert not SignOff.objects.exists()


def test_the_auditor_reads_the_findings_and_signs_nothing(client):
    auditor = UserFactory(is_staff=True)
    auditor.groups.add(Group.objects.get(name=AUDITOR.code))
    month = frozen(found(UserFactory()))
    client.force_login(auditor)

    assert client.get(page_of(month)).status_code == 200
    assert client.post(page_of(month, "sign"), {"reason": REMARKS}).status_code == 403


def test_a_finding_leads_to_the_rows_of_the_log_that_it_was_found_in(client, staff):
    reader, other = UserFactory(), UserFactory()
    inside = datetime(2026, 10, 6, 10, tzinfo=UTC)
    for user, at in ((reader, inside), (reader, inside + timedelta(days=1)), (other, inside)):
        AuditEvent.objects.create(at=at, actor=user, action="read", object_type="benefits.person", person_id=1)
    month = frozen(found(reader, day=date(2026, 10, 6)))
    client.force_login(staff)

    page = client.get(reverse("admin:audit_finding_changelist"), {"followup": month.pk})
    row = page.context["cl"].result_list[0]
    link = page.context["cl"].model_admin.log_link(row).partition('href="')[2].partition('"')[0]
    listed = client.get(link.replace("&amp;", "&")).context["cl"].result_list

    assert [(one.actor_id, one.at) for one in listed] == [(reader.pk, inside)]


@pytest.mark.parametrize(("rule", "action"), [("many", "read"), ("misses", "search"), ("files", "fetch")])
def test_the_rows_that_a_finding_leads_to_are_of_the_kind_that_its_rule_counts(client, staff, rule, action):
    month = frozen(found(UserFactory(), rule=rule))
    client.force_login(staff)

    page = client.get(reverse("admin:audit_finding_changelist"), {"followup": month.pk})
    link = page.context["cl"].model_admin.log_link(page.context["cl"].result_list[0])

    assert f"action__exact={action}" in link


def test_what_waits_to_be_signed_is_on_the_officers_start_page_and_late_ones_say_so(client):
    signer = officer()
    frozen(found(UserFactory()))
    client.force_login(signer)

    waiting = client.get("/admin/").context["waiting"]

    [mine] = [one for one in waiting if one.work.model is FollowUp]
    assert (mine.count, mine.late) == (1, timezone.now() > datetime(2026, 11, 14, 23, tzinfo=UTC))


def test_the_list_of_months_says_how_each_stands_in_as_many_queries_for_many(
    client, staff, django_assert_max_num_queries
):
    for number in range(12):
        month = freeze(month=date(2025, number + 1, 1), found=[found(UserFactory())], thresholds={}, at=AT)
        if number:
            sign(month, officer())
    client.force_login(staff)

    with django_assert_max_num_queries(12):
        page = client.get(reverse("admin:audit_followup_changelist"), HTTP_ACCEPT_LANGUAGE="en").content.decode()

    assert page.count("Signed off</span>") == 11
    assert "Overdue</span>" in page


def shown(client, row):
    """The names of the fields on a finding's page."""
    form = client.get(reverse("admin:audit_finding_change", args=[row.pk])).context["adminform"]
    return {field.field["name"] for fieldset in form for line in fieldset for field in line}


@pytest.mark.parametrize(
    ("rule", "counted"),
    [("many", {"persons", "reads", "usual"}), ("files", {"lines_taken", "files_taken"}), ("misses", {"searches"})],
)
def test_what_a_finding_counts_is_called_what_it_is_on_its_page(client, staff, rule, counted):
    client.force_login(staff)

    fields = shown(client, FindingFactory(rule=rule))

    assert fields - {"followup_link", "rule", "reader", "day", "person_link", "log_link"} == counted


def test_lines_of_files_stand_in_the_list_as_lines_and_not_as_persons(client, staff):
    client.force_login(staff)
    files, many = FindingFactory(rule="files", persons=5000, reads=2), FindingFactory(persons=60)

    page = client.get(reverse("admin:audit_finding_changelist"), {"o": "-4"})

    rows = {one.pk: one for one in page.context["cl"].result_list}
    assert list(rows) == [files.pk, many.pk]
    of = page.context["cl"].model_admin
    assert (of.persons_read(rows[files.pk]), of.lines_taken(rows[files.pk])) == ("–", "5\N{NO-BREAK SPACE}000")
    assert (of.persons_read(rows[many.pk]), of.lines_taken(rows[many.pk])) == ("60", "–")

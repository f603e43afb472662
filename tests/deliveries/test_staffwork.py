"""What waits for whom, on the start page and in the list that its line leads to: a rule for each kind."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission

from benefits.models import Import, Protection
from deliveries.models import HeldSlice, Run, StreamRun
from lefi.admin import FourEyesAdmin
from subscriptions.models import Agreement, Connection, Consent, Pending
from tests import factories as make
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)
EARLIER = NOW - timedelta(days=2)


@pytest.fixture(autouse=True)
def clock_stands(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@dataclass(frozen=True)
class Case:
    """What waits (one thing) and does not wait, for whoever has the right; it stands under a sentence, by a link."""

    rights: str
    link: str
    sentence: str
    waits: Callable
    does_not: Callable[[], object]

    @property
    def view(self) -> str:
        """The right to see the list that the link leads to."""
        app, model = self.link.split("/")[2:4]
        return f"{app}.view_{model}"


def agreement(status, **said):
    signed = {"signed_by_customer_at": EARLIER, "signed_by_fk_at": EARLIER, "prepared_by": UserFactory()}
    proposed = {"approved_at": None} if status != Agreement.Status.ACTIVE else {"approved_by": UserFactory()}
    return make.AgreementFactory(**{"status": status, "prepared_at": EARLIER, **signed, **proposed, **said})


def failed_stream(status=StreamRun.Status.FAILED, **said):
    run = make.RunFactory(started_at=EARLIER, ended_at=EARLIER, **said)
    return make.StreamRunFactory(run=run, status=status)


def failed_stream_of_a_rehearsal():
    return failed_stream(dry_run=True)


def unread(**said):
    return make.QuarantinedFactory(imported=make.ImportFactory(**said))


def consent(**said):
    given = {"giver": Consent.Giver.GUARDIAN, "examination": Consent.Examination.WAITING, "registered_at": EARLIER}
    return make.ConsentFactory(**{**given, **said})


def frozen_watch():
    watch = make.WatchFactory(stream__served=True, person__known__protection=Protection.MARKED)
    return make.PendingFactory(watch=watch, reason=Pending.Reason.PROTECTED, since=NOW)


def owed(days, **said):
    return make.PendingFactory(**{"since": NOW - timedelta(days=days), **said})


def verdict_on_a_slice():
    return make.SliceVerdictFactory(slice__run=make.RunFactory())


CASES = {
    "an application": Case(
        "subscriptions.change_connection",
        "/admin/subscriptions/connection/?work=examine",
        "1 ansökan om anslutning väntar på att prövas.",
        lambda: make.ConnectionFactory(submitted_at=EARLIER),
        lambda: make.ConnectionFactory(
            status=Connection.Status.REFUSED, refusal="Nej.", examined_at=NOW, examined_by=UserFactory()
        ),
    ),
    "an agreement to send": Case(
        "subscriptions.change_agreement",
        "/admin/subscriptions/agreement/?work=send",
        "1 avtal ska skickas till kunden.",
        lambda: agreement(Agreement.Status.EXAMINED),
        lambda: agreement(Agreement.Status.SENT),
    ),
    "an agreement to sign": Case(
        "subscriptions.change_agreement",
        "/admin/subscriptions/agreement/?work=sign",
        "1 avtal är undertecknat av kunden och väntar på Försäkringskassans underskrift.",
        lambda: agreement(Agreement.Status.SIGNED_BY_CUSTOMER),
        lambda: agreement(Agreement.Status.SENT),
    ),
    "an agreement to approve": Case(
        "subscriptions.approve_agreement",
        "/admin/subscriptions/agreement/?work=approve",
        "1 avtal är undertecknat av båda parter och väntar på ditt godkännande.",
        lambda: agreement(Agreement.Status.SIGNED_BY_FK),
        lambda: agreement(Agreement.Status.ACTIVE),
    ),
    "a consent to examine": Case(
        "subscriptions.approve_consent",
        "/admin/subscriptions/consent/?work=examine",
        "1 samtycke från en ställföreträdare eller en underårig väntar på att prövas.",
        consent,
        lambda: [make.ConsentFactory(), consent(withdrawn_at=NOW)],
    ),
    "a protected person's watch": Case(
        "subscriptions.release_protected",
        "/admin/subscriptions/protectedrelease/protected/",
        "1 bevakning av en person med skyddade personuppgifter är fryst och väntar på beslut.",
        frozen_watch,
        lambda: owed(1),
    ),
    "a watch that was not confirmed": Case(
        "deliveries.change_closingproposal",
        "/admin/subscriptions/watch/?work=unconfirmed",
        "1 bevakning har inte bekräftats i tid av kunden. Den är pausad och kommer att avslutas.",
        lambda: make.WatchFactory(reconfirm_by=NOW.date() - timedelta(days=1)),
        lambda: make.WatchFactory(reconfirm_by=NOW.date()),
    ),
    "a notice that could not be mailed": Case(
        "subscriptions.change_customer deliveries.change_run",
        "/admin/subscriptions/notice/?work=unmailed",
        "1 meddelande till en kund kunde inte skickas med e-post.",
        lambda: make.NoticeFactory(tried_at=EARLIER),
        lambda: [make.NoticeFactory(), make.NoticeFactory(tried_at=EARLIER, mailed_at=NOW)],
    ),
    "a refused import": Case(
        "deliveries.change_run",
        "/admin/benefits/import/?work=refused",
        "1 import har nekats, och källan har inte fått någon publicerad sedan dess.",
        lambda: make.ImportFactory(status=Import.Status.REFUSED, number=None, published_at=None, received_at=EARLIER),
        make.ImportFactory,
    ),
    "a section that could not be read": Case(
        "deliveries.change_run",
        "/admin/benefits/quarantined/?work=unread",
        "1 avsnitt om en person gick inte att läsa i de senaste importerna.",
        lambda: unread(number=9, sequence=9),
        lambda: [unread(number=6, sequence=6), make.ImportFactory(number=7, sequence=7)],
    ),
    "a held run": Case(
        "deliveries.release_run",
        "/admin/deliveries/run/?work=release",
        "1 körning hålls och väntar på att någon annan släpper den.",
        lambda: make.RunFactory(status=Run.Status.HELD, held_by=UserFactory(), started_at=EARLIER),
        make.RunFactory,
    ),
    "a failed stream": Case(
        "deliveries.change_run",
        "/admin/deliveries/streamrun/?work=failed",
        "1 ström misslyckades i den senaste körningen.",
        failed_stream,
        failed_stream_of_a_rehearsal,
    ),
    "a debt": Case(
        "deliveries.add_orderedrun",
        "/admin/deliveries/debt/?work=debt",
        "1 avsnitt av en bevakning har inte lämnats ut som det skulle.",
        lambda: make.DebtFactory(found_at=EARLIER),
        lambda: make.DebtFactory(settled_at=NOW),
    ),
    "news owed too long": Case(
        "deliveries.change_run",
        "/admin/subscriptions/pending/?work=overdue",
        "1 nyhet har väntat längre än tillåtet på att lämnas ut.",
        lambda: owed(4),
        lambda: [owed(2), owed(30, reason=Pending.Reason.PROTECTED), owed(9, reason=Pending.Reason.DROPPED)],
    ),
    "a held slice": Case(
        "deliveries.add_sliceverdict",
        "/admin/deliveries/heldslice/?work=undecided",
        "1 skiva med ovanligt många nyheter hålls och väntar på ett förslag till beslut.",
        lambda: make.HeldSliceFactory(held_at=EARLIER),
        lambda: [verdict_on_a_slice(), make.HeldSliceFactory(status=HeldSlice.Status.DROPPED, ended_at=NOW)],
    ),
    "a customer that is behind": Case(
        "subscriptions.change_customer deliveries.change_run",
        "/admin/deliveries/lag/?work=behind",
        "1 ström släpar efter: kunden hämtar inte, eller kvitterar inte.",
        lambda: make.LagFactory(since=EARLIER),
        lambda: make.LagFactory(recovered_at=NOW),
    ),
    "a report to give out": Case(
        "deliveries.change_personreport",
        "/admin/deliveries/personreport/?work=give",
        "1 registerutdrag är granskat och ska lämnas ut.",
        lambda: make.PersonReportFactory(approved_at=EARLIER),
        lambda: make.PersonReportFactory(approved_at=EARLIER, given_at=NOW, given_how="secure"),
    ),
    "a watch to end": Case(
        "deliveries.change_closingproposal",
        "/admin/deliveries/closingproposal/?work=tell",
        "1 bevakning bör kanske avslutas, och kunden har inte fått veta det.",
        lambda: make.ClosingProposalFactory(noted_at=EARLIER),
        lambda: make.ClosingProposalFactory(told_at=NOW),
    ),
}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def log_in(client, *rights):
    user = UserFactory(is_staff=True)
    for right in rights:
        app, codename = right.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(user)
    return user


def lines(client) -> dict[str, str]:
    """The lines of the start page: their links with their sentences."""
    page = client.get("/admin/").content.decode()
    found = re.findall(r'<li class="todo__item[^"]*">\s*<a href="([^"]+)">([^<]+)</a>', page)
    return {link: sentence.strip() for link, sentence in found}


def listed(client, link) -> int:
    """How many rows the list of a link holds."""
    return client.get(link).context["cl"].result_count


@each_case
def test_what_waits_is_said_to_who_has_the_right_with_a_link_to_just_that(client, case):
    case.does_not()
    case.waits()

    for right in case.rights.split():
        log_in(client, right, case.view)
        assert lines(client)[case.link] == case.sentence
        if "?work=" in case.link:
            assert listed(client, case.link) == 1


@each_case
def test_what_does_not_wait_is_not_said(client, case):
    case.does_not()
    log_in(client, *case.rights.split(), case.view)

    assert case.link not in lines(client)


@each_case
def test_who_lacks_the_right_is_told_nothing(client, case):
    case.waits()
    others = {right for one in CASES.values() for right in one.rights.split()} - set(case.rights.split())
    log_in(client, *others, case.view)

    assert case.link not in lines(client)


def test_who_may_do_nothing_has_nothing_to_do(client):
    for case in CASES.values():
        case.waits()
    user = log_in(client)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))

    assert lines(client) == {}


def test_nobody_approves_an_agreement_of_their_own(client):
    user = log_in(client, "subscriptions.approve_agreement", "subscriptions.view_agreement")
    agreement(Agreement.Status.SIGNED_BY_FK, prepared_by=user)

    assert lines(client) == {}


def test_what_an_agreement_covers_is_approved_with_it_while_it_is_not_active(client):
    log_in(client, "subscriptions.approve_scope", "subscriptions.view_scope")
    sent = agreement(Agreement.Status.SENT)
    make.ScopeFactory(agreement=sent, prepared_by=UserFactory(), prepared_at=EARLIER, approved_at=None)

    assert lines(client) == {}


def test_nobody_examines_a_consent_of_their_own(client):
    consent(registered_by=log_in(client, "subscriptions.approve_consent", "subscriptions.view_consent"))

    assert lines(client) == {}


def test_nobody_releases_a_run_of_their_own(client):
    user = log_in(client, "deliveries.release_run", "deliveries.view_run")
    make.RunFactory(status=Run.Status.HELD, held_by=user, started_at=EARLIER)

    assert lines(client) == {}


def test_an_import_refused_before_one_that_was_published_waits_for_nobody(client):
    make.ImportFactory(status=Import.Status.REFUSED, number=None, published_at=None)
    make.ImportFactory(number=1, sequence=1)
    log_in(client, "deliveries.change_run", "benefits.view_import")

    assert lines(client) == {}


def test_a_stream_that_failed_and_has_had_its_delivery_since_waits_for_nobody(client):
    failed_stream()
    failed_stream(StreamRun.Status.RELEASED)
    log_in(client, "deliveries.change_run", "deliveries.view_streamrun")

    assert lines(client) == {}


def test_frozen_news_may_wait_longer_with_all_that_its_watch_is_owed(client):
    watch = make.WatchFactory()
    for reason in (Pending.Reason.PROTECTED, Pending.Reason.FIRST):
        owed(30, watch=watch, reason=reason)
    log_in(client, "deliveries.change_run", "subscriptions.view_pending")
    assert lines(client) == {}

    owed(41, reason=Pending.Reason.PROTECTED)
    assert len(lines(client)) == 1


PROPOSED = [page for page in admin.site._registry.values() if isinstance(page, FourEyesAdmin)]
MADE_BY = {
    one._meta.model: one
    for one in vars(make).values()
    if isinstance(one, type) and issubclass(one, make.Factory) and one._meta.model
}
each_kind_of_proposal = pytest.mark.parametrize("page", PROPOSED, ids=lambda page: page.opts.model_name)


def proposal(page, by):
    said = {"over_at": None} if page.opts.model_name == "schemaannouncement" else {}
    return MADE_BY[page.model](prepared_by=by, prepared_at=EARLIER, approved_by=None, approved_at=None, **said)


@each_kind_of_proposal
def test_a_proposal_waits_for_another_than_who_made_it(client, staff, page):
    proposal(page, UserFactory())
    link = f"/admin/{page.opts.app_label}/{page.opts.model_name}/?work=approve"
    client.force_login(staff)

    assert lines(client)[link].startswith("1 förslag väntar på ditt godkännande: ")
    assert listed(client, link) == 1


@each_kind_of_proposal
def test_nobody_approves_a_proposal_of_their_own(client, staff, page):
    proposal(page, staff)
    client.force_login(staff)

    assert not [link for link in lines(client) if link.endswith("work=approve")]


@each_kind_of_proposal
def test_who_may_not_approve_is_told_of_no_proposal(client, page):
    proposal(page, UserFactory())
    log_in(client, f"{page.opts.app_label}.view_{page.opts.model_name}")

    assert lines(client) == {}

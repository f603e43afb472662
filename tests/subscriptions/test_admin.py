"""What staff keep in the admin: versions are added, blocks set and lifted."""

from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.text import capfirst

from benefits.labels import owner_name
from lefi.accounts.roles import OFFICER
from lefi.audit.models import AuditEvent
from subscriptions.models import (
    Agreement,
    Block,
    Customer,
    Invitation,
    LawChange,
    LegalBasis,
    Member,
    Notice,
    OwnerApproval,
    Scope,
)
from subscriptions.people import has_administrator
from tests.factories import (
    AT,
    BASIS,
    BENEFIT,
    PASSWORD,
    AgreementFactory,
    BlockFactory,
    InvitationFactory,
    LegalBasisFactory,
    MemberFactory,
    OwnerApprovalFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def address(model, view, *args):
    return reverse(f"admin:subscriptions_{model}_{view}", args=args)


def initial(response):
    """What the fields of a form stand at when it is opened."""
    form = response.context["adminform"].form
    return {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}


def without_none(values):
    return {name: value for name, value in values.items() if value is not None}


def test_a_customer_needs_a_true_organisation_number_and_it_is_kept_without_a_dash(office):
    data = {"name": "Norra Liv AB", "unit": "", "kind": "forsakringsbolag", "active": "on"}
    counts = ("TOTAL_FORMS", "INITIAL_FORMS")
    inline = {f"{rows}-{count}": 0 for rows in ("members", "contacts") for count in counts}

    wrong = office.post(address("customer", "add"), data | inline | {"organisation_number": "5560000002"})
    right = office.post(address("customer", "add"), data | inline | {"organisation_number": "16556000-0001"})

    assert "organisation_number" in wrong.context["adminform"].form.errors
    assert right.status_code == 302
    assert Customer.objects.get().organisation_number == "5560000001"


def test_a_customer_is_of_a_kind_that_the_law_names(office):
    form = office.get(address("customer", "add")).context["adminform"].form

    kinds = dict(form.fields["kind"].choices)

    assert kinds["socialnamnd"] == "Socialnämnd"


def changed(client, customer, **values):
    data = {"name": customer.name, "unit": customer.unit, "active": "on"}
    data |= {f"{rows}-{count}": 0 for rows in ("members", "contacts") for count in ("TOTAL_FORMS", "INITIAL_FORMS")}
    data |= {f"agents-{count}": 0 for count in ("TOTAL_FORMS", "INITIAL_FORMS")}
    data |= {"organisation_number": customer.organisation_number, "kind": customer.kind}
    return client.post(address("customer", "change", customer.pk), data | values)


@pytest.fixture
def officer(client):
    user = UserFactory(is_staff=True)
    user.groups.set(Group.objects.filter(name=OFFICER.code))
    client.force_login(user)
    return client


def test_nobody_of_the_staff_lets_anybody_in_at_a_customer(officer):
    customer = AgreementFactory().customer
    made = {"members-TOTAL_FORMS": 1, "members-0-role": Member.Role.INTEGRATION, "members-0-customer": customer.pk}

    changed(officer, customer, **made, **{"members-0-user": UserFactory().pk})

    assert not Member.objects.exists()


def test_nobody_of_the_staff_gives_a_customers_member_another_role_or_puts_another_in_its_place(officer):
    member = MemberFactory()
    AgreementFactory(customer=member.customer)
    before = Member.objects.values().get()
    row = {"members-TOTAL_FORMS": 1, "members-INITIAL_FORMS": 1, "members-0-id": member.pk}
    row |= {"members-0-customer": member.customer_id, "members-0-user": UserFactory().pk}

    changed(officer, member.customer, **row, **{"members-0-role": Member.Role.ADMINISTRATOR})

    assert Member.objects.values().get() == before


def let_go(client, member):
    row = {"members-TOTAL_FORMS": 1, "members-INITIAL_FORMS": 1, "members-0-id": member.pk}
    row |= {"members-0-customer": member.customer_id, "members-0-DELETE": "on"}
    return changed(client, member.customer, **row)


def test_who_is_let_go_on_the_customers_page_is_logged_out_everywhere_and_the_end_is_logged_once(office):
    member = MemberFactory()
    portal = Client()
    portal.post("/accounts/login/", {"login": member.user.username, "password": PASSWORD})
    assert portal.get("/watches/").status_code == 200

    let_go(office, member)

    assert not Member.objects.exists()
    assert not UserSession.objects.filter(user=member.user).exists()
    assert portal.get("/watches/").status_code == 302
    event = AuditEvent.objects.get(object_type="subscriptions.member")
    assert (event.action, event.object_id, event.actor.is_staff) == ("end", str(member.pk), True)
    assert event.details == {"role": member.role, "user": member.user_id}


def test_nobody_joins_by_an_invitation_of_who_is_let_go_on_the_customers_page(office):
    """That was the last administrator: Försäkringskassan invites a first one anew."""
    member = MemberFactory(role=Member.Role.ADMINISTRATOR)
    invitation = InvitationFactory(customer=member.customer, invited_by=member.user)
    opened = Invitation.objects.open(AT).filter(pk=invitation.pk)
    assert opened.exists()

    let_go(office, member)

    assert not opened.exists()
    assert not has_administrator(member.customer)


OTHER = {"organisation_number": "5590000021", "unit": "NY", "kind": "socialnamnd"}


@pytest.mark.parametrize("status", [one for one in Agreement.Status if one != Agreement.Status.EXAMINED])
def test_who_a_customer_is_changes_no_more_once_it_stands_in_an_agreement(office, status):
    approved_at = AT if status in (Agreement.Status.ACTIVE, Agreement.Status.ENDED) else None
    agreement = AgreementFactory(status=status, approved_at=approved_at, customer__active=False)
    before = Customer.objects.values().get()

    assert changed(office, agreement.customer, name="Nya namnet AB", **OTHER).status_code == 302

    assert Customer.objects.values().get() == before | {"name": "Nya namnet AB"}


def test_a_customer_without_a_sent_agreement_is_put_right_freely(office):
    customer = AgreementFactory(status="examined", approved_at=None, customer__active=False).customer

    assert changed(office, customer, **OTHER).status_code == 302

    kept = Customer.objects.get()
    assert {name: getattr(kept, name) for name in OTHER} == OTHER
    assert kept.active
    assert steps_on(office, customer) == ["invite"]


def steps_on(client, customer):
    page = client.get(address("customer", "change", customer.pk))
    return [link.rsplit("/", 2)[-2] for link, _ in page.context["steps"]]


def test_a_customer_is_stopped_by_one_and_started_by_another_on_pages_of_their_own(office, staff):
    customer = AgreementFactory().customer
    MemberFactory(customer=customer, role="administrator")
    assert steps_on(office, customer) == ["stop"]

    office.post(address("customer", "stop", customer.pk), {"reason": "Kunden har upphört."})
    customer.refresh_from_db()
    assert (customer.active, customer.stopped_by) == (False, staff)
    assert steps_on(office, customer) == []
    own = office.post(address("customer", "start", customer.pk), {"reason": "Ett misstag."})
    assert own.status_code == 200 and own.context["refusal"]

    office.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert steps_on(office, customer) == ["start"]
    assert office.get(address("customer", "start", customer.pk)).status_code == 200
    office.post(address("customer", "start", customer.pk), {"reason": "Ett misstag."})
    customer.refresh_from_db()
    assert customer.active


@pytest.mark.parametrize("step", ["stop", "start"])
def test_to_stop_and_start_takes_the_right_to_change_customers(client, step):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_customer"))
    client.force_login(user)
    customer = AgreementFactory(customer__active=step == "stop").customer

    assert client.post(address("customer", step, customer.pk), {"reason": "Därför då."}).status_code == 403
    assert Customer.objects.get().active == customer.active


def new_scope(client, scope, **changes):
    """Post the form for the next version of a scope, as it opens but for the changes."""
    opened = client.get(address("scope", "add"), {"after": scope.pk})
    return client.post(address("scope", "add"), without_none(initial(opened)) | changes)


def test_what_an_agreement_covers_is_narrowed_at_once_by_the_next_version(office):
    scope = ScopeFactory()

    new_scope(office, scope, look_back_days=365)

    versions = Scope.objects.approved().order_by("version").values_list("version", "benefits", "look_back_days")
    assert list(versions) == [(1, scope.benefits, 730), (2, scope.benefits, 365)]


def test_what_an_agreement_covers_is_widened_by_a_proposal_that_another_approves(office, client):
    scope = ScopeFactory()

    new_scope(office, scope, look_back_days=1000)
    proposal = Scope.objects.proposed().get()
    own = office.post(address("scope", "approve", proposal.pk), WHY)
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = client.get(address("scope", "approve", proposal.pk))
    client.post(address("scope", "approve", proposal.pk), WHY)

    assert own.context["refusal"]
    assert [list(row[1:]) for row in page.context["consequences"][0].rows] == [[730, 1000]]
    assert list(Scope.objects.newest()) == [proposal]
    assert Notice.objects.get().code == "AGREEMENT_CHANGED"


def test_what_the_basis_cannot_give_is_refused_in_words_in_the_form(office):
    response = new_scope(office, ScopeFactory(), benefits=["PM:AP"])

    assert response.status_code == 200
    assert response.context["adminform"].form.non_field_errors()
    assert Scope.objects.count() == 1


def test_two_purposes_of_an_agreement_are_numbered_apart(office):
    scope = ScopeFactory()
    LegalBasisFactory(code="TEST-RISK", purpose="riskbedomning")
    data = {
        "agreement": scope.agreement_id,
        "basis_code": "TEST-RISK",
        "purpose": "riskbedomning",
        "benefits": [BENEFIT],
        "classes": ["period"],
        "look_back_days": 30,
    }

    assert office.post(address("scope", "add"), data).status_code == 302

    assert Scope.objects.get(purpose="riskbedomning").version == 1


def new_version(client, basis, **changes):
    """Post the form for the next version of a basis, as it opens but for the changes."""
    values = without_none(initial(client.get(address("legalbasis", "add"), {"after": basis.pk})))
    for name in ("citations", "recipient_kinds", "needs", "owners", "outcomes", "ours"):
        values[name] = "\n".join(values[name])
    values = {name: value for name, value in values.items() if value is not False}
    return client.post(address("legalbasis", "add"), values | changes)


@pytest.fixture
def proposal(office):
    """A second version of a basis, proposed by the reader: from ten days ahead, with another policy."""
    StreamFactory(served=True)
    basis = LegalBasis.objects.get(code=BASIS)
    later = timezone.localdate() + timedelta(days=10)
    new_version(office, basis, valid_from=later, protection="delayed", valid_to=later)
    return LegalBasis.objects.get(code=BASIS, version=2)


@pytest.fixture
def second(client, proposal):
    """The browser of a second person, who has every right."""
    client.force_login(UserFactory(username="lars.ek", is_staff=True, is_superuser=True))
    return client


WHY = {"reason": "Rättsavdelningens beslut."}


def test_a_legal_basis_is_changed_by_a_proposal_that_starts_from_the_version_before(office, staff):
    basis = LegalBasisFactory(benefits=None, protection_days=14, reconfirm_days=180)

    response = new_version(office, basis, title_sv="Skadereglering, ny lydelse")

    assert response.status_code == 302, response.context["adminform"].form.errors
    new = LegalBasis.objects.get(code=BASIS, version=2)
    assert (new.title_sv, new.prepared_by, new.in_effect) == ("Skadereglering, ny lydelse", staff, False)
    same = "citations recipient_kinds owners classes outcomes benefits needs protection_days reconfirm_days"
    for name in same.split():
        assert getattr(new, name) == getattr(basis, name), name
    assert AuditEvent.objects.get().action == "create"


def test_a_version_that_could_not_hold_is_refused_in_words_and_what_was_typed_stays(office):
    basis = LegalBasisFactory()

    closed = new_version(office, basis, status="closed", title_sv="Stängd")
    endless = new_version(office, basis, valid_from="", title_sv="Utan början")

    backwards = new_version(office, basis, valid_to="1999-01-01")

    for response in (closed, backwards):
        assert list(response.context["adminform"].form.errors) == ["valid_to"]
    assert endless.context["adminform"].form.non_field_errors()
    assert endless.context["adminform"].form["title_sv"].value() == "Utan början"
    assert LegalBasis.objects.filter(code=BASIS).count() == 1


def test_who_proposed_is_not_offered_to_approve_and_is_refused_as_superuser_too(office, proposal):
    page = office.get(address("legalbasis", "change", proposal.pk)).content.decode()
    assert address("legalbasis", "approve", proposal.pk) not in page
    assert address("legalbasis", "drop", proposal.pk) in page

    for response in (
        office.get(address("legalbasis", "approve", proposal.pk)),
        office.post(address("legalbasis", "approve", proposal.pk), WHY),
    ):
        assert response.status_code == 200
        assert response.context["refusal"]
    assert not LegalBasis.objects.get(pk=proposal.pk).in_effect


def test_nobody_approves_without_the_right_to_change(client, proposal):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_legalbasis", "add_legalbasis"]))
    client.force_login(user)

    page = client.get(address("legalbasis", "change", proposal.pk)).content.decode()

    for step in ("approve", "drop"):
        assert address("legalbasis", step, proposal.pk) not in page
        assert client.post(address("legalbasis", step, proposal.pk), WHY).status_code == 403
    assert not LegalBasis.objects.get(pk=proposal.pk).in_effect


@pytest.mark.parametrize("reason", ["", "Nja", "19900101-2385 har bett om det"])
def test_an_approval_says_why_and_names_nobody(second, proposal, reason):
    response = second.post(address("legalbasis", "approve", proposal.pk), {"reason": reason})

    assert "reason" in response.context["form"].errors
    assert not LegalBasis.objects.get(pk=proposal.pk).in_effect


def test_an_approval_is_given_knowing_what_changes_for_whom(second, proposal):
    stream = StreamFactory(served=True)
    WatchFactory.create_batch(3, stream=stream)

    page = second.get(address("legalbasis", "approve", proposal.pk))

    when, changes, affected = page.context["consequences"]
    first = proposal.valid_from
    assert [str(row[1]) for row in when.rows] == [date_format(first), date_format(first + timedelta(days=1))]
    changed = [LegalBasis._meta.get_field(name).verbose_name for name in ("valid_from", "valid_to", "protection")]
    assert {str(row[0]) for row in changes.rows} == {capfirst(str(name)) for name in changed}
    assert len(affected.rows) == 2
    content = page.content.decode()
    assert stream.agreement.code in content
    assert ">3</a>" in content


def test_what_an_approval_would_mean_is_found_in_as_many_queries_for_many(second, proposal):
    def opened():
        with CaptureQueriesContext(connection) as queries:
            second.get(address("legalbasis", "approve", proposal.pk))
        return len(queries)

    few = opened()
    for _ in range(10):
        WatchFactory(stream=StreamFactory(served=True))

    assert opened() <= few


def test_a_second_person_approves(second, proposal):
    page = second.get(address("legalbasis", "change", proposal.pk)).content.decode()
    assert address("legalbasis", "approve", proposal.pk) in page

    response = second.post(address("legalbasis", "approve", proposal.pk), WHY)

    assert response.url == address("legalbasis", "change", proposal.pk)
    made = LegalBasis.objects.get(pk=proposal.pk)
    assert (made.in_effect, made.approved_by.username) == (True, "lars.ek")
    assert Notice.objects.get().code == "BASIS_CLOSED"
    again = second.post(address("legalbasis", "approve", proposal.pk), WHY)
    assert (again.status_code, bool(again.context["refusal"])) == (200, True)


@pytest.mark.parametrize("own", [True, False])
def test_a_proposal_is_dropped_with_a_reason(office, proposal, own):
    if not own:
        office.force_login(UserFactory(is_staff=True, is_superuser=True))

    response = office.post(address("legalbasis", "drop", proposal.pk), WHY)

    assert response.url == address("legalbasis", "changelist")
    assert not LegalBasis.objects.filter(pk=proposal.pk).exists()
    assert AuditEvent.objects.get(action="refuse").reason == WHY["reason"]
    assert office.get(address("legalbasis", "approve", proposal.pk)).status_code == 404


def test_what_is_in_effect_is_not_dropped(office):
    basis = LegalBasisFactory()

    response = office.post(address("legalbasis", "drop", basis.pk), WHY)

    assert response.context["refusal"]
    assert LegalBasis.objects.filter(pk=basis.pk).exists()


def test_proposals_are_told_from_what_is_in_effect_in_the_list(office, proposal):
    for state, expected in (("proposed", [2]), ("in_effect", [1])):
        found = office.get(address("legalbasis", "changelist"), {"state": state, "q": BASIS}).context["cl"].result_list
        assert [one.version for one in found] == expected


def test_each_citation_leads_to_the_official_text_and_what_is_none_is_text(office):
    basis = LegalBasisFactory(citations=["OSL (2009:400) 28 kap. 6 §", "<b>Okänt</b>"])

    page = office.get(address("legalbasis", "change", basis.pk)).content.decode()

    assert (
        '<a href="https://rkrattsbaser.gov.se/sfst?bet=2009:400" rel="noreferrer">OSL (2009:400) 28 kap. 6 §</a>'
        in page
    )
    assert "&lt;b&gt;Okänt&lt;/b&gt;" in page


def test_the_codes_of_a_basis_are_shown_by_their_names(office):
    basis = LegalBasisFactory(
        needs=["case_reference"], owners=["FK", "PM"], outcomes=["granted"], ours=["service", "of_another_time"]
    )

    page = office.get(address("legalbasis", "change", basis.pk), headers={"Accept-Language": "en"}).content.decode()
    with translation.override("en"):
        owners = ", ".join(map(owner_name, basis.owners))

    for words in (
        "a case for each watch",
        owners,
        "benefit granted",
        "service, of_another_time",
    ):
        assert words in page
    assert "case_reference" not in page


def test_an_agreement_shows_what_holds_beside_what_is_proposed(office):
    held = ScopeFactory()
    older = ScopeFactory(agreement=held.agreement, version=2, approved_at=None, prepared_by=UserFactory())
    proposed = ScopeFactory(agreement=held.agreement, version=3, approved_at=None, prepared_by=UserFactory())

    page = office.get(address("agreement", "change", held.agreement_id)).content.decode()
    covers = page.partition('class="checks"')[2].partition("</ul>")[0]

    assert address("scope", "change", held.pk) in covers and address("scope", "change", proposed.pk) in covers
    assert address("scope", "change", older.pk) not in covers


def test_what_a_scope_or_a_block_names_by_code_leads_to_the_basis(office):
    basis = LegalBasisFactory()
    scope = ScopeFactory(basis=basis)

    page = office.get(address("scope", "change", scope.pk)).content.decode()

    assert address("legalbasis", "change", basis.pk) in page


def test_the_log_of_changes_names_what_changed_and_leads_to_it(office):
    block = BlockFactory(agreement=AgreementFactory())

    page = office.get(address("lawchange", "changelist"), {"kind": "block"}).content.decode()

    assert str(Block._meta.verbose_name) in page
    assert address("agreement", "change", block.agreement_id) in page
    assert LawChange.objects.exclude(kind="block").exists()
    assert len(office.get(address("lawchange", "changelist"), {"kind": "block"}).context["cl"].result_list) == 1


def test_blocks_that_stand_are_told_from_those_that_are_lifted(office):
    BlockFactory()

    page = office.get(address("block", "changelist"), headers={"Accept-Language": "en"})

    assert {"stands", "lifted"} <= {
        choice["display"] for choice in page.context["cl"].filter_specs[0].choices(page.context["cl"])
    }


def approval_of(client, **changes):
    data = {"owner": "PM", "basis_code": LegalBasisFactory().code, "benefit": "PM:AP", "valid_from": "2026-01-01"}
    return client.post(address("ownerapproval", "add"), data | changes)


@pytest.mark.parametrize(
    ("changes", "field"), [({"benefit": BENEFIT}, "benefit"), ({"valid_to": "1999-01-01"}, "valid_to")]
)
def test_an_owner_approves_its_own_benefits_only_and_from_a_first_day_to_a_last(office, changes, field):
    response = approval_of(office, **changes)

    assert list(response.context["adminform"].form.errors) == [field]
    assert not OwnerApproval.objects.exists()


def test_an_owners_approval_is_proposed_by_one_and_given_by_another(office):
    assert approval_of(office).status_code == 302
    approval = OwnerApproval.objects.get()
    assert not approval.in_effect

    office.post(address("ownerapproval", "approve", approval.pk), WHY)
    assert not OwnerApproval.objects.get().in_effect
    office.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = office.get(address("ownerapproval", "approve", approval.pk))
    office.post(address("ownerapproval", "approve", approval.pk), WHY)

    assert len(page.context["consequences"]) == 1
    assert OwnerApproval.objects.get().in_effect


def test_an_owners_approval_cannot_be_changed_but_is_ended_by_one_person(office):
    approval = OwnerApprovalFactory()
    today = timezone.localdate()
    assert office.post(address("ownerapproval", "change", approval.pk), {"valid_to": today}).status_code == 403

    early = office.post(address("ownerapproval", "end", approval.pk), WHY | {"on": "2026-01-01"})
    assert early.context["refusal"]
    assert OwnerApproval.objects.get().valid_to is None
    office.post(address("ownerapproval", "end", approval.pk), WHY | {"on": today})

    assert OwnerApproval.objects.get().valid_to == today


def test_ending_an_owners_approval_needs_the_right_to_change_it(client):
    approval = OwnerApprovalFactory()
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_ownerapproval"))
    client.force_login(user)

    assert client.post(address("ownerapproval", "end", approval.pk), WHY | {"on": "2026-01-01"}).status_code == 403


def test_a_block_holds_from_when_it_is_saved(office, staff):
    agreement = AgreementFactory()
    data = {"ground": "emergency", "agreement": agreement.pk, "reason": "Misstänkt intrång."}

    office.post(address("block", "add"), data)

    block = Block.objects.get()
    assert (block.agreement, block.lifted_at, block.set_by) == (agreement, None, staff)
    assert timezone.now() - block.set_at < timedelta(minutes=1)
    assert AuditEvent.objects.get().details == {"ground": "emergency"}


@pytest.mark.parametrize("names", [{}, {"benefit": BENEFIT, "ground": "suspected_recipient"}])
def test_a_block_that_stops_nothing_or_nobody_is_refused_in_words(office, names):
    data = {"ground": "emergency", "reason": "Misstänkt intrång."}

    response = office.post(address("block", "add"), data | names)

    assert response.context["adminform"].form.non_field_errors()
    assert response.context["adminform"].form["reason"].value() == "Misstänkt intrång."
    assert not Block.objects.exists()


def test_another_than_who_set_a_block_lifts_it_with_a_reason(office, staff):
    own, block = BlockFactory(set_by=staff), BlockFactory(set_by=UserFactory())
    LawChange.objects.all().delete()
    assert address("block", "lift", own.pk) not in office.get(address("block", "change", own.pk)).content.decode()
    assert address("block", "lift", block.pk) in office.get(address("block", "change", block.pk)).content.decode()

    refused = office.post(address("block", "lift", own.pk), WHY)
    office.post(address("block", "lift", block.pk), {"reason": ""})
    assert refused.context["refusal"]
    assert Block.objects.filter(lifted_at=None).count() == 2
    office.post(address("block", "lift", block.pk), WHY)

    assert Block.objects.get(lifted_at=None) == own
    assert AuditEvent.objects.get().object_id == str(block.pk)
    assert LawChange.objects.filter(kind="block").count() == 1


def test_a_lifted_block_is_not_lifted_again(office):
    block = BlockFactory(lifted_at=AT)

    assert office.post(address("block", "lift", block.pk), WHY).context["refusal"]
    assert Block.objects.get().lifted_at == AT


def test_lifting_a_block_needs_the_right_to_change_blocks(client):
    block = BlockFactory()
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_block"))
    client.force_login(user)

    assert client.post(address("block", "lift", block.pk), WHY).status_code == 403
    assert Block.objects.get().lifted_at is None

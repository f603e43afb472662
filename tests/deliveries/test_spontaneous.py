"""What is told without being asked for: by two people, on the ordinary decision, and logged (R25)."""

import json
import os
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import DatabaseError, transaction

from benefits.content import block_digest
from benefits.models import PersonFacts, Protection
from deliveries import reading, spontaneous, storage, tasks
from deliveries.models import Delivery, SpontaneousDisclosure
from deliveries.spontaneous import SpontaneousRefused, approve_spontaneous, open_spontaneous, propose_spontaneous
from lefi.audit.models import Action, AuditEvent
from lefi.audit.reasons import open_person
from lefi.foureyes import NotApproved
from lefi.reasons import ReasonRefused
from subscriptions.models import Agreement, Customer, LegalBasis, Notice, Scope
from tests.documents import SICKNESS_CASE
from tests.factories import (
    AT,
    DAY,
    AgreementFactory,
    BenefitPeriodFactory,
    BlockFactory,
    ImportFactory,
    MemberFactory,
    PersonFactory,
    ReservationFactory,
    ScopeFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db
KOM_SOC = "KOM-SOC"
REASON = "Nämnden utreder ett barn och behöver veta."
PAGE = "/unasked/"


@pytest.fixture
def agreement() -> Agreement:
    """A social welfare board's, on KOM-SOC, for sickness benefit."""
    basis = LegalBasis.objects.get(code=KOM_SOC)
    agreement = AgreementFactory(customer__kind="socialnamnd", valid_from=date(2026, 1, 1))
    ScopeFactory(agreement=agreement, basis=basis, classes=basis.classes)
    return agreement


@pytest.fixture
def person():
    """Has a case of sickness benefit with a number of days, known since import 1."""
    ImportFactory(number=1, sequence=1)
    person = PersonFactory()
    [decided] = SICKNESS_CASE["beslut"]
    case = SICKNESS_CASE | {"beslut": [decided | {"dagar": 31}]}
    BenefitPeriodFactory(person=person, content=json.dumps(case), starts_on=date(2026, 9, 28))
    return person


@pytest.fixture
def one():
    return UserFactory(is_staff=True, is_superuser=True)


@pytest.fixture
def other():
    return UserFactory(is_staff=True, is_superuser=True)


def proposed(agreement, person, by, **values) -> SpontaneousDisclosure:
    said = {"basis_code": KOM_SOC, "benefit": "FK:SJP", "from_date": date(2026, 1, 1), "reason": REASON}
    return propose_spontaneous(customer=agreement.customer, person=person, by=by, at=AT, **said | values)


@pytest.fixture
def proposal(agreement, person, one) -> SpontaneousDisclosure:
    return proposed(agreement, person, one)


@pytest.fixture
def told(proposal, other) -> SpontaneousDisclosure:
    approve(proposal, other)
    return proposal


@pytest.fixture
def reader(agreement):
    return MemberFactory(customer=agreement.customer).user


def approve(disclosure, by) -> None:
    approve_spontaneous(disclosure=disclosure, by=by, at=AT, reason="Prövat mot 15 kap. 10 §.")


def nothing_is_told() -> bool:
    kept = list(storage.place_of("0" * 64).parent.parent.glob("??/*.xml"))
    row = SpontaneousDisclosure.objects.get()
    return not kept and (row.sha256, row.decision, row.approved_at) == ("", None, None) and not Notice.objects.exists()


# What is refused


def test_what_one_person_proposes_that_person_never_approves_a_superuser_neither(proposal, one):
    with pytest.raises(NotApproved, match="SAME_PERSON"):
        approve(proposal, one)
    assert nothing_is_told()


def test_nothing_is_proposed_without_a_reason_or_with_one_that_names_the_person(agreement, person, one):
    for reason in ("", f"Gäller {person.first_number}"):
        with pytest.raises(ReasonRefused):
            proposed(agreement, person, one, reason=reason)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"basis_code": "INS-SAM"}, "BASIS"),
        ({"basis_code": "KOM-SOC-ADR"}, "BASIS"),
        ({"benefit": "FK:FINNS-INTE"}, "BENEFIT_UNKNOWN"),
        ({"benefit": "FK:FP"}, "BENEFIT_NOT_AGREED"),
        ({"benefit": "PM:AP"}, "OWNER_NOT_APPROVED"),
        ({"from_date": DAY - timedelta(days=731)}, "LOOK_BACK_TOO_LONG"),
    ],
    ids=str,
)
def test_what_the_law_and_the_agreement_do_not_allow_is_not_even_proposed(agreement, person, one, values, code):
    with pytest.raises(SpontaneousRefused) as refused:
        proposed(agreement, person, one, **values)
    assert refused.value.code == code


def protect(agreement, person):
    PersonFacts.objects.update(protection=Protection.MARKED)


ENDINGS = {
    "PROTECTED": protect,
    "BLOCKED": lambda agreement, person: BlockFactory(customer=agreement.customer),
    "RESERVATION_NOT_ACKNOWLEDGED": lambda agreement, person: ReservationFactory(agreement=agreement),
    "AGREEMENT_NOT_ACTIVE": lambda agreement, person: Agreement.objects.update(status="ended"),
    "CUSTOMER_INACTIVE": lambda agreement, person: Customer.objects.update(active=False),
    "RECIPIENT_KIND": lambda agreement, person: Customer.objects.update(kind="forsakringsbolag"),
    "BENEFIT_NOT_AGREED": lambda agreement, person: narrowed(agreement, benefits=["FK:FP"]),
    "NO_FIELDS": lambda agreement, person: narrowed(agreement, classes=["benefit", "period"]),
}


def narrowed(agreement, **changes) -> None:
    old = Scope.objects.get(agreement=agreement)
    old.pk, old.version = None, 2
    for name, value in changes.items():
        setattr(old, name, value)
    old.save()


@pytest.mark.parametrize("code", ENDINGS)
def test_a_right_that_ended_since_it_was_proposed_stops_the_approval_with_its_code(
    agreement, person, proposal, other, code
):
    ENDINGS[code](agreement, person)

    with pytest.raises(SpontaneousRefused) as refused:
        approve(proposal, other)
    assert refused.value.code == code
    assert nothing_is_told()


def test_protection_set_while_the_document_is_made_stops_it(agreement, person, proposal, other, monkeypatch):
    true = storage.keep

    def late(path, sha256):
        true(path, sha256)
        protect(agreement, person)

    monkeypatch.setattr(storage, "keep", late)

    with pytest.raises(SpontaneousRefused, match="LAW_CHANGED"):
        approve(proposal, other)
    assert SpontaneousDisclosure.objects.get().approved_at is None
    assert not Notice.objects.exists()


def test_who_a_person_is_alone_is_nothing_to_tell(agreement, one, other):
    ImportFactory(number=1, sequence=1)
    disclosure = proposed(agreement, PersonFactory(), one)

    with pytest.raises(SpontaneousRefused, match="NOTHING_TO_TELL"):
        approve(disclosure, other)
    assert nothing_is_told()


def test_the_database_holds_that_what_is_approved_is_decided_and_kept(proposal, other):
    with pytest.raises(DatabaseError), transaction.atomic():
        SpontaneousDisclosure.objects.update(approved_by=other, approved_at=AT)


@pytest.mark.parametrize("change", [{"reason": "Annat."}, {"sections": {}}, {"first_fetched_at": None}], ids=str)
def test_what_was_told_stands_as_it_was_told(told, reader, change):
    open_spontaneous(disclosure=told, by=reader, at=AT)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SpontaneousDisclosure.objects.update(**change)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        SpontaneousDisclosure.objects.all().delete()


# What is told


def test_the_document_is_complete_information_on_one_person_outside_every_stream(agreement, person, told):
    path = storage.place_of(told.sha256)
    reading.validate(path)
    head, [entry] = reading.read_head(path), list(reading.read(path))

    assert (head.kind, head.number, head.run, head.previous_sha256) == ("spontaneous", 0, 0, "")
    assert (head.agreement, head.unit) == (agreement.code, agreement.customer.unit)
    assert (entry.number, entry.complete, entry.statuses) == (person.first_number, True, [])
    assert {(block.watch, block.section, block.benefit) for block in entry.blocks} == {
        (0, "person", "FK:SJP"),
        (0, "sjukpenningarende", "FK:SJP"),
    }
    case = next(block for block in entry.blocks if block.section == "sjukpenningarende")
    assert case.after == block_digest("sjukpenningarende", [item.id for item in case.items])
    assert not Delivery.objects.exists()


def test_only_what_the_closed_list_of_the_basis_names_is_in_it(person, told):
    """SoL 15:10 with F2008 3 §: no address, employer, family or reasons, and here not the number of days."""
    basis = LegalBasis.objects.get(code=KOM_SOC)

    document = storage.place_of(told.sha256).read_text()
    assert set(told.decision.classes) <= set(basis.classes)
    assert "<omfattning>" in document and "<period>" in document
    assert "<dagar>" not in document


def test_the_decision_the_digests_and_both_people_are_kept(person, told, one, other):
    told.refresh_from_db()

    assert (told.decision.outcome, told.decision.basis_code, told.decision.basis_version) == ("allowed", KOM_SOC, 1)
    assert told.decision.profile["terms"]["agreement_id"] == Agreement.objects.get().pk
    assert set(told.sections) == {"person", "sjukpenningarende"}
    assert (told.prepared_by, told.approved_by, told.as_of_import) == (one, other, 1)
    events = AuditEvent.objects.filter(object_type="deliveries.spontaneousdisclosure").order_by("id")
    assert [(event.action, event.person_id) for event in events] == [
        (Action.CREATE, person.pk),
        (Action.APPROVE, person.pk),
    ]


def test_the_notice_says_nothing_of_whom_it_is_about(agreement, person, told):
    notice = Notice.objects.get()

    assert (notice.customer, notice.code, notice.details) == (agreement.customer, "SPONTANEOUS", {})


def test_its_reservations_stand_in_its_head(agreement, person, one, other):
    ReservationFactory(agreement=agreement, acknowledged_at=AT, text="Får inte lämnas vidare.")
    disclosure = proposed(agreement, person, one)
    approve(disclosure, other)

    head = reading.read_head(storage.place_of(disclosure.sha256))
    assert [said.text for said in head.reservations] == ["Får inte lämnas vidare."]


def test_the_sweep_of_orphans_leaves_its_document(told, settings):
    path = storage.place_of(told.sha256)
    orphan = path.with_name(f"{'a' * 64}.xml")
    orphan.write_bytes(b"x")
    for one in (path, orphan):
        os.utime(one, (0, 0))

    assert tasks.sweep_orphan_documents() == 1
    assert path.exists() and not orphan.exists()


# Opening it


def test_to_open_it_is_logged_with_whom_it_is_about_and_the_first_time_stays(person, told, reader):
    for hour in (18, 19):
        open_spontaneous(disclosure=told, by=reader, at=AT.replace(hour=hour))

    assert (told.first_fetched_at, told.fetched_by) == (AT.replace(hour=18), reader.get_username())
    events = AuditEvent.objects.filter(action=Action.FETCH)
    assert [(one.actor, one.person_id, one.details) for one in events] == [(reader, person.pk, {})] * 2


@pytest.mark.parametrize("code", sorted(ENDINGS.keys() - {"BLOCKED", "RESERVATION_NOT_ACKNOWLEDGED"}))
def test_what_may_no_longer_be_told_is_not_opened_and_nobody_is_told_why(agreement, person, told, reader, code):
    ENDINGS[code](agreement, person)

    with pytest.raises(SpontaneousRefused, match="NO_LONGER_ALLOWED"):
        open_spontaneous(disclosure=told, by=reader, at=AT)
    assert AuditEvent.objects.get(action=Action.FETCH).details == {"refused": "NO_LONGER_ALLOWED"}
    assert SpontaneousDisclosure.objects.get().first_fetched_at is None


@pytest.mark.parametrize("code", ["BLOCKED", "RESERVATION_NOT_ACKNOWLEDGED"])
def test_what_is_held_for_a_while_says_so(agreement, person, told, reader, code):
    ENDINGS[code](agreement, person)

    with pytest.raises(SpontaneousRefused, match=code):
        open_spontaneous(disclosure=told, by=reader, at=AT)


def test_a_proposal_and_a_damaged_document_are_not_opened(proposal, other, reader):
    with pytest.raises(SpontaneousRefused, match="NOT_APPROVED"):
        open_spontaneous(disclosure=proposal, by=reader, at=AT)
    approve(proposal, other)
    storage.place_of(proposal.sha256).write_bytes(b"<leverans/>")
    with pytest.raises(SpontaneousRefused, match="DOCUMENT_DAMAGED"):
        open_spontaneous(disclosure=proposal, by=reader, at=AT)


# The portal


@pytest.fixture
def client(client, reader):
    client.force_login(reader)
    return client


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr("django.utils.timezone.now", lambda: AT)


def test_the_start_page_and_the_list_say_that_there_is_one_and_not_about_whom(client, person, told):
    assert client.get("/").context["unasked"] == {"all": 1, "unread": 1}

    page = client.get(PAGE)

    assert list(page.context["page"]) == [told]
    assert person.first_number not in page.content.decode() and "Karin" not in page.content.decode()


def test_the_page_reads_in_words_and_is_a_fetch(client, reader, told, now):
    page = client.get(f"{PAGE}{told.pk}/")

    assert page.status_code == 200
    assert "Karin Testsson" in page.content.decode()
    told.refresh_from_db()
    assert told.fetched_by == reader.get_username()
    assert client.get("/").context["unasked"] == {"all": 1, "unread": 0}


def test_a_refusal_shows_nothing_of_the_person(client, agreement, person, told, now):
    protect(agreement, person)

    page = client.get(f"{PAGE}{told.pk}/")

    assert page.status_code == 409
    assert "Karin" not in page.content.decode() and "PROTECTED" not in page.content.decode()


def test_proposals_and_those_of_others_are_not_there(client, proposal, other, stranger):
    assert client.get(f"{PAGE}{proposal.pk}/").status_code == 404
    approve(proposal, other)
    client.force_login(stranger.user)
    assert client.get(f"{PAGE}{proposal.pk}/").status_code == 404
    assert list(client.get(PAGE).context["page"]) == []


def test_a_long_list_costs_as_much_as_a_short_one(client, told, django_assert_max_num_queries):
    for n in range(12):
        twin = SpontaneousDisclosure.objects.get(pk=told.pk)
        twin.pk, twin.sha256 = None, f"{n:064x}"
        twin.save(force_insert=True)

    with django_assert_max_num_queries(6):
        assert len(client.get(PAGE).context["page"]) == 13


# The admin

ADD = "/admin/deliveries/spontaneousdisclosure/add/"


def opened(client, person) -> str:
    session = client.session
    token = open_person(session, person_id=person.pk, reason="Ärende 2026-17", at=AT)
    session.save()
    return str(token)


def form_of(agreement) -> dict:
    said = {"basis_code": KOM_SOC, "benefit": "FK:SJP", "from_date": "2026-01-01", "reason": REASON}
    return {"customer": agreement.customer.pk} | said


def test_it_is_proposed_only_from_the_page_of_a_person_opened_with_a_reason(client, agreement, person, one, now):
    client.force_login(one)

    for address in (ADD, f"{ADD}?about=x", f"{ADD}?about=00000000-0000-4000-8000-000000000000"):
        assert client.post(address, form_of(agreement)).status_code == 200
    assert not SpontaneousDisclosure.objects.exists()


def test_one_proposes_it_from_the_persons_page_and_another_approves(client, agreement, person, one, other, now):
    client.force_login(one)
    token = opened(client, person)
    page = client.get(f"/admin/benefits/person/{token}/").content.decode()
    assert f"{ADD}?about={token}" in page
    assert client.post(f"{ADD}?about={token}", form_of(agreement)).status_code == 302
    disclosure = SpontaneousDisclosure.objects.get()
    assert (disclosure.person, disclosure.prepared_by) == (person, one)
    approve_page = f"/admin/deliveries/spontaneousdisclosure/{disclosure.pk}/approve/"
    client.post(approve_page, {"reason": "Prövat och klart."})
    assert nothing_is_told(), "the same person"

    client.force_login(other)
    assert client.get(approve_page).status_code == 302, "a reason for reading about the person is asked for first"
    token = opened(client, person)
    client.post(approve_page, {"reason": "Prövat och klart."})

    disclosure.refresh_from_db()
    assert disclosure.approved_by == other
    page = client.get(f"/admin/benefits/person/{token}/")
    assert list(page.context["spontaneous"]) == [disclosure]


def test_the_form_says_in_words_what_the_law_does_not_allow(client, agreement, person, one, now):
    client.force_login(one)
    token = opened(client, person)

    page = client.post(f"{ADD}?about={token}", form_of(agreement) | {"benefit": "FK:FP"}, follow=True)

    assert not SpontaneousDisclosure.objects.exists()
    assert "BENEFIT_NOT_AGREED" not in page.content.decode()


def test_the_form_offers_only_customers_that_can_be_told(client, agreement, person, one, now):
    AgreementFactory()
    client.force_login(one)

    assert list(spontaneous.recipients()) == [agreement.customer]


def test_without_the_right_nothing_is_proposed(client, agreement, person, now):
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_person"]))
    client.force_login(user)
    token = opened(client, person)

    assert client.post(f"{ADD}?about={token}", form_of(agreement)).status_code == 403
    assert ADD not in client.get(f"/admin/benefits/person/{token}/").content.decode()

"""What terms would mean before they are approved: numbers, fields and a specimen, with nothing told or written."""

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission

from benefits.models import Protection
from deliveries import preview as previews
from deliveries import reading
from deliveries.models import Delivery, Disclosure, StoredDecision, Told
from deliveries.preview import preview, specimen_of
from lefi.audit.models import AuditEvent
from subscriptions.models import Agreement, LawChange, LegalBasis, Pending, Scope, Watch
from tests.factories import (
    AT,
    BENEFIT,
    CLASSES,
    AgreementFactory,
    BenefitPeriodFactory,
    BlockFactory,
    ConnectionFactory,
    ImportFactory,
    LegalBasisFactory,
    PersonFactory,
    ScopeFactory,
    StreamFactory,
    TouchedFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db
CASE = (
    '{"startades": "2026-09-28", "beslut": [{"period": {"fran": "2026-10-01", "till": "2026-10-31"},'
    ' "beslutsutfall": "BEVILJAN"}]}'
)


@pytest.fixture(autouse=True)
def population(db):
    """The first import of a source, which brought everybody."""
    return ImportFactory(number=1, sequence=1)


@pytest.fixture
def stream():
    return StreamFactory(served=True)


def proposed(agreement, **values):
    """A version that waits for approval."""
    basis = LegalBasisFactory()
    last = Scope.objects.filter(agreement=agreement, purpose=basis.purpose).order_by("-version").first()
    version = last.version + 1 if last else 1
    values = {"basis": basis, "version": version, "approved_at": None, "prepared_by": UserFactory()} | values
    return ScopeFactory(agreement=agreement, **values)


def watched(stream, count):
    """As many open watches, each on a person with one sickness case."""
    for _ in range(count):
        watch = WatchFactory(stream=stream)
        BenefitPeriodFactory(person=watch.person, content=CASE)


def part_of(scope, **values):
    (part,) = preview(agreement=scope.agreement, scopes=[scope], **values).parts
    return part


def labels(changes):
    return {one.class_label for one in changes}


# Nothing is disclosed


def test_nothing_is_told_decided_logged_or_changed_by_looking(stream):
    watched(stream, 3)
    scope = proposed(stream.agreement, classes=[*CLASSES, "address"])
    kinds = (Delivery, Disclosure, StoredDecision, Told, Pending, LawChange, AuditEvent, Watch, Scope)
    before = [list(kind.objects.values()) for kind in kinds]

    part_of(scope)

    assert [list(kind.objects.values()) for kind in kinds] == before


def test_of_the_register_only_numbers_come_out(stream):
    watched(stream, 2)
    part = part_of(proposed(stream.agreement))

    assert part.first.items == 2
    assert "Karin Testsson" not in repr(part)
    assert not [one.ordered_number for one in Watch.objects.all() if one.ordered_number in repr(part)]


def test_a_protected_persons_content_counts_for_nothing(stream):
    watch = WatchFactory(stream=stream, person__known__protection=Protection.MARKED)
    BenefitPeriodFactory(person=watch.person, content=CASE)

    assert part_of(proposed(stream.agreement)).first.items == 0


# Benefits and fields


def test_a_class_more_gains_its_fields_and_loses_none(stream):
    basis = LegalBasisFactory(code="TEST-VID", classes=[*CLASSES, "deduction"])
    scope = proposed(stream.agreement, basis=basis, version=2, classes=[*CLASSES, "deduction"])

    (benefit,) = part_of(scope).benefits

    assert (benefit.told_now, benefit.refusal, benefit.lost) == (True, "", ())
    assert len(labels(benefit.gained)) == 1


def test_a_class_less_loses_its_fields_and_gains_none(stream):
    scope = proposed(stream.agreement, classes=[one for one in CLASSES if one != "extent"])

    (benefit,) = part_of(scope).benefits

    assert benefit.gained == ()
    assert len(labels(benefit.lost)) == 1


def test_a_benefit_gained_and_one_lost_say_so_with_all_their_fields(stream):
    scope = proposed(stream.agreement, benefits=["FK:FP"])

    found = {one.code: one for one in part_of(scope).benefits}

    assert (found["FK:FP"].told_now, found["FK:FP"].refusal) == (False, "")
    assert found["FK:FP"].gained
    assert (found[BENEFIT].told_now, found[BENEFIT].refusal) == (True, "BENEFIT_NOT_AGREED")
    assert found[BENEFIT].lost


@pytest.mark.parametrize(
    ("basis", "scope", "refusal"),
    [
        ({"status": LegalBasis.Status.DRAFT}, {}, "BASIS_DRAFT"),
        ({"service": LegalBasis.Service.MANUAL}, {}, "NOT_STANDING"),
        ({"recipient_kinds": ["csn"]}, {}, "RECIPIENT_KIND"),
        ({"owners": ["FK", "PM"]}, {"benefits": ["PM:AP"]}, "OWNER_NOT_APPROVED"),
        ({"benefits": ["FK:FP"]}, {}, "BENEFIT_NOT_IN_BASIS"),
        ({}, {"classes": ["address"]}, "NO_FIELDS"),
    ],
)
def test_what_could_not_be_told_under_the_terms_says_why(stream, basis, scope, refusal):
    made = LegalBasisFactory(code="TEST-NY", **basis)

    found = part_of(proposed(stream.agreement, basis=made, version=2, **scope))

    assert refusal in {one.refusal for one in found.benefits}
    assert found.first is None or found.first.items == 0


def test_what_passes_is_left_out_of_account(stream):
    BlockFactory(customer=stream.agreement.customer)

    assert part_of(proposed(stream.agreement)).benefits[0].refusal == ""


def test_a_new_agreement_tells_nothing_now_and_is_decided_as_if_it_were_active():
    agreement = AgreementFactory(status=Agreement.Status.SIGNED_BY_FK, approved_at=None, customer__active=False)

    (benefit,) = part_of(proposed(agreement)).benefits

    assert (benefit.told_now, benefit.refusal) == (False, "")
    assert benefit.gained


def test_terms_are_decided_on_the_day_that_the_agreement_begins():
    agreement = AgreementFactory(valid_from=date(2031, 1, 1))
    scope = proposed(agreement)

    assert preview(agreement=agreement, scopes=[scope]).day == date(2031, 1, 1)
    assert part_of(scope).benefits[0].refusal == ""


def test_where_consent_is_needed_a_full_one_is_supposed(stream):
    basis = LegalBasisFactory(code="TEST-SAMT", consent_needed=True)

    assert part_of(proposed(stream.agreement, basis=basis, version=2)).benefits[0].refusal == ""


def test_a_third_persons_fields_are_not_gained_with_their_class_alone(stream):
    basis = LegalBasisFactory(code="TEST-KONTAKT", classes=["contact"])
    scope = proposed(stream.agreement, basis=basis, version=2, benefits=["FK:GEPI"], classes=["contact"])

    benefit = next(one for one in part_of(scope).benefits if one.code == "FK:GEPI")

    assert len(benefit.gained) == 1, "the work place's telephone, but nothing about its contact person"


# Volumes


def test_the_first_delivery_is_scaled_from_a_bounded_sample(stream, monkeypatch):
    monkeypatch.setattr(previews, "SAMPLE", 5)
    watched(stream, 23)

    part = part_of(proposed(stream.agreement))

    assert (part.watches, part.persons, part.estimated) == (23, 23, False)
    assert part.sampled == 5
    assert part.first.items == 23
    assert part.first.size > 23 * 200


def test_of_many_watches_the_sample_is_sought_among_persons_spread_over_the_register(stream, monkeypatch):
    monkeypatch.setattr(previews, "WINDOW", 10)
    monkeypatch.setattr(previews, "SAMPLE", 5)
    watched(stream, 12)

    part = part_of(proposed(stream.agreement))

    assert 0 < part.sampled <= 5
    assert part.first.items == part.watches == 12


def test_a_larger_look_at_the_same_gives_the_same_size_when_all_are_alike(stream, monkeypatch):
    watched(stream, 12)
    scope = proposed(stream.agreement)
    whole = part_of(scope).first
    monkeypatch.setattr(previews, "SAMPLE", 4)

    assert abs(part_of(scope).first.size - whole.size) <= whole.size * 0.02


def test_the_cost_does_not_grow_with_the_watches(stream, django_assert_max_num_queries):
    watched(stream, 300)
    scope = proposed(stream.agreement)

    with django_assert_max_num_queries(26):
        part = part_of(scope)

    assert part.sampled <= previews.SAMPLE
    assert part.first.items == 300


def test_a_new_customers_numbers_rest_on_its_own_estimate_and_on_the_register():
    agreement = AgreementFactory(status=Agreement.Status.SIGNED_BY_FK, approved_at=None)
    ConnectionFactory(agreement=agreement, persons=100, status="accepted", examined_at=AT, examined_by=UserFactory())
    for _ in range(4):
        BenefitPeriodFactory(content=CASE)
    BenefitPeriodFactory(content=CASE, person__known__protection=Protection.MARKED)
    PersonFactory()

    part = part_of(proposed(agreement))

    assert (part.watches, part.persons, part.estimated, part.sampled) == (100, 100, True, 4)
    assert part.first.items == 100


def test_without_anything_to_go_by_the_volumes_are_unknown():
    part = part_of(proposed(AgreementFactory()))

    assert (part.first, part.nightly, part.sampled) == (None, None, 0)


def test_an_ordinary_night_is_reckoned_from_the_newest_imports(stream):
    watched(stream, 4)
    first = Watch.objects.order_by("pk").first()
    for number in (2, 3):
        ImportFactory(number=number, sequence=number, published_at=AT + timedelta(days=number))
    TouchedFactory(number=1, person=first.person)
    TouchedFactory(number=2, person=first.person)
    TouchedFactory(number=3, person=first.person, section="foraldrapenningarende")

    part = part_of(proposed(stream.agreement))

    assert part.nightly.watches == round(4 * 1 / 4 / 2)
    assert part.nightly.size == round(part.first.size / 8)


def test_the_population_is_no_night(stream):
    watched(stream, 1)
    TouchedFactory(number=1, person=Watch.objects.get().person)

    assert part_of(proposed(stream.agreement)).nightly is None


# The specimen


def test_the_specimen_is_a_true_document_marked_as_made_up(stream, tmp_path):
    scope = proposed(stream.agreement, benefits=[BENEFIT, "FK:FP"])
    document = specimen_of(scope)
    path = tmp_path / "prov.xml"
    path.write_bytes(document)

    reading.validate(path)
    persons = list(reading.read(path))

    assert b"SPECIMEN" in document
    assert reading.read_head(path).kind == "prov"
    assert {block.benefit for one in persons for block in one.blocks} == {BENEFIT, "FK:FP"}
    assert all(one.number[8:11] >= "980" for one in persons), "the series of made-up persons"


def test_the_specimen_is_the_same_for_the_same_terms_and_day(stream):
    scope = proposed(stream.agreement)

    assert specimen_of(scope, date(2026, 11, 23)) == specimen_of(scope, date(2026, 11, 23))


def test_the_specimen_holds_no_field_that_the_terms_do_not_give(stream, tmp_path):
    scope = proposed(stream.agreement, classes=["period"])
    path = tmp_path / "prov.xml"
    path.write_bytes(specimen_of(scope))

    text = path.read_text()

    assert "<fran>" in text
    assert not [name for name in ("<namn>", "<omfattning>", "<adress>", "<summa>") if name in text]


def test_a_refused_benefit_has_no_person_in_the_specimen(stream, tmp_path):
    scope = proposed(stream.agreement, classes=["address"])
    path = tmp_path / "prov.xml"
    path.write_bytes(specimen_of(scope))

    assert list(reading.read(path)) == []


# The pages


@pytest.fixture
def office(client, staff):
    client.force_login(staff)
    return client


def test_the_page_of_a_proposed_scope_leads_to_what_it_would_mean(office, stream):
    scope = proposed(stream.agreement, classes=["period"])
    address = f"/admin/subscriptions/scope/{scope.pk}/preview/"

    assert f'"{address}"' in office.get(f"/admin/subscriptions/scope/{scope.pk}/change/").content.decode()
    content = office.get(address).content.decode()
    assert f'"{address}specimen/"' in content


def test_the_page_of_an_agreement_leads_to_all_that_waits(office):
    agreement = AgreementFactory(status=Agreement.Status.EXAMINED, approved_at=None, prepared_by=UserFactory())
    proposed(agreement)
    address = f"/admin/subscriptions/agreement/{agreement.pk}/preview/"

    assert f'"{address}"' in office.get(f"/admin/subscriptions/agreement/{agreement.pk}/change/").content.decode()
    assert len(office.get(address).context["preview"].parts) == 1


def test_where_nothing_waits_the_page_shows_what_holds(office, stream):
    response = office.get(f"/admin/subscriptions/agreement/{stream.agreement_id}/preview/")

    (part,) = response.context["preview"].parts
    assert part.scope == stream.agreement.scopes.get()


def test_the_specimen_is_fetched_as_a_file(office, stream):
    response = office.get(f"/admin/subscriptions/scope/{stream.agreement.scopes.get().pk}/preview/specimen/")

    assert response["Content-Type"] == "application/xml"
    assert b"SPECIMEN" in response.content


def test_a_preview_needs_the_right_to_see_agreements(client, stream):
    user = UserFactory(is_staff=True)
    client.force_login(user)
    addresses = [
        f"/admin/subscriptions/agreement/{stream.agreement_id}/preview/",
        f"/admin/subscriptions/scope/{stream.agreement.scopes.get().pk}/preview/",
        f"/admin/subscriptions/scope/{stream.agreement.scopes.get().pk}/preview/specimen/",
    ]

    before = [client.get(one).status_code for one in addresses]
    user.user_permissions.set(Permission.objects.filter(codename="view_agreement"))

    assert (before, [client.get(one).status_code for one in addresses]) == ([403] * 3, [200] * 3)

"""What staff keep in the admin: versions are added, consents registered by number, blocks set and lifted."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from lefi.audit.models import AuditEvent
from lefi.audit.reasons import open_person
from subscriptions.models import Block, Consent, Customer, LawChange, LegalBasis, Scope
from tests.factories import (
    BASIS,
    BENEFIT,
    PURPOSE,
    AgreementFactory,
    BlockFactory,
    ConsentFactory,
    CustomerFactory,
    LegalBasisFactory,
    PersonFactory,
    ScopeFactory,
    UserFactory,
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
    inline = {"members-TOTAL_FORMS": 0, "members-INITIAL_FORMS": 0}

    wrong = office.post(address("customer", "add"), data | inline | {"organisation_number": "5560000002"})
    right = office.post(address("customer", "add"), data | inline | {"organisation_number": "16556000-0001"})

    assert "organisation_number" in wrong.context["adminform"].form.errors
    assert right.status_code == 302
    assert Customer.objects.get().organisation_number == "5560000001"


def test_a_customer_is_of_a_kind_that_the_law_names(office):
    form = office.get(address("customer", "add")).context["adminform"].form

    kinds = dict(form.fields["kind"].choices)

    assert kinds["socialnamnd"] == "Socialnämnd"


def test_what_an_agreement_covers_is_added_as_the_next_version(office):
    scope = ScopeFactory()
    opened = office.get(address("scope", "add"), {"after": scope.pk})
    data = without_none(initial(opened)) | {"look_back_days": 365}

    office.post(address("scope", "add"), data)

    versions = Scope.objects.order_by("version").values_list("version", "benefits", "look_back_days")
    assert list(versions) == [(1, scope.benefits, 730), (2, scope.benefits, 365)]


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


def test_a_legal_basis_is_changed_by_a_new_version_that_starts_from_the_old(office):
    basis = LegalBasisFactory(benefits=None)
    opened = office.get(address("legalbasis", "add"), {"after": basis.pk})
    values = without_none(initial(opened))
    for name in ("citations", "recipient_kinds", "needs", "owners", "outcomes", "ours"):
        values[name] = "\n".join(values[name])
    values = {name: value for name, value in values.items() if value is not False}

    response = office.post(address("legalbasis", "add"), values | {"title_sv": "Skadereglering, ny lydelse"})

    assert response.status_code == 302, response.context["adminform"].form.errors
    new = LegalBasis.objects.get(code=BASIS, version=2)
    assert new.title_sv == "Skadereglering, ny lydelse"
    for name in ("citations", "recipient_kinds", "owners", "classes", "outcomes", "benefits", "needs"):
        assert getattr(new, name) == getattr(basis, name), name


def test_a_consent_is_registered_by_number_which_stays_out_of_the_log(office):
    person = PersonFactory()
    data = consent_for(person.first_number)

    response = office.post(address("consent", "add"), data)

    assert response.status_code == 302
    assert Consent.objects.get().person == person
    event = AuditEvent.objects.get()
    assert (event.action, event.person_id) == ("create", person.pk)
    assert person.first_number not in str(event.details)


@pytest.mark.parametrize("number", ["199001012385", "199001010000", ""])
def test_a_consent_of_somebody_unknown_is_refused_in_words(office, number):
    response = office.post(address("consent", "add"), consent_for(number))

    assert "identity_number" in response.context["adminform"].form.errors
    assert not Consent.objects.exists()


def consent_for(number):
    return {
        "identity_number": number,
        "customer": CustomerFactory().pk,
        "purpose": PURPOSE if LegalBasisFactory() else "",
        "benefits": [BENEFIT],
        "classes": ["period"],
        "valid_from": "2026-01-01",
        "given_on": "2026-01-01",
        "evidence": "Blankett 2026-1",
    }


def test_of_a_consent_only_its_end_can_be_changed(office):
    consent = ConsentFactory()
    session = office.session
    open_person(session, person_id=consent.person_id, reason="Ärende 2026-17", at=timezone.now())
    session.save()
    data = {"withdrawn_at_0": "2026-11-23", "withdrawn_at_1": "17:00", "purpose": "annat", "benefits": []}

    office.post(address("consent", "change", consent.pk), data)

    changed = Consent.objects.get()
    assert changed.withdrawn_at is not None
    assert (changed.purpose, changed.benefits) == (consent.purpose, consent.benefits)
    assert AuditEvent.objects.get(action="change").details == {"fields": ["withdrawn_at"]}


def test_a_block_holds_from_when_it_is_saved(office):
    agreement = AgreementFactory()

    office.post(address("block", "add"), {"agreement": agreement.pk, "reason": "Misstänkt intrång."})

    block = Block.objects.get()
    assert (block.agreement, block.lifted_at) == (agreement, None)
    assert timezone.now() - block.set_at < timedelta(minutes=1)


def test_a_block_that_stops_nothing_is_refused_in_words(office):
    response = office.post(address("block", "add"), {"reason": "Misstänkt intrång."})

    assert response.status_code == 200
    assert not Block.objects.exists()


def lift(client, blocks):
    chosen = {"action": "lift", "_selected_action": [block.pk for block in blocks]}
    return client.post(address("block", "changelist"), chosen)


def test_lifting_blocks_is_logged_and_leaves_those_lifted_before_alone(office):
    standing, lifted = BlockFactory(), BlockFactory(lifted_at=timezone.now())
    LawChange.objects.all().delete()

    lift(office, [standing, lifted])

    assert not Block.objects.filter(lifted_at=None).exists()
    assert Block.objects.get(pk=lifted.pk).lifted_at == lifted.lifted_at
    assert AuditEvent.objects.get().object_id == str(standing.pk)
    assert LawChange.objects.filter(kind="block").count() == 1


def test_lifting_a_block_needs_the_right_to_change_blocks(client):
    block = BlockFactory()
    user = UserFactory(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_block"))
    client.force_login(user)

    lift(client, [block])

    assert Block.objects.get().lifted_at is None

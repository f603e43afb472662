"""Every change on the side of the law leaves a LawChange, whatever way it is made (C1)."""

from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from benefits.models import Protection
from lefi.foureyes import approve
from subscriptions.models import LawChange
from tests.factories import (
    AT,
    AgreementFactory,
    BlockFactory,
    ConsentFactory,
    CustomerFactory,
    LegalBasisFactory,
    OwnerApprovalFactory,
    PersonFactory,
    PersonFactsFactory,
    ProtectedReleaseFactory,
    ReservationFactory,
    ScopeFactory,
    StreamFactory,
    UserFactory,
    WatchFactory,
)

pytestmark = pytest.mark.django_db


def protected():
    return PersonFactsFactory(protection=Protection.MARKED)


# What makes a row, a column to change, and the scope that a change of the row has.
TABLES = {
    "customer": (CustomerFactory, ("active", False), lambda row: {"customer_id": row.pk}),
    "agreement": (AgreementFactory, ("valid_to", date(2030, 1, 1)), lambda row: {"agreement_id": row.pk}),
    "reservation": (ReservationFactory, ("text", "Annat."), lambda row: {"agreement_id": row.agreement_id}),
    "protectedrelease": (
        ProtectedReleaseFactory,
        ("valid_to", date(2030, 1, 1)),
        lambda row: {"stream_id": row.watch.stream_id, "watch_from": row.watch_id, "watch_to": row.watch_id},
    ),
    "ownerapproval": (
        OwnerApprovalFactory,
        ("valid_to", date(2030, 1, 1)),
        lambda row: {"basis_code": row.basis_code, "benefit": row.benefit},
    ),
    "consent": (
        ConsentFactory,
        ("valid_to", date(2030, 1, 1)),
        lambda row: {"customer_id": row.customer_id, "person_id": row.person_id},
    ),
    "block": (BlockFactory, ("reason", "Annat."), lambda row: {"customer_id": row.customer_id}),
    "watch": (
        WatchFactory,
        ("case_reference", "A2"),
        lambda row: {"stream_id": row.stream_id, "watch_from": row.pk, "watch_to": row.pk},
    ),
    "personfacts": (protected, ("name", "Karin Ek"), lambda row: {"person_id": row.person_id}),
}


def by_save(row, column, value):
    setattr(row, column, value)
    row.save()


def by_update(row, column, value):
    type(row).objects.filter(pk=row.pk).update(**{column: value})


def by_bulk_update(row, column, value):
    setattr(row, column, value)
    type(row).objects.bulk_update([row], [column])


def by_delete(row, column, value):
    row.delete()


def by_queryset_delete(row, column, value):
    type(row).objects.filter(pk=row.pk).delete()


def by_raw_update(row, column, value):
    table = type(row)._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f'UPDATE "{table}" SET "{column}" = %s WHERE id = %s', [value, row.pk])


def by_raw_delete(row, column, value):
    with connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{type(row)._meta.db_table}" WHERE id = %s', [row.pk])


def by_bulk_create(row, column, value):
    row.delete()
    type(row).objects.bulk_create([row])


WAYS = [by_save, by_update, by_bulk_update, by_delete, by_queryset_delete, by_raw_update, by_raw_delete]


def news(kind):
    """The changes of a kind since the last asking, as scopes."""
    rows = LawChange.objects.filter(kind=kind).order_by("id")
    names = [field.name for field in LawChange._meta.fields if field.name not in ("id", "at", "kind")]
    found = [{name: value for name in names if (value := getattr(row, name)) is not None} for row in rows]
    LawChange.objects.all().delete()
    return found


# Approved versions: made and approved, but never changed.
VERSIONED = {
    "scope": (ScopeFactory, ("look_back_days", 1), lambda row: {"agreement_id": row.agreement_id}),
    "legalbasis": (LegalBasisFactory, ("fee", True), lambda row: {"basis_code": row.code}),
}
PROPOSED = {"scope", "legalbasis", "ownerapproval", "protectedrelease"}


@pytest.mark.parametrize("kind", TABLES | VERSIONED)
def test_a_new_row_leaves_a_law_change(kind):
    make, _, scope = (TABLES | VERSIONED)[kind]
    row = make()

    assert scope(row) in news(kind)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", TABLES)
def test_no_way_of_writing_can_forget_the_law_log(kind, way):
    make, (column, value), scope = TABLES[kind]
    row = make()
    expected = scope(row)
    news(kind)

    way(row, column, value)

    assert news(kind) == [expected]


@pytest.mark.parametrize("kind", TABLES)
def test_rows_made_in_bulk_are_in_the_law_log(kind):
    make, _, scope = TABLES[kind]
    row = make()
    news(kind)

    by_bulk_create(row, None, None)

    assert news(kind)[-1] == scope(row)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", VERSIONED)
def test_an_approved_version_is_never_changed_or_deleted_in_any_way(kind, way):
    make, (column, value), _ = VERSIONED[kind]
    row = make()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        way(row, column, value)


@pytest.mark.parametrize("kind", sorted(PROPOSED))
def test_a_proposal_is_no_law_until_it_is_approved(kind):
    make, _, scope = (TABLES | VERSIONED)[kind]
    row = make(prepared_by=UserFactory(), approved_by=None, approved_at=None)
    assert scope(row) not in news(kind)

    approve(row, by=UserFactory(), at=AT)

    assert news(kind) == [scope(row)]


MOVES = {
    "consent": (ConsentFactory, "person", PersonFactory, "person_id"),
    "block": (BlockFactory, "customer", CustomerFactory, "customer_id"),
    "watch": (WatchFactory, "stream", StreamFactory, "stream_id"),
    "personfacts": (protected, "person", PersonFactory, "person_id"),
}


@pytest.mark.parametrize("kind", MOVES)
def test_a_row_that_moves_is_news_where_it_came_from_and_where_it_went(kind):
    make, relation, target, column = MOVES[kind]
    row, other = make(), target(**{"known": None} if target is PersonFactory else {})
    before = getattr(row, f"{relation}_id")
    news(kind)

    setattr(row, relation, other)
    row.save()

    assert {scope[column] for scope in news(kind)} == {before, other.pk}


def test_a_block_on_a_benefit_alone_has_that_benefit_as_its_scope():
    BlockFactory(customer=None, benefit="FK:SJP")

    assert news("block") == [{"benefit": "FK:SJP"}]


def test_protection_set_and_lifted_are_law_and_ordinary_facts_are_not():
    facts = PersonFactsFactory()
    assert news("personfacts") == []

    facts.name = "Karin Ek"
    facts.save()
    assert news("personfacts") == []

    for protection in (Protection.REGISTRATION, Protection.NONE):
        facts.protection = protection
        facts.save()
        assert news("personfacts") == [{"person_id": facts.person_id}]

    facts.delete()
    assert news("personfacts") == []

"""That a test leaves nothing to the one after it: a transactional one the database as migrations made it."""

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import translation

from deliveries.models import Disclosure
from subscriptions.models import LegalBasis
from tests.conftest import asks_a_database
from tests.factories import DisclosureFactory


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_rows_go_and_the_triggers_and_legal_bases_stay(time):
    assert LegalBasis.objects.filter(code="KOM-SOC").exists()
    assert not Disclosure.objects.exists()
    DisclosureFactory()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Disclosure.objects.all().delete()


@pytest.mark.parametrize("time", ["first", "second"])
def test_each_test_begins_in_the_language_of_the_product(time):
    assert translation.get_language() == settings.LANGUAGE_CODE
    translation.activate("en")


def test_what_asks_no_database_is_told_from_what_does(request):
    assert not asks_a_database(request.node)


def test_a_fixture_that_asks_is_enough(request, member):
    assert asks_a_database(request.node)


@pytest.mark.django_db
def test_a_mark_is_enough(request):
    assert asks_a_database(request.node)

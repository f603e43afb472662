"""That a transactional test leaves the database as migrations made it."""

import pytest
from django.db import DatabaseError, transaction

from deliveries.models import Disclosure
from subscriptions.models import LegalBasis
from tests.factories import DisclosureFactory


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("time", ["first", "second"])
def test_rows_go_and_the_triggers_and_legal_bases_stay(time):
    assert LegalBasis.objects.filter(code="KOM-SOC").exists()
    assert not Disclosure.objects.exists()
    DisclosureFactory()

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Disclosure.objects.all().delete()

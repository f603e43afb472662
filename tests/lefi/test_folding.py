"""What a search takes to be the same text, in Python and in either database."""

import pytest
from django.db import connection

from lefi.folding import LETTERS, PLAIN, fold
from subscriptions.models import Customer
from tests.factories import CustomerFactory


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ängelholm", "angelholm"),
        ("ÅÄÖ åäö", "aao aao"),
        ("Élodie Ødegård", "elodie odegard"),
        ("SOC-1 100 %", "soc-1 100 %"),
        ("ß 北", "ß 北"),
        ("", ""),
    ],
)
def test_case_and_the_marks_of_letters_are_folded_and_nothing_else(text, folded):
    assert fold(text) == folded


def test_each_letter_has_one_plain_letter():
    assert len(LETTERS) == len(PLAIN) == len(set(LETTERS))
    assert fold(PLAIN) == PLAIN


@pytest.mark.django_db
@pytest.mark.parametrize("sought", ["ängel", "ÄNGEL", "angel", "Ängelholm"])
def test_the_database_finds_a_name_however_it_is_written(sought):
    CustomerFactory(name="Ängelholms kommun")
    CustomerFactory(name="Malmö kommun")

    assert Customer.objects.get(name__folded__contains=fold(sought)).name == "Ängelholms kommun"


@pytest.mark.django_db
def test_the_database_folds_as_python_does():
    with connection.cursor() as cursor:
        cursor.execute("SELECT lefi_fold(%s), lefi_fold(NULL)", [LETTERS])
        assert cursor.fetchone() == (PLAIN, None)

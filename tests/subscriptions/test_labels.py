"""What codes are called, and in what order."""

from django.utils import translation

from subscriptions import labels


def test_field_classes_stand_in_the_catalogues_order_and_unknown_ones_last():
    assert labels.class_names(["x", "amount", "identity"]) == "Identitet, Belopp, x"


def test_names_follow_the_readers_language():
    with translation.override("en"):
        assert labels.class_name("amount") == "Amount"
        assert labels.purpose_name("socialtjanst") == "Social services"
        assert labels.kind_name("socialnamnd") == "Social welfare board"

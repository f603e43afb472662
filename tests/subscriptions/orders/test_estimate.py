"""The size of a first delivery is that of as many average persons: it is the same whoever the order is on."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from subscriptions.answers import Answer
from subscriptions.orders import estimate
from subscriptions.orders.estimate import expected
from tests.factories import (
    BENEFIT,
    BenefitPeriodFactory,
    OrderFactory,
    OrderLineFactory,
    PersonFactory,
    identity_number,
)

pytestmark = pytest.mark.django_db
OLD, YOUNG = identity_number(1), identity_number(2)


@pytest.fixture
def means(monkeypatch):
    """What an average person's benefits weigh, by code."""
    means = {BENEFIT: 1000.0, "FK:FP": 0.5}
    monkeypatch.setattr(estimate, "bytes_a_person", lambda: means)
    return means


@pytest.fixture
def order():
    return OrderFactory(aim="preview")


def line(order, **said):
    return OrderLineFactory(order=order, answer=said.pop("answer", Answer.ACCEPTED), watch=None, **said)


def test_what_would_be_told_whole_is_counted(order, means):
    for number, benefit, answer in (
        (OLD, BENEFIT, Answer.ACCEPTED),
        (OLD, "FK:FP", Answer.NUMBER_REPLACED),
        (YOUNG, BENEFIT, Answer.REFRESH_ORDERED),
        (identity_number(3), BENEFIT, Answer.ALREADY_WATCHED),
        (identity_number(4), BENEFIT, Answer.CANCELLED),
        (YOUNG[:11], BENEFIT, Answer.NUMBER_INVALID),
    ):
        line(order, number=number, benefit=benefit, answer=answer)
    line(OrderFactory(), number=identity_number(5))

    said = expected(order)

    assert (said["watches"], said["persons"]) == (3, 2)


def test_the_size_is_of_the_document_its_persons_its_watches_and_average_content(order, means):
    for number in range(1000):
        line(order, number=identity_number(number))
    of_each = estimate.PERSON + estimate.WATCH + estimate.MARKUP * 1000

    assert expected(order)["bytes"] == pytest.approx(estimate.DOCUMENT + 1000 * of_each, rel=0.05)


def test_the_size_is_said_to_two_digits(order, means):
    line(order, number=OLD)

    assert expected(order)["bytes"] == 2800


def test_a_benefit_that_nobody_has_weighs_nothing_but_its_status(order, means):
    line(order, number=OLD, benefit="FK:GP")

    assert expected(order)["bytes"] == 1600


def test_who_they_are_makes_no_difference(order, means):
    known, other = PersonFactory(), OrderFactory(aim="preview")
    BenefitPeriodFactory.create_batch(5, person=known)
    line(order, number=known.first_number)
    line(other, number=YOUNG)

    assert expected(order) == expected(other)


def test_an_order_that_opens_nothing_is_no_larger_than_an_empty_delivery(order, means):
    line(order, number=OLD, answer=Answer.NOT_WATCHED)

    assert expected(order) == {"watches": 0, "persons": 0, "bytes": estimate.DOCUMENT}


def test_too_small_a_register_leaves_the_size_unsaid(order):
    line(order, number=OLD)

    assert expected(order) == {"watches": 1, "persons": 1, "bytes": None}


def test_the_queries_do_not_grow_with_the_lines(order, means):
    def asked():
        with CaptureQueriesContext(connection) as queries:
            expected(order)
        return len(queries)

    line(order, number=OLD)
    few = asked()
    for number in range(10, 30):
        line(order, number=identity_number(number))

    assert asked() == few == 2

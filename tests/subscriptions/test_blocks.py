"""Emergency blocks: set at once by one, lifted by another (R19)."""

from datetime import timedelta

import pytest
from django.db import transaction

from lefi.audit.models import AuditEvent
from lefi.errors import Refused
from subscriptions.blocks import lift_block, set_block
from subscriptions.models import Block, LawChange
from tests.factories import AT, BASIS, BENEFIT, AgreementFactory, BlockFactory, CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db

SUSPECTED = Block.Ground.SUSPECTED_RECIPIENT
WHY = "Felet är rättat."


@pytest.fixture
def officer():
    return UserFactory(is_superuser=True)


def refusal(act, **arguments):
    with pytest.raises(Refused) as caught, transaction.atomic():
        act(**arguments)
    return caught.value.code


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ({}, "BLOCK_STOPS_NOTHING"),
        ({"basis_code": BASIS, "ground": SUSPECTED}, "BLOCK_WITHOUT_RECIPIENT"),
        ({"benefit": BENEFIT, "ground": SUSPECTED}, "BLOCK_WITHOUT_RECIPIENT"),
        ({"benefit": BENEFIT, "reason": ""}, "REASON_MISSING"),
        ({"benefit": BENEFIT, "reason": "19900101-2385 har hört av sig."}, "REASON_NAMES_A_PERSON"),
    ],
)
def test_a_block_that_stops_nothing_or_does_not_say_whom_and_why_is_not_set(officer, names, code):
    block = Block(**{"reason": "Misstänkt intrång."} | names)

    assert refusal(set_block, block=block, by=officer, at=AT) == code
    assert not Block.objects.exists()


@pytest.mark.parametrize(
    "names",
    [
        lambda: {"customer": CustomerFactory()},
        lambda: {"agreement": AgreementFactory()},
        lambda: {"basis_code": BASIS},
        lambda: {"benefit": BENEFIT},
        lambda: {"agreement": AgreementFactory(), "ground": SUSPECTED},
    ],
)
def test_one_person_sets_a_block_and_it_is_logged(officer, names):
    block = set_block(block=Block(reason="Misstänkt intrång.", **names()), by=officer, at=AT)

    assert (block.set_by, block.set_at, block.lifted_at) == (officer, AT, None)
    assert LawChange.objects.filter(kind="block").count() == 1
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.details) == ("create", officer, {"ground": block.ground})


def test_who_set_a_block_does_not_lift_it_even_as_superuser(officer):
    block = BlockFactory(set_by=officer)

    assert refusal(lift_block, block=block, by=officer, at=AT, reason=WHY) == "BLOCK_SAME_PERSON"
    assert Block.objects.get().lifted_at is None


def test_a_block_is_not_lifted_without_a_reason(officer):
    assert refusal(lift_block, block=BlockFactory(), by=officer, at=AT, reason=" ") == "REASON_MISSING"
    assert Block.objects.get().lifted_at is None


def test_a_block_is_lifted_once(officer):
    block = BlockFactory(lifted_at=AT)

    assert refusal(lift_block, block=block, by=officer, at=AT + timedelta(days=1), reason=WHY) == "BLOCK_LIFTED"
    assert Block.objects.get().lifted_at == AT


@pytest.mark.parametrize("set_by", [UserFactory, lambda: None])
def test_another_lifts_a_block_with_a_reason_and_it_is_logged(officer, set_by):
    block = BlockFactory(set_by=set_by())

    lift_block(block=block, by=officer, at=AT, reason=WHY)

    assert block.lifted_at == AT
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.reason) == ("end", officer, WHY)
